//! Reads a settings document strictly and reports everything that is wrong with it at once.

use std::{collections::BTreeMap, fmt};

use jiff::tz::TimeZone;
use loyalty::Kind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One thing wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Where: keys joined by dots, such as `destinations.rule.tags`.
    pub path: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// One object of a document. Each key that is asked for is taken out; what is left at the end nobody knows.
pub struct Section<'a> {
    path: String,
    keys: Map<String, Value>,
    known: Vec<&'static str>,
    faults: &'a mut Vec<Fault>,
}

impl<'a> Section<'a> {
    /// The document itself.
    pub fn root(document: Value, faults: &'a mut Vec<Fault>) -> Self {
        Self::of(String::new(), document, faults)
    }

    fn of(path: String, value: Value, faults: &'a mut Vec<Fault>) -> Self {
        let keys = match value {
            Value::Object(keys) => keys,
            other => {
                let place = if path.is_empty() {
                    "the document".to_owned()
                } else {
                    path.clone()
                };
                faults.push(Fault {
                    path: place,
                    message: format!("must be an object, not {}", form(&other)),
                });
                Map::new()
            }
        };
        Self {
            path,
            keys,
            known: Vec::new(),
            faults,
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.keys.remove(key).filter(|value| !value.is_null())
    }

    /// Reports a fault at one of this section's keys.
    pub fn fault(&mut self, key: &str, message: impl Into<String>) {
        let key = if key.is_empty() { "\"\"" } else { key };
        let path = self.path_of(key);
        self.faults.push(Fault {
            path,
            message: message.into(),
        });
    }

    /// A key's value as one type; a fault names the type when it is another.
    fn typed<T>(
        &mut self,
        key: &'static str,
        what: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.take(key)?;
        let read = read(&value);
        if read.is_none() {
            self.fault(key, format!("must be {what}, not {}", form(&value)));
        }
        read
    }

    /// Optional text, which may not be empty.
    pub fn text(&mut self, key: &'static str) -> Option<String> {
        self.typed(key, "text that is not empty", |value| {
            value
                .as_str()
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(ToOwned::to_owned)
        })
    }

    /// Required text. Empty text stands in when it is missing, and the fault is reported.
    pub fn required_text(&mut self, key: &'static str) -> String {
        let missing = self.keys.get(key).is_none_or(Value::is_null);
        let text = self.text(key);
        if missing {
            self.fault(key, "is missing");
        }
        text.unwrap_or_default()
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str, default: bool) -> bool {
        self.typed(key, "true or false", Value::as_bool)
            .unwrap_or(default)
    }

    /// A whole number.
    pub fn whole(&mut self, key: &'static str) -> Option<i64> {
        self.typed(key, "a whole number", Value::as_i64)
    }

    /// One of a few words.
    pub fn one_of<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)], default: T) -> T {
        let Some(text) = self.text(key) else {
            return default;
        };
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            self.fault(key, one_of(&text, words));
        }
        found.map_or(default, |(_, value)| *value)
    }

    /// An IANA time zone such as `Europe/Oslo`.
    pub fn time_zone(&mut self, key: &'static str) -> Option<TimeZone> {
        let name = self.text(key)?;
        let zone = TimeZone::get(&name).ok();
        if zone.is_none() {
            self.fault(
                key,
                format!("`{name}` is no IANA time zone such as Europe/Oslo"),
            );
        }
        zone
    }

    /// A list of kinds.
    pub fn kinds(&mut self, key: &'static str) -> Vec<Kind> {
        let Some(values) = self.typed(key, "a list of kinds", |value| value.as_array().cloned())
        else {
            return Vec::new();
        };
        let mut kinds = Vec::new();
        for value in values {
            match value.as_str().unwrap_or_default().parse::<Kind>() {
                Ok(kind) => kinds.push(kind),
                Err(error) => self.fault(key, error.to_string()),
            }
        }
        kinds
    }

    /// A list of a few words.
    pub fn words<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Vec<T> {
        self.texts(key, |text| word(&Value::from(text), words))
    }

    /// A list of texts, each read by `read`, which says what would be right.
    pub fn texts<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let values = self.typed(key, "a list of texts", |value| value.as_array().cloned());
        let mut texts = Vec::new();
        for (place, value) in values.into_iter().flatten().enumerate() {
            match read(value.as_str().unwrap_or_default().trim()) {
                Ok(text) => texts.push(text),
                Err(message) => self.fault(&format!("{key}.{place}"), message),
            }
        }
        texts
    }

    /// An object from names to values, each read by `read`, which says what would be right.
    pub fn map<K: Ord, T>(
        &mut self,
        key: &'static str,
        name: impl Fn(&str) -> Result<K, String>,
        read: impl Fn(&Value) -> Result<T, String>,
    ) -> BTreeMap<K, T> {
        let Some(entries) = self.typed(key, "an object", |value| value.as_object().cloned()) else {
            return BTreeMap::new();
        };
        let mut map = BTreeMap::new();
        for (entry, value) in entries {
            match (name(&entry), read(&value)) {
                (Ok(name), Ok(value)) => {
                    map.insert(name, value);
                }
                (name, value) => {
                    let at = format!("{key}.{entry}");
                    for message in [name.err(), value.err()].into_iter().flatten() {
                        self.fault(&at, message);
                    }
                }
            }
        }
        map
    }

    /// An object from kinds to values.
    pub fn kind_map<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Value) -> Result<T, String>,
    ) -> BTreeMap<Kind, T> {
        self.map(
            key,
            |name| {
                name.parse()
                    .map_err(|error: loyalty::UnknownKind| error.to_string())
            },
            read,
        )
    }

    /// A section below this one, when it is there.
    pub fn section(&mut self, key: &'static str) -> Option<Section<'_>> {
        let value = self.take(key)?;
        Some(Section::of(self.path_of(key), value, self.faults))
    }

    /// A section of any names, each with a section below it.
    pub fn sections<T>(
        &mut self,
        key: &'static str,
        gather: impl Fn(Section) -> T,
    ) -> BTreeMap<String, T> {
        let named = self.typed(key, "an object", |value| value.as_object().cloned());
        let named = named.into_iter().flatten();
        let gathered = named.map(|(name, value)| {
            let path = self.path_of(&format!("{key}.{name}"));
            (name, gather(Section::of(path, value, self.faults)))
        });
        gathered.collect()
    }

    /// A list of sections.
    pub fn list<T>(&mut self, key: &'static str, gather: impl Fn(Section) -> T) -> Vec<T> {
        let values = self.typed(key, "a list", |value| value.as_array().cloned());
        let values = values.into_iter().flatten().enumerate();
        let gathered = values.map(|(place, value)| {
            let path = self.path_of(&format!("{key}.{place}"));
            gather(Section::of(path, value, self.faults))
        });
        gathered.collect()
    }

    /// A whole number from `least` to `most`.
    pub fn within(&mut self, key: &'static str, (least, most): (i64, i64), default: i64) -> i64 {
        let Some(number) = self.whole(key) else {
            return default;
        };
        if !(least..=most).contains(&number) {
            self.fault(key, format!("must be from {least} to {most}"));
        }
        number.clamp(least, most)
    }

    /// Whether a key is there.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.keys.get(key).is_some_and(|value| !value.is_null())
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// Reports every key that nobody asked for.
    pub fn finish(mut self) {
        let known = self.known.join(", ");
        for key in std::mem::take(&mut self.keys).keys() {
            self.fault(key, format!("is not known here; known are {known}"));
        }
    }
}

/// One of a few words.
pub(crate) fn word<T: Copy>(value: &Value, words: &[(&str, T)]) -> Result<T, String> {
    let text = value.as_str().unwrap_or_default();
    let found = words.iter().find(|(word, _)| *word == text);
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| one_of(text, words))
}

/// The fault of a word that is none of a few.
pub(crate) fn one_of<T>(text: &str, words: &[(&str, T)]) -> String {
    let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
    format!("`{text}` is none of {}", words.join(", "))
}

fn form(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
