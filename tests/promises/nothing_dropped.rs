//! Promise: **trouble of any length costs nothing.** A wrong credential or a vendor's outage of any length drops nothing:
//! work is parked, an alarm sounds, and what waited is sent afterwards, oldest first.
//!
//! ```text
//! break: parked work is acknowledged and not written
//! file: shared/delivery/src/park.rs
//! -         self.table
//! -             .put(to_item(&key, &row)?, Some(Condition::absent()))
//! -             .await?;
//! -         Ok(())
//! +         to_item(&key, &row).map(drop)
//! ```
//!
//! ```text
//! break: parked work is taken away whatever became of it
//! file: shared/delivery/src/tend.rs
//! -             if outcome.is_done() {
//! +             if outcome.is_done() || turned > Turned::Idle {
//! ```
//!
//! ```text
//! break: newer news overtakes what is parked
//! file: shared/delivery/src/member.rs
//! -         if hindered.is_none() && turns == Turns::Live && turn.lease.sync.waiting.is_some() {
//! +         if hindered.is_none() && turns == Turns::Live && turn.lease.sync.waiting.as_deref() == Some("never") {
//! ```
//!
//! ```text
//! break: what must be parked is taken for done
//! file: shared/delivery/src/batch.rs
//! -         Outcome::Misconfigured(reason) | Outcome::Parked(reason) => Some(reason),
//! +         Outcome::Misconfigured(_) | Outcome::Parked(_) => None,
//! ```

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use delivery::{NoReply, Tended, Wire};
use jiff::SignedDuration;
use loyalty::StoreId;
use platform::{Deadline, TableError};
use serde_json::{Value, json};
use vendors::{Call, Reply, Way};

use crate::{
    news::{KARI, earned},
    world::{Does, Vendor, World, value},
};

const PEOPLE: i64 = 4;

fn person(number: i64) -> String {
    format!("m{number}@example.com")
}

/// One event for each of some people.
async fn news(world: &World, round: i64) {
    for number in 0..PEOPLE {
        let seen = format!("2026-03-04T{:02}:00:00Z", round % 24);
        let event = earned(&person(number), 100 * round + number, &seen, 100 + round);
        world.record(&event).await.unwrap();
    }
}

/// The deliveries of one person, as the table has them.
fn deliveries(world: &World, email: &str) -> Vec<Value> {
    let rows = world.rows(email).into_iter();
    rows.filter(|row| row["sk"].as_str().unwrap().starts_with("DELIVERY#"))
        .collect()
}

/// What must be true once the trouble is over: every event was sent, started at most once, and nothing waits.
async fn check(world: &World, rounds: i64, place: &str) {
    for number in 0..PEOPLE {
        let rows = deliveries(world, &person(number));
        let sent = rows.iter().filter(|row| row["status"] == "sent").count();
        assert_eq!(i64::try_from(sent).unwrap(), rounds, "{place}: {rows:?}");
        let balance = world.vendor.field(&person(number), "Yotpo.PointsBalance");
        assert_eq!(balance, Some((99 + rounds).to_string()), "{place}");
    }
    let mut started = world.vendor.started();
    let starts = started.len();
    started.sort();
    started.dedup();
    assert_eq!(starts, started.len(), "{place}: twice");
    assert!(!world.is_waiting(), "{place}");
    assert!(world.parked("example").await.is_empty(), "{place}");
}

/// One run of upkeep that has this many seconds.
async fn tend(world: &World, seconds: i64) -> Result<Tended, TableError> {
    let store = StoreId::parse("example").unwrap();
    let store = world.pusher.stores.get(&store).await;
    let store = store.map_err(|error| TableError::Unavailable(error.to_string()))?;
    let deadline = Deadline::after(SignedDuration::from_secs(seconds), &*world.clock);
    world.pusher.tend(&[store], deadline).await
}

/// Half a day; upkeep comes every half hour, to save the test's time.
async fn half_a_day(world: &World) {
    for _ in 0..24 {
        world.push().await;
        world.clock.advance(SignedDuration::from_mins(30));
        tend(world, 290).await.unwrap();
    }
}

/// What a vendor in trouble does to every call, looks too.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    Answers(u16),
    Fails(NoReply),
}

/// The way to a vendor that is in trouble until that is over.
struct Troubled {
    vendor: Arc<Vendor>,
    trouble: Mutex<Option<Trouble>>,
}

#[async_trait]
impl Wire for Troubled {
    async fn send(&self, call: &Call, way: &Way<'_>) -> Result<Reply, NoReply> {
        let trouble = *self.trouble.lock().unwrap();
        match trouble {
            None => self.vendor.send(call, way).await,
            Some(Trouble::Fails(how)) => Err(how),
            Some(Trouble::Answers(status)) => Ok(Reply {
                status,
                retry_after: None,
                date: None,
                body: b"{}".to_vec(),
            }),
        }
    }
}

#[tokio::test]
async fn days_of_a_wrong_key_or_an_outage_drop_nothing() {
    for trouble in [
        Trouble::Answers(401),
        Trouble::Answers(404),
        Trouble::Answers(503),
        Trouble::Fails(NoReply::NotSent),
        Trouble::Fails(NoReply::NotAnswered),
    ] {
        let mut world = World::with(json!({"max_age_hours": {"points_earned": 8760}})).await;
        let way = Arc::new(Troubled {
            vendor: world.vendor.clone(),
            trouble: Mutex::new(Some(trouble)),
        });
        world.pusher.wire = way.clone();
        for round in 0..8 {
            news(&world, round).await;
            half_a_day(&world).await;
        }
        let parked = world.parked("example").await;
        assert_eq!(parked.len(), 32, "{trouble:?}: all of it is parked");
        *way.trouble.lock().unwrap() = None;
        world.settle().await;
        check(&world, 8, &format!("{trouble:?}")).await;
        assert_eq!(world.vendor.started().len(), 32, "each starts, late");
    }
}

#[tokio::test]
async fn a_stop_anywhere_while_work_is_parked_loses_nothing() {
    for effect_happens in [false, true] {
        for k in 1.. {
            let world = World::new().await;
            news(&world, 0).await;
            news(&world, 1).await;
            let refusal = json!({"error": "NotAuthorized"});
            world.vendor.always(Some(Does::Answers(401, refusal)));
            world.fuse.arm(k, effect_happens);
            world.push().await;
            let reached = world.fuse.reached();
            world.vendor.always(None);
            world.settle().await;
            check(&world, 2, &format!("call {k}, {effect_happens}")).await;
            if reached < k {
                assert!(k > 10, "parking takes more calls than that");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_stop_anywhere_while_parked_work_is_sent_loses_nothing_and_starts_nothing_twice() {
    for effect_happens in [false, true] {
        for k in 1.. {
            let world = World::new().await;
            let refusal = json!({"error": "NotAuthorized"});
            world.vendor.always(Some(Does::Answers(401, refusal)));
            news(&world, 0).await;
            news(&world, 1).await;
            world.push().await;
            world.vendor.always(None);
            world.clock.advance(SignedDuration::from_mins(5));
            world.fuse.arm(k, effect_happens);
            // Where it stops, it says so; the next run goes on.
            let _ = tend(&world, 290).await;
            let reached = world.fuse.reached();
            world.fuse.mend();
            world.settle().await;
            check(&world, 2, &format!("call {k}, {effect_happens}")).await;
            if reached < k {
                assert!(k > 10, "sending what is parked takes more calls than that");
                break;
            }
        }
    }
}

#[tokio::test]
async fn what_waited_is_sent_oldest_first_and_newer_news_behind_it() {
    let world = World::new().await;
    let refusal = json!({"error": "NotAuthorized"});
    world.vendor.always(Some(Does::Answers(401, refusal)));
    let event = |number: i64| {
        let seen = format!("2026-03-04T1{number}:00:00Z");
        earned(KARI, number, &seen, number)
    };
    for number in 0..3 {
        world.record(&event(number)).await.unwrap();
        world.push().await;
    }
    world.vendor.always(None);
    // There is time for the probe alone: the line is open, and two messages still wait when newer news comes.
    world.clock.advance(SignedDuration::from_mins(5));
    tend(&world, 45).await.unwrap();
    assert_eq!(world.parked("example").await.len(), 2);
    world.record(&event(3)).await.unwrap();
    world.push().await;
    world.settle().await;
    let refused = 1;
    let told: Vec<Value> = world.vendor.writes().split_off(refused);
    let perks: Vec<&str> = told
        .iter()
        .filter(|write| write["automation"] != false)
        .map(|write| value(write, "Yotpo.PerkID").unwrap())
        .collect();
    assert_eq!(perks, ["0", "1", "2", "3"]);
}
