//! The row of a member's current picture: recording writes it, delivery reads it.

use loyalty::{Member, MemberKey, StoreId};
use serde::{Deserialize, Serialize};

use crate::RowKey;

/// The row `STATE` of a member.
#[derive(Clone, Serialize, Deserialize)]
pub struct MemberState {
    /// Version of this form: 1.
    pub v: u8,
    /// A lock and a clock: max(now in µs, previous + 1).
    pub version: u64,
    /// The picture.
    pub member: Member,
}

impl MemberState {
    /// The row's key.
    #[must_use]
    pub fn key(store: &StoreId, member: &MemberKey) -> RowKey {
        member_row(store, member, "STATE")
    }
}

/// A row of one member: all of them share a partition.
#[must_use]
pub fn member_row(store: &StoreId, member: &MemberKey, sk: impl Into<String>) -> RowKey {
    RowKey::new(format!("MEMBER#{store}#{}", member.expose()), sk)
}
