//! Annex Cloud's webhooks: a sign that something about somebody changed. What they carry is not published, so nothing they
//! say is believed; they tell whom to read.

use serde_json::Value;

use super::{SourceSettings, body::At};
use crate::{Inbound, Inlet, Read, Refusal, Whom};

/// Objects in which a webhook may name a person; what stands outside may be the delivery's own.
const PLACES: [&str; 3] = ["user", "data", "Data"];

/// Keys that may carry the delivery's own id.
const EVENT_IDS: [&str; 3] = ["eventId", "event_id", "eventID"];

/// Admits a caller that presents one of the store's secrets.
///
/// ASSUMED `annexcloud-webhook-authentication`: which header Annex Cloud's settings make is not published; the path segment
/// of our own works whatever it sends.
pub(super) fn authenticate(inbound: &Inbound, inlet: &Inlet) -> Result<(), Refusal> {
    let mut presented: Vec<&str> = inbound.path_token.as_deref().into_iter().collect();
    for value in inbound.header("authorization").map(str::trim) {
        presented.push(value);
        if let Some((scheme, rest)) = value.split_once(' ')
            && scheme.eq_ignore_ascii_case("bearer")
        {
            presented.push(rest.trim());
        }
    }
    presented.extend(inbound.header("x-api-key").map(str::trim));
    // Every candidate is compared, so that the time taken does not tell which place held the right one.
    let admitted = presented
        .iter()
        .fold(false, |admitted, secret| inlet.admits(secret) | admitted);
    if admitted {
        Ok(())
    } else {
        Err(Refusal::Unauthorized)
    }
}

/// The delivery's own id.
///
/// ASSUMED `annexcloud-webhook-event-id`: the body carries the id that Annex Cloud's audit log shows.
pub(super) fn delivery_id(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let root = At::root(&body);
    let places = [root, root.unwrapped()];
    let ids = places
        .iter()
        .flat_map(|at| EVENT_IDS.iter().filter_map(|key| at.id(key)));
    let mut ids = ids.map(|id| id.trim().to_owned());
    ids.next()
}

/// The sign that a webhook is; none where it names nobody.
pub(super) fn read(body: &Value, settings: Option<&SourceSettings>) -> Option<Read> {
    Some(Read::Hint {
        whom: whom(body, settings)?,
        topic: topic(body).unwrap_or_else(|| "webhook".to_owned()),
    })
}

/// Whom a webhook is about.
///
/// ASSUMED `annexcloud-webhook-person`: it names the person by `userId`, `id` or `email`, one level below the top or there.
fn whom(body: &Value, settings: Option<&SourceSettings>) -> Option<Whom> {
    let root = At::root(body);
    if let Some(pointer) = settings.and_then(|settings| settings.hint_pointer.as_deref()) {
        let named = body.pointer(pointer)?;
        let wrapped = serde_json::json!({ "id": named });
        return by_id(At::root(&wrapped), "id");
    }
    let places = PLACES.iter().map(|place| root.at(place)).chain([root]);
    let mut named = places.filter_map(|at| {
        let id = by_id(at, "userId").or_else(|| by_id(at, "id"));
        id.or_else(|| at.email("email").map(Whom::Email))
    });
    named.next()
}

/// Somebody by their id. Where it is an address they are asked for by it, as it is written.
fn by_id(at: At, key: &str) -> Option<Whom> {
    at.person_id(key).map(|id| Whom::Id(id.into()))
}

/// The webhook's own name for what happened, as it may be shown in logs and rows.
pub(super) fn topic(body: &Value) -> Option<String> {
    let root = At::root(body);
    let keys = ["event", "eventType", "event_type", "type", "topic"];
    let name = keys.iter().find_map(|key| root.text(key))?;
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-. ".contains(&byte);
    let fits = name.len() <= 100 && name.bytes().all(letters);
    fits.then_some(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRET: &str = "s3cret-of-the-store";

    fn inlet() -> Inlet {
        serde_json::from_value(json!({"v": 1, "current": SECRET, "previous": "before"})).unwrap()
    }

    fn with_header(name: &str, value: &str) -> Inbound {
        Inbound {
            headers: vec![(name.to_owned(), value.to_owned())],
            ..Inbound::default()
        }
    }

    fn with_path(token: &str) -> Inbound {
        Inbound {
            path_token: Some(token.to_owned()),
            ..Inbound::default()
        }
    }

    #[test]
    fn the_secret_is_found_where_it_may_travel_and_nowhere_else() {
        let bearer = format!("bearer {SECRET}");
        for inbound in [
            with_path(SECRET),
            with_path("before"),
            with_header("authorization", SECRET),
            with_header("authorization", &bearer),
            with_header("x-api-key", SECRET),
        ] {
            assert_eq!(authenticate(&inbound, &inlet()), Ok(()));
        }
        let query = Inbound {
            query: vec![("token".to_owned(), SECRET.to_owned())],
            ..Inbound::default()
        };
        let body = Inbound {
            body: json!({"secret": SECRET}).to_string().into_bytes(),
            ..Inbound::default()
        };
        for inbound in [
            Inbound::default(),
            query,
            body,
            with_path(""),
            with_path("wrong"),
            with_header("authorization", "Bearer"),
            with_header("authorization", &format!("Basic {SECRET}")),
            with_header("x-other", SECRET),
        ] {
            assert_eq!(authenticate(&inbound, &inlet()), Err(Refusal::Unauthorized));
        }
    }

    #[test]
    fn whom_a_webhook_is_about() {
        let id = |id: &str| Some(Whom::Id(id.into()));
        let ada = || {
            Some(Whom::Email(
                loyalty::Email::parse("ada@example.com").unwrap(),
            ))
        };
        for (body, expected) in [
            (json!({"id": "ada@example.com"}), id("ada@example.com")),
            (json!({"id": 4711}), id("4711")),
            (json!({"userId": "c-1", "id": "event-9"}), id("c-1")),
            (
                json!({"id": "event-9", "data": {"userId": "c-1"}}),
                id("c-1"),
            ),
            (
                json!({"id": "event-9", "user": {"id": "c-1", "email": "ada@example.com"}}),
                id("c-1"),
            ),
            (
                json!({"id": "event-9", "Data": {"email": "Ada@example.com"}}),
                ada(),
            ),
            (json!({"email": "ada@example.com"}), ada()),
            (json!({"email": "nobody"}), None),
            (json!({"id": ".."}), None),
            (json!({"id": " "}), None),
            (json!({"id": {"id": 1}}), None),
            (json!([]), None),
            (json!({}), None),
        ] {
            assert_eq!(whom(&body, None), expected, "{body}");
        }
        let settings = SourceSettings {
            hint_pointer: Some("/payload/0/member".to_owned()),
            ..SourceSettings::default()
        };
        let whom = |body: &Value| whom(body, Some(&settings));
        assert_eq!(
            whom(&json!({"id": "event-9", "payload": [{"member": "c-1"}]})),
            id("c-1")
        );
        assert_eq!(whom(&json!({"id": "event-9"})), None);
    }

    #[test]
    fn a_delivery_has_an_id_of_its_own_or_none() {
        for (body, expected) in [
            (json!({"eventId": "evt-1", "id": "c-1"}), Some("evt-1")),
            (json!({"event_id": 17}), Some("17")),
            (json!({"data": {"eventID": "evt-1"}}), Some("evt-1")),
            (json!({"id": "c-1"}), None),
            (json!([]), None),
        ] {
            let id = delivery_id(body.to_string().as_bytes());
            assert_eq!(id.as_deref(), expected, "{body}");
        }
        assert_eq!(delivery_id(b"no json"), None);
    }

    #[test]
    fn a_name_that_may_be_anything_is_not_shown() {
        for (body, expected) in [
            (json!({"event": "user.update"}), Some("user.update")),
            (json!({"eventType": "Tier Upgrade"}), Some("Tier Upgrade")),
            (json!({"event": "ada@example.com"}), None),
            (json!({"event": "x".repeat(101)}), None),
            (json!({}), None),
        ] {
            assert_eq!(topic(&body).as_deref(), expected, "{body}");
        }
    }
}
