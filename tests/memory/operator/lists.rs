//! `rejected`, `unconfirmed`, `parked`: every row once, oldest first, and nobody by address.

use std::collections::BTreeSet;

use platform::{RowKey, Table as _, Update, text};
use serde_json::{Value, json};

use super::{KARI, at, audited, done, operator, rejected, unconfirmed};
use crate::world::World;

fn list(name: &str) -> Value {
    json!({"command": name, "store": "example", "destination": "rule"})
}

#[tokio::test]
async fn three_pages_hold_each_row_once_and_the_oldest_first() {
    let world = World::new().await;
    for id in 1..=7 {
        rejected(&world, &format!("m{id}@example.com"), id).await;
    }
    let operator = operator(&world);
    let (mut seen, mut sizes, mut command) = (Vec::new(), Vec::new(), list("rejected"));
    command["limit"] = json!(3);
    // More than there are: a page that never ends is a fault too.
    for _ in 0..9 {
        let answer = done(&operator, command.clone()).await;
        let items = answer["items"].as_array().unwrap().clone();
        assert_eq!(answer["count"], items.len());
        sizes.push(items.len());
        seen.extend(items);
        if answer["next"].is_null() {
            break;
        }
        command["after"] = answer["next"].clone();
    }
    assert_eq!(sizes, [3, 3, 1]);
    let since: Vec<_> = seen.iter().map(|item| at(&item["since"])).collect();
    assert!(since.is_sorted(), "{since:?}");
    let members: BTreeSet<&str> = seen
        .iter()
        .map(|item| item["member"].as_str().unwrap())
        .collect();
    assert_eq!(members.len(), 7, "each person once");
}

#[tokio::test]
async fn a_row_says_what_why_and_what_to_do_and_not_who() {
    let world = World::new().await;
    rejected(&world, KARI, 1).await;
    let operator = operator(&world);
    let answer = done(&operator, list("rejected")).await;
    let item = &answer["items"][0];
    assert_eq!(item["kind"], "coupon_awarded");
    assert_eq!(item["reason"], "refused");
    assert_eq!(item["attempts"], 1);
    let delivery = item["delivery"].as_str().unwrap();
    assert!(delivery.starts_with(item["event"].as_str().unwrap()));
    assert!(item["what_to_do"].as_str().unwrap().contains("replay"));
    assert!(!answer.to_string().contains("example.com"), "{answer}");
    assert!(!answer.to_string().contains("TUR-50"), "{answer}");
    assert!(audited(&world).is_empty(), "nobody was shown");
}

#[tokio::test]
async fn an_address_is_shown_to_whoever_asks_by_name_and_that_is_written_down() {
    let world = World::new().await;
    rejected(&world, KARI, 1).await;
    let operator = operator(&world);
    let mut command = list("rejected");
    command["show"] = json!(true);
    let refused = super::faults(&operator, command.clone()).await;
    assert_eq!(refused, ["by"]);
    command["by"] = json!("ola");
    let answer = done(&operator, command).await;
    assert_eq!(answer["items"][0]["key"], KARI);
    let member = answer["items"][0]["member"].as_str().unwrap();
    let audited = audited(&world);
    assert_eq!(audited.len(), 1);
    assert_eq!(audited[0].0, "rejected");
    assert!(audited[0].1.contains(member), "{audited:?}");
}

#[tokio::test]
async fn nobody_is_shown_when_it_cannot_be_written_down() {
    let world = World::new().await;
    rejected(&world, KARI, 1).await;
    let operator = operator(&world);
    let mut command = list("rejected");
    (command["show"], command["by"]) = (json!(true), json!("ola"));
    // The list's page and its row, and then the line of who asked.
    world.fuse.arm(3, false);
    let answer = operator.answer(command).await;
    assert_eq!(answer["faults"][0]["path"], "audit", "{answer}");
    assert!(!answer.to_string().contains(KARI), "{answer}");
}

#[tokio::test]
async fn what_is_unconfirmed_stands_in_its_own_list() {
    let world = World::new().await;
    unconfirmed(&world).await;
    let operator = operator(&world);
    let unconfirmed = done(&operator, list("unconfirmed")).await;
    assert_eq!(unconfirmed["count"], 1);
    assert_eq!(unconfirmed["items"][0]["reason"], "unconfirmed");
    for other in ["rejected", "parked"] {
        assert_eq!(done(&operator, list(other)).await["count"], 0, "{other}");
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_hides_no_other() {
    let world = World::new().await;
    rejected(&world, KARI, 1).await;
    rejected(&world, "ola@example.com", 2).await;
    let row = world.row(KARI, "DELIVERY#");
    let key = RowKey::new(
        format!("MEMBER#example#{KARI}"),
        row["sk"].as_str().unwrap(),
    );
    let update = Update {
        set: vec![("message", text("a later form"))],
        ..Update::default()
    };
    world.table.update(&key, update).await.unwrap();
    let operator = operator(&world);
    let answer = done(&operator, list("rejected")).await;
    assert_eq!(
        (&answer["count"], &answer["unreadable"]),
        (&json!(1), &json!(1))
    );
}
