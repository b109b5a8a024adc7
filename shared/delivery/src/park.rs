//! Work that waits in the table until the line to its vendor is open again.

use std::collections::BTreeSet;

use loyalty::{MemberKey, StoreId};
use platform::{
    Condition, MemberState, RowKey, TableError, Update, find_member, from_item, member_row, text,
    to_item, whole,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use vendors::{Message, Note, Reason};

use crate::{List, Pusher, lease};

/// The row `PARKED#<destination>#<delivery>#<hash>`: a message that waits. It stays until it is sent or discarded.
#[derive(Clone, Serialize, Deserialize)]
pub struct Parked {
    /// Version of this form: 1.
    pub v: u8,
    /// The [`Message`] as JSON text.
    pub message: String,
    /// Why it waits.
    pub reason: Reason,
    /// Since when, µs since 1970.
    pub at: i64,
    /// How often it was tried since.
    #[serde(default)]
    pub attempts: u32,
    /// Before when it is not tried again, µs since 1970.
    #[serde(default)]
    pub due: i64,
    /// The list of the index `work` in which it stands.
    pub wp: String,
    /// Its place there: oldest first.
    pub ws: String,
}

/// How often a member is renamed while work is parked, at most.
const RENAMES: usize = 8;

impl Parked {
    /// How the rows of one member and destination begin.
    pub(crate) fn prefix(destination: &str) -> String {
        format!("PARKED#{destination}#")
    }
}

impl Pusher {
    /// Puts a message into the table. The member's SYNC row says so first, so that later news waits behind it.
    pub(crate) async fn park(&self, message: &Message, reason: Reason) -> Result<(), TableError> {
        let destination = self.destination.name();
        let (store, member) = (&message.store, &message.member);
        self.say_that_work_waits(store, member).await?;
        let at = self.clock.now().as_microsecond();
        let body =
            serde_json::to_string(message).map_err(|error| TableError::Shape(error.to_string()))?;
        let hash = Sha256::digest(&body);
        let short = hash.first_chunk().copied().map_or(0, u32::from_be_bytes);
        let key = parked_key(message, destination, short);
        let place = Sha256::digest(format!("{}{}", key.pk, key.sk));
        let place = place.first_chunk().copied().map_or(0, u64::from_be_bytes);
        let row = Parked {
            v: 1,
            message: body,
            reason,
            at,
            attempts: 0,
            due: 0,
            wp: List::Parked.of(store, destination),
            ws: format!("{at:020}#{place:016x}"),
        };
        // The same message parked once more keeps its place.
        self.table
            .put(to_item(&key, &row)?, Some(Condition::absent()))
            .await?;
        Ok(())
    }

    /// Puts the flag on the SYNC row of the key that the member has now: there the next lease is taken. A rename in that very
    /// moment would leave it behind. Gives the words of the flag.
    pub(crate) async fn say_that_work_waits(
        &self,
        store: &StoreId,
        member: &MemberKey,
    ) -> Result<String, TableError> {
        let mut sync = self.sync_now(store, member).await?;
        for _ in 0..RENAMES {
            let words = platform::nonce();
            let flag = Update {
                set: vec![("v", whole(1)), ("waiting", text(&words))],
                ..Update::default()
            };
            self.table.update(&sync, flag).await?;
            let now = self.sync_now(store, member).await?;
            if now == sync {
                return Ok(words);
            }
            sync = now;
        }
        Err(TableError::Unavailable(
            "a member's key keeps changing".to_owned(),
        ))
    }

    async fn sync_now(&self, store: &StoreId, member: &MemberKey) -> Result<RowKey, TableError> {
        let now = find_member(&*self.table, store, member).await?.key;
        Ok(lease::key(store, &now, self.destination.name()))
    }

    /// Whether anything is parked of a member, under the key that they have now or one that they had before.
    pub(crate) async fn anything_waits(
        &self,
        store: &StoreId,
        member: &MemberKey,
    ) -> Result<bool, TableError> {
        let found = find_member(&*self.table, store, member).await?;
        let held = found.state.as_ref().and_then(MemberState::held);
        let mut keys = BTreeSet::from([member, &found.key]);
        keys.extend(
            held.iter()
                .flat_map(|held| &held.previous)
                .map(|previous| &previous.key),
        );
        let prefix = Parked::prefix(self.destination.name());
        for key in keys {
            let pk = member_row(store, key, "").pk;
            let page = self.table.page(&pk, &prefix, None, 1).await?;
            if !page.items.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the SYNC row says that work waits, and in which words.
    pub(crate) async fn waiting(
        &self,
        store: &StoreId,
        member: &MemberKey,
    ) -> Result<Option<String>, TableError> {
        #[derive(Deserialize)]
        struct Flag {
            #[serde(default)]
            waiting: Option<String>,
        }
        let key = self.sync_now(store, member).await?;
        let row = self.table.get(&key, true).await?;
        let flag = row.map(from_item::<Flag>).transpose()?;
        Ok(flag.and_then(|flag| flag.waiting))
    }

    /// Says that nothing waits any more, unless something was parked meanwhile.
    pub(crate) async fn nothing_waits(
        &self,
        store: &StoreId,
        member: &MemberKey,
        waiting: &str,
    ) -> Result<(), TableError> {
        let update = Update {
            remove: vec!["waiting"],
            condition: Some(Condition::Is("waiting", text(waiting))),
            ..Update::default()
        };
        let key = self.sync_now(store, member).await?;
        self.table.update(&key, update).await.map(drop)
    }
}

fn parked_key(message: &Message, destination: &str, short: u32) -> RowKey {
    let delivery = message.note.as_ref().map(Note::delivery);
    let delivery = delivery.as_deref().unwrap_or("picture");
    let prefix = Parked::prefix(destination);
    member_row(
        &message.store,
        &message.member,
        format!("{prefix}{delivery}#{short:08x}"),
    )
}
