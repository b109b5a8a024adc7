//! What a ticket fires, and what is kept of the answers.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request as HttpRequest, State};

use super::*;
use crate::clock::Clock;
use crate::http;
use crate::standins::{mac, server};

fn ticket(email: &str) -> Value {
    json!({"id": 5, "subject": "Where is it?", "trigger": "ticket-created", "customer": {"email": email, "name": "Ada Example"}})
}

fn fire(bench: &mut Bench, ticket: &Value) -> Vec<Outgoing> {
    bench.order("/tickets", ticket);
    bench.gorgias.calls().expect("calls")
}

fn end(bench: &mut Bench, calls: &[Outgoing], status: Option<u16>, text: &str) -> Value {
    let one = |call: &Outgoing| {
        let text = text.to_owned();
        (
            call.clone(),
            Ended {
                status,
                text,
                ms: 3,
            },
        )
    };
    let ended: Vec<_> = calls.iter().map(one).collect();
    bench.gorgias.called(&ended, bench.now)
}

#[test]
fn only_active_integrations_with_the_trigger_are_called() {
    let mut bench = Bench::new();
    let on = bench.integration(&Value::Null);
    bench.integration(&json!({"triggers": {"ticket-updated": true}}));
    let off = bench.integration(&Value::Null);
    bench.order("/deactivate", &json!({"integration": off}));
    let calls = fire(&mut bench, &ticket("ada@example.com"));
    let ids: Vec<&Value> = calls
        .iter()
        .map(|call| &call.about["integration"])
        .collect();
    assert_eq!(ids, [&json!(on)]);
    assert_eq!(calls[0].method, "GET");
    assert_eq!(
        calls[0].headers,
        [("Authorization".to_owned(), "Bearer s3cret".to_owned())]
    );
    assert_eq!(bench.gorgias.calls(), None, "taken once");
}

#[test]
fn a_ticket_finds_whoever_has_the_address_or_makes_them() {
    let mut bench = Bench::new();
    bench.order("/customers-put", &json!({"customer": {"id": 7, "email": "bo@example.com", "addresses": ["bo@work.example.com"]}}));
    let id = bench.integration(&json!({"url": "http://127.0.0.1:1/{{ticket.customer.id}}?email={{ticket.customer.email}}"}));
    let calls = fire(&mut bench, &ticket("BO@work.example.com"));
    assert_eq!(calls[0].url, "http://127.0.0.1:1/7?email=bo%40example.com");
    let calls = fire(&mut bench, &ticket("ada@example.com"));
    assert_eq!(
        calls[0].url,
        "http://127.0.0.1:1/51000001?email=ada%40example.com"
    );
    let calls = fire(
        &mut bench,
        &json!({"id": 6, "trigger": "ticket-created", "customer": {"name": "By phone"}}),
    );
    assert_eq!(
        calls[0].url, "http://127.0.0.1:1/51000002?email=",
        "nothing renders as nothing"
    );
    let kept = end(
        &mut bench,
        &calls,
        Some(200),
        r#"{"loyalty":{"status":"not a member"}}"#,
    );
    assert_eq!(
        kept,
        json!({"fired": [{"integration": id, "status": 200, "ms": 3}]})
    );
    let state = bench.state("/customers-state");
    assert_eq!(
        state["51000002"]["integrations"][id.to_string()]["loyalty"]["status"],
        "not a member"
    );
}

#[test]
fn three_encodings_of_a_value_in_an_address() {
    let mut bench = Bench::new();
    bench.integration(
        &json!({"url": "http://localhost:1/?q={{ticket.customer.email}}&s={{ticket.subject}}"}),
    );
    for (encoding, query) in [
        ("percent", "q=a%2Bb%40example.com&s=Where%20is%20it%3F"),
        ("raw", "q=a+b@example.com&s=Where%20is%20it?"),
        ("plus", "q=a+b@example.com&s=Where+is+it?"),
    ] {
        bench.order("/encoding", &json!({"encoding": encoding}));
        let calls = fire(&mut bench, &ticket("a+b@example.com"));
        assert_eq!(calls[0].url, format!("http://localhost:1/?{query}"));
    }
}

#[test]
fn a_post_has_its_form_as_texts_and_a_signature() {
    let mut bench = Bench::new();
    bench.integration(&json!({"method": "POST", "hmac_secret": "h",
        "form": {"id": "{{ticket.id}}", "who": "{{ticket.customer.email}}", "none": "{{ticket.assignee_user.email}}", "said": "{{message.body_text}}"},
        "headers": {"X-Ticket": "{{ticket.id}}"}}));
    let mut said = ticket("ada@example.com");
    said["trigger"] = json!("ticket-message-created");
    said["message"] = json!({"body_text": "Hello", "from_agent": false});
    let calls = fire(&mut bench, &said);
    let body: Value = serde_json::from_slice(&calls[0].body).expect("JSON");
    assert_eq!(
        body,
        json!({"id": "5", "who": "ada@example.com", "none": "", "said": "Hello"})
    );
    let signature = mac::hex(&mac::sha256(b"h", &calls[0].body));
    for header in [
        ("X-Ticket", "5"),
        ("content-type", "application/json"),
        ("x-gorgias-signature", &signature),
    ] {
        let header = (header.0.to_owned(), header.1.to_owned());
        assert!(calls[0].headers.contains(&header), "{header:?}");
    }
    bench.integration(&json!({"method": "POST", "form": {"all": "{{context}}"}, "request_content_type": "application/x-www-form-urlencoded"}));
    let calls = fire(&mut bench, &said);
    assert!(
        calls[1].body.starts_with(b"all=%7B%22message%22"),
        "{:?}",
        calls[1]
    );
}

#[test]
fn a_hundred_failures_in_a_row_switch_it_off_and_one_success_forgets_them() {
    let mut bench = Bench::new();
    let id = bench.integration(&Value::Null);
    let calls = fire(&mut bench, &ticket("ada@example.com"));
    let own = |bench: &Bench| bench.state("/integrations-state")[id.to_string()].clone();
    for _ in 0..99 {
        end(&mut bench, &calls, Some(500), "");
    }
    assert_eq!(own(&bench)["failures"], 99);
    end(&mut bench, &calls, Some(200), "{}");
    assert_eq!(own(&bench)["failures"], 0);
    for (status, text) in [
        (Some(401), "{}"),
        (Some(204), ""),
        (Some(200), "[]"),
        (None, "silence"),
    ] {
        let said = end(&mut bench, &calls, status, text);
        assert!(said["fired"][0]["why"].is_string(), "{said}");
    }
    for _ in 0..96 {
        end(&mut bench, &calls, None, "silence");
    }
    assert!(own(&bench)["deactivated_datetime"].is_string());
    assert_eq!(fire(&mut bench, &ticket("ada@example.com")), []);
    let (_, again) = bench.ask(
        "PUT",
        &format!("/integrations/{id}"),
        &json!({"name": "Loyalty", "deactivated_datetime": null}),
    );
    assert_eq!(again["deactivated_datetime"], Value::Null);
    assert_eq!(own(&bench)["failures"], 0);
}

#[test]
fn an_answer_follows_a_customer_who_was_merged_meanwhile() {
    let mut bench = Bench::new();
    let id = bench.integration(&Value::Null);
    bench.order(
        "/customers-put",
        &json!({"customer": {"id": 7, "email": "bo@example.com"}}),
    );
    let calls = fire(&mut bench, &ticket("ada@example.com"));
    bench.order("/merge", &json!({"source": 51_000_001, "target": 7}));
    end(&mut bench, &calls, Some(200), r#"{"loyalty":{}}"#);
    let state = bench.state("/customers-state");
    assert_eq!(
        state["7"]["integrations"][id.to_string()],
        json!({"loyalty": {}})
    );
}

#[test]
fn nobody_elsewhere_is_called() {
    for http in [
        json!({"url": "https://loyalty.example.com/g"}),
        json!({"url": "http://{{ticket.customer.email}}/g"}),
        json!({"method": "PUT"}),
    ] {
        let mut bench = Bench::new();
        bench.integration(&http);
        let refused = bench.try_order("/tickets", &ticket("ada@example.com"));
        assert!(refused.is_err_and(|why| why.contains("stand-in")), "{http}");
        assert_eq!(bench.gorgias.calls(), None);
    }
}

type Seen = Arc<Mutex<Vec<String>>>;

async fn answer(State(seen): State<Seen>, request: HttpRequest) -> &'static str {
    let host = request.headers()["host"].to_str().unwrap_or_default();
    let line = format!("{} {} {}", request.method(), request.uri(), host);
    seen.lock().expect("a list").push(line);
    r#"{"loyalty":{"status":"member"}}"#
}

#[tokio::test]
async fn an_order_is_answered_when_the_calls_are_done() {
    let free = || std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let listener = free();
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let seen = Seen::default();
    let target = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a port");
    let port = target.local_addr().expect("an address").port();
    let app = Router::new().fallback(answer).with_state(seen.clone());
    tokio::spawn(async move { axum::serve(target, app).await });
    let mut bench = Bench::new();
    let id = bench.integration(&json!({"url": format!("http://ab.execute-api.localhost:{port}/g?email={{{{ticket.customer.email}}}}")}));
    tokio::spawn(server::serve(bench.gorgias, Clock::real(), listener));

    let body = with(&ticket("ada@example.com"), "account", json!("one"));
    let reply = http::post(&format!("{url}/tickets"))
        .body(body.to_string())
        .send()
        .await
        .expect("an answer");
    assert_eq!(reply.status, 200);
    let fired = &reply.json().expect("JSON")["fired"][0];
    assert_eq!(
        (&fired["integration"], &fired["status"]),
        (&json!(id), &json!(200))
    );
    let line = format!("GET /g?email=ada%40example.com ab.execute-api.localhost:{port}");
    assert_eq!(*seen.lock().expect("a list"), [line]);
    let page = http::get(&format!("{url}/ticket/one/5"))
        .send()
        .await
        .expect("a page");
    assert_eq!(page.headers["content-type"], "text/html; charset=UTF-8");
    let lost = http::get(&format!("{url}/ticket/one/6"))
        .send()
        .await
        .expect("a page");
    assert_eq!((page.status, lost.status), (200, 404));
    let faults = http::get(&format!("{url}/faults"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(faults.text, "[]");
}
