//! Something that happened to a member, in the domain's words.

use std::num::NonZeroU32;

use jiff::{SignedDuration, civil::Date};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{Alias, Email, EventId, Kind, MemberKey, Patch, Private, Stamp};

/// Whether the person takes part, or was only sent a link by someone who does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A friend who was sent a link. No loyalty keys are known of them.
    #[default]
    Contact,
    /// A member of the programme. Once a member, always a member here.
    Member,
}

/// How long a second delivery of the same event counts as a repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// The id names one thing for ever (a redemption, a perk): 30 days.
    Identity,
    /// The id names a day or a body, and the same may truly happen again: 20 hours.
    Day,
}

impl Guard {
    /// The time for which a repeat is recognised.
    #[must_use]
    pub const fn duration(self) -> SignedDuration {
        match self {
            Self::Identity => SignedDuration::from_hours(30 * 24),
            Self::Day => SignedDuration::from_hours(20),
        }
    }
}

/// The person an event is about, or addressed to. At least one of the two is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The address is known, and perhaps the source's own id.
    Email(Email, Option<Alias>),
    /// Only the source's own id is known.
    External(Alias),
}

impl Who {
    /// The source's own id of the person.
    #[must_use]
    pub fn alias(&self) -> Option<&Alias> {
        match self {
            Self::Email(_, alias) => alias.as_ref(),
            Self::External(alias) => Some(alias),
        }
    }

    /// The address.
    #[must_use]
    pub fn email(&self) -> Option<&Email> {
        match self {
            Self::Email(email, _) => Some(email),
            Self::External(_) => None,
        }
    }

    /// The key that names this person when no alias says otherwise.
    #[must_use]
    pub fn key(&self) -> MemberKey {
        match self {
            Self::Email(email, _) => MemberKey::of_email(email),
            Self::External(alias) => MemberKey::of_external(&alias.source, alias.id.expose()),
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The same for every delivery of the same news.
    pub id: EventId,
    /// How long a second delivery counts as a repeat.
    pub guard: Guard,
    /// What happened.
    pub kind: Kind,
    /// To whom.
    pub who: Who,
    /// Whether this person is a member or a contact by it.
    pub role: Role,
    /// What it says about the person, as old as its stamp.
    pub patch: Patch,
    /// What it says by happening: somebody who joins is in from this moment, however old the picture that came along.
    /// As old as its arrival.
    pub statement: Patch,
    /// What it says in a form of its own, as an interface does that writes an instant where news writes a day. It fills
    /// what nobody has said; any other word about the key wins, however old.
    pub fills: Patch,
    /// What the event itself brought.
    pub detail: Detail,
    /// The day it is about, where the store is; only the clock says it.
    pub day: Option<Date>,
    /// Its place among all news.
    pub stamp: Stamp,
}

/// What an event brought, beside what it says about the member. Which parts are present depends on the kind and on
/// how much the source tells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Detail {
    /// The store's name as the source wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_name: Option<String>,
    /// A reward: the coupon, and the catalogue entry it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reward: Option<Reward>,
    /// The completed campaign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub perk: Option<Perk>,
    /// Points that are missing for the reward.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points_needed: Option<i64>,
    /// Who shared a link with the friend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// The product that was shared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<Product>,
    /// The friend who bought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referred: Option<PersonName>,
    /// The tiers of a move.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tiers: Option<TierMove>,
    /// How the balance of points moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<BalanceMove>,
    /// Which anniversary it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub years: Option<i64>,
    /// Points that a person ordered to be given or taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordered: Option<Ordered>,
}

impl Detail {
    /// Whether something was given with it: an automation that was started without it has not said everything.
    #[must_use]
    pub fn gives(&self) -> bool {
        let coupon = self.reward.as_ref();
        self.perk.is_some() || coupon.is_some_and(|coupon| coupon.code.is_some())
    }

    /// The points that an event of this kind brought, as far as it tells; below zero where it took them.
    #[must_use]
    pub fn points(&self, kind: Kind) -> Option<i64> {
        let moved = self
            .balance
            .map(|moved| moved.after.saturating_sub(moved.before));
        let earned = || self.perk.as_ref()?.points;
        let spent = || {
            let price = self.reward.as_ref()?.amount?;
            (kind == Kind::CouponRedeemed).then_some(-price)
        };
        moved.or_else(earned).or_else(spent)
    }

    /// What it was, in the source's words: a campaign's title, a reward's, a tier's or a product's name.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        let perk = || self.perk.as_ref()?.title.as_deref();
        let reward = || self.reward.as_ref()?.name.as_deref();
        let tier = || self.tiers.as_ref()?.new.as_ref()?.name.as_deref();
        let product = || self.product.as_ref()?.name.as_deref();
        perk().or_else(reward).or_else(tier).or_else(product)
    }
}

/// Points that a person at the merchant ordered to be given or taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// What is to be done.
    pub what: PointsOrder,
    /// Why, in that person's words.
    pub reason: Private,
}

/// What is to be done with somebody's points. Actions and rewards are named by the programme's own ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PointsOrder {
    /// Gives what an action of the programme is worth.
    Action {
        /// The action.
        action: String,
    },
    /// Gives this many points.
    Award {
        /// How many.
        points: NonZeroU32,
        /// The action that they are booked under.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        action: Option<String>,
    },
    /// Takes this many points away.
    Deduct {
        /// How many.
        points: NonZeroU32,
        /// The action that they are booked under.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        action: Option<String>,
    },
    /// Spends this many points.
    Redeem {
        /// How many.
        points: NonZeroU32,
    },
    /// Spends what a reward of the programme costs.
    Reward {
        /// The reward.
        reward: String,
    },
}

/// A balance of points before and after a change, by the source's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceMove {
    /// Before.
    pub before: i64,
    /// After.
    pub after: i64,
}

/// A reward.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reward {
    /// The coupon code.
    pub code: Option<Private>,
    /// Name of the catalogue entry.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Its price in points.
    pub amount: Option<i64>,
}

/// A completed campaign.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Perk {
    /// The completion's id.
    pub id: Option<i64>,
    /// The campaign's id.
    pub campaign_id: Option<i64>,
    /// Points that it gave.
    pub points: Option<i64>,
    /// What the member reads in their history.
    pub title: Option<String>,
}

/// A person named in an event about somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PersonName {
    /// The address.
    pub email: Option<Email>,
    /// First name.
    pub first_name: Option<Private>,
    /// Last name.
    pub last_name: Option<Private>,
}

/// Who shared a link with the friend that the event is addressed to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Share {
    /// The member who shared.
    pub from: PersonName,
    /// The link.
    pub link: Option<Private>,
}

/// A product that a member shared with a friend.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Product {
    /// The member's link to it.
    pub link: Option<Private>,
    /// The shop's id of it.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its picture.
    pub image_url: Option<String>,
}

/// The tiers of a move. The one that the source leaves out is none: a first tier has no old one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TierMove {
    /// The tier now.
    pub new: Option<TierEntry>,
    /// The tier before.
    pub old: Option<TierEntry>,
}

/// A tier and what it takes to enter it. The figures are the tier's thresholds, not the member's own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TierEntry {
    /// The tier's id at the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Points to enter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<i64>,
    /// Spend to enter, in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spend: Option<i64>,
    /// Purchases to enter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purchases: Option<i64>,
    /// Factor on earned points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multiplier: Option<Decimal>,
    /// Place among the tiers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<i64>,
}
