//! The rows that say that a person was erased: recording and the operator write them, delivery reads and confirms.

use loyalty::{MemberKey, StoreId};
use serde::{Deserialize, Serialize};
use vendors::EraseMode;

use crate::RowKey;

/// The row `ERASED` of a person: one under the keyed hash of their address, and one under that of each other name.
#[derive(Clone, Serialize, Deserialize)]
pub struct ErasedRow {
    /// Version of this form: 1.
    pub v: u8,
    /// When the person was erased, µs since 1970.
    pub at: i64,
    /// Whether news of the person is turned away. An opt-in of a later date ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<bool>,
    /// The hash under which the rest stands, where it is not this row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main: Option<String>,
    /// What is still to be done; only in the row under the key that the person was erased by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<ErasureWork>,
    /// Which destinations have confirmed so far, by name and keyed hash.
    #[serde(default)]
    pub confirmed: Vec<String>,
    /// When everything was done, µs since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<i64>,
    /// How many rows were removed here.
    #[serde(default)]
    pub removed: i64,
    /// How far the search through what was only kept is, where one run was not enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<KeptSearch>,
    /// The list in the index `work`, while something is still to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wp: Option<String>,
    /// The place in that list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ws: Option<String>,
}

/// A search through what was only kept, on its way.
#[derive(Clone, Serialize, Deserialize)]
pub struct KeptSearch {
    /// When it began, µs since 1970.
    pub began: i64,
    /// The place after which it goes on.
    pub after: String,
}

/// What an erasure has yet to do. It names the person, so it goes when the erasure is finished.
#[derive(Clone, Serialize, Deserialize)]
pub struct ErasureWork {
    /// The keys whose partitions are searched.
    pub keys: Vec<MemberKey>,
    /// The ids by which sources know the person.
    pub aliases: Vec<loyalty::Alias>,
    /// The destinations that are told.
    pub destinations: Vec<String>,
    /// What each is to do, where the store's setting does not decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<EraseMode>,
}

impl ErasedRow {
    /// The row's key.
    #[must_use]
    pub fn key(store: &StoreId, hash: &str) -> RowKey {
        RowKey::new(format!("ERASED#{store}#{hash}"), "ERASED")
    }

    /// How a destination confirms that it has erased the person with this hash.
    #[must_use]
    pub fn confirmation(destination: &str, hash: &str) -> String {
        format!("{destination}#{hash}")
    }

    /// The list of a store's unfinished erasures in the index `work`.
    #[must_use]
    pub fn list(store: &StoreId) -> String {
        format!("erasing#{store}")
    }
}
