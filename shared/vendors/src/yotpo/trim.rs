//! What of a body may be stored.

use serde_json::Value;

use super::auth;
use crate::{Refusal, frame::object};

/// ASSUMED `yotpo-completed-referral-customers`: the list of every friend ever converted is of no use here. It holds
/// strangers' addresses and grows without bound, so only its length is kept.
const FRIENDS: &str = "completed_referral_customers";

/// Checks that the body is a JSON object, and cuts strangers and secrets out of it. A body with nothing to cut is kept
/// byte for byte.
pub(super) fn trim(body: &[u8]) -> Result<Vec<u8>, Refusal> {
    object::check(body)?;
    if nothing_to_cut(body) {
        return Ok(body.to_vec());
    }
    let mut value: Value = serde_json::from_slice(body).map_err(|_| Refusal::NotJson)?;
    let Value::Object(object) = &mut value else {
        return Err(Refusal::NotAnObject);
    };
    let mut cut = false;
    for key in auth::BODY {
        cut |= object.remove(key).is_some();
    }
    cut |= cut_friends(&mut value);
    if !cut {
        return Ok(body.to_vec());
    }
    Ok(value.to_string().into_bytes())
}

/// Whether the body certainly holds none of the keys that are cut: most bodies, which need not be built up in memory. An
/// escaped letter could hide a key, so a body with one is looked at closely.
fn nothing_to_cut(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else {
        return false;
    };
    let mut hints = auth::BODY.iter().chain([&FRIENDS, &"\\u"]);
    !hints.any(|hint| text.contains(hint))
}

/// The list may stand in `referral_code` at the top, in `customer`, in `referrer` or deeper: it is cut at any depth, and
/// as an object too.
fn cut_friends(value: &mut Value) -> bool {
    match value {
        Value::Object(all) => {
            let mut cut = false;
            for (key, inner) in all {
                let friends = match inner {
                    Value::Array(friends) if key == FRIENDS => Some(friends.len()),
                    Value::Object(friends) if key == FRIENDS => Some(friends.len()),
                    _ => None,
                };
                cut |= match friends {
                    Some(count) => {
                        *inner = count.into();
                        true
                    }
                    None => cut_friends(inner),
                };
            }
            cut
        }
        Value::Array(all) => all
            .iter_mut()
            .fold(false, |cut, inner| cut_friends(inner) | cut),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_object_is_refused_by_name() {
        let cases: [(&[u8], Refusal); 8] = [
            (b"", Refusal::Empty),
            (b" \n", Refusal::Empty),
            (b"topic=swell", Refusal::NotJson),
            (b"{\"a\":", Refusal::NotJson),
            (b"\xff\xfe", Refusal::NotJson),
            (b"[]", Refusal::NotAnObject),
            (b"null", Refusal::NotAnObject),
            (b"\"text\"", Refusal::NotAnObject),
        ];
        for (body, refusal) in cases {
            assert_eq!(trim(body), Err(refusal), "{body:?}");
        }
    }

    #[test]
    fn a_body_with_nothing_to_cut_is_kept_byte_for_byte() {
        let body = "{ \"b\" : 1.50, \"a\":\"K\\u0000ri\u{fffe}\" }".as_bytes();
        assert_eq!(trim(body).unwrap(), body);
    }

    #[test]
    fn an_escaped_letter_hides_no_secret() {
        let body = br#"{"topic":"swell/points/earned","s\u0065cret":"hidden"}"#;
        let kept = String::from_utf8(trim(body).unwrap()).unwrap();
        assert!(!kept.contains("hidden"), "{kept}");
    }

    #[test]
    fn strangers_and_secrets_are_cut() {
        let body = serde_json::json!({
            "topic": "swell/referral/completed",
            "secret": "s3cret",
            "referral_code": { FRIENDS: [{"email": "venn@example.com"}, {"email": "vera@example.com"}] },
            "referrer": { "referral_code": { FRIENDS: [{"email": "venn@example.com"}] } },
            "history": [[{ FRIENDS: {"1": {"email": "venn@example.com"}} }]],
        });
        let kept = String::from_utf8(trim(body.to_string().as_bytes()).unwrap()).unwrap();
        assert!(
            !kept.contains("example.com") && !kept.contains("s3cret"),
            "{kept}"
        );
        let kept: Value = serde_json::from_str(&kept).unwrap();
        assert_eq!(kept["referral_code"][FRIENDS], 2);
        assert_eq!(kept["referrer"]["referral_code"][FRIENDS], 1);
    }
}
