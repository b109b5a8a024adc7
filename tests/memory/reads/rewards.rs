//! The rewards that a store's source offers: read every day, and kept where the source tells none.

use jiff::SignedDuration;
use serde_json::{Value, json};
use vendors::{Outcome, Reason};

use super::{Site, yotpo::Does};
use crate::{
    operator::{done, operator, put},
    world::READS_QUEUE,
};

const OLD: &[(&str, i64)] = &[("50 kr off", 500), ("100 kr off", 1_000)];
const NEW: &[(&str, i64)] = &[("A mug", 700)];

/// A site that read its rewards yesterday; today they are others.
async fn yesterday() -> Site {
    let site = Site::new().await;
    site.yotpo.offers(OLD);
    site.night().await;
    assert_eq!(site.offered().await, ["50 kr off", "100 kr off"]);
    site.world.clock.advance(SignedDuration::from_hours(24));
    site.yotpo.offers(NEW);
    site
}

/// A day has begun, and the rewards are to be read; nothing else is.
async fn begun() -> Site {
    let site = yesterday().await;
    assert!(site.start("example").await);
    let rewards = messages(&site);
    assert_eq!(rewards.len(), 1);
    put(&site.world, READS_QUEUE, rewards.into_iter()).await;
    site
}

/// What is on the queue of reads and asks for rewards, taken off it with all the rest.
fn messages(site: &Site) -> Vec<String> {
    let mut messages = site.world.queue.take(READS_QUEUE);
    messages.retain(|body| body.contains("rewards"));
    messages
}

#[tokio::test]
async fn a_store_is_asked_once_a_day_and_the_newest_list_counts() {
    let site = yesterday().await;
    assert!(site.start("example").await && site.start("example").await);
    site.settle().await;
    assert_eq!(site.offered().await, ["A mug"]);
    assert_eq!(site.yotpo.read_rewards(), 2, "once on each day");
    assert!(site.start("example").await);
    site.settle().await;
    assert_eq!(site.yotpo.read_rewards(), 2);
}

#[tokio::test]
async fn a_message_that_comes_twice_asks_once() {
    let site = yesterday().await;
    assert!(site.start("example").await);
    let once = messages(&site);
    let twice = once.iter().chain(&once).cloned();
    put(&site.world, READS_QUEUE, twice).await;
    let outcomes = site.settle().await;
    assert_eq!(site.yotpo.read_rewards(), 2, "one today: {outcomes:?}");
    assert!(outcomes.contains(&Outcome::Skipped(Reason::Repeat)));
    assert_eq!(site.offered().await, ["A mug"]);
}

#[tokio::test]
async fn a_queue_that_is_down_is_tried_again_by_the_next_round() {
    let site = yesterday().await;
    site.world.queue.refuse(true);
    assert!(!site.start("example").await);
    site.world.queue.refuse(false);
    assert!(site.start("example").await);
    site.settle().await;
    assert_eq!(site.offered().await, ["A mug"]);
}

#[tokio::test]
async fn an_interface_that_is_down_keeps_the_old_list_until_it_is_back() {
    let site = begun().await;
    site.yotpo.always(Some(503));
    for _ in 0..20 {
        site.read().await;
        assert_eq!(site.offered().await, ["50 kr off", "100 kr off"]);
        site.world.clock.advance(SignedDuration::from_mins(30));
    }
    site.yotpo.always(None);
    site.settle().await;
    assert_eq!(site.offered().await, ["A mug"]);
}

#[tokio::test]
async fn a_wrong_key_keeps_the_old_list_until_it_is_right() {
    let site = begun().await;
    site.key("example", "wrong");
    let outcomes = site.read().await.0;
    assert_eq!(outcomes[0].reason(), Some(Reason::Unauthorized));
    site.world.clock.advance(SignedDuration::from_hours(2));
    site.read().await;
    assert_eq!(site.offered().await, ["50 kr off", "100 kr off"]);
    site.key("example", "rest-key");
    site.settle().await;
    assert_eq!(site.offered().await, ["A mug"]);
}

#[tokio::test]
async fn an_empty_list_is_the_truth() {
    let site = begun().await;
    site.yotpo.offers(&[]);
    site.settle().await;
    assert!(site.offered().await.is_empty());
}

#[tokio::test]
async fn garbage_is_no_empty_list_and_keeps_no_member_from_being_read() {
    // (what it answers, whether it is asked again)
    let cases = [
        (Does::Says("<html>"), true),
        (Does::Says(r#"{"redemption_options":[]}"#), false),
        (Does::Says(r#"[{"email":"kari@example.com"}]"#), false),
        (Does::Says("null"), false),
        (Does::Answers(404), false),
        (Does::Answers(400), false),
    ];
    for (place, (does, again)) in cases.into_iter().enumerate() {
        let site = begun().await;
        site.yotpo.will(does);
        let outcome = site.read().await.0[0];
        assert_eq!(outcome.wait().is_some(), again, "{place}: {outcome:?}");
        assert_eq!(site.offered().await, ["50 kr off", "100 kr off"], "{place}");
        let line = done(
            &operator(&site.world),
            json!({"command": "repairs", "store": "example"}),
        )
        .await;
        assert_eq!(line["repairs"][0]["line"]["state"], "open", "{place}");
        site.settle().await;
        site.world.clock.advance(SignedDuration::from_hours(24));
        site.night().await;
        assert_eq!(site.offered().await, ["A mug"], "{place}: the next day");
    }
}

#[tokio::test]
async fn a_store_without_credentials_is_not_asked() {
    let site = Site::new().await;
    site.put_store("example", false).await;
    assert!(site.start("example").await);
    site.settle().await;
    assert!(site.yotpo.calls().is_empty());
}

/// `refresh_rewards` with the way to this Yotpo.
async fn refreshed(site: &Site) -> Value {
    let mut operator = operator(&site.world);
    operator
        .wires
        .insert("yotpo".to_owned(), site.yotpo.clone());
    let command = json!({"command": "refresh_rewards", "store": "example"});
    let answer = operator.answer(command).await;
    assert!(!answer.to_string().contains("rest-key"), "{answer}");
    answer
}

fn names(answer: &Value) -> Vec<&str> {
    let rewards = answer["sources"][0]["rewards"].as_array().unwrap().iter();
    rewards
        .map(|reward| reward["name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_person_has_them_read_at_once() {
    let site = yesterday().await;
    let answer = refreshed(&site).await;
    assert_eq!(answer["ok"], true, "{answer}");
    let source = &answer["sources"][0];
    assert_eq!(source["asked"], source["at"]);
    assert_eq!(
        source["rewards"],
        json!([{"name": "A mug", "points": 700, "description": null}])
    );
    assert_eq!(answer["in_use"], "sources");
    assert_eq!(site.offered().await, ["A mug"]);
    let again = refreshed(&site).await;
    assert_eq!(names(&again), ["A mug"]);
}

#[tokio::test]
async fn what_stands_is_shown_where_the_source_does_not_tell() {
    let site = yesterday().await;
    let paths = |answer: &Value| {
        assert_eq!(answer["ok"], false, "{answer}");
        let faults = answer["faults"].as_array().unwrap().iter();
        let paths = faults.map(|fault| fault["path"].as_str().unwrap().to_owned());
        paths.collect::<Vec<_>>()
    };
    for does in [Does::Breaks, Does::Answers(503), Does::Says("{}")] {
        site.yotpo.will(does);
        let answer = refreshed(&site).await;
        assert_eq!(paths(&answer), ["yotpo.key"]);
        assert_eq!(names(&answer), ["50 kr off", "100 kr off"]);
        let source = &answer["sources"][0];
        assert_ne!(source["asked"], source["at"]);
    }
    site.key("example", "wrong");
    assert_eq!(paths(&refreshed(&site).await), ["yotpo.key"]);
    site.world.secrets.remove("bridge/example/yotpo");
    let answer = refreshed(&site).await;
    assert_eq!(paths(&answer), ["yotpo.secret"]);
    assert!(
        answer
            .to_string()
            .contains("create-secret --name bridge/example/yotpo")
    );
    assert_eq!(site.offered().await, ["50 kr off", "100 kr off"]);
}

#[tokio::test]
async fn a_source_that_asked_to_wait_is_left_alone() {
    let site = begun().await;
    site.yotpo.will(Does::Asks(429, "120"));
    site.read().await;
    let calls = site.yotpo.calls().len();
    let answer = refreshed(&site).await;
    assert_eq!(answer["faults"][0]["path"], "yotpo.line", "{answer}");
    assert_eq!(names(&answer), ["50 kr off", "100 kr off"]);
    assert_eq!(site.yotpo.calls().len(), calls);
}

#[tokio::test]
async fn a_store_that_cannot_ask_is_told_what_to_do() {
    let site = Site::new().await;
    site.put_store("example", false).await;
    let answer = refreshed(&site).await;
    assert_eq!(
        (&answer["ok"], &answer["sources"]),
        (&json!(true), &json!([]))
    );
    assert!(answer["what_to_do"].as_str().unwrap().contains("`rest`"));
}

#[tokio::test]
async fn a_slow_answer_does_not_undo_a_later_one() {
    let site = begun().await;
    site.yotpo.will(Does::Waits);
    let person = async {
        site.yotpo.asked.acquire().await.unwrap().forget();
        site.world.clock.advance(SignedDuration::from_secs(1));
        site.yotpo.offers(&[("A tent", 9_000)]);
        assert_eq!(names(&refreshed(&site).await), ["A tent"]);
        site.yotpo.let_go.add_permits(1);
    };
    tokio::join!(site.read(), person);
    assert_eq!(site.offered().await, ["A tent"]);
}
