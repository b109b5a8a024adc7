//! Reads what commands have in common. Everything wrong with a command is said at once.

use jiff::Timestamp;
use loyalty::{Alias, Email, StoreId};
use serde_json::Value;
use vendors::{Fault, Section, registry};

/// Rows on a page unless the command says how many.
const PAGE: usize = 20;

/// Reads a command: `gather` takes its keys out, and gives none only where it has reported a fault. Keys that are left
/// are faults too.
pub(crate) fn read<T>(
    asked: Value,
    gather: impl FnOnce(&mut Section) -> Option<T>,
) -> Result<T, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut section = Section::root(asked, &mut faults);
    let read = gather(&mut section);
    section.finish();
    match read {
        Some(read) if faults.is_empty() => Ok(read),
        _ => Err(faults),
    }
}

/// `store`.
pub(crate) fn store(section: &mut Section) -> Option<StoreId> {
    let text = section.required_text("store");
    let store = StoreId::parse(&text);
    if let Err(error) = &store
        && !text.is_empty()
    {
        section.fault("store", error.to_string());
    }
    store.ok()
}

/// `destination`, which this stack must have.
pub(crate) fn destination<'a>(
    section: &mut Section,
    mut deployed: impl Iterator<Item = &'a str>,
) -> Option<&'static str> {
    let name = section.required_text("destination");
    let known = registry::destination(&name).map(vendors::Destination::name);
    let there = known.filter(|known| deployed.any(|name| name == *known));
    if there.is_none() && !name.is_empty() {
        section.fault(
            "destination",
            format!("this stack has no destination `{name}`"),
        );
    }
    there
}

/// `limit`: how many at most.
pub(crate) fn limit(section: &mut Section, most: usize) -> usize {
    let Some(asked) = section.whole("limit") else {
        return PAGE;
    };
    let limit = usize::try_from(asked).ok();
    let limit = limit.filter(|limit| (1..=most).contains(limit));
    if limit.is_none() {
        section.fault("limit", format!("must be from 1 to {most}"));
    }
    limit.unwrap_or(PAGE)
}

/// `by`: who asks. Without it nothing is changed and nobody is shown.
pub(crate) fn by(section: &mut Section) -> String {
    let by = section.required_text("by");
    if by.len() > 100 {
        section.fault("by", "must be at most 100 bytes");
    }
    by
}

/// `why`; may be left out where the command itself says it.
pub(crate) fn why(section: &mut Section) -> String {
    let why = section.text("why").unwrap_or_default();
    if why.len() > 500 {
        section.fault("why", "must be at most 500 bytes");
    }
    why
}

/// `show`, with the name of whoever wants to see people's data.
pub(crate) fn shown_to(section: &mut Section) -> Option<String> {
    let show = section.flag("show", false);
    let by = section.text("by");
    if show && by.is_none() {
        section.fault("by", "is missing: who sees people's data is written down");
    }
    by.filter(|_| show)
}

/// One person, as a command names them.
pub(crate) enum Person {
    /// By address.
    Email(Email),
    /// By a source's own id.
    Known(Alias),
}

/// `email`, or `source` and `id`.
pub(crate) fn person(section: &mut Section) -> Option<Person> {
    let (email, source, id) = (
        section.text("email"),
        section.text("source"),
        section.text("id"),
    );
    match (email, source, id) {
        (Some(email), None, None) => {
            let read = Email::parse(&email);
            if let Err(error) = &read {
                section.fault("email", error.to_string());
            }
            read.ok().map(Person::Email)
        }
        (None, Some(source), Some(id)) => {
            if registry::source(&source).is_none() {
                section.fault("source", format!("there is no source `{source}`"));
            }
            let id = id.into();
            Some(Person::Known(Alias { source, id }))
        }
        _ => {
            section.fault(
                "email",
                "name the person: either `email`, or `source` and `id`",
            );
            None
        }
    }
}

/// An instant under `key`.
pub(crate) fn instant(section: &mut Section, key: &'static str) -> Option<Timestamp> {
    let text = section.text(key)?;
    let instant = text.parse().ok();
    if instant.is_none() {
        section.fault(key, "must be an instant such as 2026-03-04T10:20:30Z");
    }
    instant
}
