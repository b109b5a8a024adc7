//! Promise: **an event starts an automation at most once per destination.** After a crash or an unanswered request we
//! look at the vendor before sending again; what cannot be told is shown to a person instead of guessed, unless the store
//! asked to resend.
//!
//! ```text
//! break: a claim is made over a claim
//! file: shared/delivery/src/ledger.rs
//! -             .put(to_item(&key, &row)?, Some(Condition::absent()))
//! +             .put(to_item(&key, &row)?, None)
//! ```
//!
//! ```text
//! break: a claim without an end counts as not sent
//! file: shared/delivery/src/settle.rs
//! -         Some(marker) if marker == ours => Status::Sent,
//! +         Some(marker) if marker == ours => Status::Waiting,
//! ```
//!
//! ```text
//! break: what cannot be told is guessed
//! file: shared/delivery/src/settle.rs
//! -         _ => Status::Unconfirmed,
//! +         _ => Status::Waiting,
//! ```
//!
//! ```text
//! break: a 5xx counts as not sent
//! file: shared/delivery/src/send.rs
//! -                 return Ok(Step::Unknown(Outcome::Retry { after, reason }));
//! +                 if let Some(delivery) = &delivery {
//! +                     self.end(delivery, Status::Waiting).await?;
//! +                 }
//! +                 return Ok(Step::Unknown(Outcome::Retry { after, reason }));
//! ```
//!
//! ```text
//! break: the guard against repeats lets everything through
//! file: shared/recording/src/member.rs
//! -             Condition::Below("guard_until", arrived),
//! +             Condition::Below("guard_until", i64::MAX),
//! ```

use jiff::SignedDuration;
use serde_json::json;

use crate::{
    news::{KARI, earned},
    world::{Does, World, body},
};

/// How many writes asked for an automation.
fn asked(world: &World) -> usize {
    let writes = world.vendor.writes();
    writes
        .iter()
        .filter(|write| write["automation"] != false)
        .count()
}

#[tokio::test]
async fn wherever_a_pusher_stops_each_event_starts_once() {
    for (effect_happens, once) in [(false, false), (true, false), (false, true), (true, true)] {
        for k in 1.. {
            let world = World::new().await;
            for number in 1..=3 {
                let seen = format!("2026-03-04T1{number}:00:00Z");
                let event = earned(KARI, number, &seen, 100 * number);
                world.record(&event).await.unwrap();
            }
            if once {
                world.fuse.fail_once(k, effect_happens);
            } else {
                world.fuse.arm(k, effect_happens);
            }
            world.push().await;
            let reached = world.fuse.reached();
            world.settle().await;
            let mut started = world.vendor.started();
            started.sort();
            started.dedup();
            assert_eq!(
                (world.vendor.started().len(), started.len()),
                (3, 3),
                "call {k}, {effect_happens}, {once}"
            );
            if reached < k {
                assert!(k > 8, "three events take more calls than that");
                break;
            }
        }
    }
}

#[tokio::test]
async fn two_pushers_with_the_same_event_start_it_once() {
    let world = World::new().await;
    let event = earned(KARI, 1, "2026-03-04T10:00:00Z", 100);
    let delivery = world.delivery("example", event.to_string().as_bytes());
    for _ in 0..3 {
        world.recorder.record(vec![delivery.clone()]).await;
    }
    world.settle().await;
    assert_eq!(asked(&world), 1);
}

#[tokio::test]
async fn what_was_booked_without_an_answer_is_looked_up_and_not_sent_again() {
    for does in [Does::BooksInSilence, Does::BooksAndFails] {
        let world = World::new().await;
        world.record(&body("coupon_awarded.json")).await.unwrap();
        world.vendor.will(does);
        world.settle().await;
        assert_eq!(asked(&world), 1);
        assert!(world.vendor.looks() >= 1);
        assert_eq!(world.row(KARI, "DELIVERY#")["status"], "sent");
    }
}

/// A coupon that was sent into silence, while somebody else wrote a marker that is newer than our books.
async fn unclear(settings: serde_json::Value) -> World {
    let world = World::with(settings).await;
    world.record(&body("coupon_awarded.json")).await.unwrap();
    world.vendor.will(Does::Breaks);
    world.push().await;
    let other = "of-someone-else#99999999999999999";
    world.vendor.set_field(KARI, "Bridge.LastEvent", other);
    world.settle().await;
    world
}

#[tokio::test]
async fn what_cannot_be_told_is_shown_to_a_person() {
    let world = unclear(json!({})).await;
    let row = world.row(KARI, "DELIVERY#");
    assert_eq!(row["status"], "unconfirmed");
    assert_eq!(row["wp"], "unconfirmed#example#rule");
    assert!(row["message"].as_str().unwrap().contains("TUR-50-QX7"));
    assert_eq!(asked(&world), 1, "only the try that nobody answered");
}

#[tokio::test]
async fn a_store_may_ask_to_resend() {
    let resend = json!({"on_ambiguous": {"coupon_awarded": "resend"}});
    let world = unclear(resend).await;
    assert_eq!(world.row(KARI, "DELIVERY#")["status"], "sent");
    assert_eq!(asked(&world), 2);
}

#[tokio::test]
async fn a_repeat_starts_nothing_until_its_guard_ends() {
    let world = World::new().await;
    let event = earned(KARI, 1, "2026-03-04T10:00:00Z", 100);
    for _ in 0..4 {
        world.record(&event).await.unwrap();
        world.settle().await;
        world.clock.advance(SignedDuration::from_hours(7 * 24));
    }
    assert_eq!(asked(&world), 1, "within thirty days it is the same event");
}
