//! Who becomes a member because they wrote to support.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Desk, STRANGER};
use crate::world::as_json;

fn enrolling() -> Value {
    json!({"enrol_on_ticket": true, "never_enrol": {"domains": ["shop.example.com"], "addresses": ["boss@example.com"]}})
}

/// How many were made a member.
fn made(desk: &Desk) -> usize {
    desk.site.annex.people().len()
}

fn audits(desk: &Desk) -> Vec<Value> {
    let rows = desk.site.world.table.all().into_iter();
    let rows = rows.map(as_json);
    rows.filter(|row| row["command"] == "enrol_on_ticket")
        .collect()
}

#[tokio::test]
async fn many_triggers_make_one_member_who_is_shown_from_then_on() {
    let desk = Desk::with(enrolling()).await;
    for _ in 0..30 {
        assert_eq!(desk.status(STRANGER).await, "not a member");
    }
    desk.settle().await;
    assert_eq!(desk.site.annex.people(), [STRANGER]);
    let user = &desk.site.annex.known(STRANGER)["user"];
    assert_eq!(
        (&user["firstName"], &user["lastName"]),
        (&json!("Ada"), &json!("Example"))
    );
    assert_eq!(audits(&desk).len(), 1);
    assert!(!json!(audits(&desk)).to_string().contains("stranger"));
    desk.settle().await;
    assert_eq!(desk.status(STRANGER).await, "member");
    // Later tickets ask for nothing more.
    desk.site.world.clock.advance(SignedDuration::from_mins(30));
    desk.card(STRANGER).await;
    desk.settle().await;
    assert_eq!((made(&desk), audits(&desk).len()), (1, 1));
}

#[tokio::test]
async fn triggers_at_the_same_time_make_one_member() {
    let desk = Desk::with(enrolling()).await;
    let (one, other) = tokio::join!(desk.card(STRANGER), desk.card(STRANGER));
    for card in [one, other] {
        assert_eq!(card["status"], "not a member");
    }
    assert_eq!(audits(&desk).len(), 1);
    desk.settle().await;
    assert_eq!(made(&desk), 1);
}

#[tokio::test]
async fn nobody_is_made_a_member_who_never_may() {
    let desk = Desk::with(enrolling()).await;
    for nobody in [
        "no-reply@example.com",
        "noreply@vendor.example.com",
        "mailer-daemon@example.com",
        "no-reply-orders@example.com",
        "auto-reply@example.com",
        "notification@example.com",
        "orders-noreply@example.com",
        "shipping_no.reply+17@example.com",
        "calendar-notification@example.com",
        "bounces-123@example.com",
        "post-master@example.com",
        "someone@shop.example.com",
        "someone@mail.shop.example.com",
        "boss@example.com",
    ] {
        assert_eq!(desk.status(nobody).await, "not a member");
        desk.site.world.clock.advance(SignedDuration::from_secs(1));
    }
    desk.settle().await;
    assert_eq!((made(&desk), audits(&desk).len()), (0, 0));
}

#[tokio::test]
async fn a_request_that_names_no_ticket_enrols_nobody_and_keeps_no_ticket_from_it() {
    let desk = Desk::with(enrolling()).await;
    desk.answer("email=stranger%40example.com").await;
    desk.settle().await;
    assert_eq!((made(&desk), audits(&desk).len()), (0, 0));
    desk.card(STRANGER).await;
    desk.settle().await;
    assert_eq!((made(&desk), audits(&desk).len()), (1, 1));
}

#[tokio::test]
async fn no_store_makes_members_that_does_not_say_so() {
    let desk = Desk::new().await;
    desk.card(STRANGER).await;
    desk.settle().await;
    assert_eq!((made(&desk), audits(&desk).len()), (0, 0));
}
