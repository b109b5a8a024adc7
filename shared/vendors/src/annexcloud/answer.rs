//! What Annex Cloud's replies mean. An error's own code goes before the HTTP status, because a success may carry one too.

use std::time::Duration;

use serde_json::Value;

use super::body::At;
use crate::{Answer, Reason, Reply, frame::retry_after};

/// How long to wait after a 429 that does not say.
const BLOCK: Duration = Duration::from_secs(2);

/// What a reply says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    /// It went well; this is the answer.
    Told(Value),
    /// There is no such member, or nothing of this kind about them.
    Nobody,
    /// There is such a member already.
    Exists,
    /// It did not go well.
    Failed(Answer),
}

/// Reads a reply; none when the connection broke or time ran out.
pub(super) fn said(reply: Option<&Reply>) -> Said {
    let Some(reply) = reply else {
        return Said::Failed(unknown(Reason::NoAnswer, None));
    };
    let body: Option<Value> = serde_json::from_slice(&reply.body).ok();
    let code = body.as_ref().and_then(code);
    if let Some(said) = code.as_deref().and_then(|code| coded(code, reply)) {
        return said;
    }
    match (reply.status, body) {
        (204, _) if code.is_none() => Said::Told(Value::Null),
        (200..=299, Some(body)) if code.is_none() && (body.is_object() || body.is_array()) => {
            Said::Told(body)
        }
        // A success that cannot be read comes from something in between, or the interface has changed.
        (200..=299, _) if code.is_none() => Said::Failed(unknown(Reason::VendorError, hint(reply))),
        (status, body) => Said::Failed(failed(
            status,
            body.is_some_and(|body| body.is_object()),
            reply,
        )),
    }
}

/// The error's code, such as `AC1005`.
fn code(body: &Value) -> Option<String> {
    let root = At::root(body);
    let code = root.text("errorCode");
    let code = code.or_else(|| root.unwrapped().text("errorCode"))?;
    Some(code.trim().to_ascii_uppercase())
}

/// What a code means; none for those that are not published.
fn coded(code: &str, reply: &Reply) -> Option<Said> {
    Some(match code {
        // Something went wrong, nobody says what; also with the status that elsewhere says that nobody is there.
        "AC1001" => Said::Failed(unknown(Reason::VendorError, hint(reply))),
        "AC1002" => Said::Failed(Answer::Misconfigured(Reason::Unauthorized)),
        "AC1004" => Said::Failed(Answer::Refused(Reason::InvalidValue)),
        "AC1005" => Said::Nobody,
        "AC1006" => Said::Exists,
        _ => return None,
    })
}

/// What a status means where no known code says more.
fn failed(status: u16, is_json: bool, reply: &Reply) -> Answer {
    match status {
        401 | 403 => Answer::Misconfigured(Reason::Unauthorized),
        429 => Answer::Throttled {
            after: hint(reply).unwrap_or(BLOCK),
        },
        408 | 425 | 500.. => unknown(Reason::VendorError, hint(reply)),
        // The interface says in JSON what it lacks: a page or nothing at all comes from another address.
        404 if is_json => Answer::Refused(Reason::Refused),
        300..=399 | 404 | 405 | 410 => Answer::Misconfigured(Reason::WrongAddress),
        _ => Answer::Refused(Reason::Refused),
    }
}

const fn unknown(reason: Reason, after: Option<Duration>) -> Answer {
    Answer::Unknown { reason, after }
}

fn hint(reply: &Reply) -> Option<Duration> {
    retry_after::wait(reply.retry_after.as_deref()?, reply.date.as_deref(), |_| {
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str, retry_after: Option<&str>) -> Reply {
        Reply {
            status,
            retry_after: retry_after.map(ToOwned::to_owned),
            date: None,
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn an_errors_code_goes_before_the_status() {
        let unauthorized = Said::Failed(Answer::Misconfigured(Reason::Unauthorized));
        let wrong_address = Said::Failed(Answer::Misconfigured(Reason::WrongAddress));
        let vendor_error = Said::Failed(unknown(Reason::VendorError, None));
        let refused = Said::Failed(Answer::Refused(Reason::Refused));
        let invalid = Said::Failed(Answer::Refused(Reason::InvalidValue));
        let wait = |seconds| {
            let after = Duration::from_secs(seconds);
            Said::Failed(Answer::Throttled { after })
        };
        let cases = [
            (404, r#"{"errorCode":"AC1001"}"#, &vendor_error),
            (200, r#"{"errorCode":"AC1001"}"#, &vendor_error),
            (401, r#"{"errorCode":"AC1002"}"#, &unauthorized),
            (200, r#"{"errorCode":"ac1002 "}"#, &unauthorized),
            (400, r#"{"errorCode":"AC1004"}"#, &invalid),
            (404, r#"{"errorCode":"AC1005"}"#, &Said::Nobody),
            (400, r#"{"errorCode":"AC1005"}"#, &Said::Nobody),
            (200, r#"{"errorCode":"AC1005"}"#, &Said::Nobody),
            (200, r#"{"Data":{"errorCode":"AC1005"}}"#, &Said::Nobody),
            (409, r#"{"errorCode":"AC1006"}"#, &Said::Exists),
            (200, r#"{"errorCode":"AC1006"}"#, &Said::Exists),
            (400, r#"{"errorCode":"AC1099"}"#, &refused),
            (200, r#"{"errorCode":"AC1099"}"#, &refused),
            (404, r#"{"errorCode":"AC1099"}"#, &refused),
            (503, r#"{"errorCode":"AC1099"}"#, &vendor_error),
            (429, r#"{"errorCode":"AC1099"}"#, &wait(2)),
            (404, "", &wrong_address),
            (404, "<html>Not Found</html>", &wrong_address),
            (405, "{}", &wrong_address),
            (301, "", &wrong_address),
            (401, "", &unauthorized),
            (403, "<html>", &unauthorized),
            (429, "", &wait(2)),
            (400, "", &refused),
            (500, "<html>", &vendor_error),
            (200, "<html>", &vendor_error),
            (200, "", &vendor_error),
            (200, "\"fine\"", &vendor_error),
            (204, "", &Said::Told(Value::Null)),
            (200, "[]", &Said::Told(serde_json::json!([]))),
            (
                200,
                r#"{"errorCode":null}"#,
                &Said::Told(serde_json::json!({"errorCode": null})),
            ),
        ];
        for (status, body, expected) in cases {
            let said = said(Some(&reply(status, body, None)));
            assert_eq!(&said, expected, "{status} {body}");
        }
    }

    #[test]
    fn a_wait_that_is_asked_for_is_honoured() {
        let after = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(
            said(Some(&reply(429, "", Some("30")))),
            Said::Failed(Answer::Throttled {
                after: Duration::from_secs(30)
            })
        );
        assert_eq!(
            said(Some(&reply(503, "", Some("7")))),
            Said::Failed(unknown(Reason::VendorError, after(7)))
        );
        assert_eq!(said(None), Said::Failed(unknown(Reason::NoAnswer, None)));
    }
}
