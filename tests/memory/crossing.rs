//! Renames and erasures that cross a push in the one moment in which it matters.

use jiff::SignedDuration;
use platform::{RowKey, Table as _, Update, whole};
use serde_json::json;
use vendors::Outcome;

use crate::{
    members::{KARI, NEW, earned, finish, opt_in, whom},
    world::{Does, World},
};

fn each_started_once(world: &World, events: usize) {
    let mut started = world.vendor.started();
    started.sort();
    started.dedup();
    assert_eq!(started.len(), events, "each event starts once");
    assert_eq!(world.vendor.started().len(), events, "and none twice");
}

#[tokio::test]
async fn who_looked_in_vain_under_the_old_address_does_not_make_it_a_person_of_its_own() {
    let world = World::new().await;
    world
        .record(&earned(Some(KARI), Some("c-1"), 10))
        .await
        .unwrap();
    world.settle().await;
    world
        .record(&earned(Some(KARI), Some("c-1"), 11))
        .await
        .unwrap();
    world.vendor.will(Does::Breaks);
    world.push().await;
    let names_the_old_address = world.hold();
    world.clock.advance(SignedDuration::from_mins(5));
    world
        .record(&earned(Some(NEW), Some("c-1"), 20))
        .await
        .unwrap();
    world.settle().await;
    // A request for the new address is under way; whoever comes by the old one meets it and gives everything back.
    world
        .record(&earned(Some(NEW), Some("c-1"), 21))
        .await
        .unwrap();
    world.vendor.will(Does::BooksInSilence);
    world.push().await;
    world.bring_back(names_the_old_address);
    world.push().await;
    let held = world.hold();
    world.clock.advance(SignedDuration::from_mins(5));
    world
        .record(&earned(Some(KARI), Some("c-1"), 30))
        .await
        .unwrap();
    world.settle().await;
    world.bring_back(held);
    world.settle().await;
    let balance = world.vendor.field(KARI, "Yotpo.PointsBalance");
    assert_eq!(balance.as_deref(), Some("30"));
    assert!(!world.vendor.knows(NEW), "the person went back with it");
    each_started_once(&world, 5);
}

#[tokio::test]
async fn an_automation_after_an_erasure_is_not_forgotten_by_erasing_once_more() {
    for writes in 1..4 {
        let world = World::new().await;
        world
            .record(&earned(Some(KARI), Some("c-1"), 10))
            .await
            .unwrap();
        world.settle().await;
        let store = world.store("example").await;
        world
            .eraser()
            .erase(&store, &whom(KARI), None)
            .await
            .unwrap();
        world.clock.advance(SignedDuration::from_secs(1));
        world.record(&opt_in(KARI, "c-1")).await.unwrap();
        for _ in 1..writes {
            world.vendor.will(Does::Books);
        }
        world.vendor.will(Does::BooksInSilence);
        world.settle().await;
        finish(&world).await;
        each_started_once(&world, 2);
        let opted_in = world.vendor.field(KARI, "Yotpo.OptIn");
        assert_eq!(opted_in.as_deref(), Some("true"), "{writes}");
    }
}

#[tokio::test]
async fn news_of_before_an_erasure_starts_nothing_after_an_opt_in() {
    let world = World::new().await;
    world
        .record(&earned(Some(KARI), Some("c-1"), 10))
        .await
        .unwrap();
    world.settle().await;
    world
        .record(&earned(Some(KARI), Some("c-1"), 11))
        .await
        .unwrap();
    world.vendor.will(Does::Breaks);
    world.push().await;
    let old = world.hold();
    world.clock.advance(SignedDuration::from_mins(5));
    let store = world.store("example").await;
    world
        .eraser()
        .erase(&store, &whom(KARI), None)
        .await
        .unwrap();
    finish(&world).await;
    world.record(&opt_in(KARI, "c-1")).await.unwrap();
    world.settle().await;
    world.bring_back(old);
    let outcomes = world.settle().await;
    assert!(!outcomes.contains(&Outcome::Sent), "{outcomes:?}");
    each_started_once(&world, 2);
}

#[tokio::test]
async fn an_erasure_that_waits_is_of_the_address_that_it_was_asked_for() {
    let world = World::new().await;
    world
        .record(&earned(Some(KARI), Some("c-1"), 10))
        .await
        .unwrap();
    world.settle().await;
    let store = world.store("example").await;
    world
        .eraser()
        .erase(&store, &whom(KARI), None)
        .await
        .unwrap();
    world.clock.advance(SignedDuration::from_secs(1));
    world.record(&opt_in(KARI, "c-1")).await.unwrap();
    let mut changed = earned(Some(NEW), Some("c-1"), 20);
    changed["customer"]["last_seen_at"] = json!("2026-03-20T14:00:00.000Z");
    world.record(&changed).await.unwrap();
    assert_eq!(world.row(KARI, "STATE")["moved_to"], NEW);
    world.settle().await;
    finish(&world).await;
    let left = world.vendor.fields(KARI);
    assert!(
        left.keys().all(|key| key.starts_with("Subscriber.")),
        "{left:?}"
    );
    let balance = world.vendor.field(NEW, "Yotpo.PointsBalance");
    assert_eq!(balance.as_deref(), Some("20"));
    each_started_once(&world, 3);
}

#[tokio::test]
async fn who_joins_anew_stays_and_may_move_wherever_the_erasure_was_cut_off() {
    for effect in [false, true] {
        for k in 1.. {
            let place = format!("call {k}, effect {effect}");
            let world = World::new().await;
            world
                .record(&earned(Some(KARI), Some("c-1"), 10))
                .await
                .unwrap();
            world.settle().await;
            let store = world.store("example").await;
            world.fuse.arm(k, effect);
            let erased = world.eraser().erase(&store, &whom(KARI), None).await;
            let reached = world.fuse.reached();
            world.fuse.mend();
            let list = world.table.work("erasing#example", "", "~", 1).await;
            if list.unwrap().is_empty() {
                assert!(erased.is_err(), "{place}: it says that nothing was begun");
                continue;
            }
            world.clock.advance(SignedDuration::from_secs(1));
            let joins = world.delivery("example", opt_in(KARI, "c-1").to_string().as_bytes());
            world.clock.advance(SignedDuration::from_secs(1));
            let joined = world.recorder.record(vec![joins.clone()]).await;
            if joined[0].is_err() {
                // The erasure goes first, and the delivery comes again.
                world
                    .eraser()
                    .erase(&store, &whom(KARI), None)
                    .await
                    .unwrap();
                let again = world.recorder.record(vec![joins]).await.remove(0);
                assert!(again.is_ok(), "{place}: {again:?}");
            }
            let mut changed = earned(Some(NEW), Some("c-1"), 20);
            changed["customer"]["last_seen_at"] = json!("2026-03-20T14:00:00.000Z");
            changed["customer"]["first_name"] = json!(null);
            world.record(&changed).await.unwrap();
            world.settle().await;
            finish(&world).await;
            assert_eq!(world.key(NEW, "opt_in"), true, "{place}");
            assert_eq!(world.key(NEW, "first_name"), json!(null), "{place}");
            let left = world.vendor.fields(KARI);
            assert!(
                left.keys().all(|key| key.starts_with("Subscriber.")),
                "{place}: {left:?}"
            );
            let balance = world.vendor.field(NEW, "Yotpo.PointsBalance");
            assert_eq!(balance.as_deref(), Some("20"), "{place}");
            each_started_once(&world, 3);
            if reached < k {
                assert!(k > 8, "an erasure makes more calls than that");
                break;
            }
        }
    }
}

async fn turns(of_others: usize) {
    for _ in 0..of_others {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_a_destination_did_stays_until_it_has_confirmed() {
    let world = World::new().await;
    world
        .record(&earned(Some(KARI), Some("c-1"), 10))
        .await
        .unwrap();
    world.vendor.will(Does::BooksInSilence);
    world.push().await;
    let store = world.store("example").await;
    let kari = whom(KARI);
    world.eraser().erase(&store, &kari, None).await.unwrap();
    // Whoever read the person before and holds the lease still needs it, or starts the automation again.
    world.row(KARI, "DELIVERY");
    finish(&world).await;
    each_started_once(&world, 1);
    assert!(world.rows(KARI).is_empty());
}

#[tokio::test]
async fn an_erasure_does_not_take_the_event_away_by_which_somebody_joins() {
    for runs in [0, 1] {
        for later in 0..40 {
            let world = World::new().await;
            world
                .record(&earned(Some(KARI), Some("c-1"), 10))
                .await
                .unwrap();
            world.settle().await;
            let store = world.store("example").await;
            let (eraser, kari) = (world.eraser(), whom(KARI));
            if runs == 1 {
                eraser.erase(&store, &kari, None).await.unwrap();
                world.settle().await;
                world.clock.advance(SignedDuration::from_mins(16));
            }
            let joins = async {
                turns(later).await;
                world.clock.advance(SignedDuration::from_secs(1));
                let joins = opt_in(KARI, "c-1").to_string();
                let joins = world.delivery("example", joins.as_bytes());
                let first = world.recorder.record(vec![joins.clone()]).await.remove(0);
                (joins, first)
            };
            let (progress, (joins, first)) = tokio::join!(eraser.erase(&store, &kari, None), joins);
            progress.unwrap();
            if first.is_err() {
                world.recorder.record(vec![joins]).await.remove(0).unwrap();
            }
            finish(&world).await;
            if world.rows(KARI).is_empty() {
                assert_eq!(runs, 0, "they joined before the erasure began");
                continue;
            }
            world.row(KARI, "STATE");
            world.row(KARI, "EVENT");
            let opted_in = world.vendor.field(KARI, "Yotpo.OptIn");
            assert_eq!(opted_in.as_deref(), Some("true"), "{runs} {later}");
        }
    }
}

#[tokio::test]
async fn work_that_is_parked_while_somebody_moves_is_waited_for() {
    for (moves, parks) in (0..40)
        .map(|later| (later, 0))
        .chain((1..40).map(|later| (0, later)))
    {
        let world = World::new().await;
        let earned_by = |email, id, perk| earned(Some(email), Some(id), perk);
        let earned = |email, perk| earned_by(email, "c-1", perk);
        world.record(&earned(KARI, 10)).await.unwrap();
        world.settle().await;
        let refusal = Does::Answers(401, json!({"error": "NotAuthorized"}));
        world.vendor.always(Some(refusal));
        let neighbour = earned_by("ola@example.com", "c-2", 5);
        world.record(&neighbour).await.unwrap();
        world.push().await;
        // The line is closed: whoever parks now holds no lease.
        world.record(&earned(KARI, 11)).await.unwrap();
        let moved = async {
            turns(moves).await;
            let moved = world.delivery("example", earned(NEW, 20).to_string().as_bytes());
            world
                .recorder
                .record(vec![moved.clone()])
                .await
                .remove(0)
                .is_ok()
                || {
                    // The push held the lease.
                    world.recorder.record(vec![moved]).await.remove(0).is_ok()
                }
        };
        let pushed = async {
            turns(parks).await;
            world.push().await
        };
        let (moved, _) = tokio::join!(moved, pushed);
        if !moved {
            world.clock.advance(SignedDuration::from_mins(5));
            world.record(&earned(NEW, 20)).await.unwrap();
        }
        let parked = world.parked("example").await;
        assert!(!parked.is_empty(), "{moves} {parks}");
        let sync = world.row(NEW, "SYNC#");
        assert!(sync["waiting"].is_string(), "{moves} {parks}: {sync}");
    }
}

#[tokio::test]
async fn what_is_parked_under_two_addresses_of_one_person_is_waited_for_to_the_last() {
    for last in [KARI, NEW] {
        let world = World::new().await;
        let earned = |email, perk| earned(Some(email), Some("c-1"), perk);
        world.record(&earned(KARI, 10)).await.unwrap();
        world.settle().await;
        let refusal = Does::Answers(401, json!({"error": "NotAuthorized"}));
        world.vendor.always(Some(refusal));
        for (email, perk) in [(KARI, 11), (NEW, 20)] {
            world.record(&earned(email, perk)).await.unwrap();
            world.push().await;
        }
        let parked = world.parked("example").await;
        assert_eq!(parked.len(), 2, "one under each address");
        // One of the two is to wait longer.
        for email in [KARI, NEW] {
            let due = if email == last { i64::MAX } else { 0 };
            let row = world.row(email, "PARKED#");
            let text = |name: &str| row[name].as_str().unwrap();
            let key = RowKey::new(text("pk"), text("sk"));
            let update = Update {
                set: vec![("due", whole(due))],
                ..Update::default()
            };
            world.table.update(&key, update).await.unwrap();
        }
        world.vendor.always(None);
        world.clock.advance(SignedDuration::from_mins(10));
        world.tend(&["example"]).await;
        assert_eq!(world.parked("example").await.len(), 1, "{last}");
        let sync = world.row(NEW, "SYNC#");
        assert!(sync["waiting"].is_string(), "{last}: {sync}");
    }
}
