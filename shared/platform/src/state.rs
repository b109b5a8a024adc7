//! The row of a member's current picture: recording writes it, delivery reads it.

use jiff::{SignedDuration, Timestamp};
use loyalty::{Member, MemberKey, Stamp, StoreId, due::Dues};
use serde::{Deserialize, Serialize};

use crate::{RowKey, Table, TableError, from_item};

/// How long after a rename guards and claims are looked for under the previous key: as long as the longest guard.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How many renames are followed. A member is renamed only when read at the end of its chain, so a longer one is a fault.
pub const HOPS: usize = 8;

/// The row `STATE` under a member's key.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Row", into = "Row")]
pub struct MemberState {
    /// A lock and a clock: max(now in µs, previous + 1).
    pub version: u64,
    /// What stands there.
    pub standing: Standing,
}

/// What stands under a member's key.
#[derive(Clone)]
pub enum Standing {
    /// A person.
    Member(Box<Held>),
    /// The person has another key now.
    Moved {
        /// That key.
        to: MemberKey,
        /// The news that said so; older news that still names this key is late, newer news is a change back.
        since: Option<Stamp>,
    },
    /// The person was erased (µs since 1970).
    Erased {
        /// When.
        at: i64,
    },
}

/// A person as they are held here.
#[derive(Clone, Default)]
pub struct Held {
    /// The picture.
    pub member: Member,
    /// What comes due for them by itself. The rows `DUE#<kind>` list the dates; this says what is true.
    pub due: Dues,
    /// The keys that this person had before, newest first.
    pub previous: Vec<Previous>,
    /// The person was erased and has joined anew since, or the key was somebody else's before: what arrived here by then
    /// (µs since 1970) is not taken in.
    pub since: Option<i64>,
}

/// A key that a person had before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// The key.
    pub key: MemberKey,
    /// When it was given up, µs since 1970.
    pub at: i64,
}

/// The stored form. Version 1 had `version` and `member` alone; in versions 1 and 2 every key of a member named its stamp.
/// What is no member is of version 2.
#[derive(Serialize, Deserialize)]
struct Row {
    v: u8,
    version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    member: Option<Member>,
    #[serde(default, skip_serializing_if = "Dues::is_empty")]
    due: Dues,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    previous: Vec<Previous>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moved_to: Option<MemberKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moved_by: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    erased: Option<i64>,
}

impl TryFrom<Row> for MemberState {
    type Error = &'static str;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        let standing = match (row.v, row.member, row.moved_to, row.erased) {
            (1..=3, Some(member), None, None) => Standing::Member(Box::new(Held {
                member,
                due: row.due,
                previous: row.previous,
                since: row.since,
            })),
            (2, None, Some(to), None) => Standing::Moved {
                to,
                since: row.moved_by,
            },
            (2, None, None, Some(at)) => Standing::Erased { at },
            _ => return Err("neither a member nor moved nor erased"),
        };
        Ok(Self {
            version: row.version,
            standing,
        })
    }
}

impl From<MemberState> for Row {
    fn from(state: MemberState) -> Self {
        let mut row = Self {
            v: 2,
            version: state.version,
            member: None,
            due: Dues::new(),
            previous: Vec::new(),
            since: None,
            moved_to: None,
            moved_by: None,
            erased: None,
        };
        match state.standing {
            Standing::Member(held) => {
                row.v = 3;
                row.member = Some(held.member);
                row.due = held.due;
                row.previous = held.previous;
                row.since = held.since;
            }
            Standing::Moved { to, since } => {
                row.moved_to = Some(to);
                row.moved_by = since;
            }
            Standing::Erased { at } => row.erased = Some(at),
        }
        row
    }
}

impl MemberState {
    /// The row's key.
    #[must_use]
    pub fn key(store: &StoreId, member: &MemberKey) -> RowKey {
        member_row(store, member, "STATE")
    }

    /// The person, where one stands here.
    #[must_use]
    pub fn held(&self) -> Option<&Held> {
        match &self.standing {
            Standing::Member(held) => Some(held),
            Standing::Moved { .. } | Standing::Erased { .. } => None,
        }
    }
}

impl Held {
    /// The previous keys under which guards and claims may still stand.
    pub fn recent(&self, now: Timestamp) -> impl Iterator<Item = &MemberKey> {
        let oldest = now
            .checked_sub(REMEMBERED)
            .map_or(i64::MIN, Timestamp::as_microsecond);
        self.previous
            .iter()
            .filter(move |previous| previous.at >= oldest)
            .map(|previous| &previous.key)
    }
}

/// Where a person is found.
pub struct Found {
    /// The key at the end of all renames.
    pub key: MemberKey,
    /// What stands there: never [`Standing::Moved`].
    pub state: Option<MemberState>,
    /// The keys on the way there.
    pub passed: Vec<Passed>,
}

/// A key that leads to another one.
pub struct Passed {
    /// The key.
    pub key: MemberKey,
    /// The row's version.
    pub version: u64,
    /// The news by which it was given up.
    pub since: Option<Stamp>,
}

/// Reads the row under a key and follows renames to their end.
///
/// # Errors
/// [`TableError`]; also when the renames have no end.
pub async fn find_member(
    table: &dyn Table,
    store: &StoreId,
    key: &MemberKey,
) -> Result<Found, TableError> {
    let mut found = Found {
        key: key.clone(),
        state: None,
        passed: Vec::new(),
    };
    for _ in 0..=HOPS {
        let item = table
            .get(&MemberState::key(store, &found.key), true)
            .await?;
        let state: Option<MemberState> = item.map(from_item).transpose()?;
        match state {
            Some(MemberState {
                standing: Standing::Moved { to, since },
                version,
            }) => found.passed.push(Passed {
                key: std::mem::replace(&mut found.key, to),
                version,
                since,
            }),
            state => {
                found.state = state;
                return Ok(found);
            }
        }
    }
    Err(TableError::Shape(
        "a member's renames have no end".to_owned(),
    ))
}

/// A row of one member: all of them share a partition.
#[must_use]
pub fn member_row(store: &StoreId, member: &MemberKey, sk: impl Into<String>) -> RowKey {
    RowKey::new(member_partition(store, member), sk)
}

/// The partition of one member's rows.
#[must_use]
pub fn member_partition(store: &StoreId, member: &MemberKey) -> String {
    format!("MEMBER#{store}#{}", member.expose())
}
