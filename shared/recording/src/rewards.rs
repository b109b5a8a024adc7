//! The rewards that a store's source offers, as it last named them: `REWARDS#<source>` rows.

use jiff::Timestamp;
use loyalty::{Reward, StoreId};
use platform::{Condition, RowKey, Table, TableError, from_item, to_item};
use serde::{Deserialize, Serialize};
use vendors::{Store, registry};

/// The row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    v: u8,
    /// When the source was asked for them, µs since 1970.
    pub at: i64,
    /// The rewards.
    pub rewards: Vec<Reward>,
}

fn key(store: &StoreId, source: &str) -> RowKey {
    RowKey::new(format!("STORE#{store}"), format!("REWARDS#{source}"))
}

/// Remembers what a source offers, as it said when it was asked at `at`. A later answer that stands already is left alone.
///
/// # Errors
/// When the table does not answer.
pub async fn put(
    table: &dyn Table,
    (store, source): (&StoreId, &str),
    rewards: Vec<Reward>,
    at: Timestamp,
) -> Result<(), TableError> {
    let offered = Offered {
        v: 1,
        at: at.as_microsecond(),
        rewards,
    };
    let item = to_item(&key(store, source), &offered)?;
    let older = Condition::Any(vec![
        Condition::absent(),
        Condition::Below("at", offered.at),
    ]);
    table.put(item, Some(older)).await.map(drop)
}

/// What a source offers; none where nobody asked it yet.
///
/// # Errors
/// When the table does not answer.
pub async fn get(
    table: &dyn Table,
    (store, source): (&StoreId, &str),
) -> Result<Option<Offered>, TableError> {
    let row = table.get(&key(store, source), true).await?;
    row.map(from_item).transpose()
}

/// The rewards that count for a store: its own, else those that its sources offer.
///
/// # Errors
/// When the table does not answer.
pub async fn of(table: &dyn Table, store: &Store) -> Result<Vec<Reward>, TableError> {
    if !store.rewards.is_empty() {
        return Ok(store.rewards.clone());
    }
    let mut rewards = Vec::new();
    for source in registry::SOURCES {
        if source.api().is_some_and(|api| api.is_used(store)) {
            let offered = get(table, (&store.id, source.name())).await?;
            rewards.extend(offered.into_iter().flat_map(|offered| offered.rewards));
        }
    }
    Ok(rewards)
}
