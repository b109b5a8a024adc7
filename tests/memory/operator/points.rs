//! `adjust_points`: within what the store allows, written down first, and booked once for each order.

use std::sync::Arc;

use ::operator::Operator;
use jiff::SignedDuration;
use serde_json::{Value, json};
use vendors::Method;

use super::{DISTURBANCES, audited, disturb, done, faults, operator};
use crate::{
    annexcloud::{KARI, Site, error, member},
    fuse::{Fuse, Fused},
    members::whom,
    world::{Does, RULE_QUEUE},
};

/// A store that books points for Kari, who has five hundred, and its operator.
async fn set(settings: Value) -> (Site, Operator) {
    let site = Site::with(json!({}), settings).await;
    member(&site, KARI);
    site.hint(&json!({"data": {"userId": KARI}})).await.unwrap();
    site.read().await;
    let mut operator = operator(&site.world);
    operator.queues = [("annexcloud".to_owned(), RULE_QUEUE.to_owned())].into();
    (site, operator)
}

fn order(more: &Value) -> Value {
    let mut command = json!({
        "command": "adjust_points", "store": "example", "email": KARI, "by": "ola",
        "why": "her parcel came a week late", "confirm": true,
    });
    for (key, value) in more.as_object().unwrap() {
        command[key] = value.clone();
    }
    command
}

fn award(points: u32) -> Value {
    order(&json!({"what": "award", "points": points}))
}

/// How the only delivery of an answer stands.
fn stands(site: &Site, answer: &Value) -> String {
    let delivery = answer["delivery"].as_str().unwrap();
    let row = site
        .world
        .row(KARI, &format!("DELIVERY#{delivery}#annexcloud"));
    row["status"].as_str().unwrap().to_owned()
}

fn used(site: &Site) -> Value {
    let rows = site.world.partition("STORE#example");
    let mut days = rows
        .into_iter()
        .filter(|row| row["sk"].as_str().unwrap().starts_with("POINTS#"));
    days.next().map_or(json!(0), |row| {
        assert!(row["ttl"].as_i64().unwrap() > 0);
        row["sum"].clone()
    })
}

#[tokio::test]
async fn each_of_the_five_orders_is_booked() {
    let usual = json!({"default_action": "7", "default_reward": "31", "redeem_in": "store"});
    for (settings, what, points, booked) in [
        (
            json!({}),
            json!({"what": "award", "points": 50}),
            "550",
            json!({"activity": "CREDIT", "credit": "50"}),
        ),
        (
            usual.clone(),
            json!({"what": "award", "points": 50}),
            "550",
            json!({"activity": "CREDIT", "credit": "50", "actionId": "7"}),
        ),
        (
            json!({}),
            json!({"what": "deduct", "points": 20, "action": "100"}),
            "480",
            json!({"activity": "DEBIT", "debit": "20", "actionId": "100"}),
        ),
        (
            usual.clone(),
            json!({"what": "redeem", "points": 300}),
            "200",
            json!({"activity": "DEBIT", "debit": "300", "source": "store"}),
        ),
        (
            usual.clone(),
            json!({"what": "reward"}),
            "460",
            json!({"activity": "DEBIT", "rewardId": "31", "source": "store"}),
        ),
        (
            usual,
            json!({"what": "action", "action": "100"}),
            "550",
            json!({"activity": "CREDIT", "actionId": "100"}),
        ),
    ] {
        let (site, operator) = set(settings).await;
        let answer = done(&operator, order(&what)).await;
        site.settle().await;
        assert_eq!(site.points(KARI), points, "{what}");
        assert_eq!(stands(&site, &answer), "sent");
        let mut sent = site.annex.bookings().remove(0);
        assert_eq!(sent["reason"], "her parcel came a week late");
        assert_eq!(sent["orderId"], answer["delivery"]);
        for key in ["reason", "orderId", "id"] {
            sent.as_object_mut().unwrap().remove(key);
        }
        assert_eq!(sent, booked, "{what}");
        let read = site.world.key(KARI, "points_available");
        assert_eq!(read.to_string(), points, "what was booked is read back");
    }
}

#[tokio::test]
async fn what_cannot_be_booked_is_refused_before_anything_happens() {
    let (site, operator) = set(json!({"max_points_per_call": 100})).await;
    let long = "w".repeat(201);
    for (command, expected) in [
        (order(&json!({})), vec!["what"]),
        (order(&json!({"what": "gift", "points": 5})), vec!["what"]),
        (order(&json!({"what": "award"})), vec!["points"]),
        (award(0), vec!["points"]),
        (award(101), vec!["points"]),
        (
            order(&json!({"what": "redeem", "points": 101})),
            vec!["points"],
        ),
        (
            order(&json!({"what": "award", "points": -5})),
            vec!["points"],
        ),
        (
            order(&json!({"what": "award", "points": "5"})),
            vec!["points"],
        ),
        (
            order(&json!({"what": "award", "points": 5, "reward": "31"})),
            vec!["reward"],
        ),
        (
            order(&json!({"what": "redeem", "points": 5, "action": "7"})),
            vec!["action"],
        ),
        (
            order(&json!({"what": "reward", "points": 5, "reward": "31"})),
            vec!["points"],
        ),
        (
            order(&json!({"what": "reward", "reward": "31", "action": "7"})),
            vec!["action"],
        ),
        (
            order(&json!({"what": "action", "points": 5, "action": "7"})),
            vec!["points"],
        ),
        (order(&json!({"what": "action"})), vec!["action"]),
        (order(&json!({"what": "reward"})), vec!["reward"]),
        (
            order(&json!({"what": "award", "points": 5, "why": null})),
            vec!["why"],
        ),
        (
            order(&json!({"what": "award", "points": 5, "why": long})),
            vec!["why"],
        ),
        (
            order(&json!({"what": "award", "points": 5, "confirm": false, "by": null})),
            vec!["by", "confirm"],
        ),
        (
            order(&json!({"what": "award", "points": 5, "email": "ola@example.com"})),
            vec!["email"],
        ),
        (
            order(&json!({"what": "award", "points": 5, "id": "x"})),
            vec!["email"],
        ),
        (
            order(&json!({"what": "award", "points": 5, "store": "another"})),
            vec!["store"],
        ),
    ] {
        assert_eq!(
            faults(&operator, command.clone()).await,
            expected,
            "{command}"
        );
    }
    assert!(audited(&site.world).is_empty());
    assert_eq!(used(&site), 0);
    site.settle().await;
    assert_eq!(site.annex.bookings(), Vec::<Value>::new());
}

#[tokio::test]
async fn a_store_or_a_stack_without_annex_cloud_books_nothing() {
    let (site, mut operator) = set(json!({})).await;
    operator.queues.clear();
    assert_eq!(faults(&operator, award(5)).await, ["store"]);
    site.world.put_store("plain", json!({})).await;
    let plain = order(&json!({"what": "award", "points": 5, "store": "plain"}));
    assert_eq!(faults(&operator, plain).await, ["store"]);
}

#[tokio::test]
async fn who_ordered_what_and_why_is_written_down_without_an_address() {
    let (site, operator) = set(json!({})).await;
    let answer = done(&operator, award(50)).await;
    assert!(!answer.to_string().contains("@example.com"), "{answer}");
    let audited = audited(&site.world);
    let (command, what) = &audited[0];
    assert_eq!((audited.len(), command.as_str()), (1, "adjust_points"));
    let what: Value = serde_json::from_str(what).unwrap();
    assert_eq!(what["order"], json!({"award": {"points": 50}}));
    assert_eq!(what["delivery"], answer["delivery"]);
    assert_eq!(what["member"], answer["member"]);
    // Where it cannot be written down, nothing is done.
    site.world.table.down(true);
    let refused = faults(&operator, award(50)).await;
    assert_eq!(refused.len(), 1);
    site.world.table.down(false);
    site.settle().await;
    assert_eq!(site.points(KARI), "550");
}

#[tokio::test]
async fn a_second_order_of_the_same_is_a_second_booking_and_a_second_message_is_not() {
    let (site, operator) = set(json!({})).await;
    done(&operator, award(50)).await;
    done(&operator, award(50)).await;
    // The queue hands the same messages out once more.
    let bodies = site.world.queue.take(RULE_QUEUE);
    assert_eq!(bodies.len(), 2);
    for _ in 0..3 {
        site.world.bring_back(bodies.clone());
        site.settle().await;
        site.world.clock.advance(SignedDuration::from_hours(1));
    }
    assert_eq!(site.points(KARI), "600");
    assert_eq!(site.annex.bookings().len(), 2);
    site.annex.check("repeated messages");
}

#[tokio::test]
async fn one_day_has_its_limit_and_the_next_one_its_own() {
    let limits =
        json!({"max_points_per_call": 100, "max_points_per_day": 250, "default_action": "7"});
    let (site, operator) = set(limits).await;
    let answer = done(&operator, award(100)).await;
    assert_eq!(answer["left_today"], 150);
    let taken = done(&operator, order(&json!({"what": "deduct", "points": 60}))).await;
    assert_eq!(taken["left_today"], 90, "what is taken counts too");
    // An action counts as much as one order may, because nobody here knows its worth.
    let action = order(&json!({"what": "action"}));
    assert_eq!(faults(&operator, action.clone()).await, ["points"]);
    assert_eq!(faults(&operator, award(91)).await, ["points"]);
    assert_eq!(done(&operator, award(90)).await["left_today"], 0);
    assert_eq!(faults(&operator, award(1)).await, ["points"]);
    site.world.clock.advance(SignedDuration::from_hours(13));
    assert_eq!(
        done(&operator, action).await["left_today"],
        150,
        "the next UTC day"
    );
}

#[tokio::test]
async fn two_people_who_order_at_once_do_not_pass_together() {
    for points in [60, 100] {
        let limits = json!({"max_points_per_call": 100, "max_points_per_day": 100});
        let (site, operator) = set(limits).await;
        let (one, other) = tokio::join!(
            operator.answer(award(points)),
            operator.answer(award(points))
        );
        let passed = [&one, &other]
            .iter()
            .filter(|answer| answer["ok"] == true)
            .count();
        assert_eq!(passed, 1, "{one} {other}");
        assert_eq!(used(&site), points);
    }
}

#[tokio::test]
async fn what_the_queue_does_not_take_is_given_back() {
    let (site, mut operator) = set(json!({"max_points_per_day": 1_000})).await;
    let fuse = Arc::new(Fuse::default());
    fuse.arm(1, false);
    let inner = site.world.queue.clone();
    let takes = std::mem::replace(&mut operator.queue, Arc::new(Fused { fuse, inner }));
    assert_eq!(faults(&operator, award(600)).await, ["queue"]);
    assert_eq!(used(&site), 0);
    operator.queue = takes;
    assert_eq!(done(&operator, award(600)).await["left_today"], 400);
    site.settle().await;
    assert_eq!(site.points(KARI), "1100");
}

#[tokio::test]
async fn an_order_that_is_disturbed_anywhere_is_made_once_or_not_at_all() {
    for disturbance in DISTURBANCES {
        for k in 1.. {
            let place = format!("call {k}, {disturbance:?}");
            let (site, operator) = set(json!({})).await;
            site.world.store("example").await;
            disturb(&site.world, k, disturbance);
            let answer = operator.answer(award(50)).await;
            let reached = site.world.fuse.reached();
            site.world.fuse.mend();
            site.settle().await;
            let booked = site.annex.bookings().len();
            site.annex.check(&place);
            assert!(booked <= 1, "{place}");
            if answer["ok"] == true {
                assert_eq!(booked, 1, "{place}");
            }
            if booked == 1 {
                // A queue may take what it does not say that it took.
                let unheard = answer["faults"][0]["path"] == "queue";
                assert!(
                    unheard || used(&site) == 50,
                    "{place}: what is booked counts"
                );
                assert_eq!(
                    audited(&site.world).len(),
                    1,
                    "{place}: and is written down"
                );
            }
            if reached < k {
                assert!(k > 4, "an order makes more calls than that");
                break;
            }
        }
    }
}

#[tokio::test]
async fn an_order_shows_in_the_members_story_and_is_replayed() {
    let (site, operator) = set(json!({})).await;
    site.annex
        .will(Method::Post, "/points", error(400, "AC1007"));
    let answer = done(&operator, award(50)).await;
    site.settle().await;
    assert_eq!(stands(&site, &answer), "rejected");
    let story = json!({"command": "member", "store": "example", "email": KARI});
    let story = done(&operator, story).await;
    let line = &story["destinations"]["annexcloud"]["deliveries"][0];
    assert_eq!(
        [&line["delivery"], &line["reason"]],
        [&answer["delivery"], &json!("refused")]
    );
    let list = json!({"command": "rejected", "store": "example", "destination": "annexcloud"});
    assert_eq!(
        done(&operator, list).await["items"][0]["kind"],
        "points_ordered"
    );
    let replay = json!({
        "command": "replay", "store": "example", "destination": "annexcloud", "by": "ola", "why": "mended",
        "delivery": answer["delivery"],
    });
    done(&operator, replay).await;
    site.settle().await;
    assert_eq!(
        (site.points(KARI), stands(&site, &answer)),
        (json!("550"), "sent".to_owned())
    );
}

#[tokio::test]
async fn an_unconfirmed_order_is_replayed_as_a_retry() {
    for (failure, name) in [
        (Does::BooksInSilence, "booked"),
        (Does::Breaks, "not booked"),
    ] {
        let (site, operator) = set(json!({})).await;
        site.annex.will(Method::Post, "/points", failure);
        let unclear = Does::Answers(200, json!({"activity": [], "nextPage": "2"}));
        site.annex.will(Method::Get, "/activity", unclear);
        let answer = done(&operator, award(50)).await;
        site.settle().await;
        assert_eq!(stands(&site, &answer), "unconfirmed");
        let replay = json!({
            "command": "replay", "store": "example", "destination": "annexcloud", "by": "ola", "why": "not there",
            "delivery": answer["delivery"], "confirm": true,
        });
        done(&operator, replay).await;
        site.settle().await;
        assert_eq!(stands(&site, &answer), "sent");
        assert_eq!(site.points(KARI), "550", "{name}");
        assert_eq!(site.annex.bookings()[1]["retry"], true);
    }
}

#[tokio::test]
async fn an_order_for_somebody_who_left_is_booked_and_for_the_erased_it_is_not() {
    let (site, operator) = set(json!({})).await;
    let mut left = crate::annexcloud::joined(KARI);
    left["topic"] = json!("loyalty/opt_out");
    left["customer"]["is_opt_in"] = json!(false);
    site.hear(&left).await;
    done(&operator, award(50)).await;
    site.settle().await;
    assert_eq!(site.points(KARI), "550");
    done(&operator, award(50)).await;
    let store = site.world.store("example").await;
    let eraser = site.world.eraser();
    eraser.erase(&store, &whom(KARI), None).await.unwrap();
    site.settle().await;
    assert_eq!(site.points(KARI), "550");
    assert_eq!(faults(&operator, award(5)).await, ["email"]);
}

#[tokio::test]
async fn an_order_that_a_person_wanted_quiet_is_not_booked() {
    let (site, operator) = set(json!({})).await;
    let pause = json!({
        "command": "pause", "store": "example", "destination": "annexcloud", "by": "ola", "why": "audit",
    });
    done(&operator, pause).await;
    done(&operator, award(50)).await;
    site.world.push().await;
    assert_eq!(site.world.parked("example").await.len(), 1);
    site.world.clock.advance(SignedDuration::from_mins(1));
    let resume = json!({
        "command": "resume", "store": "example", "destination": "annexcloud", "by": "ola", "why": "over", "then": "quiet",
    });
    done(&operator, resume).await;
    site.settle().await;
    assert_eq!(site.world.parked("example").await.len(), 0);
    assert_eq!(site.points(KARI), "500");
    let rows = site.world.rows(KARI);
    let booked = rows
        .iter()
        .filter(|row| row["sk"].as_str().unwrap().starts_with("DELIVERY#"));
    assert_eq!(booked.count(), 0, "and it does not stand there as sent");
}
