//! What Rule's replies mean.

use std::time::Duration;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::Value;

use super::{MARKER, MARKER_KEY};
use crate::{Answer, Call, Method, Reason, Reply, Seen, frame::retry_after};

/// How long Rule's block lasted in the one case that is known; used when a 429 does not say.
const BLOCK: Duration = Duration::from_mins(10);

pub(super) fn answer(call: &Call, reply: Option<&Reply>) -> Answer {
    let Some(reply) = reply else {
        return Answer::Unknown {
            reason: Reason::NoAnswer,
            after: None,
        };
    };
    match reply.status {
        200..=299 => success(call, reply),
        // The person whose address is to change is not there any more.
        404 if call.method == Method::Put && is_unknown(reply) => Answer::Refused(Reason::Refused),
        300..=399 | 404 | 405 | 410 => Answer::Misconfigured(Reason::WrongAddress),
        400 | 422 => refused(call, &reply.json()),
        401 | 403 => Answer::Misconfigured(Reason::Unauthorized),
        429 => Answer::Throttled {
            after: hint(reply).unwrap_or(BLOCK),
        },
        408 | 425 | 500.. => Answer::Unknown {
            reason: Reason::VendorError,
            after: hint(reply),
        },
        _ => Answer::Refused(Reason::Refused),
    }
}

/// A 200 may carry an error. A 200 that is no JSON comes from something in between, so nobody can tell.
fn success(call: &Call, reply: &Reply) -> Answer {
    let body = reply.json();
    if !body.is_object() {
        return Answer::Unknown {
            reason: Reason::VendorError,
            after: hint(reply),
        };
    }
    if body.get("error").is_some_and(|error| !error.is_null()) {
        return refused(call, &body);
    }
    // ASSUMED `rule-response-shape`: the single form answers with the subscriber, the array form with `subscribers` that
    // name their address; the background form has another shape, which is a success all the same.
    let id = |subscriber: &Value| Some(subscriber.get("id")?.as_i64()?.to_string());
    if let Some(one) = body.get("subscriber") {
        return Answer::Booked {
            people: vec![id(one)],
        };
    }
    let told = body.get("subscribers").and_then(Value::as_array);
    let of = |email: &str| {
        let mut told = told?.iter();
        told.find(|one| one["email"].as_str() == Some(email))
            .and_then(id)
    };
    Answer::Booked {
        people: addresses(call).iter().map(|email| of(email)).collect(),
    }
}

/// The addresses of a request with several subscribers, in its order.
fn addresses(call: &Call) -> Vec<String> {
    let body = call.body.as_deref().unwrap_or_default();
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let subscribers = body["subscribers"].as_array().into_iter().flatten();
    subscribers
        .filter_map(|one| one["email"].as_str().map(ToOwned::to_owned))
        .collect()
}

/// `{"error": …, "fields": {"<name>": ["…"]}}`: without the fields that it names, the rest may be taken.
fn refused(call: &Call, body: &Value) -> Answer {
    let Some(named) = body.get("fields").and_then(Value::as_object) else {
        return Answer::Refused(Reason::Refused);
    };
    // A field of ours may be called …Email; the subscriber's own address stands outside `fields`.
    if named.keys().any(|name| {
        name == "email" || name.ends_with("subscribers.email") || name.ends_with(".0.email")
    }) {
        return Answer::Refused(Reason::InvalidAddress);
    }
    match without(call, &named.keys().map(String::as_str).collect::<Vec<_>>()) {
        Some(call) => Answer::Amend(call),
        None => Answer::Refused(Reason::InvalidValue),
    }
}

/// ASSUMED `rule-named-fields`: a refused field is named by its key (`Yotpo.LastPurchaseAt`), alone or within a path, or
/// by its place (`subscribers.fields.4.value`).
fn without(call: &Call, names: &[&str]) -> Option<Call> {
    let mut body: Value = serde_json::from_str(call.body.as_deref()?).ok()?;
    let fields = body
        .get_mut("subscribers")?
        .get_mut("fields")?
        .as_array_mut()?;
    let before = fields.len();
    let objected = |place: usize, key: &str| {
        names
            .iter()
            .any(|name| names_key(name, key) || names_place(name, place))
    };
    let mut place = 0;
    let mut marker_refused = false;
    fields.retain(|field| {
        let key = field["key"].as_str().unwrap_or_default();
        let refused = objected(place, key);
        marker_refused |= refused && key == MARKER_KEY;
        place += 1;
        !refused
    });
    // Without the marker nobody could tell later whether the automation started.
    let fewer = fields.len() < before && !marker_refused;
    fewer.then(|| Call {
        body: Some(body.to_string()),
        ..call.clone()
    })
}

/// Whether a path names this key, and not one that merely begins like it.
fn names_key(name: &str, key: &str) -> bool {
    let inner = format!(".{name}.");
    inner.contains(&format!(".{key}."))
}

fn names_place(name: &str, place: usize) -> bool {
    let mut parts = name.split('.').skip_while(|part| *part != "fields").skip(1);
    parts.next().and_then(|part| part.parse::<usize>().ok()) == Some(place)
}

fn hint(reply: &Reply) -> Option<Duration> {
    retry_after::wait(
        reply.retry_after.as_deref()?,
        reply.date.as_deref(),
        stockholm,
    )
}

/// Rule also writes `2026-03-04 11:20:31`: local time in Stockholm, without a zone.
fn stockholm(text: &str) -> Option<Timestamp> {
    let local: DateTime = text.parse().ok()?;
    let zone = TimeZone::get("Europe/Stockholm").ok()?;
    local.to_zoned(zone).ok().map(|zoned| zoned.timestamp())
}

/// ASSUMED `rule-fields-shape`: a look answers `{"groups": [{"name": "Bridge", "fields": [{"name": "LastEvent", "value":
/// "…"}]}]}`.
pub(super) fn seen(reply: Option<&Reply>) -> Seen {
    let Some(reply) = reply else {
        return Seen::Failed(unread(None));
    };
    let body = reply.json();
    match reply.status {
        200 if body.get("groups").is_some_and(Value::is_array) => Seen::Marker(marker(&body)),
        200 if body.is_object() => Seen::Unclear,
        // Another error at this address says nothing of the person.
        404 if is_unknown(reply) => Seen::Marker(None),
        _ => Seen::Failed(unread(Some(reply))),
    }
}

/// What a reply means that should have shown something and does not.
pub(super) fn unread(reply: Option<&Reply>) -> Answer {
    let Some(reply) = reply else {
        return Answer::Unknown {
            reason: Reason::NoAnswer,
            after: None,
        };
    };
    match reply.status {
        401 | 403 => Answer::Misconfigured(Reason::Unauthorized),
        404 => Answer::Misconfigured(Reason::WrongAddress),
        429 => Answer::Throttled {
            after: hint(reply).unwrap_or(BLOCK),
        },
        _ => Answer::Unknown {
            reason: Reason::VendorError,
            after: hint(reply),
        },
    }
}

/// Whether a 404 says that nobody has this address or id.
pub(super) fn is_unknown(reply: &Reply) -> bool {
    let body = reply.json();
    body.is_object() && matches!(error(&body), None | Some("SubscriberNotFound"))
}

fn error(body: &Value) -> Option<&str> {
    body.get("error").and_then(Value::as_str)
}

fn marker(body: &Value) -> Option<String> {
    let named = |list: &Value, name: &str| {
        list.as_array()?
            .iter()
            .find(|entry| entry["name"].as_str() == Some(name))
            .cloned()
    };
    let group = named(&body["groups"], MARKER.0)?;
    let field = named(&group["fields"], MARKER.1)?;
    field["value"]
        .as_str()
        .filter(|value| !value.is_empty())
        .map(ToOwned::to_owned)
}
