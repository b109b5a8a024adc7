//! `replay` of what was kept, and of an event's body: read once more, started once.

use std::sync::Arc;

use async_trait::async_trait;
use platform::{Handed, Inbox, Outgoing, Queue, QueueError};
use recording::{Delivered, Recorded, Returned, Shelf};
use serde_json::{Value, json};
use vendors::Reason;

use super::{
    DISTURBANCES, INBOX, KARI, audited, coupon, disturb, done, faults, operator, recorded,
};
use crate::world::World;

/// A coupon under a topic that the store has yet to name.
fn unknown() -> Value {
    let mut coupon = coupon(KARI, 1);
    coupon["topic"] = json!("swell/coupon/new-style");
    coupon
}

async fn kept(world: &World) {
    let recorded = world.record(&unknown()).await;
    assert_eq!(recorded, Ok(Recorded::Kept(Reason::UnknownTopic)));
    assert_eq!(orphans(world), 1);
}

fn orphans(world: &World) -> usize {
    let rows = world.partition("STORE#example");
    let kept = rows
        .iter()
        .filter(|row| row["sk"].as_str().unwrap().starts_with("ORPHAN#"));
    kept.count()
}

/// A newer release, or a setting, can read the topic.
async fn learn(world: &World) {
    let document = json!({
        "v": 1, "store": "example", "name": "Example Outdoor", "currency": "NOK", "locale": "nb-NO",
        "time_zone": "Europe/Oslo", "destinations": {"rule": {}},
        "sources": {"yotpo": {"topics": {"swell/coupon/new-style": "coupon_awarded"}}},
    });
    let id = loyalty::StoreId::parse("example").unwrap();
    world.recorder.stores.put(&id, &document).await.unwrap();
}

fn replay() -> Value {
    json!({"command": "replay", "store": "example", "kept": true, "by": "ola"})
}

#[tokio::test]
async fn what_was_kept_is_read_by_whoever_can_read_it_now() {
    let world = World::new().await;
    kept(&world).await;
    let arrived = world.clock_text(0);
    learn(&world).await;
    let operator = operator(&world);
    let answer = done(&operator, replay()).await;
    assert_eq!(answer["items"][0]["outcome"], "replayed");
    assert_eq!(answer["items"][0]["topic"], "swell/coupon/new-style");
    assert!(!answer.to_string().contains("@example.com"), "{answer}");
    assert_eq!(recorded(&world).await, 1);
    world.settle().await;
    assert_eq!(world.vendor.started().len(), 1);
    assert_eq!(orphans(&world), 0);
    let event = world.row(KARI, "EVENT#");
    let first = event["arrived"].as_i64().unwrap();
    assert!(
        first < world_micros(&world),
        "{arrived}: it keeps its arrival"
    );
    assert_eq!(done(&operator, replay()).await["count"], 0);
    assert_eq!(audited(&world).len(), 2);
}

fn world_micros(world: &World) -> i64 {
    use platform::Clock as _;
    world.clock.now().as_microsecond()
}

#[tokio::test]
async fn what_nobody_can_read_yet_is_kept_again() {
    let world = World::new().await;
    kept(&world).await;
    let operator = operator(&world);
    done(&operator, replay()).await;
    let bodies = world.queue.take(INBOX).into_iter();
    let again = world
        .recorder
        .record(bodies.map(|body| Delivered { body }).collect())
        .await;
    assert_eq!(again, [Ok(Recorded::Kept(Reason::UnknownTopic))]);
    assert_eq!(orphans(&world), 1);
}

/// An inbox whose recorder is so fast that it has kept the delivery again before the sender hears that it was taken.
struct FastInbox(Arc<World>);

#[async_trait]
impl Queue for FastInbox {
    async fn send(&self, _url: &str, messages: Vec<Outgoing>) -> Vec<usize> {
        let bodies = messages.into_iter().map(|message| message.body);
        let deliveries = bodies.map(|body| Delivered { body }).collect();
        assert!(self.0.recorder.record(deliveries).await[0].is_ok());
        Vec::new()
    }

    async fn hide(&self, _: &str, _: &str, _: u32) -> Result<(), QueueError> {
        Ok(())
    }

    async fn receive(&self, _: &str, _: usize, _: u32) -> Result<Vec<Handed>, QueueError> {
        Ok(Vec::new())
    }

    async fn delete(&self, _: &str, _: Vec<String>) -> Result<Vec<String>, QueueError> {
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn what_is_kept_again_at_the_same_moment_stays() {
    let world = Arc::new(World::new().await);
    kept(&world).await;
    let shelf = Shelf {
        table: world.table.clone(),
        store: loyalty::StoreId::parse("example").unwrap(),
    };
    let (kept, _) = shelf.page(None, 10).await.unwrap();
    let inbox = Inbox::new(Arc::new(FastInbox(world.clone())), INBOX.to_owned());
    let returned = shelf.give_back(&kept[0], &inbox).await;
    assert_eq!(returned, Ok(Returned::KeptAgain));
    assert_eq!(orphans(&world), 1, "it would be lost");
}

#[tokio::test]
async fn a_body_in_several_parts_returns_whole_and_pages_do_not_cut_it() {
    let world = World::new().await;
    let mut bodies = Vec::new();
    for number in 1..=3_u64 {
        // Noise does not compress: each body needs more than one row.
        let mut state = number;
        let noise: String = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            format!("{state:016x}")
        })
        .take(45_000)
        .collect();
        let body = json!({"topic": "swell/coupon/new-style", "noise": noise});
        world.record(&body).await.unwrap();
        bodies.push(body);
    }
    assert!(orphans(&world) > 3, "{} rows", orphans(&world));
    let operator = operator(&world);
    let mut command = replay();
    command["limit"] = json!(1);
    for (page, body) in bodies.iter().enumerate() {
        let answer = done(&operator, command.clone()).await;
        assert_eq!(answer["count"], 1);
        assert_eq!(answer["items"][0]["outcome"], "replayed");
        let sent = world.queue.take(INBOX);
        let envelope: vendors::Envelope = serde_json::from_str(&sent[0]).unwrap();
        assert_eq!(envelope.open().unwrap(), body.to_string().into_bytes());
        assert_eq!(answer["next"].is_null(), page == 2);
        command["after"] = answer["next"].clone();
    }
    assert_eq!(orphans(&world), 0);
}

#[tokio::test]
async fn a_return_that_is_cut_off_anywhere_neither_loses_nor_repeats() {
    for disturbance in DISTURBANCES {
        for k in 1.. {
            let place = format!("call {k}, {disturbance:?}");
            let world = World::new().await;
            kept(&world).await;
            learn(&world).await;
            let operator = operator(&world);
            disturb(&world, k, disturbance);
            let first = operator.answer(replay()).await;
            let reached = world.fuse.reached();
            world.fuse.mend();
            recorded(&world).await;
            world.settle().await;
            if first["ok"] != true {
                done(&operator, replay()).await;
            }
            recorded(&world).await;
            world.settle().await;
            assert_eq!(world.vendor.started().len(), 1, "{place}");
            assert_eq!(orphans(&world), 0, "{place}");
            if reached < k {
                assert!(k > 4, "a return makes more calls than that");
                break;
            }
        }
    }
}

fn event_of(world: &World) -> String {
    let row = world.row(KARI, "EVENT#");
    row["sk"]
        .as_str()
        .unwrap()
        .strip_prefix("EVENT#")
        .unwrap()
        .to_owned()
}

fn read_again(event: &str) -> Value {
    json!({"command": "replay", "store": "example", "event": event, "email": KARI, "by": "ola"})
}

#[tokio::test]
async fn an_event_is_read_again_and_starts_nothing_again() {
    let world = World::new().await;
    world.record(&coupon(KARI, 1)).await.unwrap();
    world.settle().await;
    let before = world.row(KARI, "EVENT#");
    let operator = operator(&world);
    let event = event_of(&world);
    for _ in 0..2 {
        world.clock.advance(jiff::SignedDuration::from_hours(25));
        let answer = done(&operator, read_again(&event)).await;
        assert_eq!(answer["items"][0]["outcome"], "replayed");
        assert!(!answer.to_string().contains("@example.com"), "{answer}");
        assert_eq!(recorded(&world).await, 1);
        world.settle().await;
    }
    assert_eq!(world.vendor.started().len(), 1);
    assert_eq!(world.row(KARI, "EVENT#"), before, "the first arrival stays");
    assert_eq!(audited(&world).len(), 2);
}

#[tokio::test]
async fn an_event_whose_message_was_lost_is_sent_after_all() {
    let world = World::new().await;
    world.record(&coupon(KARI, 1)).await.unwrap();
    world.queue.take(crate::world::RULE_QUEUE);
    let operator = operator(&world);
    done(&operator, read_again(&event_of(&world))).await;
    recorded(&world).await;
    world.settle().await;
    assert_eq!(world.vendor.started().len(), 1);
}

#[tokio::test]
async fn what_would_be_read_as_another_event_is_refused() {
    let world = World::new().await;
    learn(&world).await;
    world.record(&unknown()).await.unwrap();
    world.settle().await;
    let event = event_of(&world);
    // The store takes its word back: the body is no event any more.
    world.put_store("example", json!({})).await;
    let operator = operator(&world);
    assert_eq!(faults(&operator, read_again(&event)).await, ["event"]);
    assert_eq!(
        faults(&operator, read_again("AAAAAAAAAAAAAAAAAAAAAA")).await,
        ["event"]
    );
    assert!(world.queue.take(INBOX).is_empty());
    assert!(audited(&world).is_empty(), "nothing was done");
}
