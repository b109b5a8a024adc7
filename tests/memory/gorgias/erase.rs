//! A person who is erased: their data there is emptied, however they are known.

use jiff::SignedDuration;
use loyalty::Email;
use recording::erase::Whom;
use serde_json::{Value, json};
use vendors::{Method, Outcome, Reason};

use super::bench::{ADA, BOB, Bench, QUEUE};
use crate::world::Does;

async fn erase(bench: &Bench, email: &str) {
    let store = bench.world.store("example").await;
    let whom = Whom::Email(Email::parse(email).unwrap());
    bench.world.clock.advance(SignedDuration::from_secs(1));
    let eraser = bench.world.eraser();
    let progress = eraser.erase(&store, &whom, None).await.unwrap();
    assert_eq!(progress.waiting, ["gorgias"]);
}

/// The next sweep finds every destination done.
async fn is_over(bench: &Bench, email: &str) {
    let store = bench.world.store("example").await;
    for _ in 0..2 {
        bench.world.clock.advance(SignedDuration::from_mins(16));
        bench.world.sweep(&store).await.unwrap();
        bench.world.queue.take(QUEUE);
    }
    let left = bench.world.rows(email);
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn the_data_of_whoever_is_known_is_emptied() {
    let bench = Bench::new().await;
    bench.customer(8, &[ADA]);
    bench.customer(9, &[BOB]);
    bench.push(ADA, 120).await;
    bench.push(BOB, 10).await;
    bench.gorgias.calls();
    erase(&bench, ADA).await;
    assert_eq!(bench.world.push().await, [Outcome::Sent]);
    assert_eq!(bench.record(8)["data"], json!({}));
    assert_eq!(
        bench.record(8)["email"],
        ADA,
        "the customer is the merchant's"
    );
    assert_eq!(bench.points(9), Some(10));
    assert_eq!(bench.gorgias.calls().len(), 1);
    is_over(&bench, ADA).await;
}

#[tokio::test]
async fn whoever_is_not_known_by_id_is_looked_for_by_every_address() {
    let bench = Bench::new().await;
    bench.customer(8, &["work@example.com", ADA]);
    bench.push(ADA, 120).await;
    // What we knew of them is gone, as for a store that was moved here.
    erase(&bench, ADA).await;
    let key = loyalty::MemberKey::of_email(&Email::parse(ADA).unwrap());
    let store = loyalty::StoreId::parse("example").unwrap();
    let sync = platform::member_row(&store, &key, "SYNC#gorgias");
    let forget = platform::Update {
        remove: vec!["person"],
        ..platform::Update::default()
    };
    let table = &bench.world.recorder.table;
    table.update(&sync, forget).await.unwrap();
    bench.gorgias.calls();
    assert_eq!(bench.world.push().await, [Outcome::Sent]);
    assert_eq!(bench.record(8)["data"], json!({}));
    assert_eq!(bench.gorgias.calls().len(), 4);
    is_over(&bench, ADA).await;
}

#[tokio::test]
async fn of_an_unknown_person_there_is_nothing_to_empty() {
    let bench = Bench::new().await;
    bench.customer(9, &[BOB]);
    bench.push(ADA, 120).await;
    erase(&bench, ADA).await;
    assert_eq!(bench.world.push().await, [Outcome::Sent]);
    assert!(bench.gorgias.writes().is_empty());
    assert_eq!(bench.record(9)["data"], Value::Null);
    is_over(&bench, ADA).await;
}

#[tokio::test]
async fn after_a_merge_the_record_that_is_left_is_emptied() {
    let bench = Bench::new().await;
    bench.customer(8, &[ADA]);
    bench.customer(9, &["work@example.com"]);
    bench.push(ADA, 120).await;
    bench
        .gorgias
        .order("/merge", json!({"source": 8, "target": 9}));
    bench.push(ADA, 130).await;
    assert_eq!(bench.points(9), Some(130));
    bench.customer(10, &["third@example.com"]);
    bench
        .gorgias
        .order("/merge", json!({"source": 9, "target": 10}));
    erase(&bench, ADA).await;
    assert_eq!(bench.world.push().await, [Outcome::Sent]);
    assert_eq!(bench.record(10)["data"], json!({}));
    is_over(&bench, ADA).await;
}

#[tokio::test]
async fn an_erasure_is_done_again_until_it_is_answered() {
    for does in [
        Does::Breaks,
        Does::BooksInSilence,
        Does::BooksAndFails,
        Does::Unreachable,
        Does::Asks(429, "20"),
        Does::Asks(503, "20"),
    ] {
        let bench = Bench::new().await;
        bench.customer(8, &[ADA]);
        bench.push(ADA, 120).await;
        erase(&bench, ADA).await;
        bench.gorgias.will(Method::Put, "/data", does);
        let outcomes = bench.world.settle().await;
        assert_eq!(outcomes.last(), Some(&Outcome::Sent), "{outcomes:?}");
        assert_eq!(bench.record(8)["data"], json!({}));
        is_over(&bench, ADA).await;
    }
}

#[tokio::test]
async fn late_news_does_not_bring_the_data_back() {
    let bench = Bench::new().await;
    bench.customer(8, &[ADA]);
    bench.push(ADA, 120).await;
    bench.hear(ADA, 130).await;
    let late = bench.world.queue.take(QUEUE);
    erase(&bench, ADA).await;
    bench.world.push().await;
    bench.world.bring_back(late);
    let erased = Outcome::Skipped(Reason::Erased);
    assert_eq!(bench.world.push().await, [erased]);
    assert_eq!(bench.record(8)["data"], json!({}));
}

/// The card of who has joined anew is younger than the erasure, though the erasure is carried out last: Gorgias would drop
/// it in silence otherwise.
#[tokio::test]
async fn who_joins_anew_before_the_erasure_has_arrived_is_shown_afterwards() {
    let bench = Bench::new().await;
    bench.customer(8, &[ADA]);
    bench.push(ADA, 120).await;
    erase(&bench, ADA).await;
    let erasure = bench.world.queue.take(QUEUE);
    bench.world.clock.advance(SignedDuration::from_mins(1));
    let mut joined = crate::world::body("opt_in.json");
    let now = bench.world.clock_text(24 * 3600);
    joined["email"] = json!(ADA);
    joined["customer"] = json!({
        "email": ADA, "first_name": "Ada", "is_opt_in": true, "points_balance": 5,
        "last_seen_at": now, "third_party_id": "anew",
    });
    bench.world.record(&joined).await.unwrap();
    bench.world.clock.advance(SignedDuration::from_mins(10));
    let joined = bench.world.queue.take(QUEUE);
    assert!(!joined.is_empty(), "they are a member again");
    bench.world.bring_back(erasure);
    bench.world.bring_back(joined);
    bench.world.settle().await;
    assert_eq!(bench.points(8), Some(5), "{}", bench.record(8));
}

#[tokio::test]
async fn a_store_that_has_left_gorgias_still_has_its_people_erased_there() {
    let bench = Bench::new().await;
    bench.customer(8, &[ADA]);
    bench.push(ADA, 120).await;
    bench.world.put_store("example", json!({})).await;
    bench.world.clock.advance(SignedDuration::from_mins(2));
    erase(&bench, ADA).await;
    assert_eq!(bench.world.push().await, [Outcome::Sent]);
    assert_eq!(bench.record(8)["data"], json!({}));
}

#[tokio::test]
async fn where_nothing_was_ever_written_gorgias_is_not_asked() {
    let bench = Bench::with(json!({"push": false})).await;
    bench.customer(8, &[ADA]);
    bench.hear(ADA, 120).await;
    let store = bench.world.store("example").await;
    let whom = Whom::Email(Email::parse(ADA).unwrap());
    let eraser = bench.world.eraser();
    let progress = eraser.erase(&store, &whom, None).await.unwrap();
    assert!(progress.waiting.is_empty(), "{:?}", progress.waiting);
    assert!(bench.world.push().await.is_empty());
    assert!(bench.gorgias.calls().is_empty());
    is_over(&bench, ADA).await;
}
