//! `member`: one person's story, for whoever helps them.

use serde_json::{Value, json};

use super::{KARI, at, audited, coupon, done, operator, rejected};
use crate::world::{World, body};

fn member(more: &Value) -> Value {
    let mut command = json!({"command": "member", "store": "example"});
    for (key, value) in more.as_object().unwrap() {
        command[key] = value.clone();
    }
    command
}

#[tokio::test]
async fn a_story_has_the_picture_the_events_and_what_was_told() {
    let world = World::new().await;
    rejected(&world, KARI, 1).await;
    let mut earned = body("points_earned.json");
    earned["email"] = json!(KARI);
    earned["customer"]["email"] = json!(KARI);
    earned["customer"]["points_balance"] = json!(712);
    earned["customer"]["last_seen_at"] = json!("2026-03-19T10:30:00.000Z");
    world.record(&earned).await.unwrap();
    world.settle().await;
    let operator = operator(&world);
    let answer = done(&operator, member(&json!({"email": KARI}))).await;
    let points = &answer["picture"]["points_available"];
    assert_eq!(points["value"], 712);
    assert_eq!(points["as_of"], "2026-03-19T10:30:00Z");
    assert_eq!(points["source"], "yotpo");
    assert_eq!(answer["role"], "member");
    let kinds: Vec<&str> = answer["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["points_earned", "coupon_awarded"], "newest first");
    let coupon = &answer["events"][1];
    assert_eq!(coupon["to"], json!(["rule"]));
    assert_eq!(coupon["deliveries"][0]["status"], "rejected");
    assert_eq!(coupon["deliveries"][0]["reason"], "refused");
    assert_eq!(coupon["deliveries"][0]["starts"], true);
    assert_eq!(coupon["deliveries"][0]["listed"], true);
    let rule = &answer["destinations"]["rule"];
    assert_eq!((&rule["sent"], &rule["rejected"]), (&json!(1), &json!(1)));
    assert!(rule["written"].is_string(), "{rule}");
    assert_eq!(rule["version"], answer["version"]);
}

#[tokio::test]
async fn a_person_is_shown_only_to_whoever_asks_by_name() {
    let world = World::new().await;
    world.record(&coupon(KARI, 1)).await.unwrap();
    world.settle().await;
    let operator = operator(&world);
    let hidden = done(&operator, member(&json!({"email": KARI}))).await;
    let text = hidden.to_string();
    let own = coupon(KARI, 1);
    let first_name = own["customer"]["first_name"].as_str().unwrap();
    for private in ["@example.com", first_name, "https://", "customer-1"] {
        assert!(!text.contains(private), "{private}: {text}");
    }
    assert!(audited(&world).is_empty());
    let shown = member(&json!({"email": KARI, "show": true, "by": "ola"}));
    let shown = done(&operator, shown).await;
    assert_eq!(shown["key"], KARI);
    assert_eq!(shown["picture"]["email"]["value"], KARI);
    assert_eq!(shown["picture"]["first_name"]["value"], first_name);
    let audited = audited(&world);
    assert_eq!(audited.len(), 1);
    assert!(audited[0].1.contains(hidden["member"].as_str().unwrap()));
}

#[tokio::test]
async fn a_person_is_found_by_the_sources_id() {
    let world = World::new().await;
    world.record(&coupon(KARI, 1)).await.unwrap();
    let operator = operator(&world);
    let by_email = done(&operator, member(&json!({"email": KARI}))).await;
    let state = world.row(KARI, "STATE");
    let alias = &state["member"]["aliases"][0];
    let by_id = member(&json!({"source": alias["source"], "id": alias["id"]}));
    let by_id = done(&operator, by_id).await;
    assert_eq!(by_id["member"], by_email["member"]);
    assert_eq!(by_id["known"], true);
    let nobody = member(&json!({"source": "yotpo", "id": "nobody"}));
    assert_eq!(done(&operator, nobody).await["known"], false);
}

#[tokio::test]
async fn three_pages_hold_each_event_once_and_the_newest_first() {
    let world = World::new().await;
    for id in 1..=7 {
        world.record(&coupon(KARI, id)).await.unwrap();
    }
    let operator = operator(&world);
    let (mut command, mut sizes, mut seen) = (
        member(&json!({"email": KARI, "limit": 3})),
        Vec::new(),
        Vec::new(),
    );
    // More than there are: a page that never ends is a fault too.
    for _ in 0..9 {
        let answer = done(&operator, command.clone()).await;
        let events = answer["events"].as_array().unwrap().clone();
        sizes.push(events.len());
        seen.extend(events.iter().map(|event| at(&event["first_arrival"])));
        if answer["next"].is_null() {
            break;
        }
        command["after"] = answer["next"].clone();
    }
    assert_eq!(sizes, [3, 3, 1]);
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "{seen:?}");
}
