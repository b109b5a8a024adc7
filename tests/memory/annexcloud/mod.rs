//! Annex Cloud as a source that is read and as a destination that gets members, profiles and points: recorder, reader and
//! pusher on ports in memory, against the vendor's strict stand-in.

mod booking;
mod check;
mod crash;
mod enrol;
mod erase;
mod hints;
mod profile;
mod reading;
pub(crate) mod wire;

use std::sync::Arc;

use delivery::Received;
use jiff::SignedDuration;
use loyalty::StoreId;
use platform::{Clock as _, Deadline};
use recording::{Delivered, Failure, Recorded};
use serde_json::{Value, json};
use vendors::{Envelope, Method, Outcome, annexcloud::AnnexCloud};

use self::wire::ToAnnex;
use crate::{
    fuse::Fused,
    operator::recorded,
    reads::reading::Reading,
    world::{Does, READS_QUEUE, RULE_QUEUE, World, body},
};

pub(crate) const KARI: &str = "kari@example.com";

/// A world whose store has Annex Cloud beside Yotpo, with the reader.
pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) annex: Arc<ToAnnex>,
    reading: Reading,
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::with(json!({}), json!({})).await
    }

    /// With these settings of Annex Cloud as a source and as a destination.
    pub(crate) async fn with(source: Value, destination: Value) -> Self {
        let mut world = World::new().await;
        let annex = Arc::new(ToAnnex::new(world.clock.clone()));
        world.pusher.destination = &AnnexCloud;
        world.pusher.wire = Arc::new(Fused {
            fuse: world.fuse.clone(),
            inner: annex.clone(),
        });
        world.pusher.reads = Some(READS_QUEUE.to_owned());
        world.recorder.queues = [("annexcloud".to_owned(), RULE_QUEUE.to_owned())].into();
        let reading = Reading::new(&world, &AnnexCloud, annex.clone());
        let site = Self {
            world,
            annex,
            reading,
        };
        site.put(source, destination).await;
        site.key("s");
        site
    }

    pub(crate) async fn put(&self, source: Value, destination: Value) {
        let document = json!({
            "v": 1, "store": "example", "name": "Example Outdoor", "currency": "EUR", "locale": "de-DE",
            "time_zone": "Europe/Berlin", "sources": {"yotpo": {}, "annexcloud": source},
            "destinations": {"annexcloud": destination},
        });
        let store = StoreId::parse("example").unwrap();
        let stores = &self.world.recorder.stores;
        stores.put(&store, &document).await.unwrap();
    }

    /// The store's own idea of its secret.
    pub(crate) fn key(&self, secret: &str) {
        let secret =
            json!({"v": 1, "site": "example-shop", "site_id": "5550001", "secret": secret});
        let name = "bridge/example/annexcloud";
        self.world.secrets.set(name, &secret.to_string());
    }

    /// A webhook of Annex Cloud arrives, and the recorder takes it.
    pub(crate) async fn hint(&self, body: &Value) -> Result<Recorded, Failure> {
        // It never arrives in the microsecond in which somebody was read.
        self.world.clock.advance(SignedDuration::from_millis(1));
        let envelope = Envelope::seal(
            StoreId::parse("example").unwrap(),
            "annexcloud",
            self.world.clock.now(),
            platform::nonce(),
            None,
            body.to_string().as_bytes(),
        );
        let body = serde_json::to_string(&envelope.unwrap()).unwrap();
        self.world.clock.advance(SignedDuration::from_millis(1));
        let delivery = vec![Delivered { body }];
        self.world.recorder.record(delivery).await.remove(0)
    }

    /// News of Yotpo's arrives.
    pub(crate) async fn hear(&self, news: &Value) {
        self.world.record(news).await.unwrap();
    }

    /// What is on the queue of reads is read, and recorded.
    pub(crate) async fn read(&self) -> Vec<Outcome> {
        let outcomes = self.reading.settle(&self.world).await;
        recorded(&self.world).await;
        outcomes
    }

    /// Until nothing waits anywhere.
    pub(crate) async fn settle(&self) -> Vec<Outcome> {
        let mut outcomes = self.world.settle().await;
        self.read().await;
        outcomes.extend(self.world.settle().await);
        outcomes
    }

    /// Two pushers work at the same time, each through messages of its own.
    pub(crate) async fn at_once(&self, one: &[String], other: &[String]) -> Vec<Outcome> {
        let received = |bodies: &[String]| -> Vec<Received> {
            let received = bodies.iter().map(|body| Received {
                receipt: "r".to_owned(),
                body: body.clone(),
                receives: 1,
            });
            received.collect()
        };
        let deadline = Deadline::after(SignedDuration::from_secs(60), &*self.world.clock);
        let pusher = &self.world.pusher;
        let (one, other) = (received(one), received(other));
        let (mut outcomes, more) =
            tokio::join!(pusher.push(&one, deadline), pusher.push(&other, deadline));
        outcomes.extend(more);
        outcomes
    }

    /// The delivery's row of the only booking of a person.
    pub(crate) fn delivery(&self, email: &str) -> Value {
        self.world.row(email, "DELIVERY#")
    }

    pub(crate) fn points(&self, id: &str) -> Value {
        self.annex.known(id)["points"]["availablePoints"].clone()
    }
}

/// Somebody whom Annex Cloud knows by their address, with some points.
pub(crate) fn member(site: &Site, email: &str) {
    let points = json!({"availablePoints": "500", "lifetimePoints": "700"});
    let user = json!({"email": email, "firstName": "Kari", "optInStatus": "YES"});
    site.annex.person(email, user, &points, &Value::Null);
}

/// Yotpo tells that a person earned points.
pub(crate) fn earned(email: &str, perk: i64) -> Value {
    let mut news = body("points_earned.json");
    news["email"] = json!(email);
    news["customer"] = json!({"email": email, "last_seen_at": "2026-03-04T10:30:00.000Z"});
    news["perk"]["id"] = json!(perk);
    news
}

/// Yotpo tells that a person joined.
pub(crate) fn joined(email: &str) -> Value {
    json!({
        "topic": "loyalty/opt_in",
        "email": email,
        "customer": {
            "email": email, "first_name": "Kari", "last_name": "Nordmann", "is_opt_in": true,
            "last_seen_at": "2026-03-20T11:00:00.000Z",
        },
    })
}

/// An answer that is an error with this code.
pub(crate) fn error(status: u16, code: &str) -> Does {
    let body = json!({"errorCode": code, "errorMessage": "…"});
    Does::Answers(status, body)
}

/// How many calls of this method went to paths with this in them.
fn count(calls: &[(Method, String)], method: Method, part: &str) -> usize {
    let own = calls.iter();
    own.filter(|(own, path)| *own == method && path.contains(part))
        .count()
}
