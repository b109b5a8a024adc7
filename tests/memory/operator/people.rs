//! `erase` and `export`: what they ask for, what they answer, and what they write down.

use serde_json::json;

use super::{KARI, audited, done, operator};
use crate::world::{World, body};

#[tokio::test]
async fn an_erasure_is_confirmed_written_down_and_may_be_asked_for_again() {
    let world = World::new().await;
    world.record(&body("coupon_awarded.json")).await.unwrap();
    world.settle().await;
    let operator = operator(&world);
    let mut command =
        json!({"command": "erase", "store": "example", "email": KARI, "by": "ola", "why": "asked"});
    let refused = operator.answer(command.clone()).await;
    assert_eq!(refused["faults"][0]["path"], "confirm");
    assert!(!world.rows(KARI).is_empty() && audited(&world).is_empty());

    command["confirm"] = json!(true);
    let begun = done(&operator, command.clone()).await;
    assert_eq!(
        (&begun["finished"], &begun["waiting"]),
        (&json!(false), &json!(["rule"]))
    );
    world.settle().await;
    world.clock.advance(jiff::SignedDuration::from_mins(16));
    let ended = done(&operator, command).await;
    assert_eq!(
        (&ended["finished"], &ended["waiting"]),
        (&json!(true), &json!([]))
    );
    assert!(world.rows(KARI).is_empty());
    let audits = audited(&world);
    assert_eq!(audits.len(), 2);
    assert!(!json!(audits).to_string().contains(KARI));
}

#[tokio::test]
async fn an_export_shows_everything_and_is_written_down() {
    let world = World::new().await;
    world.record(&body("coupon_awarded.json")).await.unwrap();
    let operator = operator(&world);
    let command = json!({"command": "export", "store": "example", "email": KARI, "by": "ola", "why": "asked"});
    let answer = done(&operator, command).await;
    assert_eq!(
        (&answer["known"], &answer["next"]),
        (&json!(true), &json!(null))
    );
    assert!(
        answer["rows"].to_string().contains("TUR-50-QX7"),
        "bodies are opened"
    );
    assert_eq!(audited(&world).len(), 1);
    let nobody = json!({"command": "export", "store": "example", "email": "nobody@example.com", "by": "ola", "why": "asked"});
    assert_eq!(done(&operator, nobody).await["known"], false);
}
