//! What Gorgias' replies mean.

use std::time::Duration;

use serde_json::Value;

use crate::{Answer, Call, Reason, Reply, frame::retry_after};

/// How long to wait after a 429 that does not say: until the bucket of the smallest plan is empty.
const BUCKET: Duration = Duration::from_secs(20);

/// A reply to a write of a person's data.
pub(super) fn answer(call: &Call, reply: Option<&Reply>) -> Answer {
    let Some(reply) = reply else {
        return unread(None);
    };
    match reply.status {
        200..=299 => written(reply),
        // The person was merged into another, or removed.
        301 | 404 => Answer::Elsewhere,
        400 | 409 | 422 => Answer::Refused(Reason::Refused),
        413 => shorter(call).map_or(Answer::Refused(Reason::InvalidValue), Answer::Amend),
        _ => unread(Some(reply)),
    }
}

/// What a write is answered that went well: nothing, by the vendor's words. Beside JSON nothing else is believed: a page of
/// HTML is not Gorgias'.
fn written(reply: &Reply) -> Answer {
    if reply.body.is_empty() {
        return Answer::Booked { people: Vec::new() };
    }
    match serde_json::from_slice::<Value>(&reply.body) {
        Ok(body) if tells_an_error(&body) => Answer::Refused(Reason::Refused),
        Ok(_) => Answer::Booked { people: Vec::new() },
        Err(_) => unread(Some(reply)),
    }
}

fn tells_an_error(body: &Value) -> bool {
    let mut told = ["error", "errors"].iter().filter_map(|key| body.get(key));
    told.any(|error| !error.is_null())
}

/// The same write without what may be long.
fn shorter(call: &Call) -> Option<Call> {
    let mut body: Value = serde_json::from_str(call.body.as_deref()?).ok()?;
    let activity = body.pointer_mut("/data/loyalty/activity")?;
    let rows = activity.as_array_mut().filter(|rows| !rows.is_empty())?;
    rows.clear();
    Some(Call {
        body: Some(body.to_string()),
        ..call.clone()
    })
}

/// What a reply means that should have shown or done something and did not.
pub(super) fn unread(reply: Option<&Reply>) -> Answer {
    let Some(reply) = reply else {
        return Answer::Unknown {
            reason: Reason::NoAnswer,
            after: None,
        };
    };
    match reply.status {
        401 | 403 => Answer::Misconfigured(Reason::Unauthorized),
        429 => Answer::Throttled {
            after: hint(reply).unwrap_or(BUCKET),
        },
        300..=399 | 404 | 405 | 410 => Answer::Misconfigured(Reason::WrongAddress),
        400 | 409 | 413 | 422 => Answer::Refused(Reason::Refused),
        _ => Answer::Unknown {
            reason: Reason::VendorError,
            after: hint(reply),
        },
    }
}

fn hint(reply: &Reply) -> Option<Duration> {
    retry_after::wait(reply.retry_after.as_deref()?, reply.date.as_deref(), |_| {
        None
    })
}

/// A list: bare, or under `data`. The reference shows both.
pub(super) fn rows(page: &Value) -> Option<&Vec<Value>> {
    page.as_array().or_else(|| page.get("data")?.as_array())
}

/// Where a list goes on.
pub(super) fn next(page: &Value) -> Option<&str> {
    let cursor = page.pointer("/meta/next_cursor")?.as_str()?;
    (!cursor.is_empty()).then_some(cursor)
}
