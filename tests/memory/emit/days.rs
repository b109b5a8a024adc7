//! Birthdays and anniversaries.

use loyalty::{Email, Kind, due::Due};
use recording::erase::Whom;
use serde_json::json;

use super::{Yard, captured, customer, opened, whom};

const KARI: &str = "kari@example.com";

#[tokio::test]
async fn a_birthday_is_told_on_its_day_and_looked_at_again_in_a_year() {
    let yard = Yard::with(json!({})).await;
    yard.born(KARI, "1990-05-17").await;
    assert_eq!(yard.listed(KARI, Kind::Birthday).unwrap(), "2026-05-17");
    yard.at("2026-05-16T13:00:00Z");
    assert_eq!(
        yard.day(&[Due::Birthday]).await,
        Vec::<serde_json::Value>::new()
    );
    yard.at("2026-05-17T13:00:00Z");
    let told = yard.day(&[Due::Birthday]).await;
    assert_eq!(whom(&told), [KARI]);
    assert_eq!(told[0]["kind"], "birthday");
    assert_eq!(yard.listed(KARI, Kind::Birthday).unwrap(), "2027-05-17");
    assert!(yard.day(&[Due::Birthday]).await.is_empty(), "once a day");
}

#[tokio::test]
async fn a_leap_day_falls_where_the_store_wants_it() {
    let cases = [
        (json!({}), "2027-02-28T13:00:00Z"),
        (
            json!({"emit": {"leap_day": "03-01"}}),
            "2027-03-01T13:00:00Z",
        ),
        (json!({}), "2028-02-29T13:00:00Z"),
        (
            json!({"emit": {"leap_day": "03-01"}}),
            "2028-02-29T13:00:00Z",
        ),
    ];
    for (settings, day) in cases {
        let yard = Yard::with(settings).await;
        let day: jiff::Timestamp = day.parse().unwrap();
        yard.until(day - jiff::SignedDuration::from_hours(40));
        yard.born(KARI, "2004-02-29").await;
        yard.until(day - jiff::SignedDuration::from_hours(24));
        assert!(
            yard.day(&[Due::Birthday]).await.is_empty(),
            "{day}: not before"
        );
        yard.until(day);
        assert_eq!(whom(&yard.day(&[Due::Birthday]).await), [KARI], "{day}");
    }
}

#[tokio::test]
async fn a_birthday_without_a_year_is_one_all_the_same() {
    let yard = Yard::with(json!({})).await;
    let mut body = captured(&yard, KARI, "");
    body["birthday"] = json!(null);
    body["month"] = json!(5);
    body["day"] = json!(17);
    yard.hear("example", &body).await;
    yard.at("2026-05-17T13:00:00Z");
    assert_eq!(whom(&yard.day(&[Due::Birthday]).await), [KARI]);
}

#[tokio::test]
async fn an_anniversary_counts_its_years_and_is_none_on_day_zero() {
    let yard = Yard::with(json!({})).await;
    let mut body =
        json!({"topic": "loyalty/opt_in", "email": KARI, "customer": customer(&yard, KARI)});
    body["customer"]["loyalty_opt_in_date"] = json!("2026-03-20");
    yard.hear("example", &body).await;
    yard.at("2026-03-21T11:00:00Z");
    assert!(
        yard.day(&[Due::Anniversary]).await.is_empty(),
        "day zero was yesterday"
    );
    for (day, years) in [("2027-03-20T11:00:00Z", 1), ("2028-03-20T11:00:00Z", 2)] {
        yard.at(day);
        let told = yard.day(&[Due::Anniversary]).await;
        assert_eq!(whom(&told), [KARI]);
        assert_eq!(told[0]["detail"]["years"], years);
    }
}

#[tokio::test]
async fn gifts_fill_the_reward_and_the_perk_by_tier() {
    let yard = Yard::with(json!({"gifts": {"birthday": {
        "tiers": {"Gold": {"points": 500, "name": "500 points", "description": "From us", "amount": 0, "coupon": "GOLD-DAY"}},
        "others": {"coupon": "HAPPY-DAY", "name": "50 kr off"},
    }}}))
    .await;
    for (email, tier) in [(KARI, Some("Gold")), ("ola@example.com", None)] {
        let mut body = captured(&yard, email, "1990-05-17");
        body["customer"]["vip_tier_name"] = json!(tier);
        yard.hear("example", &body).await;
    }
    yard.at("2026-05-17T13:00:00Z");
    let mut told = yard.day(&[Due::Birthday]).await;
    told.sort_by_key(|told| told["to"].to_string());
    assert_eq!(
        told[0]["detail"],
        json!({
            "reward": {"code": "GOLD-DAY", "name": "500 points", "description": "From us", "amount": 0},
            "perk": {"id": null, "campaign_id": null, "points": 500, "title": "500 points"},
        })
    );
    assert_eq!(
        told[1]["detail"],
        json!({"reward": {"code": "HAPPY-DAY", "name": "50 kr off", "description": null, "amount": null}})
    );
}

#[tokio::test]
async fn whoever_left_or_was_erased_meanwhile_is_told_nothing() {
    let yard = Yard::with(json!({})).await;
    let people = ["left@example.com", "erased@example.com", KARI];
    for email in people {
        yard.born(email, "1990-05-17").await;
    }
    yard.at("2026-05-17T12:00:00Z");
    let left = json!({"topic": "loyalty/opt_out", "email": people[0], "customer": customer(&yard, people[0])});
    yard.hear("example", &left).await;
    let store = yard.world.store("example").await;
    let erased = Whom::Email(Email::parse(people[1]).unwrap());
    yard.world
        .eraser()
        .erase(&store, &erased, None)
        .await
        .unwrap();
    yard.at("2026-05-17T13:00:00Z");
    assert_eq!(whom(&yard.day(&[Due::Birthday]).await), [KARI]);
    assert_eq!(yard.listed(people[1], Kind::Birthday), None);
}

#[tokio::test]
async fn the_stores_zone_says_which_day_it_is() {
    let yard = Yard::with(json!({})).await;
    for (store, zone) in [
        ("auckland", "Pacific/Auckland"),
        ("honolulu", "Pacific/Honolulu"),
    ] {
        yard.put_store(store, json!({"time_zone": zone})).await;
        for day in ["1990-05-16", "1990-05-17", "1990-05-18"] {
            let email = format!("born-{}@example.com", &day[8..]);
            yard.hear(store, &captured(&yard, &email, day)).await;
        }
    }
    // 13:00 UTC is one o'clock of the next day in Auckland, and three o'clock in the morning in Honolulu.
    yard.at("2026-05-16T13:00:00Z");
    yard.emit(&[Due::Birthday]).await;
    let told = opened(&yard.inbox());
    let mut dates: Vec<(&str, &str)> = told
        .iter()
        .map(|tick| {
            (
                tick["on"].as_str().unwrap(),
                tick["whom"]["email"].as_str().unwrap(),
            )
        })
        .collect();
    dates.sort_unstable();
    assert_eq!(
        dates,
        [
            ("2026-05-16", "born-16@example.com"),
            // Auckland's 16th was over before anybody looked at it, and is caught up.
            ("2026-05-16", "born-16@example.com"),
            ("2026-05-17", "born-17@example.com"),
        ]
    );
}
