//! What dates cost in the table: one write, where something is set or told, and nothing where nothing is. A place in the list
//! is the index's: it costs one unit where it comes, two where it moves, which this table does not count.

use loyalty::due::Due;
use serde_json::{Value, json};

use super::{Yard, captured, customer};

const KARI: &str = "kari@example.com";

/// The write units of one delivery.
async fn units(yard: &Yard, body: &Value) -> usize {
    yard.world.table.take_usage();
    yard.hear("example", body).await;
    yard.world.table.take_usage().write_units
}

#[tokio::test]
async fn a_date_costs_its_row_and_other_news_costs_what_it_did() {
    let yard = Yard::with(json!({})).await;
    yard.at("2026-05-01T12:00:00Z");
    let earned = |yard: &Yard, id: i64| json!({"topic": "swell/points/earned", "email": KARI, "customer": customer(yard, KARI), "perk": {"id": id}});
    for id in 0..12 {
        yard.hear("example", &earned(&yard, id)).await;
    }
    let ordinary = units(&yard, &earned(&yard, 12)).await;
    // The event, and the member's picture of less than two KB.
    assert!(ordinary <= 3, "{ordinary}");
    let set = units(&yard, &captured(&yard, KARI, "1990-05-17")).await;
    assert_eq!(set, ordinary + 1, "the date's row");
    let moved = units(&yard, &captured(&yard, KARI, "1990-06-17")).await;
    assert_eq!(moved, ordinary + 1, "the same row");
    yard.at("2026-06-17T13:00:00Z");
    yard.emit(&[Due::Birthday]).await;
    yard.world.table.take_usage();
    yard.record().await;
    let told = yard.world.table.take_usage().write_units;
    assert_eq!(told, ordinary + 1, "the next year's");
}
