//! A world with the emitters beside it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use loyalty::{Kind, StoreId, due::Due};
use platform::{Clock as _, Deadline, Inbox, Stores};
use recording::{
    Delivered,
    emit::{EmitError, Emitter, Tally},
};
use serde_json::{Value, json};
use vendors::Envelope;

use crate::world::{RULE_QUEUE, World};

const INBOX: &str = "queue/inbox";

/// A world with the emitters beside it.
pub(crate) struct Yard {
    pub(crate) world: World,
    pub(crate) emitter: Emitter,
}

impl Yard {
    /// A yard whose store `example` is in Oslo and has these settings beside the usual ones.
    pub(crate) async fn with(settings: Value) -> Self {
        let world = World::new().await;
        let emitter = emitter(&world);
        let yard = Self { world, emitter };
        yard.put_store("example", settings).await;
        yard
    }

    /// Settings of a store: the usual ones, and these in their place.
    pub(crate) async fn put_store(&self, id: &str, settings: Value) {
        let mut document = json!({
            "v": 1, "store": id, "name": "Example Outdoor", "currency": "NOK", "locale": "nb-NO",
            "time_zone": "Europe/Oslo", "sources": {"yotpo": {}}, "destinations": {"rule": {}},
        });
        for (key, value) in settings.as_object().unwrap() {
            document[key] = value.clone();
        }
        vendors::Store::read(document.clone()).unwrap();
        let store = StoreId::parse(id).unwrap();
        let stores = [&self.world.recorder.stores, &self.emitter.stores];
        for stores in stores {
            stores.put(&store, &document).await.unwrap();
        }
        let secret = json!({"v": 1, "api_key": format!("{id}-key")}).to_string();
        self.world
            .secrets
            .set(&format!("bridge/{id}/rule"), &secret);
        // What a process knows of a store is a minute old at most.
        self.world.clock.advance(SignedDuration::from_mins(2));
    }

    /// Moves the clock on to an instant.
    pub(crate) fn at(&self, instant: &str) {
        self.until(instant.parse().unwrap());
    }

    pub(crate) fn until(&self, instant: Timestamp) {
        let wait = instant.duration_since(self.world.clock.now());
        assert!(!wait.is_negative(), "time goes on");
        self.world.clock.advance(wait);
    }

    /// Yotpo tells of a member.
    pub(crate) async fn hear(&self, store: &str, body: &Value) {
        let delivery = self.world.delivery(store, body.to_string().as_bytes());
        self.world.clock.advance(SignedDuration::from_millis(1));
        self.world
            .recorder
            .record(vec![delivery])
            .await
            .remove(0)
            .unwrap();
    }

    /// A member's birthday is known from now on; they were seen now.
    pub(crate) async fn born(&self, email: &str, born: &str) {
        self.hear("example", &captured(self, email, born)).await;
    }

    /// One run of what is due now.
    pub(crate) async fn emit(&self, dues: &[Due]) -> Tally {
        self.try_emit(dues).await.unwrap()
    }

    pub(crate) async fn try_emit(&self, dues: &[Due]) -> Result<Tally, EmitError> {
        let deadline = Deadline::after(SignedDuration::from_mins(15), &*self.world.clock);
        let ran = self.emitter.run(dues, None, deadline).await?;
        assert_eq!(ran.rest, None);
        ran.failed.map_or(Ok(ran.tally), Err)
    }

    /// What lies on the inbox, taken off it.
    pub(crate) fn inbox(&self) -> Vec<String> {
        self.world.queue.take(INBOX)
    }

    /// Records what lies on the inbox, ten at a time.
    pub(crate) async fn record(&self) {
        self.record_these(self.inbox()).await;
    }

    pub(crate) async fn record_these(&self, inbox: Vec<String>) {
        for some in inbox.chunks(10) {
            let deliveries = some.iter().map(|body| Delivered { body: body.clone() });
            for recorded in self.world.recorder.record(deliveries.collect()).await {
                recorded.unwrap();
            }
        }
    }

    /// A whole run: what is due is sent and recorded. Gives how many automations Rule would hear of.
    pub(crate) async fn day(&self, dues: &[Due]) -> Vec<Value> {
        self.world.queue.take(RULE_QUEUE);
        self.emit(dues).await;
        self.record().await;
        self.told()
    }

    /// What the destination's queue holds: the notes of its messages, with whom they are to. A delivery that was sent once
    /// more is one, as it is for the destination's books.
    pub(crate) fn told(&self) -> Vec<Value> {
        let mut told: Vec<Value> = Vec::new();
        for body in self.world.queue.take(RULE_QUEUE) {
            let message: Value = serde_json::from_str(&body).unwrap();
            let note = &message["note"];
            let one = json!({
                "to": message["member"], "kind": note["kind"], "detail": note["detail"],
                "delivery": [note["event"], note["occurrence"]],
            });
            let known = told.iter().any(|told| told["delivery"] == one["delivery"]);
            if !note.is_null() && !known {
                told.push(one);
            }
        }
        told
    }

    /// The date on which a member is looked at, as the row of the list says.
    pub(crate) fn listed(&self, email: &str, kind: Kind) -> Option<String> {
        let sk = format!("DUE#{kind}");
        let rows = self.world.rows(email);
        let row = rows.iter().find(|row| row["sk"] == sk.as_str())?;
        row["on"].as_str().map(ToOwned::to_owned)
    }
}

/// The emitters on a world's ports.
pub(crate) fn emitter(world: &World) -> Emitter {
    Emitter {
        table: world.recorder.table.clone(),
        clock: world.clock.clone(),
        stores: Stores::new(world.recorder.table.clone(), world.clock.clone()),
        inbox: Inbox::new(Arc::clone(&world.recorder.queue), INBOX.to_owned()),
        hash_key: world.recorder.hash_key.clone(),
    }
}

/// What Yotpo sends when a birthday was told.
pub(crate) fn captured(yard: &Yard, email: &str, born: &str) -> Value {
    json!({
        "topic": "swell/customer/birthday/captured", "email": email, "birthday": born,
        "customer": customer(yard, email),
    })
}

/// The picture that comes along: seen just now, with no points.
pub(crate) fn customer(yard: &Yard, email: &str) -> Value {
    json!({
        "email": email, "first_name": "Kari", "points_balance": 0,
        "last_seen_at": yard.world.clock.now().to_string(),
    })
}

/// Who was told, in the order of the queue.
pub(crate) fn whom(told: &[Value]) -> Vec<&str> {
    let mut whom: Vec<&str> = told
        .iter()
        .map(|told| told["to"].as_str().unwrap())
        .collect();
    whom.sort_unstable();
    whom
}

/// What stands on the inbox, opened.
pub(crate) fn opened(inbox: &[String]) -> Vec<Value> {
    let bodies = inbox.iter().map(|body| {
        let envelope: Envelope = serde_json::from_str(body).unwrap();
        serde_json::from_slice(&envelope.open().unwrap()).unwrap()
    });
    bodies.collect()
}
