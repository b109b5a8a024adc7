//! What a request must look like. Form only; what is stored decides the rest.

use jiff::civil::{Date, DateTime, Time};
use serde_json::{Map, Value};

use super::automations::Mode;
use super::{API, AUTOMAILS, HEADERS, Refusal};
use crate::standins::Request;

const BODY_KEYS: [&str; 9] = [
    "async",
    "auto_create_fields",
    "auto_create_tags",
    "automation",
    "fields_clear",
    "require_opt_in",
    "subscribers",
    "sync_subscribers",
    "tags",
];
const SUBSCRIBER_KEYS: [&str; 4] = ["email", "fields", "language", "phone_number"];
const FIELD_KEYS: [&str; 3] = ["key", "type", "value"];
const MOST_SUBSCRIBERS: usize = 1000;

/// `POST /subscribers`, read.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the vendor's request has these flags"
)]
pub(super) struct Upsert {
    pub(super) update_on_duplicate: bool,
    pub(super) auto_create_tags: bool,
    pub(super) require_opt_in: bool,
    pub(super) tags: Vec<Tag>,
    pub(super) mode: Mode,
    pub(super) sync: Option<bool>,
    pub(super) array: bool,
    pub(super) subscribers: Vec<Subscriber>,
}

/// A tag as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tag {
    Name(String),
    Id(u64),
}

/// One subscriber of a request.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) language: Option<String>,
    pub(super) fields: Vec<Field>,
}

/// One field of a subscriber.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) key: String,
    pub(super) kind: String,
    pub(super) value: Value,
}

/// Base of the path, headers, credential in the right place, content type.
pub(super) fn envelope(request: &Request, faults: &mut Vec<String>) -> Result<(), Refusal> {
    if !request.path.starts_with(API) && request.path != AUTOMAILS {
        faults.push(format!("unknown path: {} {}", request.method, request.path));
        return Err(Refusal::new(404, "NotFound", "no such resource"));
    }
    if let Some((name, _)) = request
        .headers
        .iter()
        .find(|(name, _)| !HEADERS.contains(&name.as_str()))
    {
        faults.push(format!("unknown header {name}"));
        return Err(Refusal::bad("unknown header"));
    }
    let known: &[&str] = match request.path.as_str() {
        "/api/v2/tags" | "/api/v2/customizations" => &["limit", "page"],
        AUTOMAILS => &["page", "per_page", "active"],
        _ => &["identified_by"],
    };
    let pairs = request.query.split('&').filter(|pair| !pair.is_empty());
    let mut names = pairs.map(|pair| pair.split('=').next().unwrap_or_default());
    if let Some(name) = names.find(|name| !known.contains(name)) {
        faults.push(format!(
            "unknown parameter {name}: a key in an address ends up in logs"
        ));
        return Err(Refusal::bad("unknown parameter"));
    }
    if !request.body.is_empty() && request.header("content-type") != Some("application/json") {
        faults.push("the content type is not application/json".to_owned());
        return Err(Refusal::bad("the content type must be application/json"));
    }
    Ok(())
}

/// The body of `POST /subscribers`.
pub(super) fn upsert(request: &Request, faults: &mut Vec<String>) -> Result<Upsert, Refusal> {
    let body = object(request)?;
    known(
        &body,
        &[&BODY_KEYS[..], &["update_on_duplicate"]].concat(),
        "request",
        faults,
    )?;
    if flag(&body, "fields_clear", faults)? == Some(true) {
        return Err(wrong("fields_clear would wipe what others wrote", faults));
    }
    let (array, subscribers) = match body.get("subscribers") {
        Some(Value::Array(many)) => (true, many.clone()),
        Some(one @ Value::Object(_)) => (false, vec![one.clone()]),
        _ => return Err(wrong("subscribers must be an object or an array", faults)),
    };
    if subscribers.is_empty() || subscribers.len() > MOST_SUBSCRIBERS {
        faults.push(format!("{} subscribers in one request", subscribers.len()));
        return Err(Refusal::new(
            413,
            "TooManySubscribers",
            "1 to 1000 subscribers",
        ));
    }
    Ok(Upsert {
        update_on_duplicate: flag(&body, "update_on_duplicate", faults)?.unwrap_or(false),
        auto_create_tags: flag(&body, "auto_create_tags", faults)?.unwrap_or(true),
        require_opt_in: flag(&body, "require_opt_in", faults)?.unwrap_or(false),
        tags: body
            .get("tags")
            .map_or(Ok(Vec::new()), |tags| self::tags(tags, faults))?,
        mode: mode(body.get("automation"), faults)?,
        sync: flag(&body, "sync_subscribers", faults)?,
        array,
        subscribers: subscribers
            .iter()
            .map(|one| subscriber(one, faults))
            .collect::<Result<_, _>>()?,
    })
}

/// The body of `POST /subscribers/{id}/tags`.
pub(super) fn tag_call(
    request: &Request,
    faults: &mut Vec<String>,
) -> Result<(Vec<Tag>, Mode), Refusal> {
    let body = object(request)?;
    known(&body, &["tags", "automation"], "request", faults)?;
    let tags = tags(body.get("tags").unwrap_or(&Value::Null), faults)?;
    Ok((tags, mode(body.get("automation"), faults)?))
}

fn wrong(what: &str, faults: &mut Vec<String>) -> Refusal {
    faults.push(what.to_owned());
    Refusal::bad(what)
}

fn object(request: &Request) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(Refusal::bad("the body is no JSON object")),
    }
}

fn known(
    map: &Map<String, Value>,
    keys: &[&str],
    of: &str,
    faults: &mut Vec<String>,
) -> Result<(), Refusal> {
    match map.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(wrong(&format!("unknown key {key} in a {of}"), faults)),
        None => Ok(()),
    }
}

fn flag(
    map: &Map<String, Value>,
    name: &str,
    faults: &mut Vec<String>,
) -> Result<Option<bool>, Refusal> {
    match map.get(name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(wrong(&format!("{name} must be true or false"), faults)),
    }
}

fn mode(value: Option<&Value>, faults: &mut Vec<String>) -> Result<Mode, Refusal> {
    match value {
        None | Some(Value::Bool(false)) => Ok(Mode::Plain),
        Some(Value::String(word)) if word == "reset" => Ok(Mode::Reset),
        Some(Value::String(word)) if word == "force" => Ok(Mode::Force),
        Some(other) => Err(wrong(
            &format!("automation is {other}, not false, \"reset\" or \"force\""),
            faults,
        )),
    }
}

fn tags(value: &Value, faults: &mut Vec<String>) -> Result<Vec<Tag>, Refusal> {
    let names = value
        .as_array()
        .ok_or_else(|| wrong("tags must be a list", faults))?;
    let mut tags = Vec::new();
    for name in names {
        let tag = match name {
            Value::String(text) if text.trim().is_empty() => {
                return Err(wrong("a tag is empty", faults));
            }
            // Digits alone are read as an id.
            Value::String(text) => text
                .parse()
                .map_or_else(|_| Tag::Name(text.clone()), Tag::Id),
            Value::Number(number) => number
                .as_u64()
                .map(Tag::Id)
                .ok_or_else(|| wrong("a tag's id is no whole number", faults))?,
            _ => return Err(wrong("a tag is neither text nor a number", faults)),
        };
        if tags.contains(&tag) {
            return Err(wrong("a tag stands twice in one request", faults));
        }
        tags.push(tag);
    }
    if tags.is_empty() {
        return Err(wrong("the list of tags is empty", faults));
    }
    Ok(tags)
}

fn subscriber(value: &Value, faults: &mut Vec<String>) -> Result<Subscriber, Refusal> {
    let map = value
        .as_object()
        .ok_or_else(|| wrong("a subscriber is no object", faults))?;
    known(map, &SUBSCRIBER_KEYS, "subscriber", faults)?;
    let text = |name: &str| {
        map.get(name)
            .and_then(Value::as_str)
            .map(|text| text.trim().to_lowercase())
    };
    let email = text("email");
    if email.as_deref().is_some_and(|email| !email_is_valid(email))
        || (email.is_none() && map.contains_key("email"))
    {
        return Err(Refusal::field(
            "email",
            "The email must be a valid email address.",
        ));
    }
    let phone = text("phone_number");
    if email.is_none() && phone.is_none() {
        return Err(wrong(
            "a subscriber has neither email nor phone_number",
            faults,
        ));
    }
    let language = text("language");
    if language
        .as_deref()
        .is_some_and(|code| code.len() != 2 || !code.bytes().all(|b| b.is_ascii_lowercase()))
    {
        return Err(wrong("language is no ISO 639-1 code", faults));
    }
    let fields = match map.get("fields") {
        None => Vec::new(),
        Some(Value::Array(fields)) => fields
            .iter()
            .map(|one| field(one, faults))
            .collect::<Result<Vec<_>, _>>()?,
        Some(_) => return Err(wrong("fields must be a list", faults)),
    };
    if let Some(twice) = fields
        .iter()
        .enumerate()
        .find(|(at, one)| fields[..*at].iter().any(|f| f.key == one.key))
    {
        return Err(wrong(
            &format!("field {} stands twice in one request", twice.1.key),
            faults,
        ));
    }
    Ok(Subscriber {
        email,
        phone,
        language,
        fields,
    })
}

fn email_is_valid(email: &str) -> bool {
    let Some((local, domain)) = email.split_once('@') else {
        return false;
    };
    let plain = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_graphic() && !b"@,;:<>()[]\\\"".contains(&b))
    };
    let dots = |text: &str| !text.starts_with('.') && !text.ends_with('.') && !text.contains("..");
    !local.is_empty()
        && domain.contains('.')
        && plain(local)
        && plain(domain)
        && dots(local)
        && dots(domain)
}

fn field(value: &Value, faults: &mut Vec<String>) -> Result<Field, Refusal> {
    let map = value
        .as_object()
        .ok_or_else(|| wrong("a field is no object", faults))?;
    known(map, &FIELD_KEYS, "field", faults)?;
    let key = map.get("key").and_then(Value::as_str).unwrap_or_default();
    let parts: Vec<&str> = key.split('.').collect();
    if parts.len() != 2 || parts.iter().any(|part| part.trim().is_empty()) {
        return Err(wrong(
            &format!("field key {key:?} is not Group.Field"),
            faults,
        ));
    }
    let kind = map
        .get("type")
        .map_or(Some("text"), Value::as_str)
        .unwrap_or_default();
    let value = map.get("value").unwrap_or(&Value::Null);
    if let Err(why) = fits(kind, value) {
        faults.push(format!("field {key}: {why}"));
        return Err(Refusal::field(key, why));
    }
    Ok(Field {
        key: key.to_owned(),
        kind: kind.to_owned(),
        value: value.clone(),
    })
}

/// Whether a value has the form that its type asks for. An empty string blanks a field of any type.
fn fits(kind: &str, value: &Value) -> Result<(), &'static str> {
    let text = value.as_str();
    let form =
        |parses: bool, length: usize| parses && text.is_some_and(|text| text.len() == length);
    let good = match kind {
        "multiple" => {
            value
                .as_array()
                .is_some_and(|many| many.iter().all(Value::is_string))
                || text == Some("")
        }
        "text" => text.is_some(),
        _ if text == Some("") => true,
        "date" => form(text.is_some_and(|text| text.parse::<Date>().is_ok()), 10),
        "datetime" => form(
            text.is_some_and(|text| DateTime::strptime("%Y-%m-%d %H:%M:%S", text).is_ok()),
            19,
        ),
        "time" => form(
            text.is_some_and(|text| Time::strptime("%H:%M:%S", text).is_ok()),
            8,
        ),
        "json" => text.is_some_and(|text| serde_json::from_str::<Value>(text).is_ok()),
        _ => return Err("no such type"),
    };
    if good {
        Ok(())
    } else {
        Err("the value does not fit its type")
    }
}
