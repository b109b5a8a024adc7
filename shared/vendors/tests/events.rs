//! The files in `events/`: whole Lambda events carry the vendors' bodies byte for byte, and every example that
//! `simulate` makes is an event of its kind.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use loyalty::{Email, HashKey, Kind, Occurrence, StoreId};
use serde_json::{Value, json};
use vendors::{Envelope, Fetch, Message, Note, Read, Store, Wanted, registry};

fn events(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../events")
        .join(path)
}

#[test]
fn lambda_events_carry_the_vendors_bodies() {
    let mut checked = 0;
    for entry in std::fs::read_dir(events("invoke/webhook")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let event: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let body = event["body"].as_str().unwrap();
        let body = if event["isBase64Encoded"] == true {
            STANDARD.decode(body).unwrap()
        } else {
            body.into()
        };
        let vendors = format!("yotpo/{}.json", name.split('.').next().unwrap());
        assert_eq!(
            body,
            std::fs::read(events(&vendors)).unwrap(),
            "{name} against {vendors}"
        );
        checked += 1;
    }
    assert!(checked >= 3);
}

fn invoke(path: &str) -> Value {
    serde_json::from_slice(&std::fs::read(events(path)).unwrap()).unwrap()
}

fn bodies(event: &Value) -> Vec<String> {
    let records = event["Records"].as_array().unwrap();
    records
        .iter()
        .map(|record| record["body"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_recorders_events_carry_the_vendors_bodies() {
    let bodies = bodies(&invoke("invoke/recorder/two_events.json"));
    assert_eq!(bodies.len(), 2);
    for body in bodies {
        let envelope: Envelope = serde_json::from_str(&body).unwrap();
        // The nonce of an example names the file that it carries.
        let file = std::fs::read(events(&format!("yotpo/{}.json", envelope.nonce))).unwrap();
        assert_eq!(envelope.open().unwrap(), file, "{}", envelope.nonce);
    }
}

#[test]
fn the_pushers_events_carry_what_the_recorder_makes_of_them() {
    let store: Value = invoke("stores/example-outdoor.json");
    let store = Store::read(store).unwrap();
    let key = HashKey::new("example-hash-key");
    let recorded = bodies(&invoke("invoke/recorder/two_events.json"));
    let pushed = bodies(&invoke("invoke/push-rule/two_events.json"));
    assert_eq!(recorded.len(), pushed.len());
    for (recorded, pushed) in recorded.iter().zip(&pushed) {
        let envelope: Envelope = serde_json::from_str(recorded).unwrap();
        let source = registry::source(&envelope.source).unwrap();
        let body = source.trim(&envelope.open().unwrap()).unwrap();
        let Read::Event(event) = source.read(&envelope, &body, &store, &key) else {
            panic!("{} is an event", envelope.nonce);
        };
        let message = Message {
            v: 1,
            store: store.id.clone(),
            member: event.who.key(),
            lane: vendors::Lane::Live,
            version: envelope.arrived.try_into().unwrap(),
            note: Some(Note {
                event: event.id.clone(),
                kind: event.kind,
                occurrence: Occurrence::from(envelope.arrived()),
                arrived: envelope.arrived(),
                detail: event.detail.clone(),
            }),
            hash: None,
            erase: None,
        };
        assert_eq!(*pushed, message.to_text().unwrap());
    }
}

#[test]
fn the_other_pushers_events_are_messages_of_their_queues() {
    for file in [
        "invoke/push-gorgias/two_pictures.json",
        "invoke/push-annexcloud/picture_and_order.json",
    ] {
        for body in bodies(&invoke(file)) {
            let message: Message = serde_json::from_str(&body).unwrap();
            assert_eq!(message.to_text().unwrap(), body, "{file}");
        }
    }
}

#[test]
fn the_readers_events_are_messages_of_its_queue() {
    let bodies = bodies(&invoke("invoke/reader/two_reads.json"));
    let fetches: Vec<Fetch> = bodies
        .iter()
        .map(|body| serde_json::from_str(body).unwrap())
        .collect();
    assert!(matches!(fetches[0].what, Wanted::Member { .. }));
    assert!(matches!(fetches[1].what, Wanted::Page { page: 1, .. }));
    for (fetch, body) in fetches.iter().zip(&bodies) {
        assert_eq!(fetch.to_text().unwrap(), *body);
    }
}

#[test]
fn the_operators_events_carry_the_example_store() {
    let put: Value =
        serde_json::from_slice(&std::fs::read(events("invoke/operator/put_store.json")).unwrap())
            .unwrap();
    let store: Value =
        serde_json::from_slice(&std::fs::read(events("stores/example-outdoor.json")).unwrap())
            .unwrap();
    assert_eq!(put["store"], store);
}

#[test]
fn every_example_is_an_event_of_its_kind() {
    let store = Store::read(json!({
        "v": 1, "store": "example", "name": "Example", "currency": "NOK", "locale": "nb-NO",
        "sources": {"yotpo": {}},
    }))
    .unwrap();
    let email = Email::parse("simulated@example.com").unwrap();
    let now = Timestamp::UNIX_EPOCH;
    let source = registry::source("yotpo").unwrap();
    let mut missing = Vec::new();
    for kind in Kind::ALL {
        let Some(body) = source.example(*kind, &email, now, 7) else {
            missing.push(kind.name());
            continue;
        };
        let body = body.to_string().into_bytes();
        let id = StoreId::parse("example").unwrap();
        let envelope = Envelope::seal(id, "yotpo", now, "n".into(), None, &body).unwrap();
        match source.read(&envelope, &body, &store, &HashKey::new("example")) {
            Read::Event(event) => {
                assert_eq!(event.kind, *kind);
                assert_eq!(event.who.email(), Some(&email), "{kind}");
            }
            other => panic!("{kind}: {other:?}"),
        }
    }
    assert_eq!(
        missing,
        [
            "points_deducted",
            "points_redeemed",
            "points_expired",
            "member_updated",
            "member_deleted",
            "enrolment_wanted",
            "points_ordered"
        ],
        "kinds that Yotpo has no topic for"
    );
}
