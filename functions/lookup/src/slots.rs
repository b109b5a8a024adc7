//! How many of a store's tickets ask a source at the same time: two, so that a busy morning does not use up its pace.

use jiff::SignedDuration;
use loyalty::StoreId;
use platform::{Condition, RowKey, Update, Written, whole};

use crate::lookup::Lookup;

/// How many there are.
const SLOTS: u32 = 2;

/// How long one is held at most: longer than an answer may take.
const HELD: SignedDuration = SignedDuration::from_secs(3);

/// The right to ask.
pub(crate) struct Slot {
    key: RowKey,
    until: i64,
}

impl Lookup {
    /// One of the store's slots; none where all are held, or the table does not answer.
    pub(crate) async fn take_slot(&self, store: &StoreId) -> Option<Slot> {
        let now = self.clock.now();
        let until = now.checked_add(HELD).unwrap_or(now).as_microsecond();
        for number in 0..SLOTS {
            let key = RowKey::new(format!("STORE#{store}"), format!("ASKING#{number}"));
            let update = Update {
                set: vec![("v", whole(1)), ("until", whole(until))],
                condition: Some(Condition::Any(vec![
                    Condition::absent(),
                    Condition::Below("until", now.as_microsecond()),
                ])),
                ..Update::default()
            };
            match self.table.update(&key, update).await {
                Ok(Written::Done(_)) => return Some(Slot { key, until }),
                Ok(Written::Refused(_)) => {}
                Err(error) => {
                    tracing::warn!(%store, %error, "the right to ask a source could not be had");
                    return None;
                }
            }
        }
        None
    }

    /// Gives it back. Where that fails it runs out by itself.
    pub(crate) async fn give_back(&self, slot: Slot) {
        let update = Update {
            set: vec![("until", whole(0))],
            condition: Some(Condition::Is("until", whole(slot.until))),
            ..Update::default()
        };
        let _ = self.table.update(&slot.key, update).await;
    }
}
