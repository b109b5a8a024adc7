//! Who did what, and why: one row for each command that changes something or shows a person's data.

use loyalty::StoreId;
use platform::{Deed, write_down};
use serde_json::Value;
use vendors::Fault;

use crate::command::{Operator, fault};

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
        let deed = Deed {
            by,
            command,
            why,
            what,
        };
        let unwritten = |error| {
            tracing::error!(command, %error, "a command could not be written down and was not carried out");
            fault(
                "audit",
                "who did this could not be written down, so nothing was done; try again",
            )
        };
        let written = write_down(&*self.table, place, deed, self.clock.now()).await;
        written.map_err(unwritten)
    }
}
