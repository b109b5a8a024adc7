//! Who a member is there: known by one address or another, unknown, made, merged, gone.

use jiff::SignedDuration;
use serde_json::{Value, json};
use vendors::{Method, Outcome, Reason};

use super::bench::{ADA, Bench};
use crate::world::Does;

const UNKNOWN: Outcome = Outcome::Skipped(Reason::UnknownThere);

async fn making() -> Bench {
    Bench::with(json!({"create_missing": true, "customer_time_zone": "Europe/Oslo"})).await
}

/// The only customer with this address.
fn made(bench: &Bench) -> Value {
    let all = bench.gorgias.show("/customers-state");
    let all = all.as_object().unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    all.values().next().unwrap().clone()
}

#[tokio::test]
async fn a_second_address_leads_to_the_customer_too() {
    let bench = Bench::new().await;
    bench.customer(8, &["work@example.com", ADA]);
    assert_eq!(bench.push(ADA, 120).await, Outcome::Sent);
    assert_eq!(bench.points(8), Some(120));
    let calls = bench.gorgias.calls();
    let path = "/api/customers?channel_type=email&channel_address=ada%40example%2Ecom&limit=1";
    assert_eq!(calls[1].1, path);
    assert_eq!(calls[2].1, "/api/customers/8");
    assert_eq!(calls.len(), 4);
}

#[tokio::test]
async fn an_unknown_person_is_asked_for_once_a_day_and_then_again() {
    let bench = Bench::new().await;
    bench.customer(7, &["other@example.com"]);
    assert_eq!(bench.push(ADA, 120).await, UNKNOWN);
    assert_eq!(bench.gorgias.calls().len(), 2);
    bench.world.clock.advance(SignedDuration::from_hours(23));
    assert_eq!(bench.push(ADA, 130).await, UNKNOWN);
    assert!(bench.gorgias.calls().is_empty(), "no second look");
    bench.customer(8, &[ADA]);
    bench.world.clock.advance(SignedDuration::from_hours(2));
    assert_eq!(bench.push(ADA, 140).await, Outcome::Sent);
    assert_eq!(bench.points(8), Some(140));
    assert_eq!(bench.record(7)["data"], Value::Null);
}

#[tokio::test]
async fn an_unknown_person_is_made_where_the_store_wants_it() {
    let bench = making().await;
    assert_eq!(bench.push(ADA, 120).await, Outcome::Sent);
    let ada = made(&bench);
    assert_eq!(ada["email"], ADA);
    assert_eq!(
        (&ada["name"], &ada["timezone"]),
        (&json!("Ada Example"), &json!("Europe/Oslo"))
    );
    assert_eq!(ada["data"]["loyalty"]["points"]["available"], 120);
    let writes = bench.gorgias.writes();
    let [(Method::Post, _, body), (Method::Put, ..)] = &writes[..] else {
        panic!("{writes:?}");
    };
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["email", "name", "timezone"]);
    assert_eq!(bench.push(ADA, 130).await, Outcome::Sent);
    assert_eq!(bench.gorgias.writes().len(), 1);
}

#[tokio::test]
async fn somebody_who_was_made_by_others_meanwhile_is_found() {
    for address in [vec![ADA], vec!["work@example.com", ADA]] {
        let bench = making().await;
        // Two looks find nobody; then an agent opens a ticket of theirs, and their address is taken.
        let nobody = || Does::Answers(200, json!({"data": [], "meta": {"next_cursor": null}}));
        bench.gorgias.will(Method::Get, "email=", nobody());
        bench
            .gorgias
            .will(Method::Get, "channel_address=", nobody());
        bench.customer(8, &address);
        assert_eq!(bench.push(ADA, 120).await, Outcome::Sent, "{address:?}");
        assert_eq!(bench.points(8), Some(120));
        assert_eq!(made(&bench)["id"], 8);
    }
}

#[tokio::test]
async fn an_address_that_is_taken_by_somebody_whom_no_list_shows_is_refused() {
    let bench = making().await;
    let taken = Does::Answers(409, json!({"error": {"msg": "exists"}}));
    bench.gorgias.will(Method::Post, "/customers", taken);
    let refused = Outcome::Rejected(Reason::Refused);
    assert_eq!(bench.push(ADA, 120).await, refused);
    let sync = bench.world.row(ADA, "SYNC#gorgias");
    assert_eq!(sync["refused"], "refused", "where a person sees it: {sync}");
    assert_eq!(bench.push(ADA, 130).await, Outcome::Sent);
    assert_eq!(made(&bench)["data"]["loyalty"]["points"]["available"], 130);
}

#[tokio::test]
async fn a_creation_that_was_not_answered_makes_nobody_twice() {
    for does in [Does::BooksInSilence, Does::BooksAndFails, Does::Breaks] {
        let bench = making().await;
        bench.gorgias.will(Method::Post, "/customers", does);
        let outcome = bench.push(ADA, 120).await;
        assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
        bench.world.settle().await;
        assert_eq!(made(&bench)["data"]["loyalty"]["points"]["available"], 120);
    }
}

#[tokio::test]
async fn after_a_merge_the_other_record_is_written() {
    let bench = Bench::new().await;
    bench.customer(8, &[ADA]);
    bench.customer(9, &["work@example.com"]);
    bench.push(ADA, 120).await;
    bench
        .gorgias
        .order("/merge", json!({"source": 8, "target": 9}));
    bench.gorgias.calls();
    assert_eq!(bench.push(ADA, 130).await, Outcome::Sent);
    assert_eq!(bench.points(9), Some(130));
    assert_eq!(
        bench.gorgias.calls().len(),
        5,
        "one 301, three looks, one write"
    );
    assert_eq!(bench.world.row(ADA, "SYNC#gorgias")["person"], "9");
    assert_eq!(bench.push(ADA, 140).await, Outcome::Sent);
    assert_eq!(bench.gorgias.calls().len(), 1);
}

#[tokio::test]
async fn who_is_gone_is_looked_for_once_and_then_unknown() {
    let bench = Bench::new().await;
    bench.customer(8, &[ADA]);
    bench.push(ADA, 120).await;
    let gone = Does::Answers(404, json!({"error": {"msg": "Customer does not exist."}}));
    bench.customer(8, &["other@example.com"]);
    bench
        .gorgias
        .will(Method::Put, "/customers/8/data", gone.clone());
    bench.gorgias.calls();
    assert_eq!(bench.push(ADA, 130).await, UNKNOWN);
    assert_eq!(bench.gorgias.calls().len(), 3);
    assert_eq!(bench.push(ADA, 140).await, UNKNOWN);
    assert!(bench.gorgias.calls().is_empty());
    bench.customer(9, &[ADA]);
    bench.world.clock.advance(SignedDuration::from_hours(25));
    assert_eq!(bench.push(ADA, 150).await, Outcome::Sent);
    assert_eq!(bench.points(9), Some(150));
}

#[tokio::test]
async fn a_list_that_does_not_understand_its_filter_leads_to_nobody() {
    let bench = Bench::new().await;
    bench.customer(7, &["other@example.com"]);
    let everybody = json!({"data": [{"id": 7, "email": "other@example.com"}], "meta": {}});
    let everybody = Does::Answers(200, everybody);
    bench.gorgias.will(Method::Get, "?email=", everybody);
    assert_eq!(bench.push(ADA, 120).await, UNKNOWN);
    assert_eq!(bench.record(7)["data"], Value::Null);
}
