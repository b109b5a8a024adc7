//! Store settings, read from the table and remembered for a minute.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use loyalty::StoreId;
use serde::{Deserialize, Serialize};
use vendors::Store;

use crate::{Clock, RowKey, Table, TableError, Value, from_item, to_item};

/// How long settings are used without asking again.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// Why a store's settings cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nobody has put this store.
    #[error("there is no store `{0}`: put it with the operator's command `put_store`")]
    Missing(StoreId),
    /// The settings were put by a release that knew other keys.
    #[error("the settings of store `{0}` cannot be read: put them again with `put_store`")]
    Unreadable(StoreId),
    /// The table did not answer.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// The settings row: the document as it was put, as JSON text, so that it comes back byte for byte.
#[derive(Serialize, Deserialize)]
struct Row {
    v: u8,
    document: String,
}

/// Reads and writes store settings.
pub struct Stores {
    table: Arc<dyn Table>,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<StoreId, (Arc<Store>, Timestamp)>>,
}

impl Stores {
    /// Settings in this table.
    #[must_use]
    pub fn new(table: Arc<dyn Table>, clock: Arc<dyn Clock>) -> Self {
        Self {
            table,
            clock,
            known: Mutex::default(),
        }
    }

    /// A store's settings, at most a minute old.
    ///
    /// # Errors
    /// [`StoreError`] when there are none, or they cannot be read.
    pub async fn get(&self, id: &StoreId) -> Result<Arc<Store>, StoreError> {
        let now = self.clock.now();
        let known = self
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned();
        if let Some((store, read)) = known
            && now.duration_since(read) < FRESH
        {
            return Ok(store);
        }
        let item = self
            .table
            .get(&key(id), false)
            .await?
            .ok_or_else(|| StoreError::Missing(id.clone()))?;
        let row: Row = from_item(item)?;
        let document =
            serde_json::from_str(&row.document).map_err(|_| StoreError::Unreadable(id.clone()))?;
        let store =
            Arc::new(Store::read(document).map_err(|_| StoreError::Unreadable(id.clone()))?);
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.clone(), (store.clone(), now));
        Ok(store)
    }

    /// Every store that has settings.
    ///
    /// # Errors
    /// [`StoreError::Table`] when the table did not answer.
    pub async fn all(&self) -> Result<Vec<StoreId>, StoreError> {
        let mut ids = Vec::new();
        let mut after = None;
        loop {
            let page = self.table.page("STORES", "", after.as_deref(), 100).await?;
            let named = page
                .items
                .iter()
                .filter_map(|item| match item.as_ref().get("sk") {
                    Some(Value::S(id)) => StoreId::parse(id).ok(),
                    _ => None,
                });
            ids.extend(named);
            after = page.next;
            if after.is_none() {
                return Ok(ids);
            }
        }
    }

    /// Writes a store's settings. The caller has read the document with [`Store::read`].
    ///
    /// # Errors
    /// [`StoreError::Table`] when the table did not answer.
    pub async fn put(&self, id: &StoreId, document: &serde_json::Value) -> Result<(), StoreError> {
        let row = Row {
            v: 1,
            document: document.to_string(),
        };
        self.table.put(to_item(&key(id), &row)?, None).await?;
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(id);
        Ok(())
    }
}

fn key(id: &StoreId) -> RowKey {
    RowKey::new("STORES", id.as_str())
}
