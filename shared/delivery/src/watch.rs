//! What stands with a vendor and works only while the vendor lets it, looked at once a day.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use loyalty::StoreId;
use platform::{Clock, RowKey, Secrets, Table, TableError, from_item, to_item};
use serde::{Deserialize, Serialize};
use vendors::{Answer, Answered, Destination, Revival, Site, Step, Store, Watched};

use crate::{Account, Lines, Unvisited, Visit, Wire, door};

/// How often somebody looks while all is well. What was stopped is looked at in every round, so that the alarm ends soon
/// after the trouble.
const DAILY: SignedDuration = SignedDuration::from_hours(24);

/// After how long a look that failed is made again, and after every further failure in twice the time.
const ROUND: SignedDuration = SignedDuration::from_mins(4);

/// The longest wait for it.
const LONGEST: SignedDuration = SignedDuration::from_hours(4);

/// Watches what is ours at one destination.
pub struct Watcher {
    /// The destination.
    pub destination: &'static dyn Destination,
    /// The table.
    pub table: Arc<dyn Table>,
    /// The secrets.
    pub secrets: Arc<dyn Secrets>,
    /// The first part of every secret's name.
    pub secret_prefix: String,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The way to the vendor.
    pub wire: Arc<dyn Wire>,
    /// The way to our own API, as the vendor goes it.
    pub home: Arc<dyn Wire>,
    /// Our own API.
    pub api_url: String,
}

/// The row `WATCH#<destination>` of a store.
#[derive(Default, Serialize, Deserialize)]
struct Row {
    v: u8,
    /// When somebody last looked, µs since 1970.
    at: i64,
    /// Whether it was stopped then.
    stopped: bool,
    /// Whether it was ever there.
    #[serde(default)]
    known: bool,
    /// When a look last failed, µs since 1970, and how often since one did not.
    #[serde(default)]
    failed_at: i64,
    #[serde(default)]
    failed: u32,
}

/// What a look showed.
#[derive(PartialEq, Eq)]
enum Seen {
    Nothing,
    Works,
    Stopped,
}

impl Row {
    fn is_due(&self, now: Timestamp) -> bool {
        let since = now
            .checked_sub(DAILY)
            .map_or(i64::MIN, Timestamp::as_microsecond);
        (self.stopped || self.at <= since) && !self.waits(now)
    }

    /// Whether a look failed so lately that the next one comes later.
    fn waits(&self, now: Timestamp) -> bool {
        let doubled = 1 << self.failed.saturating_sub(1).min(6);
        let since = now
            .checked_sub((ROUND * doubled).min(LONGEST))
            .map_or(i64::MIN, Timestamp::as_microsecond);
        self.failed > 0 && self.failed_at > since
    }
}

impl Watcher {
    /// Whether something of the store's is stopped at the vendor, as far as is known. Looks where that is due and `may_look`
    /// allows it; what cannot be seen now is looked at in the next round.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn round(&self, store: &Store, may_look: bool) -> Result<bool, TableError> {
        let key = key(&store.id, self.destination.name());
        let row = self.table.get(&key, false).await?;
        let row: Row = row.map(from_item).transpose()?.unwrap_or_default();
        let now = self.clock.now();
        if !may_look || !row.is_due(now) || self.is_left_alone(store).await? {
            return Ok(row.stopped);
        }
        let row = match self.look(store, row.known).await {
            Ok(seen) => Row {
                v: 1,
                at: now.as_microsecond(),
                stopped: seen == Seen::Stopped,
                known: row.known || seen != Seen::Nothing,
                ..Row::default()
            },
            Err(why) => {
                tracing::warn!(store = %store.id, destination = self.destination.name(), ?why, "what is ours there could not be seen; a later round looks again");
                Row {
                    v: 1,
                    failed_at: now.as_microsecond(),
                    failed: row.failed.saturating_add(1),
                    ..row
                }
            }
        };
        self.table.put(to_item(&key, &row)?, None).await?;
        Ok(row.stopped)
    }

    /// A person has paused it, the vendor wants to be left alone, or its line is closed: whatever closed it has its own
    /// alarm.
    async fn is_left_alone(&self, store: &Store) -> Result<bool, TableError> {
        let lines = Lines::new(self.table.clone(), self.clock.clone());
        let line = lines.get(&Account::of(self.destination, store)).await?;
        let now = self.clock.now();
        Ok(line.shut(now).is_some() || line.blocked(now).is_some())
    }

    /// `known` is whether something of ours was there before.
    async fn look(&self, store: &Store, known: bool) -> Result<Seen, Unvisited> {
        let token = match self.destination.door(&store.id) {
            None => None,
            Some(door) => {
                let whose = (&store.id, &door);
                let token = door::token(&*self.secrets, &self.secret_prefix, whose).await;
                token.map_err(|error| Unvisited::SecretsUnavailable(error.0))?
            }
        };
        let site = Site {
            store,
            api_url: self.api_url.trim_end_matches('/'),
            token,
            force: false,
        };
        let watched = self
            .walk(store, |answered| self.destination.watch(&site, answered))
            .await;
        match watched {
            // The card alone needs no key of ours, and `check` tells of one that is missing.
            Err(Unvisited::NoSecret | Unvisited::SecretShape) | Ok(Watched::Nothing) => {
                Ok(Seen::Nothing)
            }
            Ok(Watched::Works) => Ok(Seen::Works),
            Err(why) => Err(why),
            // What was never made ready is no trouble.
            Ok(Watched::Missing) if !known => Ok(Seen::Nothing),
            Ok(Watched::Missing) => {
                tracing::error!(store = %store.id, destination = self.destination.name(), "what is ours there is gone: `provision` makes it again");
                Ok(Seen::Stopped)
            }
            Ok(Watched::Stopped(revival)) => {
                tracing::error!(store = %store.id, destination = self.destination.name(), "what is ours there is disabled, and does not work");
                if let Some(revival) = revival {
                    self.revive(store, &revival).await;
                }
                // The next round sees whether it works now; that it was stopped must be heard of in any case.
                Ok(Seen::Stopped)
            }
        }
    }

    /// Enables it where the vendor would be answered. Whatever fails here is tried again by the next round.
    async fn revive(&self, store: &Store, revival: &Revival) {
        let destination = self.destination.name();
        let way = revival.key.way(&revival.trial, self.clock.now());
        let reply = self.home.send(&revival.trial, &way).await.ok();
        if !revival.passes(reply.as_ref()) {
            let status = reply.map(|reply| reply.status);
            tracing::error!(store = %store.id, destination, status, "a trial of our own answer failed, so it stays disabled");
            return;
        }
        let enabled = self.walk(store, |answered| match answered.last() {
            None => Step::Call(revival.enable.clone()),
            Some((call, reply)) => match self.destination.answer(call, reply.as_ref()) {
                Answer::Booked { .. } => Step::Done(()),
                answer => Step::Failed(answer),
            },
        });
        match enabled.await {
            Ok(()) => {
                tracing::info!(store = %store.id, destination, "what is ours there was enabled again");
            }
            Err(why) => {
                tracing::error!(store = %store.id, destination, ?why, "it could not be enabled; the next round tries again");
            }
        }
    }

    async fn walk<T>(
        &self,
        store: &Store,
        next: impl Fn(&[Answered]) -> Step<T>,
    ) -> Result<T, Unvisited> {
        let visit = Visit {
            secrets: &*self.secrets,
            secret_prefix: &self.secret_prefix,
            store: &store.id,
            connection: self.destination.name(),
            credential: &|secret| self.destination.key(secret),
            wire: &*self.wire,
            clock: &*self.clock,
        };
        visit.walk(next).await
    }
}

fn key(store: &StoreId, destination: &str) -> RowKey {
    RowKey::new(format!("STORE#{store}"), format!("WATCH#{destination}"))
}
