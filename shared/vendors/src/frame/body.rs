//! Reads a vendor's body leniently: any key may be missing or null, numbers may be text.

use loyalty::{Email, Moment, Private, Says};
use rust_decimal::Decimal;
use serde_json::Value;

/// The most characters of any text. What vendors write is far shorter; a text without bound would outgrow a row of the
/// table, and with it everything else that is known of a member.
const LONGEST: usize = 4_000;

/// The most characters of an id. A longer one is none.
const LONGEST_ID: usize = 200;

/// A place in a body, which may not be there.
#[derive(Clone, Copy)]
pub(crate) struct At<'a>(Option<&'a Value>);

impl<'a> At<'a> {
    pub(crate) fn root(body: &'a Value) -> Self {
        Self(Some(body))
    }

    pub(crate) fn nowhere() -> Self {
        Self(None)
    }

    pub(crate) fn at(self, key: &str) -> Self {
        Self(
            self.0
                .and_then(|value| value.get(key))
                .filter(|value| !value.is_null()),
        )
    }

    /// The first of two places that is there.
    pub(crate) fn or(self, other: Self) -> Self {
        if self.0.is_some() { self } else { other }
    }

    /// Whether a key is there, also where it is null.
    pub(crate) fn has(self, key: &str) -> bool {
        self.0.is_some_and(|value| value.get(key).is_some())
    }

    /// The value itself.
    pub(crate) fn value(self) -> Option<&'a Value> {
        self.0
    }

    pub(crate) fn is_object(self) -> bool {
        self.0.is_some_and(Value::is_object)
    }

    /// An object, or nothing: a string where an object belongs is treated as absent.
    pub(crate) fn object(self) -> Option<Self> {
        self.is_object().then_some(self)
    }

    /// Whether the key is there and null, which says "none" where the vendor documents null as a value.
    fn is_null(self, key: &str) -> bool {
        self.0
            .and_then(|value| value.get(key))
            .is_some_and(Value::is_null)
    }

    /// Text; a number is taken as its digits. Empty text is no text.
    pub(crate) fn text(self, key: &str) -> Option<String> {
        match self.at(key).0? {
            Value::String(text) if !text.trim().is_empty() => Some(cut(text)),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// An id of the source's.
    pub(crate) fn id(self, key: &str) -> Option<String> {
        self.text(key).filter(|id| id.chars().count() <= LONGEST_ID)
    }

    pub(crate) fn private(self, key: &str) -> Option<Private> {
        self.text(key).map(Private::from)
    }

    /// A whole number, given as a number or as text. A fraction of nothing (`700.0`) is whole.
    pub(crate) fn int(self, key: &str) -> Option<i64> {
        if let Some(whole) = self.at(key).0.and_then(Value::as_i64) {
            return Some(whole);
        }
        let decimal = self.decimal(key)?;
        if decimal.fract().is_zero() {
            decimal.trunc().try_into().ok()
        } else {
            None
        }
    }

    pub(crate) fn decimal(self, key: &str) -> Option<Decimal> {
        let text = self.text(key)?;
        let text = text.trim();
        text.parse()
            .or_else(|_| Decimal::from_scientific(text))
            .ok()
    }

    /// `true` or `false`, given as such or as text or as 1 and 0.
    pub(crate) fn flag(self, key: &str) -> Option<bool> {
        if let Some(flag) = self.at(key).0.and_then(Value::as_bool) {
            return Some(flag);
        }
        match self.text(key)?.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    pub(crate) fn moment(self, key: &str) -> Option<Moment> {
        self.text(key)?.parse().ok()
    }

    pub(crate) fn email(self, key: &str) -> Option<Email> {
        Email::parse(&self.text(key)?).ok()
    }

    /// What a key says where null means that there is none.
    pub(crate) fn says<T>(self, key: &str, read: impl Fn(Self, &str) -> Option<T>) -> Says<T> {
        if self.is_null(key) {
            Says::None
        } else {
            read(self, key).into()
        }
    }
}

fn cut(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_values_are_absent_and_never_an_error() {
        let body = serde_json::json!({
            "number": 700, "text": "700", "float": 700.0, "half": "1.50", "words": "many", "null": null, "empty": " ",
            "object": {}, "list": [1], "yes": true, "no": "FALSE", "huge": 1e30, "day": "2026-12-31", "never": "soon",
        });
        let at = At::root(&body);
        let ints: Vec<_> = [
            "number", "text", "float", "half", "words", "null", "empty", "object", "list", "yes",
            "huge", "missing",
        ]
        .iter()
        .map(|key| at.int(key))
        .collect();
        let mut expected = vec![Some(700), Some(700), Some(700)];
        expected.resize(12, None);
        assert_eq!(ints, expected);
        assert_eq!(at.decimal("half").unwrap().normalize().to_string(), "1.5");
        assert_eq!(
            (at.flag("yes"), at.flag("no"), at.flag("words")),
            (Some(true), Some(false), None)
        );
        assert!(
            at.moment("day").is_some()
                && at.moment("never").is_none()
                && at.moment("number").is_none()
        );
        assert_eq!(at.says("null", At::int), Says::None);
        assert_eq!(at.says("missing", At::int), Says::Nothing);
        assert_eq!(at.says("words", At::int), Says::Nothing);
        assert!(at.at("text").object().is_none());
    }
}
