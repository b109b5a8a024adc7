//! What each fault of Gorgias, of the way to it or of our own ports does to one member's picture: what becomes of the message,
//! and where the picture is in the end. Nothing starts there, so everything may be written again; what matters is that the
//! newest picture arrives, or that somebody sees why it does not, and that nobody else is touched.

use jiff::SignedDuration;
use serde_json::{Value, json};
use vendors::{Method, Outcome, Reason};

use super::bench::{ADA, BOB, Bench};
use crate::world::Does::{
    self, Answers, Asks, Books, BooksAndFails, BooksInSilence, Breaks, Unreachable,
};

/// The outcome of the first try, and the end: `there` or the reason that stands in the member's row.
type Row = (&'static str, Does, &'static str, &'static str);

fn says(status: u16) -> Does {
    Answers(status, json!({"error": {"msg": "…"}}))
}

fn html(status: u16) -> Does {
    Answers(status, json!("<html>"))
}

fn told(outcome: Outcome) -> String {
    let reason = outcome.reason().map(Reason::code);
    match (outcome.name(), reason) {
        (name, Some(reason)) if reason != name => format!("{name}: {reason}"),
        (name, _) => name.to_owned(),
    }
}

/// What every call may meet.
fn common() -> Vec<Row> {
    vec![
        ("401", says(401), "parked: unauthorized", "there"),
        ("403", says(403), "parked: unauthorized", "there"),
        ("405", says(405), "parked: wrong_address", "there"),
        ("408", says(408), "retry: vendor_error", "there"),
        ("410", says(410), "parked: wrong_address", "there"),
        ("422", says(422), "rejected: refused", "refused"),
        ("429 without a hint", says(429), "throttled", "there"),
        ("429, 5 seconds", Asks(429, "5"), "throttled", "there"),
        (
            "429, a day",
            Asks(429, "86400"),
            "parked: throttled",
            "there",
        ),
        ("429, nonsense", Asks(429, "soon"), "throttled", "there"),
        ("500", says(500), "retry: vendor_error", "there"),
        ("502 with HTML", html(502), "retry: vendor_error", "there"),
        (
            "503, 200 seconds",
            Asks(503, "200"),
            "retry: vendor_error",
            "there",
        ),
        ("silence", Breaks, "retry: no_answer", "there"),
        (
            "silence, booked",
            BooksInSilence,
            "retry: no_answer",
            "there",
        ),
        ("500, booked", BooksAndFails, "retry: vendor_error", "there"),
        ("no connection", Unreachable, "retry: no_answer", "there"),
    ]
}

/// One fault of the call with this method and path, in a batch with a neighbour.
async fn meets(bench: &Bench, (method, path): (Method, &'static str), row: &Row) {
    let (name, does, expected, end) = row;
    bench.hear(BOB, 10).await;
    bench.world.push().await;
    bench.hear(ADA, 120).await;
    bench.hear(BOB, 20).await;
    bench.gorgias.will(method, path, does.clone());
    let outcomes = bench.world.push().await;
    assert_eq!(told(outcomes[0]), *expected, "{name}");
    let everybodys = expected.starts_with("parked: ");
    assert!(
        everybodys || outcomes[1] == Outcome::Sent,
        "{name}: {outcomes:?}"
    );
    bench.world.settle().await;
    assert_eq!(bench.points(9), Some(20), "{name}: the neighbour");
    assert_eq!(ends(bench), *end, "{name}");
    // Whatever it was, later news arrives.
    bench.world.clock.advance(SignedDuration::from_hours(25));
    bench.hear(ADA, 130).await;
    bench.world.settle().await;
    assert_eq!(ends(bench), "there", "{name}");
    let records = bench.gorgias.show("/customers-state");
    assert_eq!(
        records.as_object().unwrap().len(),
        2,
        "{name}: nobody twice"
    );
}

/// `there` where Gorgias has the newest picture, else why it has not.
fn ends(bench: &Bench) -> String {
    let records = bench.gorgias.show("/customers-state");
    let ada = |record: &&Value| record["email"] == ADA;
    let record = records.as_object().unwrap().values().find(ada);
    let shown = record.map(|record| record["data"]["loyalty"]["points"]["available"].clone());
    if shown == Some(bench.world.key(ADA, "points_available")) {
        return "there".to_owned();
    }
    let sync = bench.world.row(ADA, "SYNC#gorgias");
    sync["refused"].as_str().unwrap_or("nowhere").to_owned()
}

#[tokio::test]
async fn faults_of_the_write() {
    let more = vec![
        ("202", Books, "sent", "there"),
        ("301, and the lists know better", says(301), "sent", "there"),
        ("400", says(400), "rejected: refused", "refused"),
        ("404, and the lists know better", says(404), "sent", "there"),
        ("409", says(409), "rejected: refused", "refused"),
        ("413", says(413), "sent", "there"),
    ];
    for row in common().into_iter().chain(more) {
        let bench = Bench::new().await;
        bench.customer(8, &[ADA]);
        bench.customer(9, &[BOB]);
        meets(&bench, (Method::Put, "/customers/8/data"), &row).await;
    }
}

#[tokio::test]
async fn faults_of_the_look() {
    let page = |rows: Value| Answers(200, json!({"data": rows, "meta": {"next_cursor": null}}));
    let more = vec![
        ("200", Books, "sent", "there"),
        ("200 with HTML", html(200), "retry: vendor_error", "there"),
        (
            "200 with an error",
            says(200),
            "retry: vendor_error",
            "there",
        ),
        (
            "200, a bare list",
            Answers(200, json!([{"id": "8", "email": ADA}])),
            "sent",
            "there",
        ),
        (
            "200, the wrong person",
            page(json!([{"id": 9, "email": BOB}])),
            "sent",
            "there",
        ),
        (
            "200 without an id",
            page(json!([{"email": ADA}])),
            "sent",
            "there",
        ),
        ("301", says(301), "parked: wrong_address", "there"),
        ("400", says(400), "rejected: refused", "refused"),
        ("404", says(404), "parked: wrong_address", "there"),
    ];
    for row in common().into_iter().chain(more) {
        let bench = Bench::new().await;
        bench.customer(8, &[ADA]);
        bench.customer(9, &[BOB]);
        meets(&bench, (Method::Get, "email=ada"), &row).await;
    }
}

#[tokio::test]
async fn faults_of_making_somebody() {
    let more = vec![
        ("201", Books, "sent", "there"),
        ("201 with HTML", html(201), "retry: vendor_error", "there"),
        ("400", says(400), "rejected: refused", "refused"),
        ("409 of nobody", says(409), "rejected: refused", "refused"),
    ];
    for row in common().into_iter().chain(more) {
        let bench = Bench::with(json!({"create_missing": true})).await;
        bench.customer(9, &[BOB]);
        meets(&bench, (Method::Post, "/customers"), &row).await;
    }
}

/// Gorgias' lists are behind its records: whoever they show cannot be written to. That is no reason to forget the member.
#[tokio::test]
async fn a_list_that_is_behind_is_asked_again() {
    let bench = Bench::new().await;
    bench.customer(8, &[ADA]);
    bench.hear(ADA, 120).await;
    for _ in 0..2 {
        bench.gorgias.will(Method::Put, "/data", says(301));
    }
    let outcomes = bench.world.push().await;
    assert_eq!(told(outcomes[0]), "retry: vendor_error");
    bench.world.settle().await;
    assert_eq!(ends(&bench), "there");
}

/// A crash at every call of every port, once with and once without its effect.
#[tokio::test]
async fn a_crash_anywhere_makes_nobody_twice_and_ends_at_the_newest_picture() {
    for effect_happens in [false, true] {
        for k in 1.. {
            let bench = Bench::with(json!({"create_missing": true})).await;
            bench.hear(ADA, 120).await;
            bench.world.fuse.arm(k, effect_happens);
            bench.world.push_counted().await;
            if bench.world.fuse.reached() < k {
                assert!(k > 8, "{k}");
                break;
            }
            bench.hear(ADA, 130).await;
            bench.world.settle().await;
            assert_eq!(ends(&bench), "there", "{k} {effect_happens}");
            let records = bench.gorgias.show("/customers-state");
            assert_eq!(
                records.as_object().unwrap().len(),
                1,
                "{k} {effect_happens}"
            );
        }
    }
}
