//! Credentials, limits, customers, integrations.

use super::*;

#[test]
fn a_wrong_key_is_401_and_an_agents_is_403_where_admins_work() {
    let mut bench = Bench::new();
    for (pair, path, status) in [
        ("admin@example.com:wrong", "/customers", 401),
        ("other@example.com:right", "/customers", 401),
        ("agent@example.com:other", "/customers", 200),
        ("agent@example.com:other", "/integrations", 403),
        ("agent@example.com:other", "/widgets", 403),
    ] {
        let mut request = request("GET", path, &Value::Null);
        request.headers[0].1 = format!("Basic {}", STANDARD.encode(pair));
        assert_eq!(bench.raw(&request).status, status, "{pair} {path}");
    }
    let mut none = request("GET", "/customers", &Value::Null);
    none.headers.remove(0);
    assert_eq!(bench.gorgias.key(&none), Key::Absent);
    assert_eq!(bench.raw(&none).status, 401);
    bench.no_faults();
    bench.order(
        "/accounts",
        &json!({"email": "admin@example.com", "api_key": "new"}),
    );
    let old = request("GET", "/customers", &Value::Null);
    assert_eq!(bench.raw(&old).status, 401, "a new key is the only one");
}

#[test]
fn forty_requests_fill_the_bucket_and_two_leak_each_second() {
    let mut bench = Bench::new();
    let get = request("GET", "/customers", &Value::Null);
    let header = |answer: &Answer, name: &str| {
        let own = answer.headers.iter().find(|(own, _)| own == name);
        own.map(|(_, value)| value.clone())
    };
    for n in 1..=40 {
        let answer = bench.raw(&get);
        assert_eq!(answer.status, 200);
        assert_eq!(header(&answer, USED), Some(format!("{n}/40")));
    }
    let full = bench.raw(&get);
    assert_eq!(full.status, 429);
    assert_eq!(header(&full, "retry-after").as_deref(), Some("1"));
    assert_eq!(header(&full, USED).as_deref(), Some("40/40"));
    bench.now += SignedDuration::from_secs(1);
    assert_eq!([bench.raw(&get).status, bench.raw(&get).status], [200, 200]);
    assert_eq!(bench.raw(&get).status, 429);
    bench.now += SignedDuration::from_secs(20);
    assert_eq!(header(&bench.raw(&get), USED).as_deref(), Some("1/40"));
    bench.order("/bucket", &json!({"used": 40}));
    assert_eq!(bench.raw(&get).status, 429);
    bench.no_faults();
}

#[test]
fn envelopes_of_the_wrong_form_are_faults() {
    let mut bench = Bench::new();
    let body = json!({"email": "ada@example.com"});
    let mut with_header = request("GET", "/customers", &Value::Null);
    with_header.headers.push(("x-trace".into(), "1".into()));
    let mut other_type = request("POST", "/customers", &body);
    other_type.headers[3].1 = "text/json".into();
    let mut list = request("POST", "/customers", &body);
    list.body = b"[]".to_vec();
    for (count, request) in [with_header, other_type, list].iter().enumerate() {
        assert_eq!(bench.raw(request).status, 400);
        assert_eq!(bench.faults.len(), count + 1, "{request:?}");
    }
    for (method, path) in [
        ("GET", "/tickets"),
        ("GET", "/customers/"),
        ("GET", "/customers/ada"),
        ("GET", "/customers?email=a+b%40example.com"),
        ("GET", "/customers?email=a&email=b"),
        ("GET", "/customers?name=Ada"),
        ("GET", "/customers?limit=101"),
        ("GET", "/customers?order_by=name:asc"),
        ("GET", "/customers?cursor=elsewhere"),
        ("GET", "/customers?channel_type=email"),
        ("GET", "/integrations?type=shopify"),
        ("GET", "/widgets?type=http"),
        ("DELETE", "/customers"),
        ("DELETE", "/customers/51000001"),
    ] {
        bench.faulty(method, path, &Value::Null);
    }
    bench.faulty("PUT", "/customers/merge", &json!({}));
}

#[test]
fn a_customer_is_made_once_and_found_by_every_address() {
    let mut bench = Bench::new();
    let body = json!({"timezone": "UTC", "email": "ada@example.com", "name": "Ada Example"});
    let (status, made) = bench.ask("POST", "/customers", &body);
    assert_eq!((status, &made["firstname"]), (201, &json!("Ada")));
    assert_eq!(made["created_datetime"], "2026-10-01T12:00:01.000000+00:00");
    let (status, _) = bench.ask(
        "POST",
        "/customers",
        &with(&body, "email", json!("ADA@example.com")),
    );
    assert_eq!(status, 409);

    bench.order("/customers-put", &json!({"customer": {"id": 7, "email": "bo@example.com", "addresses": ["bo@work.example.com"], "external_id": "m-7"}}));
    let (status, _) = bench.ask(
        "POST",
        "/customers",
        &with(&body, "email", json!("bo@work.example.com")),
    );
    assert_eq!(status, 409, "second addresses are taken too");
    let mut ids = |query: &str| {
        let page = bench.get(&format!("/customers?{query}"));
        let rows = page["data"].as_array().expect("rows").iter();
        rows.map(|row| row["id"].as_u64().expect("an id"))
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("email=bo%40example.com"), [7]);
    assert_eq!(
        ids("email=bo%40work.example.com"),
        [0_u64; 0],
        "the primary one only"
    );
    assert_eq!(
        ids("channel_type=email&channel_address=bo%40work.example.com"),
        [7]
    );
    assert_eq!(ids("external_id=m-7"), [7]);
    let one = bench.get("/customers/7");
    assert_eq!(one["channels"].as_array().expect("channels").len(), 2);
    assert_eq!(one["integrations"], json!({}));
    assert_eq!(bench.ask("GET", "/customers/8", &Value::Null).0, 404);
    bench.no_faults();
}

#[test]
fn a_customer_is_changed_in_part() {
    let mut bench = Bench::new();
    bench.order(
        "/customers-put",
        &json!({"customer": {"id": 7, "email": "bo@example.com", "name": "Bo"}}),
    );
    let (status, changed) = bench.ask("PUT", "/customers/7", &json!({"external_id": "m-7"}));
    assert_eq!(
        (status, &changed["name"], &changed["external_id"]),
        (200, &json!("Bo"), &json!("m-7"))
    );
    assert_eq!(
        bench.ask("PUT", "/customers/8", &json!({"note": null})).0,
        404
    );
    bench.no_faults();
    for body in [
        json!({"channels": []}),
        json!({"data": {}}),
        json!({"custom_fields": []}),
        json!({"name": 7}),
        json!({"email": ""}),
    ] {
        bench.faulty("PUT", "/customers/7", &body);
    }
    bench.faulty("POST", "/customers", &json!({"name": "Nobody"}));
    let before = bench.faults.len();
    let (status, answer) = bench.ask("POST", "/customers", &json!({"email": "ada@@example"}));
    assert_eq!(
        (status, answer["error"]["data"]["email"].is_array()),
        (400, true)
    );
    assert_eq!(
        bench.faults.len(),
        before,
        "a bad address is the data's fault"
    );
}

#[test]
fn pages_follow_a_cursor_that_dies_soon() {
    let mut bench = Bench::new();
    for id in 1..=5 {
        bench.now += SignedDuration::from_secs(1);
        bench.order(
            "/customers-put",
            &json!({"customer": {"id": id, "email": format!("p{id}@example.com")}}),
        );
    }
    let first = bench.get("/customers?limit=2&order_by=created_datetime:asc");
    assert_eq!(
        (&first["data"][0]["id"], &first["meta"]["prev_cursor"]),
        (&json!(1), &Value::Null)
    );
    let cursor = first["meta"]["next_cursor"].as_str().expect("a cursor");
    let cursor = variables::Encoding::Percent.apply(cursor);
    let path = format!("/customers?limit=2&order_by=created_datetime:asc&cursor={cursor}");
    let second = bench.get(&path);
    assert_eq!(
        (
            &second["data"][0]["id"],
            second["meta"]["prev_cursor"].is_string()
        ),
        (&json!(3), true)
    );
    assert_eq!(
        bench.get("/customers?limit=5")["meta"]["next_cursor"],
        Value::Null
    );
    bench.now += SignedDuration::from_mins(10);
    assert_eq!(bench.ask("GET", &path, &Value::Null).0, 400, "too old");
    bench.no_faults();
    bench.faulty(
        "GET",
        &format!("/integrations?cursor={cursor}"),
        &Value::Null,
    );
}

#[test]
fn an_integration_is_made_shown_changed_and_removed() {
    let mut bench = Bench::new();
    let id = bench.integration(&json!({"hmac_secret": "h"}));
    let path = format!("/integrations/{id}");
    let list = bench.get("/integrations?type=http&limit=100");
    assert_eq!(list["data"][0]["id"], id);
    assert_eq!(list["meta"]["next_cursor"], Value::Null);
    let shown = bench.get(&path);
    assert_eq!(
        shown["http"]["headers"],
        json!({"Authorization": "Bearer s3cret"})
    );
    assert_eq!(shown["http"].get("hmac_secret"), None, "write-only");
    assert_eq!(shown["http"]["triggers"]["ticket-created"], true);
    assert_eq!(shown["http"]["triggers"]["ticket-handed-over"], false);

    bench.order("/deactivate", &json!({"integration": id}));
    assert!(bench.get(&path)["deactivated_datetime"].is_string());
    let (status, changed) = bench.ask(
        "PUT",
        &path,
        &json!({"name": "New", "deactivated_datetime": null}),
    );
    assert_eq!(
        (status, &changed["name"], &changed["deactivated_datetime"]),
        (200, &json!("New"), &Value::Null)
    );
    assert_eq!(changed["http"]["method"], "GET", "what is not named stays");
    bench.order("/shape", &json!({"triggers": "underscores"}));
    assert_eq!(bench.get(&path)["http"]["triggers"]["ticket_created"], true);

    assert_eq!(bench.ask("DELETE", &path, &Value::Null).0, 204);
    assert_eq!(bench.ask("GET", &path, &Value::Null).0, 404);
    bench.no_faults();
}

#[test]
fn integrations_of_the_wrong_form_are_faults() {
    let mut bench = Bench::new();
    let good = integration(&Value::Null);
    for body in [
        without(&good, "name"),
        without(&good, "http"),
        with(&good, "type", json!("shopify")),
        with(&good, "managed", json!(true)),
        with(&good, "description", json!(7)),
        with(&good, "deactivated_datetime", json!("2026-10-01T12:00:00")),
    ] {
        bench.faulty("POST", "/integrations", &body);
    }
    for http in [
        json!({"url": "ftp://example.com"}),
        json!({"url": "http://example.com/?email={{ticket.customer.email"}),
        json!({"url": "https://loyalty.example.com/?token=s3cret"}),
        json!({"url": null}),
        json!({"method": "get"}),
        json!({"method": null}),
        json!({"request_content_type": "text/plain"}),
        json!({"response_content_type": "text/html"}),
        json!({"triggers": {"ticket_created": true}}),
        json!({"triggers": {"ticket-closed": true}}),
        json!({"triggers": {"ticket-created": "yes"}}),
        json!({"headers": {"X": 1}}),
        json!({"form": "{{context}}"}),
        json!({"hmac_secret": ""}),
        json!({"timeout": 5}),
    ] {
        bench.faulty("POST", "/integrations", &integration(&http));
    }
    let id = bench.integration(&Value::Null);
    bench.faulty(
        "PUT",
        &format!("/integrations/{id}"),
        &json!({"deactivated_datetime": null}),
    );
}

#[test]
fn orders_that_make_no_sense_are_refused() {
    let mut bench = Bench::new();
    for (path, body) in [
        ("/accounts", json!({"email": "a@example.com"})),
        (
            "/accounts",
            json!({"email": "a@example.com", "api_key": "k", "role": "owner"}),
        ),
        ("/customers-put", json!({"customer": {"id": "seven"}})),
        ("/customers-put", json!({"customer": {"channels": []}})),
        ("/merge", json!({"source": 1, "target": 2})),
        ("/hand-edit", json!({"widget": 1, "title": "x"})),
        ("/deactivate", json!({"integration": 1})),
        ("/encoding", json!({"encoding": "base64"})),
        ("/shape", json!({"widgets": "map"})),
        ("/tickets", json!({"id": 1, "trigger": "ticket-closed"})),
        ("/tickets", json!({"id": 1, "trigger": "ticket-created"})),
    ] {
        assert!(bench.try_order(path, &body).is_err(), "{path} {body}");
    }
    let nothing = json!({"account": "one"});
    assert_eq!(bench.gorgias.order("/other", &nothing, bench.now), None);
    assert_eq!(bench.gorgias.calls(), None);
}
