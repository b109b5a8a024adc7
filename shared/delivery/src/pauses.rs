//! Stores that this process does not call for a while: refused calls count towards the vendor's block.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use loyalty::StoreId;
use vendors::Outcome;

/// A wrong credential is tried again this often, so that a mended one is soon seen.
const WRONG_CREDENTIAL: Duration = Duration::from_mins(1);

/// Until when which store is not called, and why. Known to this process alone: another one learns it by one call.
#[derive(Debug, Default)]
pub struct Pauses(Mutex<HashMap<StoreId, (Timestamp, Outcome)>>);

impl Pauses {
    /// The outcome of every message of a store that is not called now.
    pub(crate) fn outcome(&self, store: &StoreId, now: Timestamp) -> Option<Outcome> {
        let pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, outcome) = pauses.get(store).copied()?;
        let left = Duration::try_from(until.duration_since(now))
            .ok()
            .filter(|left| !left.is_zero())?;
        Some(match outcome {
            Outcome::Throttled { .. } => Outcome::Throttled { after: left },
            other => other,
        })
    }

    /// Learns from an outcome.
    pub(crate) fn note(&self, store: &StoreId, outcome: Outcome, now: Timestamp) {
        let pause = match outcome {
            Outcome::Throttled { after } => after,
            Outcome::Misconfigured(_) => WRONG_CREDENTIAL,
            _ => return,
        };
        let pause = SignedDuration::try_from(pause).unwrap_or_default();
        let until = now.checked_add(pause).unwrap_or(now);
        let mut pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pauses.insert(store.clone(), (until, outcome));
    }
}
