//! The stand-in against what the vendor's documents say of the vendor.

mod fired;
mod pages;
mod pushed;
mod rest;
mod widgets;

use jiff::SignedDuration;
use serde_json::json;

use super::*;

/// One helpdesk and the time there.
struct Bench {
    gorgias: Gorgias,
    now: Timestamp,
    faults: Vec<String>,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self {
            gorgias: Gorgias::default(),
            now: "2026-10-01T12:00:00Z".parse().expect("an instant"),
            faults: Vec::new(),
        };
        for (email, key, role) in [
            ("admin@example.com", "right", "admin"),
            ("agent@example.com", "other", "agent"),
        ] {
            let body = json!({"email": email, "api_key": key, "role": role});
            bench.order("/accounts", &body);
        }
        bench
    }

    fn order(&mut self, path: &str, body: &Value) {
        self.try_order(path, body).expect("an order");
    }

    fn try_order(&mut self, path: &str, body: &Value) -> Result<(), String> {
        let mut body = body.clone();
        body["account"] = json!("one");
        self.gorgias.order(path, &body, self.now).expect("a path")
    }

    fn raw(&mut self, request: &Request) -> Answer {
        self.gorgias.handle(request, self.now, &mut self.faults)
    }

    /// A second later, so that the bucket does not fill.
    fn ask(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.now += SignedDuration::from_secs(1);
        let answer = self.raw(&request(method, path, body));
        let read = serde_json::from_str(&answer.body).unwrap_or_default();
        (answer.status, read)
    }

    fn get(&mut self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, &Value::Null);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    fn state(&self, path: &str) -> Value {
        self.gorgias.show(path, Some("one")).expect("shown")
    }

    fn no_faults(&self) {
        assert_eq!(self.faults, Vec::<String>::new());
    }

    /// A request that is refused and remembered.
    fn faulty(&mut self, method: &str, path: &str, body: &Value) {
        let before = self.faults.len();
        let (status, answer) = self.ask(method, path, body);
        assert!(status >= 400, "{method} {path} {body}: {answer}");
        assert!(answer["error"]["msg"].is_string(), "{answer}");
        assert_eq!(self.faults.len(), before + 1, "{method} {path} {body}");
    }

    /// An integration of ours; its id.
    fn integration(&mut self, http: &Value) -> u64 {
        let (status, made) = self.ask("POST", "/integrations", &integration(http));
        assert_eq!(status, 201, "{made}");
        made["id"].as_u64().expect("an id")
    }
}

fn integration(changes: &Value) -> Value {
    let mut http = json!({
        "url": "http://ab.execute-api.localhost:1/g?email={{ticket.customer.email}}&ticket={{ticket.id}}",
        "method": "GET", "request_content_type": "application/json", "response_content_type": "application/json",
        "headers": {"Authorization": "Bearer s3cret"},
        "triggers": {"ticket-created": true, "ticket-message-created": true},
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        http[name] = value.clone();
    }
    json!({"name": "Loyalty", "type": "http", "description": null, "http": http})
}

fn request(method: &str, path: &str, body: &Value) -> Request {
    let basic = STANDARD.encode("admin@example.com:right");
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut headers = vec![
        ("authorization".to_owned(), format!("Basic {basic}")),
        ("accept".to_owned(), "application/json".to_owned()),
        ("host".to_owned(), "h".to_owned()),
    ];
    let body = if body.is_null() {
        Vec::new()
    } else {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        body.to_string().into_bytes()
    };
    Request {
        method: method.to_owned(),
        path: format!("/api{path}"),
        query: query.to_owned(),
        headers,
        body,
    }
}

fn with(base: &Value, name: &str, value: Value) -> Value {
    let mut changed = base.clone();
    changed[name] = value;
    changed
}

fn without(base: &Value, name: &str) -> Value {
    let mut changed = base.clone();
    changed.as_object_mut().expect("an object").remove(name);
    changed
}
