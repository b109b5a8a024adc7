//! How many points the orders of one store may move on one UTC day, given and taken alike.
//!
//! One row with the sum, changed only as it was read: two people who order at the same moment cannot pass together.

use std::num::NonZeroU32;

use jiff::{Timestamp, tz::TimeZone};
use loyalty::StoreId;
use platform::{Condition, RowKey, Table, TableError, Update, Written, from_item, whole};
use serde::Deserialize;

/// How often the row is read again when someone else wrote it in between.
const TRIES: usize = 16;

/// How long the row of a day stays, in seconds. Its key names the day, so that an old one is never taken for today's.
const STAYS: i64 = 8 * 24 * 60 * 60;

/// The row `POINTS#<day>` of a store.
#[derive(Deserialize)]
struct DayRow {
    sum: u32,
}

/// The limit of one store.
pub(super) struct Day<'a> {
    pub(super) table: &'a dyn Table,
    pub(super) store: &'a StoreId,
    /// When the points were ordered: it names the day.
    pub(super) at: Timestamp,
    /// The most points of one day.
    pub(super) most: NonZeroU32,
}

/// Whether points could be taken from the day.
pub(super) enum Taken {
    Yes {
        /// How many are left after them.
        left: u32,
    },
    No {
        /// How many are left.
        left: u32,
    },
}

impl Day<'_> {
    /// Takes points from the day, if so many are left.
    pub(super) async fn take(&self, points: NonZeroU32) -> Result<Taken, TableError> {
        let key = self.key();
        for _ in 0..TRIES {
            let sum = self.sum(&key).await?;
            let left = self.most.get().saturating_sub(sum.unwrap_or_default());
            let Some(left) = left.checked_sub(points.get()) else {
                return Ok(Taken::No { left });
            };
            let more = sum.unwrap_or_default().saturating_add(points.get());
            if self.put(&key, sum, more).await? {
                return Ok(Taken::Yes { left });
            }
        }
        Err(busy())
    }

    /// Gives points back that were taken and not ordered.
    pub(super) async fn give_back(&self, points: NonZeroU32) -> Result<(), TableError> {
        let key = self.key();
        for _ in 0..TRIES {
            let Some(sum) = self.sum(&key).await? else {
                return Ok(());
            };
            let less = sum.saturating_sub(points.get());
            if self.put(&key, Some(sum), less).await? {
                return Ok(());
            }
        }
        Err(busy())
    }

    fn key(&self) -> RowKey {
        let day = self.at.to_zoned(TimeZone::UTC).date();
        RowKey::new(format!("STORE#{}", self.store), format!("POINTS#{day}"))
    }

    async fn sum(&self, key: &RowKey) -> Result<Option<u32>, TableError> {
        let item = self.table.get(key, true).await?;
        let row: Option<DayRow> = item.map(from_item).transpose()?;
        Ok(row.map(|row| row.sum))
    }

    /// Writes the sum if the row is as it was read.
    async fn put(&self, key: &RowKey, read: Option<u32>, sum: u32) -> Result<bool, TableError> {
        let as_read = read.map_or_else(Condition::absent, |read| {
            Condition::Is("sum", whole(read.into()))
        });
        let update = Update {
            set: vec![
                ("v", whole(1)),
                ("sum", whole(sum.into())),
                ("ttl", whole(self.at.as_second() + STAYS)),
            ],
            condition: Some(as_read),
            ..Update::default()
        };
        let written = self.table.update(key, update).await?;
        Ok(matches!(written, Written::Done(_)))
    }
}

fn busy() -> TableError {
    TableError::Unavailable("the day's sum keeps changing".to_owned())
}
