//! Promise: **one bad record never changes what happens to its neighbours,** and one store's or vendor's trouble never
//! slows another's.
//!
//! ```text
//! break: a panic takes the whole batch
//! file: shared/delivery/src/batch.rs
//! -         let done = AssertUnwindSafe(Box::pin(self.member(jobs, turns, deadline)))
//! -             .catch_unwind()
//! -             .await;
//! +         let done = Ok::<_, ()>(Box::pin(self.member(jobs, turns, deadline)).await);
//! ```
//!
//! ```text
//! break: a body that breaks its reader takes the whole batch
//! file: shared/recording/src/intake.rs
//! -         let read = catch_unwind(AssertUnwindSafe(|| {
//! -             teller.read(&envelope, &body, &store, &self.hash_key)
//! -         }));
//! +         let read = Ok::<_, ()>(teller.read(&envelope, &body, &store, &self.hash_key));
//! ```
//!
//! ```text
//! break: all stores of a vendor share one line
//! file: shared/delivery/src/lines.rs
//! -             name: destination.account(store),
//! +             name: destination.name().to_owned(),
//! ```
//!
//! ```text
//! break: an unreadable message gives the whole batch back
//! file: shared/delivery/src/batch.rs
//! -                 Err(_) => outcomes[place] = unreadable(),
//! +                 Err(_) => return outcomes,
//! ```

use delivery::Received;
use jiff::SignedDuration;
use loyalty::{Email, HashKey, Kind, StoreId};
use platform::Deadline;
use recording::{Failure, Recorded};
use serde_json::{Value, json};
use vendors::{
    Envelope, Inbound, Inlet, Outcome, Read, Reason, Reception, Refusal, Source, Store,
    yotpo::Yotpo,
};

use crate::{
    news::earned,
    world::{Does, RULE_QUEUE, World},
};

fn person(number: i64) -> String {
    format!("m{number}@example.com")
}

fn event(number: i64) -> Value {
    earned(&person(number), number, "2026-03-04T10:00:00Z", 100)
}

fn started(world: &World, number: i64) -> bool {
    world
        .vendor
        .field(&person(number), "Bridge.LastEvent")
        .is_some()
}

/// A source whose reader breaks on one body.
struct Fragile;

impl Source for Fragile {
    fn name(&self) -> &'static str {
        "yotpo"
    }
    fn authenticate(&self, _: &Inbound, _: &Inlet) -> Result<(), Refusal> {
        Ok(())
    }
    fn trim(&self, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        Ok(body.to_vec())
    }
    fn delivery_id(&self, _: &Inbound) -> Option<String> {
        None
    }
    fn read(&self, envelope: &Envelope, body: &[u8], store: &Store, key: &HashKey) -> Read {
        assert!(
            !body.starts_with(b"{\"breaks\""),
            "a body that breaks the reader"
        );
        Yotpo.read(envelope, body, store, key)
    }
    fn reply(&self, _: Reception) -> u16 {
        200
    }
    fn example(&self, _: Kind, _: &Email, _: jiff::Timestamp, _: i64) -> Option<Value> {
        None
    }
}

#[tokio::test]
async fn one_bad_delivery_of_ten_is_alone_with_its_trouble() {
    let mut world = World::new().await;
    world.recorder.source = |_| Some(&Fragile);
    let mut batch: Vec<_> = (0..10)
        .map(|number| world.delivery("example", event(number).to_string().as_bytes()))
        .collect();
    batch[3].body = "no envelope".to_owned();
    batch[6] = world.delivery("example", br#"{"breaks": true}"#);
    let results = world.recorder.record(batch).await;
    world.settle().await;
    for (number, result) in (0..).zip(results) {
        let expected = match number {
            3 => Err(Failure(Reason::UnreadableMessage)),
            6 => Err(Failure(Reason::Panicked)),
            _ => Ok(Recorded::Event { repeat: false }),
        };
        assert_eq!(result, expected, "{number}");
        assert_eq!(started(&world, number), expected.is_ok(), "{number}");
    }
}

async fn push(world: &World, bodies: Vec<String>) -> Vec<Outcome> {
    let received: Vec<Received> = bodies
        .into_iter()
        .map(|body| Received {
            receipt: "r".to_owned(),
            body,
            receives: 1,
        })
        .collect();
    let deadline = Deadline::after(SignedDuration::from_secs(60), &*world.clock);
    world.pusher.push(&received, deadline).await
}

#[tokio::test]
async fn a_message_that_nobody_can_read_harms_no_neighbour() {
    let world = World::new().await;
    for number in 0..3 {
        world.record(&event(number)).await.unwrap();
    }
    let mut bodies = world.queue.take(RULE_QUEUE);
    bodies[1] = r#"{"v":1,"store":"example"}"#.to_owned();
    let outcomes = push(&world, bodies).await;
    assert_eq!((outcomes[0], outcomes[2]), (Outcome::Sent, Outcome::Sent));
    assert_eq!(outcomes[1].reason(), Some(Reason::UnreadableMessage));
    assert!(outcomes[1].wait().is_some(), "it stays in the queue");
}

#[tokio::test]
async fn a_panic_costs_one_member_alone() {
    for k in 2.. {
        let world = World::new().await;
        for number in 0..4 {
            world.record(&event(number)).await.unwrap();
        }
        let store = StoreId::parse("example").unwrap();
        world.pusher.stores.get(&store).await.unwrap();
        world.fuse.panic_at(k);
        let outcomes = world.push().await;
        let reached = world.fuse.reached();
        world.fuse.mend();
        let sent = outcomes.iter().filter(|outcome| **outcome == Outcome::Sent);
        if reached < k {
            assert_eq!(sent.count(), 4);
            assert!(k > 10, "four members take more calls than that");
            break;
        }
        assert_eq!(sent.count(), 3, "call {k}: {outcomes:?}");
        world.settle().await;
        assert_eq!(world.vendor.started().len(), 4, "call {k}");
    }
}

#[tokio::test]
async fn a_refusal_of_one_is_no_refusal_of_the_next() {
    let world = World::new().await;
    for number in 0..5 {
        world.record(&event(number)).await.unwrap();
    }
    world
        .vendor
        .will(Does::Answers(400, json!({"error": "BadRequest"})));
    let outcomes = world.push().await;
    let sent = outcomes.iter().filter(|outcome| **outcome == Outcome::Sent);
    assert_eq!(sent.count(), 4, "{outcomes:?}");
}

#[tokio::test]
async fn one_store_on_401_and_one_on_429_leave_the_third_as_it_was() {
    let world = World::new().await;
    for store in ["refused", "throttled"] {
        world.put_store(store, json!({})).await;
    }
    let refusal = json!({"error": "NotAuthorized"});
    world
        .vendor
        .answers_to("refused", Does::Answers(401, refusal));
    world.vendor.answers_to("throttled", Does::Asks(429, "600"));
    // Some rounds, so that the third store's news comes while the others' lines are shut.
    for round in 0..4 {
        for (place, store) in (0..).zip(["refused", "throttled", "example"]) {
            let body = event(10 * round + place).to_string();
            let delivery = world.delivery(store, body.as_bytes());
            world.clock.advance(SignedDuration::from_millis(1));
            assert!(world.recorder.record(vec![delivery]).await[0].is_ok());
        }
        world.push().await;
        assert!(started(&world, 10 * round + 2), "round {round}");
    }
    assert_eq!(world.vendor.started().len(), 4);
}

/// Messages as earlier releases wrote them: what a new key means where it is absent must not change.
#[tokio::test]
async fn a_message_of_the_previous_release_is_taken() {
    let earlier: [&[&str]; 2] = [&["lane"], &["lane", "note"]];
    for absent in earlier {
        let world = World::new().await;
        world.record(&event(1)).await.unwrap();
        let bodies = world.queue.take(RULE_QUEUE);
        let mut message: Value = serde_json::from_str(&bodies[0]).unwrap();
        for key in absent {
            message.as_object_mut().unwrap().remove(*key);
        }
        let outcomes = push(&world, vec![message.to_string()]).await;
        assert_eq!(outcomes, [Outcome::Sent], "{absent:?}");
        let balance = world.vendor.field(&person(1), "Yotpo.PointsBalance");
        assert_eq!(balance.as_deref(), Some("100"), "{absent:?}");
        assert_eq!(started(&world, 1), !absent.contains(&"note"), "{absent:?}");
    }
}
