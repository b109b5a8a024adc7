//! What travels between our own functions: envelopes and messages, of this release or the one before, or damaged.

use jiff::Timestamp;
use loyalty::StoreId;
use serde_json::Value;
use vendors::{Envelope, Message};

#[test]
fn envelopes() {
    crate::run("wire", bodies("invoke/recorder"), envelope);
}

#[test]
fn messages() {
    crate::run("wire", bodies("invoke/push-rule"), message);
}

#[test]
fn any_body_comes_back_from_its_envelope() {
    crate::run("yotpo", crate::events("yotpo"), sealed);
}

/// The bodies of a batch as SQS hands them out.
fn bodies(folder: &str) -> Vec<Vec<u8>> {
    let batches = crate::events(folder).into_iter();
    let batches = batches.map(|batch| serde_json::from_slice::<Value>(&batch).unwrap());
    batches
        .flat_map(|mut batch| batch["Records"].as_array_mut().unwrap().split_off(0))
        .map(|record| record["body"].as_str().unwrap().into())
        .collect()
}

/// What another release wrote is known by its version: a newer one is never taken for ours.
fn is_of_a_known_version(bytes: &[u8]) {
    let value: Value = serde_json::from_slice(bytes).unwrap();
    assert_eq!(value["v"], 1, "{value}");
}

pub(crate) fn envelope(bytes: &[u8]) {
    let Ok(envelope) = serde_json::from_slice::<Envelope>(bytes) else {
        return;
    };
    is_of_a_known_version(bytes);
    let text = serde_json::to_string(&envelope).unwrap();
    assert!(serde_json::from_str::<Envelope>(&text).unwrap() == envelope);
    let _ = envelope.arrived();
    if let Ok(body) = envelope.open() {
        sealed(&body);
    }
}

pub(crate) fn message(bytes: &[u8]) {
    let Ok(message) = serde_json::from_slice::<Message>(bytes) else {
        return;
    };
    is_of_a_known_version(bytes);
    let text = message.to_text().unwrap();
    assert!(!text.contains(['\u{fffe}', '\u{ffff}']));
    assert_eq!(serde_json::from_str::<Message>(&text).unwrap(), message);
    // A message of the release before lacks what came since, and is still read.
    let mut older: Value = serde_json::from_str(&text).unwrap();
    for key in ["lane", "hash", "erase"] {
        older.as_object_mut().unwrap().remove(key);
    }
    assert!(serde_json::from_value::<Message>(older).is_ok());
    // Of whom it is does not slip into a log; the kind of a reward and the like may.
    let member = message.member.expose();
    if member.contains('@') {
        assert!(!format!("{:?}", message.member).contains(member));
    }
}

pub(crate) fn sealed(body: &[u8]) {
    let store = StoreId::parse("example").unwrap();
    let sealed = Envelope::seal(
        store,
        "yotpo",
        Timestamp::UNIX_EPOCH,
        "n".to_owned(),
        None,
        body,
    );
    let Ok(envelope) = sealed else {
        return;
    };
    assert!(envelope.body.is_ascii() && envelope.body.len() <= vendors::TOO_LARGE);
    assert_eq!(envelope.open().unwrap(), body);
}
