//! What the clock brings to a store, and what it leaves to the store's source.

use loyalty::due::Due;
use platform::Stores;
use recording::{
    emit::{Emitter, Stands},
    rewards,
};
use vendors::{EmitMode, Fault, Finding, Level, Store, registry};

use crate::command::{Operator, fault};

impl Operator {
    /// What the emitters work with.
    pub(crate) fn emitter(&self) -> Emitter {
        Emitter {
            table: self.table.clone(),
            clock: self.clock.clone(),
            stores: Stores::new(self.table.clone(), self.clock.clone()),
            inbox: self.inbox.clone(),
            hash_key: self.hash_key.clone(),
        }
    }

    /// A finding for each kind that is not off.
    pub(crate) async fn check_clock(&self, store: &Store) -> Result<Vec<Finding>, Vec<Fault>> {
        let unanswered = |error| fault("table", error);
        let rewards = rewards::of(&*self.table, store).await;
        let rewards = rewards.map_err(unanswered)?;
        let emitter = self.emitter();
        let mut findings = Vec::new();
        for due in Due::ALL {
            let stands = emitter.stands(store, due).await.map_err(unanswered)?;
            findings.extend(finding(store, due, stands, !rewards.is_empty()));
        }
        Ok(findings)
    }
}

fn finding(store: &Store, due: Due, stands: Stands, any_rewards: bool) -> Option<Finding> {
    let days = store.emit.auto_days;
    let names_reward = matches!(due, Due::PointsReminder | Due::RedemptionReminder);
    let (level, message) = match (stands, store.emit.mode(due)) {
        (Stands::Off, _) => return None,
        (Stands::Down, _) => (
            Level::Note,
            format!("is left to the source, which was seen sending it within the last {days} days"),
        ),
        (Stands::Up, _) if names_reward && !any_rewards => {
            (Level::Warning, nothing_to_name(store).to_owned())
        }
        (Stands::Up, EmitMode::On) => (Level::Good, "is brought by the clock".to_owned()),
        (Stands::Up, _) => (
            Level::Note,
            format!(
                "is brought by the clock: no source was seen sending it within the last {days} days. Set its mode to `off` if the source is to begin with it"
            ),
        ),
    };
    Some(Finding::new(level, due.kind().name(), message))
}

fn nothing_to_name(store: &Store) -> &'static str {
    let mut apis = registry::SOURCES.iter().filter_map(|source| source.api());
    if apis.any(|api| api.is_used(store) && api.rewards().is_some()) {
        "has nothing to remind of: the source has named no reward. `refresh_rewards` asks it now; or put `rewards` into the store's document"
    } else {
        "has nothing to remind of: put `rewards` into the store's document, or set the source's option `rest`"
    }
}
