//! Promise: **an erased person stays erased.** Erasing a member removes it here, tells the destinations, and late events do
//! not bring it back.
//!
//! ```text
//! break: late news of an erased person is taken in
//! file: shared/recording/src/erased.rs
//! -         if !stays(arrived) {
//! +         if arrived < 0 && !stays(arrived) {
//! ```
//!
//! ```text
//! break: the destinations are not told
//! file: shared/recording/src/erase.rs
//! -         case.tell(&row.confirmed).await?;
//! +         drop(case.tell(&row.confirmed));
//! ```
//!
//! ```text
//! break: a destination confirms what it has not done
//! file: shared/delivery/src/wipe.rs
//! -         let needed = erasure.is_some() || !lease.unsettled.is_empty();
//! +         let needed = !lease.unsettled.is_empty();
//! ```
//!
//! ```text
//! break: the rows stay
//! file: shared/recording/src/erase.rs
//! -         if sk == "STATE" || sk.starts_with("SYNC#") || (sk.starts_with("DELIVERY#") && !sure) {
//! +         if !sk.is_empty() || sure {
//! ```

use jiff::SignedDuration;
use loyalty::Email;
use platform::Table as _;
use recording::{Recorded, erase::Whom};
use serde_json::{Value, json};

use crate::{
    news::{KARI, earned},
    world::{Does, World},
};

const OLA: &str = "ola@example.com";

fn event(email: &str, number: i64) -> Value {
    earned(email, number, "2026-03-04T10:00:00Z", number)
}

/// Everything in the table that names this person.
fn traces(world: &World, email: &str) -> Vec<String> {
    let rows = world.table.all();
    let shown = rows.iter().map(|item| format!("{item:?}"));
    shown.filter(|row| row.contains(email)).collect()
}

/// Erases Kari. Tells whether it was not cut off.
async fn erase(world: &World) -> bool {
    let store = world.store("example").await;
    let whom = Whom::Email(Email::parse(KARI).unwrap());
    let erased = world.eraser().erase(&store, &whom, None).await;
    erased.is_ok()
}

/// An hour of upkeep, after which nothing may be left to do.
async fn finish(world: &World) {
    for _ in 0..4 {
        world.settle().await;
        world.clock.advance(SignedDuration::from_mins(15));
        let store = world.store("example").await;
        world.sweep(&store).await.unwrap();
    }
    let open = world.table.work("erasing#example", "", "~", 10).await;
    assert!(open.unwrap().is_empty(), "every erasure ends");
}

async fn check(world: &World, place: &str) {
    assert_eq!(traces(world, KARI), Vec::<String>::new(), "{place}");
    let fields = world.vendor.fields(KARI);
    let merchants = |key: &String| key.starts_with("Subscriber.");
    assert!(fields.keys().all(merchants), "{place}: {fields:?}");
    let late = world.record(&event(KARI, 30)).await;
    assert_eq!(late, Ok(Recorded::Erased), "{place}: late news");
    world.settle().await;
    assert_eq!(traces(world, KARI), Vec::<String>::new(), "{place}");
}

#[tokio::test]
async fn wherever_an_erasure_stops_it_is_finished_and_nobody_comes_back() {
    for effect_happens in [false, true] {
        for k in 1.. {
            let world = World::new().await;
            for (email, number) in [(KARI, 10), (OLA, 11)] {
                world.record(&event(email, number)).await.unwrap();
            }
            world.settle().await;
            // One event is still on its way to Rule.
            world.record(&event(KARI, 20)).await.unwrap();
            world.store("example").await;
            world.fuse.arm(k, effect_happens);
            let erased = erase(&world).await;
            world.push().await;
            let reached = world.fuse.reached();
            assert!(erased || erase(&world).await, "the next run goes on");
            finish(&world).await;
            let place = format!("call {k}, {effect_happens}");
            check(&world, &place).await;
            let balance = world.vendor.field(OLA, "Yotpo.PointsBalance");
            assert_eq!(balance.as_deref(), Some("11"), "{place}: a neighbour");
            if reached < k {
                assert!(k > 15, "an erasure makes more calls than that");
                break;
            }
        }
    }
}

#[tokio::test]
async fn an_erasure_while_work_is_parked_takes_it_along() {
    let world = World::new().await;
    world.record(&event(KARI, 10)).await.unwrap();
    world.settle().await;
    let refusal = json!({"error": "NotAuthorized"});
    world.vendor.always(Some(Does::Answers(401, refusal)));
    world.record(&event(KARI, 20)).await.unwrap();
    world.push().await;
    assert_eq!(world.parked("example").await.len(), 1);
    assert!(erase(&world).await);
    world.vendor.always(None);
    finish(&world).await;
    assert_eq!(
        world.vendor.started().len(),
        1,
        "what was parked never starts"
    );
    check(&world, "parked").await;
}

#[tokio::test]
async fn only_a_later_opt_in_begins_anew() {
    let world = World::new().await;
    world.record(&event(KARI, 10)).await.unwrap();
    world.settle().await;
    let opt_in = json!({
        "topic": "loyalty/opt_in",
        "email": KARI,
        "customer": {"email": KARI, "is_opt_in": true, "last_seen_at": "2026-03-20T13:00:00Z"},
    });
    let before = world.delivery("example", opt_in.to_string().as_bytes());
    world.clock.advance(SignedDuration::from_secs(1));
    assert!(erase(&world).await);
    finish(&world).await;
    let early = world.recorder.record(vec![before]).await;
    assert_eq!(early, [Ok(Recorded::Erased)]);
    let later = world.record(&opt_in).await;
    assert_eq!(later, Ok(Recorded::Event { repeat: false }));
    world.settle().await;
    assert_eq!(world.key(KARI, "points_available"), Value::Null, "anew");
}
