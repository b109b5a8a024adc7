//! Rule's fields: their exact names, groups and types, and where each value comes from.
//!
//! Fields about the member come from the member's picture; fields about an event come from the event. A field's type is
//! fixed in an account when it is first written, so a type here never changes.

use jiff::tz::TimeZone;
use loyalty::{
    DayOfYear, Detail, Email, Member, Moment, Perk, PersonName, Private, Product, Reward, Share,
    TierEntry,
};
use serde::Serialize;

/// The groups of fields of Rule's own integration. `Store` is its own: it goes with every event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Store,
    Customer,
    Reward,
    Perk,
    Birthday,
    Anniversary,
    OptIn,
    PointsReminder,
    /// Rule's own integration writes `ReferrelShare` and `RefferlShare`.
    ReferralShare,
    /// Rule's own integration writes `ProductReferrelShare`, `ProductRefferlShare` and `ReferralProductShare`.
    ProductShare,
    /// Rule's own integration writes `ReferrelCompleted` and `ReferralCompleted`.
    ReferralCompleted,
    Tier,
    /// Rule's own integration writes `TierStats` and `TierStatus`.
    TierStats,
}

/// What fields are read from.
pub(super) struct View<'a> {
    pub(super) member: &'a Member,
    pub(super) detail: &'a Detail,
    pub(super) store_name: &'a str,
    pub(super) zone: &'a TimeZone,
    pub(super) yearless_placeholder: bool,
}

/// A field with its value. No value means that there is nothing to say.
#[derive(Serialize)]
pub(super) struct Field {
    pub(super) key: &'static str,
    #[serde(rename = "type")]
    pub(super) type_name: &'static str,
    pub(super) value: Option<String>,
}

/// ASSUMED `rule-text-cut`: long texts are cut, so that a group stays under Rule's 65,000 characters.
const LONG_TEXT: usize = 2_000;

impl Group {
    /// Whether the fields speak of the member's picture, and not of the event.
    pub(super) const fn is_picture(self) -> bool {
        matches!(
            self,
            Self::Store
                | Self::Customer
                | Self::Birthday
                | Self::Anniversary
                | Self::OptIn
                | Self::TierStats
        )
    }

    /// Whether what is missing is blanked: an earlier event's coupon must not be printed in this event's mail.
    pub(super) const fn is_blanked(self) -> bool {
        matches!(self, Self::Reward | Self::Perk | Self::Tier)
    }

    /// The group's fields with their values.
    pub(super) fn fields(self, view: &View) -> Vec<Field> {
        let detail = view.detail;
        match self {
            Self::Store => vec![text("Yotpo.StoreName", Some(view.store_name.to_owned()))],
            Self::Customer => customer(view),
            Self::Reward => reward(detail.reward.as_ref()),
            Self::Perk => perk(detail.perk.as_ref()),
            Self::Birthday => vec![day(
                "Subscriber.Birthday",
                view.member.birthday.value(),
                view,
            )],
            Self::Anniversary => vec![day(
                "Subscriber.Anniversary",
                view.member.anniversary.value(),
                view,
            )],
            Self::OptIn => opt_in(view),
            Self::PointsReminder => vec![number(
                "Yotpo.RedemptionPointsNeeded",
                detail.points_needed.as_ref(),
            )],
            Self::ReferralShare => detail
                .share
                .as_ref()
                .map(referral_share)
                .unwrap_or_default(),
            Self::ProductShare => product_share(detail),
            Self::ReferralCompleted => detail.referred.as_ref().map(referred).unwrap_or_default(),
            Self::Tier => tiers(detail),
            Self::TierStats => tier_stats(view.member),
        }
    }
}

/// Every field of ours that may have been written for a person, empty. Those of the group `Subscriber` are the merchant's
/// as much as ours and stay.
pub(super) fn emptied() -> Vec<Field> {
    let ours = all().filter(|field| !field.key.starts_with("Subscriber."));
    let empty = ours.map(|field| Field {
        value: Some(String::new()),
        ..field
    });
    empty.collect()
}

/// Every field with a value that only says of which type it is.
pub(super) fn samples() -> Vec<Field> {
    let sampled = all().map(|field| {
        let value = match field.type_name {
            "date" => "2000-01-01",
            "datetime" => "2000-01-01 00:00:00",
            _ => "example",
        };
        Field {
            value: Some(value.to_owned()),
            ..field
        }
    });
    sampled.collect()
}

/// Every field that is ever written, our marker last.
pub(super) fn all() -> impl Iterator<Item = Field> {
    const ALL: [Group; 13] = [
        Group::Store,
        Group::Customer,
        Group::Reward,
        Group::Perk,
        Group::Birthday,
        Group::Anniversary,
        Group::OptIn,
        Group::PointsReminder,
        Group::ReferralShare,
        Group::ProductShare,
        Group::ReferralCompleted,
        Group::Tier,
        Group::TierStats,
    ];
    let detail = Detail {
        share: Some(Share::default()),
        product: Some(Product::default()),
        referred: Some(PersonName::default()),
        ..Detail::default()
    };
    let view = View {
        member: &Member::default(),
        detail: &detail,
        store_name: "",
        zone: &TimeZone::UTC,
        yearless_placeholder: false,
    };
    let fields: Vec<Field> = ALL.iter().flat_map(|group| group.fields(&view)).collect();
    fields.into_iter().chain([text(super::MARKER_KEY, None)])
}

fn customer(view: &View) -> Vec<Field> {
    let member = view.member;
    vec![
        private("Subscriber.FirstName", member.first_name.value()),
        private("Subscriber.LastName", member.last_name.value()),
        number("Yotpo.TotalSpendCents", member.spend_total.value()),
        number("Yotpo.TotalPurchases", member.purchases_count.value()),
        datetime(
            "Yotpo.LastPurchaseAt",
            member.last_purchase_on.value(),
            view.zone,
        ),
        number("Yotpo.PerksRedeemed", member.perks_count.value()),
        number("Yotpo.PointsEarned", member.points_lifetime.value()),
        number("Yotpo.PointsBalance", member.points_available.value()),
        datetime(
            "Yotpo.PointsExpireAt",
            member.points_expiring_on.value(),
            view.zone,
        ),
        datetime("Yotpo.LastSeenAt", member.last_seen_at.value(), view.zone),
        flag("Yotpo.IsMember", member.is_member.value()),
    ]
}

fn reward(reward: Option<&Reward>) -> Vec<Field> {
    vec![
        private(
            "Yotpo.RedemptionRewardText",
            reward.and_then(|reward| reward.code.as_ref()),
        ),
        text(
            "Yotpo.RedemptionName",
            reward.and_then(|reward| reward.name.clone()),
        ),
        long_text(
            "Yotpo.RedemptionDescription",
            reward.and_then(|reward| reward.description.as_deref()),
        ),
        number(
            "Yotpo.RedemptionAmount",
            reward.and_then(|reward| reward.amount.as_ref()),
        ),
    ]
}

fn perk(perk: Option<&Perk>) -> Vec<Field> {
    vec![
        number("Yotpo.PerkID", perk.and_then(|perk| perk.id.as_ref())),
        number(
            "Yotpo.PerkCampaignID",
            perk.and_then(|perk| perk.campaign_id.as_ref()),
        ),
        number(
            "Yotpo.PerkRewardPoints",
            perk.and_then(|perk| perk.points.as_ref()),
        ),
        long_text(
            "Yotpo.PerkHistoryTitle",
            perk.and_then(|perk| perk.title.as_deref()),
        ),
    ]
}

fn opt_in(view: &View) -> Vec<Field> {
    vec![
        flag("Yotpo.OptIn", view.member.opt_in.value()),
        datetime(
            "Yotpo.OptInDate",
            view.member.enrolled_at.value(),
            view.zone,
        ),
    ]
}

fn referral_share(share: &Share) -> Vec<Field> {
    let mut fields = person(
        [
            "Yotpo.ReferredByEmail",
            "Yotpo.ReferredByFirstName",
            "Yotpo.ReferredByLastName",
        ],
        &share.from,
    );
    fields.push(private("Yotpo.ReferredByReferralLink", share.link.as_ref()));
    fields
}

fn product_share(detail: &Detail) -> Vec<Field> {
    let sharer = detail
        .share
        .as_ref()
        .map(|share| &share.from)
        .cloned()
        .unwrap_or_default();
    let mut fields = person(
        [
            "Yotpo.ProductReferredByEmail",
            "Yotpo.ProductReferredByFirstName",
            "Yotpo.ProductReferredByLastName",
        ],
        &sharer,
    );
    let Some(Product {
        link,
        id,
        name,
        image_url,
    }) = &detail.product
    else {
        return fields;
    };
    fields.extend([
        private("Yotpo.ProductReferralLink", link.as_ref()),
        text("Yotpo.ProductID", id.clone()),
        text("Yotpo.ProductName", name.clone()),
        long_text("Yotpo.ProductImageURL", image_url.as_deref()),
    ]);
    fields
}

fn referred(friend: &PersonName) -> Vec<Field> {
    person(
        [
            "Yotpo.ReferredToEmail",
            "Yotpo.ReferredToFirstName",
            "Yotpo.ReferredToLastName",
        ],
        friend,
    )
}

fn person([email, first, last]: [&'static str; 3], person: &PersonName) -> Vec<Field> {
    vec![
        text(
            email,
            person
                .email
                .as_ref()
                .map(Email::expose)
                .map(ToOwned::to_owned),
        ),
        private(first, person.first_name.as_ref()),
        private(last, person.last_name.as_ref()),
    ]
}

fn tiers(detail: &Detail) -> Vec<Field> {
    let tiers = detail.tiers.as_ref();
    let mut fields = tier(
        [
            "Yotpo.NewTierID",
            "Yotpo.NewTierName",
            "Yotpo.NewTierDescription",
            "Yotpo.NewTierPointsEarned",
            "Yotpo.NewTierAmountSpentCents",
            "Yotpo.NewTierPurchasesMade",
            "Yotpo.NewTierPointsMultiplier",
            "Yotpo.NewTierRank",
        ],
        tiers.and_then(|tiers| tiers.new.as_ref()),
    );
    fields.extend(tier(
        [
            "Yotpo.OldTierID",
            "Yotpo.OldTierName",
            "Yotpo.OldTierDescription",
            "Yotpo.OldTierPointsEarned",
            "Yotpo.OldTierAmountSpentCents",
            "Yotpo.OldTierPurchasesMade",
            "Yotpo.OldTierPointsMultiplier",
            "Yotpo.OldTierRank",
        ],
        tiers.and_then(|tiers| tiers.old.as_ref()),
    ));
    fields
}

fn tier(keys: [&'static str; 8], tier: Option<&TierEntry>) -> Vec<Field> {
    let [
        id,
        name,
        description,
        points,
        spend,
        purchases,
        multiplier,
        rank,
    ] = keys;
    vec![
        number(id, tier.and_then(|tier| tier.id.as_ref())),
        text(name, tier.and_then(|tier| tier.name.clone())),
        long_text(
            description,
            tier.and_then(|tier| tier.description.as_deref()),
        ),
        number(points, tier.and_then(|tier| tier.points.as_ref())),
        number(spend, tier.and_then(|tier| tier.spend.as_ref())),
        number(purchases, tier.and_then(|tier| tier.purchases.as_ref())),
        text(
            multiplier,
            tier.and_then(|tier| tier.multiplier)
                .map(|factor| factor.normalize().to_string()),
        ),
        number(rank, tier.and_then(|tier| tier.rank.as_ref())),
    ]
}

fn tier_stats(member: &Member) -> Vec<Field> {
    vec![
        number(
            "Yotpo.TierStatsCurrentPoints",
            member.points_qualified.value(),
        ),
        number(
            "Yotpo.TierStatsCurrentAmountCents",
            member.tier_spend.value(),
        ),
        number(
            "Yotpo.TierStatsCurrentPurchases",
            member.tier_purchases.value(),
        ),
        number(
            "Yotpo.TierStatsCurrentReferrals",
            member.tier_referrals.value(),
        ),
        number(
            "Yotpo.TierStatsNeededMaintainPoints",
            member.keep_points.value(),
        ),
        number(
            "Yotpo.TierStatsNeededMaintainAmountCents",
            member.keep_spend.value(),
        ),
        number(
            "Yotpo.TierStatsNeededMaintainPurchases",
            member.keep_purchases.value(),
        ),
        number(
            "Yotpo.TierStatsNeededMaintainReferrals",
            member.keep_referrals.value(),
        ),
        number(
            "Yotpo.TierStatsNeededNextPoints",
            member.points_to_next.value(),
        ),
        number(
            "Yotpo.TierStatsNeededNextAmountCents",
            member.spend_to_next.value(),
        ),
        number(
            "Yotpo.TierStatsNeededNextPurchases",
            member.purchases_to_next.value(),
        ),
        number(
            "Yotpo.TierStatsNeededNextReferrals",
            member.referrals_to_next.value(),
        ),
    ]
}

pub(super) fn text(key: &'static str, value: Option<String>) -> Field {
    Field {
        key,
        type_name: "text",
        value,
    }
}

fn private(key: &'static str, value: Option<&Private>) -> Field {
    text(key, value.map(|value| value.expose().to_owned()))
}

fn long_text(key: &'static str, value: Option<&str>) -> Field {
    text(
        key,
        value.map(|value| value.chars().take(LONG_TEXT).collect()),
    )
}

/// ASSUMED `rule-numbers-are-text`: Rule has no type for numbers and none for `true` and `false`.
fn number(key: &'static str, value: Option<&i64>) -> Field {
    text(key, value.map(ToString::to_string))
}

fn flag(key: &'static str, value: Option<&bool>) -> Field {
    text(key, value.map(ToString::to_string))
}

fn datetime(key: &'static str, value: Option<&Moment>, zone: &TimeZone) -> Field {
    let value = value.map(|moment| match moment {
        Moment::Day(day) => format!("{day} 00:00:00"),
        Moment::Instant(instant) => instant
            .to_zoned(zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
    });
    Field {
        key,
        type_name: "datetime",
        value,
    }
}

/// ASSUMED `rule-yearless-birthday`: a `date` needs a year, so a birthday without one is left out unless the store asks
/// for the placeholder 1904.
fn day(key: &'static str, value: Option<&DayOfYear>, view: &View) -> Field {
    let date = value.and_then(|day| {
        if view.yearless_placeholder {
            day.date_or_placeholder()
        } else {
            day.date()
        }
    });
    Field {
        key,
        type_name: "date",
        value: date.map(|date| date.to_string()),
    }
}
