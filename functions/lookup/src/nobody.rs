//! Who is known to be nobody's member, for a while; and what a store wants done about them.

use jiff::{SignedDuration, Timestamp};
use loyalty::{Private, StoreId};
use platform::{Condition, Deed, RowKey, TableError, Update, Value, Written, whole, write_down};
use serde_json::json;
use vendors::{Enrolment, TICKET};

use crate::{
    lookup::{Customer, Lookup},
    miss::Through,
};

/// How long somebody whom no source knows is not asked for again.
const FRESH: SignedDuration = SignedDuration::from_mins(10);

/// For how long the row stays at most, in seconds; what it says counts for ten minutes alone.
const KEPT: i64 = 24 * 60 * 60;

fn row(store: &StoreId, hash: &str) -> RowKey {
    RowKey::new(format!("STORE#{store}"), format!("NOBODY#{hash}"))
}

fn oldest(now: Timestamp) -> i64 {
    let oldest = now.checked_sub(FRESH);
    oldest.map_or(i64::MIN, Timestamp::as_microsecond)
}

impl Lookup {
    /// Whether it was found a moment ago that nobody knows them.
    pub(crate) async fn was_nobody(&self, store: &StoreId, hash: &str) -> Result<bool, TableError> {
        let known = self.table.get(&row(store, hash), false).await?;
        let at = known.and_then(|item| match item.as_ref().get("at") {
            Some(Value::N(at)) => at.parse::<i64>().ok(),
            _ => None,
        });
        Ok(at.is_some_and(|at| at > oldest(self.clock.now())))
    }

    /// Nobody knows them: that is remembered, and by whoever writes it down first they are made a member where the store
    /// wants that. Many triggers of one ticket do so once.
    pub(crate) async fn nobody(&self, through: &Through, customer: &Customer<'_>, hash: &str) {
        let enrols = customer.store.enrols(customer.email);
        // A trial call names no ticket. Nobody is enrolled by it, and it is forgotten: their ticket may come next.
        if enrols && customer.asked.ticket.is_none() {
            return;
        }
        let now = self.clock.now();
        let store = &customer.store.id;
        let update = Update {
            set: vec![
                ("v", whole(1)),
                ("at", whole(now.as_microsecond())),
                ("ttl", whole(now.as_second() + KEPT)),
            ],
            condition: Some(Condition::Any(vec![
                Condition::absent(),
                Condition::Below("at", oldest(now)),
            ])),
            ..Update::default()
        };
        let key = row(store, hash);
        let done = match self.table.update(&key, update).await {
            Ok(Written::Done(_)) => !enrols || self.enrol(through, customer, hash).await,
            // Somebody else was faster.
            Ok(Written::Refused(_)) => true,
            Err(error) => {
                tracing::warn!(%store, %error, "it could not be noted that nobody knows a customer");
                false
            }
        };
        if !done {
            // The next trigger tries again.
            let again = Update {
                set: vec![("at", whole(0))],
                ..Update::default()
            };
            let _ = self.table.update(&key, again).await;
        }
    }

    /// Has them made a member. Tells whether that is on its way.
    async fn enrol(&self, through: &Through, customer: &Customer<'_>, hash: &str) -> bool {
        let now = self.clock.now();
        let store = &customer.store.id;
        let enrolment = Enrolment {
            v: 1,
            email: customer.email.clone(),
            name: customer.asked.name.as_deref().map(Private::from),
        };
        let Ok(envelope) = enrolment.seal(store, now, platform::nonce()) else {
            return false;
        };
        let what = json!({"member": hash, "ticket": ticket(customer)});
        let deed = Deed {
            by: TICKET,
            command: "enrol_on_ticket",
            why: "the customer wrote to support, and the store's settings make such customers members",
            what: &what,
        };
        let place = format!("STORE#{store}");
        if let Err(error) = write_down(&*self.table, place, deed, now).await {
            tracing::error!(%store, %error, "an enrolment could not be written down and was not begun");
            return false;
        }
        let put = through.inbox.put(&envelope).await;
        tracing::info!(%store, member = hash, put, "an unknown customer is to become a member");
        put
    }
}

/// The ticket's id, where it is one: what else stands there may name somebody.
fn ticket<'a>(customer: &'a Customer<'_>) -> Option<&'a str> {
    let id = customer.asked.ticket.as_deref()?;
    let fits = id.len() <= 20 && id.bytes().all(|b| b.is_ascii_digit());
    fits.then_some(id)
}
