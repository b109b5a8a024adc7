//! Points that a store's `actions` book: once, whatever happens on the way.

use jiff::SignedDuration;
use serde_json::{Value, json};
use vendors::{Method, Outcome, Reason};

use super::{KARI, Site, count, earned, error, joined, member};
use crate::world::Does;

/// A store that books fifty points for each `points_earned` of Yotpo's; Kari has five hundred.
pub(super) async fn books() -> Site {
    let site = Site::with(json!({}), json!({"actions": {"points_earned": "100"}})).await;
    member(&site, KARI);
    site
}

/// Kari's delivery stands so, and so many points are there.
fn is_over(site: &Site, status: &str, points: &str, place: &str) {
    assert_eq!(site.delivery(KARI)["status"], status, "{place}");
    assert_eq!(site.points(KARI), points, "{place}");
    site.annex.check(place);
}

#[tokio::test]
async fn what_a_store_names_is_booked_once() {
    let site = books().await;
    site.hear(&earned(KARI, 1)).await;
    site.settle().await;
    is_over(&site, "sent", "550", "booked");
    assert_eq!(
        site.world.key(KARI, "points_available"),
        550,
        "and read back"
    );
    let held = site.annex.activity(KARI);
    assert_eq!([&held[0]["actionId"], &held[0]["credit"]], ["100", "50"]);
    for _ in 0..3 {
        site.hear(&earned(KARI, 1)).await;
        site.world.clock.advance(SignedDuration::from_hours(2));
        site.settle().await;
    }
    is_over(&site, "sent", "550", "repeated");
}

#[tokio::test]
async fn nothing_is_booked_that_the_store_does_not_name() {
    let site = Site::new().await;
    member(&site, KARI);
    site.hear(&earned(KARI, 1)).await;
    site.settle().await;
    assert_eq!(site.points(KARI), "500");
    assert_eq!(site.annex.bookings(), Vec::<Value>::new());
}

#[tokio::test]
async fn an_unanswered_booking_is_looked_up_and_never_made_twice() {
    for (name, failure, again) in [
        ("timeout after booking", Does::BooksInSilence, false),
        ("timeout before booking", Does::Breaks, true),
        ("5xx after booking", Does::BooksAndFails, false),
        ("5xx before booking", error(500, "AC1099"), true),
        ("AC1001", error(404, "AC1001"), true),
        (
            "HTML with a success",
            Does::Answers(200, json!("<html>")),
            true,
        ),
        (
            "a success of something else",
            Does::Answers(200, json!({"id": KARI})),
            true,
        ),
        ("AC1006", error(409, "AC1006"), true),
    ] {
        let site = books().await;
        site.annex.will(Method::Post, "/points", failure);
        site.hear(&earned(KARI, 1)).await;
        site.settle().await;
        is_over(&site, "sent", "550", name);
        let looks = count(&site.annex.calls(), Method::Get, "/activity");
        assert_eq!(looks, 1, "{name}");
        let bookings = site.annex.bookings();
        assert_eq!(
            bookings.len(),
            1 + usize::from(again),
            "{name}: {bookings:?}"
        );
        if again {
            assert_eq!(bookings[0]["orderId"], bookings[1]["orderId"], "{name}");
            assert_eq!(
                bookings[1]["retry"], true,
                "{name}: should the first arrive after all"
            );
        }
    }
}

#[tokio::test]
async fn a_booking_that_was_certainly_not_made_is_made_as_it_is() {
    for (name, failure) in [
        ("no connection", Does::Unreachable),
        ("429", Does::Asks(429, "20")),
        ("AC1002, once", error(401, "AC1002")),
        (
            "a wrong address",
            Does::Answers(404, json!("<html>Not Found</html>")),
        ),
    ] {
        let site = books().await;
        site.annex.will(Method::Post, "/points", failure);
        site.hear(&earned(KARI, 1)).await;
        site.settle().await;
        is_over(&site, "sent", "550", name);
        assert_eq!(
            count(&site.annex.calls(), Method::Get, "/activity"),
            0,
            "{name}"
        );
        let bookings = site.annex.bookings();
        assert!(bookings.iter().all(|one| one["retry"].is_null()), "{name}");
    }
}

#[tokio::test]
async fn a_first_request_that_arrives_after_the_look_is_not_booked_beside_the_second() {
    let site = books().await;
    site.annex
        .will(Method::Post, "/points", Does::BooksInSilence);
    // The look does not show it yet.
    let empty = Does::Answers(200, json!({"activity": []}));
    site.annex.will(Method::Get, "/activity", empty);
    site.hear(&earned(KARI, 1)).await;
    site.settle().await;
    is_over(&site, "sent", "550", "late");
    assert_eq!(site.annex.bookings().len(), 2);
}

#[tokio::test]
async fn what_the_activity_does_not_tell_is_a_persons_to_decide() {
    let row = |number: usize| json!({"orderId": format!("of the shop {number}"), "credit": "1"});
    for (name, activity) in [
        ("more pages", json!({"activity": [row(1)], "nextPage": "2"})),
        (
            "a larger total",
            json!({"Data": [row(1)], "totalRecords": 40}),
        ),
        ("two lists", json!({"earned": [row(1)], "spent": []})),
        ("no list", json!({"id": KARI})),
    ] {
        let site = books().await;
        site.annex
            .will(Method::Post, "/points", Does::BooksInSilence);
        site.annex
            .will(Method::Get, "/activity", Does::Answers(200, activity));
        site.hear(&earned(KARI, 1)).await;
        let outcomes = site.settle().await;
        assert!(
            outcomes.contains(&Outcome::Unconfirmed),
            "{name}: {outcomes:?}"
        );
        is_over(&site, "unconfirmed", "550", name);
        assert!(
            site.delivery(KARI)["wp"].is_string(),
            "{name}: it is listed"
        );
        // The source's own repeat changes nothing.
        site.hear(&earned(KARI, 1)).await;
        site.settle().await;
        is_over(&site, "unconfirmed", "550", name);
        assert_eq!(site.annex.bookings().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_look_that_fails_is_made_again() {
    for failure in [
        error(404, "AC1001"),
        Does::Answers(200, json!("<html>")),
        Does::Breaks,
        Does::Asks(429, "20"),
        error(401, "AC1002"),
    ] {
        let site = books().await;
        site.annex
            .will(Method::Post, "/points", Does::BooksInSilence);
        site.annex.will(Method::Get, "/activity", failure);
        site.hear(&earned(KARI, 1)).await;
        site.settle().await;
        is_over(&site, "sent", "550", "after a second look");
        assert_eq!(site.annex.bookings().len(), 1);
    }
}

#[tokio::test]
async fn what_annex_cloud_refuses_is_kept_for_a_person() {
    for (failure, reason) in [
        (error(400, "AC1004"), "invalid_value"),
        (error(400, "AC1007"), "refused"),
        (error(404, "AC1005"), "unknown_there"),
        (error(200, "AC1005"), "unknown_there"),
    ] {
        let site = books().await;
        site.annex.will(Method::Post, "/points", failure);
        site.hear(&earned(KARI, 1)).await;
        site.settle().await;
        is_over(&site, "rejected", "500", reason);
        assert_eq!(site.delivery(KARI)["reason"], reason);
    }
}

#[tokio::test]
async fn a_wrong_secret_parks_bookings_and_a_mended_one_drains_them() {
    let site = books().await;
    site.annex.credential("another");
    for perk in 1..=3 {
        site.hear(&earned(KARI, perk)).await;
    }
    let outcomes = site.world.push().await;
    let parked = Outcome::Parked(Reason::Unauthorized);
    assert_eq!(outcomes, [parked, parked, parked]);
    assert_eq!(
        site.annex.bookings().len(),
        2,
        "signed anew once, and no more"
    );
    assert_eq!(site.world.parked("example").await.len(), 3);
    // A long night.
    site.world.clock.advance(SignedDuration::from_hours(30));
    site.world.tend(&["example"]).await;
    assert_eq!(site.world.parked("example").await.len(), 3);
    site.key("another");
    site.settle().await;
    assert_eq!(site.world.parked("example").await.len(), 0);
    assert_eq!(site.points(KARI), "650", "old news is booked all the same");
    site.annex.check("drained");
}

#[tokio::test]
async fn an_outage_of_hours_books_each_once() {
    let site = books().await;
    for perk in 1..=4 {
        site.hear(&earned(KARI, perk)).await;
        site.annex
            .will(Method::Post, "/points", Does::BooksAndFails);
        site.annex
            .will(Method::Get, "/activity", error(500, "AC1001"));
        site.annex.will(Method::Get, "/activity", Does::Breaks);
        site.world.push().await;
        site.world.clock.advance(SignedDuration::from_mins(40));
    }
    site.settle().await;
    assert_eq!(site.points(KARI), "700");
    site.annex.check("after the outage");
}

#[tokio::test]
async fn who_left_the_programme_earns_nothing_by_an_action() {
    let site = books().await;
    let mut left = joined(KARI);
    left["topic"] = json!("loyalty/opt_out");
    left["customer"]["is_opt_in"] = json!(false);
    site.hear(&left).await;
    site.hear(&earned(KARI, 1)).await;
    site.settle().await;
    assert_eq!(site.points(KARI), "500");
}

#[tokio::test]
async fn a_booking_under_an_earlier_id_is_found_under_it() {
    let site = books().await;
    let news = |email: &str, perk: i64| {
        let mut news = earned(email, perk);
        news["customer"]["third_party_id"] = json!("c-1");
        news["customer"]["last_seen_at"] = json!(format!("2026-03-19T{perk:02}:00:00.000Z"));
        news
    };
    site.annex
        .will(Method::Post, "/points", Does::BooksInSilence);
    site.hear(&news(KARI, 1)).await;
    site.world.push().await;
    let held = site.world.hold();
    site.world.clock.advance(SignedDuration::from_mins(5));
    // Before anybody looks, the person has another address, and Annex Cloud knows them by the old one alone.
    site.hear(&news("kari.berg@example.com", 2)).await;
    site.settle().await;
    site.world.bring_back(held);
    site.settle().await;
    site.annex.check("renamed");
    let first = site.annex.bookings()[0]["orderId"].clone();
    let rows = site.annex.activity(KARI);
    let own = rows.iter().filter(|row| row["orderId"] == first);
    assert_eq!(own.count(), 1, "{rows:?}");
}

#[tokio::test]
async fn a_booking_for_somebody_who_has_a_second_id_is_found_under_the_first() {
    let site = books().await;
    site.annex.order("/members-gone", json!({"id": KARI}));
    let user = json!({"email": KARI});
    for id in ["b-1", "a-1"] {
        site.annex
            .person(id, user.clone(), &Value::Null, &Value::Null);
        site.hint(&json!({"data": {"userId": id}})).await.unwrap();
        site.read().await;
        if id == "b-1" {
            site.annex
                .will(Method::Post, "/points", Does::BooksInSilence);
            site.hear(&earned(KARI, 1)).await;
            site.world.push().await;
        }
    }
    site.settle().await;
    site.annex.check("two ids");
    assert_eq!(
        [site.points("b-1"), site.points("a-1")],
        [json!("50"), Value::Null]
    );
    assert_eq!(site.delivery(KARI)["status"], "sent");
}

#[tokio::test]
async fn what_nobody_knows_there_is_listed_and_not_made_up() {
    let site = books().await;
    site.hear(&earned("ola@example.com", 1)).await;
    site.settle().await;
    let row = site.delivery("ola@example.com");
    assert_eq!(
        [&row["status"], &row["reason"]],
        ["rejected", "unknown_there"]
    );
    assert_eq!(site.annex.people(), [KARI]);
}

#[tokio::test]
async fn two_pushers_at_once_book_each_once() {
    for failure in [None, Some(Does::BooksInSilence), Some(Does::BooksAndFails)] {
        let site = books().await;
        for perk in 1..=3 {
            site.hear(&earned(KARI, perk)).await;
        }
        if let Some(failure) = failure {
            site.annex.will(Method::Post, "/points", failure);
        }
        // The queue hands every message out twice, to both of them.
        let bodies = site.world.queue.take(crate::world::RULE_QUEUE);
        let outcomes = site.at_once(&bodies, &bodies).await;
        site.world.bring_back(bodies);
        site.settle().await;
        assert_eq!(site.points(KARI), "650", "{outcomes:?}");
        site.annex.check("two pushers");
    }
}
