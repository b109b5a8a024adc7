//! The operator's commands on ports in memory, beside the recorder and the pusher that they work on.

mod asked;
pub(crate) mod check;
mod dead;
mod emit;
mod kept;
mod line;
mod lists;
mod people;
mod points;
mod repairs;
mod replay;
mod story;

use std::{collections::BTreeMap, sync::Arc};

use ::operator::{DeadLetters, Operator};
use jiff::Timestamp;
use loyalty::HashKey;
use platform::{Inbox, Outgoing, Queue, Stores};
use recording::Delivered;
use serde_json::{Value, json};

use crate::{
    fuse::Fused,
    world::{Does, READS_QUEUE, RULE_QUEUE, World, body},
};

pub(crate) const INBOX: &str = "queue/inbox";
pub(crate) const INBOX_DEAD: &str = "queue/inbox-dead";
pub(crate) const RULE_DEAD: &str = "queue/rule-dead";

pub(crate) const KARI: &str = "kari@example.com";

/// An operator of this world, whose table and queues break when the world's do.
pub(crate) fn operator(world: &World) -> Operator {
    let table = Arc::new(Fused {
        fuse: world.fuse.clone(),
        inner: world.table.clone(),
    });
    let queue = Arc::new(Fused {
        fuse: world.fuse.clone(),
        inner: world.queue.clone(),
    });
    let dead = |from: &str, to: &str| DeadLetters {
        from: from.to_owned(),
        to: to.to_owned(),
    };
    Operator {
        stores: Stores::new(world.table.clone(), world.clock.clone()),
        inbox: Inbox::new(queue.clone(), INBOX.to_owned()),
        table,
        queue,
        secrets: world.secrets.clone(),
        clock: world.clock.clone(),
        api_url: "https://api.example.com".to_owned(),
        secret_prefix: "bridge".to_owned(),
        queues: [("rule".to_owned(), RULE_QUEUE.to_owned())].into(),
        dead_letters: [
            ("inbox".to_owned(), dead(INBOX_DEAD, INBOX)),
            ("reads".to_owned(), dead("queue/reads-dead", READS_QUEUE)),
            ("rule".to_owned(), dead(RULE_DEAD, RULE_QUEUE)),
        ]
        .into(),
        wires: BTreeMap::new(),
        hash_key: HashKey::new("example-hash-key"),
    }
}

/// A command that must be carried out.
pub(crate) async fn done(operator: &Operator, command: Value) -> Value {
    let answer = operator.answer(command.clone()).await;
    assert_eq!(answer["ok"], true, "{command}: {answer}");
    answer
}

/// A command that must be refused: the paths of its faults, in order.
pub(crate) async fn faults(operator: &Operator, command: Value) -> Vec<String> {
    let answer = operator.answer(command.clone()).await;
    assert_eq!(answer["ok"], false, "{command}: {answer}");
    let faults = answer["faults"].as_array().unwrap();
    let mut paths: Vec<String> = faults
        .iter()
        .map(|fault| fault["path"].as_str().unwrap().to_owned())
        .collect();
    paths.sort();
    paths
}

/// An instant of an answer.
pub(crate) fn at(instant: &Value) -> Timestamp {
    instant.as_str().unwrap().parse().unwrap()
}

/// The coupon of one person.
pub(crate) fn coupon(email: &str, id: i64) -> Value {
    let mut coupon = body("coupon_awarded.json");
    coupon["email"] = json!(email);
    coupon["customer"]["email"] = json!(email);
    coupon["redemption"]["id"] = json!(id);
    for key in ["third_party_id", "thirty_party_id"] {
        coupon["customer"][key] = json!(format!("customer-{id}"));
    }
    coupon
}

/// Something that the vendor refuses for what it is.
pub(crate) fn refuses() -> Does {
    Does::Answers(400, json!({"error": "BadRequest", "message": "…"}))
}

/// A person's coupon is refused and stands in the list.
pub(crate) async fn rejected(world: &World, email: &str, id: i64) {
    world.vendor.will(refuses());
    world.record(&coupon(email, id)).await.unwrap();
    world.settle().await;
    assert_eq!(world.row(email, "DELIVERY#")["status"], "rejected");
}

/// Nobody can tell whether Kari's coupon arrived.
pub(crate) async fn unconfirmed(world: &World) {
    world.record(&coupon(KARI, 1)).await.unwrap();
    world.vendor.will(Does::Breaks);
    world.push().await;
    let marker = "of-someone-else#99999999999999999";
    world.vendor.set_field(KARI, "Bridge.LastEvent", marker);
    world.settle().await;
    assert_eq!(world.row(KARI, "DELIVERY#")["status"], "unconfirmed");
}

/// What a person has done, as it stands in the table: command and what it was done to.
pub(crate) fn audited(world: &World) -> Vec<(String, String)> {
    let mut rows = world.partition("STORE#example");
    rows.extend(world.partition("STACK"));
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let audits = rows
        .iter()
        .filter(|row| text(row, "sk").starts_with("AUDIT#"));
    audits
        .map(|row| {
            assert_eq!(row["by"], "ola", "{row}");
            assert!(!row.to_string().contains("@example.com"), "{row}");
            (text(row, "command"), text(row, "what"))
        })
        .collect()
}

/// The recorder takes what is on the inbox.
pub(crate) async fn recorded(world: &World) -> usize {
    let bodies = world.queue.take(INBOX).into_iter();
    let deliveries: Vec<Delivered> = bodies.map(|body| Delivered { body }).collect();
    let count = deliveries.len();
    let results = world.recorder.record(deliveries).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    count
}

/// Puts bodies on a queue.
pub(crate) async fn put(world: &World, url: &str, bodies: impl Iterator<Item = String>) {
    let messages = bodies.enumerate().map(|(id, body)| Outgoing { id, body });
    let refused = world.queue.send(url, messages.collect()).await;
    assert!(refused.is_empty());
}

/// Every way in which one call of a port can go wrong: with or without its effect; for good, or once.
pub(crate) const DISTURBANCES: [(bool, bool); 4] =
    [(false, false), (true, false), (false, true), (true, true)];

pub(crate) fn disturb(world: &World, k: usize, (effect_happens, once): (bool, bool)) {
    if once {
        world.fuse.fail_once(k, effect_happens);
    } else {
        world.fuse.arm(k, effect_happens);
    }
}
