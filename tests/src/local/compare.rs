//! What should have arrived at Rule against what did, field by field.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::{paths, stores};
use crate::trouble::{Result, Saying, Trouble};

/// The field by which the product finds its own request again. The vendors' documents do not know it.
const MARKER: &str = "Bridge.LastEvent";

/// One row of `tests/expect/rule.json`, which is written from the vendors' documents.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The file in `events/yotpo/`.
    pub file: String,
    /// Its row in the list of Rule's own integration, if it has one.
    #[serde(rename = "row")]
    pub number: Option<u32>,
    /// The event's name there.
    pub event: String,
    /// Yotpo's topic.
    pub topic: String,
    /// What Yotpo is answered.
    pub answer: u16,
    /// What arrives at Rule; nothing, if empty.
    pub requests: Vec<Expected>,
    /// Why it is so.
    #[serde(default)]
    pub note: String,
}

/// One request as it must arrive.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The person.
    pub email: String,
    /// The tags, in any order.
    pub tags: BTreeSet<String>,
    /// `"reset"`, `"force"` or `false`.
    pub automation: Value,
    /// `false`, or absent.
    pub sync_subscribers: Value,
    /// Every field with its value and type.
    pub fields: BTreeMap<String, Field>,
    /// `true`, or absent.
    #[serde(default)]
    pub require_opt_in: Value,
}

/// A field's value and type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The value.
    pub value: String,
    /// The type.
    #[serde(rename = "type")]
    pub kind: String,
}

/// The table, which must name every event file and no other.
///
/// # Errors
/// The table cannot be read, or it and the events do not fit together.
pub fn table() -> Result<Vec<Row>> {
    let file = paths::root().join("tests/expect/rule.json");
    let rows: Vec<Row> = serde_json::from_value(stores::document(&file)?)
        .saying(format!("{} is no table", file.display()))?;
    let folder =
        std::fs::read_dir(paths::root().join("events/yotpo")).saying("cannot read events/yotpo")?;
    let events: BTreeSet<String> = folder
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let named: BTreeSet<String> = rows.iter().map(|row| row.file.clone()).collect();
    match events.symmetric_difference(&named).next() {
        Some(odd) => Err(Trouble::new(format!(
            "{odd} stands in events/yotpo or in tests/expect/rule.json, but not in both"
        ))),
        None => Ok(rows),
    }
}

/// The tags of a body that arrived.
#[must_use]
pub fn tags(body: &Value) -> Vec<&str> {
    let tags = body["tags"].as_array().into_iter().flatten();
    tags.filter_map(Value::as_str).collect()
}

/// Everything that differs between what was expected and the bodies that arrived. Markers seen are added to `markers`;
/// one that was seen before is a difference.
pub fn differences(
    expected: &[Expected],
    arrived: &[Value],
    markers: &mut BTreeSet<String>,
) -> Vec<String> {
    let mut found = Vec::new();
    if expected.len() != arrived.len() {
        found.push(format!(
            "{} requests expected, {} arrived",
            expected.len(),
            arrived.len()
        ));
    }
    for (expected, body) in expected.iter().zip(arrived) {
        let mut differs = |what: &str, wanted: &dyn std::fmt::Debug, got: &dyn std::fmt::Debug| {
            found.push(format!("{what}: expected {wanted:?}, got {got:?}"));
        };
        let person = &body["subscribers"];
        if person["email"] != expected.email.as_str() {
            differs("email", &expected.email, &person["email"]);
        }
        let tags = tags(body);
        if tags.len() != expected.tags.len() || !tags.iter().all(|tag| expected.tags.contains(*tag))
        {
            differs("tags", &expected.tags, &tags);
        }
        let plain = [
            ("automation", &expected.automation),
            ("sync_subscribers", &expected.sync_subscribers),
            ("require_opt_in", &expected.require_opt_in),
            ("update_on_duplicate", &Value::Bool(true)),
        ];
        for (key, wanted) in plain {
            if body[key] != *wanted {
                differs(key, wanted, &body[key]);
            }
        }
        let mut fields = fields(person, &mut found);
        found.extend(marker(
            expected.automation != false,
            fields.remove(MARKER),
            markers,
        ));
        compare_fields(&expected.fields, &fields, &mut found);
    }
    found
}

fn fields(person: &Value, found: &mut Vec<String>) -> BTreeMap<String, Field> {
    let mut fields = BTreeMap::new();
    for field in person["fields"].as_array().into_iter().flatten() {
        let text = |key: &str| field[key].as_str().unwrap_or_default().to_owned();
        if fields
            .insert(
                text("key"),
                Field {
                    value: text("value"),
                    kind: text("type"),
                },
            )
            .is_some()
        {
            found.push(format!("{} came twice", text("key")));
        }
    }
    fields
}

fn marker(wanted: bool, field: Option<Field>, markers: &mut BTreeSet<String>) -> Option<String> {
    match (wanted, field) {
        (false, None) => None,
        (false, Some(_)) => Some(format!("{MARKER} came although nothing may start")),
        (true, None) => Some(format!("{MARKER} is missing")),
        (true, Some(field)) if field.value.is_empty() => Some(format!("{MARKER} is empty")),
        (true, Some(field)) => {
            (!markers.insert(field.value)).then(|| format!("{MARKER} was used before"))
        }
    }
}

fn compare_fields(
    wanted: &BTreeMap<String, Field>,
    got: &BTreeMap<String, Field>,
    found: &mut Vec<String>,
) {
    for (key, field) in wanted {
        match got.get(key) {
            None => found.push(format!("{key} is missing; expected {:?}", field.value)),
            Some(other) if other != field => found.push(format!(
                "{key}: expected {:?} ({}), got {:?} ({})",
                field.value, field.kind, other.value, other.kind
            )),
            Some(_) => {}
        }
    }
    found.extend(
        got.keys()
            .filter(|key| !wanted.contains_key(*key))
            .map(|key| format!("{key} came unexpected")),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn expected() -> Expected {
        serde_json::from_value(json!({
            "email": "kari@example.com", "tags": ["PointsEarned", "Yotpo"], "automation": "reset", "sync_subscribers": null,
            "fields": {"Yotpo.StoreName": {"value": "Example Outdoor", "type": "text"}},
        }))
        .expect("a row")
    }

    fn arrived() -> Value {
        json!({
            "update_on_duplicate": true, "tags": ["Yotpo", "PointsEarned"], "automation": "reset",
            "subscribers": {"email": "kari@example.com", "fields": [
                {"key": "Yotpo.StoreName", "value": "Example Outdoor", "type": "text"},
                {"key": "Bridge.LastEvent", "value": "m1", "type": "text"},
            ]},
        })
    }

    fn found(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut body = arrived();
        change(&mut body);
        differences(
            &[expected()],
            &[body],
            &mut BTreeSet::from(["used".to_owned()]),
        )
    }

    #[test]
    fn the_same_is_the_same() {
        assert_eq!(found(|_| ()), Vec::<String>::new());
    }

    type Change = Box<dyn FnOnce(&mut Value)>;

    #[test]
    fn every_difference_is_seen() {
        let changes: Vec<(&str, Change)> = vec![
            (
                "email",
                Box::new(|b| b["subscribers"]["email"] = json!("ola@example.com")),
            ),
            (
                "tags",
                Box::new(|b| b["tags"] = json!(["PointsEarned", "yotpo"])),
            ),
            ("tags", Box::new(|b| b["tags"] = json!(["PointsEarned"]))),
            (
                "tags",
                Box::new(|b| b["tags"] = json!(["PointsEarned", "Yotpo", "More"])),
            ),
            ("automation", Box::new(|b| b["automation"] = json!("force"))),
            (
                "sync_subscribers",
                Box::new(|b| b["sync_subscribers"] = json!(false)),
            ),
            (
                "update_on_duplicate",
                Box::new(|b| b["update_on_duplicate"] = json!(false)),
            ),
            (
                "require_opt_in",
                Box::new(|b| b["require_opt_in"] = json!(true)),
            ),
            (
                "StoreName",
                Box::new(|b| b["subscribers"]["fields"][0]["value"] = json!("Other")),
            ),
            (
                "StoreName",
                Box::new(|b| b["subscribers"]["fields"][0]["type"] = json!("date")),
            ),
            (
                "unexpected",
                Box::new(|b| b["subscribers"]["fields"][0]["key"] = json!("Yotpo.Other")),
            ),
            (
                "missing",
                Box::new(|b| b["subscribers"]["fields"] = json!([])),
            ),
            (
                "twice",
                Box::new(|b| b["subscribers"]["fields"][1] = b["subscribers"]["fields"][0].clone()),
            ),
            (
                "empty",
                Box::new(|b| b["subscribers"]["fields"][1]["value"] = json!("")),
            ),
            (
                "before",
                Box::new(|b| b["subscribers"]["fields"][1]["value"] = json!("used")),
            ),
        ];
        for (word, change) in changes {
            let found = found(change);
            assert!(
                found.iter().any(|difference| difference.contains(word)),
                "{word}: {found:?}"
            );
        }
        assert_eq!(
            differences(&[expected()], &[], &mut BTreeSet::new()),
            ["1 requests expected, 0 arrived"]
        );
    }

    #[test]
    fn a_quiet_request_has_no_marker() {
        let quiet = Expected {
            automation: json!(false),
            sync_subscribers: json!(false),
            ..expected()
        };
        let mut body = arrived();
        body["automation"] = json!(false);
        body["sync_subscribers"] = json!(false);
        let found = differences(&[quiet], &[body], &mut BTreeSet::new());
        assert_eq!(found, ["Bridge.LastEvent came although nothing may start"]);
    }
}
