//! The member's card in a customer's data: what is written, what is not, and in which order.

use std::time::Duration;

use jiff::SignedDuration;
use loyalty::{Email, MemberKey, StoreId};
use platform::{MemberState, Table as _, Update, whole};
use serde_json::{Value, json};
use vendors::{Lane, Message, Method, Outcome, Reason};

use super::bench::{ADA, BOB, Bench};
use crate::world::{Does, body};

#[tokio::test]
async fn a_person_is_found_by_their_address_and_the_card_is_written() {
    let bench = Bench::new().await;
    bench.customer(7, &[BOB]);
    bench.customer(8, &["Ada@Example.com"]);
    assert_eq!(bench.push(ADA, 120).await, Outcome::Sent);
    let state = bench.world.row(ADA, "STATE");
    let record = bench.record(8);
    let card = &record["data"]["loyalty"];
    assert_eq!(
        (&card["status"], &card["email"]),
        (&json!("member"), &json!(ADA))
    );
    assert_eq!(card["points"]["available"], 120);
    let micros = state["version"].as_i64().unwrap();
    let version = jiff::Timestamp::from_microsecond(micros).unwrap();
    let version = version.to_zoned(jiff::tz::TimeZone::UTC);
    let version = version.strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string();
    assert_eq!(record["data_version"], version.as_str());
    assert_eq!(bench.record(7)["data"], Value::Null);

    let calls = bench.gorgias.calls();
    let paths: Vec<&str> = calls.iter().map(|(_, path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/api/customers?email=ada%40example%2Ecom&limit=1",
            "/api/customers/8/data"
        ]
    );
}

#[tokio::test]
async fn whoever_was_found_once_is_written_to_by_id() {
    let bench = Bench::new().await;
    bench.customer(8, &[ADA]);
    bench.push(ADA, 120).await;
    bench.gorgias.calls();
    assert_eq!(bench.push(ADA, 130).await, Outcome::Sent);
    let calls = bench.gorgias.calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!(calls[0].1, "/api/customers/8/data");
    assert_eq!(bench.points(8), Some(130));
    let sync = bench.world.row(ADA, "SYNC#gorgias");
    assert_eq!(sync["person"], "8");
}

#[tokio::test]
async fn two_messages_of_one_member_are_one_call() {
    let bench = Bench::new().await;
    bench.customer(8, &[ADA]);
    bench.push(ADA, 120).await;
    bench.gorgias.calls();
    bench.hear(ADA, 130).await;
    bench.hear(ADA, 140).await;
    let outcomes = bench.world.push().await;
    assert_eq!(
        outcomes,
        [Outcome::Sent, Outcome::Skipped(Reason::Unchanged)]
    );
    assert_eq!(bench.gorgias.calls().len(), 1);
    assert_eq!(bench.points(8), Some(140));
}

#[tokio::test]
async fn the_cards_age_alone_is_no_call() {
    let bench = Bench::new().await;
    bench.customer(8, &[ADA]);
    bench.push(ADA, 120).await;
    let shown = bench.record(8)["data"]["loyalty"]["as_of"].clone();
    bench.gorgias.calls();
    bench.world.clock.advance(SignedDuration::from_hours(5));
    // The row was written once more, as for a date that comes due, and nothing that the card says is new.
    let key = bench.world.row(ADA, "STATE");
    let version = key["version"].as_i64().unwrap() + 1;
    let member = MemberKey::of_email(&Email::parse(ADA).unwrap());
    let row = MemberState::key(&StoreId::parse("example").unwrap(), &member);
    let update = Update {
        set: vec![("version", whole(version))],
        ..Update::default()
    };
    bench.world.table.update(&row, update).await.unwrap();
    announce(&bench, ADA);
    let unchanged = Outcome::Skipped(Reason::Unchanged);
    assert_eq!(bench.world.push().await, [unchanged]);
    assert!(bench.gorgias.calls().is_empty());
    assert_eq!(bench.record(8)["data"]["loyalty"]["as_of"], shown);
}

/// A message without an event, as a resync puts it.
fn announce(bench: &Bench, email: &str) {
    let row = bench.world.row(email, "STATE");
    let message = Message {
        v: 1,
        store: StoreId::parse("example").unwrap(),
        member: MemberKey::of_email(&Email::parse(email).unwrap()),
        version: row["version"].as_u64().unwrap(),
        lane: Lane::Bulk,
        note: None,
        hash: None,
        erase: None,
    };
    bench.world.bring_back(vec![message.to_text().unwrap()]);
}

#[tokio::test]
async fn an_older_picture_never_takes_the_place_of_a_newer_one() {
    let bench = Bench::new().await;
    bench.customer(8, &[ADA]);
    // The first write is under way for longer than its sender lives, and arrives after the second one.
    bench.hear(ADA, 120).await;
    bench.gorgias.will(Method::Put, "/data", Does::Breaks);
    bench.world.push().await;
    let late = bench.gorgias.writes().remove(0);
    bench.hear(ADA, 130).await;
    bench.world.settle().await;
    assert_eq!(bench.points(8), Some(130));
    let (method, path, body) = late;
    let reply = bench.call(method, &path, Some(body)).await;
    assert_eq!(reply.status, 202, "it is taken, and ignored");
    assert_eq!(bench.points(8), Some(130));
}

#[tokio::test]
async fn only_members_whose_picture_changed_are_written_where_the_store_pushes() {
    let bench = Bench::with(json!({"push": false})).await;
    bench.customer(8, &[ADA]);
    bench.hear(ADA, 120).await;
    assert!(bench.world.push().await.is_empty());
    let bench = Bench::new().await;
    // The friend who was sent a link is no member.
    bench.customer(8, &["venn1@example.com"]);
    let shared = body("referral_share.json");
    bench.world.record(&shared).await.unwrap();
    bench.world.push().await;
    assert_eq!(bench.record(8)["data"], Value::Null);
}

#[tokio::test]
async fn what_is_too_large_is_written_once_without_what_may_be_long() {
    let bench = Bench::new().await;
    bench.customer(8, &[ADA]);
    bench.world.record(&points_earned()).await.unwrap();
    let large = || Does::Answers(413, json!({"error": {"msg": "too large"}}));
    bench.gorgias.will(Method::Put, "/data", large());
    assert_eq!(bench.world.push().await, [Outcome::Sent]);
    let writes = bench.gorgias.writes();
    let rows = |write: &Value| {
        write["data"]["loyalty"]["activity"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(writes.len(), 2);
    assert_eq!((rows(&writes[0].2), rows(&writes[1].2)), (1, 0));
    assert_eq!(bench.points(8), Some(1049));

    bench.hear(ADA, 5).await;
    bench.gorgias.will(Method::Put, "/data", large());
    bench.gorgias.will(Method::Put, "/data", large());
    let refused = Outcome::Rejected(Reason::InvalidValue);
    assert_eq!(bench.world.push().await, [refused], "and no third time");
    assert_eq!(bench.gorgias.writes().len(), 2);
    let sync = bench.world.row(ADA, "SYNC#gorgias");
    assert_eq!(sync["refused"], "invalid_value", "{sync}");
    assert_eq!(
        bench.push(ADA, 6).await,
        Outcome::Sent,
        "newer news goes on"
    );
}

/// Points of Ada's, so that there is an activity to leave out.
fn points_earned() -> Value {
    let mut body = body("points_earned.json");
    body["email"] = json!(ADA);
    body["customer"]["email"] = json!(ADA);
    body
}

#[tokio::test]
async fn a_full_bucket_is_waited_for_as_long_as_it_says() {
    let bench = Bench::new().await;
    bench.customer(8, &[ADA]);
    bench.hear(ADA, 120).await;
    bench.gorgias.order("/bucket", json!({"used": 40}));
    let outcomes = bench.world.push().await;
    assert!(
        matches!(outcomes[..], [Outcome::Throttled { .. }]),
        "{outcomes:?}"
    );
    bench
        .gorgias
        .will(Method::Put, "/data", Does::Asks(429, "300"));
    bench.world.wait_for_next();
    bench.world.clock.advance(SignedDuration::from_secs(1));
    let outcomes = bench.world.push().await;
    let waits = Duration::from_mins(5);
    assert!(
        matches!(outcomes[..], [Outcome::Throttled { after }] if after >= waits),
        "{outcomes:?}"
    );
    bench.world.settle().await;
    assert_eq!(bench.points(8), Some(120));
}

#[tokio::test]
async fn a_wrong_key_or_one_without_rights_parks_and_is_sent_once_it_is_right() {
    for status in [401, 403] {
        let bench = Bench::new().await;
        bench.customer(8, &[ADA]);
        let refuses = Does::Answers(status, json!({"error": {"msg": "no"}}));
        bench.gorgias.always(Some(refuses));
        let parked = Outcome::Parked(Reason::Unauthorized);
        assert_eq!(bench.push(ADA, 120).await, parked, "{status}");
        assert_eq!(bench.world.parked("example").await.len(), 1);
        bench.gorgias.calls();
        assert_eq!(bench.push(ADA, 130).await, parked);
        assert!(bench.gorgias.calls().is_empty(), "the line is closed");
        bench.gorgias.always(None);
        bench.world.settle().await;
        assert_eq!(bench.points(8), Some(130));
    }
}

#[tokio::test]
async fn a_key_that_was_rotated_is_read_anew_within_the_push() {
    let bench = Bench::new().await;
    bench.customer(8, &[ADA]);
    bench.customer(9, &[BOB]);
    bench.push(ADA, 120).await;
    let rotated = json!({"email": "admin@example.com", "api_key": "next-key"});
    bench.gorgias.order("/accounts", rotated);
    let secret =
        json!({"v": 1, "account": "example", "email": "admin@example.com", "api_key": "next-key"});
    let secrets = &bench.world.secrets;
    secrets.set("bridge/example/gorgias", &secret.to_string());
    assert_eq!(bench.push(BOB, 10).await, Outcome::Sent, "at the look");
    assert_eq!(bench.push(ADA, 130).await, Outcome::Sent);
    assert_eq!((bench.points(8), bench.points(9)), (Some(130), Some(10)));
}

#[tokio::test]
async fn a_member_with_another_address_stays_the_same_customer() {
    let bench = Bench::new().await;
    bench.customer(8, &[ADA]);
    bench.hear_of(ADA, 120, "c-1").await;
    bench.world.push().await;
    bench.gorgias.calls();
    bench.hear_of("lovelace@example.com", 130, "c-1").await;
    bench.world.settle().await;
    assert_eq!(bench.points(8), Some(130));
    let card = &bench.record(8)["data"]["loyalty"];
    assert_eq!(card["email"], "lovelace@example.com");
    let looks = bench.gorgias.calls();
    assert!(looks.iter().all(|(method, ..)| *method == Method::Put));
}

#[tokio::test]
async fn a_member_whom_gorgias_did_not_know_is_looked_for_by_the_new_address() {
    let bench = Bench::new().await;
    bench.customer(8, &["lovelace@example.com"]);
    bench.hear_of(ADA, 120, "c-1").await;
    let unknown = Outcome::Skipped(Reason::UnknownThere);
    assert_eq!(bench.world.push().await, [unknown]);
    bench.hear_of("lovelace@example.com", 130, "c-1").await;
    bench.world.settle().await;
    assert_eq!(bench.points(8), Some(130));
}
