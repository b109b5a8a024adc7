//! The rows that recording writes.

use std::collections::BTreeSet;

use jiff::Timestamp;
use loyalty::{Change, EventId, Kind, MemberKey, StoreId};
use platform::{Item, RowKey, Value, member_row};
use serde::{Deserialize, Serialize};
use vendors::Reason;

/// How long an event stays in the table after its first arrival.
pub(crate) const EVENT_DAYS: i64 = 30;

/// How long what is only kept stays.
pub(crate) const KEPT_DAYS: i64 = 90;

/// The row of an event: the guard against repeats, and a line of the member's story.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct EventRow {
    pub(crate) v: u8,
    pub(crate) kind: Kind,
    /// First arrival, µs since 1970.
    pub(crate) arrived: i64,
    /// Until when another delivery of the same event is a repeat, µs since 1970.
    pub(crate) guard_until: i64,
    pub(crate) change: Change,
    /// The destinations that want it.
    pub(crate) to: BTreeSet<String>,
    /// Whether it tells that other news never came: then the member is read from the source.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) gap: bool,
    /// The source that sent it.
    #[serde(default)]
    pub(crate) source: String,
    /// The source's own id of the delivery, where it sends one: an event's id may be made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delivery: Option<String>,
    /// The body, gzip; left out when it is over 8 KB.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "serde_bytes")]
    pub(crate) body: Option<Vec<u8>>,
    /// When it is swept, seconds since 1970.
    pub(crate) ttl: i64,
}

/// The row of a delivery that is about no member we know how to name, or that nobody can use yet.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct OrphanRow {
    pub(crate) v: u8,
    pub(crate) source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) topic: Option<String>,
    /// Why it is only kept; none for a notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Reason>,
    /// What a notice says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) notice: Option<String>,
    /// First arrival, µs since 1970.
    pub(crate) arrived: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delivery: Option<String>,
    /// Which part of the body this row holds: 0 is the first.
    pub(crate) part: u32,
    /// The body, gzip, or a part of it.
    #[serde(with = "serde_bytes")]
    pub(crate) body: Vec<u8>,
    pub(crate) ttl: i64,
}

/// The row that leads from a source's own id to the member.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AliasRow {
    pub(crate) v: u8,
    pub(crate) member: MemberKey,
}

pub(crate) fn event_key(store: &StoreId, member: &MemberKey, event: &EventId) -> RowKey {
    member_row(store, member, format!("EVENT#{event}"))
}

pub(crate) fn alias_key(store: &StoreId, alias: &loyalty::Alias) -> RowKey {
    RowKey::new(
        format!("ALIAS#{store}#{}#{}", alias.source, alias.id.expose()),
        "ALIAS",
    )
}

/// Kept deliveries of one store, by first arrival; the nonce tells two of one instant apart and is the same when a
/// delivery comes again.
pub(crate) fn orphan_key(store: &StoreId, arrived: i64, nonce: &str, part: u32) -> RowKey {
    RowKey::new(
        format!("STORE#{store}"),
        format!("ORPHAN#{arrived:020}#{nonce}#{part}"),
    )
}

/// The place of a row within its partition.
pub(crate) fn place(item: &Item) -> &str {
    match item.as_ref().get("sk") {
        Some(Value::S(place)) => place,
        _ => "",
    }
}

/// The second after which a row that came at `arrived` is swept.
pub(crate) fn ttl(arrived: Timestamp, days: i64) -> i64 {
    arrived.as_second() + days * 24 * 60 * 60
}
