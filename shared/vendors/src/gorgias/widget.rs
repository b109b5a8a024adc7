//! The widget that shows the card beside a ticket, and beside a customer.

use serde_json::{Value, json};

use super::Settings;
use crate::frame::fingerprint::Fingerprint;

/// Where a widget stands.
pub(super) const CONTEXTS: [&str; 2] = ["ticket", "customer"];

/// The template: one card with a line for each of the store's fields, a list of the last activities, and how fresh all of
/// it is.
///
/// ASSUMED `gorgias-widget-meta`: `meta.displayCard`, `meta.limit` and `meta.custom.links` mean what one public installer
/// uses them for.
pub(super) fn template(settings: &Settings) -> Value {
    let fields = settings
        .card
        .iter()
        .map(|field| json!({"type": field.type_.name(), "path": field.key, "title": field.label}));
    let mut lines: Vec<Value> = fields.collect();
    if settings.activities > 0 {
        lines.push(json!({
            "type": "list",
            "path": "activity",
            "meta": {"limit": settings.activities.to_string(), "orderBy": ""},
            "widgets": [{
                "type": "card",
                "title": "{{what}}",
                "meta": {"displayCard": true},
                "widgets": [
                    {"type": "date", "path": "when", "title": "When", "order": 0},
                    {"type": "text", "path": "points", "title": "Points", "order": 1},
                ],
            }],
        }));
    }
    lines.push(json!({"type": "text", "path": "as_of", "title": "As of"}));
    for (order, line) in lines.iter_mut().enumerate() {
        line["order"] = json!(order);
    }
    let mut meta = json!({"displayCard": true});
    if settings.profile_url.is_some() {
        meta["custom"] = json!({"links": [{"label": "Open member", "url": "{{links.profile}}"}]});
    }
    json!({"type": "wrapper", "widgets": [{
        "type": "card",
        "path": "loyalty",
        "title": settings.title,
        "order": 0,
        "meta": meta,
        "widgets": lines,
    }]})
}

/// The widget of an integration in one context.
pub(super) fn widget(settings: &Settings, context: &str, integration: u64) -> Value {
    json!({
        "type": "http",
        "context": context,
        "integration_id": integration,
        "order": 0,
        "template": template(settings),
    })
}

/// Names a template by what it says, so that one that a person has changed is told from one of ours that has become old.
/// What Gorgias may add on its own, such as ids, does not count.
pub(super) fn named(template: &Value) -> String {
    let mut name = Fingerprint::default();
    add(template, &mut name);
    name.finish()
}

fn add(node: &Value, name: &mut Fingerprint) {
    for key in ["type", "path", "title", "order"] {
        name.add(&node.get(key).unwrap_or(&Value::Null).to_string());
    }
    for pointer in ["/meta/limit", "/meta/custom/links"] {
        name.add(&node.pointer(pointer).unwrap_or(&Value::Null).to_string());
    }
    let children = node.get("widgets").and_then(Value::as_array);
    for child in children.into_iter().flatten() {
        add(child, name);
    }
    name.add("/");
}
