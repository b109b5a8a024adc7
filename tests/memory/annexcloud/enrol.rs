//! Who is made a member of Annex Cloud, and who never is.

use serde_json::{Value, json};
use vendors::{Method, Outcome, Reason};

use super::{KARI, Site, count, error, joined, member};
use crate::{members::whom, world::Does};

#[tokio::test]
async fn who_joins_elsewhere_is_made_a_member_and_read() {
    let site = Site::new().await;
    site.hear(&joined(KARI)).await;
    site.settle().await;
    let user = site.annex.known(KARI)["user"].clone();
    assert_eq!(
        ["email", "firstName", "optInStatus", "status"].map(|key| user[key].clone()),
        [KARI, "Kari", "YES", "active"].map(Value::from)
    );
    let calls = site.annex.calls();
    assert_eq!(count(&calls, Method::Post, "/users"), 1);
    assert_eq!(
        count(&calls, Method::Get, ""),
        3,
        "what was written is read back: {calls:?}"
    );
    assert_eq!(
        site.world.key(KARI, "points_available"),
        0,
        "of no points there are none"
    );
    // The source sends it once more, and nothing happens.
    site.hear(&joined(KARI)).await;
    site.settle().await;
    assert_eq!(count(&site.annex.calls(), Method::Post, ""), 0);
    assert_eq!(site.delivery(KARI)["status"], "sent");
}

#[tokio::test]
async fn who_is_there_already_gets_the_picture_instead() {
    let site = Site::new().await;
    let user = json!({"email": KARI, "firstName": "K.", "optInStatus": "NO"});
    site.annex.person(KARI, user, &Value::Null, &Value::Null);
    site.hear(&joined(KARI)).await;
    site.settle().await;
    let calls = site.annex.calls();
    assert_eq!(count(&calls, Method::Post, "/users"), 1, "{calls:?}");
    assert_eq!(count(&calls, Method::Patch, "/users/"), 1, "{calls:?}");
    let user = site.annex.known(KARI)["user"].clone();
    assert_eq!([&user["firstName"], &user["optInStatus"]], ["Kari", "YES"]);
    assert_eq!(site.delivery(KARI)["status"], "sent");
}

#[tokio::test]
async fn some_are_never_made_members() {
    let source = json!({"never_enrol": {"domains": ["shop.example.com"], "addresses": ["press@example.com"]}});
    let site = Site::with(source, json!({})).await;
    let never = [
        "no-reply@example.com",
        "ola@shop.example.com",
        "ola@mail.shop.example.com",
        "press@example.com",
    ];
    for email in never {
        site.hear(&joined(email)).await;
    }
    // Whoever has left by the time the message is sent.
    site.hear(&joined(KARI)).await;
    let mut left = joined(KARI);
    left["topic"] = json!("loyalty/opt_out");
    left["customer"]["is_opt_in"] = json!(false);
    left["customer"]["last_seen_at"] = json!("2026-03-20T11:30:00.000Z");
    site.hear(&left).await;
    site.settle().await;
    assert!(site.annex.people().is_empty(), "{:?}", site.annex.people());
    assert_eq!(count(&site.annex.calls(), Method::Post, ""), 0);
}

#[tokio::test]
async fn an_erased_person_is_not_made_a_member() {
    let site = Site::new().await;
    site.hear(&joined(KARI)).await;
    let store = site.world.store("example").await;
    let eraser = site.world.eraser();
    eraser.erase(&store, &whom(KARI), None).await.unwrap();
    let outcomes = site.settle().await;
    assert!(
        outcomes.contains(&Outcome::Skipped(Reason::Erased)),
        "{outcomes:?}"
    );
    assert!(site.annex.people().is_empty());
}

#[tokio::test]
async fn an_enrolment_is_made_once_whatever_happens() {
    for failure in [
        Does::BooksInSilence,
        Does::BooksAndFails,
        Does::Breaks,
        Does::Unreachable,
        error(404, "AC1001"),
        error(500, "AC1099"),
        error(401, "AC1002"),
        Does::Asks(429, "20"),
        Does::Answers(200, json!("<html>")),
        Does::Answers(404, json!("<html>Not Found</html>")),
    ] {
        let site = Site::new().await;
        site.annex.will(Method::Post, "/users", failure);
        site.hear(&joined(KARI)).await;
        site.settle().await;
        assert_eq!(site.annex.people(), [KARI]);
        assert_eq!(site.delivery(KARI)["status"], "sent");
    }
}

#[tokio::test]
async fn what_annex_cloud_refuses_stands_in_its_list() {
    let site = Site::new().await;
    site.annex
        .will(Method::Post, "/users", error(400, "AC1004"));
    site.hear(&joined(KARI)).await;
    site.settle().await;
    let row = site.delivery(KARI);
    assert_eq!(
        [&row["status"], &row["reason"]],
        ["rejected", "invalid_value"]
    );
}

#[tokio::test]
async fn who_is_known_there_is_not_enrolled_again() {
    let site = Site::new().await;
    member(&site, KARI);
    site.hint(&json!({"data": {"userId": KARI}})).await.unwrap();
    site.read().await;
    site.annex.calls();
    site.hear(&joined(KARI)).await;
    site.settle().await;
    assert_eq!(count(&site.annex.calls(), Method::Post, ""), 0);
}
