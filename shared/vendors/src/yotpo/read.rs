//! From a Yotpo body to the domain's event.

use jiff::tz::TimeZone;
use loyalty::{
    Alias, DayOfYear, Detail, Email, Event, EventId, HashKey, Kind, Moment, Patch, Perk,
    PersonName, Product, Reward, Role, Says, Share, Stamp, TierEntry, TierMove, Who,
};
use serde_json::Value;

use super::{
    NAME,
    body::At,
    keys::{self, Facts},
    topics::{self, Topic},
};
use crate::{Envelope, Read, Reason, Store};

/// Reads one stored delivery.
pub(super) fn read(envelope: &Envelope, body: &[u8], store: &Store, key: &HashKey) -> Read {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return Read::Kept {
            topic: None,
            reason: Reason::NoTopic,
        };
    };
    let root = At::root(&value);
    let Some(topic) = root.text("topic") else {
        return Read::Kept {
            topic: None,
            reason: Reason::NoTopic,
        };
    };
    match topics::sort(&topic, root, store.sources.yotpo.as_ref()) {
        Topic::Unknown => Read::Kept {
            topic: Some(topic),
            reason: Reason::UnknownTopic,
        },
        Topic::BelowThreshold => Read::Notice {
            topic,
            text: below_threshold(root),
        },
        Topic::Event(kind) => {
            let Some(who) = who(kind, root) else {
                return Read::Kept {
                    topic: Some(topic),
                    reason: Reason::NoPerson,
                };
            };
            // The canonical form: keys sorted, no white space, so that two ways of writing one body are one body.
            let canonical = serde_json::to_vec(&value).unwrap_or_default();
            let hash = key.digest(&[b"body", &canonical]);
            Read::Event(Box::new(event(
                envelope, store, key, root, &hash, kind, who,
            )))
        }
    }
}

fn event(
    envelope: &Envelope,
    store: &Store,
    key: &HashKey,
    root: At,
    hash: &str,
    kind: Kind,
    who: Who,
) -> Event {
    let arrived = envelope.arrived();
    let person = person(kind, root);
    let friend = kind.addresses_friend();
    let sharer = if friend {
        root.email("from")
            .or_else(|| root.at("customer").email("email"))
    } else {
        None
    };
    let (natural, guard) = keys::natural(&Facts {
        kind,
        body: root,
        person: who.key().expose(),
        sharer: sharer.as_ref(),
        day: &arrived.to_zoned(TimeZone::UTC).date().to_string(),
        delivery: envelope.delivery.as_deref(),
        body_hash: hash,
    });
    let natural: Vec<&str> = natural.iter().map(String::as_str).collect();
    let as_of = if friend { None } else { as_of(person, root) };
    Event {
        id: EventId::new(key, &store.id, &natural),
        guard,
        kind,
        role: if friend { Role::Contact } else { Role::Member },
        patch: if friend {
            Patch::default()
        } else {
            patch(kind, person, root)
        },
        detail: detail(root, kind, sharer),
        stamp: Stamp {
            as_of: as_of.unwrap_or(arrived),
            arrived,
            hash: hash.chars().take(8).collect(),
            source: NAME.to_owned(),
        },
        who,
    }
}

/// The snapshot of the person whom the event is about.
///
/// ASSUMED `yotpo-new-referral-completed`: the newer `yotpo/referral/completed` has the referrer under `referrer`, as the
/// older one has, or under `customer`.
fn person(kind: Kind, root: At) -> At {
    if kind == Kind::ReferralCompleted {
        root.at("referrer").or(root.at("customer"))
    } else {
        root.at("customer")
    }
}

/// Whom the event is about or addressed to. On a share the `customer` is the one who shared, never the friend.
fn who(kind: Kind, root: At) -> Option<Who> {
    let email = root.email("email");
    if kind.addresses_friend() {
        return email.map(|email| Who::Email(email, None));
    }
    let person = person(kind, root);
    let id = person
        .private("third_party_id")
        .or_else(|| person.private("thirty_party_id"));
    let alias = id.map(|id| Alias {
        source: NAME.to_owned(),
        id,
    });
    match email.or_else(|| person.email("email")) {
        Some(email) => Some(Who::Email(email, alias)),
        None => alias.map(Who::External),
    }
}

/// ASSUMED `yotpo-last-seen-at`: a snapshot is as old as its `last_seen_at`, which never goes back for one person; where
/// it is missing, as old as the perk or redemption it came with.
fn as_of(person: At, root: At) -> Option<jiff::Timestamp> {
    let instant = |moment| match moment {
        Moment::Instant(instant) => Some(instant),
        Moment::Day(_) => None,
    };
    person
        .moment("last_seen_at")
        .or_else(|| root.at("perk").moment("created_at"))
        .or_else(|| root.at("redemption").moment("created_at"))
        .and_then(instant)
}

/// What the event says about the member. `null` says "none" only where Yotpo documents null as a value; elsewhere it
/// says nothing.
fn patch(kind: Kind, person: At, root: At) -> Patch {
    let mut patch = snapshot(person);
    patch.is_member = person
        .flag("is_member")
        .or_else(|| nested_is_member(person, root))
        .into();
    match kind {
        Kind::OptedIn if patch.opt_in == Says::Nothing => patch.opt_in = Says::Is(true),
        // A snapshot may be older than its event, and nobody who left may be written to as a member.
        Kind::OptedOut => patch.opt_in = Says::Is(false),
        Kind::BirthdayCaptured => patch.birthday = captured_day(root).into(),
        Kind::AnniversaryCaptured => patch.anniversary = captured_day(root).into(),
        Kind::TierEarned | Kind::TierLost => tier_moved(&mut patch, kind, root),
        Kind::TierStatusChanged => tier_progress(&mut patch, root),
        Kind::PointsChanged if patch.points_available == Says::Nothing => {
            patch.points_available = root.int("current_balance").into();
        }
        _ => {}
    }
    patch
}

fn snapshot(person: At) -> Patch {
    Patch {
        first_name: person.says("first_name", At::private),
        last_name: person.says("last_name", At::private),
        external_id: person
            .private("third_party_id")
            .or_else(|| person.private("thirty_party_id"))
            .into(),
        has_store_account: person.flag("has_store_account").into(),
        points_available: person.int("points_balance").into(),
        points_lifetime: person.int("points_earned").into(),
        points_expiring_on: person.says("points_expire_at", At::moment),
        credit_balance: person.private("credit_balance").into(),
        tier: person.says("vip_tier_name", At::text),
        tier_expires_at: person.says("vip_tier_ends_at", At::moment),
        opt_in: person.flag("is_opt_in").into(),
        enrolled_at: person.moment("loyalty_opt_in_date").into(),
        accepts_marketing: person.flag("accepts_marketing").into(),
        referral_url: person.private("referral_link").into(),
        referral_discount_code: person.says("referral_discount_code", At::private),
        referred_by: person.says("referred_by", At::email),
        is_affiliate: person.flag("is_affiliate").into(),
        spend_total: person.int("total_spend_cents").into(),
        purchases_count: person.int("total_purchases").into(),
        perks_count: person.int("perks_redeemed").into(),
        last_purchase_on: person.says("last_purchase_at", At::moment),
        last_seen_at: person.moment("last_seen_at").into(),
        ..Patch::default()
    }
}

fn nested_is_member(person: At, root: At) -> Option<bool> {
    [person, root]
        .iter()
        .find_map(|place| place.at("referral_code").at("customer").flag("is_member"))
}

/// ASSUMED `yotpo-captured-dates`: the date stands in `customer`, at the top, or in an object of its own, as parts or
/// as one ISO date.
fn captured_day(root: At) -> Option<DayOfYear> {
    let places = [
        root.at("customer"),
        root,
        root.at("birthday"),
        root.at("anniversary"),
    ];
    places
        .into_iter()
        .find_map(|place| parts(place).or_else(|| whole(place)))
}

fn parts(place: At) -> Option<DayOfYear> {
    let first = |keys: [&str; 3]| keys.iter().find_map(|key| place.int(key));
    let month = first(["birthday_month", "anniversary_month", "month"])?;
    let day =
        first(["birth_day", "birthday_day", "anniversary_day"]).or_else(|| place.int("day"))?;
    let year = first(["birthday_year", "anniversary_year", "year"]).filter(|year| *year > 0);
    DayOfYear::new(
        year.and_then(|year| year.try_into().ok()),
        month.try_into().ok()?,
        day.try_into().ok()?,
    )
    .ok()
}

fn whole(place: At) -> Option<DayOfYear> {
    ["birthday", "birthdate", "birth_date", "anniversary", "date"]
        .iter()
        .find_map(|key| match place.moment(key)? {
            Moment::Day(day) => Some(day.into()),
            Moment::Instant(instant) => Some(instant.to_zoned(TimeZone::UTC).date().into()),
        })
}

/// A tier move names the tiers; the snapshot beside it may not know of the move yet, so the move has the word.
fn tier_moved(patch: &mut Patch, kind: Kind, root: At) {
    // The member's picture keeps what identifies a tier; its description and thresholds are the catalogue's.
    let identity = |tier: TierEntry| TierEntry {
        description: None,
        ..tier
    };
    let (new, old) = (tier(root.at("new_tier")), tier(root.at("old_tier")));
    patch.tier_previous = old.map_or(Says::None, |tier| Says::Is(identity(tier)));
    match new {
        Some(new) => {
            if let Some(name) = &new.name {
                patch.tier = Says::Is(name.clone());
            }
            patch.tier_entered = Says::Is(identity(new));
        }
        None if kind == Kind::TierLost => {
            patch.tier = Says::None;
            patch.tier_entered = Says::None;
        }
        None => {}
    }
}

/// ASSUMED `yotpo-tier-needs`: the last two keys of the needs are `purchases_needed` and `referrals_needed`.
fn tier_progress(patch: &mut Patch, root: At) {
    let now = root.at("vip_stats");
    patch.points_qualified = now.either("pointsEarned", "points_earned").into();
    patch.tier_spend = now.either("amountSpentCents", "amount_spent_cents").into();
    patch.tier_purchases = now.either("purchasesMade", "purchases_made").into();
    patch.tier_referrals = now
        .either("referralsCompleted", "referrals_completed")
        .into();
    let keep = root.at("vip_stats_needed_maintain");
    patch.keep_points = keep.either("pointsNeeded", "points_needed").into();
    patch.keep_spend = keep
        .either("amountCentsNeeded", "amount_cents_needed")
        .into();
    patch.keep_purchases = keep.either("purchasesNeeded", "purchases_needed").into();
    patch.keep_referrals = keep.either("referralsNeeded", "referrals_needed").into();
    let next = root.at("vip_stats_needed_next");
    patch.points_to_next = next.either("pointsNeeded", "points_needed").into();
    patch.spend_to_next = next
        .either("amountCentsNeeded", "amount_cents_needed")
        .into();
    patch.purchases_to_next = next.either("purchasesNeeded", "purchases_needed").into();
    patch.referrals_to_next = next.either("referralsNeeded", "referrals_needed").into();
}

fn detail(root: At, kind: Kind, sharer: Option<Email>) -> Detail {
    Detail {
        store_name: root.text("store_name"),
        reward: reward(root),
        perk: root.at("perk").object().map(perk),
        points_needed: root.int("points_needed"),
        share: kind.addresses_friend().then(|| share(root, sharer)),
        product: product(root),
        referred: root
            .at("referred_customer")
            .object()
            .map(|friend| PersonName {
                email: friend.email("email"),
                first_name: friend.private("first_name"),
                last_name: friend.private("last_name"),
            }),
        tiers: tiers(root, kind),
    }
}

/// The coupon and its catalogue entry; in the 2024 referral events both stand inside the perk.
fn reward(root: At) -> Option<Reward> {
    let nested = root.at("perk");
    let coupon = root.at("redemption").or(nested.at("redemption"));
    let option = root
        .at("redemption_option")
        .or(nested.at("redemption_option"));
    if !coupon.is_object() && !option.is_object() {
        return None;
    }
    Some(Reward {
        code: coupon.private("reward_text"),
        name: option.text("name"),
        description: option.text("description"),
        amount: option.int("amount"),
    })
}

fn perk(perk: At) -> Perk {
    Perk {
        id: perk.int("id"),
        campaign_id: perk.int("campaign_id"),
        points: perk.int("reward_points"),
        title: perk.text("history_title"),
    }
}

fn share(root: At, sharer: Option<Email>) -> Share {
    let customer = root.at("customer");
    Share {
        from: PersonName {
            email: sharer,
            first_name: customer.private("first_name"),
            last_name: customer.private("last_name"),
        },
        link: root.private("referral_link"),
    }
}

fn product(root: At) -> Option<Product> {
    let product = Product {
        link: root.private("product_referral_link"),
        id: root.text("product_id"),
        name: root.text("product_name"),
        image_url: root.text("image_url"),
    };
    (product != Product::default()).then_some(product)
}

fn tiers(root: At, kind: Kind) -> Option<TierMove> {
    matches!(kind, Kind::TierEarned | Kind::TierLost).then(|| TierMove {
        new: tier(root.at("new_tier")),
        old: tier(root.at("old_tier")),
    })
}

fn tier(tier: At) -> Option<TierEntry> {
    tier.object().map(|tier| TierEntry {
        id: tier.int("id"),
        name: tier.text("name"),
        description: tier.text("description"),
        points: tier.int("points_earned"),
        spend: tier.int("amount_spent_cents"),
        purchases: tier.int("purchases_made"),
        multiplier: tier.decimal("points_multiplier"),
        rank: tier.int("rank"),
    })
}

/// What the pool's state is, without anything about a person.
fn below_threshold(root: At) -> String {
    let option = root
        .text("redemption_option_name")
        .or_else(|| root.at("redemption_option").text("name"));
    let left = root.int("number_of_unused_codes");
    format!(
        "{} unused coupon codes are left for the reward {}: add codes in Yotpo",
        left.map_or_else(|| "few".to_owned(), |left| left.to_string()),
        option.map_or_else(|| "(unnamed)".to_owned(), |name| format!("`{name}`")),
    )
}
