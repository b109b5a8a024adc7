//! Who is known here.

use ::lookup::Answered;
use jiff::SignedDuration;
use loyalty::StoreId;
use platform::{ReceivedRow, Table as _, from_item};
use serde_json::json;

use super::{Desk, KARI, ticket};
use crate::annexcloud::earned;

#[tokio::test]
async fn a_hit_is_one_read_of_the_table_and_no_question() {
    let desk = Desk::with(json!({"rest": false})).await;
    desk.site.hear(&earned(KARI, 1)).await;
    desk.card(KARI).await;
    desk.site.world.table.take_usage();
    desk.questions();
    assert_eq!(desk.status(KARI).await, "member");
    assert_eq!(desk.site.world.table.take_usage().requests, 1);
    assert_eq!(desk.questions(), 0);
    assert!(desk.reads().is_empty());
}

#[tokio::test]
async fn both_secrets_are_good_and_a_rotated_one_at_once() {
    let desk = Desk::new().await;
    let answers = async |secret: &str| {
        let query = "email=kari%40example.com";
        desk.lookup.answer("example", &ticket(secret, query)).await != Answered::Refused
    };
    assert!(answers("new").await && answers("old").await && !answers("newest").await);
    desk.site.world.clock.advance(SignedDuration::from_secs(11));
    let rotated = r#"{"v":1,"current":"newest","previous":"new"}"#;
    let name = "bridge/example/gorgias-lookup";
    desk.site.world.secrets.set(name, rotated);
    assert!(answers("newest").await && answers("new").await && !answers("old").await);
    let store = StoreId::parse("example").unwrap();
    let key = ReceivedRow::key(&store, "gorgias-lookup");
    let row = desk.site.world.table.get(&key, true);
    let row: ReceivedRow = from_item(row.await.unwrap().unwrap()).unwrap();
    assert!(row.accepted_at.is_some() && row.refused_headers == ["authorization"]);
}

#[tokio::test]
async fn an_unknown_store_is_refused_and_leaves_nothing() {
    let desk = Desk::new().await;
    desk.site.world.table.take_usage();
    for store in ["nobody", "No Store", "", "../example"] {
        let asked = ticket("new", "email=kari%40example.com");
        let answered = desk.lookup.answer(store, &asked).await;
        assert_eq!(answered, Answered::Refused, "{store}");
    }
    assert_eq!(desk.site.world.table.take_usage().requests, 0);
}

#[tokio::test]
async fn what_is_down_is_a_card_that_says_so() {
    let desk = Desk::new().await;
    desk.site.hear(&earned(KARI, 1)).await;
    assert_eq!(desk.status(KARI).await, "member");
    desk.site.world.table.down(true);
    assert_eq!(desk.status(KARI).await, "unavailable");
    desk.site.world.table.down(false);
    assert_eq!(desk.status(KARI).await, "member");
    // A secret that is known goes on being good; one that nobody knows tells nothing, and is no refusal.
    desk.site.world.secrets.down(true);
    desk.site.world.clock.advance(SignedDuration::from_mins(10));
    assert_eq!(desk.status(KARI).await, "member");
    let fresh = Desk::new().await;
    fresh.site.world.secrets.down(true);
    let card = fresh.card(KARI).await;
    assert_eq!(
        (&card["status"], &card["name"]),
        (&json!("unavailable"), &json!(null))
    );
}

#[tokio::test]
async fn a_picture_that_is_old_is_read_anew_once_in_a_while() {
    let desk = Desk::new().await;
    desk.ada();
    assert_eq!(desk.status(super::ADA).await, "member");
    desk.settle().await;
    assert!(desk.reads().is_empty(), "it is fresh");
    desk.site.world.clock.advance(SignedDuration::from_mins(16));
    for _ in 0..5 {
        assert_eq!(desk.status(super::ADA).await, "member");
    }
    let reads = desk.reads();
    assert_eq!(reads.len(), 1, "{reads:?}");
    desk.site.world.clock.advance(SignedDuration::from_mins(16));
    desk.card(super::ADA).await;
    assert_eq!(desk.reads().len(), 1);
    // Where no source can be asked, nothing is.
    desk.put(json!({"rest": false})).await;
    desk.site.world.clock.advance(SignedDuration::from_mins(16));
    assert_eq!(desk.status(super::ADA).await, "member");
    assert!(desk.reads().is_empty());
}
