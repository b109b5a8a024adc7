//! One batch of the queue of reads.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use delivery::{Asked, Asker, Received};
use futures_util::{
    FutureExt as _,
    future::{join_all, try_join_all},
};
use loyalty::{Drift, HashKey, StoreId};
use platform::{
    Clock, Deadline, Inbox, StoreError, Stores, Table,
    telemetry::{self, Metric},
};
use recording::{Compared, compare, repair::Repairs};
use vendors::{
    Envelope, Fetch, Lane, Members, Outcome, Read, Reason, Source, Store, Wanted, registry,
};

/// Reads members and rewards.
pub struct Reader {
    /// The table.
    pub table: Arc<dyn Table>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Store settings.
    pub stores: Stores,
    /// The stack's key for ids.
    pub hash_key: HashKey,
    /// Where what differs goes, to be recorded.
    pub inbox: Inbox,
    /// Asks each source that can be asked, by name.
    pub askers: BTreeMap<&'static str, Asker>,
    /// The rows of the nightly repairs, and the queue of reads for what is to be read next.
    pub repairs: Repairs,
}

/// A message of the queue, and what is needed for it.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(crate) fetch: &'a Fetch,
    pub(crate) store: &'a Store,
    pub(crate) source: &'static dyn Source,
    pub(crate) asker: &'a Asker,
    /// How often it was handed out.
    pub(crate) receives: u32,
    pub(crate) deadline: Deadline,
}

/// What a source told of one member.
pub(crate) struct Told {
    /// The member's keyed hash.
    pub(crate) member: String,
    pub(crate) compared: Compared,
    /// When the source last saw the person, µs since 1970, where it says.
    pub(crate) seen: Option<i64>,
    /// What is to be recorded, should it differ.
    pub(crate) envelope: Envelope,
}

impl Told {
    /// How the member differs.
    pub(crate) fn drift(&self) -> Drift {
        match self.compared {
            Compared::Erased | Compared::Same => Drift::None,
            Compared::Differs { drift, .. } => drift,
        }
    }

    /// Whether recording it would change something.
    pub(crate) fn is_news(&self) -> bool {
        matches!(self.compared, Compared::Differs { news: true, .. })
    }

    /// Whether the member goes on having another value than the source.
    pub(crate) fn goes_on_differing(&self) -> bool {
        match self.compared {
            Compared::Differs { drift, news, heals } => drift == Drift::Differs && !(news && heals),
            Compared::Erased | Compared::Same => false,
        }
    }
}

impl Reader {
    /// Works through a batch: store by store at the same time, each store's messages one after the other. The result has
    /// one outcome for each message, in order; those with a wait come again after it.
    pub async fn read(&self, received: &[Received], deadline: Deadline) -> Vec<Outcome> {
        let mut outcomes = vec![after_a_minute(Reason::UnreadableMessage); received.len()];
        let mut stores: BTreeMap<StoreId, Vec<(usize, Fetch, u32)>> = BTreeMap::new();
        for (place, received) in received.iter().enumerate() {
            match serde_json::from_str::<Fetch>(&received.body) {
                Ok(fetch) => stores.entry(fetch.store.clone()).or_default().push((
                    place,
                    fetch,
                    received.receives,
                )),
                Err(_) => {
                    tracing::error!(
                        "a message cannot be read; it will end in the dead-letter queue"
                    );
                }
            }
        }
        let turns = stores.into_values().map(|messages| async move {
            let mut done = Vec::new();
            for (place, fetch, receives) in messages {
                let one = AssertUnwindSafe(Box::pin(self.one(&fetch, receives, deadline)));
                let outcome = one.catch_unwind().await;
                let outcome = outcome.unwrap_or(after_a_minute(Reason::Panicked));
                report(&fetch, outcome);
                done.push((place, outcome));
            }
            done
        });
        for (place, outcome) in join_all(turns).await.into_iter().flatten() {
            outcomes[place] = outcome;
        }
        outcomes
    }

    async fn one(&self, fetch: &Fetch, receives: u32, deadline: Deadline) -> Outcome {
        let store = match self.stores.get(&fetch.store).await {
            Ok(store) => store,
            Err(StoreError::Table(_)) => return again(Reason::TableUnavailable, receives),
            Err(StoreError::Missing(_) | StoreError::Unreadable(_)) => {
                return again(Reason::StoreMissing, receives);
            }
        };
        let source = registry::source(&fetch.source);
        let used = source.filter(|source| source.api().is_some_and(|api| api.is_used(&store)));
        let asker = self.askers.get(fetch.source.as_str());
        let (Some(source), Some(asker)) = (used, asker) else {
            return Outcome::Skipped(Reason::SourceOff);
        };
        let task = Task {
            fetch,
            store: &store,
            source,
            asker,
            receives,
            deadline,
        };
        let outcome = match &fetch.what {
            Wanted::Member { whom, asked } => self.member(task, whom, *asked).await,
            Wanted::Page { run, page, .. } => self.page(task, run, *page).await,
            Wanted::Rewards { asked } => self.rewards(task, *asked).await,
        };
        outcome.unwrap_or_else(|outcome| outcome)
    }

    /// Compares everyone whom a source told of. None stands for a row that says nothing of anybody.
    pub(crate) async fn compared(
        &self,
        task: Task<'_>,
        asked: &Asked<Members>,
    ) -> Result<Vec<Option<Told>>, Outcome> {
        let bodies = asked.told.bodies.iter();
        let told = bodies.map(|body| async move {
            let (store, source) = (task.store, task.source);
            let sealed = Envelope::seal(
                store.id.clone(),
                source.name(),
                asked.sent,
                platform::nonce(),
                None,
                body,
            );
            let Ok(mut envelope) = sealed else {
                return Ok(None);
            };
            envelope.lane = Lane::Bulk;
            let event = match source.read(&envelope, body, store, &self.hash_key) {
                Read::Event(event) => event,
                Read::Hint { .. } | Read::Kept { .. } | Read::Notice { .. } => return Ok(None),
            };
            let whose = (&store.id, &self.hash_key);
            let compared = compare(&*self.table, whose, &event).await;
            let (member, compared) = compared.map_err(|error| {
                tracing::error!(store = %store.id, %error, "members could not be compared");
                again(Reason::TableUnavailable, task.receives)
            })?;
            let says = event.patch.last_seen_at.value();
            Ok(Some(Told {
                member,
                compared,
                seen: says.map(|_| event.stamp.as_of.as_microsecond()),
                envelope,
            }))
        });
        try_join_all(told).await
    }

    /// Puts what is news on the inbox, to be recorded. There it is safe: whatever fails from then on, it comes again.
    pub(crate) async fn hand_over(&self, task: Task<'_>, told: Vec<Told>) -> Result<(), Outcome> {
        let news = told.into_iter().filter(Told::is_news);
        let envelopes: Vec<Envelope> = news.map(|told| told.envelope).collect();
        if self.inbox.put_all(&envelopes).await {
            Ok(())
        } else {
            Err(again(Reason::QueueUnavailable, task.receives))
        }
    }

    /// Counts who differed.
    pub(crate) fn count(&self, drifted: u64) {
        if drifted > 0 {
            telemetry::count(self.clock.now(), Metric::Drifted, drifted);
        }
    }
}

fn report(fetch: &Fetch, outcome: Outcome) {
    let what = match fetch.what {
        Wanted::Member { .. } => "member",
        Wanted::Page { .. } => "page",
        Wanted::Rewards { .. } => "rewards",
    };
    let (store, source, name) = (&fetch.store, &fetch.source, outcome.name());
    let reason = outcome.reason().map(Reason::code);
    let wait_s = outcome.wait().map(|wait| wait.as_secs());
    tracing::info!(%store, source, what, outcome = name, reason, wait_s, "read.attempted");
}

/// Tried again: after five seconds, and twice as long each time, up to a quarter of an hour.
pub(crate) fn again(reason: Reason, receives: u32) -> Outcome {
    let seconds = (5_u64 << receives.saturating_sub(1).min(8)).min(900);
    Outcome::Retry {
        after: Duration::from_secs(seconds),
        reason,
    }
}

const fn after_a_minute(reason: Reason) -> Outcome {
    Outcome::Retry {
        after: Duration::from_mins(1),
        reason,
    }
}
