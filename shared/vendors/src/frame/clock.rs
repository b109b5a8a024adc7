//! What the clock brings: an event that nobody sends, because a day has come. It travels as a delivery like any other.

use jiff::{Timestamp, civil::Date};
use loyalty::{
    Alias, Detail, Email, Event, EventId, Guard, HashKey, Kind, MemberKey, Patch, Role, Stamp,
    StoreId, Who,
    due::{self, Due},
};
use serde::{Deserialize, Serialize};

use super::envelope::EnvelopeError;
use crate::{Envelope, Lane, Read, Reason};

/// The name under which the clock stands in envelopes, stamps and rows. No source has it, so no webhook leads here.
pub const CLOCK: &str = "clock";

/// One person's day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// Version of this form: 1.
    #[serde(deserialize_with = "super::version::known")]
    pub v: u8,
    /// What has come due.
    pub due: Due,
    /// For which date, where the store is.
    pub on: Date,
    /// Who.
    pub whom: Whose,
    /// What it brings.
    pub detail: Detail,
}

/// Whose day it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    /// The person of this address.
    Email(Email),
    /// Somebody whose address nobody told.
    Alias(Alias),
}

impl Tick {
    /// As a delivery. What is due may wait behind what just happened.
    ///
    /// # Errors
    /// [`EnvelopeError`] when it is too large for the queue, which no day is.
    pub fn seal(&self, store: &StoreId, now: Timestamp) -> Result<Envelope, EnvelopeError> {
        let body = serde_json::to_vec(self).unwrap_or_default();
        let nonce = format!("{}-{}", self.due.kind(), self.on);
        let sealed = Envelope::seal(store.clone(), CLOCK, now, nonce, None, &body);
        sealed.map(|envelope| Envelope {
            lane: Lane::Bulk,
            ..envelope
        })
    }

    /// The day of a person with this key.
    #[must_use]
    pub fn event_id(&self, store: &StoreId, member: &MemberKey, key: &HashKey) -> EventId {
        let natural = due::natural(self.due.kind(), self.on, member, &self.detail);
        let natural: Vec<&str> = natural.iter().map(String::as_str).collect();
        EventId::new(key, store, &natural)
    }
}

/// Reads a delivery of the clock.
#[must_use]
pub fn read(envelope: &Envelope, body: &[u8], key: &HashKey) -> Read {
    let Ok(tick) = serde_json::from_slice::<Tick>(body) else {
        return Read::Kept {
            topic: None,
            reason: Reason::NoTopic,
        };
    };
    let kind: Kind = tick.due.kind();
    let who = match &tick.whom {
        Whose::Email(email) => Who::Email(email.clone(), None),
        Whose::Alias(alias) => Who::External(alias.clone()),
    };
    let id = tick.event_id(&envelope.store, &who.key(), key);
    let arrived = envelope.arrived();
    Read::Event(Box::new(Event {
        guard: Guard::Identity,
        kind,
        role: if kind.addresses_friend() {
            Role::Contact
        } else {
            Role::Member
        },
        patch: Patch::default(),
        statement: Patch::default(),
        fills: Patch::default(),
        detail: tick.detail,
        day: Some(tick.on),
        stamp: Stamp {
            as_of: arrived,
            arrived,
            hash: id.as_str().chars().take(8).collect(),
            source: CLOCK.to_owned(),
        },
        id,
        who,
    }))
}
