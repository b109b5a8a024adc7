//! Every body of `events/yotpo`, against the table that was written from the vendors' documents.

use std::collections::BTreeSet;

use bridge_tests::local::compare;

use crate::world::{World, bytes};

#[tokio::test]
async fn every_event_brings_its_tag_and_fields() {
    let world = World::new().await;
    let mut markers = BTreeSet::new();
    for row in compare::table().unwrap() {
        let before = world.vendor.writes().len();
        let delivery = world.delivery("example", &vendors_trim(&bytes(&row.file)));
        assert!(
            world.recorder.record(vec![delivery]).await[0].is_ok(),
            "{}",
            row.file
        );
        world.settle().await;
        let writes = world.vendor.writes().split_off(before);
        let differences = compare::differences(&row.requests, &writes, &mut markers);
        assert!(differences.is_empty(), "{}: {differences:#?}", row.file);
    }
}

/// What the webhook leaves of a body.
fn vendors_trim(body: &[u8]) -> Vec<u8> {
    vendors::registry::source("yotpo")
        .unwrap()
        .trim(body)
        .unwrap()
}
