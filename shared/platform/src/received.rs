//! When somebody who calls us was last heard, and which headers a refused call carried, so that a person can see where a
//! vendor puts its secret. Names only: a value may be the secret. Operator shows it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use loyalty::StoreId;
use serde::{Deserialize, Serialize};

use crate::{Clock, RowKey, Table, Update, texts, whole};

/// The row `RECEIVED#<source>` of a store. Each time is written at most once a minute by each process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedRow {
    /// Version of this form: 1.
    pub v: u8,
    /// When a delivery was last accepted, µs since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<i64>,
    /// When a delivery was last refused for its credential, µs since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_at: Option<i64>,
    /// The names of the headers that it carried, so that a person sees where the sender puts its secret.
    #[serde(default)]
    pub refused_headers: Vec<String>,
}

impl ReceivedRow {
    /// The row's key.
    #[must_use]
    pub fn key(store: &StoreId, source: &str) -> RowKey {
        RowKey::new(format!("STORE#{store}"), format!("RECEIVED#{source}"))
    }
}

/// A store's row is written at most this often by one process.
const EVERY: SignedDuration = SignedDuration::from_mins(1);

/// The most header names that are kept.
const NAMES: usize = 40;

/// How long an answer may wait for the note of its call.
const NOTE: Duration = Duration::from_millis(500);

/// When each store's row was written last, apart for accepted and refused calls.
#[derive(Default)]
pub struct Received(Mutex<HashMap<(&'static str, StoreId, bool), Timestamp>>);

impl Received {
    /// Notes a call of somebody by the name of their connection, unless the store's row is fresh. `refused` are the names of
    /// the headers of a call that was refused. The caller waits for an answer, and this row is worth no second of it.
    pub async fn note(
        &self,
        table: &dyn Table,
        clock: &dyn Clock,
        connection: &'static str,
        store: &StoreId,
        refused: Option<&[(String, String)]>,
    ) {
        let now = clock.now();
        if !self.is_due((connection, store.clone(), refused.is_some()), now) {
            return;
        }
        let at = whole(now.as_microsecond());
        let set = match refused {
            Some(headers) => vec![
                ("v", whole(1)),
                ("refused_at", at),
                ("refused_headers", texts(names(headers))),
            ],
            None => vec![("v", whole(1)), ("accepted_at", at)],
        };
        let update = Update {
            set,
            ..Update::default()
        };
        let key = ReceivedRow::key(store, connection);
        match tokio::time::timeout(NOTE, table.update(&key, update)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(%store, %error, "the time of the last call could not be noted");
            }
            Err(_) => {
                tracing::warn!(%store, "the time of the last call could not be noted in time");
            }
        }
    }

    fn is_due(&self, key: (&'static str, StoreId, bool), now: Timestamp) -> bool {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = written
            .get(&key)
            .is_none_or(|last| now.duration_since(*last) >= EVERY);
        if due {
            written.insert(key, now);
        }
        due
    }
}

fn names(headers: &[(String, String)]) -> Vec<&str> {
    let mut names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(NAMES);
    names
}
