//! The lease on one member at one destination, and what is known of the destination's copy.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use loyalty::{MemberKey, StoreId};
use platform::{
    Condition, RowKey, Table, TableError, Update, Written, from_item, member_row, text, texts,
    whole,
};
use serde::{Deserialize, Serialize};
use vendors::Erasure;

/// The row `SYNC#<destination>`: who works on this member now, and what the destination was last told.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Sync {
    holder: Option<String>,
    /// µs since 1970.
    held_until: i64,
    /// What was about to be written, or may have been, by holders who never said how it ended: the deliveries of
    /// automations, or a token for a picture.
    pub(crate) intent: Vec<String>,
    /// The version of the picture that was written last.
    pub(crate) version: u64,
    /// The fingerprint of what was written of it.
    pub(crate) picture: Option<String>,
    /// The vendor's id of the person.
    pub(crate) person: Option<String>,
    /// The marker of the automation that was started last, as far as we know.
    pub(crate) marker: Option<String>,
    /// When something was written last, µs since 1970.
    pub(crate) written: Option<i64>,
    /// When the vendor last said that it does not know the person, µs since 1970.
    pub(crate) absent: Option<i64>,
    /// Why the picture was refused, when it was.
    pub(crate) refused: Option<String>,
    /// Whether the vendor is to give the person their new address before anything else is written.
    pub(crate) rename: bool,
    /// The person is to be erased before anything else is written: an [`Erasure`] as JSON text.
    erase: Option<String>,
    /// Names the parking that came last, while parked work of this member waits.
    pub(crate) waiting: Option<String>,
}

impl Sync {
    /// What is to be erased before anything else is written.
    pub(crate) fn erasure(&self) -> Option<Erasure> {
        serde_json::from_str(self.erase.as_deref()?).ok()
    }

    /// Another row of the same person asks for an erasure. Where both do, that row's is asked for again later.
    pub(crate) fn take_over_erasure(&mut self, other: &Self) {
        self.erase = self.erase.take().or_else(|| other.erase.clone());
    }

    /// The destination knows nothing of the person any more.
    pub(crate) fn forget(&mut self) {
        let waiting = self.waiting.take();
        *self = Self {
            waiting,
            ..Self::default()
        };
    }
}

/// A lease that is held.
pub(crate) struct Lease {
    table: Arc<dyn Table>,
    key: RowKey,
    token: String,
    until: Timestamp,
    /// The row: as it was when the lease began, and from then on as this holder knows it.
    pub(crate) sync: Sync,
    /// The list of intents as this holder left it when the lease began.
    intent: Vec<String>,
    /// What earlier holders left unsettled.
    pub(crate) unsettled: Vec<String>,
    /// Whether the picture must be written even if the books say that it was: an earlier holder may have written
    /// another one.
    pub(crate) rewrite: bool,
    /// Whether this holder has erased the person, as the row asked.
    pub(crate) wiped: bool,
}

/// Whether the lease could be had.
pub(crate) enum Acquired {
    Held(Box<Lease>),
    /// By someone else, until then.
    Busy(Timestamp),
}

/// The row's key.
pub(crate) fn key(store: &StoreId, member: &MemberKey, destination: &str) -> RowKey {
    member_row(store, member, format!("SYNC#{destination}"))
}

/// Takes the lease if nobody holds it. `own` is added to what stands there: should this holder vanish, the next one
/// knows what to look for.
pub(crate) async fn acquire(
    table: &Arc<dyn Table>,
    (store, member, destination): (&StoreId, &MemberKey, &str),
    now: Timestamp,
    until: Timestamp,
    own: Vec<String>,
) -> Result<Acquired, TableError> {
    let key = key(store, member, destination);
    let token = platform::nonce();
    let update = Update {
        set: vec![
            ("v", whole(1)),
            ("holder", text(&token)),
            ("held_until", whole(until.as_microsecond())),
        ],
        append: vec![("intent", own.iter().map(text).collect())],
        condition: Some(Condition::Any(vec![
            Condition::Missing("holder"),
            Condition::Below("held_until", now.as_microsecond()),
        ])),
        ..Update::default()
    };
    let held = |sync: Sync, unsettled: Vec<String>| {
        let mut intent = unsettled.clone();
        intent.extend(own.iter().cloned());
        Acquired::Held(Box::new(Lease {
            table: table.clone(),
            key: key.clone(),
            token: token.clone(),
            until,
            sync,
            intent,
            unsettled,
            rewrite: false,
            wiped: false,
        }))
    };
    match table.update(&key, update).await? {
        Written::Done(old) => {
            let sync: Sync = old.map(from_item).transpose()?.unwrap_or_default();
            let unsettled = sync.intent.clone();
            Ok(held(sync, unsettled))
        }
        Written::Refused(current) => {
            let current: Sync = current.map(from_item).transpose()?.unwrap_or_default();
            if current.holder.as_ref() == Some(&token) {
                // Our own update, whose answer was lost.
                let earlier = current.intent.len().saturating_sub(own.len());
                let unsettled = current.intent[..earlier].to_vec();
                return Ok(held(current, unsettled));
            }
            Ok(Acquired::Busy(instant(current.held_until)))
        }
    }
}

impl Lease {
    /// Names this holder.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// When it ends by itself.
    pub(crate) fn until(&self) -> Timestamp {
        self.until
    }

    /// Gives the lease up and writes what this holder learned. When the lease was lost meanwhile, someone else may have
    /// written in between, so the row is only marked: the next holder writes the picture again. Tells whether the lease
    /// was still held.
    pub(crate) async fn release(mut self) -> Result<bool, TableError> {
        for _ in 0..3 {
            let Some(current) = self.try_release().await? else {
                return Ok(true);
            };
            if current.holder.as_ref() != Some(&self.token) {
                self.mark().await?;
                return Ok(false);
            }
            // Someone whose lease is over has left a mark meanwhile: it stays for the next holder.
            let known = self.intent.len().min(current.intent.len());
            self.unsettled.extend_from_slice(&current.intent[known..]);
            self.intent = current.intent;
        }
        Err(TableError::Unavailable(
            "the lease's row keeps changing".to_owned(),
        ))
    }

    /// Gives the lease up and removes the row, which says nothing any more, unless somebody has left a mark or parked work
    /// meanwhile.
    pub(crate) async fn discard(self) -> Result<(), TableError> {
        let waiting = self.sync.waiting.as_ref();
        let own = Condition::All(vec![
            Condition::Is("holder", text(&self.token)),
            Condition::Is("intent", texts(self.intent.iter().map(String::as_str))),
            waiting.map_or(Condition::Missing("waiting"), |waiting| {
                Condition::Is("waiting", text(waiting))
            }),
        ]);
        match self.table.delete(&self.key, Some(own)).await? {
            Written::Done(_) => Ok(()),
            Written::Refused(_) => self.release().await.map(drop),
        }
    }

    /// Gives the row as it stands when it is not as this holder left it.
    async fn try_release(&self) -> Result<Option<Sync>, TableError> {
        let mut unsettled = self.unsettled.clone();
        if self.rewrite && unsettled.is_empty() {
            unsettled.push(self.token.clone());
        }
        let sync = &self.sync;
        let mut set = vec![
            ("intent", texts(unsettled)),
            (
                "version",
                whole(i64::try_from(sync.version).unwrap_or(i64::MAX)),
            ),
        ];
        let mut remove = vec!["holder", "held_until"];
        remove.extend((!sync.rename).then_some("rename"));
        remove.extend(self.wiped.then_some("erase"));
        for (name, value) in [
            ("picture", &sync.picture),
            ("person", &sync.person),
            ("marker", &sync.marker),
            ("refused", &sync.refused),
        ] {
            match value {
                Some(value) => set.push((name, text(value))),
                None => remove.push(name),
            }
        }
        for (name, value) in [("written", sync.written), ("absent", sync.absent)] {
            match value {
                Some(value) => set.push((name, whole(value))),
                None => remove.push(name),
            }
        }
        let condition = Some(Condition::All(vec![
            Condition::Is("holder", text(&self.token)),
            Condition::Is("intent", texts(self.intent.iter().map(String::as_str))),
        ]));
        let update = Update {
            set,
            remove,
            condition,
            ..Update::default()
        };
        match self.table.update(&self.key, update).await? {
            Written::Done(_) => Ok(None),
            Written::Refused(current) => Ok(Some(
                current.map(from_item).transpose()?.unwrap_or_default(),
            )),
        }
    }

    /// Leaves a trace for the next holder that something was written after the lease was lost.
    async fn mark(&self) -> Result<(), TableError> {
        let update = Update {
            append: vec![("intent", vec![text(&self.token)])],
            ..Update::default()
        };
        self.table.update(&self.key, update).await.map(drop)
    }
}

fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// How long a lease lasts: to the end of the invocation and one call beyond it, so that Lambda ends a holder before its
/// lease ends.
pub(crate) fn lasts_until(deadline: Timestamp) -> Timestamp {
    let call = SignedDuration::try_from(crate::http::TIMEOUT).unwrap_or_default();
    deadline.checked_add(call).unwrap_or(deadline)
}
