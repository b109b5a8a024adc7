//! Reminders: what counts as activity, what is reminded of, how often, and what ends it.

use jiff::{SignedDuration, Timestamp};
use loyalty::{Email, Kind, due::Due};
use platform::Clock as _;
use recording::erase::Whom;
use serde_json::{Value, json};

use super::{Yard, whom};

const KARI: &str = "kari@example.com";
const VENN: &str = "venn@example.com";
const POINTS: &[Due] = &[Due::PointsReminder];
const REDEMPTION: &[Due] = &[Due::RedemptionReminder];
const SHARES: &[Due] = &[
    Due::ReferralShareReminder,
    Due::ReferralProductShareReminder,
];

/// Three rewards; reminders after ten days, twice, five days apart, when a fifth of the price is missing at most.
fn settings() -> Value {
    let reminder = json!({"mode": "on", "inactive_days": 10, "every_days": 5, "times": 2});
    let friend = json!({"mode": "on", "after_days": 7});
    json!({
        "rewards": [
            {"name": "50 kr off", "points": 500},
            {"name": "100 kr off", "points": 1000, "description": "On your next purchase"},
            {"name": "A tent", "points": 5000},
        ],
        "emit": {
            "points_reminder": reminder, "redemption_reminder": reminder,
            "referral_share_reminder": friend, "referral_product_share_reminder": friend,
        },
    })
}

/// A member's news of this topic, with this balance; they were seen when they last were, `seen` days ago.
fn news(yard: &Yard, topic: &str, balance: i64, seen: i64) -> Value {
    let seen: Timestamp = yard.world.clock.now() - SignedDuration::from_hours(24 * seen);
    json!({
        "topic": topic, "email": KARI,
        "customer": {"email": KARI, "points_balance": balance, "last_seen_at": seen.to_string()},
        "previous_balance": balance, "current_balance": balance,
    })
}

/// A yard in which Kari was active on 1 May at noon, with this balance.
async fn active(balance: i64) -> Yard {
    let yard = Yard::with(settings()).await;
    yard.at("2026-05-01T12:00:00Z");
    yard.hear("example", &news(&yard, "swell/points/earned", balance, 0))
        .await;
    yard.told();
    yard
}

/// On which days of May Kari is told, of the days from the second on.
async fn days(yard: &Yard, dues: &[Due], last: i8) -> Vec<i8> {
    let mut days = Vec::new();
    for day in 2..=last {
        let run: Timestamp = format!("2026-05-{day:02}T17:00:00Z").parse().unwrap();
        if run < yard.world.clock.now() {
            continue;
        }
        yard.until(run);
        if !yard.day(dues).await.is_empty() {
            days.push(day);
        }
    }
    days
}

#[tokio::test]
async fn a_reminder_comes_after_the_days_repeats_and_ends() {
    let yard = active(450).await;
    assert_eq!(days(&yard, POINTS, 31).await, [11, 16]);
    // Until the member is active again.
    yard.at("2026-06-10T12:00:00Z");
    yard.hear("example", &news(&yard, "swell/points/earned", 460, 0))
        .await;
    yard.told();
    yard.at("2026-06-20T17:00:00Z");
    let told = yard.day(POINTS).await;
    assert_eq!(whom(&told), [KARI]);
    assert_eq!(told[0]["detail"]["points_needed"], 40);
    assert_eq!(told[0]["detail"]["reward"]["name"], "50 kr off");
}

#[tokio::test]
async fn the_next_dearer_reward_must_be_near_and_the_dearest_affordable_is_named() {
    let cases = [
        // balance, missing for the next dearer one, the dearest that can be afforded
        (0, None, None),
        (399, None, None),
        (400, Some((100, "50 kr off")), None),
        (499, Some((1, "50 kr off")), None),
        (500, None, Some("50 kr off")),
        (800, Some((200, "100 kr off")), Some("50 kr off")),
        (1_000, None, Some("100 kr off")),
        (4_200, Some((800, "A tent")), Some("100 kr off")),
        (9_000, None, Some("A tent")),
    ];
    for (balance, near, affordable) in cases {
        let yard = active(balance).await;
        yard.at("2026-05-11T17:00:00Z");
        let told = yard.day(POINTS).await;
        let said = told.first().map(|told| {
            let detail = &told["detail"];
            (
                detail["points_needed"].as_i64().unwrap(),
                detail["reward"]["name"].as_str().unwrap(),
            )
        });
        assert_eq!(said, near, "{balance} points");
        let told = yard.day(REDEMPTION).await;
        let said = told
            .first()
            .map(|told| told["detail"]["reward"]["name"].as_str().unwrap());
        assert_eq!(said, affordable, "{balance} points");
    }
}

#[tokio::test]
async fn near_may_be_a_number_of_points() {
    let mut settings = settings();
    settings["emit"]["points_reminder"]["close_points"] = json!(30);
    for (balance, told) in [(469, false), (470, true)] {
        let yard = Yard::with(settings.clone()).await;
        yard.at("2026-05-01T12:00:00Z");
        yard.hear("example", &news(&yard, "swell/points/earned", balance, 0))
            .await;
        yard.at("2026-05-11T17:00:00Z");
        yard.told();
        assert_eq!(!yard.day(POINTS).await.is_empty(), told, "{balance}");
    }
}

#[tokio::test]
async fn earning_redeeming_buying_and_visiting_are_activity_and_nothing_else_is() {
    let cases = [
        ("swell/points/earned", 5, Some(15)),
        ("swell/redemption/created", 5, Some(15)),
        ("loyalty/donation/created", 5, Some(15)),
        // A clerk's correction, points that expire, a tier that is lost, a birthday: none of the member's doing.
        ("swell/points/changed", 5, Some(11)),
        ("swell/tier/lost", 5, Some(11)),
        ("swell/customer/birthday/captured", 5, Some(11)),
    ];
    for (topic, day, told) in cases {
        let yard = active(450).await;
        yard.until(format!("2026-05-{day:02}T12:00:00Z").parse().unwrap());
        let mut body = news(&yard, topic, 450, 4);
        body["redemption"] = json!({"id": day, "reward_text": "X"});
        body["perk"] = if topic.ends_with("earned") {
            json!({"id": day})
        } else {
            Value::Null
        };
        yard.hear("example", &body).await;
        yard.told();
        assert_eq!(
            days(&yard, POINTS, 15).await.first().copied(),
            told,
            "{topic}"
        );
    }
    // A purchase and a visit are told by the picture that comes along with any news.
    for key in ["last_purchase_at", "last_seen_at"] {
        let yard = active(450).await;
        yard.at("2026-05-06T12:00:00Z");
        let mut body = news(&yard, "swell/points/changed", 450, 5);
        body["customer"][key] = json!("2026-05-05T12:00:00.000Z");
        yard.hear("example", &body).await;
        yard.told();
        assert_eq!(days(&yard, POINTS, 15).await, [15], "{key}");
    }
}

#[tokio::test]
async fn an_active_member_causes_no_write_to_the_lists() {
    let yard = active(450).await;
    let listed = yard.listed(KARI, Kind::PointsReminder).unwrap();
    for day in 2..10 {
        yard.until(format!("2026-05-{day:02}T12:00:00Z").parse().unwrap());
        let mut body = news(&yard, "swell/points/earned", 450, 0);
        body["perk"] = json!({"id": day});
        yard.hear("example", &body).await;
        assert_eq!(yard.listed(KARI, Kind::PointsReminder).unwrap(), listed);
    }
    // The run finds out, and moves the date on.
    yard.told();
    yard.at("2026-05-11T17:00:00Z");
    assert!(yard.day(POINTS).await.is_empty());
    assert_eq!(
        yard.listed(KARI, Kind::PointsReminder).unwrap(),
        "2026-05-19"
    );
}

#[tokio::test]
async fn who_has_nothing_near_is_looked_at_again_when_their_points_change() {
    let yard = active(10).await;
    yard.at("2026-05-11T17:00:00Z");
    assert!(yard.day(POINTS).await.is_empty());
    assert_eq!(yard.listed(KARI, Kind::PointsReminder), None);
    // A clerk gives them points: still inactive, and near now.
    yard.at("2026-05-13T12:00:00Z");
    let mut body = news(&yard, "swell/points/changed", 450, 12);
    body["customer"]["last_seen_at"] = json!("2026-05-01T12:00:01.000Z");
    yard.hear("example", &body).await;
    yard.told();
    yard.at("2026-05-13T17:00:00Z");
    let tally = yard.emit(POINTS).await;
    assert_eq!((tally.told, tally.dropped), (1, 0));
    yard.record().await;
    // Far later, too: not the silence is late, but the points are new.
    let yard = active(10).await;
    yard.at("2026-05-11T17:00:00Z");
    yard.emit(POINTS).await;
    yard.at("2026-07-01T12:00:00Z");
    let mut body = news(&yard, "swell/points/changed", 450, 60);
    body["customer"]["last_seen_at"] = json!("2026-05-01T12:00:01.000Z");
    yard.hear("example", &body).await;
    yard.at("2026-07-01T17:00:00Z");
    let tally = yard.emit(POINTS).await;
    assert_eq!((tally.told, tally.dropped), (1, 0));
}

#[tokio::test]
async fn who_was_silent_for_long_when_they_become_known_is_not_mailed_for_it() {
    let yard = Yard::with(settings()).await;
    yard.at("2026-05-01T12:00:00Z");
    yard.hear("example", &news(&yard, "swell/points/changed", 450, 90))
        .await;
    assert_eq!(yard.listed(KARI, Kind::PointsReminder), None);
    yard.told();
    yard.at("2026-05-02T17:00:00Z");
    assert_eq!(yard.emit(POINTS).await, recording::emit::Tally::default());
    // From their next activity on they are like anybody else.
    yard.at("2026-05-05T12:00:00Z");
    yard.hear("example", &news(&yard, "swell/points/earned", 450, 0))
        .await;
    yard.told();
    assert_eq!(days(&yard, POINTS, 15).await, [15]);
}

#[tokio::test]
async fn a_purchase_on_the_day_of_the_reminder_counts_as_activity_after_it() {
    let yard = active(450).await;
    yard.at("2026-05-11T17:00:00Z");
    assert_eq!(yard.day(POINTS).await.len(), 1);
    yard.at("2026-05-11T19:00:00Z");
    yard.hear("example", &news(&yard, "swell/points/earned", 460, 0))
        .await;
    yard.told();
    assert_eq!(days(&yard, POINTS, 31).await, [21, 26]);
}

/// The friend's picture, as it comes along with news.
type Says<'a> = &'a dyn Fn(&Yard) -> Value;

/// A friend was sent a link.
fn share(yard: &Yard, topic: &str, from: &str) -> Value {
    json!({
        "topic": topic, "email": VENN, "from": from, "referral_link": "https://r.example.com/kari1",
        "product_referral_link": "https://r.example.com/tent", "product_id": "9", "product_name": "Tent",
        "customer": {"email": from, "first_name": "Kari", "last_seen_at": yard.world.clock.now().to_string()},
    })
}

#[tokio::test]
async fn a_friend_who_has_not_bought_is_reminded_and_the_referrer_is_named() {
    let yard = Yard::with(settings()).await;
    yard.at("2026-05-01T12:00:00Z");
    for topic in ["swell/referral/share", "loyalty/referral/product_share"] {
        yard.hear("example", &share(&yard, topic, KARI)).await;
    }
    yard.told();
    yard.at("2026-05-07T17:00:00Z");
    assert!(yard.day(SHARES).await.is_empty());
    yard.at("2026-05-08T17:00:00Z");
    let told = yard.day(SHARES).await;
    assert_eq!(whom(&told), [VENN, VENN]);
    for told in &told {
        assert_eq!(told["detail"]["share"]["from"]["email"], KARI);
    }
    let product = told
        .iter()
        .find(|told| told["kind"] == "referral_product_share_reminder");
    assert_eq!(product.unwrap()["detail"]["product"]["name"], "Tent");
    assert!(
        days(&yard, SHARES, 31).await.is_empty(),
        "once for each link"
    );
    // Somebody else's link is another matter.
    yard.at("2026-06-01T12:00:00Z");
    yard.hear(
        "example",
        &share(&yard, "swell/referral/share", "ola@example.com"),
    )
    .await;
    yard.told();
    yard.at("2026-06-08T17:00:00Z");
    let told = yard.day(SHARES).await;
    assert_eq!(
        told[0]["detail"]["share"]["from"]["email"],
        "ola@example.com"
    );
}

#[tokio::test]
async fn a_completed_referral_cancels_the_reminder_in_whatever_order_the_news_comes() {
    let completed = |yard: &Yard| {
        json!({
            "topic": "swell/referral/completed", "email": KARI, "perk": {"id": 77},
            "referrer": {"email": KARI, "last_seen_at": yard.world.clock.now().to_string()},
            "referred_customer": {"email": VENN, "first_name": "Venn"},
        })
    };
    for first in [true, false] {
        let yard = Yard::with(settings()).await;
        yard.at("2026-05-01T12:00:00Z");
        if first {
            yard.hear("example", &completed(&yard)).await;
        }
        for topic in ["swell/referral/share", "loyalty/referral/product_share"] {
            yard.hear("example", &share(&yard, topic, KARI)).await;
        }
        if !first {
            yard.at("2026-05-05T12:00:00Z");
            yard.hear("example", &completed(&yard)).await;
        }
        yard.told();
        assert!(days(&yard, SHARES, 31).await.is_empty());
        // Another link, a month later, is not cancelled by that.
        yard.at("2026-06-01T12:00:00Z");
        yard.hear("example", &share(&yard, "swell/referral/share", KARI))
            .await;
        yard.told();
        yard.at("2026-06-08T17:00:00Z");
        assert_eq!(yard.day(SHARES).await.len(), 1);
    }
}

#[tokio::test]
async fn a_friend_who_bought_or_wants_nothing_is_not_reminded() {
    let bought = |yard: &Yard| json!({"email": VENN, "last_purchase_at": yard.world.clock.now().to_string()});
    let left = |_: &Yard| json!({"email": VENN, "is_opt_in": false});
    let cases: [(&str, Says); 2] = [
        ("swell/points/changed", &bought),
        ("loyalty/opt_out", &left),
    ];
    for (topic, customer) in cases {
        let yard = Yard::with(settings()).await;
        yard.at("2026-05-01T12:00:00Z");
        yard.hear("example", &share(&yard, "swell/referral/share", KARI))
            .await;
        yard.at("2026-05-04T12:00:00Z");
        let body = json!({"topic": topic, "email": VENN, "customer": customer(&yard)});
        yard.hear("example", &body).await;
        yard.told();
        assert!(days(&yard, SHARES, 31).await.is_empty(), "{topic}");
    }
}

#[tokio::test]
async fn a_daily_reminder_of_the_source_is_not_said_again_the_same_day() {
    let yard = active(450).await;
    yard.at("2026-05-11T16:59:00Z");
    let body = json!({
        "topic": "swell/points/reminder", "email": KARI, "points_needed": 50,
        "customer": {"email": KARI, "points_balance": 450, "last_seen_at": "2026-05-01T12:00:00.000Z"},
    });
    yard.hear("example", &body).await;
    assert_eq!(yard.told().len(), 1);
    // Told by the source today: the next one is five days later.
    assert_eq!(days(&yard, POINTS, 31).await, [16]);
}

#[tokio::test]
async fn nobody_is_reminded_of_a_link_whose_sender_was_erased() {
    let yard = Yard::with(settings()).await;
    yard.at("2026-05-01T12:00:00Z");
    yard.hear("example", &news(&yard, "swell/points/earned", 450, 0))
        .await;
    yard.hear("example", &share(&yard, "swell/referral/share", KARI))
        .await;
    let store = yard.world.store("example").await;
    let kari = Whom::Email(Email::parse(KARI).unwrap());
    yard.world
        .eraser()
        .erase(&store, &kari, None)
        .await
        .unwrap();
    yard.told();
    yard.at("2026-05-08T17:00:00Z");
    let tally = yard.emit(SHARES).await;
    assert_eq!((tally.told, tally.passed), (0, 1));
    let state = yard.world.row(VENN, "STATE").to_string();
    assert!(!state.contains("kari"), "{state}");
}

#[tokio::test]
async fn who_sent_a_link_is_forgotten_once_nobody_is_reminded_of_it() {
    let yard = Yard::with(settings()).await;
    yard.at("2026-05-01T12:00:00Z");
    yard.hear("example", &share(&yard, "swell/referral/share", KARI))
        .await;
    yard.told();
    yard.at("2026-05-08T17:00:00Z");
    assert_eq!(yard.day(SHARES).await.len(), 1);
    let state = yard.world.row(VENN, "STATE").to_string();
    assert!(!state.contains("kari"), "{state}");
    // The same link, told once more, is known all the same.
    yard.hear("example", &share(&yard, "swell/referral/share", KARI))
        .await;
}

#[tokio::test]
async fn a_reminder_that_was_missed_ends_no_series() {
    let yard = active(450).await;
    // Nobody looked on the eleventh, nor for the three days after.
    yard.at("2026-05-14T17:00:00Z");
    let tally = yard.emit(POINTS).await;
    assert_eq!((tally.told, tally.dropped), (0, 1));
    assert_eq!(days(&yard, POINTS, 31).await, [16, 21]);
    // The run stood still while the member was active: it is not late for what came due only then.
    let yard = active(450).await;
    yard.at("2026-05-20T12:00:00Z");
    yard.hear("example", &news(&yard, "swell/points/earned", 450, 0))
        .await;
    yard.told();
    yard.at("2026-05-30T17:00:00Z");
    assert_eq!(yard.emit(POINTS).await.told, 1);
}
