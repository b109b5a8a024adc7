//! Deliveries that were rejected or are unconfirmed: sent once more, or ended by a person.

use delivery::{Close, Done, List, Listing, Waiting};
use platform::TableError;
use serde_json::{Value, json};
use vendors::Fault;

use super::{Asked, Page, Progress, forbidden};
use crate::command::{Operator, fault};

impl Operator {
    pub(super) async fn replay_delivery(
        &self,
        asked: &Asked,
        delivery: &str,
    ) -> Result<Progress, Vec<Fault>> {
        let desk = self.desk(&asked.store, asked.destination);
        let found = desk.find(delivery).await;
        let Some((list, row)) = found.map_err(|error| fault("table", error))? else {
            // Handled before, perhaps by this very command: that is no fault.
            let item = json!({"delivery": delivery, "outcome": "not_listed"});
            return Ok(Progress {
                items: vec![item],
                ..Progress::default()
            });
        };
        let faults = forbidden(list, asked.close, asked.confirm);
        if !faults.is_empty() {
            return Err(faults);
        }
        self.note_replay(asked, list, std::slice::from_ref(&row))
            .await?;
        let mut progress = Progress::default();
        self.replay_rows(asked, vec![row], &mut progress).await;
        Ok(progress)
    }

    pub(super) async fn replay_list(
        &self,
        asked: &Asked,
        list: List,
        page: &Page,
    ) -> Result<Progress, Vec<Fault>> {
        let desk = self.desk(&asked.store, asked.destination);
        let rows = desk.page(list, page.after.as_deref(), page.limit).await;
        let Listing { rows, next, .. } = rows.map_err(|error| fault("table", error))?;
        self.note_replay(asked, list, &rows).await?;
        let mut progress = Progress {
            next,
            ..Progress::default()
        };
        self.replay_rows(asked, rows, &mut progress).await;
        Ok(progress)
    }

    async fn note_replay(
        &self,
        asked: &Asked,
        list: List,
        rows: &[Waiting],
    ) -> Result<(), Vec<Fault>> {
        let deliveries: Vec<_> = rows.iter().map(Waiting::delivery).collect();
        let what = json!({
            "destination": asked.destination,
            "list": list.name(),
            "as": asked.close.map(word),
            "deliveries": deliveries,
        });
        self.audit(&asked.store, &asked.by, "replay", &asked.why, &what)
            .await
    }

    /// One after the other, until something does not answer: what follows stays in its list.
    async fn replay_rows(&self, asked: &Asked, rows: Vec<Waiting>, progress: &mut Progress) {
        for row in rows {
            match self.replay_row(asked, &row).await {
                Ok(outcome) => progress.items.push(json!({
                    "delivery": row.delivery(), "member": self.named(&row), "outcome": outcome,
                })),
                Err(faults) => {
                    progress.stopped = Some(faults);
                    return;
                }
            }
        }
    }

    async fn replay_row(&self, asked: &Asked, row: &Waiting) -> Result<Value, Vec<Fault>> {
        let desk = self.desk(&asked.store, asked.destination);
        let now = self.clock.now();
        let failed = |error: TableError| fault("table", error);
        let done = if let Some(close) = asked.close {
            desk.close(row, close, now).await.map_err(failed)?
        } else {
            let url = self.queues.get(asked.destination);
            let url = url.ok_or_else(|| fault("destination", "has no queue"))?;
            let replayed = desk.replay(row, &*self.queue, url, now).await;
            replayed.map_err(failed)?
        };
        match done {
            Done::Yes => Ok(asked.close.map_or("replayed", word).into()),
            Done::Handled => Ok("handled_by_another".into()),
            Done::NotTaken => Err(fault(
                "queue",
                "the queue did not take the message, which stays in its list; try again",
            )),
        }
    }
}

fn word(close: Close) -> &'static str {
    match close {
        Close::Sent => "sent",
        Close::Dropped => "dropped",
    }
}
