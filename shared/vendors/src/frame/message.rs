//! A message on a destination's queue.

use jiff::Timestamp;
use loyalty::{Detail, EventId, Kind, MemberKey, Occurrence, Private, StoreId};
use serde::{Deserialize, Serialize};

/// Which work goes first when a vendor's pace is short.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// What just happened.
    #[default]
    Live,
    /// Due days, backfill, parked work: it leaves half of the pace to the live lane.
    Bulk,
}

impl Lane {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
    pub(super) fn is_live(&self) -> bool {
        *self == Self::Live
    }
}

/// News for one destination: this member changed, and perhaps this event happened to them. The pusher loads the
/// member itself, so that it always writes the newest picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Version of this form: 1.
    #[serde(deserialize_with = "super::version::known")]
    pub v: u8,
    /// The store.
    pub store: StoreId,
    /// The member.
    pub member: MemberKey,
    /// The version of the member's picture that must at least be pushed.
    pub version: u64,
    /// Which work goes first. Messages of releases before lanes are live.
    #[serde(default, skip_serializing_if = "Lane::is_live")]
    pub lane: Lane,
    /// What happened; none when only the picture changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    /// The keyed hash of the member's key, by which an erasure is found when the member is gone; none in messages of
    /// release 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// The member is to be erased; then there is nothing else in the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erase: Option<Erasure>,
}

/// That a person is to be erased at a destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// The keyed hash under which the erasure's row stands.
    pub hash: String,
    /// The keyed hash of this very address: one person may have had several.
    pub own: String,
    /// This very address: who joined anew may have changed it before the destination heard of the erasure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<MemberKey>,
    /// The id by which the destination itself knows the person, where it is a source too and has told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Private>,
    /// When the person was erased here, µs since 1970.
    pub at: i64,
    /// What is to be done, where the store's setting does not decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<EraseMode>,
}

/// What erasing means at a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EraseMode {
    /// Our fields are emptied; the person is the merchant's and stays.
    Fields,
    /// The person is removed.
    Person,
}

impl Message {
    /// The message as JSON that SQS takes: it refuses two characters which JSON allows, so these travel as escapes.
    ///
    /// # Errors
    /// When the message cannot be JSON, which does not happen to text and numbers.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        to_text(self)
    }
}

pub(super) fn to_text(message: &impl Serialize) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string(message)?;
    Ok(text
        .replace('\u{fffe}', "\\ufffe")
        .replace('\u{ffff}', "\\uffff"))
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
