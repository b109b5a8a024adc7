//! What comes due for many at once goes to Rule in few requests, and whatever goes wrong with one of them is nobody
//! else's trouble.

use std::{collections::BTreeSet, sync::atomic::Ordering::SeqCst};

use jiff::SignedDuration;
use loyalty::due::Due;
use platform::Clock as _;
use serde_json::{Value, json};
use vendors::{Method, Outcome, Reason};

use super::{Yard, customer};
use crate::world::{Does, RULE_QUEUE};

const LIVE: &str = "live@example.com";

/// Messages of one batch, as template.yaml sets it.
const BATCH: usize = 38;

fn email(number: usize) -> String {
    format!("m{number}@example.com")
}

/// Members whose birthday is today, with their messages on the destination's queue.
async fn due(settings: Value, members: usize) -> Yard {
    let yard = Yard::with(settings).await;
    yard.world.batch.store(BATCH, SeqCst);
    yard.at("2026-05-16T12:00:00Z");
    for number in 0..members {
        yard.born(&email(number), "1990-05-17").await;
    }
    yard.world.queue.take(RULE_QUEUE);
    yard.at("2026-05-17T13:00:00Z");
    yard.emit(&[Due::Birthday]).await;
    yard.record().await;
    yard
}

/// How many subscribers each request had.
fn sizes(writes: &[Value]) -> Vec<usize> {
    let size = |write: &Value| write["subscribers"].as_array().map_or(1, Vec::len);
    writes.iter().map(size).collect()
}

/// Everybody was started once, by an automation of their own.
fn all_started(yard: &Yard, members: usize) {
    let started = yard.world.vendor.started();
    assert_eq!(started.len(), members);
    let different: BTreeSet<&String> = started.iter().collect();
    assert_eq!(different.len(), members);
    for number in 0..members {
        assert!(yard.world.vendor.knows(&email(number)), "{number}");
    }
}

#[tokio::test]
async fn what_says_the_same_goes_in_one_request_and_everybody_has_their_own_fields() {
    let yard = due(json!({}), 25).await;
    let outcomes = yard.world.push().await;
    assert_eq!(outcomes, vec![Outcome::Sent; 25]);
    let writes = yard.world.vendor.writes();
    let mut sizes = sizes(&writes);
    sizes.sort_unstable();
    assert_eq!(sizes, [6, 19]);
    for write in &writes {
        assert_eq!(write["tags"], json!(["Birthday", "Yotpo"]));
        assert_eq!(write["automation"], "reset");
    }
    all_started(&yard, 25);
    // The vendor's own id of each person stands in the books: an address that changes later is changed there.
    for number in 0..25 {
        let sync = yard.world.row(&email(number), "SYNC#rule");
        assert!(sync["person"].is_string(), "{sync}");
    }
}

#[tokio::test]
async fn what_says_something_else_goes_by_itself() {
    let yard = due(json!({}), 3).await;
    let left = json!({"topic": "loyalty/opt_out", "email": email(0), "customer": customer(&yard, &email(0))});
    yard.hear("example", &left).await;
    yard.world.push().await;
    yard.world.settle_queue().await;
    let writes = yard.world.vendor.writes();
    // Who left meanwhile gets the quiet form.
    let quiet = writes.iter().filter(|write| write["automation"] == false);
    let quiet: Vec<_> = quiet.map(|write| &write["subscribers"]["email"]).collect();
    assert!(quiet.contains(&&json!(email(0))), "{quiet:?}");
    assert_eq!(yard.world.vendor.started().len(), 2);
}

#[tokio::test]
async fn a_refusal_splits_and_only_the_one_is_rejected() {
    let yard = due(json!({}), 12).await;
    yard.world.vendor.refuses(Some(&email(7)));
    let outcomes = yard.world.push().await;
    let refused = Outcome::Rejected(Reason::InvalidAddress);
    assert_eq!(outcomes.iter().filter(|one| **one == refused).count(), 1);
    assert_eq!(
        outcomes.iter().filter(|one| **one == Outcome::Sent).count(),
        11
    );
    let writes = yard.world.vendor.writes();
    assert_eq!(sizes(&writes), [vec![12], vec![1; 12]].concat());
    assert_eq!(yard.world.vendor.started().len(), 11);
}

#[tokio::test]
async fn an_unanswered_request_leaves_each_to_be_looked_at_singly() {
    for (does, booked) in [
        (Does::BooksInSilence, true),
        (Does::BooksAndFails, true),
        (Does::Breaks, false),
    ] {
        let yard = due(json!({}), 12).await;
        yard.world.vendor.will(does);
        let outcomes = yard.world.push().await;
        assert!(
            outcomes.iter().all(|one| one.wait().is_some()),
            "{outcomes:?}"
        );
        assert_eq!(yard.world.vendor.looks(), 0);
        yard.world.settle_queue().await;
        assert_eq!(yard.world.vendor.looks(), 12, "each is looked at by itself");
        all_started(&yard, 12);
        let starts = sizes(&yard.world.vendor.writes());
        assert_eq!(starts[0], 12);
        // What is there already is only written anew where the books do not know of it; nothing starts twice.
        assert!(booked || starts.len() > 1, "{starts:?}");
    }
}

#[tokio::test]
async fn a_wrong_key_and_a_busy_vendor_hold_all_of_them_back() {
    let yard = due(json!({}), 12).await;
    yard.world.vendor.will(Does::Asks(429, "20"));
    let outcomes = yard.world.push().await;
    assert!(
        outcomes
            .iter()
            .all(|one| matches!(one, Outcome::Throttled { .. })),
        "{outcomes:?}"
    );
    yard.world.settle_queue().await;
    all_started(&yard, 12);

    let yard = due(json!({}), 12).await;
    yard.world
        .vendor
        .will(Does::Answers(401, json!({"error": "NotAuthorized"})));
    yard.world.push().await;
    assert_eq!(yard.world.parked("example").await.len(), 12);
    yard.world.settle().await;
    all_started(&yard, 12);
}

#[tokio::test]
async fn a_crash_at_any_call_starts_nobody_twice_and_forgets_nobody() {
    for happens in [true, false] {
        for call in 1.. {
            let yard = due(json!({}), 3).await;
            yard.world.fuse.arm(call, happens);
            let (_, stopped) = yard.world.push_counted().await;
            yard.world.settle().await;
            let started = yard.world.vendor.started();
            let different: BTreeSet<&String> = started.iter().collect();
            assert_eq!((started.len(), different.len()), (3, 3), "at call {call}");
            if !stopped {
                assert!(call > 15, "{call} calls");
                break;
            }
        }
    }
}

/// Ten thousand birthdays, at the pace that Rule allows; and somebody earns points in the middle of it.
#[tokio::test]
async fn ten_thousand_birthdays_arrive_at_the_vendors_pace_and_delay_nobody() {
    const MEMBERS: usize = 10_000;
    let yard = due(json!({}), MEMBERS).await;
    let world = &yard.world;
    let begun = world.clock.now();
    let (mut sent, mut arrived) = (None, None);
    loop {
        if world.push().await.is_empty() {
            if !world.is_waiting() {
                break;
            }
            // The queue gathers for a second, as its mapping does.
            world.clock.advance(SignedDuration::from_secs(1));
            world.wait_for_next();
        }
        if sent.is_none() && world.vendor.count(Method::Post) > 200 {
            let earned = json!({
                "topic": "swell/points/earned", "email": LIVE, "perk": {"id": 1, "reward_points": 5},
                "customer": customer(&yard, LIVE),
            });
            yard.hear("example", &earned).await;
            sent = Some(world.clock.now());
        }
        if arrived.is_none() && world.vendor.knows(LIVE) {
            arrived = Some(world.clock.now());
        }
    }
    let delay = arrived.unwrap().duration_since(sent.unwrap());
    let writes = world.vendor.writes();
    let together = writes
        .iter()
        .filter(|write| write["subscribers"].is_array());
    assert!(together.count() >= MEMBERS / 19);
    assert!(writes.len() <= 700, "{} requests", writes.len());
    assert_eq!(world.vendor.started().len(), MEMBERS + 1);
    let took = world.clock.now().duration_since(begun);
    // Bulk has half of the burst, and then two and a half calls a second.
    let least = SignedDuration::from_millis(400) * i32::try_from(writes.len() - 101).unwrap();
    assert!(took >= least, "{} requests in {took}", writes.len());
    assert!(
        delay < SignedDuration::from_secs(30),
        "live news waited for {delay}"
    );
    println!(
        "{MEMBERS} birthdays in {} requests and {took}; live news in the middle took {delay}",
        writes.len()
    );
}
