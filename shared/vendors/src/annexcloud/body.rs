//! Reads Annex Cloud's answers leniently: numbers and dates in several forms, words in any case, keys under two names.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use loyalty::{DayOfYear, Moment, Private};
use rust_decimal::Decimal;
use serde_json::Value;

pub(super) use crate::frame::body::At;

/// The most keys of its own that a site's members are read with: without a bound they would outgrow a row of the table.
const MOST_ATTRIBUTES: usize = 100;

impl<'a> At<'a> {
    /// What an answer is about: it stands under `Data` or `data`, or is the answer itself.
    pub(super) fn unwrapped(self) -> Self {
        let inner = self
            .at("Data")
            .object()
            .or_else(|| self.at("data").object());
        inner.unwrap_or(self)
    }

    /// A person's id. Dots alone are none: in a path they would lead elsewhere.
    pub(super) fn person_id(self, key: &str) -> Option<String> {
        let id = self.id(key)?.trim().to_owned();
        id.bytes().any(|byte| byte != b'.').then_some(id)
    }

    /// ASSUMED `annexcloud-whole-points`: points that can be spent are whole; what is left over is cut off.
    pub(super) fn points(self, key: &str) -> Option<i64> {
        self.decimal(key)
            .and_then(|points: Decimal| points.trunc().try_into().ok())
    }

    /// A day or an instant. Annex Cloud writes offsets without a colon, which few others read.
    pub(super) fn when(self, key: &str) -> Option<Moment> {
        let text = self.text(key)?;
        let text = text.trim();
        text.parse().ok().or_else(|| {
            Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text)
                .ok()
                .map(Moment::Instant)
        })
    }

    /// The calendar day as it is written: an offset must not move a birthday.
    pub(super) fn written_day(self, key: &str) -> Option<DayOfYear> {
        let text = self.text(key)?;
        let day = text.trim().get(..10)?;
        day.parse::<Date>().ok().map(DayOfYear::from)
    }

    /// One of two words, in any case.
    pub(super) fn word(self, key: &str, yes: &str, no: &str) -> Option<bool> {
        let text = self.text(key)?;
        let is = |word: &str| text.trim().eq_ignore_ascii_case(word);
        (is(yes) || is(no)).then(|| is(yes))
    }

    /// A site's own keys: an object, a list of objects, or an empty list in place of nothing. None where there are none
    /// to speak of.
    pub(super) fn attributes(self, key: &str) -> Option<BTreeMap<String, Private>> {
        let objects: Vec<&'a Value> = match self.at(key).value()? {
            Value::Array(list) => list.iter().collect(),
            object @ Value::Object(_) => vec![object],
            _ => return None,
        };
        let mut attributes = BTreeMap::new();
        for object in objects {
            let at = At::root(object);
            for name in object.as_object().into_iter().flat_map(|keys| keys.keys()) {
                if let Some(value) = at.shown(name)
                    && attributes.len() < MOST_ATTRIBUTES
                {
                    attributes.insert(name.clone(), value.into());
                }
            }
        }
        Some(attributes)
    }

    /// Text, a number, or a flag as text.
    fn shown(self, key: &str) -> Option<String> {
        let flag = || self.flag(key).map(|flag| flag.to_string());
        self.text(key).or_else(flag)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_moment_is_read_in_every_form_that_is_in_use() {
        for (text, expected) in [
            ("2026-04-01T14:00:00-0700", Some("2026-04-01T21:00:00Z")),
            ("2026-12-31T05:30:00+0000", Some("2026-12-31T05:30:00Z")),
            (
                "2026-04-01T14:00:00.250+0200",
                Some("2026-04-01T12:00:00.25Z"),
            ),
            ("2026-04-01T14:00:00-07:00", Some("2026-04-01T21:00:00Z")),
            ("2026-04-01T14:00:00Z", Some("2026-04-01T14:00:00Z")),
            (" 2026-04-01 ", Some("2026-04-01")),
            ("2026-04-01T14:00:00", None),
            ("0000-00-00T00:00:00+0000", None),
            ("01/04/2026", None),
            ("soon", None),
            ("", None),
        ] {
            let body = json!({"at": text});
            let read = At::root(&body).when("at").map(|moment| moment.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_birthday_is_the_day_that_is_written() {
        for (text, expected) in [
            ("1990-04-01T00:00:00+0000", Some("1990-04-01")),
            ("1990-04-01T23:59:59-1200", Some("1990-04-01")),
            ("1990-04-01", Some("1990-04-01")),
            ("0000-00-00T00:00:00+0000", None),
            ("1990-02-30", None),
            ("1990-4-1", None),
            ("\u{2460}990-04-01", None),
        ] {
            let body = json!({"at": text});
            let read = At::root(&body).written_day("at").map(String::from);
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn points_and_words_are_read_in_every_form() {
        let body = json!({
            "text": "5120", "number": 5120, "half": "5120.50", "float": 5120.0, "none": "", "null": null, "word": "many",
            "negative": "-12.9", "huge": "1e40", "in": "yes", "out": "No ", "odd": "maybe",
        });
        let at = At::root(&body);
        for key in ["text", "number", "half", "float"] {
            assert_eq!(at.points(key), Some(5120), "{key}");
        }
        assert_eq!(at.points("negative"), Some(-12));
        for key in ["none", "null", "word", "huge", "missing"] {
            assert_eq!(at.points(key), None, "{key}");
        }
        let words = ["in", "out", "odd", "missing"].map(|key| at.word(key, "YES", "NO"));
        assert_eq!(words, [Some(true), Some(false), None, None]);
    }

    #[test]
    fn a_sites_own_keys_come_in_three_forms() {
        let expected: BTreeMap<String, Private> =
            [("size", "42"), ("store", "Berlin"), ("vip", "true")]
                .map(|(name, value)| (name.to_owned(), value.into()))
                .into();
        for attributes in [
            json!({"store": "Berlin", "size": 42, "vip": true, "list": [1], "none": null}),
            json!([{"store": "Berlin"}, {"size": 42}, {"vip": true}, "odd", 3]),
        ] {
            let body = json!({"extendedAttribute": attributes});
            let read = At::root(&body).attributes("extendedAttribute");
            assert_eq!(read.as_ref(), Some(&expected), "{attributes}");
        }
        let read = |body: Value| At::root(&body).attributes("extendedAttribute");
        assert_eq!(
            read(json!({"extendedAttribute": []})),
            Some(BTreeMap::new())
        );
        assert_eq!(read(json!({"extendedAttribute": "none"})), None);
        assert_eq!(read(json!({})), None);
        let many: serde_json::Map<String, Value> =
            (0..200).map(|i| (format!("key {i}"), json!(i))).collect();
        let many = read(json!({"extendedAttribute": many})).unwrap();
        assert_eq!(many.len(), MOST_ATTRIBUTES);
    }

    #[test]
    fn an_answer_may_be_wrapped() {
        for body in [
            json!({"id": "ada"}),
            json!({"Data": {"id": "ada"}}),
            json!({"data": {"id": "ada"}}),
            json!({"id": "ada", "data": "none"}),
        ] {
            let id = At::root(&body).unwrapped().text("id");
            assert_eq!(id.as_deref(), Some("ada"), "{body}");
        }
    }
}
