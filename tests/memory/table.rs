//! Every body of `events/yotpo`, against the table that was written from the vendors' documents.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::world::{World, bytes};

#[tokio::test]
async fn every_event_brings_its_tag_and_fields() {
    let world = World::new().await;
    let expected: Vec<Value> = serde_json::from_str(include_str!("../expect/rule.json")).unwrap();
    let mut files = BTreeSet::new();
    for row in &expected {
        let file = row["file"].as_str().unwrap();
        files.insert(file.to_owned());
        let before = world.vendor.writes().len();
        let delivery = world.delivery("example", &vendors_trim(&bytes(file)));
        assert!(
            world.recorder.record(vec![delivery]).await[0].is_ok(),
            "{file}"
        );
        world.settle().await;
        let writes = world.vendor.writes().split_off(before);
        let requests = row["requests"].as_array().unwrap();
        assert_eq!(writes.len(), requests.len(), "{file}: requests");
        for (write, request) in writes.iter().zip(requests) {
            compare(file, write, request);
        }
    }
    let all = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../events/yotpo")).unwrap();
    let all: BTreeSet<String> = all
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, all, "every file stands in the table");
}

/// What the webhook leaves of a body.
fn vendors_trim(body: &[u8]) -> Vec<u8> {
    vendors::registry::source("yotpo")
        .unwrap()
        .trim(body)
        .unwrap()
}

fn compare(file: &str, write: &Value, expected: &Value) {
    assert_eq!(write["subscribers"]["email"], expected["email"], "{file}");
    assert_eq!(write["automation"], expected["automation"], "{file}");
    assert_eq!(
        write["sync_subscribers"], expected["sync_subscribers"],
        "{file}"
    );
    let set = |tags: &Value| -> BTreeSet<String> {
        tags.as_array()
            .unwrap()
            .iter()
            .map(|tag| tag.as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(set(&write["tags"]), set(&expected["tags"]), "{file}");
    let mut fields: Vec<(String, String, String)> = Vec::new();
    for field in write["subscribers"]["fields"].as_array().unwrap() {
        let text = |key: &str| field[key].as_str().unwrap().to_owned();
        fields.push((text("key"), text("value"), text("type")));
    }
    let marker = fields
        .iter()
        .position(|(key, ..)| key == "Bridge.LastEvent")
        .map(|at| fields.remove(at));
    assert_eq!(
        marker.is_some(),
        write["automation"] != false,
        "{file}: marker"
    );
    fields.sort();
    let mut wanted: Vec<(String, String, String)> = expected["fields"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, field)| {
            let text = |name: &str| field[name].as_str().unwrap().to_owned();
            (key.clone(), text("value"), text("type"))
        })
        .collect();
    wanted.sort();
    assert_eq!(fields, wanted, "{file}");
}
