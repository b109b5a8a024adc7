//! Bad days of the clock: late, cut off, broken in the middle, twice at once.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use loyalty::{Kind, due::Due};
use platform::{Clock, Deadline};
use recording::emit::Emitter;
use serde_json::{Value, json};

use super::{Yard, captured, customer, emitter, opened, whom};

const KARI: &str = "kari@example.com";
const BIRTHDAY: &[Due] = &[Due::Birthday];

fn email(number: usize) -> String {
    format!("m{number}@example.com")
}

/// Members whose birthday is 17 May, some hours before the run.
async fn born(settings: Value, members: usize) -> Yard {
    let yard = Yard::with(settings).await;
    yard.at("2026-05-16T14:00:00Z");
    for number in 0..members {
        yard.born(&email(number), "1990-05-17").await;
    }
    yard.told();
    yard
}

fn all(members: usize) -> BTreeSet<String> {
    (0..members).map(email).collect()
}

/// Who was told, and that nobody was told twice.
fn once(told: &[Value]) -> BTreeSet<String> {
    let names = whom(told);
    let once: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(once.len(), names.len(), "somebody was told twice");
    once
}

#[tokio::test]
async fn members_due_over_three_pages_are_all_told() {
    // Four lists: more than three pages of a hundred in each.
    let yard = born(json!({}), 1_300).await;
    yard.at("2026-05-17T13:00:00Z");
    assert_eq!(once(&yard.day(BIRTHDAY).await), all(1_300));
}

#[tokio::test]
async fn an_emitter_that_is_killed_anywhere_and_run_again_tells_everybody_once() {
    let mut stops = 0;
    for happens in [true, false] {
        for call in 1.. {
            let yard = born(json!({}), 25).await;
            yard.at("2026-05-17T13:00:00Z");
            yard.world.fuse.arm(call, happens);
            let _ = yard.try_emit(BIRTHDAY).await;
            let stopped = yard.world.fuse.mend();
            let first = yard.inbox();
            // Some of what it sent may be recorded before it runs again, and some after.
            let later = first.len() / 2;
            yard.record_these(first[..later].to_vec()).await;
            yard.world.clock.advance(SignedDuration::from_mins(1));
            yard.emit(BIRTHDAY).await;
            yard.record_these(first[later..].to_vec()).await;
            yard.record().await;
            assert_eq!(once(&yard.told()), all(25), "killed at call {call}");
            if !stopped {
                break;
            }
            stops += 1;
        }
    }
    assert!(stops > 50, "{stops} places to stop at");
}

#[tokio::test]
async fn recording_that_is_killed_anywhere_tells_everybody_once() {
    for happens in [true, false] {
        for call in 1.. {
            let yard = born(json!({}), 3).await;
            yard.at("2026-05-17T13:00:00Z");
            yard.emit(BIRTHDAY).await;
            let inbox = yard.inbox();
            yard.world.fuse.arm(call, happens);
            let deliveries = inbox
                .iter()
                .map(|body| recording::Delivered { body: body.clone() });
            yard.world.recorder.record(deliveries.collect()).await;
            let stopped = yard.world.fuse.mend();
            yard.record_these(inbox).await;
            assert_eq!(once(&yard.told()), all(3), "killed at call {call}");
            for number in 0..3 {
                let next = yard.listed(&email(number), Kind::Birthday);
                assert_eq!(next.as_deref(), Some("2027-05-17"), "killed at call {call}");
            }
            if !stopped {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_run_that_is_an_hour_late_or_a_day_is_caught_up_and_tells_once() {
    for run in [
        "2026-05-17T14:00:00Z",
        "2026-05-18T13:00:00Z",
        "2026-05-19T13:00:00Z",
    ] {
        let yard = born(json!({}), 2).await;
        yard.at(run);
        assert_eq!(once(&yard.day(BIRTHDAY).await), all(2), "{run}");
        assert!(yard.day(BIRTHDAY).await.is_empty());
        assert_eq!(
            yard.listed(&email(0), Kind::Birthday).unwrap(),
            "2027-05-17"
        );
    }
}

#[tokio::test]
async fn what_was_missed_for_too_long_is_dropped_counted_and_told_next_year() {
    let yard = born(json!({"emit": {"catch_up_days": 1}}), 2).await;
    yard.at("2026-05-19T13:00:00Z");
    let tally = yard.emit(BIRTHDAY).await;
    assert_eq!((tally.told, tally.dropped), (0, 2));
    assert!(yard.inbox().is_empty());
    yard.at("2027-05-17T13:00:00Z");
    assert_eq!(once(&yard.day(BIRTHDAY).await), all(2));
}

#[tokio::test]
async fn a_birthday_that_is_moved_away_and_back_is_told_once() {
    // Before the run: away, and back.
    let yard = born(json!({}), 1).await;
    yard.born(&email(0), "1990-09-09").await;
    assert_eq!(
        yard.listed(&email(0), Kind::Birthday).unwrap(),
        "2026-09-09"
    );
    yard.born(&email(0), "1990-05-17").await;
    yard.told();
    yard.at("2026-05-17T13:00:00Z");
    assert_eq!(once(&yard.day(BIRTHDAY).await), all(1));
    // After it: to another day of the same year, which has been told, and back.
    yard.born(&email(0), "1990-09-09").await;
    assert_eq!(
        yard.listed(&email(0), Kind::Birthday).unwrap(),
        "2027-09-09"
    );
    yard.at("2026-09-09T13:00:00Z");
    assert!(yard.day(BIRTHDAY).await.is_empty(), "once a year");
    yard.born(&email(0), "1990-05-17").await;
    yard.told();
    yard.at("2027-05-17T13:00:00Z");
    assert_eq!(once(&yard.day(BIRTHDAY).await), all(1));
}

#[tokio::test]
async fn a_birthday_that_is_moved_between_the_look_and_the_record_is_told_for_the_day_that_was_looked_at()
 {
    let yard = born(json!({}), 1).await;
    yard.at("2026-05-17T13:00:00Z");
    yard.emit(BIRTHDAY).await;
    let sent = yard.inbox();
    yard.born(&email(0), "1990-09-09").await;
    yard.told();
    yard.record_these(sent).await;
    assert_eq!(once(&yard.told()), all(1));
    assert_eq!(
        yard.listed(&email(0), Kind::Birthday).unwrap(),
        "2027-09-09"
    );
}

#[tokio::test]
async fn two_emitters_at_once_tell_everybody_once() {
    let yard = born(json!({}), 230).await;
    yard.at("2026-05-17T13:00:00Z");
    let other = emitter(&yard.world);
    let deadline = Deadline::after(SignedDuration::from_mins(15), &*yard.world.clock);
    let (one, two) = tokio::join!(
        yard.emitter.run(BIRTHDAY, None, deadline),
        other.run(BIRTHDAY, None, deadline),
    );
    let told = [one, two].map(|ran| ran.unwrap().tally.told);
    assert_eq!(told, [230, 230]);
    let mut inbox = yard.inbox();
    assert_eq!(inbox.len(), 460);
    // What both sent comes in any order, also beside its twin.
    inbox.sort();
    yard.record_these(inbox).await;
    assert_eq!(once(&yard.told()), all(230));
}

#[tokio::test]
async fn a_table_that_fails_in_the_middle_fails_the_run_and_the_next_completes_it() {
    let yard = born(json!({}), 450).await;
    yard.at("2026-05-17T13:00:00Z");
    // Whatever the place, a failed call ends the run with an error: OnFailure hears of it.
    let mut failed = 0;
    for call in [3, 40, 200] {
        yard.world.fuse.fail_once(call, false);
        failed += u32::from(yard.try_emit(BIRTHDAY).await.is_err());
        yard.world.fuse.mend();
    }
    assert_eq!(failed, 3);
    yard.record().await;
    yard.at("2026-05-18T13:00:00Z");
    yard.emit(BIRTHDAY).await;
    yard.record().await;
    assert_eq!(once(&yard.told()), all(450));
    for number in 0..450 {
        assert_eq!(
            yard.listed(&email(number), Kind::Birthday).unwrap(),
            "2027-05-17"
        );
    }
}

#[tokio::test]
async fn a_run_that_comes_near_its_end_goes_on_where_it_stopped() {
    let yard = born(json!({}), 900).await;
    yard.put_store("second", json!({})).await;
    yard.hear("second", &captured(&yard, KARI, "1990-05-17"))
        .await;
    yard.told();
    yard.at("2026-05-17T13:00:00Z");
    let hurried = Emitter {
        clock: Arc::new(Hurried(AtomicI64::new(0))),
        ..emitter(&yard.world)
    };
    let (mut rest, mut rounds, mut told) = (None, 0, 0);
    loop {
        let deadline = Deadline::after(SignedDuration::from_mins(4), &*hurried.clock);
        let ran = hurried.run(BIRTHDAY, rest, deadline).await.unwrap();
        rounds += 1;
        told += ran.tally.told;
        let Some(left) = ran.rest else { break };
        // It travels as a message, and names nobody.
        let text = serde_json::to_string(&left).unwrap();
        assert!(!text.contains('@'), "{text}");
        rest = Some(serde_json::from_str(&text).unwrap());
    }
    assert!(rounds > 3, "{rounds} rounds");
    assert_eq!(told, 901, "nobody is looked at twice");
    yard.record().await;
    assert_eq!(
        once(&yard.told()),
        &all(900) | &BTreeSet::from([KARI.to_owned()])
    );
}

/// A clock that has moved on by a second whenever somebody looks at it.
struct Hurried(AtomicI64);

#[async_trait]
impl Clock for Hurried {
    fn now(&self) -> Timestamp {
        let seconds = self.0.fetch_add(1, SeqCst);
        let begun: Timestamp = "2026-05-17T13:00:00Z".parse().unwrap();
        begun + SignedDuration::from_secs(seconds)
    }

    async fn sleep_until(&self, _: Timestamp) {}
}

#[tokio::test]
async fn what_the_source_says_of_the_day_is_not_said_again() {
    let plain = |yard: &Yard| json!({"topic": "swell/customer/birthday", "email": email(0), "customer": customer(yard, &email(0))});
    let gift = |yard: &Yard| {
        let mut body = plain(yard);
        body["perk"] = json!({"id": 7, "reward_points": 50});
        body["redemption"] = json!({"id": 8, "reward_text": "HBD-8"});
        body
    };
    let on = json!({"emit": {"birthday": {"mode": "on"}}});
    // The source was first, with a gift or without: the clock is silent for the whole year.
    let bodies: [&dyn Fn(&Yard) -> Value; 2] = [&plain, &gift];
    for body in bodies {
        let yard = born(on.clone(), 1).await;
        yard.at("2026-05-17T12:59:00Z");
        yard.hear("example", &body(&yard)).await;
        assert_eq!(yard.told().len(), 1);
        yard.at("2026-05-17T13:00:00Z");
        assert_eq!(yard.emit(BIRTHDAY).await.told, 0);
    }
    // The clock has looked already when the source's word is recorded: still one.
    let yard = born(on.clone(), 1).await;
    yard.at("2026-05-17T13:00:00Z");
    yard.emit(BIRTHDAY).await;
    yard.hear("example", &gift(&yard)).await;
    yard.record().await;
    let told = yard.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["detail"]["reward"]["code"], "HBD-8");
    // The clock was first: a plain word is a repeat, and a gift arrives.
    let yard = born(on, 1).await;
    yard.at("2026-05-17T13:00:00Z");
    assert_eq!(yard.day(BIRTHDAY).await.len(), 1);
    yard.hear("example", &plain(&yard)).await;
    let deliveries = yard.told();
    assert!(
        deliveries.len() <= 1,
        "one delivery, which the books know: {deliveries:?}"
    );
    yard.hear("example", &gift(&yard)).await;
    let told = yard.told();
    assert_eq!(told.last().unwrap()["detail"]["reward"]["code"], "HBD-8");
}

#[tokio::test]
async fn auto_stands_down_for_what_the_source_was_seen_sending_lately() {
    let yard = born(json!({"emit": {"auto_days": 10}}), 1).await;
    let body = json!({
        "topic": "swell/customer/birthday", "email": "ola@example.com", "customer": customer(&yard, "ola@example.com"),
    });
    yard.hear("example", &body).await;
    yard.told();
    yard.at("2026-05-17T13:00:00Z");
    let tally = yard.emit(BIRTHDAY).await;
    assert_eq!((tally.told, tally.stood_down), (0, 1));
    // Other kinds, and other stores, are not concerned.
    assert_eq!(yard.emit(&[Due::Anniversary]).await.stood_down, 0);
    yard.put_store("second", json!({})).await;
    yard.hear("second", &captured(&yard, KARI, "1990-05-19"))
        .await;
    yard.at("2026-05-19T13:00:00Z");
    yard.told();
    assert_eq!(opened_names(&yard).await, [KARI]);
    // Ten days later it is taken to have stopped; what was missed by then is dropped.
    yard.at("2026-05-27T13:00:00Z");
    let tally = yard.emit(BIRTHDAY).await;
    assert_eq!((tally.told, tally.dropped, tally.stood_down), (0, 1, 0));
}

async fn opened_names(yard: &Yard) -> Vec<String> {
    yard.emit(BIRTHDAY).await;
    let inbox = yard.inbox();
    let told = opened(&inbox);
    yard.record_these(inbox).await;
    let name = |tick: &Value| tick["whom"]["email"].as_str().unwrap().to_owned();
    told.iter().map(name).collect()
}

#[tokio::test]
async fn off_is_off() {
    let yard = born(json!({"emit": {"birthday": {"mode": "off"}}}), 1).await;
    yard.at("2026-05-17T13:00:00Z");
    assert_eq!(yard.emit(BIRTHDAY).await, recording::emit::Tally::default());
    // Switched on, it needs no news; what nobody looked at for months was not missed.
    yard.put_store("example", json!({"emit": {"birthday": {"mode": "on"}}}))
        .await;
    yard.at("2026-09-01T13:00:00Z");
    let tally = yard.emit(BIRTHDAY).await;
    assert_eq!((tally.told, tally.passed, tally.dropped), (0, 1, 0));
    yard.at("2027-05-17T13:00:00Z");
    assert_eq!(once(&yard.day(BIRTHDAY).await), all(1));
}

#[tokio::test]
async fn a_birthday_that_is_moved_back_after_the_run_is_caught_up() {
    let yard = born(json!({}), 1).await;
    yard.at("2026-05-17T09:00:00Z");
    yard.born(&email(0), "1990-09-09").await;
    yard.at("2026-05-17T13:00:00Z");
    assert!(yard.day(BIRTHDAY).await.is_empty());
    yard.at("2026-05-17T15:00:00Z");
    yard.born(&email(0), "1990-05-17").await;
    yard.told();
    yard.at("2026-05-18T13:00:00Z");
    assert_eq!(once(&yard.day(BIRTHDAY).await), all(1));
    // Who tells it only then is wished next year.
    yard.born(&email(1), "1990-05-18").await;
    assert_eq!(
        yard.listed(&email(1), Kind::Birthday).unwrap(),
        "2027-05-18"
    );
}

#[tokio::test]
async fn a_word_that_comes_over_the_end_of_a_year_is_about_the_day_before() {
    let yard =
        Yard::with(json!({"time_zone": "Pacific/Auckland", "emit": {"birthday": {"mode": "on"}}}))
            .await;
    yard.at("2026-12-01T00:00:00Z");
    yard.born(&email(0), "1990-12-31").await;
    yard.told();
    // 13:00 UTC is two o'clock in the morning of the next day there.
    yard.at("2026-12-30T13:00:00Z");
    assert_eq!(once(&yard.day(BIRTHDAY).await), all(1));
    let word = json!({"topic": "swell/customer/birthday", "email": email(0), "customer": customer(&yard, &email(0))});
    yard.at("2026-12-31T13:00:00Z");
    yard.hear("example", &word).await;
    assert!(
        yard.told().is_empty(),
        "it is January there, and the same birthday"
    );
    yard.at("2027-12-30T13:00:00Z");
    assert_eq!(
        once(&yard.day(BIRTHDAY).await),
        all(1),
        "the next one is not lost"
    );
}

#[tokio::test]
async fn a_simulated_birthday_does_not_switch_the_clock_off() {
    let yard = born(json!({}), 1).await;
    let operator = crate::operator::operator(&yard.world);
    let asked = json!({"command": "simulate", "store": "example", "kind": "birthday"});
    assert_eq!(operator.answer(asked).await["ok"], true);
    yard.record().await;
    assert_eq!(yard.told().len(), 1);
    yard.at("2026-05-17T13:00:00Z");
    assert_eq!(yard.emit(BIRTHDAY).await.told, 1);
}

#[tokio::test]
async fn who_has_another_address_meanwhile_is_told_once_under_the_new_one() {
    let yard = Yard::with(json!({})).await;
    let known = |yard: &Yard, email: &str| {
        let mut body = captured(yard, email, "1990-05-17");
        body["customer"]["third_party_id"] = json!("c-1");
        body
    };
    yard.hear("example", &known(&yard, "old@example.com")).await;
    yard.hear("example", &known(&yard, KARI)).await;
    yard.told();
    yard.at("2026-05-17T13:00:00Z");
    assert_eq!(whom(&yard.day(BIRTHDAY).await), [KARI]);
    // Renamed between the look and the record.
    yard.at("2027-05-17T13:00:00Z");
    yard.emit(BIRTHDAY).await;
    let sent = yard.inbox();
    yard.hear("example", &known(&yard, "new@example.com")).await;
    yard.told();
    yard.record_these(sent).await;
    yard.emit(BIRTHDAY).await;
    yard.record().await;
    assert_eq!(yard.told().len(), 1);
}
