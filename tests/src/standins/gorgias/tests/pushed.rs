//! Data that is pushed to a customer, and merges.

use super::*;

fn push(bench: &mut Bench, id: u64, points: u64, version: &str) -> u16 {
    let body = json!({"data": {"points": points}, "version": version});
    bench.ask("PUT", &format!("/customers/{id}/data"), &body).0
}

#[test]
fn the_newest_version_stays_and_older_ones_are_dropped_in_silence() {
    let mut bench = Bench::new();
    bench.order(
        "/customers-put",
        &json!({"customer": {"id": 7, "email": "bo@example.com"}}),
    );
    for (points, version, kept) in [
        (1, "2026-10-01T12:00:00.000000", 1),
        (2, "2026-10-01T12:00:00.000000", 1),
        (3, "2026-09-30T23:59:59.999999", 1),
        (4, "2026-10-01T12:00:00.000001", 4),
    ] {
        assert_eq!(push(&mut bench, 7, points, version), 202);
        assert_eq!(bench.get("/customers/7")["data"], json!({"points": kept}));
    }
    let whole = json!({"data": {}, "version": "2026-10-02T12:00:00.000000"});
    assert_eq!(
        bench.ask("PUT", "/customers/7/data", &whole),
        (202, Value::Null)
    );
    assert_eq!(bench.get("/customers/7")["data"], json!({}));
    assert_eq!(
        bench.state("/customers-state")["7"]["data_version"],
        "2026-10-02T12:00:00.000000"
    );
    assert_eq!(push(&mut bench, 8, 1, "2026-10-01T12:00:00.000000"), 404);
    bench.no_faults();
}

#[test]
fn other_forms_are_faults() {
    let mut bench = Bench::new();
    bench.order(
        "/customers-put",
        &json!({"customer": {"id": 7, "email": "bo@example.com"}}),
    );
    let good = json!({"data": {}, "version": "2026-10-01T12:00:00.000000"});
    for body in [
        without(&good, "data"),
        without(&good, "version"),
        with(&good, "data", json!([])),
        with(&good, "note", json!("x")),
        with(&good, "version", json!("2026-10-01T12:00:00Z")),
        with(&good, "version", json!("2026-10-01T12:00:00.000")),
        with(&good, "version", json!("2026-10-01T12:00:00.000000Z")),
        with(&good, "version", json!("2026-02-30T12:00:00.000000")),
        with(&good, "version", json!(1)),
    ] {
        bench.faulty("PUT", "/customers/7/data", &body);
    }
}

#[test]
fn a_merged_customer_is_301_with_nothing_in_it() {
    let mut bench = Bench::new();
    for (id, email) in [(7, "bo@example.com"), (8, "bo@work.example.com")] {
        bench.order(
            "/customers-put",
            &json!({"customer": {"id": id, "email": email}}),
        );
    }
    bench.order("/merge", &json!({"source": 8, "target": 7}));
    let body = json!({"data": {}, "version": "2026-10-01T12:00:00.000000"});
    let answer = bench.raw(&request("PUT", "/customers/8/data", &body));
    assert_eq!((answer.status, answer.body.as_str()), (301, ""));
    assert_eq!(bench.ask("GET", "/customers/8", &Value::Null).0, 404);
    let found = bench.get("/customers?channel_type=email&channel_address=bo%40work.example.com");
    assert_eq!(found["data"][0]["id"], 7);
    bench.no_faults();
}
