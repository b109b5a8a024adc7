//! What is read from a source's own interface: gaps, nightly repairs, and their bad days.

mod check;
mod crash;
mod gap;
mod night;
pub(crate) mod reading;
mod rewards;
mod yotpo;

use std::sync::Arc;

use loyalty::StoreId;
use recording::repair::Repair;
use serde_json::{Value, json};
use vendors::{Outcome, yotpo::Yotpo as Source};

use self::{reading::Reading, yotpo::Yotpo};
use crate::world::{World, body};

pub(crate) const KARI: &str = "kari@example.com";

/// A world whose store has credentials for Yotpo's interface, with the reader beside it.
pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) yotpo: Arc<Yotpo>,
    pub(crate) reading: Reading,
}

impl Site {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let yotpo = Arc::new(Yotpo::default());
        let reading = Reading::new(&world, &Source, yotpo.clone());
        let site = Self {
            world,
            yotpo,
            reading,
        };
        site.put_store("example", true).await;
        site
    }

    /// Settings of a store, which has Rule's fields follow every change.
    pub(crate) async fn put_store(&self, id: &str, rest: bool) {
        let document = json!({
            "v": 1, "store": id, "name": "Example Outdoor", "currency": "NOK", "locale": "nb-NO",
            "time_zone": "Europe/Oslo", "sources": {"yotpo": {"rest": rest}},
            "destinations": {"rule": {"also": ["member_updated", "points_changed"]}},
        });
        let store = StoreId::parse(id).unwrap();
        let world = &self.world;
        world.recorder.stores.put(&store, &document).await.unwrap();
        let secret = json!({"v": 1, "api_key": format!("{id}-key")}).to_string();
        world.secrets.set(&format!("bridge/{id}/rule"), &secret);
        self.key(id, "rest-key");
    }

    /// The store's key for Yotpo's interface.
    pub(crate) fn key(&self, store: &str, key: &str) {
        let secret = json!({"v": 1, "guid": "guid", "api_key": key}).to_string();
        let name = format!("bridge/{store}/yotpo");
        self.world.secrets.set(&name, &secret);
    }

    /// What upkeep does for a store.
    pub(crate) async fn start(&self, store: &str) -> bool {
        let store = self.world.store(store).await;
        self.reading
            .reader
            .repairs
            .start(&store)
            .await
            .unwrap_or(false)
    }

    /// Reads what is due on the queue of reads, in one batch; tells whether the program stopped on the way.
    pub(crate) async fn read(&self) -> (Vec<Outcome>, bool) {
        self.reading.read(&self.world).await
    }

    /// Moves the clock until nothing waits on the queue of reads, and records what was found; gives every outcome on the
    /// way.
    pub(crate) async fn settle(&self) -> Vec<Outcome> {
        self.reading.settle(&self.world).await
    }

    /// A whole night.
    pub(crate) async fn night(&self) -> Repair {
        assert!(self.start("example").await);
        self.settle().await;
        self.repair("example").await
    }

    pub(crate) async fn repair(&self, store: &str) -> Repair {
        let store = StoreId::parse(store).unwrap();
        let row = self
            .reading
            .reader
            .repairs
            .get(&store, "yotpo")
            .await
            .unwrap();
        row.unwrap()
    }

    /// The names of the rewards that the source told of last.
    pub(crate) async fn offered(&self) -> Vec<String> {
        let store = StoreId::parse("example").unwrap();
        let row = recording::rewards::get(&*self.world.table, (&store, "yotpo")).await;
        let rewards = row.unwrap().into_iter().flat_map(|row| row.rewards);
        rewards.map(|reward| reward.name.unwrap()).collect()
    }

    /// News of a balance, as a webhook brings it.
    pub(crate) async fn hear(&self, person: &Person) {
        self.world.record(&person.webhook()).await.unwrap();
    }
}

/// One person at one moment, as the webhooks and the interface tell of them.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) id: String,
    pub(crate) balance: i64,
    pub(crate) seen: String,
}

/// A person with an id of their own, seen in the morning of this day in March.
pub(crate) fn person(name: &str, balance: i64, day: u8) -> Person {
    Person {
        email: format!("{name}@example.com"),
        id: format!("id-of-{name}"),
        balance,
        seen: format!("2026-03-{day:02}T08:00:00.000Z"),
    }
}

impl Person {
    pub(crate) fn webhook(&self) -> Value {
        let mut event = body("points_earned.json");
        event["email"] = json!(self.email);
        event["customer"]["email"] = json!(self.email);
        for id in ["third_party_id", "thirty_party_id"] {
            event["customer"][id] = json!(self.id);
        }
        event["customer"]["points_balance"] = json!(self.balance);
        event["customer"]["last_seen_at"] = json!(self.seen);
        event["perk"]["id"] = json!(format!("{}-{}", self.id, self.balance));
        event
    }

    /// The same as the webhook says, in the interface's form.
    pub(crate) fn row(&self) -> Value {
        let event = self.webhook();
        let mut row = event["customer"].clone();
        let keys = row.as_object_mut().unwrap();
        keys.remove("thirty_party_id");
        let opt_in = keys.remove("is_opt_in");
        keys.insert("opt_in".to_owned(), opt_in.unwrap_or(Value::Null));
        keys.remove("loyalty_opt_in_date");
        keys.remove("referral_code");
        row
    }
}
