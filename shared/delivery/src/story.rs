//! What the books say of one member at one destination, for a person who asks.

use jiff::Timestamp;
use loyalty::{MemberKey, StoreId};
use platform::{Page, Table, TableError, from_item, member_row};
use serde::Deserialize;

use crate::ledger::Status;

/// What a destination was last told of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// When something was written last.
    pub written: Option<Timestamp>,
    /// The version of the picture that was written last.
    pub version: u64,
    /// Why the picture was refused, when it was.
    pub refused: Option<String>,
    /// Whether parked work waits.
    pub waits: bool,
    /// Whether a pusher is at work on the member, or was stopped in the middle of it.
    pub unsettled: bool,
}

/// One delivery of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryLine {
    /// `<event id>#<occurrence>`.
    pub delivery: String,
    /// The destination.
    pub destination: String,
    /// Where it stands: `claimed`, `waiting`, `sent`, `rejected`, `unconfirmed`.
    pub status: &'static str,
    /// Whether it starts an automation, or did.
    pub starts: bool,
    /// Whether it stands in a list for a person.
    pub listed: bool,
    /// How often it was tried.
    pub attempts: u32,
    /// A reason's code.
    pub reason: Option<String>,
    /// When it last changed.
    pub at: Timestamp,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SyncRow {
    written: Option<i64>,
    version: u64,
    refused: Option<String>,
    waiting: Option<String>,
    intent: Vec<String>,
}

/// What a destination was last told; none when it never was.
///
/// # Errors
/// When the table does not answer, or the row cannot be read.
pub async fn told(
    table: &dyn Table,
    (store, member, destination): (&StoreId, &MemberKey, &str),
) -> Result<Option<Told>, TableError> {
    let key = member_row(store, member, format!("SYNC#{destination}"));
    let row = table.get(&key, true).await?.map(from_item::<SyncRow>);
    Ok(row.transpose()?.map(|row| Told {
        written: row.written.map(instant),
        version: row.version,
        refused: row.refused,
        waits: row.waiting.is_some(),
        unsettled: !row.intent.is_empty(),
    }))
}

/// Every delivery of a member that still stands in the book, newest first.
///
/// # Errors
/// When the table does not answer, or a row cannot be read.
pub async fn deliveries(
    table: &dyn Table,
    store: &StoreId,
    member: &MemberKey,
) -> Result<Vec<DeliveryLine>, TableError> {
    #[derive(Deserialize)]
    struct Row {
        sk: String,
        status: Status,
        #[serde(default)]
        starts: bool,
        #[serde(default)]
        attempts: u32,
        #[serde(default)]
        reason: Option<String>,
        #[serde(default)]
        at: i64,
        #[serde(default)]
        wp: Option<String>,
    }
    let pk = member_row(store, member, "").pk;
    let mut lines = Vec::new();
    let mut after = None;
    loop {
        let Page { items, next } = table.page(&pk, PREFIX, after.as_deref(), 100).await?;
        for item in items {
            let row: Row = from_item(item)?;
            let name = row.sk.strip_prefix(PREFIX).unwrap_or_default();
            let Some((delivery, destination)) = name.rsplit_once('#') else {
                continue;
            };
            lines.push(DeliveryLine {
                delivery: delivery.to_owned(),
                destination: destination.to_owned(),
                status: row.status.name(),
                starts: row.starts,
                listed: row.wp.is_some(),
                attempts: row.attempts,
                reason: row.reason,
                at: instant(row.at),
            });
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    lines.sort_by(|a, b| (b.at, &b.delivery).cmp(&(a.at, &a.delivery)));
    Ok(lines)
}

const PREFIX: &str = "DELIVERY#";

fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}
