//! `adjust_points`: a person gives, takes or spends a member's points, through Annex Cloud's queue.

mod limit;
mod order;

use std::num::NonZeroU32;

use loyalty::{Detail, EventId, Kind, MemberKey, Occurrence, Ordered, StoreId};
use platform::{Outgoing, find_member};
use serde_json::{Value, json};
use vendors::{
    Fault, Lane, Message, Note, Store,
    annexcloud::{Booking, DestinationSettings},
};

use self::limit::{Day, Taken};
use crate::{
    asked::{self, Person},
    command::{Operator, fault},
};

/// The destination that books points.
const DESTINATION: &str = "annexcloud";

struct Asked {
    store: StoreId,
    person: Person,
    order: Ordered,
    by: String,
    why: String,
}

impl Operator {
    /// `{"command": "adjust_points", "store", "email" | "source" + "id", "what", "points", "action", "reward", "by", "why",
    /// "confirm": true}` answers `{"ok", "delivery", "member", "left_today"}`. Given again it is a second order.
    pub(crate) async fn adjust_points(&self, asked: Value) -> Result<Value, Vec<Fault>> {
        let asked = asked::read(asked, gather)?;
        let settings = self.stores.get(&asked.store).await;
        let settings = settings.map_err(|error| fault("store", error))?;
        let (url, limits) = self.books_points(&settings)?;
        Booking::ordered(&asked.order, limits).map_err(order::wrong)?;
        let amount = order::amount(&asked.order.what, limits);
        let (member, version) = self.known_member(&asked).await?;
        let (message, delivery) = self.ordered(&asked, &member, version);
        let hash = self.hash_key.member(&asked.store, &member);

        let day = Day {
            table: &*self.table,
            store: &asked.store,
            at: self.clock.now(),
            most: limits.max_points_per_day,
        };
        let left = match day.take(amount).await {
            Ok(Taken::Yes { left }) => left,
            Ok(Taken::No { left }) => return Err(too_many(amount, left, limits)),
            Err(error) => return Err(fault("table", error)),
        };
        let what = json!({"member": hash, "order": asked.order.what, "delivery": delivery});
        let written = self
            .audit(&asked.store, &asked.by, "adjust_points", &asked.why, &what)
            .await;
        if let Err(faults) = written {
            // Where this fails too, the day has room for less: the safe side.
            let _ = day.give_back(amount).await;
            return Err(faults);
        }
        if !self.is_on_queue(url, &message).await {
            let given_back = day.give_back(amount).await.is_ok();
            return Err(not_taken(&delivery, given_back));
        }
        tracing::info!(store = %asked.store, delivery, "points were ordered");
        Ok(json!({"ok": true, "delivery": delivery, "member": hash, "left_today": left}))
    }

    /// The queue on which orders go, and what the store allows.
    fn books_points<'a>(
        &'a self,
        store: &'a Store,
    ) -> Result<(&'a str, &'a DestinationSettings), Vec<Fault>> {
        let limits = store.destinations.annexcloud.as_ref();
        let limits = limits.ok_or_else(|| {
            fault(
                "store",
                "books no points: its document has no `destinations.annexcloud`",
            )
        })?;
        let url = self.queues.get(DESTINATION);
        let url =
            url.ok_or_else(|| fault("store", "this stack was deployed without annexcloud"))?;
        Ok((url, limits))
    }

    /// The key that a member has now, and the version of their picture.
    async fn known_member(&self, asked: &Asked) -> Result<(MemberKey, u64), Vec<Fault>> {
        let key = self.member_key(&asked.store, &asked.person).await?;
        let found = find_member(&*self.table, &asked.store, &key).await;
        let found = found.map_err(|error| fault("table", error))?;
        match found.state {
            Some(state) if state.held().is_some() => Ok((found.key, state.version)),
            _ => {
                let path = match asked.person {
                    Person::Email(_) => "email",
                    Person::Known(_) => "id",
                };
                Err(fault(path, "nobody of this name is known here"))
            }
        }
    }

    /// The order as news for Annex Cloud alone, with the name of its delivery.
    fn ordered(&self, asked: &Asked, member: &MemberKey, version: u64) -> (Message, String) {
        let kind = Kind::PointsOrdered;
        let arrived = self.clock.now();
        // Two orders that say the same are two orders.
        let nonce = platform::nonce();
        let note = Note {
            event: EventId::new(&self.hash_key, &asked.store, &[kind.name(), &nonce]),
            kind,
            occurrence: Occurrence::from(arrived),
            arrived,
            detail: Detail {
                ordered: Some(asked.order.clone()),
                ..Detail::default()
            },
        };
        let delivery = note.delivery();
        let message = Message {
            v: 1,
            store: asked.store.clone(),
            member: member.clone(),
            version,
            lane: Lane::Live,
            note: Some(note),
            hash: Some(self.hash_key.member(&asked.store, member)),
            erase: None,
        };
        (message, delivery)
    }

    async fn is_on_queue(&self, url: &str, message: &Message) -> bool {
        let Ok(body) = message.to_text() else {
            return false;
        };
        let messages = vec![Outgoing { id: 0, body }];
        self.queue.send(url, messages).await.is_empty()
    }
}

fn gather(section: &mut vendors::Section) -> Option<Asked> {
    let store = asked::store(section);
    let person = asked::person(section);
    let (by, why) = (asked::by(section), order::why(section));
    let what = order::what(section);
    if !section.flag("confirm", false) {
        section.fault(
            "confirm",
            "must be true: points are moved, and given again this command moves them again",
        );
    }
    Some(Asked {
        store: store?,
        person: person?,
        order: Ordered {
            what: what?,
            reason: why.clone().into(),
        },
        by,
        why,
    })
}

fn too_many(amount: NonZeroU32, left: u32, limits: &DestinationSettings) -> Vec<Fault> {
    let most = limits.max_points_per_day;
    fault(
        "points",
        format!(
            "counts as {amount} points, and {left} of the store's {most} for this UTC day are left (`max_points_per_day`)"
        ),
    )
}

/// A queue may have taken what it does not say that it took: whoever ordered must look before ordering again.
fn not_taken(delivery: &str, given_back: bool) -> Vec<Fault> {
    let counts = if given_back {
        "it does not count towards the day"
    } else {
        "it counts towards the day all the same, because that could not be undone"
    };
    let look = "wait a minute, and look with `member` that it does not stand there, before you order again";
    fault(
        "queue",
        format!("the queue did not take the order `{delivery}`, and {counts}; {look}"),
    )
}
