//! What each call is answered, and what is left of it, on ports in memory.

use std::sync::Arc;

use platform::{
    Inbox, SecretCache,
    memory::{MemoryClock, MemoryQueue, MemorySecrets, MemoryTable},
};
use vendors::{Envelope, Inbound};

use platform::Received;

use crate::door::Door;

const INBOX: &str = "queue/inbox";
const TOKEN: &str = "example-token";

struct Site {
    table: Arc<MemoryTable>,
    queue: Arc<MemoryQueue>,
    secrets: Arc<MemorySecrets>,
    door: Door,
}

fn site() -> Site {
    let clock = Arc::new(MemoryClock::at("2026-03-04T12:00:00Z".parse().unwrap()));
    let (table, queue) = (
        Arc::new(MemoryTable::default()),
        Arc::new(MemoryQueue::default()),
    );
    let secrets = Arc::new(MemorySecrets::default());
    secrets.set(
        "bridge/example/yotpo-webhook",
        &format!(r#"{{"v":1,"current":"{TOKEN}"}}"#),
    );
    let door = Door {
        table: table.clone(),
        inbox: Inbox::new(queue.clone(), INBOX.to_owned()),
        secrets: SecretCache::new(secrets.clone(), clock.clone()),
        clock,
        secret_prefix: "bridge".to_owned(),
        received: Received::default(),
    };
    Site {
        table,
        queue,
        secrets,
        door,
    }
}

fn call(token: &str, body: &[u8]) -> Inbound {
    Inbound {
        headers: vec![
            ("x-api-secret".to_owned(), token.to_owned()),
            ("eventid".to_owned(), "8f7e".to_owned()),
            ("user-agent".to_owned(), "Yotpo".to_owned()),
        ],
        body: body.to_vec(),
        ..Inbound::default()
    }
}

#[tokio::test]
async fn each_call_gets_its_answer() {
    // Noise does not pack well: what remains is over the cap.
    let mut state = 1_u32;
    let noise: String = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + (state >> 24) as u8 % 26)
    })
    .take(1_200_000)
    .collect();
    let large = format!("{{\"topic\":\"{noise}\"}}");
    let cases: [(&str, &str, &str, &[u8], u16); 12] = [
        (
            "yotpo",
            "example",
            TOKEN,
            br#"{"topic":"swell/points/earned"}"#,
            200,
        ),
        ("yotpo", "example", TOKEN, b"", 400),
        ("yotpo", "example", TOKEN, b"topic=x", 400),
        ("yotpo", "example", TOKEN, b"[]", 400),
        ("yotpo", "example", TOKEN, large.as_bytes(), 413),
        ("yotpo", "example", "wrong", b"{}", 401),
        ("yotpo", "example", "", b"{}", 401),
        ("yotpo", "example", "wrong", b"not json", 401),
        ("yotpo", "unknown", TOKEN, b"{}", 401),
        ("yotpo", "../hash-key", TOKEN, b"{}", 401),
        ("yotpo", "EXAMPLE", TOKEN, b"{}", 401),
        ("shopify", "example", TOKEN, b"{}", 401),
    ];
    for (source, store, token, body, status) in cases {
        let site = site();
        assert_eq!(
            site.door.receive(source, store, call(token, body)).await,
            status,
            "{store} {token}"
        );
        let queued = site.queue.take(INBOX).len();
        assert_eq!(
            queued,
            usize::from(status == 200),
            "only what is taken in is queued"
        );
    }
}

#[tokio::test]
async fn a_delivery_is_stamped_and_queued_in_one_request() {
    let site = site();
    let body = r#"{"topic":"swell/points/earned","first_name":"Kari"}"#.as_bytes();
    assert_eq!(
        site.door
            .receive("yotpo", "example", call(TOKEN, body))
            .await,
        200
    );
    assert_eq!(site.queue.requests(), 1);
    let envelope: Envelope = serde_json::from_str(&site.queue.take(INBOX)[0]).unwrap();
    assert_eq!(envelope.open().unwrap(), body);
    assert_eq!(envelope.delivery.as_deref(), Some("8f7e"));
    assert_eq!(envelope.arrived().to_string(), "2026-03-04T12:00:00Z");
}

#[tokio::test]
async fn what_cannot_be_stored_is_asked_for_again() {
    let site = site();
    site.queue.refuse(true);
    assert_eq!(
        site.door
            .receive("yotpo", "example", call(TOKEN, b"{}"))
            .await,
        503
    );
    let blind = self::site();
    blind.secrets.down(true);
    assert_eq!(
        blind
            .door
            .receive("yotpo", "example", call(TOKEN, b"{}"))
            .await,
        503
    );
    let broken = self::site();
    broken
        .secrets
        .set("bridge/example/yotpo-webhook", "not json");
    assert_eq!(
        broken
            .door
            .receive("yotpo", "example", call(TOKEN, b"{}"))
            .await,
        503
    );
}

#[tokio::test]
async fn of_a_refused_call_the_header_names_are_kept_and_no_value() {
    let site = site();
    site.door
        .receive("yotpo", "example", call("the-real-secret", b"{}"))
        .await;
    site.door
        .receive("yotpo", "example", call("another", b"{}"))
        .await;
    let rows = site.table.partition("STORE#example");
    assert_eq!(rows.len(), 1);
    let shown = format!("{:?}", rows[0]);
    assert!(
        shown.contains("x-api-secret") && shown.contains("user-agent"),
        "{shown}"
    );
    assert!(
        !shown.contains("the-real-secret") && !shown.contains("another"),
        "{shown}"
    );
    assert_eq!(site.table.take_usage().requests, 1, "at most once a minute");

    site.door
        .receive("yotpo", "nobody", call("wrong", b"{}"))
        .await;
    assert!(
        site.table.partition("STORE#nobody").is_empty(),
        "made-up stores leave no row"
    );
}

#[tokio::test]
async fn a_secret_that_is_mended_is_used_within_seconds() {
    let clock = Arc::new(MemoryClock::at("2026-03-04T12:00:00Z".parse().unwrap()));
    let mut site = site();
    site.door.secrets = SecretCache::new(site.secrets.clone(), clock.clone());
    let name = "bridge/example/yotpo-webhook";
    site.secrets.set(name, TOKEN);
    let ask = || site.door.receive("yotpo", "example", call(TOKEN, b"{}"));
    assert_eq!(ask().await, 503);
    let mended = format!(r#"{{"v":1,"current":"{TOKEN}"}}"#);
    site.secrets.set(name, &mended);
    clock.advance(jiff::SignedDuration::from_secs(10));
    assert_eq!(ask().await, 200);
}

#[tokio::test]
async fn a_body_that_is_refused_is_no_call_without_a_token() {
    let site = site();
    for body in [&b""[..], b"topic=x", b"[]"] {
        let status = site.door.receive("yotpo", "example", call(TOKEN, body));
        assert_eq!(status.await, 400);
    }
    assert!(site.table.partition("STORE#example").is_empty());
}

#[tokio::test]
async fn a_rotated_secret_is_accepted_at_once() {
    let site = site();
    assert_eq!(
        site.door
            .receive("yotpo", "example", call(TOKEN, b"{}"))
            .await,
        200
    );
    let rotated = format!(r#"{{"v":1,"current":"example-new","previous":"{TOKEN}"}}"#);
    site.secrets.set("bridge/example/yotpo-webhook", &rotated);
    for token in ["example-new", TOKEN] {
        assert_eq!(
            site.door
                .receive("yotpo", "example", call(token, b"{}"))
                .await,
            200,
            "{token}"
        );
    }
    assert_eq!(
        site.door
            .receive("yotpo", "example", call("wrong", b"{}"))
            .await,
        401
    );
}
