//! Trouble that lasts: lines close, work is parked, probes find out, and what waited is sent, oldest first.

use delivery::{Account, Pause, State, Then};
use jiff::SignedDuration;
use platform::Deadline;
use serde_json::{Value, json};
use vendors::{Outcome, Reason, rule::Rule};

use crate::world::{Does, World, body, value};

const KARI: &str = "kari@example.com";

/// Points earned by somebody, so that each event has a member of its own.
fn earned(email: &str, number: usize) -> Value {
    let mut body = body("points_earned.json");
    body["email"] = json!(email);
    body["customer"]["email"] = json!(email);
    // One id is one person, whatever their address.
    body["customer"]["third_party_id"] = json!(email);
    body["customer"]["points_balance"] = json!(number);
    body["perk"]["id"] = json!(10_000 + number);
    body
}

fn refusal() -> Does {
    Does::Answers(401, json!({"error": "NotAuthorized"}))
}

async fn account(world: &World, store: &str) -> Account {
    let store = loyalty::StoreId::parse(store).unwrap();
    Account::of(&Rule, &world.pusher.stores.get(&store).await.unwrap())
}

async fn state(world: &World, store: &str) -> State {
    let account = account(world, store).await;
    world.pusher.lines.get(&account).await.unwrap().state
}

fn reason(state: &State) -> Option<Reason> {
    match state {
        State::Open => None,
        State::Closed { cause, .. } | State::Probing { cause, .. } => Some(*cause),
    }
}

fn pause() -> Pause {
    Pause {
        by: "somebody".to_owned(),
        why: "a campaign".to_owned(),
        since: 0,
        until: None,
    }
}

/// Balances in the order in which the vendor was told them with an automation.
fn started(world: &World) -> Vec<String> {
    let writes = world.vendor.writes();
    let starts = writes.iter().filter(|write| write["automation"] != false);
    starts
        .map(|write| value(write, "Yotpo.PointsBalance").unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_wrong_key_for_twenty_days_costs_nothing() {
    let world = World::new().await;
    world.vendor.always(Some(refusal()));
    for day in 0..20 {
        for hour in 0..4 {
            let number = day * 4 + hour;
            let email = format!("member-{}@example.com", number % 7);
            world.record(&earned(&email, 1_000 + number)).await.unwrap();
            let outcomes = world.push().await;
            assert!(
                outcomes
                    .iter()
                    .all(|outcome| matches!(outcome, Outcome::Parked(_))),
                "{outcomes:?}"
            );
            assert!(!world.is_waiting(), "nothing stays on the queue");
            for _ in 0..72 {
                world.clock.advance(SignedDuration::from_mins(5));
                world.tend(&["example"]).await;
            }
        }
    }
    assert_eq!(
        reason(&state(&world, "example").await),
        Some(Reason::Unauthorized)
    );
    assert_eq!(world.parked("example").await.len(), 80);
    // A probe an hour is all that the vendor sees of it.
    let calls = world.vendor.writes().len();
    assert!((470..=500).contains(&calls), "{calls} calls in 480 hours");

    world.vendor.always(None);
    world.clock.advance(SignedDuration::from_hours(1));
    let tended = world.tend(&["example"]).await;
    assert_eq!((tended.closed, tended.parked), (0, 0));
    assert_eq!(state(&world, "example").await, State::Open);
    for member in 0..7 {
        let email = format!("member-{member}@example.com");
        let newest = (0..80).filter(|number| number % 7 == member).max().unwrap();
        assert_eq!(
            world.vendor.field(&email, "Yotpo.PointsBalance"),
            Some((1_000 + newest).to_string())
        );
    }
    assert_eq!(world.vendor.backwards(), 0);
    // Points earned start nothing after a week; each event is in the books all the same.
    let kept = 7 * 4;
    let sent = world.vendor.started().len();
    assert!(
        (kept - 4..=kept + 1).contains(&sent),
        "{sent} mails of the last week"
    );
}

#[tokio::test]
async fn what_hinders_us_is_no_failure_of_the_vendor() {
    let world = World::new().await;
    world.vendor.always(Some(refusal()));
    world.record(&earned(KARI, 1)).await.unwrap();
    world.push().await;
    world.vendor.always(None);
    world.clock.advance(SignedDuration::from_mins(10));
    let wait = |state: State| match state {
        State::Closed { wait_s, .. } => Some(wait_s),
        _ => None,
    };
    let before = wait(state(&world, "example").await);
    assert!(before.is_some());
    let stores = [world.store("example").await];
    let calls = world.vendor.writes().len();
    for _ in 0..4 {
        // Too little of the round is left for a call.
        let soon = Deadline::after(SignedDuration::from_secs(1), &*world.clock);
        let tended = world.pusher.tend(&stores, soon).await.unwrap();
        assert_eq!((tended.closed, tended.parked), (1, 1));
        assert_eq!(wait(state(&world, "example").await), before);
        world.clock.advance(SignedDuration::from_mins(5));
    }
    assert_eq!(world.vendor.writes().len(), calls, "nobody was asked");
    let tended = world.tend(&["example"]).await;
    assert_eq!((tended.closed, tended.parked), (0, 0));
}

#[tokio::test]
async fn an_outage_closes_the_line_after_ten_failures_and_a_probe_opens_it() {
    let world = World::new().await;
    world.vendor.always(Some(Does::Answers(503, json!({}))));
    for number in 0..30 {
        let email = format!("member-{number}@example.com");
        world.record(&earned(&email, number)).await.unwrap();
    }
    for _ in 0..4 {
        world.push().await;
    }
    assert_eq!(
        reason(&state(&world, "example").await),
        Some(Reason::VendorError)
    );
    let calls = world.vendor.writes().len();
    assert!(calls < 20, "{calls} calls before the line was closed");
    assert!(!world.parked("example").await.is_empty());

    world.vendor.always(None);
    world.settle().await;
    assert_eq!(state(&world, "example").await, State::Open);
    assert_eq!(world.vendor.started().len(), 30, "one mail for each");
}

#[tokio::test]
async fn four_errors_in_ten_close_the_line_before_rule_blocks_it() {
    let world = World::new().await;
    for number in 0..120 {
        let email = format!("member-{number}@example.com");
        world.record(&earned(&email, number)).await.unwrap();
    }
    // Every other call is refused for good, so nothing is a failure of the vendor's.
    for number in 0..120 {
        world.vendor.will(if number % 2 == 0 {
            Does::Answers(400, json!({"error": "BadRequest"}))
        } else {
            Does::Books
        });
    }
    for _ in 0..12 {
        world.push().await;
    }
    assert_eq!(
        reason(&state(&world, "example").await),
        Some(Reason::ErrorShare)
    );
    let calls = world.vendor.writes().len();
    assert!(
        (50..=70).contains(&calls),
        "{calls} calls: enough to know, few enough not to be blocked"
    );
}

#[tokio::test]
async fn one_stores_trouble_is_its_own() {
    let world = World::new().await;
    for store in ["refused", "throttled"] {
        world.put_store(store, json!({})).await;
    }
    for store in ["refused", "throttled", "example"] {
        for number in 0..3 {
            let email = format!("{store}-{number}@example.com");
            let delivery = world.delivery(store, earned(&email, number).to_string().as_bytes());
            world.clock.advance(SignedDuration::from_millis(1));
            world
                .recorder
                .record(vec![delivery])
                .await
                .remove(0)
                .unwrap();
        }
    }
    world.vendor.answers_to("refused", refusal());
    world.vendor.answers_to("throttled", Does::Asks(429, "300"));
    let outcomes = world.push().await;
    let named = |name: &str| {
        outcomes
            .iter()
            .filter(|outcome| outcome.name() == name)
            .count()
    };
    assert_eq!(
        (named("parked"), named("throttled"), named("sent")),
        (3, 3, 3),
        "{outcomes:?}"
    );
    assert_eq!(
        reason(&state(&world, "refused").await),
        Some(Reason::Unauthorized)
    );
    assert_eq!(state(&world, "throttled").await, State::Open);
    let asked = world.vendor.writes().len();

    // Until its time is over, the one that was asked to wait is not called at all, and the others are.
    world.clock.advance(SignedDuration::from_secs(200));
    let email = "example-9@example.com";
    world.record(&earned(email, 9)).await.unwrap();
    let delivery = world.delivery(
        "throttled",
        earned("throttled-9@example.com", 9).to_string().as_bytes(),
    );
    world
        .recorder
        .record(vec![delivery])
        .await
        .remove(0)
        .unwrap();
    let outcomes = world.push().await;
    assert_eq!(outcomes.len(), 2);
    assert_eq!(world.vendor.writes().len(), asked + 1);
    assert_eq!(
        world.vendor.field(email, "Yotpo.PointsBalance"),
        Some("9".to_owned())
    );
}

#[tokio::test]
async fn newer_news_waits_behind_what_is_parked() {
    let world = World::new().await;
    let account = account(&world, "example").await;
    world.pusher.lines.pause(&account, pause()).await.unwrap();
    world.record(&body("coupon_awarded.json")).await.unwrap();
    assert_eq!(world.push().await, [Outcome::Parked(Reason::Paused)]);
    // The line is open again, but this person's coupon has not been sent yet.
    world
        .pusher
        .lines
        .resume(&account, Then::Send)
        .await
        .unwrap();
    world.record(&earned(KARI, 77)).await.unwrap();
    world.record(&earned("other@example.com", 5)).await.unwrap();
    let outcomes = world.push().await;
    assert!(
        outcomes.contains(&Outcome::Parked(Reason::WaitsBehind)),
        "{outcomes:?}"
    );
    assert!(
        outcomes.contains(&Outcome::Sent),
        "others go on: {outcomes:?}"
    );

    world.clock.advance(SignedDuration::from_mins(5));
    world.tend(&["example"]).await;
    let events: Vec<Value> = world
        .rows(KARI)
        .into_iter()
        .filter(|row| row["sk"].as_str().unwrap().starts_with("DELIVERY#"))
        .collect();
    assert_eq!(events.len(), 2);
    assert!(events.iter().all(|row| row["status"] == "sent"));
    let tags: Vec<Value> = world
        .vendor
        .writes()
        .iter()
        .filter(|write| write["subscribers"]["email"] == KARI)
        .map(|write| write["tags"][0].clone())
        .collect();
    assert_eq!(tags, ["CouponAwarded", "PointsEarned"], "in order");
    assert!(
        world.row(KARI, "SYNC#").get("waiting").is_none(),
        "and then nothing waits"
    );

    // What comes now goes at once.
    world.record(&earned(KARI, 78)).await.unwrap();
    assert_eq!(world.push().await, [Outcome::Sent]);
}

#[tokio::test]
async fn a_pause_bites_within_ten_sends_and_has_three_ways_out() {
    for (then, mails, newest) in [
        (Then::Send, 40, true),
        (Then::Quiet, 0, true),
        (Then::Drop, 0, false),
    ] {
        let world = World::new().await;
        let account = account(&world, "example").await;
        for number in 0..60 {
            let email = format!("member-{number}@example.com");
            world.record(&earned(&email, 1_000 + number)).await.unwrap();
        }
        world.push().await;
        world.push().await;
        assert_eq!(started(&world).len(), 20);
        // Somebody else's process pauses the line.
        let desk = delivery::Lines::new(world.table.clone(), world.clock.clone());
        desk.pause(&account, pause()).await.unwrap();
        while world.is_waiting() {
            world.push().await;
        }
        let before = started(&world).len();
        assert!(before <= 30, "{before} sends");
        assert_eq!(world.parked("example").await.len(), 60 - before);
        // Upkeep leaves a pause alone.
        world.clock.advance(SignedDuration::from_mins(5));
        let tended = world.tend(&["example"]).await;
        assert_eq!((tended.closed, started(&world).len()), (1, before));

        assert!(desk.resume(&account, then).await.unwrap().0);
        world.clock.advance(SignedDuration::from_mins(5));
        let tended = world.tend(&["example"]).await;
        assert_eq!((tended.closed, tended.parked), (0, 0), "{then:?}");
        let after = started(&world).len() - before;
        assert_eq!(after > 0, mails > 0, "{then:?}: {after}");
        assert_eq!(
            world
                .vendor
                .field("member-59@example.com", "Yotpo.PointsBalance")
                .is_some(),
            newest,
            "{then:?}"
        );
        // What comes after the pause is news like any other, and brings the picture.
        world
            .record(&earned("member-59@example.com", 5_000))
            .await
            .unwrap();
        assert_eq!(world.push().await, [Outcome::Sent], "{then:?}");
        assert_eq!(
            world
                .vendor
                .field("member-59@example.com", "Yotpo.PointsBalance"),
            Some("5000".to_owned())
        );
    }
}

#[tokio::test]
async fn a_pause_ends_by_itself_when_it_has_an_end() {
    let world = World::new().await;
    let account = account(&world, "example").await;
    let until = world.now_micros() + 600_000_000;
    let ends = Pause {
        until: Some(until),
        ..pause()
    };
    world.pusher.lines.pause(&account, ends).await.unwrap();
    world.record(&earned(KARI, 1)).await.unwrap();
    assert_eq!(world.push().await, [Outcome::Parked(Reason::Paused)]);
    world.clock.advance(SignedDuration::from_mins(11));
    world.tend(&["example"]).await;
    assert_eq!(started(&world), ["1"]);
}

#[tokio::test]
async fn an_account_is_never_called_faster_than_its_pace() {
    let world = World::new().await;
    for number in 0..400 {
        let email = format!("member-{number}@example.com");
        world.record(&earned(&email, number)).await.unwrap();
    }
    let begin = world.now_micros();
    let mut calls = Vec::new();
    loop {
        world.push().await;
        calls.resize(world.vendor.writes().len(), world.now_micros() - begin);
        if !world.is_waiting() {
            break;
        }
        world.wait_for_next();
    }
    assert_eq!(calls.len(), 400);
    for (number, at) in (0_i64..).zip(&calls) {
        // 200 at once, then 2.5 a second; what one process takes ahead it waits for.
        let earliest = (number - 209) * 400_000;
        assert!(
            *at >= earliest,
            "call {number} at {at} µs, not before {earliest}"
        );
    }
    let last = *calls.last().unwrap();
    assert!(last < 120_000_000, "and the pace is used: {last} µs");
}

#[tokio::test]
async fn what_comes_again_while_it_is_parked_is_sent_once() {
    let world = World::new().await;
    let account = account(&world, "example").await;
    world.pusher.lines.pause(&account, pause()).await.unwrap();
    let coupon = body("coupon_awarded.json");
    world.record(&coupon).await.unwrap();
    world.push().await;
    world
        .pusher
        .lines
        .resume(&account, Then::Send)
        .await
        .unwrap();
    // The delivery comes again, once before its parked message is sent and once after.
    world.record(&coupon).await.unwrap();
    assert_eq!(world.push().await, [Outcome::Parked(Reason::WaitsBehind)]);
    world.clock.advance(SignedDuration::from_mins(5));
    world.tend(&["example"]).await;
    world.record(&coupon).await.unwrap();
    assert_eq!(world.push().await, [Outcome::Skipped(Reason::Repeat)]);
    assert_eq!(world.vendor.started().len(), 1);
    assert!(world.parked("example").await.is_empty());
}

#[tokio::test]
async fn a_crash_anywhere_between_parking_and_sending_loses_nothing_and_repeats_nothing() {
    let mut crashes = 0;
    for effect_happens in [false, true] {
        for k in 1.. {
            let world = World::new().await;
            world.vendor.always(Some(refusal()));
            world.record(&body("coupon_awarded.json")).await.unwrap();
            world.record(&earned(KARI, 77)).await.unwrap();
            world.fuse.arm(k, effect_happens);
            let (_, stopped_parking) = world.push_counted().await;
            world.settle_queue().await;
            let left = k.saturating_sub(world.fuse.reached());
            world.vendor.always(None);
            world.clock.advance(SignedDuration::from_mins(5));
            let mut stopped = stopped_parking;
            if !stopped_parking && left > 0 {
                world.fuse.arm(left, effect_happens);
                let _ = world.try_tend(&["example"]).await;
                stopped = world.fuse.mend();
                // Whoever stopped held a lease; it runs out.
                world.clock.advance(SignedDuration::from_mins(10));
            }
            world.settle().await;
            for row in world.rows(KARI) {
                let sk = row["sk"].as_str().unwrap().to_owned();
                assert!(!sk.starts_with("PARKED#"), "call {k}: {sk} is left");
                assert!(
                    !sk.starts_with("DELIVERY#") || row["status"] == "sent",
                    "call {k}: {row}"
                );
            }
            let mails = world.vendor.started().len();
            assert_eq!(
                mails, 2,
                "call {k}, effect {effect_happens}: one mail for each event"
            );
            assert_eq!(
                world.vendor.field(KARI, "Yotpo.PointsBalance"),
                Some("77".to_owned()),
                "call {k}"
            );
            if !stopped {
                break;
            }
            crashes += 1;
        }
    }
    assert!(crashes > 40, "{crashes} crashes");
}

#[tokio::test]
async fn what_has_come_fifty_times_is_parked_before_its_queue_gives_it_up() {
    let world = World::new().await;
    world.record(&body("coupon_awarded.json")).await.unwrap();
    world.vendor.will(Does::Answers(503, json!({})));
    world
        .receives
        .store(49, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(world.push().await[0].name(), "retry");
    world.vendor.will(Does::Answers(503, json!({})));
    world
        .receives
        .store(50, std::sync::atomic::Ordering::SeqCst);
    world.wait_for_next();
    let outcomes = world.push().await;
    assert_eq!(outcomes, [Outcome::Parked(Reason::VendorError)]);
    world.settle().await;
    assert_eq!(world.vendor.started().len(), 1);
}

#[tokio::test]
async fn a_wait_of_more_than_a_quarter_of_an_hour_is_parked_and_not_undercut() {
    for (asked, waits) in [("1800", 30), ("86400", 60)] {
        let world = World::new().await;
        world.record(&body("coupon_awarded.json")).await.unwrap();
        world.vendor.will(Does::Asks(429, asked));
        assert_eq!(world.push().await, [Outcome::Parked(Reason::Throttled)]);
        for _ in 0..waits / 5 - 1 {
            world.clock.advance(SignedDuration::from_mins(5));
            world.tend(&["example"]).await;
        }
        assert_eq!(
            world.vendor.writes().len(),
            1,
            "{asked}: not called before its time"
        );
        world.clock.advance(SignedDuration::from_mins(6));
        world.tend(&["example"]).await;
        assert_eq!(world.vendor.started().len(), 1, "{asked}");
    }
}

#[tokio::test]
async fn one_message_that_always_fails_keeps_no_line_closed() {
    let world = World::new().await;
    // Parked first, and the vendor fails whenever it sees this person.
    world.vendor.fails_for(KARI);
    world.record(&body("coupon_awarded.json")).await.unwrap();
    world
        .receives
        .store(50, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(world.push().await, [Outcome::Parked(Reason::VendorError)]);
    world.receives.store(1, std::sync::atomic::Ordering::SeqCst);
    world.vendor.will(refusal());
    world.record(&earned("other@example.com", 5)).await.unwrap();
    assert_eq!(world.push().await, [Outcome::Parked(Reason::Unauthorized)]);
    for _ in 0..3 {
        world.clock.advance(SignedDuration::from_mins(10));
        world.tend(&["example"]).await;
    }
    assert_eq!(state(&world, "example").await, State::Open);
    assert_eq!(
        world
            .vendor
            .field("other@example.com", "Yotpo.PointsBalance"),
        Some("5".to_owned())
    );
}

#[tokio::test]
async fn a_wrong_key_on_a_shared_account_is_its_own_stores_trouble() {
    let world = World::with(json!({"account": "group"})).await;
    for store in ["wrong", "missing"] {
        world.put_store(store, json!({"account": "group"})).await;
    }
    world.secrets.set("bridge/missing/rule", r#"{"v":1}"#);
    world.vendor.answers_to("wrong", refusal());
    for round in 0..3 {
        for store in ["wrong", "missing", "example"] {
            let email = format!("{store}-{round}@example.com");
            let number = 100 + round;
            let delivery = world.delivery(store, earned(&email, number).to_string().as_bytes());
            world.clock.advance(SignedDuration::from_millis(1));
            world
                .recorder
                .record(vec![delivery])
                .await
                .remove(0)
                .unwrap();
        }
        world.push().await;
        let email = format!("example-{round}@example.com");
        assert!(
            world.vendor.field(&email, "Yotpo.PointsBalance").is_some(),
            "round {round}"
        );
        world.clock.advance(SignedDuration::from_mins(5));
        world.tend(&["example", "missing", "wrong"]).await;
    }
    assert_eq!(state(&world, "example").await, State::Open);
    for store in ["wrong", "missing"] {
        assert_eq!(world.parked(store).await.len(), 3, "{store}");
    }
}

#[tokio::test]
async fn each_pause_has_its_own_end() {
    let world = World::new().await;
    let account = account(&world, "example").await;
    let lines = &world.pusher.lines;
    for (email, then) in [
        ("first@example.com", Then::Send),
        ("second@example.com", Then::Drop),
    ] {
        let since = world.now_micros();
        lines
            .pause(&account, Pause { since, ..pause() })
            .await
            .unwrap();
        world.record(&earned(email, 7)).await.unwrap();
        assert_eq!(world.push().await, [Outcome::Parked(Reason::Paused)]);
        world.clock.advance(SignedDuration::from_secs(1));
        lines.resume(&account, then).await.unwrap();
    }
    world.tend(&["example"]).await;
    assert!(world.parked("example").await.is_empty());
    assert_eq!(
        started(&world),
        ["7"],
        "the first was sent, the second was not"
    );
    assert_eq!(
        world
            .vendor
            .field("second@example.com", "Yotpo.PointsBalance"),
        None
    );
}
