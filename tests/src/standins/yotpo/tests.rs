use serde_json::{Value, json};

use super::*;

fn now() -> Timestamp {
    "2026-03-20T02:30:00Z".parse().expect("an instant")
}

fn yotpo() -> Yotpo {
    let mut yotpo = Yotpo::default();
    let mut order = |path: &str, body: Value| {
        let done = yotpo.order(path, &body, now()).expect("a path");
        done.expect("an order");
    };
    order(
        "/accounts",
        json!({"account": "one", "guid": "g", "key": "k"}),
    );
    for (name, id) in [("kari", "c-1"), ("ola", "c-2"), ("liv", "c-3")] {
        let customer = json!({"email": format!("{name}@example.com"), "third_party_id": id});
        order(
            "/customers",
            json!({"account": "one", "customer": customer}),
        );
    }
    yotpo
}

fn get(
    yotpo: &mut Yotpo,
    path: &str,
    query: &str,
    headers: &[(&str, &str)],
) -> (Answer, Vec<String>) {
    let headers = headers.iter();
    let request = Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: Vec::new(),
    };
    let mut faults = Vec::new();
    let answer = yotpo.handle(&request, now(), &mut faults);
    (answer, faults)
}

const GOOD: [(&str, &str); 2] = [("x-guid", "g"), ("x-api-key", "k")];

#[test]
fn a_customer_is_found_by_each_name_and_an_unknown_one_is_not() {
    let mut yotpo = yotpo();
    for (query, status) in [
        ("customer_email=kari%40example.com", 200),
        ("customer_email=KARI%40example.com", 200),
        ("customer_id=c-2", 200),
        ("customer_id=c-9", 404),
    ] {
        let (answer, faults) = get(&mut yotpo, CUSTOMERS, query, &GOOD);
        assert_eq!((answer.status, faults.len()), (status, 0), "{query}");
    }
}

#[test]
fn the_list_has_pages_and_who_changed_last_stands_first() {
    let mut yotpo = yotpo();
    let order = json!({"account": "one", "rows": 2});
    assert_eq!(yotpo.order("/page-size", &order, now()), Some(Ok(())));
    let read = |answer: &Answer| serde_json::from_str::<Value>(&answer.body).expect("JSON");
    let (first, _) = get(&mut yotpo, RECENT, "per_page=50", &GOOD);
    let first = read(&first);
    assert_eq!(first["customers"][0]["email"], "liv@example.com");
    assert_eq!(first["metadata"]["next_page_info"], "from/2+&=");
    let query = "per_page=50&page_info=from%2F2%2B%26%3D";
    let (second, faults) = get(&mut yotpo, RECENT, query, &GOOD);
    let second = read(&second);
    assert_eq!(second["customers"].as_array().expect("rows").len(), 1);
    assert!(second["metadata"]["next_page_info"].is_null() && faults.is_empty());
}

#[test]
fn the_options_are_one_list_without_pages() {
    let mut yotpo = yotpo();
    let (none, _) = get(&mut yotpo, OPTIONS, "", &GOOD);
    assert_eq!((none.status, none.body.as_str()), (200, "[]"));
    let options = json!([{"id": 77, "name": "50 kr off", "amount": 500}]);
    let order = json!({"account": "one", "options": options});
    assert_eq!(
        yotpo.order("/redemption-options", &order, now()),
        Some(Ok(()))
    );
    let (listed, faults) = get(&mut yotpo, OPTIONS, "", &GOOD);
    assert_eq!((listed.body, faults.len()), (options.to_string(), 0));
    let (wrong, _) = get(&mut yotpo, OPTIONS, "", &[]);
    assert_eq!(wrong.status, 401);
}

#[test]
fn a_wrong_credential_is_refused_and_no_fault() {
    let mut yotpo = yotpo();
    for headers in [
        [("x-guid", "g"), ("x-api-key", "other")],
        [("x-guid", "other"), ("x-api-key", "k")],
    ] {
        let (answer, faults) = get(&mut yotpo, RECENT, "per_page=50", &headers);
        assert_eq!((answer.status, faults.len()), (401, 0));
    }
}

#[test]
fn what_no_sender_of_ours_may_send_is_a_fault() {
    let extra = [("x-guid", "g"), ("x-api-key", "k"), ("authorization", "x")];
    for (path, query, headers) in [
        ("/api/v2/customers/all", "", &GOOD[..]),
        (RECENT, "", &GOOD),
        (RECENT, "per_page=500", &GOOD),
        (RECENT, "per_page=5&page_info=elsewhere", &GOOD),
        (RECENT, "per_page=5&per_page=6", &GOOD),
        (RECENT, "per_page=5&api_key=k", &GOOD),
        (RECENT, "per_page=5&page=2", &GOOD),
        (OPTIONS, "customer_email=kari%40example.com", &GOOD),
        (OPTIONS, "per_page=50", &GOOD),
        (CUSTOMERS, "", &GOOD),
        (
            CUSTOMERS,
            "customer_email=a%40b.example&customer_id=1",
            &GOOD,
        ),
        (CUSTOMERS, "customer_email=a+b%40example.com", &GOOD),
        (CUSTOMERS, "customer_id=c-1", &extra),
    ] {
        let (_, faults) = get(&mut yotpo(), path, query, headers);
        assert!(!faults.is_empty(), "{path}?{query}");
    }
}
