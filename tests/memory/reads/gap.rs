//! Gaps in the news of one member.

use jiff::SignedDuration;
use serde_json::{Value, json};
use vendors::{Outcome, Reason};

use super::{KARI, Person, Site, person, yotpo::Does};
use crate::world::body;

/// News that a balance moved, as the webhook brings it.
fn changed(person: &Person, before: i64) -> Value {
    let mut event = body("points_changed.json");
    let earned = person.webhook();
    event["email"] = json!(person.email);
    event["customer"] = earned["customer"].clone();
    event["previous_balance"] = json!(before);
    event["current_balance"] = json!(person.balance);
    event
}

fn at(person: &Person, balance: i64, hour: u8) -> Person {
    Person {
        balance,
        seen: format!("2026-03-20T{hour:02}:00:00.000Z"),
        ..person.clone()
    }
}

#[tokio::test]
async fn a_gap_has_its_member_read() {
    let site = Site::new().await;
    let kari = person("kari", 100, 19);
    site.hear(&kari).await;
    // From 250 to 300: that the balance was 250 has never been said. Yotpo is further by now.
    site.world
        .record(&changed(&at(&kari, 300, 9), 250))
        .await
        .unwrap();
    site.yotpo.knows(at(&kari, 320, 10).row());
    assert_eq!(site.settle().await, [Outcome::Sent]);
    assert_eq!(
        site.yotpo.calls()[0],
        "/api/v2/customers?customer_email=kari%40example%2Ecom"
    );
    assert_eq!(site.world.key(KARI, "points_available"), 320);
    site.world.settle().await;
    assert_eq!(
        site.world
            .vendor
            .field(KARI, "Yotpo.PointsBalance")
            .as_deref(),
        Some("320")
    );
    assert_eq!(
        site.world.vendor.started().len(),
        1,
        "the points of the beginning alone"
    );
}

#[tokio::test]
async fn news_without_a_gap_has_nobody_read() {
    let site = Site::new().await;
    let kari = person("kari", 100, 19);
    site.world.record(&changed(&kari, 0)).await.unwrap();
    site.world
        .record(&changed(&at(&kari, 150, 9), 100))
        .await
        .unwrap();
    site.world
        .record(&changed(&at(&kari, 150, 9), 100))
        .await
        .unwrap();
    site.world
        .record(&changed(&at(&kari, 120, 7), 110))
        .await
        .unwrap();
    assert!(site.settle().await.is_empty());
    site.put_store("example", false).await;
    site.world
        .record(&changed(&at(&kari, 500, 10), 450))
        .await
        .unwrap();
    assert!(
        site.settle().await.is_empty(),
        "a store without credentials"
    );
}

#[tokio::test]
async fn points_that_are_spent_given_back_and_spent_again_have_the_member_read() {
    let site = Site::new().await;
    let kari = person("kari", 900, 19);
    site.hear(&kari).await;
    let at = |balance| at(&kari, balance, 9);
    for (before, after) in [(900, 400), (400, 900)] {
        let news = changed(&at(after), before);
        site.world.record(&news).await.unwrap();
    }
    assert!(site.settle().await.is_empty(), "both are told");
    // The third is told in the words of the first.
    site.yotpo.knows(at(400).row());
    let again = changed(&at(400), 900);
    site.world.record(&again).await.unwrap();
    assert_eq!(site.settle().await, [Outcome::Sent]);
    assert_eq!(site.world.key(KARI, "points_available"), 400);
    // Once it is so, further repeats say nothing.
    site.world.record(&again).await.unwrap();
    assert!(site.settle().await.is_empty());
}

#[tokio::test]
async fn many_gaps_of_one_member_are_one_reading() {
    let site = Site::new().await;
    let kari = person("kari", 100, 19);
    site.hear(&kari).await;
    let mut batch = Vec::new();
    for (hour, balance) in [(9, 300), (10, 500), (11, 700)] {
        let event = changed(&at(&kari, balance, hour), balance - 50);
        batch.push(site.world.delivery("example", event.to_string().as_bytes()));
        site.world.clock.advance(SignedDuration::from_millis(1));
    }
    site.yotpo.knows(at(&kari, 700, 11).row());
    let last = batch.pop().unwrap();
    for results in [
        site.world.recorder.record(batch).await,
        site.world.recorder.record(vec![last]).await,
    ] {
        assert!(results.iter().all(Result::is_ok));
    }
    let outcomes = site.settle().await;
    let expected = [
        Outcome::Skipped(Reason::Unchanged),
        Outcome::Skipped(Reason::Repeat),
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(site.yotpo.calls().len(), 1);
    // A gap that is found later is read again.
    site.world.clock.advance(SignedDuration::from_mins(1));
    site.world
        .record(&changed(&at(&kari, 900, 12), 800))
        .await
        .unwrap();
    site.settle().await;
    assert_eq!(site.yotpo.calls().len(), 2);
}

#[tokio::test]
async fn a_gap_whose_message_was_not_taken_is_told_again() {
    let site = Site::new().await;
    let kari = person("kari", 100, 19);
    site.hear(&kari).await;
    site.world.settle().await;
    site.world.queue.refuse(true);
    let event = changed(&at(&kari, 300, 9), 250);
    let delivery = site.world.delivery("example", event.to_string().as_bytes());
    let first = site.world.recorder.record(vec![delivery.clone()]).await;
    assert!(first[0].is_err());
    site.world.queue.refuse(false);
    assert!(site.world.recorder.record(vec![delivery]).await[0].is_ok());
    site.yotpo.knows(at(&kari, 300, 9).row());
    assert_eq!(site.settle().await.len(), 1);
}

#[tokio::test]
async fn a_member_whom_the_source_does_not_know_is_no_error() {
    let site = Site::new().await;
    let kari = person("kari", 100, 19);
    site.hear(&kari).await;
    site.world
        .record(&changed(&at(&kari, 300, 9), 250))
        .await
        .unwrap();
    assert_eq!(site.settle().await, [Outcome::Skipped(Reason::NoPerson)]);
}

#[tokio::test]
async fn a_gap_waits_out_an_outage() {
    let site = Site::new().await;
    let kari = person("kari", 100, 19);
    site.hear(&kari).await;
    site.world
        .record(&changed(&at(&kari, 300, 9), 250))
        .await
        .unwrap();
    site.yotpo.knows(at(&kari, 320, 10).row());
    site.yotpo.will(Does::Breaks);
    site.yotpo.always(Some(503));
    for _ in 0..60 {
        site.read().await;
        site.world.clock.advance(SignedDuration::from_mins(10));
    }
    site.yotpo.always(None);
    site.settle().await;
    assert_eq!(site.world.key(KARI, "points_available"), 320);
}

#[tokio::test]
async fn a_message_that_no_release_reads_stays_for_a_person() {
    let site = Site::new().await;
    let bodies = ["nonsense", r#"{"v":9}"#].map(str::to_owned).into_iter();
    crate::operator::put(&site.world, crate::world::READS_QUEUE, bodies).await;
    let outcomes = site.read().await.0;
    let unreadable = |outcome: &Outcome| outcome.reason() == Some(Reason::UnreadableMessage);
    assert!(
        outcomes.len() == 2 && outcomes.iter().all(unreadable),
        "{outcomes:?}"
    );
}
