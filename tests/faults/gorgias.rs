//! Gorgias: it is brought pictures, and starts nothing.

use bridge_tests::standins::Request;
use serde_json::{Value, json};
use vendors::gorgias::Gorgias;

use crate::subject::{Asked, Brought, Credential, Errors, Example, Expected, Subject};

const KARI: &str = "kari@example.com";
const ANNA: &str = "anna.sunde@example.com";

pub(crate) const GORGIAS: Subject = Subject {
    destination: &Gorgias,
    store: || {
        json!({
            "v": 1, "store": "example", "name": "Example Outdoor", "currency": "NOK", "locale": "nb-NO",
            "time_zone": "Europe/Oslo", "sources": {"yotpo": {}}, "destinations": {"gorgias": {"push": true}},
        })
    },
    credentials: [
        Credential {
            secret: r#"{"v":1,"account":"example","email":"agent@example.com","api_key":"example-key"}"#,
            // Where `agent@example.com:example-key` ends in base64.
            mark: "ZXhhbXBsZS1rZXk=",
        },
        Credential {
            secret: r#"{"v":1,"account":"example","email":"agent@example.com","api_key":"example-key-2"}"#,
            mark: "ZXhhbXBsZS1rZXktMg==",
        },
    ],
    person: Example {
        email: KARI,
        file: "coupon_awarded.json",
    },
    neighbour: Example {
        email: ANNA,
        file: "points_earned.json",
    },
    asked,
    booked: || None,
    looked: |email, _| {
        let customer = json!({"id": id(email), "email": email});
        (
            200,
            json!({"data": [customer], "meta": {"next_cursor": null}}),
        )
    },
    brought: Brought::Pictures,
    errors: Errors {
        any: || json!({"error": {"msg": "…"}}),
        names_a_field: || json!({"error": {"msg": "…", "data": {"data": ["is too long"]}}}),
        names_the_address: || json!({"error": {"msg": "…", "data": {"email": ["is wrong"]}}}),
        no_such_person: || json!({"error": {"msg": "No such customer"}}),
        local_time: ["2026-03-04 11:25:31", "Wed, 04 Mar 2026 10:20:31 GMT"],
    },
    expected: EXPECTED,
};

/// The number of a person's customer.
fn id(email: &str) -> u64 {
    if email == KARI { 8 } else { 9 }
}

fn asked(request: &Request) -> Asked {
    let customer = request.path.split('/').nth(3);
    let named = request.query.contains("kari") || customer == Some("8");
    let email = if named { KARI } else { ANNA }.to_owned();
    if request.method == "GET" {
        return Asked::Look { email };
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert!(
        body["data"]["loyalty"].is_object() && body["version"].is_string(),
        "{body}"
    );
    Asked::Write {
        email,
        starts: None,
    }
}

/// One row a line, as the printed table has them.
#[rustfmt::skip]
const EXPECTED: &[Expected] = &[
    ["200", "1 picture", "sent", "sent", "sent", "nothing"],
    ["200 with an error in it", "1 picture", "rejected: refused", "rejected", "rejected", "alarm, the member's story"],
    ["200 with an empty body", "1 picture", "sent", "sent", "sent", "nothing"],
    ["200 with HTML", "1 picture", "retry: vendor_error, 90 s", "claimed", "sent", "a line in the log"],
    ["200 with bytes that are no text", "1 picture", "retry: vendor_error, 90 s", "claimed", "sent", "a line in the log"],
    ["200 with a body over the limit, booked", "1 picture", "retry: vendor_error, 90 s", "claimed", "sent, written 2 times", "a line in the log"],
    ["201", "1 picture", "sent", "sent", "sent", "nothing"],
    ["204, booked", "1 picture", "sent", "sent", "sent", "nothing"],
    ["301 to another host", "2 pictures, 1 look", "sent", "sent", "sent", "nothing"],
    ["302 to another host", "1 picture", "parked: wrong_address", "parked", "sent", "alarm, list parked"],
    ["307 to another host", "1 picture", "parked: wrong_address", "parked", "sent", "alarm, list parked"],
    ["400", "1 picture", "rejected: refused", "rejected", "rejected", "alarm, the member's story"],
    ["400 that names a field", "1 picture", "rejected: refused", "rejected", "rejected", "alarm, the member's story"],
    ["400 that names the address", "1 picture", "rejected: refused", "rejected", "rejected", "alarm, the member's story"],
    ["401", "1 picture", "parked: unauthorized", "parked", "sent", "alarm, list parked"],
    ["403", "1 picture", "parked: unauthorized", "parked", "sent", "alarm, list parked"],
    ["404 of the address", "2 pictures, 1 look", "sent", "sent", "sent", "nothing"],
    ["404 of the person, at the look after a reset", "1 picture", "retry: no_answer, 90 s", "claimed", "sent", "a line in the log"],
    ["408", "1 picture", "retry: vendor_error, 90 s", "claimed", "sent", "a line in the log"],
    ["409", "1 picture", "rejected: refused", "rejected", "rejected", "alarm, the member's story"],
    ["413", "2 pictures", "sent", "sent", "sent", "nothing"],
    ["422", "1 picture", "rejected: refused", "rejected", "rejected", "alarm, the member's story"],
    ["429 without a hint", "1 picture", "throttled", "in the queue", "sent", "a line in the log"],
    ["429, 5 seconds", "1 picture", "throttled", "in the queue", "sent", "a line in the log"],
    ["429, an HTTP date 5 minutes on", "1 picture", "throttled, 300 s", "in the queue", "sent", "a line in the log"],
    ["429, the vendor's local time 5 minutes on", "1 picture", "throttled", "in the queue", "sent", "a line in the log"],
    ["429, a day", "1 picture", "parked: throttled", "parked", "sent", "alarm, list parked"],
    ["429, nonsense", "1 picture", "throttled", "in the queue", "sent", "a line in the log"],
    ["500", "1 picture", "retry: vendor_error, 90 s", "claimed", "sent", "a line in the log"],
    ["500, booked", "1 picture", "retry: vendor_error, 90 s", "claimed", "sent, written 2 times", "a line in the log"],
    ["501", "1 picture", "retry: vendor_error, 90 s", "claimed", "sent", "a line in the log"],
    ["502 with HTML", "1 picture", "retry: vendor_error, 90 s", "claimed", "sent", "a line in the log"],
    ["503, 200 seconds", "1 picture", "retry: vendor_error, 200 s", "claimed", "sent", "a line in the log"],
    ["504", "1 picture", "retry: vendor_error, 90 s", "claimed", "sent", "a line in the log"],
    ["no connection", "nothing", "retry: no_answer", "in the queue", "sent", "a line in the log"],
    ["a name that nobody knows", "nothing", "retry: no_answer", "in the queue", "sent", "a line in the log"],
    ["no TLS where TLS should be", "nothing", "retry: no_answer", "in the queue", "sent", "a line in the log"],
    ["a reset before the status", "1 picture", "retry: no_answer, 90 s", "claimed", "sent", "a line in the log"],
    ["a reset before the status, booked", "1 picture", "retry: no_answer, 90 s", "claimed", "sent, written 2 times", "a line in the log"],
    ["a reset within the body, booked", "1 picture", "retry: no_answer, 90 s", "claimed", "sent, written 2 times", "a line in the log"],
    ["an end within the body", "1 picture", "retry: no_answer, 90 s", "claimed", "sent", "a line in the log"],
    ["no HTTP", "1 picture", "retry: no_answer, 90 s", "claimed", "sent", "a line in the log"],
    ["silence", "1 picture", "retry: no_answer, 90 s", "claimed", "sent", "a line in the log"],
    ["silence, booked", "1 picture", "retry: no_answer, 90 s", "claimed", "sent, written 2 times", "a line in the log"],
    ["byte after byte without end, booked", "1 picture", "retry: no_answer, 90 s", "claimed", "sent, written 2 times", "a line in the log"],
    ["the table fails after the vendor's 200", "1 picture", "retry: table_unavailable", "claimed", "sent, written 2 times", "a line in the log"],
    ["a second is left", "nothing", "retry: out_of_time", "in the queue", "sent", "a line in the log"],
    ["the credential is rotated within the batch", "2 pictures", "sent", "sent", "sent", "nothing"],
    ["Secrets Manager is down, the secret is known", "1 picture", "sent", "sent", "sent", "nothing"],
    ["Secrets Manager is down, the secret is not", "nothing", "retry: secrets_unavailable, 60 s", "in the queue", "sent", "a line in the log"],
    ["the table is throttled", "nothing", "retry: table_unavailable", "in the queue", "sent", "a line in the log"],
];
