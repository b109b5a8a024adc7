//! What points can be exchanged for, read once a day.

use recording::rewards;
use vendors::{Outcome, Reason};

use crate::reader::{Reader, Task, again};

impl Reader {
    /// Reads the rewards that a store's source offers, unless they were read since `asked` (µs since 1970). What stands is
    /// left alone until the source has told a list.
    pub(crate) async fn rewards(&self, task: Task<'_>, asked: i64) -> Result<Outcome, Outcome> {
        let of = (&task.store.id, task.fetch.source.as_str());
        let unavailable = |error| {
            tracing::error!(store = %task.store.id, %error, "the row of the rewards could not be read or written");
            again(Reason::TableUnavailable, task.receives)
        };
        let known = rewards::get(&*self.table, of).await.map_err(unavailable)?;
        if known.is_some_and(|known| known.at >= asked) {
            return Ok(Outcome::Skipped(Reason::Repeat));
        }
        let answer = task
            .asker
            .rewards(&task.store.id, task.receives, task.deadline)
            .await?;
        let count = answer.told.len();
        let put = rewards::put(&*self.table, of, answer.told, answer.sent).await;
        put.map_err(unavailable)?;
        tracing::info!(store = %task.store.id, source = task.fetch.source, count, "rewards.read");
        Ok(Outcome::Sent)
    }
}
