//! The form of a person's fields: section 3.1.

use jiff::Zoned;
use jiff::fmt::strtime;
use serde_json::{Map, Value};

use super::refusal::Refusal;

const TEXTS: [&str; 5] = [
    "firstName",
    "lastName",
    "phone",
    "userProfileImageUrl",
    "zipCode",
];

/// Both spellings of the birthday are documented: one in the table, one in the samples.
const DATES: [&str; 5] = [
    "anniversaryDate",
    "birthDate",
    "birthdate",
    "createDate",
    "optInDate",
];

const LOCAL_PART: usize = 64;
const HOST: usize = 255;

/// The body's fields, each of the right form.
pub(super) fn read(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(body) else {
        return Err(Refusal::bad("the body is no JSON object").faulty());
    };
    for (name, value) in &fields {
        check(name, value)?;
    }
    if let Some(day) = fields.remove("birthdate") {
        if fields.contains_key("birthDate") {
            return Err(Refusal::bad("birthdate and birthDate in one request").faulty());
        }
        fields.insert("birthDate".to_owned(), day);
    }
    Ok(fields)
}

fn check(name: &str, value: &Value) -> Result<(), Refusal> {
    let text = value.as_str();
    let good = match name {
        "id" => text.is_some_and(|id| !id.is_empty()),
        "email" => return email(text.unwrap_or_default()),
        "optInStatus" => text.is_some_and(|word| ["YES", "NO"].contains(&word)),
        "status" => text.is_some_and(|word| {
            word.eq_ignore_ascii_case("active") || word.eq_ignore_ascii_case("inactive")
        }),
        "extendedAttribute" => value
            .as_object()
            .is_some_and(|own| own.values().all(|one| !one.is_object() && !one.is_array())),
        name if TEXTS.contains(&name) => text.is_some(),
        name if DATES.contains(&name) => text.is_some_and(is_date_time),
        _ => return Err(Refusal::bad(format!("unknown key {name}")).faulty()),
    };
    if good {
        Ok(())
    } else {
        Err(Refusal::bad(format!("{name} does not have its form: {value}")).faulty())
    }
}

/// An address that is none is what a person typed, and no mistake of the sender; a blank one is.
fn email(text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::bad("email is blank").faulty());
    }
    let (local, host) = text.rsplit_once('@').unwrap_or_default();
    let plain = |text: &str| {
        let odd = |byte: u8| b"@,;:<>()[]\\\"".contains(&byte) || !byte.is_ascii_graphic();
        !text.is_empty() && !text.bytes().any(odd)
    };
    let sized = local.len() <= LOCAL_PART && host.len() <= HOST;
    if plain(local) && plain(host) && sized {
        Ok(())
    } else {
        Err(Refusal::bad("email is not valid"))
    }
}

/// A date and time as the samples write it. A bare day is declared and never shown, so nobody may rely on it.
fn is_date_time(text: &str) -> bool {
    let form = |text: &str| text.len() == "2026-09-30T10:00:00-0700".len();
    form(text)
        && strtime::parse("%Y-%m-%dT%H:%M:%S%z", text).is_ok_and(|parsed| {
            let zoned: Result<Zoned, _> = parsed.to_zoned();
            zoned.is_ok()
        })
}
