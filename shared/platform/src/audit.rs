//! The rows that say who did what, and why. They stay: what was done to people's data must be answerable for years.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{RowKey, Table, TableError, nonce, to_item};

/// What somebody did.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'a> {
    /// Who.
    pub by: &'a str,
    /// The command, or what stands for one.
    pub command: &'a str,
    /// Why.
    pub why: &'a str,
    /// To what. Names a member by the keyed hash alone.
    pub what: &'a Value,
}

/// The row `AUDIT#<at>#<nonce>` of a store.
#[derive(Serialize)]
struct Row<'a> {
    v: u8,
    /// µs since 1970.
    at: i64,
    by: &'a str,
    command: &'a str,
    why: &'a str,
    /// JSON text.
    what: String,
}

/// Writes a deed down in a partition: `STORE#<store>`, or `STACK` for what is about the whole stack.
///
/// # Errors
/// When the table does not answer; then nothing may be done either.
pub async fn write_down(
    table: &dyn Table,
    place: String,
    deed: Deed<'_>,
    now: Timestamp,
) -> Result<(), TableError> {
    let at = now.as_microsecond();
    let key = RowKey::new(place, format!("AUDIT#{at:020}#{}", nonce()));
    let row = Row {
        v: 1,
        at,
        by: deed.by,
        command: deed.command,
        why: deed.why,
        what: deed.what.to_string(),
    };
    table.put(to_item(&key, &row)?, None).await.map(drop)
}
