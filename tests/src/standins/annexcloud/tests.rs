//! The stand-in against what the vendor's documents say of the vendor.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::standins::mac;

const SECRET: &str = "example-secret";

struct Bench {
    vendor: AnnexCloud,
    now: Timestamp,
    faults: Vec<String>,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self {
            vendor: AnnexCloud::default(),
            // 1790856000 seconds.
            now: "2026-10-01T12:00:00Z".parse().expect("an instant"),
            faults: Vec::new(),
        };
        bench.order(
            "/accounts",
            &json!({"site": "example-shop", "site_id": "5550001", "secret": SECRET}),
        );
        bench.order("/members", &kari());
        bench
    }

    fn order(&mut self, path: &str, body: &Value) {
        self.try_order(path, body).expect("an order");
    }

    fn try_order(&mut self, path: &str, body: &Value) -> Result<(), String> {
        let mut body = body.clone();
        body["account"] = json!("one");
        self.vendor.order(path, &body, self.now).expect("a path")
    }

    fn send(&mut self, request: &Request) -> (u16, Value) {
        let answer = self.vendor.handle(request, self.now, &mut self.faults);
        let body = serde_json::from_str(&answer.body);
        (answer.status, body.unwrap_or_else(|_| json!(answer.body)))
    }

    fn get(&mut self, path: &str) -> (u16, Value) {
        self.now += SignedDuration::from_secs(1);
        let request = signed("GET", path, b"", self.now);
        self.send(&request)
    }

    fn post(&mut self, path: &str, body: &Value) -> (u16, Value) {
        self.body("POST", path, body)
    }

    fn body(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.now += SignedDuration::from_secs(1);
        let request = signed(method, path, body.to_string().as_bytes(), self.now);
        self.send(&request)
    }
}

fn kari() -> Value {
    json!({
        "user": {"id": "kari@example.com", "email": "kari@example.com", "firstName": "Kari", "totalSpendCurrency": 184.9,
            "createDate": "2024-03-02T09:00:00+0000", "extendedAttribute": {"store": "Berlin"}},
        "points": {"availablePoints": 5120, "usedPoints": 700, "lifetimePoints": "5820", "holdPoints": "250",
            "creditsToCurrencyRatio": "0.01", "creditsToCurrencyValue": 51.2},
        "tiers": {"currentTier": "Silver", "nextTier": "Gold", "pointsToNextTier": 80},
    })
}

fn claims(path: &str, body: &[u8], now: Timestamp) -> Value {
    let id = path.split('/').nth(2).and_then(decode).unwrap_or_default();
    let payload = if body.is_empty() {
        json!(id).to_string().into_bytes()
    } else {
        body.to_vec()
    };
    let payload = STANDARD.encode(payload);
    let hmac = STANDARD.encode(mac::sha256(SECRET.as_bytes(), payload.as_bytes()));
    json!({"sub": "example-shop", "exp": now.as_second() + 300, "site_id": "5550001", "hmac": hmac})
}

fn decode(text: &str) -> Option<String> {
    crate::standins::decoded(text)
}

fn token(head: &Value, claims: &Value, secret: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(head), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(mac::sha256(secret.as_bytes(), signed.as_bytes()));
    format!("Bearer {signed}.{signature}")
}

fn head() -> Value {
    json!({"alg": "HS256", "typ": "JWT"})
}

fn signed(method: &str, path: &str, body: &[u8], now: Timestamp) -> Request {
    with_token(
        method,
        path,
        body,
        &token(&head(), &claims(path, body, now), SECRET),
    )
}

fn with_token(method: &str, path: &str, body: &[u8], token: &str) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let headers = [
        ("authorization", token),
        ("content-type", "application/json"),
        ("host", "h"),
        ("x-annexcloud-site", "5550001"),
    ];
    Request {
        method: method.to_owned(),
        path: format!("/api/3.0{path}"),
        query: query.to_owned(),
        headers: headers.map(|(n, v)| (n.to_owned(), v.to_owned())).into(),
        body: body.to_vec(),
    }
}

/// Made once by another language's library, from the documents' recipe.
#[test]
fn a_token_from_elsewhere_is_good() {
    let mut bench = Bench::new();
    let token = concat!(
        "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
        "eyJzdWIiOiJleGFtcGxlLXNob3AiLCJleHAiOjE3OTA4NTYzMDAsInNpdGVfaWQiOiI1NTUwMDAxIiwiaG1hYyI6Il",
        "lJNWlpSnl3UTk4MHVSSlZmeHpsNEpYYWNOMTVVOFhldUhMQlN5U01NbUU9In0",
        ".8-XoclFt5vCqQpwhrz8lJmbLTJu1MF8yPhTX69i0e7Y",
    );
    let request = with_token("GET", "/users/kari%40example.com", b"", token);
    assert_eq!(bench.vendor.key(&request), Key::Right("one".to_owned()));
    assert_eq!(bench.send(&request).0, 200);
    assert_eq!(bench.faults, Vec::<String>::new());
}

#[test]
fn a_wrong_credential_is_refused_and_no_fault() {
    let mut bench = Bench::new();
    let path = "/users/kari%40example.com";
    let good = claims(path, b"", bench.now);
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        token(&head(), &claims, SECRET)
    };
    let at = bench.now.as_second();
    for token in [
        token(&head(), &good, "other-secret"),
        with("sub", json!("other-shop")),
        with("exp", json!(at)),
        with("exp", json!(at + 601)),
        with("exp", json!((at + 60) * 1_000_000)),
        "Bearer abc".to_owned(),
    ] {
        let (status, body) = bench.send(&with_token("GET", path, b"", &token));
        assert_eq!(
            (status, &body["errorCode"]),
            (401, &json!("AC1002")),
            "{token}"
        );
    }
    let mut other_site = with_token("GET", path, b"", &with("site_id", json!("5550002")));
    other_site.headers[3].1 = "5550002".to_owned();
    assert_eq!(bench.send(&other_site).0, 401);
    let mut none = signed("GET", path, b"", bench.now);
    none.headers.remove(0);
    assert_eq!(bench.vendor.key(&none), Key::Absent);
    assert_eq!(bench.send(&none).0, 401);
    assert_eq!(bench.faults, Vec::<String>::new());
}

#[test]
fn a_token_that_only_a_sender_can_get_wrong_is_a_fault() {
    let path = "/users/kari%40example.com";
    let now = Bench::new().now;
    let good = claims(path, b"", now);
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        with_token("GET", path, b"", &token(&head(), &claims, SECRET))
    };
    let mut no_site = signed("GET", path, b"", now);
    no_site.headers.remove(3);
    let mut other_body = signed("POST", "/users", b"{\"id\":\"a\"}", now);
    other_body.body = b"{\"id\": \"a\"}".to_vec();
    for request in [
        with("iat", json!(1)),
        with("exp", json!("1790856300")),
        with("hmac", json!("bm90LWEtcmVhbC1obWFj")),
        with_token(
            "GET",
            path,
            b"",
            &token(&json!({"alg": "HS256"}), &good, SECRET),
        ),
        no_site,
        other_body,
        // Signed for the encoded id instead of the raw one.
        {
            let claims = claims("/users/kari%2540example.com", b"", now);
            with_token("GET", path, b"", &token(&head(), &claims, SECRET))
        },
    ] {
        let mut bench = Bench::new();
        let (status, body) = bench.send(&request);
        assert_eq!(
            (status, &body["errorCode"]),
            (401, &json!("AC1002")),
            "{request:?}"
        );
        assert_eq!(bench.faults.len(), 1, "{request:?}");
    }
}

#[test]
fn envelopes_of_the_wrong_form_are_faults() {
    let mut bench = Bench::new();
    let body = b"{\"id\":\"a\"}";
    let mut with_header = signed("GET", "/points/a", b"", bench.now);
    with_header.headers.push(("x-trace".into(), "1".into()));
    let mut other_type = signed("POST", "/users", body, bench.now);
    other_type.headers[1].1 = "text/json".into();
    let mut no_type = signed("POST", "/users", body, bench.now);
    no_type.headers.remove(1);
    let bad = [
        with_header,
        other_type,
        no_type,
        signed("GET", "/users/kari@example.com", b"", bench.now),
        signed("GET", "/users/kari%40example.com?page=1", b"", bench.now),
        signed("PUT", "/users/kari%40example.com", body, bench.now),
        signed("GET", "/users/kari%40example.com", body, bench.now),
        signed("GET", "/users", b"", bench.now),
        signed("GET", "/tierlist/all", b"", bench.now),
    ];
    for (count, request) in bad.iter().enumerate() {
        assert!(bench.send(request).0 >= 400, "{request:?}");
        assert_eq!(bench.faults.len(), count + 1, "{request:?}");
    }
}

#[test]
fn answers_mix_text_and_numbers_as_the_samples_do() {
    let mut bench = Bench::new();
    let (_, user) = bench.get("/users/kari%40example.com");
    let user = &user["Data"];
    assert_eq!(user["totalSpendCurrency"], "184.9");
    assert_eq!(
        (&user["status"], &user["siteId"]),
        (&json!("ACTIVE"), &json!("5550001"))
    );
    let (_, points) = bench.get("/points/kari%40example.com");
    assert_eq!(
        (&points["availablePoints"], &points["holdPoints"]),
        (&json!("5120"), &json!(250))
    );
    let (_, tiers) = bench.get("/users/kari%40example.com/tiers");
    assert_eq!(tiers["PointsToNextTier"], "80");
    assert_eq!(tiers["spendAmountToNextTier"], "");
    assert_eq!(tiers.get("pointsToNextTier"), None);

    bench.order("/shape", &json!({"wrapper": "flat", "points": "number"}));
    let (_, user) = bench.get("/users/kari%40example.com");
    assert_eq!(
        (&user["id"], user.get("siteId")),
        (&json!("kari@example.com"), None)
    );
    let (_, points) = bench.get("/points/kari%40example.com");
    assert_eq!(
        (&points["availablePoints"], &points["usedPoints"]),
        (&json!(5120), &json!(700))
    );
    bench.order("/shape", &json!({"wrapper": "data", "points": "text"}));
    assert_eq!(
        bench.get("/users/kari%40example.com").1["data"]["firstName"],
        "Kari"
    );
    assert_eq!(
        bench.get("/points/kari%40example.com").1["holdPoints"],
        "250"
    );
    assert_eq!(bench.faults, Vec::<String>::new());
}

#[test]
fn nobody_and_nothing_known_are_ac1005() {
    let mut bench = Bench::new();
    bench.order("/members", &json!({"user": {"id": "ola"}}));
    for path in [
        "/users/liv",
        "/points/liv",
        "/users/liv/tiers",
        "/users/liv/activity",
        "/points/ola",
        "/users/ola/tiers",
    ] {
        let (status, body) = bench.get(path);
        assert_eq!(
            (status, &body["errorCode"]),
            (404, &json!("AC1005")),
            "{path}"
        );
    }
    assert_eq!(
        bench.get("/users/ola/activity"),
        (200, json!({"activity": []}))
    );
    bench.order("/members-gone", &json!({"id": "ola"}));
    assert_eq!(bench.get("/users/ola").0, 404);
    assert_eq!(bench.faults, Vec::<String>::new());
}

#[test]
fn a_person_is_made_once_and_changed() {
    let mut bench = Bench::new();
    let body = json!({"id": "ola@example.com", "email": "ola@example.com", "status": "active",
        "birthDate": "1990-04-01T00:00:00+0000", "extendedAttribute": {"source": "gorgias"}});
    let (status, echo) = bench.post("/users", &body);
    assert_eq!((status, &echo["birthDate"]), (200, &body["birthDate"]));
    assert_eq!(echo["updateDate"], "2026-10-01T05:00:01-0700");
    let (status, again) = bench.post("/users", &body);
    assert_eq!((status, &again["errorCode"]), (409, &json!("AC1006")));

    let change = json!({"phone": "+4915550100", "extendedAttribute": {"store": "Oslo"}});
    assert_eq!(
        bench.body("PATCH", "/users/ola%40example.com", &change).0,
        200
    );
    let (_, user) = bench.get("/users/ola%40example.com");
    assert_eq!(
        user["Data"]["extendedAttribute"],
        json!({"source": "gorgias", "store": "Oslo"})
    );
    let (status, nobody) = bench.body("PATCH", "/users/liv", &change);
    assert_eq!((status, &nobody["errorCode"]), (404, &json!("AC1005")));
    assert_eq!(bench.faults, Vec::<String>::new());

    let state = bench
        .vendor
        .show("/members-state", Some("one"))
        .expect("shown");
    assert_eq!(state["ola@example.com"]["user"]["phone"], "+4915550100");
}

#[test]
fn fields_of_the_wrong_form_are_faults_and_a_bad_address_is_not() {
    let full = |name: &str, value: Value| {
        let mut body = json!({"id": "ola"});
        body[name] = value;
        body
    };
    for body in [
        json!({"email": "ola@example.com"}),
        json!("text"),
        full("id", json!(7)),
        full("id", json!("")),
        full("email", json!("")),
        full("optInStatus", json!("yes")),
        full("status", json!("gone")),
        full("birthDate", json!("1990-04-01")),
        full("createDate", json!("2026-10-01T12:00:00+00:00")),
        full("createDate", json!("2026-02-30T12:00:00+0000")),
        full("updateDate", json!("2026-10-01T12:00:00+0000")),
        full("extendedAttribute", json!([{"source": "gorgias"}])),
        full("firstname", json!("Ola")),
        full("zipCode", json!(10115)),
    ] {
        let mut bench = Bench::new();
        let (status, answer) = bench.post("/users", &body);
        assert_eq!(
            (status, &answer["errorCode"]),
            (400, &json!("AC1004")),
            "{body}"
        );
        assert_eq!(bench.faults.len(), 1, "{body}");
    }
    let mut bench = Bench::new();
    for email in [
        "ola",
        "ola@@example.com",
        &format!("{}@example.com", "o".repeat(65)),
    ] {
        assert_eq!(bench.post("/users", &full("email", json!(email))).0, 400);
    }
    assert_eq!(bench.faults, Vec::<String>::new());
}

#[test]
fn points_are_given_and_taken() {
    let mut bench = Bench::new();
    bench.order("/actions", &json!({"actionId": "100", "credit": 50}));
    bench.order("/rewards", &json!({"rewardId": "7", "debit": 500}));
    let id = "kari@example.com";
    let give = json!({"id": id, "activity": "CREDIT", "actionId": "100", "orderId": "OD1", "reason": "goodwill"});
    let (status, answer) = bench.post("/points", &give);
    assert_eq!(status, 200);
    assert_eq!(
        answer,
        json!({"id": id, "actionId": 100, "activity": "CREDIT", "credit": 50, "pointsAwarded": 50, "reason": "goodwill",
            "orderId": "OD1", "updatedUserTier": "Silver", "updatedAvailablePoints": "5170", "updatedLifetimePoints": "5870"})
    );
    let redeem = json!({"id": id, "activity": "DEBIT", "rewardId": "7", "orderId": "OD2", "reason": "coupon", "source": "web"});
    assert_eq!(
        bench.post("/points", &redeem).1["updatedAvailablePoints"],
        "4670"
    );
    let deduct =
        json!({"id": id, "activity": "DEBIT", "actionId": "101", "debit": "70", "orderId": "OD3"});
    assert_eq!(bench.post("/points", &deduct).1["debit"], 70);
    let (_, points) = bench.get("/points/kari%40example.com");
    let of = |name: &str| points[name].clone();
    assert_eq!(
        [
            of("availablePoints"),
            of("lifetimePoints"),
            of("usedPoints"),
            of("usedPointsOnReward")
        ],
        [json!("4600"), json!("5870"), json!("1270"), json!("500")]
    );
    assert_eq!(of("creditsToCurrencyValue"), 46);

    let (_, activity) = bench.get("/users/kari%40example.com/activity");
    let orders: Vec<&Value> = activity["activity"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| &row["orderId"])
        .collect();
    assert_eq!(orders, ["OD3", "OD2", "OD1"], "newest first");
    assert_eq!(
        bench
            .vendor
            .show("/activity-state", Some("one"))
            .expect("shown")[id],
        activity["activity"]
    );
    assert_eq!(bench.faults, Vec::<String>::new());
}

#[test]
fn an_order_is_booked_twice_unless_it_is_a_retry() {
    let mut bench = Bench::new();
    let mut award = json!({"id": "kari@example.com", "activity": "CREDIT", "credit": "10", "orderId": "OD1", "reason": "sorry"});
    bench.post("/points", &award);
    assert_eq!(
        bench.post("/points", &award).1["updatedAvailablePoints"],
        "5140"
    );
    award["retry"] = json!(true);
    assert_eq!(
        bench.post("/points", &award).1["updatedAvailablePoints"],
        "5140"
    );
    let (_, points) = bench.get("/points/kari%40example.com");
    assert_eq!(points["availablePoints"], "5140");
}

#[test]
fn what_the_vendor_alone_can_know_is_refused_and_no_fault() {
    let mut bench = Bench::new();
    let mut award = json!({"id": "liv", "activity": "CREDIT", "credit": "10", "reason": "sorry"});
    assert_eq!(bench.post("/points", &award).1["errorCode"], "AC1005");
    award["id"] = json!("kari@example.com");
    award["actionId"] = json!("999");
    award.as_object_mut().expect("an object").remove("credit");
    assert_eq!(bench.post("/points", &award).1["errorCode"], "AC1004");
    let debit = json!({"id": "kari@example.com", "activity": "DEBIT", "debit": "9999", "orderId": "OD1", "reason": "r"});
    assert_eq!(bench.post("/points", &debit).1["errorCode"], "AC1007");
    assert_eq!(
        bench.get("/points/kari%40example.com").1["availablePoints"],
        "5120"
    );
    assert_eq!(bench.faults, Vec::<String>::new());
}

#[test]
fn illegal_combinations_are_faults() {
    let credit =
        json!({"id": "kari@example.com", "activity": "CREDIT", "credit": "10", "reason": "r"});
    let debit = json!({"id": "kari@example.com", "activity": "DEBIT", "debit": "10", "reason": "r", "orderId": "OD1"});
    let with = |body: &Value, name: &str, value: Value| {
        let mut body = body.clone();
        body[name] = value;
        body
    };
    let without = |body: &Value, name: &str| {
        let mut body = body.clone();
        body.as_object_mut().expect("an object").remove(name);
        body
    };
    for body in [
        without(&credit, "id"),
        without(&credit, "reason"),
        without(&credit, "credit"),
        with(&credit, "credit", json!(10)),
        with(&credit, "credit", json!("-10")),
        with(&credit, "credit", json!("0")),
        with(&credit, "debit", json!("10")),
        with(&credit, "source", json!("web")),
        with(&credit, "rewardId", json!("7")),
        with(&credit, "activity", json!("credit")),
        with(&credit, "note", json!("x")),
        with(&credit, "orderId", json!("")),
        with(&credit, "retry", json!(1)),
        without(&debit, "orderId"),
        without(&debit, "reason"),
        without(&debit, "debit"),
        with(&debit, "credit", json!("10")),
        with(&debit, "rewardId", json!("7")),
        with(&debit, "source", json!("app")),
        with(
            &with(&debit, "actionId", json!("1")),
            "source",
            json!("web"),
        ),
        json!([]),
    ] {
        let mut bench = Bench::new();
        let (status, answer) = bench.post("/points", &body);
        assert_eq!(
            (status, &answer["errorCode"]),
            (400, &json!("AC1004")),
            "{body}"
        );
        assert_eq!(bench.faults.len(), 1, "{body}");
    }
}

#[test]
fn more_than_ten_requests_in_a_second_are_too_many() {
    let mut bench = Bench::new();
    let path = "/points/kari%40example.com";
    let request = signed("GET", path, b"", bench.now);
    for _ in 0..10 {
        assert_eq!(bench.send(&request).0, 200);
    }
    assert_eq!(bench.send(&request).0, 429);
    assert_eq!(bench.get(path).0, 200, "a second later");
    bench.order("/limit", &json!({"per_second": null}));
    let request = signed("GET", path, b"", bench.now);
    for _ in 0..50 {
        assert_eq!(bench.send(&request).0, 200);
    }
    assert_eq!(bench.faults, Vec::<String>::new());
}

#[test]
fn orders_that_make_no_sense_are_refused() {
    let mut bench = Bench::new();
    for (path, body) in [
        ("/accounts", json!({"site": "s"})),
        ("/members", json!({"user": {}})),
        (
            "/members",
            json!({"user": {"id": "a"}, "points": {"available": 1}}),
        ),
        ("/members-gone", json!({"id": "liv"})),
        ("/shape", json!({"wrapper": "DATA"})),
        ("/limit", json!({"per_second": "ten"})),
    ] {
        assert!(bench.try_order(path, &body).is_err(), "{path} {body}");
    }
    assert_eq!(
        bench
            .vendor
            .order("/other", &json!({"account": "one"}), bench.now),
        None
    );
}
