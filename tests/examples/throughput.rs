//! How many messages recorder and pusher work through in a second of processor time, on ports in memory: the product's
//! own work, without AWS, without a network and without a vendor's pace.
//!
//! `cargo run --release --package bridge-tests --example throughput` prints both rates; `cargo local bench` shows them.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring tool")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use delivery::{NoReply, Pusher, Received, Wire};
use jiff::{SignedDuration, Timestamp};
use loyalty::{HashKey, StoreId};
use platform::{
    Clock as _, Deadline, Stores,
    memory::{MemoryClock, MemoryQueue, MemorySecrets, MemoryTable},
};
use recording::{Delivered, Recorder};
use serde_json::{Value, json};
use vendors::{Call, Envelope, Outcome, Reply, Way, registry, rule::Rule};

const EVENTS: usize = 5_000;
const BATCH: usize = 10;
const QUEUE: &str = "rule";

/// A vendor that books everything.
struct Books;

#[async_trait]
impl Wire for Books {
    async fn send(&self, _: &Call, _: &Way<'_>) -> Result<Reply, NoReply> {
        Ok(Reply {
            status: 200,
            retry_after: None,
            date: None,
            body: br#"{"message":"Success","subscriber":{"id":81230}}"#.to_vec(),
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let clock = Arc::new(MemoryClock::at("2026-03-20T12:00:00Z".parse().unwrap()));
    let table = Arc::new(MemoryTable::default());
    let queue = Arc::new(MemoryQueue::default());
    let secrets = Arc::new(MemorySecrets::default());
    secrets.set("bridge/example/rule", r#"{"v":1,"api_key":"example-key"}"#);
    let recorder = Recorder {
        table: table.clone(),
        queue: queue.clone(),
        clock: clock.clone(),
        stores: Stores::new(table.clone(), clock.clone()),
        hash_key: HashKey::new("example-hash-key"),
        queues: [("rule".to_owned(), QUEUE.to_owned())].into(),
        reads: "queue/reads".to_owned(),
        seen: recording::Seen::default(),
        source: registry::source,
    };
    let store = StoreId::parse("example").unwrap();
    let document = json!({
        "v": 1, "store": "example", "name": "Example", "currency": "NOK", "locale": "nb-NO",
        "time_zone": "Europe/Oslo", "sources": {"yotpo": {}}, "destinations": {"rule": {}},
    });
    recorder.stores.put(&store, &document).await.unwrap();
    let pusher = Pusher::new(
        &Rule,
        (table.clone(), queue.clone()),
        (secrets, "bridge".to_owned()),
        clock.clone(),
        Arc::new(Books),
        QUEUE.to_owned(),
    );

    let deliveries = deliveries(&store, clock.now());
    let began = on_cpu();
    for batch in deliveries.chunks(BATCH) {
        let results = recorder.record(batch.to_vec()).await;
        assert!(results.iter().all(Result::is_ok));
    }
    rate("recorder", on_cpu().saturating_sub(began));

    let messages: Vec<Received> = queue.take(QUEUE).into_iter().map(received).collect();
    assert_eq!(messages.len(), EVENTS);
    let began = on_cpu();
    for batch in messages.chunks(BATCH) {
        // Time enough for the vendor's pace, which is not what is measured.
        clock.advance(SignedDuration::from_secs(5));
        let deadline = Deadline::after(SignedDuration::from_secs(60), &*clock);
        let outcomes = pusher.push(batch, deadline).await;
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Sent));
    }
    rate("pusher", on_cpu().saturating_sub(began));
}

/// One event each for five thousand members.
fn deliveries(store: &StoreId, now: Timestamp) -> Vec<Delivered> {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../events/yotpo/points_earned.json"
    );
    let mut body: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    (0..EVENTS)
        .map(|number| {
            let email = format!("member-{number}@example.com");
            body["email"] = json!(email);
            body["customer"]["email"] = json!(email);
            body["customer"]["third_party_id"] = json!(format!("c-{number}"));
            body["customer"]["thirty_party_id"] = json!(format!("c-{number}"));
            body["perk"]["id"] = json!(number);
            let arrived = now + SignedDuration::from_micros(i64::try_from(number).unwrap());
            let bytes = body.to_string().into_bytes();
            let nonce = platform::nonce();
            let sealed = Envelope::seal(store.clone(), "yotpo", arrived, nonce, None, &bytes);
            Delivered {
                body: serde_json::to_string(&sealed.unwrap()).unwrap(),
            }
        })
        .collect()
}

fn received(body: String) -> Received {
    Received {
        receipt: "r".to_owned(),
        body,
        receives: 1,
    }
}

fn rate(name: &str, took: Duration) {
    let rate = f64::from(u32::try_from(EVENTS).unwrap()) / took.as_secs_f64();
    println!("{rate:.0} {name}");
}

/// How long this thread has run on a processor, so that a busy machine does not count.
fn on_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanos = text.split_whitespace().next().unwrap().parse().unwrap();
    Duration::from_nanos(nanos)
}
