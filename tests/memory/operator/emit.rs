//! `emit`, and what `check` tells of the clock.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;
use loyalty::due::Due;
use platform::{
    Clock as _, Deadline, Handed, Inbox, Outgoing, Queue, QueueError,
    memory::{MemoryClock, MemoryQueue},
};
use serde_json::{Value, json};

use super::{INBOX, KARI, audited, check::to_rule, done, faults, operator};
use crate::yard::{Yard, customer, opened, whom};

const BORN: &str = "1990-05-17";

/// The settings of the reminders' tests.
fn rewards() -> Value {
    json!({"rewards": [{"name": "50 kr off", "points": 500}, {"name": "100 kr off", "points": 1000}]})
}

fn birthdays() -> Value {
    json!({"command": "emit", "store": "example", "kind": "birthday"})
}

fn with(mut command: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        command[key] = value.clone();
    }
    command
}

fn sending() -> Value {
    with(birthdays(), &json!({"dry_run": false, "by": "ola"}))
}

/// A member with this balance, seen just now.
async fn seen(yard: &Yard, email: &str, balance: i64) {
    let mut body =
        json!({"topic": "swell/points/changed", "email": email, "customer": customer(yard, email)});
    body["customer"]["points_balance"] = json!(balance);
    yard.hear("example", &body).await;
}

#[tokio::test]
async fn a_day_is_listed_and_nothing_is_sent_or_written() {
    let yard = Yard::with(json!({})).await;
    yard.born(KARI, BORN).await;
    yard.at("2026-05-16T15:00:00Z");
    let operator = operator(&yard.world);
    let before = yard.world.rows(KARI);
    let today = done(&operator, birthdays()).await;
    assert_eq!(
        (&today["date"], &today["count"], &today["dry_run"]),
        (&json!("2026-05-16"), &json!(0), &json!(true))
    );
    let ahead = with(birthdays(), &json!({"date": "2026-05-17"}));
    let listed = done(&operator, ahead.clone()).await;
    assert_eq!(
        (&listed["count"], &listed["more"], &listed["stands"]),
        (&json!(1), &json!(false), &json!("up"))
    );
    assert_eq!(listed["today"], "2026-05-16");
    assert_eq!(listed["items"][0]["on"], "2026-05-17");
    assert!(!listed.to_string().contains('@'), "{listed}");
    assert!(audited(&yard.world).is_empty());
    let shown = done(&operator, with(ahead, &json!({"show": true, "by": "ola"}))).await;
    assert_eq!(shown["items"][0]["key"], KARI);
    let member = listed["items"][0]["member"].as_str().unwrap();
    let audits = audited(&yard.world);
    assert!(
        audits.len() == 1 && audits[0].1.contains(member),
        "{audits:?}"
    );
    assert!(yard.inbox().is_empty());
    assert_eq!(yard.world.rows(KARI), before);
}

#[tokio::test]
async fn a_list_has_an_end_and_says_that_there_is_more() {
    let yard = Yard::with(json!({})).await;
    for name in ["kari", "ola", "liv"] {
        yard.born(&format!("{name}@example.com"), BORN).await;
    }
    let operator = operator(&yard.world);
    for (limit, count, more) in [(1, 1, true), (2, 2, true), (3, 3, false), (1_000, 3, false)] {
        let command = with(birthdays(), &json!({"date": "2026-05-17", "limit": limit}));
        let listed = done(&operator, command).await;
        assert_eq!(
            (&listed["count"], &listed["more"]),
            (&json!(count), &json!(more)),
            "{limit}"
        );
    }
}

#[tokio::test]
async fn a_list_without_the_time_for_it_says_that_there_is_more() {
    let yard = Yard::with(json!({})).await;
    yard.born(KARI, BORN).await;
    let store = yard.world.store("example").await;
    let day = (Due::Birthday, "2026-05-17".parse().unwrap());
    for (seconds, count, more) in [(20, 0, true), (50, 1, false)] {
        let deadline = Deadline::after(SignedDuration::from_secs(seconds), &*yard.world.clock);
        let listed = yard.emitter.preview(&store, day, 20, deadline).await;
        let (found, is_more) = listed.unwrap();
        assert_eq!((found.len(), is_more), (count, more), "{seconds} s");
    }
}

#[tokio::test]
async fn a_reminder_is_listed_with_what_it_names() {
    let yard = Yard::with(rewards()).await;
    seen(&yard, KARI, 900).await;
    yard.world
        .clock
        .advance(SignedDuration::from_hours(24 * 30));
    let operator = operator(&yard.world);
    let listed = async |kind: &str| {
        let command = with(birthdays(), &json!({"kind": kind}));
        done(&operator, command).await["items"][0].clone()
    };
    let afford = listed("redemption_reminder").await;
    assert_eq!(
        (&afford["reward"], &afford["points_needed"]),
        (&json!("50 kr off"), &json!(null))
    );
    let close = listed("points_reminder").await;
    assert_eq!(
        (&close["reward"], &close["points_needed"]),
        (&json!("100 kr off"), &json!(100))
    );
}

#[tokio::test]
async fn a_day_is_sent_by_a_person_who_is_written_down_and_told_once() {
    let yard = Yard::with(json!({})).await;
    yard.born(KARI, BORN).await;
    yard.at("2026-05-17T09:00:00Z");
    let operator = operator(&yard.world);
    let nobody = with(birthdays(), &json!({"dry_run": false}));
    assert_eq!(faults(&operator, nobody).await, ["by"]);
    assert!(yard.inbox().is_empty() && audited(&yard.world).is_empty());

    let sent = done(&operator, sending()).await;
    assert_eq!(
        (&sent["told"], &sent["dry_run"], &sent["more"]),
        (&json!(1), &json!(false), &json!(false))
    );
    assert_eq!(audited(&yard.world)[0].0, "emit");
    // Once more before anything is recorded: one event all the same.
    assert_eq!(done(&operator, sending()).await["told"], 1);
    yard.record().await;
    assert_eq!(done(&operator, sending()).await["told"], 0);
    yard.world.settle().await;
    assert_eq!(yard.world.vendor.started().len(), 1);
    yard.at("2026-05-17T13:00:00Z");
    assert!(yard.day(&[Due::Birthday]).await.is_empty(), "the daily run");
}

#[tokio::test]
async fn nothing_is_sent_before_its_day_where_the_store_is() {
    let yard = Yard::with(json!({"time_zone": "Pacific/Honolulu"})).await;
    yard.born(KARI, BORN).await;
    // The 17th has come to Oslo, and not to Honolulu.
    yard.at("2026-05-17T09:00:00Z");
    let operator = operator(&yard.world);
    let ahead = with(sending(), &json!({"date": "2026-05-17"}));
    assert_eq!(faults(&operator, ahead.clone()).await, ["date"]);
    assert!(yard.inbox().is_empty() && audited(&yard.world).is_empty());
    assert_eq!(done(&operator, sending()).await["told"], 0);
    yard.at("2026-05-17T10:00:00Z");
    assert_eq!(done(&operator, ahead).await["told"], 1);
}

#[tokio::test]
async fn a_missed_day_is_sent_for_its_own_date() {
    let yard = Yard::with(json!({})).await;
    yard.born(KARI, BORN).await;
    yard.at("2026-05-22T09:00:00Z");
    let operator = operator(&yard.world);
    // The daily run would drop it by now.
    let today = done(&operator, birthdays()).await;
    assert_eq!(today["count"], 0);
    let missed = with(sending(), &json!({"date": "2026-05-17"}));
    assert_eq!(done(&operator, missed).await["told"], 1);
    assert_eq!(opened(&yard.inbox())[0]["on"], "2026-05-17");
}

#[tokio::test]
async fn what_is_off_or_left_to_the_source_is_not_sent() {
    let cases = [
        (json!({"birthday": {"mode": "off"}}), "off", 0),
        (json!({}), "down", 1),
        (json!({"birthday": {"mode": "on"}}), "up", 1),
    ];
    for (emit, stands, listed) in cases {
        let yard = Yard::with(json!({})).await;
        yard.born(KARI, BORN).await;
        // The source sends somebody else's.
        let other = "ola@example.com";
        let body = json!({"topic": "swell/customer/birthday", "email": other, "customer": customer(&yard, other)});
        yard.at("2026-05-16T13:00:00Z");
        yard.hear("example", &body).await;
        yard.put_store("example", json!({"emit": emit})).await;
        yard.at("2026-05-17T13:00:00Z");
        let operator = operator(&yard.world);
        let list = done(&operator, birthdays()).await;
        assert_eq!(
            (&list["stands"], &list["count"]),
            (&json!(stands), &json!(listed))
        );
        let sent = done(&operator, sending()).await;
        let told = u64::from(stands == "up");
        assert_eq!(
            (&sent["stands"], &sent["told"]),
            (&json!(stands), &json!(told))
        );
        assert_eq!(sent["what_to_do"].is_null(), stands == "up", "{sent}");
        assert_eq!(yard.inbox().len(), usize::try_from(told).unwrap());
    }
}

/// A queue that takes its time.
struct Slow {
    queue: Arc<MemoryQueue>,
    clock: Arc<MemoryClock>,
}

#[async_trait]
impl Queue for Slow {
    async fn send(&self, url: &str, messages: Vec<Outgoing>) -> Vec<usize> {
        self.clock.advance(SignedDuration::from_secs(15));
        self.queue.send(url, messages).await
    }

    async fn hide(&self, url: &str, receipt: &str, seconds: u32) -> Result<(), QueueError> {
        self.queue.hide(url, receipt, seconds).await
    }

    async fn receive(
        &self,
        url: &str,
        limit: usize,
        hidden_seconds: u32,
    ) -> Result<Vec<Handed>, QueueError> {
        self.queue.receive(url, limit, hidden_seconds).await
    }

    async fn delete(&self, url: &str, receipts: Vec<String>) -> Result<Vec<String>, QueueError> {
        self.queue.delete(url, receipts).await
    }
}

#[tokio::test]
async fn a_long_day_is_sent_in_parts_before_the_function_ends() {
    let yard = Yard::with(json!({})).await;
    let people: Vec<String> = (0..40).map(|at| format!("p{at}@example.com")).collect();
    for email in &people {
        yard.born(email, BORN).await;
    }
    yard.at("2026-05-17T13:00:00Z");
    yard.told();
    let mut operator = operator(&yard.world);
    let slow = Arc::new(Slow {
        queue: yard.world.queue.clone(),
        clock: yard.world.clock.clone(),
    });
    operator.inbox = Inbox::new(slow, INBOX.to_owned());
    let mut told = Vec::new();
    for part in 0.. {
        let began = yard.world.clock.now();
        let sent = done(&operator, sending()).await;
        let took = yard.world.clock.now().duration_since(began);
        assert!(took < SignedDuration::from_secs(60), "{took:?}");
        yard.record().await;
        told.extend(yard.told());
        if sent["more"] == false {
            assert!(part > 0, "more than one part");
            break;
        }
        assert!(sent["what_to_do"].as_str().unwrap().contains("stays due"));
    }
    let mut all: Vec<&str> = people.iter().map(String::as_str).collect();
    all.sort_unstable();
    assert_eq!(whom(&told), all);
}

#[tokio::test]
async fn a_queue_that_is_down_leaves_the_day_due() {
    let yard = Yard::with(json!({})).await;
    yard.born(KARI, BORN).await;
    yard.at("2026-05-17T13:00:00Z");
    let operator = operator(&yard.world);
    yard.world.queue.refuse(true);
    assert_eq!(faults(&operator, sending()).await, ["inbox"]);
    yard.world.queue.refuse(false);
    assert_eq!(done(&operator, sending()).await["told"], 1);
}

#[tokio::test]
async fn what_is_asked_wrongly_is_named_with_what_would_be_right() {
    let yard = Yard::with(json!({})).await;
    let operator = operator(&yard.world);
    let asked = json!({"command": "emit", "store": "example", "kind": "coupon_awarded", "date": "soon", "limit": 1_001, "why": "x"});
    assert_eq!(
        faults(&operator, asked.clone()).await,
        ["date", "kind", "limit", "why"]
    );
    let missing = json!({"command": "emit", "store": "example"});
    for command in [asked, missing] {
        let answer = operator.answer(command).await;
        for due in Due::ALL {
            let name = due.kind().name();
            assert!(answer.to_string().contains(name), "{name}: {answer}");
        }
    }
    let unknown = with(birthdays(), &json!({"store": "nobody"}));
    assert_eq!(faults(&operator, unknown).await, ["store"]);
}

/// The level of what `check` says of each kind that the clock brings, in order.
async fn clock(yard: &Yard) -> Vec<(String, String, String)> {
    let mut operator = operator(&yard.world);
    let rule = to_rule(&yard.world, "example-key");
    operator.wires.insert("rule".to_owned(), rule);
    let answer = done(&operator, json!({"command": "check", "store": "example"})).await;
    let findings = answer["clock"]["findings"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let told = findings.map(|one| {
        (
            text(&one["about"]),
            text(&one["level"]),
            text(&one["message"]),
        )
    });
    told.collect()
}

#[tokio::test]
async fn check_tells_of_each_kind_who_brings_it() {
    let modes = json!({"anniversary": {"mode": "on"}, "referral_share_reminder": {"mode": "off"}});
    let yard = Yard::with(json!({"emit": modes})).await;
    let body = json!({"topic": "swell/customer/birthday", "email": KARI, "customer": customer(&yard, KARI)});
    yard.hear("example", &body).await;
    let told = clock(&yard).await;
    let levels: Vec<(&str, &str)> = told
        .iter()
        .map(|(about, level, _)| (about.as_str(), level.as_str()))
        .collect();
    assert_eq!(
        levels,
        [
            ("points_reminder", "warning"),
            ("redemption_reminder", "warning"),
            ("birthday", "note"),
            ("referral_product_share_reminder", "note"),
            ("anniversary", "good"),
        ]
    );
    let says = |kind: &str| {
        let own = told.iter().find(|(about, ..)| about == kind);
        own.unwrap().2.clone()
    };
    assert!(says("birthday").contains("left to the source"));
    assert!(says("referral_product_share_reminder").contains("brought by the clock"));
    assert!(says("points_reminder").contains("`rest`"));

    // The source falls silent, and the store names its rewards.
    yard.put_store("example", rewards()).await;
    yard.world
        .clock
        .advance(SignedDuration::from_hours(24 * 15));
    let told = clock(&yard).await;
    assert!(told.iter().all(|(_, level, _)| level == "note"), "{told:?}");
    assert_eq!(told.len(), 6);
    assert!(
        told[0].2.contains("no source was seen sending it"),
        "{told:?}"
    );
}

#[tokio::test]
async fn check_says_how_a_source_is_asked_for_its_rewards() {
    let yard = Yard::with(json!({"sources": {"yotpo": {"rest": true}}})).await;
    let told = clock(&yard).await;
    let (about, level, message) = &told[0];
    assert_eq!(
        (about.as_str(), level.as_str()),
        ("points_reminder", "warning")
    );
    assert!(message.contains("`refresh_rewards`"), "{message}");
}
