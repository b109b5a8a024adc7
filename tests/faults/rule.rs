//! Rule.

use bridge_tests::standins::{Request, decoded};
use serde_json::{Value, json};
use vendors::rule::Rule;

use crate::subject::{Asked, Brought, Credential, Errors, Example, Expected, Subject};

pub(crate) const RULE: Subject = Subject {
    destination: &Rule,
    store: || {
        json!({
            "v": 1, "store": "example", "name": "Example Outdoor", "currency": "NOK", "locale": "nb-NO",
            "time_zone": "Europe/Oslo", "sources": {"yotpo": {}}, "destinations": {"rule": {}},
        })
    },
    credentials: [
        Credential {
            secret: r#"{"v":1,"api_key":"example-key"}"#,
            mark: "example-key",
        },
        Credential {
            secret: r#"{"v":1,"api_key":"example-key-2"}"#,
            mark: "example-key-2",
        },
    ],
    person: Example {
        email: "kari@example.com",
        file: "coupon_awarded.json",
    },
    neighbour: Example {
        email: "anna.sunde@example.com",
        file: "points_earned.json",
    },
    asked,
    booked: || Some(json!({"message": "Success", "subscriber": {"id": 81_230}})),
    looked: |_, booked| match booked.last() {
        Some(marker) => {
            let field = json!({"name": "LastEvent", "value": marker});
            let group = json!({"name": "Bridge", "historical": false, "fields": [field]});
            (200, json!({"groups": [group]}))
        }
        None => (404, json!({"error": "SubscriberNotFound"})),
    },
    brought: Brought::Events,
    errors: Errors {
        any: || json!({"error": "BadRequest", "message": "…"}),
        names_a_field: || json!({"error": "BadRequest", "fields": {"Yotpo.LastPurchaseAt": ["is no date"]}}),
        names_the_address: || json!({"error": "BadRequest", "fields": {"email": ["is wrong"]}}),
        no_such_person: || json!({"error": "SubscriberNotFound"}),
        local_time: ["2026-03-04 11:25:31", "Wed, 04 Mar 2026 10:20:31 GMT"],
    },
    expected: EXPECTED,
};

fn asked(request: &Request) -> Asked {
    if request.method == "GET" {
        let email = request.path.split('/').nth(4).and_then(decoded);
        return Asked::Look {
            email: email.unwrap(),
        };
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let fields = body["subscribers"]["fields"].as_array().unwrap();
    let marker = fields
        .iter()
        .find(|field| field["key"] == "Bridge.LastEvent")
        .and_then(|field| field["value"].as_str());
    Asked::Write {
        email: body["subscribers"]["email"].as_str().unwrap().to_owned(),
        starts: marker
            .filter(|_| body["automation"] != false)
            .map(ToOwned::to_owned),
    }
}

/// One row a line, as the printed table has them.
#[rustfmt::skip]
const EXPECTED: &[Expected] = &[
    ["200", "1 event", "sent", "sent", "sent, started 1", "nothing"],
    ["200 with an error in it", "1 event, 1 picture", "rejected: refused", "rejected", "rejected, started 0", "alarm, list rejected"],
    ["200 with an empty body", "1 event", "retry: vendor_error, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["200 with HTML", "1 event", "retry: vendor_error, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["200 with bytes that are no text", "1 event", "retry: vendor_error, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["200 with a body over the limit, booked", "1 event", "retry: vendor_error, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["201", "1 event", "sent", "sent", "sent, started 1", "nothing"],
    ["204, booked", "1 event", "retry: vendor_error, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["301 to another host", "1 event", "parked: wrong_address", "parked", "sent, started 1", "alarm, list parked"],
    ["302 to another host", "1 event", "parked: wrong_address", "parked", "sent, started 1", "alarm, list parked"],
    ["307 to another host", "1 event", "parked: wrong_address", "parked", "sent, started 1", "alarm, list parked"],
    ["400", "1 event, 1 picture", "rejected: refused", "rejected", "rejected, started 0", "alarm, list rejected"],
    ["400 that names a field", "2 events", "sent", "sent", "sent, started 1", "nothing"],
    ["400 that names the address", "1 event", "rejected: invalid_address", "rejected", "rejected, started 0", "alarm, list rejected"],
    ["401", "1 event", "parked: unauthorized", "parked", "sent, started 1", "alarm, list parked"],
    ["403", "1 event", "parked: unauthorized", "parked", "sent, started 1", "alarm, list parked"],
    ["404 of the address", "1 event", "parked: wrong_address", "parked", "sent, started 1", "alarm, list parked"],
    ["404 of the person, at the look after a reset", "1 event", "retry: no_answer, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["408", "1 event", "retry: vendor_error, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["409", "1 event, 1 picture", "rejected: refused", "rejected", "rejected, started 0", "alarm, list rejected"],
    ["413", "1 event, 1 picture", "rejected: refused", "rejected", "rejected, started 0", "alarm, list rejected"],
    ["422", "1 event, 1 picture", "rejected: refused", "rejected", "rejected, started 0", "alarm, list rejected"],
    ["429 without a hint", "1 event", "throttled, 600 s", "waiting", "sent, started 1", "a line in the log"],
    ["429, 5 seconds", "1 event", "throttled", "waiting", "sent, started 1", "a line in the log"],
    ["429, an HTTP date 5 minutes on", "1 event", "throttled, 300 s", "waiting", "sent, started 1", "a line in the log"],
    ["429, the vendor's local time 5 minutes on", "1 event", "throttled, 300 s", "waiting", "sent, started 1", "a line in the log"],
    ["429, a day", "1 event", "parked: throttled", "parked", "sent, started 1", "alarm, list parked"],
    ["429, nonsense", "1 event", "throttled, 600 s", "waiting", "sent, started 1", "a line in the log"],
    ["500", "1 event", "retry: vendor_error, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["500, booked", "1 event", "retry: vendor_error, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["501", "1 event", "retry: vendor_error, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["502 with HTML", "1 event", "retry: vendor_error, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["503, 200 seconds", "1 event", "retry: vendor_error, 200 s", "claimed", "sent, started 1", "a line in the log"],
    ["504", "1 event", "retry: vendor_error, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["no connection", "nothing", "retry: no_answer", "waiting", "sent, started 1", "a line in the log"],
    ["a name that nobody knows", "nothing", "retry: no_answer", "waiting", "sent, started 1", "a line in the log"],
    ["no TLS where TLS should be", "nothing", "retry: no_answer", "waiting", "sent, started 1", "a line in the log"],
    ["a reset before the status", "1 event", "retry: no_answer, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["a reset before the status, booked", "1 event", "retry: no_answer, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["a reset within the body, booked", "1 event", "retry: no_answer, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["an end within the body", "1 event", "retry: no_answer, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["no HTTP", "1 event", "retry: no_answer, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["silence", "1 event", "retry: no_answer, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["silence, booked", "1 event", "retry: no_answer, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["byte after byte without end, booked", "1 event", "retry: no_answer, 90 s", "claimed", "sent, started 1", "a line in the log"],
    ["the table fails after the vendor's 200", "1 event", "retry: table_unavailable", "claimed", "sent, started 1", "a line in the log"],
    ["a second is left", "nothing", "retry: out_of_time", "in the queue", "sent, started 1", "a line in the log"],
    ["the credential is rotated within the batch", "2 events", "sent", "sent", "sent, started 1", "nothing"],
    ["Secrets Manager is down, the secret is known", "1 event", "sent", "sent", "sent, started 1", "nothing"],
    ["Secrets Manager is down, the secret is not", "nothing", "retry: secrets_unavailable, 60 s", "in the queue", "sent, started 1", "a line in the log"],
    ["the table is throttled", "nothing", "retry: table_unavailable", "in the queue", "sent, started 1", "a line in the log"],
];
