//! Widgets: section 5.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::account::Account;
use super::envelope::Asked;
use super::refusal::Refusal;
use super::{listing, template, written};
use crate::standins::Answer;

const KEYS: [&str; 7] = [
    "app_id",
    "context",
    "deactivated_datetime",
    "integration_id",
    "order",
    "template",
    "type",
];

const TYPES: [&str; 13] = [
    "bigcommerce",
    "custom",
    "customer_external_data",
    "http",
    "klaviyo",
    "magento2",
    "recharge",
    "shopify",
    "smile",
    "standalone",
    "stripe",
    "woocommerce",
    "yotpo",
];

/// A widget.
#[derive(Debug, Default)]
pub(super) struct Widget {
    id: u64,
    fields: Map<String, Value>,
    created: String,
    updated: String,
}

impl Widget {
    /// One of its fields.
    pub(super) fn field(&self, name: &str) -> &Value {
        self.fields.get(name).unwrap_or(&Value::Null)
    }

    /// Where it stands among others.
    pub(super) fn place(&self) -> (i64, u64) {
        (self.field("order").as_i64().unwrap_or_default(), self.id)
    }

    /// Whether agents see it here.
    pub(super) fn is_shown_in(&self, context: &str) -> bool {
        self.field("context") == context && self.field("deactivated_datetime").is_null()
    }

    /// Its template, for a person who changes it.
    pub(super) fn edit(&mut self, now: Timestamp) -> &mut Value {
        self.updated = written(now);
        self.fields.entry("template").or_insert(Value::Null)
    }

    /// A person takes it away.
    pub(super) fn deactivate(&mut self, now: Timestamp) {
        self.updated = written(now);
        let at = json!(self.updated);
        self.fields.insert("deactivated_datetime".to_owned(), at);
    }

    /// As the API shows it.
    pub(super) fn shown(&self) -> Value {
        let mut shown = self.fields.clone();
        shown.insert("id".to_owned(), json!(self.id));
        shown.insert("created_datetime".to_owned(), json!(self.created));
        shown.insert("updated_datetime".to_owned(), json!(self.updated));
        shown.insert(
            "uri".to_owned(),
            json!(format!("/api/widgets/{}/", self.id)),
        );
        Value::Object(shown)
    }
}

/// Everything below `/widgets`.
pub(super) fn route(
    account: &mut Account,
    asked: &Asked,
    rest: &[&str],
    now: Timestamp,
) -> Result<Answer, Refusal> {
    match (asked.method.as_str(), rest) {
        ("GET", []) => list(account, asked, now),
        ("POST", []) => {
            asked.only(&[])?;
            let fields = fields(account, &asked.body)?;
            let id = account.widget_id();
            let widget = Widget {
                id,
                fields,
                created: written(now),
                updated: written(now),
            };
            let shown = widget.shown();
            account.widgets.insert(id, widget);
            Ok(Answer::json(201, &shown))
        }
        ("GET" | "PUT" | "DELETE", [id]) => {
            asked.only(&[])?;
            let id = id.parse().map_err(|_| asked.nowhere())?;
            one(account, asked, id, now)
        }
        _ => Err(asked.nowhere()),
    }
}

fn list(account: &Account, asked: &Asked, now: Timestamp) -> Result<Answer, Refusal> {
    let filters = ["integration_id", "app_id"];
    asked.only(&[filters.as_slice(), &listing::PARAMETERS].concat())?;
    let fits = |widget: &&Widget, name: &str| {
        let own = widget.field(name);
        let own = own.as_str().map_or_else(|| own.to_string(), str::to_owned);
        asked.parameter(name).is_none_or(|wanted| own == wanted)
    };
    let rows = account.widgets.values();
    let rows = rows.filter(|widget| filters.iter().all(|name| fits(widget, name)));
    let page = listing::page(rows.map(Widget::shown).collect(), asked, now)?;
    // The bare form has no place for a cursor: whoever needs a second page must ask for it in the other.
    let shown = if account.bare_widgets {
        &page["data"]
    } else {
        &page
    };
    Ok(Answer::json(200, shown))
}

fn one(account: &mut Account, asked: &Asked, id: u64, now: Timestamp) -> Result<Answer, Refusal> {
    let gone = || Refusal::gone("Widget");
    if asked.method == "DELETE" {
        account.widgets.remove(&id).ok_or_else(gone)?;
        return Ok(Answer::text(204, ""));
    }
    if asked.method == "PUT" {
        let fields = fields(account, &asked.body)?;
        let widget = account.widgets.get_mut(&id).ok_or_else(gone)?;
        widget.fields = fields;
        widget.updated = written(now);
    }
    let widget = account.widgets.get(&id).ok_or_else(gone)?;
    Ok(Answer::json(200, &widget.shown()))
}

/// All fields of a widget: what is not named has its usual value, in a replacement too.
fn fields(account: &Account, body: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    if let Some(name) = body.keys().find(|name| !KEYS.contains(&name.as_str())) {
        return Err(Refusal::wrong(format!("unknown key {name}")));
    }
    let value = |name: &str| body.get(name).unwrap_or(&Value::Null);
    let kind = value("type").as_str().unwrap_or_default();
    if !TYPES.contains(&kind) {
        return Err(Refusal::wrong(format!("type is {}", value("type"))));
    }
    if !["ticket", "customer"].contains(&value("context").as_str().unwrap_or("ticket")) {
        return Err(Refusal::wrong(format!("context is {}", value("context"))));
    }
    let integration = value("integration_id");
    let known = |id: u64| account.integrations.contains_key(&id);
    let fits = if kind == "http" {
        integration.as_u64().is_some_and(known)
    } else {
        integration.is_null()
    };
    if !fits {
        return Err(Refusal::wrong(format!(
            "integration_id of {kind} is {integration}"
        )));
    }
    if !value("order").is_null() && !value("order").is_i64() {
        return Err(Refusal::wrong("order is no number"));
    }
    if !value("deactivated_datetime").is_null() && !value("deactivated_datetime").is_string() {
        return Err(Refusal::wrong("deactivated_datetime is no date"));
    }
    template::check(value("template")).map_err(|why| Refusal::wrong(format!("template: {why}")))?;
    let mut fields: Map<String, Value> = KEYS
        .iter()
        .map(|name| ((*name).to_owned(), value(name).clone()))
        .collect();
    for (name, usual) in [("context", json!("ticket")), ("order", json!(0))] {
        let own = fields.entry(name).or_insert(Value::Null);
        if own.is_null() {
            *own = usual;
        }
    }
    Ok(fields)
}
