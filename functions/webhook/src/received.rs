//! Notes when a source was last heard, and which headers a refused call carried, so that a person can see where a
//! vendor puts its secret. Names only: a value may be the secret.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use loyalty::StoreId;
use platform::{Clock, ReceivedRow, Table, Update, texts, whole};
use vendors::Inbound;

/// A store's row is written at most this often by one process.
const EVERY: SignedDuration = SignedDuration::from_mins(1);

/// The most header names that are kept.
const NAMES: usize = 40;

/// When each store's row was written last, apart for accepted and refused calls.
#[derive(Default)]
pub(crate) struct Received(Mutex<HashMap<(&'static str, StoreId, bool), Timestamp>>);

impl Received {
    /// Notes a call, unless the store's row is fresh.
    pub(crate) async fn note(
        &self,
        table: &dyn Table,
        clock: &dyn Clock,
        source: &'static str,
        store: &StoreId,
        refused: Option<&Inbound>,
    ) {
        let now = clock.now();
        if !self.is_due((source, store.clone(), refused.is_some()), now) {
            return;
        }
        let at = whole(now.as_microsecond());
        let set = match refused {
            Some(inbound) => vec![
                ("v", whole(1)),
                ("refused_at", at),
                ("refused_headers", texts(header_names(inbound))),
            ],
            None => vec![("v", whole(1)), ("accepted_at", at)],
        };
        let key = ReceivedRow::key(store, source);
        if let Err(error) = table
            .update(
                &key,
                Update {
                    set,
                    ..Update::default()
                },
            )
            .await
        {
            tracing::warn!(%store, %error, "the time of the last call could not be noted");
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

fn header_names(inbound: &Inbound) -> Vec<&str> {
    let mut names: Vec<&str> = inbound
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(NAMES);
    names
}
