//! Who is not known here, and whom Annex Cloud may know.

use jiff::SignedDuration;
use loyalty::StoreId;
use platform::{Clock as _, Deadline, RowKey, Table as _, Update, whole};
use serde_json::json;
use vendors::Method;

use super::{ADA, Desk, KARI, STRANGER};
use crate::{annexcloud::error, members::whom, world::Does};

#[tokio::test]
async fn the_first_ticket_shows_whom_annex_cloud_knows_and_from_then_on_the_table_does() {
    let desk = Desk::new().await;
    desk.ada();
    let card = desk.card(ADA).await;
    assert_eq!(
        (
            &card["status"],
            &card["points"]["available"],
            &card["tier"]["current"]
        ),
        (&json!("member"), &json!(5120), &json!("Silver"))
    );
    assert_eq!(desk.questions(), 3);
    assert_eq!(desk.recorded().await, 1);
    let stored = desk.card(ADA).await;
    assert_eq!(
        (&stored["name"], &stored["points"]),
        (&card["name"], &card["points"])
    );
    assert_eq!(desk.questions(), 0);
}

#[tokio::test]
async fn nobody_is_asked_for_again_for_ten_minutes() {
    let desk = Desk::new().await;
    for _ in 0..30 {
        assert_eq!(desk.status(STRANGER).await, "not a member");
    }
    let questions = desk.questions();
    assert!(questions <= 3, "{questions}");
    desk.site.world.clock.advance(SignedDuration::from_mins(11));
    desk.card(STRANGER).await;
    assert!(desk.questions() > 0);
    // Who has become a member elsewhere meanwhile shows with the news of it.
    assert_eq!(desk.recorded().await, 0);
}

#[tokio::test]
async fn two_tickets_ask_at_once_and_the_third_is_read_later() {
    let desk = Desk::new().await;
    desk.ada();
    let held = async |number: u32| {
        let key = RowKey::new("STORE#example", format!("ASKING#{number}"));
        let until = desk.site.world.clock.now() + SignedDuration::from_secs(2);
        let update = Update {
            set: vec![("until", whole(until.as_microsecond()))],
            ..Update::default()
        };
        desk.site.world.table.update(&key, update).await.unwrap();
    };
    held(0).await;
    assert_eq!(desk.status(ADA).await, "member", "one is free");
    desk.questions();
    held(0).await;
    held(1).await;
    assert_eq!(desk.status(STRANGER).await, "unavailable");
    assert_eq!(desk.questions(), 0);
    assert_eq!(desk.reads().len(), 1);
    // Half of their time has passed meanwhile: the next ticket waits for the rest.
    assert_eq!(desk.status("bob@example.com").await, "not a member");
    assert_eq!(desk.questions(), 3);
    // A slot that nobody gave back is free again by itself.
    desk.site.world.clock.advance(SignedDuration::from_secs(4));
    assert_eq!(desk.status(STRANGER).await, "not a member");
}

#[tokio::test]
async fn a_source_in_trouble_is_a_card_that_says_so_and_a_read() {
    for does in [
        Does::Breaks,
        Does::Unreachable,
        Does::Answers(500, json!({})),
        Does::Asks(429, "5"),
        error(404, "AC1001"),
        error(200, "AC1001"),
        Does::Answers(404, json!("<html></html>")),
        Does::Answers(200, json!("<html></html>")),
    ] {
        let desk = Desk::new().await;
        desk.ada();
        desk.site.annex.will(Method::Get, "/users/", does.clone());
        desk.site.annex.will(Method::Get, "/users/", does.clone());
        let card = desk.card(ADA).await;
        assert_eq!(card["status"], "unavailable");
        assert_eq!(card["points"]["available"], json!(null));
        assert_eq!(desk.reads().len(), 1);
        assert_eq!(desk.recorded().await, 0);
    }
}

#[tokio::test]
async fn what_was_refused_is_signed_anew_while_the_ticket_waits() {
    let desk = Desk::new().await;
    desk.ada();
    desk.site
        .annex
        .will(Method::Get, "/users/", error(401, "AC1002"));
    assert_eq!(desk.status(ADA).await, "member");
    assert!(desk.questions() > 3);
}

#[tokio::test]
async fn what_a_source_did_not_tell_in_time_is_read_at_once() {
    let desk = Desk::new().await;
    desk.ada();
    desk.site.annex.will(Method::Get, "/points/", Does::Breaks);
    let card = desk.card(ADA).await;
    assert_eq!(card["status"], "member");
    assert_eq!(card["points"]["available"], json!(null));
    assert_eq!(desk.reads().len(), 1);
}

#[tokio::test]
async fn a_line_that_is_closed_is_not_tried_while_a_ticket_waits() {
    let desk = Desk::new().await;
    desk.ada();
    desk.site.key("wrong");
    assert_eq!(desk.status(ADA).await, "unavailable");
    desk.questions();
    assert_eq!(desk.status(ADA).await, "unavailable");
    assert_eq!(desk.questions(), 0, "the line is closed");
}

#[tokio::test]
async fn a_slow_source_closes_no_line() {
    let desk = Desk::new().await;
    desk.ada();
    for _ in 0..30 {
        for part in ["/users/", "/points/", "/tiers"] {
            desk.site.annex.will(Method::Get, part, Does::Breaks);
        }
        assert_eq!(desk.status(ADA).await, "unavailable");
        desk.site.world.clock.advance(SignedDuration::from_secs(5));
    }
    assert_eq!(desk.status(ADA).await, "member");
}

#[tokio::test]
async fn nothing_is_asked_about_who_was_erased() {
    let desk = Desk::with(
        json!({"enrol_on_ticket": true, "never_enrol": {"domains": ["shop.example.com"]}}),
    )
    .await;
    desk.ada();
    assert_eq!(desk.status(ADA).await, "member");
    desk.settle().await;
    let eraser = desk.site.world.eraser();
    let store = StoreId::parse("example").unwrap();
    let settings = desk.lookup.stores.get(&store).await.unwrap();
    eraser.erase(&settings, &whom(ADA), None).await.unwrap();
    desk.questions();
    for minutes in [0, 20, 60] {
        desk.site
            .world
            .clock
            .advance(SignedDuration::from_mins(minutes));
        let card = desk.card(ADA).await;
        assert_eq!(
            (&card["status"], &card["name"]),
            (&json!("not a member"), &json!(null))
        );
        assert_eq!(desk.questions(), 0);
        assert!(desk.reads().is_empty());
        desk.settle().await;
        let soon = Deadline::after(SignedDuration::from_mins(1), &*eraser.clock);
        eraser.sweep(&settings, soon).await.unwrap();
        // Annex Cloud is told of the erasure.
        desk.questions();
    }
}

#[tokio::test]
async fn a_store_that_no_such_source_feeds_asks_nobody() {
    let desk = Desk::with(json!({"rest": false})).await;
    desk.ada();
    assert_eq!(desk.status(ADA).await, "not a member");
    assert_eq!(desk.status(KARI).await, "not a member");
    assert_eq!(desk.questions(), 0);
}
