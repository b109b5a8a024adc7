//! The row that tells when a source was last heard: webhook writes it, operator shows it.

use loyalty::StoreId;
use serde::{Deserialize, Serialize};

use crate::RowKey;

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
