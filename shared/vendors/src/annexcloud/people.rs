//! The calls that read and write people, and the one that shows what was booked for them.

use jiff::Timestamp;
use loyalty::{Email, Kept, Member, Private, Stamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::{NAME, SourceSettings};
use crate::{Call, Method};

/// What Annex Cloud calls a person: the id that it told of them, else the address.
///
/// ASSUMED `annexcloud-id-is-address`: a site that gives no ids of its own knows people by their address, in lower case.
pub(super) fn id(member: &Member, told: Option<&str>) -> Option<String> {
    let own = member.aliases.iter().find(|alias| alias.source == NAME);
    let own = own.map(|alias| alias.id.expose()).or(told);
    let own = own.or_else(|| member.email.as_ref().map(Email::expose));
    own.map(ToOwned::to_owned)
}

pub(super) fn user(id: &str) -> Call {
    get(person(id))
}

pub(super) fn points(id: &str) -> Call {
    get(format!("/points/{}", segment(id)))
}

pub(super) fn tiers(id: &str) -> Call {
    get(format!("/users/{}/tiers", segment(id)))
}

/// What was booked for a person.
pub(super) fn activity(id: &str) -> Call {
    get(format!("/users/{}/activity", segment(id)))
}

/// Makes a member of somebody. `source` is where they come from, in the site's own attributes.
///
/// ASSUMED `annexcloud-birth-date`: the key is `birthDate`, as in the samples, and dates are written as date and time.
pub(super) fn enrol(
    member: &Member,
    settings: &SourceSettings,
    source: Option<&str>,
    now: Timestamp,
) -> Option<Call> {
    let email = member.email.as_ref()?.expose();
    let now = instant(now);
    // Whoever said elsewhere whether they take part is not asked again.
    let taking_part = member.opt_in.value().copied().unwrap_or(settings.opt_in);
    let mut body = profile(member);
    for (key, value) in [
        ("id", email),
        ("email", email),
        ("optInStatus", opt_in(taking_part)),
        ("status", "active"),
        ("createDate", &now),
    ] {
        body.insert(key.to_owned(), value.into());
    }
    body.entry("anniversaryDate").or_insert(now.into());
    if let Some(source) = source {
        body.insert("extendedAttribute".to_owned(), json!({"source": source}));
    }
    Some(write(Method::Post, "/users".to_owned(), body))
}

/// Brings a member's profile up to date with what others told of it; none when they told nothing. What Annex Cloud told is
/// not written back: it may have changed there since.
///
/// ASSUMED `annexcloud-patch`: a key that is left out stays as it is.
pub(super) fn update(id: &str, member: &Member) -> Option<Call> {
    let mut body = profile(member);
    if let Some(taking_part) = from_others(&member.opt_in) {
        body.insert("optInStatus".to_owned(), opt_in(*taking_part).into());
    }
    // Where the address is the id it stands there already, perhaps with capitals that are the person's own.
    let told_here = member.addressed.as_ref().is_some_and(is_own);
    let email = member.email.as_ref().map(Email::expose);
    if let Some(email) = email.filter(|email| !told_here && !email.eq_ignore_ascii_case(id)) {
        body.insert("email".to_owned(), email.into());
    }
    (!body.is_empty()).then(|| write(Method::Patch, person(id), body))
}

/// Gives a person their new address.
///
/// ASSUMED `annexcloud-rename`: a person keeps their id, and with it points and tier, when their address changes.
pub(super) fn rename(id: &str, email: &Email) -> Call {
    let body = Map::from_iter([("email".to_owned(), email.expose().into())]);
    write(Method::Patch, person(id), body)
}

/// Empties what says who a person is, and takes them out of the programme.
///
/// ASSUMED `annexcloud-blank`: an empty text blanks a key.
pub(super) fn blank(id: &str) -> Call {
    let mut body = Map::new();
    for key in ["firstName", "lastName", "phone", "zipCode"] {
        body.insert(key.to_owned(), "".into());
    }
    body.insert("optInStatus".to_owned(), opt_in(false).into());
    write(Method::Patch, person(id), body)
}

/// Removes a person.
///
/// ASSUMED `annexcloud-user-delete`: the body names the person by `id`.
pub(super) fn remove(id: &str) -> Call {
    let body = Map::from_iter([("id".to_owned(), id.into())]);
    write(Method::Post, "/userdelete".to_owned(), body)
}

/// What others told of a person's profile. What is known to be nothing is left out: it is not ours to empty there.
fn profile(member: &Member) -> Map<String, Value> {
    let day = |day: &loyalty::DayOfYear| day.date().map(|day| format!("{day}T00:00:00+0000"));
    let keys = [
        ("firstName", text(&member.first_name)),
        ("lastName", text(&member.last_name)),
        ("phone", text(&member.phone)),
        ("zipCode", text(&member.zip)),
        ("userProfileImageUrl", text(&member.avatar_url)),
        ("birthDate", from_others(&member.birthday).and_then(day)),
        (
            "anniversaryDate",
            from_others(&member.anniversary).and_then(day),
        ),
    ];
    let known = keys.into_iter();
    known
        .filter_map(|(key, value)| Some((key.to_owned(), value?.into())))
        .collect()
}

fn from_others<T>(kept: &Kept<T>) -> Option<&T> {
    kept.value().filter(|_| !kept.stamp().is_some_and(is_own))
}

fn is_own(stamp: &Stamp) -> bool {
    stamp.source == NAME
}

fn text(kept: &Kept<Private>) -> Option<String> {
    let text = from_others(kept)?.expose().trim();
    (!text.is_empty()).then(|| text.to_owned())
}

const fn opt_in(taking_part: bool) -> &'static str {
    if taking_part { "YES" } else { "NO" }
}

fn instant(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string()
}

fn person(id: &str) -> String {
    format!("/users/{}", segment(id))
}

fn segment(id: &str) -> impl std::fmt::Display {
    utf8_percent_encode(id, NON_ALPHANUMERIC)
}

fn get(path: String) -> Call {
    Call {
        method: Method::Get,
        path,
        body: None,
    }
}

fn write(method: Method, path: String, body: Map<String, Value>) -> Call {
    Call {
        method,
        path,
        body: Some(Value::Object(body).to_string()),
    }
}
