//! Notes when a store's source was last seen sending what the clock could bring as well, so that only one of them does.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use loyalty::{Event, StoreId, due::Due};
use platform::{Condition, RowKey, Table, TableError, Update, from_item, whole};
use serde::{Deserialize, Serialize};
use vendors::{CLOCK, EmitMode, Store};

/// A row is written at most this often by one process.
const EVERY: SignedDuration = SignedDuration::from_hours(6);

/// When each row was written last.
#[derive(Default)]
pub struct Seen(Mutex<HashMap<(StoreId, Due), Timestamp>>);

#[derive(Serialize, Deserialize)]
struct Row {
    /// µs since 1970.
    at: i64,
}

fn key(store: &StoreId, due: Due) -> RowKey {
    RowKey::new(format!("STORE#{store}"), format!("SEEN#{}", due.kind()))
}

/// When a source was last seen sending a kind.
pub(crate) async fn last(
    table: &dyn Table,
    store: &StoreId,
    due: Due,
) -> Result<Option<Timestamp>, TableError> {
    let row = table.get(&key(store, due), false).await?;
    let row: Option<Row> = row.map(from_item).transpose()?;
    Ok(row.and_then(|row| Timestamp::from_microsecond(row.at).ok()))
}

impl Seen {
    /// Notes an event of a source's, where the store leaves it open who brings the kind.
    pub(crate) async fn note(&self, table: &dyn Table, store: &Store, event: &Event) {
        let due = Due::of(event.kind).filter(|_| event.stamp.source != CLOCK);
        let Some(due) = due.filter(|due| store.emit.mode(*due) == EmitMode::Auto) else {
            return;
        };
        let arrived = event.stamp.arrived;
        if !self.is_news(&store.id, due, arrived) {
            return;
        }
        let at = arrived.as_microsecond();
        let update = Update {
            set: vec![("v", whole(1)), ("at", whole(at))],
            condition: Some(Condition::Any(vec![
                Condition::Missing("at"),
                Condition::Below("at", at),
            ])),
            ..Update::default()
        };
        if let Err(error) = table.update(&key(&store.id, due), update).await {
            tracing::warn!(store = %store.id, %error, "it could not be noted that the source sends this kind");
            self.forget(&store.id, due);
        }
    }

    fn is_news(&self, store: &StoreId, due: Due, at: Timestamp) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = noted.get(&(store.clone(), due));
        let news = last.is_none_or(|last| at.duration_since(*last) >= EVERY);
        if news {
            noted.insert((store.clone(), due), at);
        }
        news
    }

    fn forget(&self, store: &StoreId, due: Due) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.remove(&(store.clone(), due));
    }
}
