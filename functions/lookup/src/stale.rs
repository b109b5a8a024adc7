//! A card that is shown and has grown old: the member is read, so that the ticket's next trigger shows what is true then.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use loyalty::Member;
use vendors::Source;

use crate::{
    lookup::{Customer, Lookup},
    miss::Through,
};

/// How old a picture may be before its member is read.
const FRESH: SignedDuration = SignedDuration::from_mins(15);

/// How long the queue may take.
const QUEUED: Duration = Duration::from_millis(300);

/// More names than this are not remembered.
const MOST: usize = 1_000;

/// Whom this process has had read, and when.
#[derive(Default)]
pub(crate) struct Refreshed(Mutex<HashMap<String, Timestamp>>);

impl Refreshed {
    /// Whether somebody is to be read: not if they were had read a while ago. Remembers it.
    fn is_due(&self, hash: &str, now: Timestamp) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = known
            .get(hash)
            .is_none_or(|last| now.duration_since(*last) >= FRESH);
        if due {
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(hash.to_owned(), now);
        }
        due
    }

    fn forget(&self, hash: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(hash);
    }
}

impl Lookup {
    /// Has a member read whose picture is old, where a source of the store's can be asked.
    pub(crate) async fn refresh(&self, customer: &Customer<'_>, member: &Member) {
        let now = self.clock.now();
        let old = member
            .as_of()
            .is_none_or(|as_of| now.duration_since(as_of) >= FRESH);
        if let Some(way) = self.through(customer).filter(|_| old) {
            // Whoever read them since need not do so again.
            let since = now.checked_sub(FRESH).unwrap_or(now);
            let hash = way.1.member(customer);
            self.read_later(way, (customer, &hash), since).await;
        }
    }

    /// Has a customer read whom nobody has read since an instant. A storm of triggers is one read: more of them would take
    /// the pace from the tickets.
    pub(crate) async fn read_later(
        &self,
        (source, through): (&'static dyn Source, &Through),
        (customer, hash): (&Customer<'_>, &str),
        since: Timestamp,
    ) {
        if !self.refreshed.is_due(hash, self.clock.now()) {
            return;
        }
        let read = through.have_read(source.name(), customer, since);
        // What is known is shown, whatever the queue does.
        if tokio::time::timeout(QUEUED, read).await != Ok(true) {
            tracing::warn!(store = %customer.store.id, source = source.name(), "the queue of reads took nothing in time");
            self.refreshed.forget(hash);
        }
    }
}
