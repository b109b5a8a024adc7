//! An item's size as DynamoDB counts it, from its JSON: it decides how many units a read or a write costs.
//!
//! Follows "DynamoDB item sizes and formats" and "read and write operations" of the service's developer guide.

use serde_json::{Map, Value};

/// An item: attribute names and typed values, `{"S": "…"}`.
pub(super) type Item = Map<String, Value>;

/// Bytes: the names and the values.
pub(super) fn bytes(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + value_bytes(value))
        .sum()
}

/// Write units: one for each started KB.
pub(super) fn write_units(bytes: usize) -> usize {
    bytes.div_ceil(1024).max(1)
}

/// Halves of read units: one for each started 4 KB, and two where the newest is asked for.
pub(super) fn read_halves(bytes: usize, consistent: bool) -> usize {
    bytes.div_ceil(4096).max(1) * if consistent { 2 } else { 1 }
}

fn value_bytes(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|typed| typed.iter().next()) else {
        return 0;
    };
    let text = || value.as_str().unwrap_or_default();
    let entries = || value.as_array().map(Vec::as_slice).unwrap_or_default();
    match kind.as_str() {
        "S" => text().len(),
        "N" => number_bytes(text()),
        "B" => base64_bytes(text()),
        "BOOL" | "NULL" => 1,
        // A list or a map costs three bytes, and each of its entries one more.
        "L" => {
            3 + entries()
                .iter()
                .map(|entry| 1 + value_bytes(entry))
                .sum::<usize>()
        }
        "M" => {
            let entries = value.as_object().map_or(0, |map| bytes(map) + map.len());
            3 + entries
        }
        "NS" => entries()
            .iter()
            .filter_map(Value::as_str)
            .map(number_bytes)
            .sum(),
        "BS" => entries()
            .iter()
            .filter_map(Value::as_str)
            .map(base64_bytes)
            .sum(),
        "SS" => entries()
            .iter()
            .filter_map(Value::as_str)
            .map(str::len)
            .sum(),
        _ => 0,
    }
}

/// One byte for two significant digits, one more, and one for a sign.
fn number_bytes(text: &str) -> usize {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits.div_ceil(2) + 1 + usize::from(text.starts_with('-'))
}

fn base64_bytes(text: &str) -> usize {
    text.trim_end_matches('=').len() * 3 / 4
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_and_values_count() {
        let cases = [
            (json!({"a": {"S": "héj"}}), 1 + 4),
            (json!({"a": {"N": "12345"}}), 1 + 4),
            (json!({"a": {"N": "-12345"}}), 1 + 5),
            (json!({"a": {"B": "AAECAw=="}}), 1 + 4),
            (json!({"a": {"BOOL": true}, "b": {"NULL": true}}), 4),
            (
                json!({"a": {"L": [{"S": "x"}, {"S": "yy"}]}}),
                1 + 3 + 2 + 3,
            ),
            (json!({"a": {"M": {"k": {"S": "v"}}}}), 1 + 3 + 1 + 2),
            (json!({"a": {"SS": ["x", "yy"]}}), 1 + 3),
        ];
        for (item, size) in cases {
            assert_eq!(bytes(item.as_object().expect("an item")), size, "{item}");
        }
    }

    #[test]
    fn units_are_started_blocks() {
        assert_eq!([0, 1, 1024, 1025].map(write_units), [1, 1, 1, 2]);
        let read = |bytes| (read_halves(bytes, false), read_halves(bytes, true));
        assert_eq!([read(0), read(4096), read(4097)], [(1, 2), (1, 2), (2, 4)]);
    }
}
