//! How a person is erased in Rule.

use loyalty::Email;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    answer::{self, is_unknown},
    fields, look, map,
};
use crate::{Answer, Call, EraseMode, Erasing, Method, Reply, Seen, Step};

/// With `fields` the person is looked for first: a write would make a subscriber of somebody whom Rule does not know.
pub(super) fn erase(erasing: &Erasing, last: Option<(&Call, Option<&Reply>)>) -> Step<()> {
    // Rule knows people by their address alone.
    let Some(email) = erasing.email else {
        return Step::Done(());
    };
    let Some((call, reply)) = last else {
        return Step::Call(match mode(erasing) {
            EraseMode::Fields => look(email),
            EraseMode::Person => remove(email),
        });
    };
    if reply.is_some_and(|reply| reply.status == 404 && is_unknown(reply)) {
        return Step::Done(());
    }
    match call.method {
        Method::Get => match answer::seen(reply) {
            Seen::Failed(answer) => Step::Failed(answer),
            Seen::Marker(_) | Seen::Booked(_) | Seen::Unclear => {
                Step::Call(map::quiet(email, &[], fields::emptied()))
            }
        },
        // What was removed may be answered without a word.
        Method::Delete if reply.is_some_and(|reply| reply.status == 204) => Step::Done(()),
        Method::Post | Method::Put | Method::Patch | Method::Delete => {
            match answer::answer(call, reply) {
                Answer::Booked { .. } => Step::Done(()),
                // What Rule does not let us empty is left out, so that the rest is emptied.
                Answer::Amend(other) => Step::Call(other),
                answer => Step::Failed(answer),
            }
        }
    }
}

fn mode(erasing: &Erasing) -> EraseMode {
    let settings = erasing.store.destinations.rule.as_ref();
    let set = settings.map_or(EraseMode::Fields, |settings| settings.erase);
    erasing.mode.unwrap_or(set)
}

fn remove(email: &Email) -> Call {
    let email = utf8_percent_encode(email.expose(), NON_ALPHANUMERIC);
    Call {
        method: Method::Delete,
        path: format!("/api/v2/subscribers/{email}?identified_by=email"),
        body: None,
    }
}
