//! Changes examples: as bytes, and as the JSON that they are.

use serde_json::{Map, Value, json};

/// What breaks readers: values at the edge of their type, of another type, or that only look like what they are.
const TEXTS: [&str; 22] = [
    "null",
    "true",
    "-0",
    "1e400",
    "-1e-400",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "0.1",
    "\"\"",
    "\" \"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\ufffe\\uffff\"",
    "\"9999-12-31T23:59:59Z\"",
    "\"-009999-01-01\"",
    "\"2026-02-30\"",
    "\"kari@example.com\"",
    "\"KARI@EXAMPLE.COM \"",
    "[]",
    "{}",
    "[[{\"completed_referral_customers\":[{\"email\":\"x@example.com\"}]}]]",
];

/// Makes one case after the other; the same for the same seed.
pub(crate) struct Changer {
    state: u64,
    examples: Vec<Vec<u8>>,
    /// Keys and leaves of all examples.
    keys: Vec<String>,
    leaves: Vec<Value>,
}

impl Changer {
    pub(crate) fn new(seed: u64, examples: Vec<Vec<u8>>) -> Self {
        let (mut keys, mut leaves) = (
            vec!["completed_referral_customers".to_owned()],
            vec![json!(0)],
        );
        for example in &examples {
            if let Ok(value) = serde_json::from_slice(example) {
                gather(&value, &mut keys, &mut leaves);
            }
        }
        keys.sort();
        keys.dedup();
        Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            examples,
            keys,
            leaves,
        }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 33).unwrap() % limit.max(1)
    }

    /// The next case.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        let example = self.below(self.examples.len());
        let mut bytes = self.examples[example].clone();
        if self.below(4) > 0
            && let Ok(mut value) = serde_json::from_slice::<Value>(&bytes)
        {
            for _ in 0..=self.below(4) {
                self.change_value(&mut value, 0);
            }
            bytes = value.to_string().into_bytes();
        }
        if self.below(2) == 0 {
            for _ in 0..=self.below(3) {
                self.change_bytes(&mut bytes);
            }
        }
        bytes
    }

    /// Changes a value somewhere inside.
    fn change_value(&mut self, value: &mut Value, depth: usize) {
        let size = match value {
            Value::Object(all) => all.len(),
            Value::Array(all) => all.len(),
            _ => 0,
        };
        if size > 0 && (depth == 0 || self.below(3) > 0) && self.below(5) > 0 {
            let place = self.below(size);
            let inner = match value {
                Value::Object(all) => all.values_mut().nth(place),
                Value::Array(all) => all.get_mut(place),
                _ => None,
            };
            return self.change_value(inner.unwrap(), depth + 1);
        }
        let key = self.below(self.keys.len());
        let key = self.keys[key].clone();
        let leaf = self.below(self.leaves.len());
        let leaf = self.leaves[leaf].clone();
        match (self.below(8), &mut *value) {
            (0, Value::Object(all)) => {
                let gone = self.below(size);
                let gone = all.keys().nth(gone).cloned();
                gone.and_then(|gone| all.remove(&gone));
            }
            (1 | 2, Value::Object(all)) => {
                all.insert(key, leaf);
            }
            (1 | 2, Value::Array(all)) => all.push(leaf),
            (3, _) => {
                let text = TEXTS[self.below(TEXTS.len())];
                *value = serde_json::from_str(text).unwrap_or_default();
            }
            (4, _) => *value = Value::Object(Map::from_iter([(key, value.take())])),
            (5, _) => *value = json!([value.take()]),
            (6, Value::String(text)) => *text = text.repeat(1 + self.below(300)),
            (6, Value::Number(_)) => *value = json!(value.to_string()),
            _ => *value = leaf,
        }
    }

    fn change_bytes(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        let end = (at + self.below(20)).min(bytes.len());
        match self.below(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let copied = bytes[at..end].to_vec();
                bytes.splice(at..at, copied);
            }
            3 => {
                let other = self.below(self.examples.len());
                let other = self.examples[other].clone();
                let from = self.below(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            4 => {
                // In the place of a whole value, so that the rest stays what it is.
                let text = TEXTS[self.below(TEXTS.len())].as_bytes();
                let from = bytes[at..].iter().position(|byte| *byte == b':');
                let from = from.map_or(at, |place| at + place + 1);
                let length = bytes[from.min(bytes.len())..]
                    .iter()
                    .position(|byte| b",}".contains(byte));
                let to = length.map_or(from, |length| from + length);
                bytes.splice(from..to, text.iter().copied());
            }
            _ => {
                let deep = self.below(200);
                let brackets = [vec![b'['; deep], vec![b']'; deep]].concat();
                bytes.splice(at..at, brackets);
            }
        }
    }
}

fn gather(value: &Value, keys: &mut Vec<String>, leaves: &mut Vec<Value>) {
    match value {
        Value::Object(all) => {
            keys.extend(all.keys().cloned());
            all.values().for_each(|value| gather(value, keys, leaves));
        }
        Value::Array(all) => all.iter().for_each(|value| gather(value, keys, leaves)),
        leaf => leaves.push(leaf.clone()),
    }
}
