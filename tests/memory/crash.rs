//! A crash at every single call of a port, with and without its effect: whatever the place, each event starts once, the
//! newest picture arrives, and nothing waits for ever.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{World, body};

const KARI: &str = "kari@example.com";

/// Four events of one person within an hour: three that start something, and one that only moves the balance.
fn events() -> Vec<Value> {
    let mut earned = body("points_earned.json");
    let mut tier = body("tier_earned.json");
    let mut captured = body("birthday_captured.json");
    for (hour, event) in (10..).zip([&mut earned, &mut tier, &mut captured]) {
        event["email"] = json!(KARI);
        event["customer"]["email"] = json!(KARI);
        event["customer"]["points_balance"] = json!(700 + hour);
        event["customer"]["last_seen_at"] = json!(format!("2026-03-04T{hour}:30:00.000Z"));
    }
    vec![body("coupon_awarded.json"), earned, tier, captured]
}

/// What must be true at the end.
fn check(world: &World, place: &str) {
    let started = world.vendor.started();
    let mut once = started.clone();
    once.sort();
    once.dedup();
    assert_eq!(
        (started.len(), once.len()),
        (3, 3),
        "{place}: each event starts once: {started:?}"
    );
    let field = |key: &str| world.vendor.field(KARI, key);
    assert_eq!(
        field("Yotpo.PointsBalance").as_deref(),
        Some("712"),
        "{place}: the newest picture"
    );
    assert_eq!(
        field("Yotpo.RedemptionRewardText").as_deref(),
        Some("TUR-50-QX7"),
        "{place}"
    );
    assert!(field("Subscriber.Birthday").is_some(), "{place}");
    for row in world.rows(KARI) {
        let sk = row["sk"].as_str().unwrap();
        if sk.starts_with("DELIVERY#") {
            assert_eq!(row["status"], "sent", "{place}: {sk}");
        }
    }
    assert!(world.waiting().is_empty(), "{place}");
}

#[tokio::test]
async fn a_pusher_that_stops_anywhere_neither_loses_nor_repeats() {
    for effect_happens in [false, true] {
        for k in 1.. {
            let world = World::new().await;
            for event in events() {
                world.record(&event).await.unwrap();
            }
            // What is remembered for minutes is not what is tested here.
            world
                .pusher
                .stores
                .get(&loyalty::StoreId::parse("example").unwrap())
                .await
                .unwrap();
            world.fuse.arm(k, effect_happens);
            world.push().await;
            let broke = !world.waiting().is_empty();
            world.settle().await;
            check(
                &world,
                &format!("pusher, call {k}, effect {effect_happens}"),
            );
            if !broke {
                assert!(k > 10, "the batch makes more calls than that");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_recorder_that_stops_anywhere_neither_loses_nor_repeats() {
    for effect_happens in [false, true] {
        for k in 1.. {
            let world = World::new().await;
            let mut batch = Vec::new();
            for event in events() {
                batch.push(world.delivery("example", event.to_string().as_bytes()));
                world.clock.advance(SignedDuration::from_millis(1));
            }
            world.fuse.arm(k, effect_happens);
            world.recorder.record(batch.clone()).await;
            let broke = world.fuse.mend();
            // A crash in the middle: some messages are on their way already, and the whole batch comes again.
            world.settle().await;
            if broke {
                world.clock.advance(SignedDuration::from_mins(6));
                let again = world.recorder.record(batch).await;
                assert!(
                    again.iter().all(Result::is_ok),
                    "recorder, call {k}: {again:?}"
                );
                world.settle().await;
            }
            check(
                &world,
                &format!("recorder, call {k}, effect {effect_happens}"),
            );
            if !broke {
                assert!(k > 5, "the batch makes more calls than that");
                break;
            }
        }
    }
}
