//! Who did what, and why: one row for each command that changes something or shows a person's data.

use loyalty::StoreId;
use platform::{RowKey, to_item};
use serde::Serialize;
use serde_json::Value;
use vendors::Fault;

use crate::command::{Operator, fault};

/// The row `AUDIT#<at>#<nonce>` of a store. It stays: what was done to people's data must be answerable for years.
#[derive(Serialize)]
struct AuditRow<'a> {
    v: u8,
    /// µs since 1970.
    at: i64,
    by: &'a str,
    command: &'a str,
    why: &'a str,
    /// What it was done to, as JSON text. Names a member by the keyed hash alone.
    what: String,
}

impl Operator {
    /// Writes down who asked for a command and why, before it does anything.
    ///
    /// # Errors
    /// A fault when it could not be written; then nothing may be done either.
    pub(crate) async fn audit(
        &self,
        store: &StoreId,
        by: &str,
        command: &str,
        why: &str,
        what: &Value,
    ) -> Result<(), Vec<Fault>> {
        let place = format!("STORE#{store}");
        self.write_down(place, by, command, why, what).await
    }

    /// The same for a command that is about the whole stack.
    ///
    /// # Errors
    /// As [`Operator::audit`].
    pub(crate) async fn audit_stack(
        &self,
        by: &str,
        command: &str,
        why: &str,
        what: &Value,
    ) -> Result<(), Vec<Fault>> {
        let place = "STACK".to_owned();
        self.write_down(place, by, command, why, what).await
    }

    async fn write_down(
        &self,
        place: String,
        by: &str,
        command: &str,
        why: &str,
        what: &Value,
    ) -> Result<(), Vec<Fault>> {
        let at = self.clock.now().as_microsecond();
        let key = RowKey::new(place, format!("AUDIT#{at:020}#{}", platform::nonce()));
        let row = AuditRow {
            v: 1,
            at,
            by,
            command,
            why,
            what: what.to_string(),
        };
        let unwritten = |error| {
            tracing::error!(command, %error, "a command could not be written down and was not carried out");
            fault(
                "audit",
                "who did this could not be written down, so nothing was done; try again",
            )
        };
        let item = to_item(&key, &row).map_err(unwritten)?;
        let written = self.table.put(item, None).await;
        written.map(drop).map_err(unwritten)
    }
}
