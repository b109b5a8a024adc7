//! Promise: **a member never moves backwards,** in the table or in a destination, and a destination always ends at the
//! newest state.
//!
//! ```text
//! break: the picture is written whoever else wrote it meanwhile
//! file: shared/recording/src/member.rs
//! -     let condition = Some(as_read(read));
//! +     let condition = Some(Condition::Any(vec![as_read(read), Condition::Missing("never")]));
//! ```
//!
//! ```text
//! break: two pushers may hold one lease
//! file: shared/delivery/src/lease.rs
//! -             Condition::Missing("holder"),
//! +             Condition::Missing("never"),
//! ```
//!
//! ```text
//! break: a picture that went unanswered is taken for what the destination has
//! file: shared/delivery/src/settle.rs
//! -         self.lease.rewrite |= !self.lease.unsettled.is_empty();
//! +         self.lease.rewrite |= false;
//! ```
//!
//! ```text
//! break: whoever wrote after the lease was lost leaves no trace
//! file: shared/delivery/src/lease.rs
//! -                 self.mark().await?;
//! +                 let _ = self.mark();
//! ```

use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use delivery::{NoReply, Wire};
use jiff::SignedDuration;
use serde_json::{Value, json};
use vendors::{Call, Reply, Way};

use crate::{
    news::{KARI, changed, earned},
    world::{Does, Vendor, World},
};

async fn world() -> World {
    World::with(json!({"also": ["points_changed"]})).await
}

fn balance(world: &World) -> Option<String> {
    world.vendor.field(KARI, "Yotpo.PointsBalance")
}

#[tokio::test]
async fn in_whatever_order_news_comes_the_newest_stands_and_is_told() {
    let news = [
        ("2026-03-04T10:00:00Z", 100),
        ("2026-03-04T11:00:00Z", 200),
        ("2026-03-04T12:00:00Z", 300),
    ];
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let world = world().await;
        for place in order {
            let (seen, points) = news[place];
            world.record(&changed(KARI, seen, points)).await.unwrap();
            world.push().await;
        }
        world.settle().await;
        assert_eq!(world.key(KARI, "points_available"), 300, "{order:?}");
        assert_eq!(balance(&world).as_deref(), Some("300"), "{order:?}");
        assert_eq!(world.vendor.backwards(), 0, "{order:?}");
    }
}

#[tokio::test]
async fn two_recorders_at_once_lose_nothing_of_each_other() {
    // Each pair meets another interleaving, because the second starts some calls later.
    for later in 0..8 {
        let world = world().await;
        let first = changed(KARI, "2026-03-04T11:00:00Z", 300).to_string();
        let mut second = earned(KARI, 1, "2026-03-04T10:00:00Z", 200);
        second["customer"]["first_name"] = json!("Kari");
        let first = world.delivery("example", first.as_bytes());
        let second = world.delivery("example", second.to_string().as_bytes());
        let late = async {
            for _ in 0..later {
                tokio::task::yield_now().await;
            }
            world.recorder.record(vec![second]).await
        };
        let (one, two) = tokio::join!(world.recorder.record(vec![first]), late);
        assert!(one[0].is_ok() && two[0].is_ok(), "{later}");
        assert_eq!(world.key(KARI, "points_available"), 300, "{later}");
        assert_eq!(world.key(KARI, "first_name"), "Kari", "{later}");
        world.settle().await;
        assert_eq!(balance(&world).as_deref(), Some("300"), "{later}");
    }
}

/// A way on which, during the first write, something else happens first.
struct Slow {
    vendor: Arc<Vendor>,
    world: OnceLock<Arc<World>>,
    meanwhile: Mutex<Option<Value>>,
    /// How long the first write takes.
    takes: SignedDuration,
}

#[async_trait]
impl Wire for Slow {
    async fn send(&self, call: &Call, way: &Way<'_>) -> Result<Reply, NoReply> {
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let (Some(news), Some(world)) = (meanwhile, self.world.get()) {
            world.clock.advance(self.takes);
            world.record(&news).await.unwrap();
            Box::pin(world.push()).await;
        }
        self.vendor.send(call, way).await
    }
}

async fn slow_world(takes: SignedDuration) -> Arc<World> {
    let mut world = world().await;
    let slow = Arc::new(Slow {
        vendor: world.vendor.clone(),
        world: OnceLock::new(),
        meanwhile: Mutex::new(Some(changed(KARI, "2026-03-04T11:00:00Z", 200))),
        takes,
    });
    world.pusher.wire = slow.clone();
    let world = Arc::new(world);
    let first = changed(KARI, "2026-03-04T10:00:00Z", 100);
    world.record(&first).await.unwrap();
    drop(slow.world.set(world.clone()));
    world
}

#[tokio::test]
async fn a_slow_pusher_with_an_older_picture_never_writes_over_a_newer_one() {
    let world = slow_world(SignedDuration::ZERO).await;
    world.push().await;
    world.settle().await;
    assert_eq!(world.vendor.backwards(), 0);
    assert_eq!(balance(&world).as_deref(), Some("200"));
}

#[tokio::test]
async fn a_pusher_whose_lease_ended_in_the_middle_of_a_call_is_repaired() {
    // The vendor books the older picture last, long after the lease: nothing prevents that, but it must not stay.
    let world = slow_world(SignedDuration::from_mins(10)).await;
    world.push().await;
    world.settle().await;
    assert_eq!(balance(&world).as_deref(), Some("200"));
}

#[tokio::test]
async fn a_picture_that_went_unanswered_is_written_again_even_when_it_looks_known() {
    let world = world().await;
    let news = |hour: i64, points: i64| changed(KARI, &format!("2026-03-04T{hour}:00:00Z"), points);
    world.record(&news(10, 500)).await.unwrap();
    world.settle().await;
    world.record(&news(11, 400)).await.unwrap();
    world.vendor.will(Does::BooksInSilence);
    world.push().await;
    let unanswered = world.hold();
    world.clock.advance(SignedDuration::from_mins(4));
    world.record(&news(12, 500)).await.unwrap();
    world.push().await;
    assert_eq!(balance(&world).as_deref(), Some("500"));
    world.bring_back(unanswered);
    world.settle().await;
    assert_eq!(balance(&world).as_deref(), Some("500"));
}
