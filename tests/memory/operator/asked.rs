//! What is wrong with a command is said at once, and nothing is done; the examples are right.

use std::{collections::BTreeSet, path::PathBuf};

use ::operator::Operator;
use bridge_tests::local::paths;
use serde_json::{Value, json};

use super::{faults, operator};
use crate::{gorgias::bench::with_a_helpdesk, world::World};

#[tokio::test]
async fn every_fault_of_a_command_is_named_at_once() {
    let world = World::new().await;
    let operator = operator(&world);
    let cases = [
        (
            json!({"command": "rejected", "store": "No Id", "destination": "carrier-pigeon", "limit": 0, "shwo": true}),
            vec!["destination", "limit", "shwo", "store"],
        ),
        (
            json!({"command": "parked", "limit": "many"}),
            vec!["destination", "limit", "store"],
        ),
        (
            json!({"command": "member", "store": "example", "email": "nobody", "surprise": 1}),
            vec!["email", "surprise"],
        ),
        (
            json!({"command": "member", "email": "kari@example.com", "id": "7", "show": true}),
            vec!["by", "email", "store"],
        ),
        (
            json!({"command": "member", "store": "example", "email": "kari@example.com", "show": true, "by": null}),
            vec!["by"],
        ),
        (
            json!({"command": "replay", "destination": "rule"}),
            vec!["by", "delivery", "destination", "store"],
        ),
        (
            json!({"command": "replay", "store": "example", "by": "ola", "kept": true, "delivery": "x#1"}),
            vec!["delivery", "destination"],
        ),
        (
            json!({"command": "replay", "store": "example", "by": "ola", "destination": "rule", "list": "rejected", "as": "sent"}),
            vec!["as"],
        ),
        (
            json!({"command": "replay", "store": "example", "by": "ola", "destination": "rule", "list": "unconfirmed"}),
            vec!["confirm"],
        ),
        (
            json!({"command": "replay", "store": "example", "by": "ola", "destination": "rule", "delivery": "x", "as": "dropped"}),
            vec!["confirm", "delivery"],
        ),
        (
            json!({"command": "simulate", "store": "example"}),
            vec!["kind"],
        ),
        (json!({"command": "put_store"}), vec!["store"]),
        (
            json!({"command": "redrive", "queue": "outbox", "limit": 1001}),
            vec!["by", "limit", "queue"],
        ),
    ];
    for (command, expected) in cases {
        assert_eq!(
            faults(&operator, command.clone()).await,
            expected,
            "{command}"
        );
    }
    assert!(super::audited(&world).is_empty());
}

fn examples() -> Vec<(PathBuf, Value)> {
    let folder = paths::root().join("events/invoke/operator");
    let entries = std::fs::read_dir(folder).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    files
        .map(|file| {
            let text = std::fs::read(&file).unwrap();
            (file, serde_json::from_slice(&text).unwrap())
        })
        .collect()
}

#[tokio::test]
async fn a_store_that_nobody_has_put_is_a_fault_of_every_command() {
    let world = World::new().await;
    let operator = operator(&world);
    let mut told = 0;
    for (_, mut command) in examples() {
        if command["store"].is_string() {
            command["store"] = json!("no-such-store");
            let answer = operator.answer(command.clone()).await;
            assert_eq!(answer["ok"], false, "{command}: {answer}");
            let faults = answer["faults"].as_array().unwrap().iter();
            assert!(
                faults.clone().any(|fault| fault["path"] == "store"),
                "{answer}"
            );
            told += 1;
        }
    }
    assert!(told > 15, "{told} commands");
    let left = world.partition("STORE#no-such-store");
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn every_command_has_an_example_that_is_accepted() {
    let world = World::new().await;
    let destinations = json!({"rule": {}, "annexcloud": {}});
    world
        .put_destinations("example-outdoor", destinations)
        .await;
    // Somebody whose points are adjusted, and whom no other example erases.
    let maja = super::coupon("maja.holm@example.com", 1).to_string();
    let delivery = world.delivery("example-outdoor", maja.as_bytes());
    let recorded = world.recorder.record(vec![delivery]).await;
    assert!(recorded.iter().all(Result::is_ok));
    let mut operator = operator(&world);
    let queue = "queue/annexcloud".to_owned();
    operator.queues.insert("annexcloud".to_owned(), queue);
    operator.wires.insert(
        "rule".to_owned(),
        super::check::to_rule(&world, "example-outdoor-key"),
    );
    with_a_helpdesk(&world, &mut operator).await;
    let mut named = BTreeSet::new();
    for (file, command) in examples() {
        let name = command["command"].as_str().unwrap().to_owned();
        let stem = file.file_stem().unwrap().to_str().unwrap();
        assert!(stem.starts_with(&name), "{stem} is an example of {name}");
        super::done(&operator, command).await;
        named.insert(name);
    }
    let commands: BTreeSet<String> = Operator::commands().map(ToOwned::to_owned).collect();
    assert_eq!(named, commands);
}
