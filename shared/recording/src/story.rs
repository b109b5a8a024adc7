//! What the table knows of one member's events, for a person who asks.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use loyalty::{Change, EventId, Kind, MemberKey, StoreId};
use platform::{Page, Table, TableError, from_item, member_row};
use vendors::{Envelope, Lane};

use crate::rows::{self, EventRow};

/// One event of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLine {
    /// The event.
    pub event: String,
    /// What happened.
    pub kind: Kind,
    /// When it first arrived.
    pub arrived: Timestamp,
    /// What it changed in the picture.
    pub change: Change,
    /// The destinations that want it.
    pub to: BTreeSet<String>,
    /// Whether its body is there, so that it can be read again.
    pub body: bool,
}

/// Every event of a member that still stands in the table, newest first.
///
/// # Errors
/// When the table does not answer, or a row cannot be read.
pub async fn events(
    table: &dyn Table,
    store: &StoreId,
    member: &MemberKey,
) -> Result<Vec<EventLine>, TableError> {
    let pk = member_row(store, member, "").pk;
    let mut lines = Vec::new();
    let mut after = None;
    loop {
        let Page { items, next } = table.page(&pk, PREFIX, after.as_deref(), 100).await?;
        for item in items {
            let event = rows::place(&item)
                .strip_prefix(PREFIX)
                .unwrap_or_default()
                .to_owned();
            let own: EventRow = from_item(item)?;
            lines.push(EventLine {
                event,
                kind: own.kind,
                arrived: instant(own.arrived),
                change: own.change,
                to: own.to,
                body: own.body.is_some(),
            });
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    lines.sort_by(|a, b| (b.arrived, &b.event).cmp(&(a.arrived, &a.event)));
    Ok(lines)
}

/// The delivery that an event came in with, as far as its row kept it: the same arrival and the same body. None when there
/// is no such row, or when its body was too large to be kept.
///
/// # Errors
/// When the table does not answer, or the row cannot be read.
pub async fn delivery(
    table: &dyn Table,
    (store, member, event): (&StoreId, &MemberKey, &EventId),
) -> Result<Option<Envelope>, TableError> {
    let key = rows::event_key(store, member, event);
    let Some(item) = table.get(&key, true).await? else {
        return Ok(None);
    };
    let row: EventRow = from_item(item)?;
    Ok(row.body.map(|body| Envelope {
        v: 1,
        store: store.clone(),
        source: row.source,
        arrived: row.arrived,
        nonce: platform::nonce(),
        delivery: row.delivery,
        lane: Lane::Live,
        simulated: false,
        body: STANDARD.encode(body),
    }))
}

const PREFIX: &str = "EVENT#";

fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}
