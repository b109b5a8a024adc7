//! Gorgias' customer records: finding a person, and writing the card into their data.
//!
//! `PUT /customers/{id}/data` replaces the whole value and leaves it alone where its `version` is older than the one there.

use jiff::{Timestamp, tz::TimeZone};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{
    Settings,
    answer::{self, unread},
    card::{Standing, card},
};
use crate::{
    Answer, Answered, Call, Erasing, Method, Plan, Push, Reason, Reply, Step,
    frame::fingerprint::Fingerprint,
};

pub(super) const CUSTOMERS: &str = "/api/customers";

/// The call that writes the card into the person's data.
pub(super) fn plan(push: &Push) -> Result<Plan, Reason> {
    let person = push.person.ok_or(Reason::UnknownThere)?;
    let mut data = json!(card(
        Standing::Known(push.member),
        None,
        Some(push.store),
        push.now,
    ));
    let call = write(person, &data, version(push.version));
    // The card's age alone is no news.
    if let Some(loyalty) = data["loyalty"].as_object_mut() {
        loyalty.remove("as_of");
    }
    let mut picture = Fingerprint::default();
    picture.add(&data.to_string());
    Ok(Plan {
        call,
        picture: Some(picture.finish()),
        event: String::new(),
        starts: false,
        repeat: None,
    })
}

fn write(person: &str, data: &Value, version: Timestamp) -> Call {
    Call {
        method: Method::Put,
        path: format!("{CUSTOMERS}/{}/data", encoded(person)),
        body: Some(json!({"data": data, "version": stamp(version)}).to_string()),
    }
}

/// The picture's version is a clock: µs since 1970.
fn version(version: u64) -> Timestamp {
    let micros = i64::try_from(version).unwrap_or(i64::MAX);
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
}

fn stamp(at: Timestamp) -> String {
    let at = at.to_zoned(TimeZone::UTC);
    at.strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string()
}

/// Finds the person by their primary address, then by any address of theirs, and makes them where the store wants that. Who
/// was made by somebody else meanwhile is looked for once more.
pub(super) fn locate(push: &Push, answered: &[Answered]) -> Step<Option<String>> {
    let Some(email) = push.member.email.as_ref().map(loyalty::Email::expose) else {
        return Step::Done(None);
    };
    let Some((call, reply)) = answered.last() else {
        return Step::Call(by_primary(email));
    };
    let makes = |settings: &Settings| settings.create_missing;
    let settings = push.store.destinations.gorgias.as_ref();
    if call.method == Method::Post {
        return match made(reply.as_ref()) {
            Made::Person(person) => Step::Done(Some(person)),
            Made::Exists => Step::Call(by_primary(email)),
            Made::Failed(answer) => Step::Failed(answer),
        };
    }
    match found(call, email, reply.as_ref()) {
        Err(answer) => Step::Failed(answer),
        Ok(Found::Person(person)) => Step::Done(Some(person)),
        Ok(Found::Look(call)) => Step::Call(call),
        // Somebody has the address, and no list shows them: nobody can tell who.
        Ok(Found::Nobody) if answered.iter().any(|(call, _)| call.method == Method::Post) => {
            Step::Failed(Answer::Refused(Reason::Refused))
        }
        Ok(Found::Nobody) if settings.is_some_and(makes) => {
            let zone = settings.map_or("UTC", |settings| settings.timezone.as_str());
            Step::Call(make(push, email, zone))
        }
        Ok(Found::Nobody) => Step::Done(None),
    }
}

/// The filter `email` knows primary addresses alone.
fn by_primary(email: &str) -> Call {
    get(format!("{CUSTOMERS}?email={}&limit=1", encoded(email)))
}

fn is_by_primary(call: &Call) -> bool {
    call.path.starts_with(&format!("{CUSTOMERS}?email="))
}

fn by_any(email: &str) -> Call {
    get(format!(
        "{CUSTOMERS}?channel_type=email&channel_address={}&limit=1",
        encoded(email)
    ))
}

/// One person, with all of their addresses.
fn one(person: &str) -> Call {
    get(format!("{CUSTOMERS}/{}", encoded(person)))
}

fn is_one(call: &Call) -> bool {
    call.method == Method::Get && call.path.starts_with(&format!("{CUSTOMERS}/"))
}

fn make(push: &Push, email: &str, zone: &str) -> Call {
    let parts = [&push.member.first_name, &push.member.last_name];
    let parts = parts.iter().filter_map(|part| Some(part.value()?.expose()));
    let name = parts.collect::<Vec<_>>().join(" ");
    let mut body = json!({"email": email, "timezone": zone});
    if !name.trim().is_empty() {
        body["name"] = json!(name.trim());
    }
    Call {
        method: Method::Post,
        path: CUSTOMERS.to_owned(),
        body: Some(body.to_string()),
    }
}

enum Made {
    Person(String),
    /// Somebody has the address already.
    Exists,
    Failed(Answer),
}

fn made(reply: Option<&Reply>) -> Made {
    match reply {
        Some(reply) if (200..300).contains(&reply.status) => match id(&reply.json()) {
            Some(person) => Made::Person(person),
            None => Made::Failed(unread(Some(reply))),
        },
        Some(reply) if reply.status == 409 => Made::Exists,
        reply => Made::Failed(unread(reply)),
    }
}

/// What a look for a person came to.
enum Found {
    Person(String),
    Nobody,
    /// This look has yet to tell.
    Look(Call),
}

/// Who was found, if anybody. A filter that is not understood must not lead into a stranger's record: whoever is shown with
/// another primary address than the one asked for is somebody else, and whoever is found by another address, which lists do
/// not show, is looked at alone.
fn found(call: &Call, email: &str, reply: Option<&Reply>) -> Result<Found, Answer> {
    if is_one(call) {
        return looked_at(email, reply);
    }
    let reply = reply
        .filter(|reply| reply.status == 200)
        .ok_or_else(|| unread(reply))?;
    let page = reply.json();
    let rows = answer::rows(&page).ok_or_else(|| unread(Some(reply)))?;
    let mut those = rows.iter().filter(|row| has(row, "email", email));
    let theirs = those.next().and_then(id);
    let first = rows.first().and_then(id);
    Ok(match (theirs, first) {
        (Some(person), _) => Found::Person(person),
        (None, _) if is_by_primary(call) => Found::Look(by_any(email)),
        (None, Some(person)) => Found::Look(one(&person)),
        (None, None) => Found::Nobody,
    })
}

/// Whether the person who was looked at has the address. Who was merged into somebody else meanwhile, or is gone, is nobody.
fn looked_at(email: &str, reply: Option<&Reply>) -> Result<Found, Answer> {
    let reply = match reply {
        Some(reply) if reply.status == 200 => reply,
        Some(reply) if [301, 404].contains(&reply.status) => return Ok(Found::Nobody),
        reply => return Err(unread(reply)),
    };
    let person = reply.json();
    let channels = person.get("channels").and_then(Value::as_array);
    let mut channels = channels.into_iter().flatten();
    let has_it = channels.any(|channel| has(channel, "address", email));
    Ok(match id(&person) {
        Some(person) if has_it => Found::Person(person),
        _ => Found::Nobody,
    })
}

/// Whether this address stands under `key`.
fn has(row: &Value, key: &str, email: &str) -> bool {
    let address = row.get(key).and_then(Value::as_str);
    address.is_some_and(|address| address.trim().to_lowercase() == email)
}

/// Ids are numbers, and text in some bodies.
pub(super) fn id(row: &Value) -> Option<String> {
    whole(row, "id")
}

/// A whole number under `key`, as text.
pub(super) fn whole(row: &Value, key: &str) -> Option<String> {
    match row.get(key)? {
        Value::Number(id) => Some(id.to_string()),
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        _ => None,
    }
}

/// Empties the person's data; who cannot be found has none of ours. Customers are the merchant's and are never deleted, so
/// both modes of erasing do the same.
pub(super) fn erase(erasing: &Erasing, last: Option<(&Call, Option<&Reply>)>) -> Step<()> {
    let email = erasing.email.map(loyalty::Email::expose);
    let look = |email: Option<&str>| match email {
        Some(email) => Step::Call(by_primary(email)),
        None => Step::Done(()),
    };
    let empty = |person: &str| Step::Call(write(person, &json!({}), version(erasing.version)));
    let Some((call, reply)) = last else {
        return match erasing.person {
            Some(person) => empty(person),
            None => look(email),
        };
    };
    if call.method == Method::Put {
        return match answer::answer(call, reply) {
            Answer::Booked { .. } => Step::Done(()),
            Answer::Elsewhere => look(email),
            answer => Step::Failed(answer),
        };
    }
    match found(call, email.unwrap_or_default(), reply) {
        Err(answer) => Step::Failed(answer),
        Ok(Found::Person(person)) => empty(&person),
        Ok(Found::Look(call)) => Step::Call(call),
        Ok(Found::Nobody) => Step::Done(()),
    }
}

pub(super) fn get(path: String) -> Call {
    Call {
        method: Method::Get,
        path,
        body: None,
    }
}

pub(super) fn encoded(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}
