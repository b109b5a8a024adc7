//! Bodies as Yotpo would send them, about invented people: for trying a set-up out before the first real event.

use jiff::{Timestamp, tz::TimeZone};
use loyalty::{Email, Kind};
use serde_json::{Value, json};

use super::topics;

/// Who shares links with the invented friend.
const SHARER: &str = "simulated.referrer@example.com";

/// The friend who buys.
const FRIEND: &str = "simulated.friend@example.com";

pub(super) fn example(kind: Kind, email: &Email, now: Timestamp, number: i64) -> Option<Value> {
    let mut body = json!({
        "topic": topics::topic_of(kind)?,
        "name": "Simulated",
        "email": email.expose(),
        "customer": customer(email.expose(), now),
    });
    for (key, value) in own_keys(kind, now, number) {
        body[key] = value;
    }
    match kind {
        Kind::OptedIn | Kind::OptedOut => {
            body["customer"]["is_opt_in"] = json!(kind == Kind::OptedIn);
            body["customer"]["loyalty_opt_in_date"] = json!(day(now));
        }
        Kind::ReferralCompleted => {
            let referrer = body["customer"].take();
            body["referrer"] = referrer;
        }
        _ if kind.addresses_friend() => {
            body["customer"] =
                json!({"email": SHARER, "first_name": "Simulated", "last_name": "Referrer"});
        }
        _ => {}
    }
    Some(body)
}

fn own_keys(kind: Kind, now: Timestamp, number: i64) -> Vec<(&'static str, Value)> {
    let share = || {
        vec![
            ("from", json!(SHARER)),
            (
                "referral_link",
                json!("https://shop.example.com/r/simulated"),
            ),
        ]
    };
    let product = || {
        vec![
            ("from", json!(SHARER)),
            (
                "product_referral_link",
                json!("https://shop.example.com/p/simulated?r=1"),
            ),
            ("product_id", json!("simulated-1")),
            ("product_name", json!("Simulated product")),
            (
                "image_url",
                json!("https://shop.example.com/p/simulated.png"),
            ),
        ]
    };
    match kind {
        Kind::CouponAwarded | Kind::Birthday | Kind::Anniversary => {
            vec![
                ("redemption", redemption(now, number)),
                ("redemption_option", option()),
                ("perk", perk(now, number)),
            ]
        }
        Kind::CouponRedeemed | Kind::DonationCreated => {
            vec![
                ("redemption", redemption(now, number)),
                ("redemption_option", option()),
            ]
        }
        Kind::BirthdayCaptured | Kind::AnniversaryCaptured => {
            vec![
                ("day", json!(17)),
                ("month", json!(5)),
                ("year", json!(1990)),
            ]
        }
        Kind::PointsEarned => vec![("perk", perk(now, number))],
        Kind::PointsReminder => vec![
            ("points_needed", json!(300)),
            ("redemption_option", option()),
        ],
        Kind::RedemptionReminder => vec![("redemption_option", option())],
        Kind::ReferralLinkShared | Kind::ReferralShareReminder => share(),
        Kind::ReferralProductShared | Kind::ReferralProductShareReminder => product(),
        Kind::ReferralCompleted => vec![
            ("perk", perk(now, number)),
            (
                "referred_customer",
                json!({"email": FRIEND, "first_name": "Simulated", "last_name": "Friend"}),
            ),
        ],
        Kind::TierEarned => vec![("new_tier", tier(2)), ("old_tier", tier(1))],
        Kind::TierLost => vec![("new_tier", tier(1)), ("old_tier", tier(2))],
        Kind::TierStatusChanged => tier_status(),
        Kind::PointsChanged => vec![
            ("previous_balance", json!(650)),
            ("current_balance", json!(700)),
            ("difference", json!(50)),
            ("added_or_removed", json!("added")),
            (
                "points_changed_reason",
                json!(format!("Simulated {number}")),
            ),
        ],
        _ => Vec::new(),
    }
}

fn customer(email: &str, now: Timestamp) -> Value {
    json!({
        "email": email,
        "first_name": "Simulated",
        "last_name": "Member",
        "total_spend_cents": 189_900,
        "total_purchases": 4,
        "perks_redeemed": 3,
        "points_earned": 2_600,
        "points_balance": 700,
        "points_expire_at": null,
        "last_purchase_at": instant(now),
        "last_seen_at": instant(now),
        "third_party_id": format!("simulated-{email}"),
        "is_member": true,
        "is_opt_in": true,
        "vip_tier_name": "Simulated 2",
    })
}

fn redemption(now: Timestamp, number: i64) -> Value {
    json!({"id": number, "created_at": instant(now), "reward_text": format!("SIMULATED-{number}"), "approved": true})
}

fn option() -> Value {
    json!({"id": 1, "name": "Simulated reward", "description": "A reward that is not real", "amount": 500})
}

fn perk(now: Timestamp, number: i64) -> Value {
    json!({
        "id": number,
        "campaign_id": 1,
        "reward_points": 100,
        "history_title": "Simulated campaign",
        "created_at": instant(now),
    })
}

fn tier(rank: i64) -> Value {
    json!({
        "id": rank,
        "name": format!("Simulated {rank}"),
        "description": "A tier that is not real",
        "points_earned": 1_000 * rank,
        "amount_spent_cents": 100_000 * rank,
        "purchases_made": rank,
        "points_multiplier": "1.5",
        "rank": rank,
    })
}

fn tier_status() -> Vec<(&'static str, Value)> {
    let needed = |points| json!({"points_needed": points, "amount_cents_needed": 0, "purchases_needed": 0, "referrals_needed": 0});
    vec![
        (
            "vip_stats",
            json!({"pointsEarned": 320, "amountSpentCents": 84_500, "purchasesMade": 2, "referralsCompleted": 0}),
        ),
        ("vip_stats_needed_maintain", needed(0)),
        ("vip_stats_needed_next", needed(680)),
    ]
}

fn instant(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

fn day(now: Timestamp) -> String {
    now.to_zoned(TimeZone::UTC).date().to_string()
}
