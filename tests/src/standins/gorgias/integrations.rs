//! HTTP integrations: sections 3.1 and 3.2.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::account::Account;
use super::envelope::Asked;
use super::refusal::Refusal;
use super::{listing, triggers, variables, written};
use crate::standins::Answer;

const KEYS: [&str; 5] = [
    "deactivated_datetime",
    "description",
    "http",
    "name",
    "type",
];
const REQUIRED: [&str; 4] = [
    "method",
    "request_content_type",
    "response_content_type",
    "url",
];
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];
const FORM: &str = "application/x-www-form-urlencoded";

/// How many failures in a row switch an integration off.
const FAILURES: u32 = 100;

/// An integration.
#[derive(Debug, Default)]
pub(super) struct Integration {
    id: u64,
    name: String,
    description: Value,
    /// As sent, but for the secret.
    pub(super) http: Map<String, Value>,
    pub(super) secret: Option<String>,
    deactivated: Option<String>,
    created: String,
    updated: String,
    failures: u32,
}

impl Integration {
    /// Whether this trigger calls it.
    pub(super) fn is_fired_by(&self, trigger: &str) -> bool {
        self.deactivated.is_none() && self.text("triggers")[trigger] == true
    }

    /// A part of `http`.
    pub(super) fn text(&self, name: &str) -> &Value {
        self.http.get(name).unwrap_or(&Value::Null)
    }

    /// Whether its body is a form and no JSON.
    pub(super) fn sends_a_form(&self) -> bool {
        self.text("request_content_type") == FORM
    }

    /// Counts how a call ended: a success forgets all failures before it.
    pub(super) fn count(&mut self, success: bool, now: Timestamp) {
        self.failures = if success { 0 } else { self.failures + 1 };
        if self.failures >= FAILURES && self.deactivated.is_none() {
            self.deactivate(now);
        }
    }

    /// Switches it off.
    pub(super) fn deactivate(&mut self, now: Timestamp) {
        self.deactivated = Some(written(now));
        self.updated = written(now);
    }

    fn shown(&self, underscores: bool) -> Value {
        let http: Map<String, Value> = ["url", "form", "headers"]
            .into_iter()
            .chain(REQUIRED)
            .map(|name| (name.to_owned(), self.text(name).clone()))
            .collect();
        let mut http = Value::Object(http);
        http["triggers"] = triggers::shown(self.text("triggers"), underscores);
        json!({
            "id": self.id,
            "name": self.name,
            "type": "http",
            "description": self.description,
            "http": http,
            "deactivated_datetime": self.deactivated,
            "created_datetime": self.created,
            "updated_datetime": self.updated,
            "uri": format!("/api/integrations/{}/", self.id),
            "application_id": null,
            "managed": false,
            "user": {"id": 1},
        })
    }

    /// All of it, for tests: with what the API does not show.
    pub(super) fn state(&self) -> Value {
        let mut state = self.shown(false);
        state["failures"] = json!(self.failures);
        state["signed"] = json!(self.secret.is_some());
        state
    }

    /// Takes what a body says; what it does not name stays.
    fn take(&mut self, body: &Map<String, Value>, now: Timestamp) {
        for (name, value) in body {
            match name.as_str() {
                "name" => value
                    .as_str()
                    .unwrap_or_default()
                    .clone_into(&mut self.name),
                "description" => self.description = value.clone(),
                "http" => self.take_http(value),
                "deactivated_datetime" => {
                    self.deactivated = None;
                    self.failures = 0;
                }
                _ => {}
            }
        }
        self.updated = written(now);
    }

    fn take_http(&mut self, http: &Value) {
        let mut http = http.as_object().cloned().unwrap_or_default();
        if let Some(secret) = http.remove("hmac_secret") {
            self.secret = secret.as_str().map(str::to_owned);
        }
        self.http.extend(http);
    }
}

/// Everything below `/integrations`.
pub(super) fn route(
    account: &mut Account,
    asked: &Asked,
    rest: &[&str],
    now: Timestamp,
) -> Result<Answer, Refusal> {
    match (asked.method.as_str(), rest) {
        ("GET", []) => list(account, asked, now),
        ("POST", []) => create(account, asked, now),
        ("GET" | "PUT" | "DELETE", [id]) => {
            asked.only(&[])?;
            let id = id.parse().map_err(|_| asked.nowhere())?;
            one(account, asked, id, now)
        }
        _ => Err(asked.nowhere()),
    }
}

fn list(account: &Account, asked: &Asked, now: Timestamp) -> Result<Answer, Refusal> {
    asked.only(&[["type"].as_slice(), &listing::PARAMETERS].concat())?;
    if asked.parameter("type").is_some_and(|kind| kind != "http") {
        return Err(Refusal::wrong("only the type http can be filtered"));
    }
    let rows = account.integrations.values();
    let rows = rows.map(|own| own.shown(account.underscores));
    Ok(Answer::json(
        200,
        &listing::page(rows.collect(), asked, now)?,
    ))
}

fn create(account: &mut Account, asked: &Asked, now: Timestamp) -> Result<Answer, Refusal> {
    asked.only(&[])?;
    checked(&asked.body)?;
    if asked.body.get("type") != Some(&json!("http")) {
        return Err(Refusal::wrong("only the type http can be created"));
    }
    let http = asked.body.get("http").unwrap_or(&Value::Null);
    if let Some(name) = REQUIRED.iter().find(|name| http[**name].is_null()) {
        return Err(Refusal::wrong(format!("http.{name} is missing")));
    }
    let id = account.integration_id();
    let mut integration = Integration {
        id,
        created: written(now),
        ..Integration::default()
    };
    integration.take(&asked.body, now);
    let shown = integration.shown(account.underscores);
    account.integrations.insert(id, integration);
    Ok(Answer::json(201, &shown))
}

fn one(account: &mut Account, asked: &Asked, id: u64, now: Timestamp) -> Result<Answer, Refusal> {
    let gone = || Refusal::gone("Integration");
    if asked.method == "DELETE" {
        account.integrations.remove(&id).ok_or_else(gone)?;
        return Ok(Answer::text(204, ""));
    }
    let underscores = account.underscores;
    let integration = account.integrations.get_mut(&id).ok_or_else(gone)?;
    if asked.method == "PUT" {
        checked(&asked.body)?;
        integration.take(&asked.body, now);
    }
    Ok(Answer::json(200, &integration.shown(underscores)))
}

/// The name is needed in every write; whatever else stands there must have its form.
fn checked(body: &Map<String, Value>) -> Result<(), Refusal> {
    if let Some(name) = body.keys().find(|name| !KEYS.contains(&name.as_str())) {
        return Err(Refusal::wrong(format!("unknown key {name}")));
    }
    let value = |name: &str| body.get(name).unwrap_or(&Value::Null);
    if value("name").as_str().is_none_or(str::is_empty) {
        return Err(Refusal::wrong("name is missing"));
    }
    if body.contains_key("type") && value("type") != "http" {
        return Err(Refusal::wrong("type is not http"));
    }
    if !value("description").is_null() && !value("description").is_string() {
        return Err(Refusal::wrong("description is no text"));
    }
    if !value("deactivated_datetime").is_null() {
        return Err(Refusal::wrong(
            "deactivated_datetime is written by the vendor; null re-enables",
        ));
    }
    match body.get("http") {
        None => Ok(()),
        Some(Value::Object(http)) => http
            .iter()
            .find_map(|(name, value)| complaint(name, value))
            .map_or(Ok(()), |why| Err(Refusal::wrong(why))),
        Some(_) => Err(Refusal::wrong("http is no object")),
    }
}

fn complaint(name: &str, value: &Value) -> Option<String> {
    let text = value.as_str().unwrap_or_default();
    let good = match name {
        "url" => return address(text),
        "triggers" => return triggers::complaint(value),
        "method" => METHODS.contains(&text),
        "request_content_type" => ["application/json", FORM].contains(&text),
        "response_content_type" => text == "application/json",
        "form" | "headers" => value.is_null() || is_templated(value),
        "hmac_secret" => value.is_null() || !text.is_empty(),
        _ => return Some(format!("unknown key http.{name}")),
    };
    (!good).then(|| format!("http.{name} does not have its form"))
}

fn is_templated(value: &Value) -> bool {
    let sound = |one: &Value| one.as_str().is_some_and(variables::is_sound);
    value.as_object().is_some_and(|own| own.values().all(sound))
}

/// Why an address cannot be called, or must not be.
fn address(url: &str) -> Option<String> {
    let scheme = url.starts_with("http://") || url.starts_with("https://");
    if !scheme || !variables::is_sound(url) {
        return Some(format!("http.url is {url:?}"));
    }
    let (_, query) = url.split_once('?').unwrap_or_default();
    let mut names = query.split('&').filter_map(|pair| pair.split('=').next());
    let secret = names.find(|name| {
        let name = name.to_ascii_lowercase();
        ["key", "password", "secret", "token"]
            .iter()
            .any(|word| name.contains(word))
    })?;
    Some(format!("{secret} in http.url ends up in logs"))
}
