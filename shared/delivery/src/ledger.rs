//! The book of event deliveries: what was claimed, sent, refused, or cannot be told.

use std::sync::Arc;

use jiff::Timestamp;
use loyalty::{MemberKey, StoreId};
use platform::{
    Condition, RowKey, Table, TableError, Update, Value, Written, from_item, member_row, text,
    to_item, whole,
};
use serde::{Deserialize, Serialize};
use vendors::{Message, Note, Plan, Reason};

use crate::{List, lease::Lease};

/// How long a delivery stays in the book.
pub(crate) const DAYS: i64 = 90;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// A request was about to be made. Once its holder is gone, nobody knows whether it was.
    Claimed,
    /// It is certain that nothing was sent; it will be tried again.
    Waiting,
    Sent,
    /// The vendor will never take it.
    Rejected,
    /// Nobody can tell whether the automation started.
    Unconfirmed,
}

/// The row `DELIVERY#<event>#<occurrence>#<destination>`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Delivery {
    v: u8,
    pub(crate) status: Status,
    /// Whose claim it is: the lease's token.
    #[serde(default)]
    pub(crate) holder: String,
    /// Whether the request starts an automation, so that its fate must be known.
    #[serde(default)]
    pub(crate) starts: bool,
    /// The fingerprint of what it says of the event.
    #[serde(default)]
    pub(crate) event: String,
    /// The marker that the vendor had when the claim was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<String>,
    #[serde(default)]
    pub(crate) attempts: u32,
    /// How often it was started once more because nobody could tell.
    #[serde(default)]
    pub(crate) resends: u32,
    /// The vendor's id of the person for whom it was booked, where a look must ask for the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) person: Option<String>,
    /// Whether an earlier request may have arrived, though a look did not show it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unsure: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Reason>,
    /// The list that a person finds it in, once it stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wp: Option<String>,
    /// When it last changed, µs since 1970.
    #[serde(default)]
    pub(crate) at: i64,
    #[serde(default)]
    ttl: i64,
}

/// The book of one member's deliveries to one destination.
#[derive(Clone)]
pub(crate) struct Ledger {
    pub(crate) table: Arc<dyn Table>,
    pub(crate) store: StoreId,
    pub(crate) member: MemberKey,
    /// Keys that the person had until lately: a delivery that was claimed under one of them stands there.
    pub(crate) previous: Vec<MemberKey>,
    pub(crate) destination: &'static str,
}

/// Whether a claim could be made.
pub(crate) enum Claim {
    /// It is ours.
    Ours {
        /// The attempts so far.
        attempts: u32,
        /// Whether one of them may have arrived after all.
        unsure: bool,
    },
    /// The delivery stands otherwise.
    Stands(Delivery),
}

impl Ledger {
    fn key_under(&self, member: &MemberKey, delivery: &str) -> RowKey {
        let sk = format!("DELIVERY#{delivery}#{}", self.destination);
        member_row(&self.store, member, sk)
    }

    /// The previous key under which a delivery stands; none where it stands, or will stand, under the member's own.
    pub(crate) async fn previous(&self, delivery: &str) -> Result<Option<&MemberKey>, TableError> {
        for previous in &self.previous {
            let key = self.key_under(previous, delivery);
            if self.table.get(&key, true).await?.is_some() {
                return Ok(Some(previous));
            }
        }
        Ok(None)
    }

    async fn key(&self, delivery: &str) -> Result<RowKey, TableError> {
        let member = self.previous(delivery).await?.unwrap_or(&self.member);
        Ok(self.key_under(member, delivery))
    }

    pub(crate) async fn get(&self, delivery: &str) -> Result<Option<Delivery>, TableError> {
        self.table
            .get(&self.key(delivery).await?, true)
            .await?
            .map(from_item)
            .transpose()
    }

    /// Claims a delivery that nobody has tried, or whose last try certainly sent nothing. The last write before the
    /// request.
    pub(crate) async fn claim(
        &self,
        note: &Note,
        plan: &Plan,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Claim, TableError> {
        let key = self.key(&note.delivery()).await?;
        let mut row = Delivery {
            v: 1,
            status: Status::Claimed,
            holder: lease.token().to_owned(),
            starts: plan.starts,
            event: plan.event.clone(),
            before: lease.sync.marker.clone(),
            attempts: 1,
            resends: 0,
            person: plan.repeat.as_ref().map(|repeat| repeat.person.clone()),
            unsure: false,
            reason: None,
            wp: None,
            at: now.as_microsecond(),
            ttl: now.as_second() + DAYS * 24 * 60 * 60,
        };
        match self
            .table
            .put(to_item(&key, &row)?, Some(Condition::absent()))
            .await?
        {
            Written::Done(_) => {
                return Ok(Claim::Ours {
                    attempts: 0,
                    unsure: false,
                });
            }
            Written::Refused(Some(item)) => {
                let stands: Delivery = from_item(item)?;
                if stands.status == Status::Claimed && stands.holder == row.holder {
                    // Our own put, whose answer was lost: nothing was sent since.
                    return Ok(Claim::Ours {
                        attempts: stands.attempts.saturating_sub(1),
                        unsure: stands.unsure,
                    });
                }
                if stands.status != Status::Waiting {
                    return Ok(Claim::Stands(stands));
                }
                row.attempts = stands.attempts + 1;
                row.resends = stands.resends;
                row.unsure = stands.unsure;
                let waiting = Condition::Is("status", text("waiting"));
                match self.table.put(to_item(&key, &row)?, Some(waiting)).await? {
                    Written::Done(_) => {
                        return Ok(Claim::Ours {
                            attempts: stands.attempts,
                            unsure: stands.unsure,
                        });
                    }
                    Written::Refused(Some(item)) => return Ok(Claim::Stands(from_item(item)?)),
                    Written::Refused(None) => {}
                }
            }
            Written::Refused(None) => {}
        }
        Err(TableError::Unavailable(
            "the delivery's row keeps changing".to_owned(),
        ))
    }

    /// Writes how a claim ended. A claim that someone else has taken over meanwhile is left to them.
    pub(crate) async fn end(
        &self,
        delivery: &str,
        holder: &str,
        status: Status,
        now: Timestamp,
    ) -> Result<(), TableError> {
        self.change(delivery, holder, (Status::Claimed, status), Vec::new(), now)
            .await
    }

    /// Writes what a look made of a claim whose request was not answered. Should it be made once more, it is known that it
    /// may be the second.
    pub(crate) async fn settled(
        &self,
        delivery: &str,
        holder: &str,
        status: Status,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let unsure = vec![("unsure", Value::Bool(true))];
        self.change(delivery, holder, (Status::Claimed, status), unsure, now)
            .await
    }

    /// Makes it possible to claim a delivery once more of which nobody can tell.
    pub(crate) async fn reopen(
        &self,
        delivery: &str,
        stands: &Delivery,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let more = vec![("resends", whole(i64::from(stands.resends) + 1))];
        let change = (Status::Unconfirmed, Status::Waiting);
        self.change(delivery, &stands.holder, change, more, now)
            .await
    }

    async fn change(
        &self,
        delivery: &str,
        holder: &str,
        (from, to): (Status, Status),
        more: Vec<(&'static str, Value)>,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let mut set = vec![
            ("status", status_text(to)),
            ("at", whole(now.as_microsecond())),
        ];
        set.extend(more);
        let update = Update {
            set,
            condition: Some(Condition::All(vec![
                Condition::Is("status", status_text(from)),
                Condition::Is("holder", text(holder)),
            ])),
            ..Update::default()
        };
        let key = self.key(delivery).await?;
        self.table.update(&key, update).await.map(drop)
    }

    /// Writes an end that a person must see: it is listed in the index `work`, with the message, and stays until it is
    /// handled.
    pub(crate) async fn list_for_a_person(
        &self,
        delivery: &str,
        holder: &str,
        (status, reason): (Status, Reason),
        message: &Message,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let list = if status == Status::Unconfirmed {
            List::Unconfirmed
        } else {
            List::Rejected
        };
        let message =
            serde_json::to_string(message).map_err(|error| TableError::Shape(error.to_string()))?;
        let at = now.as_microsecond();
        let update = Update {
            set: vec![
                ("status", status_text(status)),
                ("reason", text(reason.code())),
                ("message", text(message)),
                ("at", whole(at)),
                ("wp", text(list.of(&self.store, self.destination))),
                ("ws", text(format!("{at:020}#{delivery}"))),
            ],
            remove: vec!["ttl"],
            condition: Some(Condition::Is("holder", text(holder))),
            ..Update::default()
        };
        let key = self.key(delivery).await?;
        self.table.update(&key, update).await.map(drop)
    }
}

impl Status {
    /// Its name in rows.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Rejected => "rejected",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

pub(crate) fn status_text(status: Status) -> Value {
    text(status.name())
}
