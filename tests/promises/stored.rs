//! Promise: **a delivery answered with success is stored.** Each of its events reaches every interested destination at
//! least once, or stands in the table with the reason why not, or in a dead-letter queue. Nothing disappears.
//!
//! ```text
//! break: a repeat is not sent again, though the first time may have stopped before the queue
//! file: shared/recording/src/member.rs
//! -             .filter(|name| recorder.queues.contains_key(*name));
//! +             .filter(|name| recorder.queues.contains_key(*name) && !entry.repeat);
//! ```
//!
//! ```text
//! break: what a queue does not take counts as sent
//! file: shared/recording/src/send.rs
//! -                 entry.failure = Some(Failure(Reason::QueueUnavailable));
//! +                 entry.failure = None;
//! ```
//!
//! ```text
//! break: the event's list of destinations does not grow
//! file: shared/recording/src/member.rs
//! -         if wanted.is_subset(&row.to) {
//! +         if wanted.is_subset(&row.to) || entry.repeat {
//! ```
//!
//! ```text
//! break: what the vendor refuses is not listed
//! file: shared/delivery/src/send.rs
//! -         if let Answer::Refused(reason) = answer {
//! -             self.refused(reason, claimed).await?;
//! +         if let Answer::Refused(reason) = answer {
//! ```

use jiff::SignedDuration;
use recording::{Failure, Recorded};
use serde_json::{Value, json};
use vendors::Reason;

use crate::{
    news::{KARI, changed, earned},
    world::{Does, World, body},
};

/// Every event of the batch has its row, and every delivery to Rule its end.
fn stands(world: &World, events: usize) -> bool {
    let rows = world.rows(KARI);
    let of = |kind: &str| {
        let rows = rows
            .iter()
            .filter(|row| row["sk"].as_str().unwrap().starts_with(kind));
        rows.cloned().collect::<Vec<Value>>()
    };
    let deliveries = of("DELIVERY#");
    of("EVENT#").len() == events
        && deliveries.len() == events
        && deliveries.iter().all(|row| row["status"] == "sent")
}

#[tokio::test]
async fn wherever_recording_stops_every_event_arrives_when_its_delivery_comes_again() {
    let events = [
        earned(KARI, 1, "2026-03-04T10:00:00Z", 100),
        earned(KARI, 2, "2026-03-04T11:00:00Z", 200),
    ];
    for effect_happens in [false, true] {
        for k in 1.. {
            let world = World::new().await;
            let batch: Vec<_> = events
                .iter()
                .map(|event| world.delivery("example", event.to_string().as_bytes()))
                .collect();
            world.fuse.arm(k, effect_happens);
            let results = world.recorder.record(batch.clone()).await;
            let reached = world.fuse.reached();
            if world.fuse.mend() {
                world.recorder.record(batch).await;
            } else {
                assert!(results.iter().all(Result::is_ok), "call {k}: {results:?}");
            }
            world.settle().await;
            assert!(stands(&world, 2), "call {k}, {effect_happens}");
            assert_eq!(
                world.vendor.field(KARI, "Yotpo.PointsBalance").as_deref(),
                Some("200"),
                "call {k}, {effect_happens}"
            );
            if reached < k {
                assert!(k > 4, "recording two events makes more calls than that");
                break;
            }
        }
    }
}

#[tokio::test]
async fn what_a_queue_does_not_take_comes_again() {
    let world = World::new().await;
    let event = earned(KARI, 1, "2026-03-04T10:00:00Z", 100);
    world.queue.refuse(true);
    assert_eq!(
        world.record(&event).await,
        Err(Failure(Reason::QueueUnavailable)),
        "so the inbox keeps it"
    );
    world.queue.refuse(false);
    assert_eq!(
        world.record(&event).await,
        Ok(Recorded::Event { repeat: true })
    );
    world.settle().await;
    assert!(stands(&world, 1));
}

#[tokio::test]
async fn a_destination_that_wants_an_event_only_the_second_time_is_told() {
    let world = World::with(json!({"also": ["points_changed"]})).await;
    let without_date = |difference: i64| {
        let mut body = changed(KARI, "", 300);
        let customer = body["customer"].as_object_mut().unwrap();
        customer.remove("last_seen_at");
        body["difference"] = json!(difference);
        body
    };
    world.record(&without_date(1)).await.unwrap();
    world.settle().await;
    world.clock.advance(SignedDuration::from_hours(2));
    // It repeats the balance that is known, so nobody need hear of it; and it stops before its picture is written.
    let second = world.delivery("example", without_date(2).to_string().as_bytes());
    world.fuse.fail_once(3, false);
    assert!(world.recorder.record(vec![second.clone()]).await[0].is_err());
    world.fuse.mend();
    // Meanwhile another balance is written: now the same event does change something.
    world
        .record(&changed(KARI, "2026-03-20T13:00:00Z", 500))
        .await
        .unwrap();
    world.settle().await;
    // Once more it is cut off, after its picture and before the queue: the next time its picture changes nothing.
    world.queue.refuse(true);
    assert!(world.recorder.record(vec![second.clone()]).await[0].is_err());
    world.queue.refuse(false);
    assert!(world.recorder.record(vec![second]).await[0].is_ok());
    world.settle().await;
    assert_eq!(
        world.vendor.field(KARI, "Yotpo.PointsBalance").as_deref(),
        Some("300")
    );
}

#[tokio::test]
async fn what_cannot_be_sent_stands_with_its_reason_and_all_that_a_person_needs() {
    let world = World::new().await;
    world.record(&body("coupon_awarded.json")).await.unwrap();
    let refusal = json!({"error": "BadRequest"});
    world.vendor.will(Does::Answers(400, refusal));
    world.settle().await;
    let row = world.row(KARI, "DELIVERY#");
    assert_eq!(row["status"], "rejected");
    assert_eq!(row["reason"], "refused");
    assert_eq!(row["wp"], "rejected#example#rule", "it is listed");
    assert!(row["ttl"].is_null(), "until somebody handles it");
    let message = row["message"].as_str().unwrap();
    assert!(message.contains("TUR-50-QX7"), "{message}");
}

#[tokio::test]
async fn what_nobody_can_use_is_kept_with_its_reason() {
    let world = World::new().await;
    let strange = json!({"topic": "swell/something/new", "email": KARI});
    assert_eq!(
        world.record(&strange).await,
        Ok(Recorded::Kept(Reason::UnknownTopic))
    );
    let kept = world.partition("STORE#example");
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0]["reason"], "unknown_topic");
    assert!(!kept[0]["body"].as_array().unwrap().is_empty());
}
