//! One member, read after a gap in the news.

use delivery::Asked;
use loyalty::Drift;
use platform::{Condition, RowKey, Update, whole};
use recording::Compared;
use vendors::{Members, Outcome, Question, Reason, Whom};

use crate::reader::{Reader, Task, Told, again};

/// For how long it is remembered that a member was read, in seconds: longer than a message waits.
const REMEMBERED: i64 = 8 * 24 * 60 * 60;

/// How often a member is read of whom a part cannot be had; then what there is has to do until the next reading.
const PARTS: u32 = 4;

impl Reader {
    /// Reads one member, unless they were read since `asked` (µs since 1970).
    pub(crate) async fn member(
        &self,
        task: Task<'_>,
        whom: &Whom,
        asked: i64,
    ) -> Result<Outcome, Outcome> {
        let unavailable = |_| again(Reason::TableUnavailable, task.receives);
        let row = self.row(task, whom);
        let known = self.table.get(&row, true).await;
        let known = known.map_err(unavailable)?;
        let read = known.and_then(|item| match item.as_ref().get("at") {
            Some(platform::Value::N(at)) => at.parse::<i64>().ok(),
            _ => None,
        });
        if read.is_some_and(|read| read >= asked) {
            return Ok(Outcome::Skipped(Reason::Repeat));
        }
        let asked = task
            .asker
            .ask(
                &task.store.id,
                &Question::Member(whom),
                task.receives,
                task.deadline,
            )
            .await?;
        let outcome = self.take_in(task, &asked).await?;
        if let Some(reason) = asked.told.lacks.filter(|_| task.receives < PARTS) {
            return Err(again(reason, task.receives));
        }
        let at = asked.sent.as_microsecond();
        let update = Update {
            set: vec![
                ("v", whole(1)),
                ("at", whole(at)),
                ("ttl", whole(asked.sent.as_second() + REMEMBERED)),
            ],
            condition: Some(Condition::Any(vec![
                Condition::absent(),
                Condition::Below("at", at),
            ])),
            ..Update::default()
        };
        let noted = self.table.update(&row, update).await;
        noted.map_err(unavailable)?;
        Ok(outcome)
    }

    async fn take_in(&self, task: Task<'_>, asked: &Asked<Members>) -> Result<Outcome, Outcome> {
        let told = self.compared(task, asked).await?.into_iter().flatten();
        let told: Vec<Told> = told.collect();
        let Some(one) = told.first() else {
            return Ok(Outcome::Skipped(Reason::NoPerson));
        };
        let outcome = match one.compared {
            Compared::Erased => Outcome::Skipped(Reason::Erased),
            _ if one.is_news() => Outcome::Sent,
            _ => Outcome::Skipped(Reason::Unchanged),
        };
        let drifted = told.iter().filter(|told| told.drift() == Drift::Differs);
        let drifted = u64::try_from(drifted.count()).unwrap_or_default();
        self.hand_over(task, told).await?;
        self.count(drifted);
        Ok(outcome)
    }

    /// The row that says when a member was read: under a keyed hash, so that it names nobody.
    fn row(&self, task: Task<'_>, whom: &Whom) -> RowKey {
        let (kind, name) = match whom {
            Whom::Email(email) => ("email", email.expose()),
            Whom::Id(id) => ("id", id.expose()),
        };
        let store = &task.store.id;
        let parts = ["read", store.as_str(), kind, name].map(str::as_bytes);
        let hash = self.hash_key.digest(&parts);
        RowKey::new(
            format!("STORE#{store}"),
            format!("READ#{}#{hash}", task.fetch.source),
        )
    }
}
