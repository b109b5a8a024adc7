//! What is read from a source's own interface: gaps, nightly repairs, and their bad days.

mod check;
mod crash;
mod gap;
mod night;
mod rewards;
mod yotpo;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use ::reader::Reader;
use delivery::{Asker, Received};
use jiff::{SignedDuration, Timestamp};
use loyalty::StoreId;
use platform::{Clock as _, Deadline, Inbox, Stores};
use recording::repair::{Repair, Repairs};
use serde_json::{Value, json};
use vendors::{Outcome, Source as _, yotpo::Yotpo as Source};

use self::yotpo::Yotpo;
use crate::{
    fuse::Fused,
    operator::{INBOX, recorded},
    world::{READS_QUEUE, World, body},
};

pub(crate) const KARI: &str = "kari@example.com";

/// A world whose store has credentials for Yotpo's interface, with the reader beside it.
pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) yotpo: Arc<Yotpo>,
    pub(crate) reader: Reader,
    /// What waits on the queue of reads: when it is due, how often it was handed out, the message.
    waiting: Mutex<Vec<(Timestamp, u32, String)>>,
}

impl Site {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let yotpo = Arc::new(Yotpo::default());
        let fuse = &world.fuse;
        let (table, queue) = (world.recorder.table.clone(), world.recorder.queue.clone());
        let wire = Arc::new(Fused {
            fuse: fuse.clone(),
            inner: yotpo.clone(),
        });
        let asker = Asker::new(
            ("yotpo", Source.api().unwrap()),
            table.clone(),
            (world.secrets.clone(), "bridge".to_owned()),
            world.clock.clone(),
            wire,
        );
        let reader = Reader {
            clock: world.clock.clone(),
            stores: Stores::new(world.table.clone(), world.clock.clone()),
            hash_key: world.recorder.hash_key.clone(),
            inbox: Inbox::new(queue.clone(), INBOX.to_owned()),
            askers: BTreeMap::from([("yotpo", asker)]),
            repairs: Repairs {
                table: table.clone(),
                queue,
                clock: world.clock.clone(),
                url: READS_QUEUE.to_owned(),
            },
            table,
        };
        let site = Self {
            world,
            yotpo,
            reader,
            waiting: Mutex::default(),
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
        self.reader.repairs.start(&store).await.unwrap_or(false)
    }

    /// Reads what is due on the queue of reads, in one batch; tells whether the program stopped on the way.
    pub(crate) async fn read(&self) -> (Vec<Outcome>, bool) {
        let now = self.world.clock.now();
        let due = self.take_due(now);
        let received: Vec<Received> = due
            .iter()
            .map(|(receives, body)| Received {
                receipt: "r".to_owned(),
                body: body.clone(),
                receives: *receives,
            })
            .collect();
        let deadline = Deadline::after(SignedDuration::from_secs(120), &*self.world.clock);
        let outcomes = self.reader.read(&received, deadline).await;
        let crashed = self.world.fuse.mend();
        for ((receives, body), outcome) in due.into_iter().zip(&outcomes) {
            let wait = if crashed {
                Some(SignedDuration::from_mins(12))
            } else {
                outcome.wait().map(|wait| wait.try_into().unwrap())
            };
            if let Some(wait) = wait {
                let at = now.checked_add(wait).unwrap();
                self.waiting.lock().unwrap().push((at, receives + 1, body));
            }
        }
        (outcomes, crashed)
    }

    fn take_due(&self, now: Timestamp) -> Vec<(u32, String)> {
        let mut waiting = self.waiting.lock().unwrap();
        let sent = self.world.queue.take(READS_QUEUE).into_iter();
        waiting.extend(sent.map(|body| (now, 1, body)));
        waiting.sort_by_key(|(at, ..)| *at);
        let due = waiting.iter().take_while(|(at, ..)| *at <= now).count();
        let due = waiting.drain(..due.min(10));
        due.map(|(_, receives, body)| (receives, body)).collect()
    }

    fn next_due(&self) -> Option<Timestamp> {
        let mut waiting = self.waiting.lock().unwrap();
        let now = self.world.clock.now();
        let sent = self.world.queue.take(READS_QUEUE).into_iter();
        waiting.extend(sent.map(|body| (now, 1, body)));
        waiting.iter().map(|(at, ..)| *at).min()
    }

    /// Moves the clock until nothing waits on the queue of reads, and records what was found; gives every outcome on the
    /// way.
    pub(crate) async fn settle(&self) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        recorded(&self.world).await;
        for _ in 0..200 {
            let Some(next) = self.next_due() else {
                return outcomes;
            };
            let wait = next.duration_since(self.world.clock.now());
            let wait = wait.max(SignedDuration::ZERO) + SignedDuration::from_millis(1);
            self.world.clock.advance(wait);
            outcomes.extend(self.read().await.0);
            recorded(&self.world).await;
        }
        panic!("reads still wait after two hundred rounds: {outcomes:?}");
    }

    /// A whole night.
    pub(crate) async fn night(&self) -> Repair {
        assert!(self.start("example").await);
        self.settle().await;
        self.repair("example").await
    }

    pub(crate) async fn repair(&self, store: &str) -> Repair {
        let store = StoreId::parse(store).unwrap();
        let row = self.reader.repairs.get(&store, "yotpo").await.unwrap();
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
