//! What is known of one thing about a member, and since when.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Drift;

/// Where a piece of news stands among all others. News with the greater stamp wins, so arrival order does not matter:
/// first by what the source says of its age, then by arrival, then by a hash of the news itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StampRow", into = "StampRow")]
pub struct Stamp {
    /// How old the news is, by the source's own word where it gives one.
    pub as_of: Timestamp,
    /// When it first arrived here. A replay or a repeat keeps the first arrival.
    pub arrived: Timestamp,
    /// A short hash that names the news, which settles ties the same way everywhere.
    pub hash: String,
    /// The source that said it, such as `yotpo`.
    pub source: String,
}

/// The stored form: instants as µs since 1970, and no names, because every member carries several.
type StampRow = (i64, i64, String, String);

impl From<StampRow> for Stamp {
    fn from((as_of, arrived, hash, source): StampRow) -> Self {
        let instant = |micros| Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH);
        Self {
            as_of: instant(as_of),
            arrived: instant(arrived),
            hash,
            source,
        }
    }
}

impl From<Stamp> for StampRow {
    fn from(stamp: Stamp) -> Self {
        (
            stamp.as_of.as_microsecond(),
            stamp.arrived.as_microsecond(),
            stamp.hash,
            stamp.source,
        )
    }
}

impl Ord for Stamp {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.as_of, self.arrived, &self.hash, &self.source).cmp(&(
            other.as_of,
            other.arrived,
            &other.hash,
            &other.source,
        ))
    }
}

impl PartialOrd for Stamp {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What one event says about one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Says<T> {
    /// It does not mention the key.
    #[default]
    Nothing,
    /// It says that there is none.
    None,
    /// It gives the value.
    Is(T),
}

impl<T> Says<T> {
    /// The value, if one is given.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Nothing | Self::None => None,
        }
    }
}

/// A missing value says nothing; it does not say that there is none.
impl<T> From<Option<T>> for Says<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Self::Is)
    }
}

/// What is known about one key: nothing, that there is none, or its value. Each with the stamp of the news.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Kept<T> {
    /// Nobody has said anything yet.
    #[default]
    Unknown,
    /// There is none.
    None(Stamp),
    /// There is this.
    Is(T, Stamp),
}

impl<T> Kept<T> {
    /// The value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Is(value, _) => Some(value),
            Self::Unknown | Self::None(_) => None,
        }
    }

    /// The stamp of the news it comes from, unless unknown.
    pub fn stamp(&self) -> Option<&Stamp> {
        match self {
            Self::Unknown => None,
            Self::None(stamp) | Self::Is(_, stamp) => Some(stamp),
        }
    }
}

impl<T> Kept<T> {
    /// Keeps the newer of two. One stamp names one piece of news, so that of two equal ones it does not matter which.
    pub(crate) fn merge(&mut self, other: Self) {
        if other.stamp() > self.stamp() {
            *self = other;
        }
    }
}

impl<T: PartialEq> Kept<T> {
    /// How what is kept differs from what is said. Where nobody has said anything, "none" says nothing new.
    pub(crate) fn differs(&self, said: &Says<T>) -> Drift {
        match (self, said) {
            (_, Says::Nothing) | (Self::Unknown | Self::None(_), Says::None) => Drift::None,
            (Self::Unknown, Says::Is(_)) => Drift::Lacks,
            (Self::Is(kept, _), Says::Is(said)) if kept == said => Drift::None,
            (Self::None(_) | Self::Is(..), _) => Drift::Differs,
        }
    }
}

impl<T: Clone + PartialEq> Kept<T> {
    /// Takes news in if it is newer; says whether the value changed by it.
    pub(crate) fn hear(&mut self, news: &Says<T>, stamp: &Stamp) -> bool {
        let heard = match news {
            Says::Nothing => return false,
            Says::None => Self::None(stamp.clone()),
            Says::Is(value) => Self::Is(value.clone(), stamp.clone()),
        };
        if self.stamp().is_some_and(|known| known >= stamp) {
            return false;
        }
        let changed = matches!(self, Self::Unknown) || self.value() != heard.value();
        *self = heard;
        changed
    }
}
