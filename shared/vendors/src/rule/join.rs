//! Several subscribers in one request.
//!
//! ASSUMED `rule-array`: `subscribers` may be an array; automations start for fewer than twenty as they do for one; tags,
//! mode and flags hold for all of them; and one subscriber that is refused refuses the whole request.

use serde_json::Value;

use crate::Call;

/// Subscribers in one request: with twenty, automations would start for none of them.
pub(super) const MOST: usize = 19;

/// Everything that a request says but its subscriber.
pub(super) fn joins(call: &Call) -> Option<String> {
    let mut body: Value = serde_json::from_str(call.body.as_deref()?).ok()?;
    body.get_mut("subscribers").map(Value::take)?;
    Some(body.to_string())
}

/// One request in place of several that differ in their subscriber alone.
pub(super) fn join(calls: &[&Call]) -> Option<Call> {
    if let [one] = calls {
        return Some((*one).clone());
    }
    let mut whole: Option<(Value, &Call)> = None;
    let mut subscribers = Vec::new();
    for call in calls {
        let mut body: Value = serde_json::from_str(call.body.as_deref()?).ok()?;
        subscribers.push(body.get_mut("subscribers").map(Value::take)?);
        match &whole {
            None => whole = Some((body, call)),
            Some((first, _)) if *first == body => {}
            Some(_) => return None,
        }
    }
    let (mut body, first) = whole.filter(|_| subscribers.len() <= MOST)?;
    body["subscribers"] = Value::Array(subscribers);
    Some(Call {
        method: first.method,
        path: first.path.clone(),
        body: Some(body.to_string()),
    })
}
