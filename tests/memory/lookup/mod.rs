//! Cards on ports in memory, with Annex Cloud's strict stand-in behind the source that answers at once.

mod crash;
mod enrol;
mod hit;
mod miss;

use std::{collections::BTreeMap, sync::Arc};

use ::lookup::{Answered, Lookup, Through};
use delivery::Asker;
use loyalty::StoreId;
use platform::{Inbox, SecretCache, Stores};
use serde_json::{Value, json};
use vendors::{gorgias::Ticket, registry};

use crate::{
    annexcloud::{Site, wire::ToAnnex},
    fuse::Fused,
    operator::{INBOX, recorded},
    world::READS_QUEUE,
};

pub(crate) const KARI: &str = "kari@example.com";
pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const STRANGER: &str = "stranger@example.com";

/// A store that Yotpo and Annex Cloud feed, and whose tickets are Gorgias'.
pub(crate) struct Desk {
    pub(crate) site: Site,
    pub(crate) lookup: Lookup,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        Self::with(json!({})).await
    }

    /// With these settings of Annex Cloud as a source.
    pub(crate) async fn with(source: Value) -> Self {
        let site = Site::new().await;
        let lookup = lookup(&site, site.annex.clone());
        site.world.secrets.set(
            "bridge/example/gorgias-lookup",
            r#"{"v":1,"current":"new","previous":"old"}"#,
        );
        let desk = Self { site, lookup };
        desk.put(source).await;
        desk
    }

    pub(crate) async fn put(&self, source: Value) {
        let document = json!({
            "v": 1, "store": "example", "name": "Example", "currency": "EUR", "locale": "de-DE", "time_zone": "Europe/Berlin",
            "sources": {"yotpo": {}, "annexcloud": source},
            "destinations": {"gorgias": {}, "annexcloud": {}},
        });
        let store = StoreId::parse("example").unwrap();
        for stores in [
            &self.lookup.stores,
            &self.site.world.recorder.stores,
            &self.site.world.pusher.stores,
        ] {
            stores.put(&store, &document).await.unwrap();
        }
    }

    /// Ada is Annex Cloud's, and nobody here knows her.
    pub(crate) fn ada(&self) {
        let user = json!({
            "email": ADA, "firstName": "Ada", "lastName": "Example", "optInStatus": "YES", "status": "ACTIVE",
        });
        let points = json!({"availablePoints": "5120", "lifetimePoints": "5820"});
        let tiers = json!({"currentTier": "Silver", "nextTier": "Gold", "pointsToNextTier": "80"});
        self.site.annex.person(ADA, user, &points, &tiers);
    }

    pub(crate) async fn answer(&self, query: &str) -> Answered {
        self.lookup.answer("example", &ticket("new", query)).await
    }

    /// The card of this customer.
    pub(crate) async fn card(&self, email: &str) -> Value {
        let query = format!(
            "email={}&ticket=7001&name=Ada%20Example",
            email.replace('@', "%40")
        );
        match self.answer(&query).await {
            Answered::Card(card) => {
                let mut card: Value = serde_json::from_str(&card).unwrap();
                card["loyalty"].take()
            }
            Answered::Refused => panic!("refused"),
        }
    }

    pub(crate) async fn status(&self, email: &str) -> String {
        self.card(email).await["status"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// How many questions Annex Cloud was asked since this was last asked.
    pub(crate) fn questions(&self) -> usize {
        self.site.annex.calls().len()
    }

    /// What waits to be read.
    pub(crate) fn reads(&self) -> Vec<String> {
        self.site.world.queue.take(READS_QUEUE)
    }

    /// The recorder takes what is on the inbox.
    pub(crate) async fn recorded(&self) -> usize {
        recorded(&self.site.world).await
    }

    /// Until nothing waits anywhere.
    pub(crate) async fn settle(&self) {
        recorded(&self.site.world).await;
        self.site.settle().await;
    }
}

pub(crate) fn ticket(secret: &str, query: &str) -> Ticket {
    Ticket {
        headers: vec![("authorization".into(), format!("Bearer {secret}"))],
        query: query.to_owned(),
        ..Ticket::default()
    }
}

/// A process of its own on the site's ports.
pub(crate) fn lookup(site: &Site, annex: Arc<ToAnnex>) -> Lookup {
    let world = &site.world;
    let fused_table = Arc::new(Fused {
        fuse: world.fuse.clone(),
        inner: world.table.clone(),
    });
    let fused_queue = Arc::new(Fused {
        fuse: world.fuse.clone(),
        inner: world.queue.clone(),
    });
    let wire = Arc::new(Fused {
        fuse: world.fuse.clone(),
        inner: annex,
    });
    let api = registry::source("annexcloud").unwrap().api().unwrap();
    let asker = Asker::new(
        ("annexcloud", api),
        fused_table.clone(),
        (world.secrets.clone(), "bridge".to_owned()),
        world.clock.clone(),
        wire,
    );
    let through = Through {
        asker: asker.hurried(),
        inbox: Inbox::new(fused_queue.clone(), INBOX.to_owned()),
        queue: fused_queue,
        reads: READS_QUEUE.to_owned(),
        hash_key: world.recorder.hash_key.clone(),
    };
    Lookup::new(
        fused_table,
        world.clock.clone(),
        Stores::new(world.table.clone(), world.clock.clone()),
        SecretCache::new(world.secrets.clone(), world.clock.clone()),
        "bridge".to_owned(),
        BTreeMap::from([("annexcloud", through)]),
    )
}
