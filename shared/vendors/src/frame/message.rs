//! A message on a destination's queue.

use jiff::Timestamp;
use loyalty::{Detail, EventId, Kind, MemberKey, Occurrence, StoreId};
use serde::{Deserialize, Serialize};

/// How soon a message must go: bulk may not delay live news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// News of somebody who is doing something now.
    #[default]
    Live,
    /// Due days, backfills, resyncs.
    Bulk,
}

/// News for one destination: this member changed, and perhaps this event happened to them. The pusher loads the
/// member itself, so that it always writes the newest picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Version of this form: 1.
    pub v: u8,
    /// The store.
    pub store: StoreId,
    /// The member.
    pub member: MemberKey,
    /// The version of the member's picture that must at least be pushed.
    pub version: u64,
    /// How soon.
    #[serde(default)]
    pub lane: Lane,
    /// What happened; none when only the picture changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
}

/// What happened, for tools that start automations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The event.
    pub event: EventId,
    /// What happened.
    pub kind: Kind,
    /// The first arrival of the event.
    pub occurrence: Occurrence,
    /// When it first arrived, for its age.
    pub arrived: Timestamp,
    /// What it brought.
    pub detail: Detail,
}

impl Note {
    /// `<event id>#<occurrence>`: names one delivery of one event.
    #[must_use]
    pub fn delivery(&self) -> String {
        format!("{}#{}", self.event, self.occurrence)
    }
}
