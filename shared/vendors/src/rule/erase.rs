//! How a person is erased in Rule.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::{
    answer::{self, is_unknown},
    fields, look,
};
use crate::{Answer, Call, EraseMode, EraseStep, Erasing, Method, Reply, Seen};

/// With `fields` the person is looked for first: a write would make a subscriber of somebody whom Rule does not know.
pub(super) fn erase(erasing: &Erasing, last: Option<(&Call, Option<&Reply>)>) -> EraseStep {
    let Some((call, reply)) = last else {
        return EraseStep::Call(match mode(erasing) {
            EraseMode::Fields => look(erasing.email),
            EraseMode::Person => remove(erasing),
        });
    };
    if reply.is_some_and(|reply| reply.status == 404 && is_unknown(reply)) {
        return EraseStep::Done;
    }
    match call.method {
        Method::Get => match answer::seen(reply) {
            Seen::Failed(answer) => EraseStep::Failed(answer),
            Seen::Marker(_) | Seen::Unclear => EraseStep::Call(empty(erasing)),
        },
        // What was removed may be answered without a word.
        Method::Delete if reply.is_some_and(|reply| reply.status == 204) => EraseStep::Done,
        Method::Post | Method::Put | Method::Delete => match answer::answer(call, reply) {
            Answer::Booked { .. } => EraseStep::Done,
            // What Rule does not let us empty is left out, so that the rest is emptied.
            Answer::Amend(other) => EraseStep::Call(other),
            answer => EraseStep::Failed(answer),
        },
    }
}

fn mode(erasing: &Erasing) -> EraseMode {
    let settings = erasing.store.destinations.rule.as_ref();
    let set = settings.map_or(EraseMode::Fields, |settings| settings.erase);
    erasing.mode.unwrap_or(set)
}

fn remove(erasing: &Erasing) -> Call {
    let email = utf8_percent_encode(erasing.email.expose(), NON_ALPHANUMERIC);
    Call {
        method: Method::Delete,
        path: format!("/api/v2/subscribers/{email}?identified_by=email"),
        body: None,
    }
}

/// Empties our fields quietly.
fn empty(erasing: &Erasing) -> Call {
    let request = json!({
        "update_on_duplicate": true,
        "auto_create_tags": true,
        "auto_create_fields": true,
        "automation": false,
        "sync_subscribers": false,
        "subscribers": {"email": erasing.email.expose(), "fields": fields::emptied()},
    });
    Call {
        method: Method::Post,
        path: "/api/v2/subscribers".to_owned(),
        body: Some(request.to_string()),
    }
}
