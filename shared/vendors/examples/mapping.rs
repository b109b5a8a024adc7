//! What one event costs in pure code: what webhook cuts from a Yotpo body, and the way of the rest: body -> Event ->
//! member's picture -> Rule request, as bytes.
//!
//! `cargo run --release --package vendors --example mapping` prints both mean processor times for each body in
//! `events/yotpo`.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring tool")]

use std::{hint::black_box, time::Duration};

use jiff::Timestamp;
use loyalty::{HashKey, Member, Occurrence, StoreId};
use serde_json::json;
use vendors::{Destination, Envelope, Form, Note, Push, Read, Store, registry, rule::Rule};

const ROUNDS: u32 = 2_000;

fn main() {
    let store = Store::read(json!({
        "v": 1, "store": "example", "name": "Example", "currency": "NOK", "locale": "nb-NO",
        "sources": {"yotpo": {}}, "destinations": {"rule": {}},
    }))
    .unwrap();
    let key = HashKey::new("example-hash-key");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/yotpo");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let source = registry::source("yotpo").unwrap();
    let (mut trims, mut ways) = (Vec::new(), Vec::new());
    println!("{:>9} {:>9} {:>6}", "trim µs", "way µs", "bytes");
    for file in files {
        let body = std::fs::read(&file).unwrap();
        let trimmed = source.trim(&body).unwrap();
        let trim = mean(|| source.trim(black_box(&body)).ok());
        let way = mean(|| request(black_box(&trimmed), &store, &key));
        let name = file.file_name().unwrap().to_string_lossy();
        println!("{trim:>9.2} {way:>9.2} {:>6} {name}", body.len());
        trims.push(trim);
        ways.push(way);
    }
    println!("{:>9.2} {:>9.2} median", median(trims), median(ways));
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The mean of many rounds, in µs.
fn mean<T>(work: impl Fn() -> T) -> f64 {
    let began = on_cpu();
    for _ in 0..ROUNDS {
        black_box(work());
    }
    (on_cpu().saturating_sub(began) / ROUNDS).as_secs_f64() * 1e6
}

/// How long this thread has run on a processor, so that a busy machine does not count.
fn on_cpu() -> Duration {
    // The kernel brings the figure up to date when it looks for something else to run; otherwise only at each tick.
    std::thread::yield_now();
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(schedule.split_whitespace().next().unwrap().parse().unwrap())
}

/// The whole way of one body through pure code.
fn request(body: &[u8], store: &Store, key: &HashKey) -> Option<Vec<u8>> {
    let source = registry::source("yotpo")?;
    let envelope = Envelope {
        v: 1,
        store: StoreId::parse("example").ok()?,
        source: "yotpo".to_owned(),
        arrived: 1_772_625_600_000_000,
        nonce: "n".to_owned(),
        delivery: None,
        lane: vendors::Lane::Live,
        simulated: false,
        body: String::new(),
    };
    let Read::Event(event) = source.read(&envelope, body, store, key) else {
        return None;
    };
    let mut member = Member::default();
    member.hear(&event);
    let note = Note {
        event: event.id.clone(),
        kind: event.kind,
        occurrence: Occurrence::from(event.stamp.arrived),
        arrived: event.stamp.arrived,
        detail: event.detail.clone(),
    };
    let now = Timestamp::UNIX_EPOCH;
    let push = Push {
        store,
        member: &member,
        note: Some(&note),
        form: Form::Full,
        person: None,
        version: 1,
        first: true,
        now,
    };
    let plan = Rule.plan(&push).ok()?;
    Some(plan.call.body?.into_bytes())
}
