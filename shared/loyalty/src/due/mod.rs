//! What comes due by itself: birthdays, anniversaries and reminders. When it is due, whether it still is when its day has
//! come, and when it is due next.
//!
//! A member's [`Armed`] says what is known of one kind; everything else is worked out anew each time, so that a changed
//! birthday, a purchase or another setting counts at once.

mod arm;
mod dates;
mod look;

pub use arm::{arm, hear, tell};
pub use dates::last_active;
pub use look::{Around, Looked, look};

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Calendar, Detail, EventId, Kind, MemberKey, Product, Share};

/// A kind of event that the clock brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Due {
    /// It is the member's birthday.
    #[serde(rename = "b")]
    Birthday,
    /// It is the member's anniversary.
    #[serde(rename = "a")]
    Anniversary,
    /// An inactive member is close to a reward.
    #[serde(rename = "p")]
    PointsReminder,
    /// An inactive member can afford a reward.
    #[serde(rename = "r")]
    RedemptionReminder,
    /// A friend who was sent a link has not bought yet.
    #[serde(rename = "s")]
    ReferralShareReminder,
    /// A friend who was sent a link to a product has not bought yet.
    #[serde(rename = "q")]
    ReferralProductShareReminder,
}

impl Due {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::Birthday,
        Self::Anniversary,
        Self::PointsReminder,
        Self::RedemptionReminder,
        Self::ReferralShareReminder,
        Self::ReferralProductShareReminder,
    ];

    /// The kind of event that it brings.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Birthday => Kind::Birthday,
            Self::Anniversary => Kind::Anniversary,
            Self::PointsReminder => Kind::PointsReminder,
            Self::RedemptionReminder => Kind::RedemptionReminder,
            Self::ReferralShareReminder => Kind::ReferralShareReminder,
            Self::ReferralProductShareReminder => Kind::ReferralProductShareReminder,
        }
    }

    /// The kind that brings this kind of event; none for events that never come by the clock.
    #[must_use]
    pub fn of(kind: Kind) -> Option<Self> {
        Self::ALL.into_iter().find(|due| due.kind() == kind)
    }

    /// The hour, UTC, of the daily run.
    #[must_use]
    pub const fn hour(self) -> i8 {
        match self {
            Self::Anniversary => 11,
            Self::Birthday => 13,
            _ => 17,
        }
    }

    /// Whether it comes every year, and not after a time without news.
    #[must_use]
    pub const fn is_yearly(self) -> bool {
        matches!(self, Self::Birthday | Self::Anniversary)
    }

    /// The share after which a friend is reminded.
    const fn share(self) -> Option<Kind> {
        match self {
            Self::ReferralShareReminder => Some(Kind::ReferralLinkShared),
            Self::ReferralProductShareReminder => Some(Kind::ReferralProductShared),
            _ => None,
        }
    }
}

/// A link that was sent to a friend, as a reminder of it needs to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    /// The event that told of it.
    pub event: EventId,
    /// When it was told of, µs since 1970.
    pub at: i64,
    /// Who shared.
    pub share: Share,
    /// The product, where one was shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Product>,
}

/// What is known of one kind for one person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Armed {
    /// The date on which it is looked at next; none until news asks for one.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Date>,
    /// The date for which the person was told last.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Date>,
    /// How often they were reminded since they were last active.
    #[serde(rename = "n", default, skip_serializing_if = "is_zero")]
    pub times: u32,
    /// The link that they were sent last.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<Box<Shared>>,
}

impl Armed {
    /// Nobody is reminded of the link any more: who sent it is no longer held, only that it was sent.
    fn forget_sharer(&mut self) {
        if let Some(shared) = &mut self.shared {
            shared.share = Share::default();
            shared.product = None;
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Everything that is armed for a person.
pub type Dues = BTreeMap<Due, Armed>;

/// How near an inactive member must be to a reward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// At most so many points are missing.
    Points(i64),
    /// At most so many of a hundred of the reward's price are missing.
    Percent(i64),
}

/// When people are reminded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reminding {
    /// Days without activity, or since the link was shared.
    pub after: i32,
    /// Days between one reminder and the next.
    pub every: i32,
    /// How often at most, until the person is active again.
    pub times: u32,
    /// How near a reward must be; only looked at by [`Due::PointsReminder`].
    pub close: Close,
}

/// A store's rules for what comes due.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Which day it is.
    pub calendar: Calendar,
    /// For how many days what was missed is caught up.
    pub catch_up: i32,
    /// When people are reminded; kinds that are off are not in it. The yearly kinds are armed in any case, so that they need
    /// no news to be switched on.
    pub reminding: BTreeMap<Due, Reminding>,
}

impl Rules {
    /// Whether friends who were sent a link are reminded.
    #[must_use]
    pub fn reminds_friends(&self) -> bool {
        self.reminding.keys().any(|due| due.share().is_some())
    }

    /// Whether a kind is looked after at all.
    #[must_use]
    pub fn has(&self, due: Due) -> bool {
        due.is_yearly() || self.reminding.contains_key(&due)
    }
}

/// The parts of the natural key of an event that the clock brings. A source's own word for the same day has the same key,
/// so that one of the two is a repeat: a birthday counts once a year, a reminder once a day.
#[must_use]
pub fn natural(kind: Kind, on: Date, person: &MemberKey, detail: &Detail) -> Vec<String> {
    let day = match Due::of(kind) {
        Some(due) if due.is_yearly() => on.year().to_string(),
        _ => on.to_string(),
    };
    let mut key = vec![kind.name().to_owned(), day, person.expose().to_owned()];
    if kind.addresses_friend() {
        let share = detail.share.as_ref();
        let sharer = share.and_then(|share| share.from.email.as_ref());
        key.push(sharer.map_or_else(String::new, |sharer| sharer.expose().to_owned()));
    }
    if kind == Kind::ReferralProductShareReminder {
        let product = detail.product.as_ref();
        key.push(product.and_then(|own| own.id.clone()).unwrap_or_default());
    }
    key
}

/// Joins what is armed for two who turned out to be one person. What comes first is looked at first.
pub fn merge(own: &mut Dues, other: Dues) {
    for (due, other) in other {
        let armed = own.entry(due).or_default();
        armed.on = match (armed.on, other.on) {
            (Some(own), Some(other)) => Some(own.min(other)),
            (own, other) => own.or(other),
        };
        armed.times = match armed.told.cmp(&other.told) {
            std::cmp::Ordering::Less => other.times,
            std::cmp::Ordering::Equal => armed.times.max(other.times),
            std::cmp::Ordering::Greater => armed.times,
        };
        armed.told = armed.told.max(other.told);
        let newest = [armed.shared.take(), other.shared];
        let newest = newest.into_iter().flatten();
        armed.shared = newest.max_by_key(|shared| (shared.at, shared.event.clone()));
    }
}
