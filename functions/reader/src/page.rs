//! One page of a nightly repair.

use recording::{
    Compared,
    repair::{Page, Repair},
};
use vendors::{Outcome, Question, Reason};

use crate::reader::{Reader, Task, Told, again};

impl Reader {
    /// Reads one page, has recorded what differs on it, and has the next one read.
    pub(crate) async fn page(
        &self,
        task: Task<'_>,
        run: &str,
        page: u32,
    ) -> Result<Outcome, Outcome> {
        let mut repair = match self.repair(task).await? {
            Some(repair) if repair.run == run && repair.is_open() => repair,
            // Another run has begun, or this one is over.
            _ => return Ok(Outcome::Skipped(Reason::Repeat)),
        };
        if repair.page == page + 1 && task.receives > 1 {
            // The page was done, and perhaps nobody was told of the next one.
            self.go_on(task, &repair).await?;
        }
        if repair.page != page {
            return Ok(Outcome::Skipped(Reason::Repeat));
        }
        let question = Question::Recent(repair.cursor.as_deref());
        let asked = task
            .asker
            .ask(&task.store.id, &question, task.receives, task.deadline)
            .await;
        let asked = match asked {
            Err(outcome @ Outcome::Rejected(_)) => {
                repair.refuse();
                self.write(task, &mut repair).await?;
                return Ok(outcome);
            }
            asked => asked?,
        };
        let rows = self.compared(task, &asked).await?;
        let seen = count(rows.iter());
        let told: Vec<Told> = rows.into_iter().flatten().collect();
        let page = Page {
            seen,
            failed: seen - count(told.iter()),
            erased: count(told.iter().filter(|told| told.compared == Compared::Erased)),
            still: still(&told),
            newest: newest(&told),
            next: asked.told.next,
        };
        // Before anything is healed, or what a second reading finds healed would never have been found.
        let findings = told.iter().map(|told| (told.member.clone(), told.drift()));
        if repair.find(findings) {
            self.write(task, &mut repair).await?;
        }
        self.hand_over(task, told).await?;
        let drifted = repair.turn_over(page);
        self.write(task, &mut repair).await?;
        self.count(drifted);
        tell(task, &repair);
        self.go_on(task, &repair).await?;
        Ok(Outcome::Sent)
    }

    /// The row.
    async fn repair(&self, task: Task<'_>) -> Result<Option<Repair>, Outcome> {
        let repair = self.repairs.get(&task.store.id, &task.fetch.source).await;
        repair.map_err(|error| {
            tracing::error!(store = %task.store.id, %error, "the repair's row could not be read");
            again(Reason::TableUnavailable, task.receives)
        })
    }

    /// Writes the row. Where someone else has written it meanwhile, this page is theirs.
    async fn write(&self, task: Task<'_>, repair: &mut Repair) -> Result<(), Outcome> {
        let (store, source) = (&task.store.id, &task.fetch.source);
        match self.repairs.write(store, source, repair).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(again(Reason::LeaseHeld, task.receives)),
            Err(error) => {
                tracing::error!(%store, %error, "the repair's row could not be written");
                Err(again(Reason::TableUnavailable, task.receives))
            }
        }
    }

    /// Has the next page read, where there is one.
    async fn go_on(&self, task: Task<'_>, repair: &Repair) -> Result<(), Outcome> {
        let next = repair.message(&task.store.id, &task.fetch.source);
        match next {
            Some(next) if !self.repairs.send(&next).await => {
                Err(again(Reason::QueueUnavailable, task.receives))
            }
            _ => Ok(()),
        }
    }
}

/// Who goes on having another value than the source.
fn still(told: &[Told]) -> Vec<String> {
    let still = told.iter().filter(|told| told.goes_on_differing());
    still.map(|told| told.member.clone()).collect()
}

/// When the person who was seen last was seen, as far as rows tell.
fn newest(told: &[Told]) -> Option<i64> {
    told.iter().filter_map(|told| told.seen).max()
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    u64::try_from(items.count()).unwrap_or_default()
}

fn tell(task: Task<'_>, repair: &Repair) {
    let (store, counts) = (&task.store.id, repair.counts);
    tracing::info!(
        %store, run = repair.run, pages = repair.page, stage = ?repair.stage, seen = counts.seen,
        learned = counts.learned, drifted = counts.drifted, healed = counts.healed, "repair.page"
    );
}
