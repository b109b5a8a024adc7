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

/// How a run is disturbed at one call: with or without the call's effect; for good, or once.
const DISTURBANCES: [(bool, bool); 4] =
    [(false, false), (true, false), (false, true), (true, true)];

fn disturb(world: &World, k: usize, (effect_happens, once): (bool, bool)) {
    if once {
        world.fuse.fail_once(k, effect_happens);
    } else {
        world.fuse.arm(k, effect_happens);
    }
}

#[tokio::test]
async fn a_pusher_that_is_disturbed_anywhere_neither_loses_nor_repeats() {
    for disturbance in DISTURBANCES {
        for k in 1.. {
            let world = World::new().await;
            for event in events() {
                world.record(&event).await.unwrap();
            }
            // What is remembered for minutes is not what is tested here.
            let id = loyalty::StoreId::parse("example").unwrap();
            world.pusher.stores.get(&id).await.unwrap();
            disturb(&world, k, disturbance);
            world.push().await;
            let reached = world.fuse.reached();
            world.settle().await;
            check(&world, &format!("pusher, call {k}, {disturbance:?}"));
            if reached < k {
                assert!(k > 10, "the batch makes more calls than that");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_pusher_that_meets_the_next_event_first_neither_loses_nor_repeats() {
    for disturbance in DISTURBANCES {
        for k in 1.. {
            let world = World::new().await;
            let mut events = events();
            let last = events.split_off(1);
            world.record(&events.remove(0)).await.unwrap();
            let id = loyalty::StoreId::parse("example").unwrap();
            world.pusher.stores.get(&id).await.unwrap();
            disturb(&world, k, disturbance);
            world.push().await;
            let reached = world.fuse.reached();
            // What was disturbed stays away longer than its lease, and others go first.
            let held = world.hold();
            world.clock.advance(SignedDuration::from_mins(5));
            for event in last {
                world.record(&event).await.unwrap();
            }
            world.settle().await;
            world.bring_back(held);
            world.settle().await;
            check(
                &world,
                &format!("pusher, first event, call {k}, {disturbance:?}"),
            );
            if reached < k {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_recorder_that_is_disturbed_anywhere_neither_loses_nor_repeats() {
    for disturbance in DISTURBANCES {
        for k in 1.. {
            let world = World::new().await;
            let mut batch = Vec::new();
            for event in events() {
                batch.push(world.delivery("example", event.to_string().as_bytes()));
                world.clock.advance(SignedDuration::from_millis(1));
            }
            disturb(&world, k, disturbance);
            let results = world.recorder.record(batch.clone()).await;
            let reached = world.fuse.reached();
            let stopped = world.fuse.mend();
            // Some messages are on their way already, and what was not reported as done comes again.
            world.settle().await;
            let again: Vec<_> = batch
                .into_iter()
                .zip(&results)
                .filter(|(_, result)| stopped || result.is_err())
                .map(|(delivery, _)| delivery)
                .collect();
            world.clock.advance(SignedDuration::from_mins(6));
            let results = world.recorder.record(again).await;
            assert!(
                results.iter().all(Result::is_ok),
                "recorder, call {k}: {results:?}"
            );
            world.settle().await;
            check(&world, &format!("recorder, call {k}, {disturbance:?}"));
            if reached < k {
                assert!(k > 5, "the batch makes more calls than that");
                break;
            }
        }
    }
}
