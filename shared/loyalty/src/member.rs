//! A member: the union of what every source knows of a person, key by key.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    DayOfYear, Email, Event, EventId, Kept, Kind, Moment, Private, Role, Says, Stamp, TierEntry,
    Who,
    stored::{Cell, Stamps},
};

/// A group of keys that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Facet {
    /// Who the person is.
    Profile,
    /// Points: available, lifetime, expiring.
    Points,
    /// The tier and the way to the next.
    Tier,
    /// Membership and consent.
    Consent,
    /// Birthday and anniversary.
    Dates,
    /// The person's own link, and who referred them.
    Referral,
    /// Purchases, rewards, visits.
    Activity,
}

/// What one event changed in a member's picture.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Change {
    /// The groups in which at least one value changed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub facets: BTreeSet<Facet>,
    /// Whether the person was unknown before, or known as a contact only and is a member now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub joined: bool,
}

impl Change {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.facets.is_empty() && !self.joined
    }
}

/// How a picture differs from what the source says of the person now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Drift {
    /// It does not.
    None,
    /// It lacks something that nobody has said so far.
    Lacks,
    /// It has something else: news of it never came, or came and was not used.
    Differs,
}

/// One line of a member's recent story.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Activity {
    /// When, by the source's own word where it gives one (µs since 1970).
    #[serde(rename = "a")]
    pub at: i64,
    /// The event.
    #[serde(rename = "e")]
    pub event: EventId,
    /// What happened.
    #[serde(rename = "k")]
    pub kind: Kind,
    /// Points that it brought, or took where it is below zero.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub points: Option<i64>,
    /// What it was, in the source's words: a campaign's title, a reward's or a tier's name.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Private>,
}

/// A source's own id of a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Alias {
    /// The source, such as `yotpo`.
    pub source: String,
    /// The id there.
    pub id: Private,
}

/// How many lines of a member's story the picture carries.
const ACTIVITIES: usize = 10;

/// The most characters of a line's title.
const TITLE: usize = 80;

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident: $type:ty, $facet:ident;)*) => {
        /// What one event says about a member. Keys it does not mention stay [`Says::Nothing`].
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct Patch {
            $($(#[$doc])* pub $name: Says<$type>,)*
        }

        /// The current picture of a person.
        #[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
        #[serde(from = "Row", into = "Row")]
        pub struct Member {
            /// The address, once known.
            pub email: Option<Email>,
            /// The newest news that gave the address together with a source's own id: only such news tells that one
            /// person's address changed.
            pub addressed: Option<Stamp>,
            /// Member of the programme, or a friend who was sent a link.
            pub role: Role,
            /// The ids that sources know this person by.
            pub aliases: BTreeSet<Alias>,
            /// The last ten things that happened, newest first.
            pub activities: Vec<Activity>,
            /// When the person last did something themselves, as far as events told.
            pub last_active_at: Option<Timestamp>,
            $($(#[$doc])* pub $name: Kept<$type>,)*
        }

        impl Member {
            /// Takes one event's news in, key by key: the greatest stamp wins. The result is the same whatever the
            /// order, and a repeat changes nothing.
            pub fn apply(&mut self, patch: &Patch, stamp: &Stamp) -> Change {
                let mut change = Change::default();
                $(if self.$name.hear(&patch.$name, stamp) {
                    change.facets.insert(Facet::$facet);
                })*
                change
            }

            /// The keys of which something is known, by name, and the news that says so.
            pub fn known(&self) -> impl Iterator<Item = (&'static str, &Stamp)> {
                [$((stringify!($name), self.$name.stamp()),)*]
                    .into_iter()
                    .filter_map(|(name, stamp)| Some((name, stamp?)))
            }

            /// How the picture differs from what is said of the person now, whatever either is as old as.
            fn differs(&self, patch: &Patch) -> Drift {
                let mut drift = Drift::None;
                $(drift = drift.max(self.$name.differs(&patch.$name));)*
                drift
            }

            /// Whether nobody has said anything of a key of which this tells the value.
            fn lacks(&self, patch: &Patch) -> bool {
                $((self.$name.stamp().is_none() && patch.$name.value().is_some()) ||)* false
            }

            /// Takes in everything that is known of another who turned out to be the same person: key by key the
            /// greatest stamp wins, so that it does not matter who is merged into whom, nor how often. Which address
            /// is the person's own is the caller's to say.
            pub fn merge(&mut self, other: Self) {
                self.email = self.email.take().max(other.email);
                self.addressed = self.addressed.take().max(other.addressed);
                self.role = self.role.max(other.role);
                self.aliases.extend(other.aliases);
                $(self.$name.merge(other.$name);)*
                self.last_active_at = self.last_active_at.max(other.last_active_at);
                self.recall(other.activities);
            }
        }

        /// The stored form: each stamp once, keys point at it; those of the first stamp, which most keys share, need not.
        /// A key is left out while unknown.
        #[derive(Default, Serialize, Deserialize)]
        struct Row {
            #[serde(default, skip_serializing_if = "Option::is_none")]
            email: Option<Email>,
            #[serde(default)]
            role: Role,
            #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
            aliases: BTreeSet<Alias>,
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            activities: Vec<Activity>,
            /// µs since 1970.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            active: Option<i64>,
            #[serde(default)]
            stamps: Vec<Stamp>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            addressed: Option<usize>,
            $(#[serde(
                default,
                skip_serializing_if = "Option::is_none",
                deserialize_with = "Cell::known"
            )]
            $name: Option<Cell<$type>>,)*
        }

        impl From<Row> for Member {
            fn from(row: Row) -> Self {
                let stamps = row.stamps;
                Self {
                    email: row.email,
                    addressed: row.addressed.and_then(|place| stamps.get(place).cloned()),
                    role: row.role,
                    aliases: row.aliases,
                    activities: row.activities,
                    last_active_at: row
                        .active
                        .and_then(|at| Timestamp::from_microsecond(at).ok()),
                    $($name: Cell::kept(row.$name, &stamps),)*
                }
            }
        }

        impl From<Member> for Row {
            fn from(member: Member) -> Self {
                let told = member.known().map(|(_, stamp)| stamp);
                let stamps = Stamps::of(told.chain(&member.addressed));
                Self {
                    email: member.email,
                    role: member.role,
                    aliases: member.aliases,
                    activities: member.activities,
                    active: member.last_active_at.map(Timestamp::as_microsecond),
                    $($name: Cell::of(member.$name, &stamps),)*
                    addressed: member.addressed.and_then(|stamp| stamps.place(&stamp)),
                    stamps: stamps.into(),
                }
            }
        }
    };
}

// No value may be stored as a list, a fraction or null: a stored key could not be told from its value.
keys! {
    /// First name.
    first_name: Private, Profile;
    /// Last name.
    last_name: Private, Profile;
    /// The shop platform's id of the customer.
    external_id: Private, Profile;
    /// Whether the person has an account in the shop.
    has_store_account: bool, Profile;
    /// Phone number, as the source writes it.
    phone: Private, Profile;
    /// Postal code.
    zip: Private, Profile;
    /// Picture of the person, an https address.
    avatar_url: Private, Profile;
    /// The programme's own word for the person's standing, such as `active`.
    member_status: String, Profile;
    /// What the source keeps beside its own keys, by name.
    attributes: BTreeMap<String, Private>, Profile;

    /// Points that can be spent now.
    points_available: i64, Points;
    /// Points ever earned.
    points_lifetime: i64, Points;
    /// When the points expire.
    points_expiring_on: Moment, Points;
    /// Points that expire then.
    points_expiring: i64, Points;
    /// Points that count towards the tier.
    points_qualified: i64, Points;
    /// The credit balance as the source writes it; formatted money, never a number.
    credit_balance: Private, Points;
    /// Points ever spent.
    points_used: i64, Points;
    /// Points ever spent on rewards.
    points_used_on_rewards: i64, Points;
    /// Points that have expired.
    points_expired: i64, Points;
    /// Points that are earned and not yet free.
    points_on_hold: i64, Points;
    /// Points that the person owes the programme.
    points_negative: i64, Points;
    /// Points earned in the source's own period.
    points_earned_in_period: i64, Points;
    /// That period, in the source's word, such as `anniversaryYear`.
    points_earned_period: String, Points;
    /// Points spent in the source's own period.
    points_spent_in_period: i64, Points;
    /// That period.
    points_spent_period: String, Points;
    /// Points for one unit of money.
    points_ratio: Decimal, Points;
    /// What the points that can be spent are worth, in units of the store's money.
    points_value: Decimal, Points;

    /// The current tier's name.
    tier: String, Tier;
    /// The tier last entered, with its id and thresholds.
    tier_entered: TierEntry, Tier;
    /// The tier left at the last move.
    tier_previous: TierEntry, Tier;
    /// Since when the person has the current tier.
    tier_since: Moment, Tier;
    /// When the current tier ends.
    tier_expires_at: Moment, Tier;
    /// The next tier's name.
    tier_next: String, Tier;
    /// Factor on purchases in the current tier.
    tier_ratio: Decimal, Tier;
    /// Factor on purchases in the next tier.
    tier_next_ratio: Decimal, Tier;
    /// Spend that counts towards the tier, in minor units.
    tier_spend: i64, Tier;
    /// Purchases that count towards the tier.
    tier_purchases: i64, Tier;
    /// Referrals that count towards the tier.
    tier_referrals: i64, Tier;
    /// Points needed to keep the tier.
    keep_points: i64, Tier;
    /// Spend needed to keep the tier, in minor units.
    keep_spend: i64, Tier;
    /// Purchases needed to keep the tier.
    keep_purchases: i64, Tier;
    /// Referrals needed to keep the tier.
    keep_referrals: i64, Tier;
    /// Points needed to reach the next tier.
    points_to_next: i64, Tier;
    /// Spend needed to reach the next tier, in minor units.
    spend_to_next: i64, Tier;
    /// Purchases needed to reach the next tier.
    purchases_to_next: i64, Tier;
    /// Referrals needed to reach the next tier.
    referrals_to_next: i64, Tier;

    /// Whether the person takes part in the programme.
    opt_in: bool, Consent;
    /// Since when.
    enrolled_at: Moment, Consent;
    /// Whether the source calls the person a member (a notion apart from `opt_in`).
    is_member: bool, Consent;
    /// Whether the programme has blocked the person.
    blocked: bool, Consent;
    /// Whether the person accepts marketing.
    accepts_marketing: bool, Consent;

    /// Birthday.
    birthday: DayOfYear, Dates;
    /// Anniversary.
    anniversary: DayOfYear, Dates;

    /// The person's own referral link.
    referral_url: Private, Referral;
    /// The discount code that friends get.
    referral_discount_code: Private, Referral;
    /// Who referred this person.
    referred_by: Email, Referral;
    /// Whether the person is an affiliate.
    is_affiliate: bool, Referral;

    /// Money ever spent, in minor units.
    spend_total: i64, Activity;
    /// Purchases ever made.
    purchases_count: i64, Activity;
    /// Perks ever redeemed.
    perks_count: i64, Activity;
    /// The last purchase.
    last_purchase_on: Moment, Activity;
    /// When the source last saw the person.
    last_seen_at: Moment, Activity;
}

impl Member {
    /// Takes a whole event in: what it says, who the person is by it, and a line in their story.
    pub fn hear(&mut self, event: &Event) -> Change {
        let mut change = self.apply(&event.patch, &event.stamp);
        if event.statement != Patch::default() {
            let happened = Stamp {
                as_of: event.stamp.arrived,
                ..event.stamp.clone()
            };
            change
                .facets
                .extend(self.apply(&event.statement, &happened).facets);
        }
        if event.fills != Patch::default() {
            let oldest = Stamp {
                as_of: Timestamp::UNIX_EPOCH,
                ..event.stamp.clone()
            };
            change
                .facets
                .extend(self.apply(&event.fills, &oldest).facets);
        }
        change.joined = self.activities.is_empty() || event.role > self.role;
        self.role = self.role.max(event.role);
        if let Who::Email(email, alias) = &event.who {
            self.email = Some(email.clone());
            if alias.is_some() {
                self.addressed = self.addressed.take().max(Some(event.stamp.clone()));
            }
        }
        self.aliases.extend(event.who.alias().cloned());
        if event.kind.is_active() {
            // By its arrival: the picture that came along may have been taken before.
            self.last_active_at = self.last_active_at.max(Some(event.stamp.arrived));
        }
        self.remember(Activity {
            at: event.stamp.as_of.as_microsecond(),
            event: event.id.clone(),
            kind: event.kind,
            points: event.detail.points(event.kind),
            title: event.detail.title().map(|title| {
                let title: String = title.chars().take(TITLE).collect();
                Private::from(title)
            }),
        });
        change
    }

    /// When the newest of what is known was true, by the source's own word.
    #[must_use]
    pub fn as_of(&self) -> Option<Timestamp> {
        self.known().map(|(_, stamp)| stamp.as_of).max()
    }

    /// How the picture differs from what an event says of the person, whatever their ages.
    #[must_use]
    pub fn drift(&self, event: &Event) -> Drift {
        let alias = event.who.alias();
        let stranger = alias.is_some_and(|alias| !self.aliases.contains(alias));
        let drift = self.differs(&event.patch);
        if stranger || self.lacks(&event.fills) {
            drift.max(Drift::Lacks)
        } else {
            drift
        }
    }

    /// Whether news of a changed balance tells that other news never came: the balance was, by its word, not what it is
    /// here, and is not so now. News that is older than what is known here tells nothing.
    #[must_use]
    pub fn misses_news_before(&self, event: &Event) -> bool {
        let (Some(known), Some(moved)) = (self.points_available.value(), event.detail.balance)
        else {
            return false;
        };
        event.kind == Kind::PointsChanged
            && self.points_available.stamp() < Some(&event.stamp)
            && ![moved.before, moved.after].contains(known)
    }

    /// Whether news that came before may be no repeat: the step that it tells of leads away from where the balance is
    /// now. Points that are spent, given back and spent again look so, and so does a repeat that is late.
    #[must_use]
    pub fn may_have_moved_again(&self, event: &Event) -> bool {
        let (Some(known), Some(moved)) = (self.points_available.value(), event.detail.balance)
        else {
            return false;
        };
        event.kind == Kind::PointsChanged && moved.before == *known && moved.after != *known
    }

    /// Whether a source has told of the same day already, in an event of its own: what the clock brings says nothing new
    /// then. `within` is how far apart two words about one day may be.
    #[must_use]
    pub fn knows_of(&self, event: &Event, within: SignedDuration) -> bool {
        let at = event.stamp.as_of.as_microsecond();
        let apart = |other: i64| SignedDuration::from_micros(at.saturating_sub(other)).abs();
        self.activities.iter().any(|known| {
            known.kind == event.kind && known.event != event.id && apart(known.at) <= within
        })
    }

    /// Adds a line to the person's story, once per event, newest first.
    fn remember(&mut self, activity: Activity) {
        self.recall(vec![activity]);
    }

    /// Joins another's story with this one, each event once: of two words about one the greater stays, so that it does not
    /// matter which came first.
    fn recall(&mut self, others: Vec<Activity>) {
        self.activities.extend(others);
        self.activities.sort_by(|a, b| b.cmp(a));
        let mut known = BTreeSet::new();
        self.activities
            .retain(|activity| known.insert((activity.event.clone(), activity.kind)));
        self.activities.truncate(ACTIVITIES);
    }

    /// Whether the person is known to have left the programme, or to be blocked by it.
    #[must_use]
    pub fn is_out_of_programme(&self) -> bool {
        self.opt_in.value() == Some(&false) || self.blocked.value() == Some(&true)
    }
}
