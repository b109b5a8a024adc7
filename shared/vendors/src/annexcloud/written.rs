//! What the replies to our writes mean.

use serde_json::Value;

use super::{
    answer::{Said, said},
    body::At,
    people,
    points::Receipt,
};
use crate::{
    Answer, Answered, Call, EraseMode, Erasing, Finding, Level, Method, Reason, Reply, Step,
};

/// Somebody whom no site knows: an example's domain is nobody's.
const NOBODY: &str = "loyalty-bridge-check@example.com";

pub(super) fn answer(call: &Call, reply: Option<&Reply>) -> Answer {
    let books = call.path == "/points";
    match said(reply) {
        // A success that says nothing of points may be another's: the activity tells.
        Said::Told(body) if books && Receipt::read(&body).is_none() => UNCLEAR,
        Said::Told(body) => Answer::Booked {
            people: vec![told_id(&body).or_else(|| named_id(call))],
        },
        // Whoever is to be made is there already, which is what was wanted.
        Said::Exists if call.path == "/users" => Answer::Exists {
            person: named_id(call),
        },
        // Whoever is to get an address that somebody has cannot have it.
        Said::Exists if call.method == Method::Patch => Answer::Refused(Reason::Refused),
        Said::Exists => UNCLEAR,
        Said::Nobody if books || call.method == Method::Patch => Answer::Elsewhere,
        Said::Nobody => Answer::Refused(Reason::Refused),
        Said::Failed(answer) => answer,
    }
}

const UNCLEAR: Answer = Answer::Unknown {
    reason: Reason::VendorError,
    after: None,
};

fn told_id(body: &Value) -> Option<String> {
    At::root(body).unwrapped().person_id("id")
}

/// The id in a request's own body.
fn named_id(call: &Call) -> Option<String> {
    let body: Value = serde_json::from_str(call.body.as_deref()?).ok()?;
    At::root(&body).person_id("id")
}

/// Erases a person. Every call may be made again; whoever is not there is erased.
pub(super) fn erase(erasing: &Erasing, last: Option<(&Call, Option<&Reply>)>) -> Step<()> {
    let Some((_, reply)) = last else {
        let address = erasing.email.map(loyalty::Email::expose);
        let Some(id) = erasing.person.or(address) else {
            return Step::Done(());
        };
        return Step::Call(match mode(erasing) {
            EraseMode::Fields => people::blank(id),
            EraseMode::Person => people::remove(id),
        });
    };
    match said(reply) {
        Said::Told(_) | Said::Nobody => Step::Done(()),
        Said::Exists => Step::Failed(UNCLEAR),
        Said::Failed(answer) => Step::Failed(answer),
    }
}

fn mode(erasing: &Erasing) -> EraseMode {
    let settings = erasing.store.destinations.annexcloud.as_ref();
    let set = settings.map_or(EraseMode::Fields, |settings| settings.erase);
    erasing.mode.unwrap_or(set)
}

/// Asks for nobody: whether the key works shows all the same, and nobody's data moves.
pub(super) fn check(answered: &[Answered]) -> Step<Vec<Finding>> {
    let Some((_, reply)) = answered.last() else {
        return Step::Call(people::user(NOBODY));
    };
    match said(reply.as_ref()) {
        Said::Failed(answer) => Step::Failed(answer),
        Said::Told(_) | Said::Nobody | Said::Exists => Step::Done(vec![Finding::new(
            Level::Good,
            "key",
            "Annex Cloud accepts it",
        )]),
    }
}
