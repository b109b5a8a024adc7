//! When an integration is called: section 3.2.

use serde_json::{Map, Value, json};

/// All triggers, with hyphens.
pub(super) const ALL: [&str; 8] = [
    "ticket-created",
    "ticket-updated",
    "ticket-message-created",
    "ticket-self-unsnoozed",
    "ticket-message-failed",
    "ticket-assignment-updated",
    "ticket-status-updated",
    "ticket-handed-over",
];

/// Those that a ticket of ours can pull.
pub(super) const FIRED: [&str; 3] = ["ticket-created", "ticket-updated", "ticket-message-created"];

/// Why these are no triggers; `None` if they are.
pub(super) fn complaint(triggers: &Value) -> Option<String> {
    let Some(triggers) = triggers.as_object() else {
        return Some("http.triggers is no object".to_owned());
    };
    let bad = |(name, on): &(&String, &Value)| !ALL.contains(&name.as_str()) || !on.is_boolean();
    let (name, on) = triggers.iter().find(bad)?;
    Some(format!("http.triggers has no {name}: {on}"))
}

/// All of them, as the API shows them.
pub(super) fn shown(triggers: &Value, underscores: bool) -> Value {
    let one = |name: &str| {
        let spelled = if underscores {
            name.replace('-', "_")
        } else {
            name.to_owned()
        };
        (spelled, json!(triggers[name] == true))
    };
    Value::Object(ALL.into_iter().map(one).collect::<Map<_, _>>())
}
