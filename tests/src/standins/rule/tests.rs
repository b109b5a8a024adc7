//! The stand-in against what the vendor's documents say of the vendor.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Rule;
use crate::standins::{Answer, Request, Vendor};

struct Bench {
    rule: Rule,
    now: Timestamp,
    faults: Vec<String>,
}

impl Bench {
    fn new() -> Self {
        let mut rule = Rule::default();
        let now = "2026-03-04T10:20:31Z".parse().expect("a time");
        let account = json!({"key": "right-key", "account": "one"});
        rule.order("/accounts", &account, now)
            .expect("known")
            .expect("made");
        Self {
            rule,
            now,
            faults: Vec::new(),
        }
    }

    fn send(&mut self, request: &Request) -> Answer {
        let answer = self.rule.handle(request, self.now, &mut self.faults);
        self.rule
            .answered(&self.rule.key(request), answer.status, self.now);
        answer
    }

    fn post(&mut self, body: &Value) -> Answer {
        self.send(&request("POST", "/api/v2/subscribers", body))
    }

    fn get(&mut self, path: &str) -> (u16, Value) {
        let answer = self.send(&request("GET", path, &Value::Null));
        (
            answer.status,
            serde_json::from_str(&answer.body).expect("JSON"),
        )
    }

    fn starts(&self) -> Vec<(String, String, u64)> {
        let starts = self.rule.show("/automations", Some("one")).expect("shown");
        let text = |start: &Value, key: &str| start[key].as_str().expect("text").to_owned();
        let starts = starts.as_array().expect("a list").iter();
        starts
            .map(|s| {
                (
                    text(s, "tag"),
                    text(s, "cause"),
                    s["cancelled"].as_u64().expect("a number"),
                )
            })
            .collect()
    }
}

fn request(method: &str, path: &str, body: &Value) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let headers = [
        ("authorization", "Bearer right-key"),
        ("content-type", "application/json"),
        ("host", "h"),
    ];
    Request {
        method: method.into(),
        path: path.into(),
        query: query.into(),
        headers: headers.map(|(n, v)| (n.to_owned(), v.to_owned())).into(),
        body: if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        },
    }
}

fn kari() -> Value {
    json!({
        "update_on_duplicate": true, "auto_create_tags": true, "auto_create_fields": true, "automation": "reset",
        "tags": ["CouponRedeemed", "Yotpo"],
        "subscribers": {"email": "kari@example.com", "fields": [
            {"key": "Yotpo.StoreName", "value": "Example Outdoor", "type": "text"},
            {"key": "Yotpo.LastPurchaseAt", "value": "2026-02-20 08:00:00", "type": "datetime"},
        ]},
    })
}

fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut body = kari();
    change(&mut body);
    body
}

#[test]
fn a_person_is_made_and_found_again() {
    let mut bench = Bench::new();
    let answer = bench.post(&kari());
    assert_eq!(answer.status, 200);
    let body: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(body["subscriber"]["email"], "kari@example.com");
    assert_eq!(
        body["subscriber"]["created_at"], "2026-03-04 11:20:31",
        "Swedish local time"
    );
    assert_eq!(
        body["subscriber"]["tags"],
        json!([{"id": 1, "name": "CouponRedeemed"}, {"id": 2, "name": "Yotpo"}])
    );

    let (status, fields) =
        bench.get("/api/v2/subscriber/kari%40example.com/fields?identified_by=email");
    assert_eq!(status, 200);
    let yotpo = &fields["groups"][0];
    assert_eq!(
        (&yotpo["name"], &yotpo["historical"]),
        (&json!("Yotpo"), &json!(false))
    );
    assert!(
        yotpo["fields"]
            .as_array()
            .expect("fields")
            .contains(&json!({"name": "StoreName", "value": "Example Outdoor"}))
    );

    let (status, person) = bench.get("/api/v2/subscribers/kari%40example.com?identified_by=email");
    assert_eq!((status, &person["subscriber"]["id"]), (200, &json!(81_000)));
    let (status, missing) =
        bench.get("/api/v2/subscribers/nobody%40example.com?identified_by=email");
    assert_eq!(
        (status, &missing["error"]),
        (404, &json!("SubscriberNotFound"))
    );
    assert_eq!(bench.faults, Vec::<String>::new());
}

#[test]
fn a_wrong_or_missing_key_is_401() {
    let mut bench = Bench::new();
    for header in [Some("Bearer other"), Some("right-key"), None] {
        let mut request = request("POST", "/api/v2/subscribers", &kari());
        request.headers.retain(|(name, _)| name != "authorization");
        request
            .headers
            .extend(header.map(|value| ("authorization".to_owned(), value.to_owned())));
        let answer = bench.send(&request);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (401, r#"{"error":"NotAuthorized"}"#)
        );
    }
}

#[test]
fn what_may_never_be_sent_is_refused_and_remembered() {
    let bad: Vec<(&str, Value)> = vec![
        ("unknown key", changed(|b| b["tag"] = json!("x"))),
        (
            "unknown key",
            changed(|b| b["subscribers"]["name"] = json!("x")),
        ),
        (
            "unknown key",
            changed(|b| b["subscribers"]["fields"][0]["kind"] = json!("x")),
        ),
        ("fields_clear", changed(|b| b["fields_clear"] = json!(true))),
        ("twice", changed(|b| b["tags"] = json!(["A", "A"]))),
        ("empty", changed(|b| b["tags"] = json!([]))),
        ("digits", changed(|b| b["tags"] = json!(["42"]))),
        ("automation", changed(|b| b["automation"] = json!("send"))),
        ("automation", changed(|b| b["automation"] = json!(true))),
        (
            "Group.Field",
            changed(|b| b["subscribers"]["fields"][0]["key"] = json!("StoreName")),
        ),
        (
            "Group.Field",
            changed(|b| b["subscribers"]["fields"][0]["key"] = json!("Yotpo.Store.Name")),
        ),
        (
            "Yotpo.StoreName",
            changed(|b| b["subscribers"]["fields"][0]["value"] = json!(12)),
        ),
        (
            "Yotpo.StoreName",
            changed(|b| b["subscribers"]["fields"][0]["value"] = json!(null)),
        ),
        (
            "Yotpo.StoreName",
            changed(|b| b["subscribers"]["fields"][0]["type"] = json!("number")),
        ),
        (
            "LastPurchaseAt",
            changed(|b| b["subscribers"]["fields"][1]["value"] = json!("2026-02-20T08:00:00Z")),
        ),
        (
            "LastPurchaseAt",
            changed(|b| b["subscribers"]["fields"][1]["value"] = json!("2026-02-30 08:00:00")),
        ),
        (
            "twice",
            changed(|b| b["subscribers"]["fields"][1] = b["subscribers"]["fields"][0].clone()),
        ),
        (
            "neither",
            changed(|b| b["subscribers"] = json!({"fields": []})),
        ),
        (
            "language",
            changed(|b| b["subscribers"]["language"] = json!("nb-NO")),
        ),
    ];
    for (word, body) in bad {
        let mut bench = Bench::new();
        let answer = bench.post(&body);
        assert!([400, 404].contains(&answer.status), "{word}: {answer:?}");
        assert!(
            bench.faults.iter().any(|fault| fault.contains(word)),
            "{word}: {:?}",
            bench.faults
        );
    }
}

#[test]
fn envelopes_of_the_wrong_form_are_faults() {
    let mut bench = Bench::new();
    let mut with_header = request("POST", "/api/v2/subscribers", &kari());
    with_header.headers.push(("x-trace".into(), "1".into()));
    let mut other_type = request("POST", "/api/v2/subscribers", &kari());
    other_type.headers[1].1 = "text/json".into();
    let bad = [
        with_header,
        other_type,
        request("POST", "/api/v2/subscribers?apikey=right-key", &kari()),
        request("POST", "/api/v2/subscriber", &kari()),
        request(
            "GET",
            "/api/v2/subscribers/kari%40example.com/fields?identified_by=email",
            &Value::Null,
        ),
        request(
            "GET",
            "/api/v2/subscriber/kari%40example.com/fields",
            &Value::Null,
        ),
    ];
    for (count, request) in bad.iter().enumerate() {
        assert!(bench.send(request).status >= 400, "{request:?}");
        assert_eq!(bench.faults.len(), count + 1, "{request:?}");
    }
}

#[test]
fn a_bad_address_is_the_datas_fault_not_the_senders() {
    let mut bench = Bench::new();
    let answer = bench.post(&changed(|b| {
        b["subscribers"]["email"] = json!("kari@example");
    }));
    assert_eq!(answer.status, 400);
    assert!(
        answer.body.contains(r#""fields":{"email":["#),
        "{}",
        answer.body
    );
    assert!(bench.faults.is_empty());
    assert_eq!(bench.post(&json!("text")).status, 400);
}

#[test]
fn duplicates_need_update_on_duplicate() {
    let mut bench = Bench::new();
    assert_eq!(
        bench
            .post(&changed(|b| b["update_on_duplicate"] = json!(false)))
            .status,
        200
    );
    let answer = bench.post(&changed(|b| b["update_on_duplicate"] = json!(false)));
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("DuplicateSubscriber"));
    assert_eq!(
        bench
            .post(&changed(
                |b| b["subscribers"]["email"] = json!("Kari@Example.com ")
            ))
            .status,
        200
    );
    let state = bench.rule.show("/subscribers-state", None).expect("shown");
    assert_eq!(
        state["one"].as_object().expect("people").len(),
        1,
        "one person, whatever the case"
    );
}

#[test]
fn a_fields_type_is_fixed_and_an_empty_value_blanks_it() {
    let mut bench = Bench::new();
    bench.post(&kari());
    let blank = changed(|b| b["subscribers"]["fields"][1]["value"] = json!(""));
    assert_eq!(bench.post(&blank).status, 200);
    let other = changed(|b| {
        b["subscribers"]["fields"][1] = json!({"key": "Yotpo.LastPurchaseAt", "value": "x"});
    });
    let answer = bench.post(&other);
    assert!(
        answer.status == 400 && answer.body.contains("Yotpo.LastPurchaseAt"),
        "{answer:?}"
    );
    let state = bench
        .rule
        .show("/subscribers-state", Some("one"))
        .expect("shown");
    let field = &state["one"]["kari@example.com"]["fields"]["Yotpo.LastPurchaseAt"];
    assert_eq!(field, &json!({"value": "", "type": "datetime"}));
}

#[test]
fn a_refused_request_changes_nothing() {
    let mut bench = Bench::new();
    let two = changed(|b| {
        b["subscribers"] = json!([{"email": "a@example.com"}, {"email": "not an address"}]);
    });
    assert_eq!(bench.post(&two).status, 400);
    assert_eq!(
        bench
            .rule
            .show("/subscribers-state", Some("one"))
            .expect("shown"),
        json!({"one": {}})
    );
    assert!(bench.starts().is_empty());
}

#[test]
fn groups_and_requests_have_a_size() {
    let mut bench = Bench::new();
    let big =
        |size: usize| changed(|b| b["subscribers"]["fields"][0]["value"] = json!("æ".repeat(size)));
    assert_eq!(bench.post(&big(65_000 - 19)).status, 200);
    assert_eq!(bench.post(&big(65_000)).status, 400);
    let many: Vec<Value> = (0..=1000)
        .map(|n| json!({"email": format!("p{n}@example.com")}))
        .collect();
    assert_eq!(
        bench
            .post(&changed(|b| b["subscribers"] = json!(many)))
            .status,
        413
    );
    assert_eq!(
        bench
            .post(&changed(|b| b["subscribers"] = json!(many[..1000])))
            .status,
        200
    );
}

#[test]
fn the_table_of_modes() {
    let post = |bench: &mut Bench, mode: Value| {
        let body = changed(|b| {
            b["automation"] = mode;
            b["tags"] = json!(["PointsEarned"]);
        });
        assert_eq!(bench.post(&body).status, 200);
    };
    let finish = |bench: &mut Bench| {
        let done = bench
            .rule
            .order("/finished", &json!({"account": "one"}), bench.now);
        assert_eq!(done, Some(Ok(())));
    };
    let start = |cause: &str, cancelled| ("PointsEarned".to_owned(), cause.to_owned(), cancelled);
    for (mode, running, finished) in [
        (json!(false), None, None),
        (
            json!("force"),
            Some(start("force", 0)),
            Some(start("force", 0)),
        ),
        (
            json!("reset"),
            Some(start("reset", 1)),
            Some(start("reset", 0)),
        ),
    ] {
        let mut bench = Bench::new();
        post(&mut bench, mode.clone());
        assert_eq!(bench.starts(), [start("first", 0)], "{mode}: no tag yet");
        post(&mut bench, mode.clone());
        assert_eq!(
            bench.starts()[1..],
            running.into_iter().collect::<Vec<_>>(),
            "{mode}: running"
        );
        finish(&mut bench);
        let before = bench.starts().len();
        post(&mut bench, mode.clone());
        assert_eq!(
            bench.starts()[before..],
            finished.into_iter().collect::<Vec<_>>(),
            "{mode}: finished"
        );
    }
}

#[test]
fn sync_subscribers_decides_whether_anything_starts() {
    for (sync, count, starts) in [
        (None, 19, true),
        (None, 20, false),
        (Some(true), 100, true),
        (Some(false), 1, false),
    ] {
        let mut bench = Bench::new();
        let people: Vec<Value> = (0..count)
            .map(|n| json!({"email": format!("p{n}@example.com")}))
            .collect();
        let answer = bench.post(&changed(|b| {
            b["tags"] = json!(["A"]);
            b["subscribers"] = json!(people);
            if let Some(sync) = sync {
                b["sync_subscribers"] = json!(sync);
            }
        }));
        assert_eq!(answer.status, 200);
        assert_eq!(
            bench.starts().len(),
            if starts { count } else { 0 },
            "{sync:?} {count}"
        );
    }
}

#[test]
fn nobody_unreachable_is_started() {
    let mut bench = Bench::new();
    let who = json!({"account": "one", "email": "kari@example.com"});
    assert_eq!(
        bench.rule.order("/suppressions", &who, bench.now),
        Some(Ok(()))
    );
    let answer = bench.post(&kari());
    assert!(
        answer.status == 200 && answer.body.contains(r#""suppressed":["email"]"#),
        "{answer:?}"
    );
    bench.post(&changed(|b| {
        b["subscribers"]["email"] = json!("friend@example.com");
        b["require_opt_in"] = json!(true);
    }));
    assert!(bench.starts().is_empty());
}

#[test]
fn tags_are_given_and_taken() {
    let mut bench = Bench::new();
    bench.post(&changed(|b| b["tags"] = json!(["VIP Tier Earned"])));
    let path = "/api/v2/subscribers/kari%40example.com/tags";
    let body = json!({"tags": ["PointsEarned"], "automation": "force"});
    assert_eq!(
        bench
            .send(&request(
                "POST",
                &format!("{path}?identified_by=email"),
                &body
            ))
            .status,
        200
    );
    let delete = format!("{path}/VIP%20Tier%20Earned?identified_by=email");
    assert_eq!(
        bench.send(&request("DELETE", &delete, &Value::Null)).status,
        200
    );
    let state = bench.rule.show("/subscribers-state", None).expect("shown");
    assert_eq!(
        state["one"]["kari@example.com"]["tags"],
        json!(["PointsEarned"])
    );
    let nobody = "/api/v2/subscribers/x%40example.com/tags?identified_by=email";
    assert_eq!(bench.send(&request("POST", nobody, &body)).status, 404);
}

#[test]
fn two_thousand_requests_in_ten_minutes_block_for_ten() {
    let mut bench = Bench::new();
    for _ in 0..2000 {
        assert_eq!(bench.post(&kari()).status, 200);
    }
    let blocked = bench.post(&kari());
    assert_eq!(
        (blocked.status, blocked.body.as_str()),
        (429, "Too Many Attempts.")
    );
    assert_eq!(
        blocked.headers,
        [("retry-after".to_owned(), "601".to_owned())]
    );
    bench.now += SignedDuration::from_mins(10);
    assert_eq!(bench.post(&kari()).status, 200);
}

#[test]
fn too_many_errors_block_and_the_second_hint_is_local_time() {
    let mut bench = Bench::new();
    let bad = changed(|b| b["subscribers"]["email"] = json!("x"));
    for round in 1..=2 {
        for _ in 0..11 {
            bench.post(&kari());
        }
        for _ in 0..11 {
            bench.post(&bad);
        }
        let blocked = bench.post(&kari());
        assert_eq!(blocked.status, 429, "round {round}");
        assert!(blocked.kind.starts_with("text/plain"));
        if round == 2 {
            // 10:30:31 UTC plus ten minutes, in Stockholm.
            assert_eq!(
                blocked.headers,
                [("retry-after".to_owned(), "2026-03-04 11:40:31".to_owned())]
            );
        }
        bench.now += SignedDuration::from_mins(10);
    }
}
