//! What stands in a list for a person, and what a person may do about it.
//!
//! Every change asks for the row as it was read, so that two people, or a person and a pusher, never act on the same
//! row twice: whoever comes second is told so.

use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;
use loyalty::StoreId;
use platform::{
    Condition, Listed, Outgoing, Queue, RowKey, Table, TableError, Update, Written, from_item,
    next_after, text, whole,
};
use serde::Deserialize;
use vendors::{Message, Note};

use crate::{
    List,
    ledger::{DAYS, Status, status_text},
    list::END,
};

/// How a person ends what stands in a list without sending it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// A person saw that it did arrive.
    Sent,
    /// Nobody will send it.
    Dropped,
}

/// What became of a person's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It is done.
    Yes,
    /// The row is no longer as it was read: someone else was faster.
    Handled,
    /// The queue did not take the message. The row stays in its list.
    NotTaken,
}

/// One row of a list.
#[derive(Clone)]
pub struct Waiting {
    key: RowKey,
    list: String,
    place: String,
    status: Option<Status>,
    holder: String,
    /// What was to be said, and to whom.
    pub message: Message,
    /// Why it stands there: a reason's code.
    pub reason: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
}

impl Waiting {
    /// `<event id>#<occurrence>`; none of a mere picture.
    #[must_use]
    pub fn delivery(&self) -> Option<String> {
        self.message.note.as_ref().map(Note::delivery)
    }

    /// Its place in the list, after which the next page begins.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Whether a replay of it was begun and not ended: its message may be on the queue already.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.status == Some(Status::Waiting)
    }
}

/// A page of a list.
pub struct Listing {
    /// The rows, oldest first.
    pub rows: Vec<Waiting>,
    /// How many rows stand there beside them that this release cannot read.
    pub unreadable: usize,
    /// The place after which the next page begins, if there is one.
    pub next: Option<String>,
}

/// A row as far as a person's list needs it. Rows of deliveries and of parked work have these in common.
#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    status: Option<Status>,
    #[serde(default)]
    holder: String,
    message: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    at: i64,
    #[serde(default)]
    attempts: u32,
    wp: String,
}

/// The lists of one store and destination.
#[derive(Clone)]
pub struct Desk {
    /// The table.
    pub table: Arc<dyn Table>,
    /// The store.
    pub store: StoreId,
    /// The destination's name.
    pub destination: String,
}

/// Rows that are looked through at once for one delivery.
const MANY: usize = 1_000;

impl Desk {
    fn list(&self, list: List) -> String {
        list.of(&self.store, &self.destination)
    }

    /// A page of a list. The index lags behind: a row that left its list meanwhile is left out. One that cannot be read
    /// hides no other.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn page(
        &self,
        list: List,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listing, TableError> {
        let name = self.list(list);
        let mut listed = self
            .table
            .work(&name, &first_after(after), END, limit + 1)
            .await?;
        let more = listed.len() > limit;
        listed.truncate(limit);
        let next = listed
            .last()
            .filter(|_| more)
            .map(|listed| listed.place.clone());
        let read = listed.into_iter().map(|listed| self.read(&name, listed));
        let (mut rows, mut unreadable) = (Vec::new(), 0);
        for row in join_all(read).await {
            match row {
                Ok(row) => rows.extend(row),
                Err(TableError::Shape(error)) => {
                    tracing::error!(list = name, error, "a listed row cannot be read");
                    unreadable += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Listing {
            rows,
            unreadable,
            next,
        })
    }

    /// How many rows a list has, counted up to `most`.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn count(&self, list: List, most: usize) -> Result<usize, TableError> {
        let name = self.list(list);
        let mut count = 0;
        let mut after: Option<String> = None;
        while count < most {
            let from = first_after(after.as_deref());
            let rows = self.table.work(&name, &from, END, most - count).await?;
            let Some(end) = rows.last() else {
                break;
            };
            count += rows.len();
            after = Some(end.place.clone());
        }
        Ok(count)
    }

    /// One delivery, in whichever list it stands.
    ///
    /// # Errors
    /// When the table does not answer, or the row cannot be read.
    pub async fn find(&self, delivery: &str) -> Result<Option<(List, Waiting)>, TableError> {
        let ending = format!("#{delivery}");
        for list in [List::Rejected, List::Unconfirmed] {
            let name = self.list(list);
            let mut after = None;
            loop {
                let from = first_after(after.as_deref());
                let listed = self.table.work(&name, &from, END, MANY).await?;
                // A page of the index also ends at a megabyte.
                let Some(last) = listed.last().map(|listed| listed.place.clone()) else {
                    break;
                };
                let found = listed
                    .into_iter()
                    .find(|listed| listed.place.ends_with(&ending));
                if let Some(found) = found {
                    return Ok(self.read(&name, found).await?.map(|found| (list, found)));
                }
                after = Some(last);
            }
        }
        Ok(None)
    }

    async fn read(&self, list: &str, listed: Listed) -> Result<Option<Waiting>, TableError> {
        let Some(item) = self.table.get(&listed.key, true).await? else {
            return Ok(None);
        };
        let still = item.as_ref().get("wp") == Some(&text(list));
        if !still {
            return Ok(None);
        }
        let row: Row = from_item(item)?;
        let message = serde_json::from_str(&row.message)
            .map_err(|_| TableError::Shape("a listed message".to_owned()))?;
        Ok(Some(Waiting {
            key: listed.key,
            list: row.wp,
            place: listed.place,
            status: row.status,
            holder: row.holder,
            message,
            reason: row.reason,
            since: Timestamp::from_microsecond(row.at).unwrap_or(Timestamp::UNIX_EPOCH),
            attempts: row.attempts,
        }))
    }

    /// Sends a rejected or unconfirmed delivery once more: the row is opened for one more claim, the message goes on the
    /// destination's queue, and only then does the row leave its list. Cut off anywhere, it stands in its list still and
    /// can be replayed again; that puts the message on the queue twice at most, and a delivery is claimed once.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn replay(
        &self,
        waiting: &Waiting,
        queue: &dyn Queue,
        url: &str,
        now: Timestamp,
    ) -> Result<Done, TableError> {
        let Some(status) = waiting.status else {
            return Ok(Done::Handled);
        };
        let mut holder = waiting.holder.clone();
        if status != Status::Waiting {
            // Under a new name, so that nothing late of the old holder can change the row.
            holder = platform::nonce();
            let set = vec![
                ("status", status_text(Status::Waiting)),
                ("holder", text(&holder)),
            ];
            if !self.change(waiting, set, Vec::new()).await? {
                return Ok(Done::Handled);
            }
        }
        let body = waiting
            .message
            .to_text()
            .map_err(|error| TableError::Shape(error.to_string()))?;
        if !queue
            .send(url, vec![Outgoing { id: 0, body }])
            .await
            .is_empty()
        {
            return Ok(Done::NotTaken);
        }
        let opened = Waiting {
            status: Some(Status::Waiting),
            holder,
            ..waiting.clone()
        };
        // Refused when a pusher has claimed it already, and by that taken it off the list.
        self.change(&opened, vec![swept(now)], LISTED.to_vec())
            .await?;
        Ok(Done::Yes)
    }

    /// Ends a rejected or unconfirmed delivery without sending it; its message is forgotten.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn close(
        &self,
        waiting: &Waiting,
        close: Close,
        now: Timestamp,
    ) -> Result<Done, TableError> {
        if waiting.status.is_none() {
            return Ok(Done::Handled);
        }
        let status = match close {
            Close::Sent => Status::Sent,
            Close::Dropped => Status::Rejected,
        };
        let set = vec![("status", status_text(status)), swept(now)];
        let closed = self.change(waiting, set, LISTED.to_vec()).await?;
        Ok(if closed { Done::Yes } else { Done::Handled })
    }

    /// Changes a row if it is still as it was read.
    async fn change(
        &self,
        waiting: &Waiting,
        set: Vec<(&'static str, platform::Value)>,
        remove: Vec<&'static str>,
    ) -> Result<bool, TableError> {
        let Some(status) = waiting.status else {
            return Ok(false);
        };
        let update = Update {
            set,
            remove,
            condition: Some(Condition::All(vec![
                Condition::Is("status", status_text(status)),
                Condition::Is("holder", text(&waiting.holder)),
                Condition::Is("wp", text(&waiting.list)),
            ])),
            ..Update::default()
        };
        let written = self.table.update(&waiting.key, update).await?;
        Ok(matches!(written, Written::Done(_)))
    }
}

/// What a row has while it stands in a list.
const LISTED: [&str; 3] = ["message", "wp", "ws"];

/// From now on the row is swept in time, as all deliveries are.
fn swept(now: Timestamp) -> (&'static str, platform::Value) {
    ("ttl", whole(now.as_second() + DAYS * 24 * 60 * 60))
}

/// Where a page begins: the place after this one, or the beginning of the list.
fn first_after(after: Option<&str>) -> String {
    after.map(next_after).unwrap_or_default()
}
