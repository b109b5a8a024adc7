//! Annex Cloud's webhooks: nothing they say is believed, they tell whom to read.

use jiff::SignedDuration;
use recording::Recorded;
use serde_json::json;
use vendors::{
    Inbound, Inlet, Method, Outcome, Reason, Refusal, Source as _, annexcloud::AnnexCloud,
};

use super::{KARI, Site, error, member};
use crate::members::whom;

fn inbound(path_token: Option<&str>, headers: &[(&str, &str)]) -> Inbound {
    let headers = headers.iter();
    Inbound {
        path_token: path_token.map(ToOwned::to_owned),
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..Inbound::default()
    }
}

#[test]
fn only_a_caller_with_the_stores_secret_is_admitted() {
    let inlet = json!({"v": 1, "current": "example-token"});
    let inlet: Inlet = serde_json::from_value(inlet).unwrap();
    for good in [
        inbound(Some("example-token"), &[]),
        inbound(None, &[("authorization", "Bearer example-token")]),
        inbound(None, &[("x-api-key", "example-token")]),
        inbound(Some("wrong"), &[("x-api-key", "example-token")]),
    ] {
        assert_eq!(AnnexCloud.authenticate(&good, &inlet), Ok(()));
    }
    for wrong in [
        inbound(None, &[]),
        inbound(Some(""), &[]),
        inbound(Some("example"), &[]),
        inbound(None, &[("authorization", "Bearer example-token-2")]),
        inbound(None, &[("x-other", "example-token")]),
    ] {
        let refused = AnnexCloud.authenticate(&wrong, &inlet);
        assert_eq!(refused, Err(Refusal::Unauthorized));
    }
}

#[tokio::test]
async fn what_a_webhook_claims_is_not_believed() {
    let site = Site::new().await;
    member(&site, KARI);
    let claims = json!({
        "eventType": "user.update", "topic": "bridge/member/read",
        "data": {"email": KARI, "firstName": "Mallory", "availablePoints": "999999"},
        "user": {"id": KARI, "email": KARI}, "points": {"availablePoints": "999999"}, "tiers": null,
    });
    assert_eq!(site.hint(&claims).await, Ok(Recorded::Hint));
    assert!(
        site.world.rows(KARI).is_empty(),
        "nothing is recorded of it"
    );
    assert_eq!(site.read().await, [Outcome::Sent]);
    assert_eq!(site.world.key(KARI, "first_name"), "Kari");
    assert_eq!(site.world.key(KARI, "points_available"), 500);
}

#[tokio::test]
async fn many_hints_of_one_change_are_one_reading() {
    let site = Site::new().await;
    member(&site, KARI);
    let hint = json!({"eventType": "points", "data": {"userId": KARI}});
    for _ in 0..4 {
        site.hint(&hint).await.unwrap();
    }
    site.world.clock.advance(SignedDuration::from_secs(5));
    let outcomes = site.read().await;
    let repeats = outcomes
        .iter()
        .filter(|outcome| **outcome == Outcome::Skipped(Reason::Repeat));
    assert_eq!(repeats.count(), 3, "{outcomes:?}");
    assert_eq!(site.annex.calls().len(), 3);
}

#[tokio::test]
async fn a_hint_that_names_nobody_is_kept() {
    let site = Site::new().await;
    for hint in [
        json!({"eventType": "tier.upgrade"}),
        json!({"eventType": "x", "id": "..", "data": {"email": "no address"}}),
    ] {
        assert!(
            matches!(site.hint(&hint).await, Ok(Recorded::Kept(_))),
            "{hint}"
        );
    }
    assert_eq!(site.read().await, []);
}

#[tokio::test]
async fn the_store_may_say_where_the_id_stands() {
    let source = json!({"hint_pointer": "/payload/who"});
    let site = Site::with(source, json!({})).await;
    member(&site, KARI);
    let hint = json!({"id": "of the delivery", "payload": {"who": KARI}});
    site.hint(&hint).await.unwrap();
    assert_eq!(site.read().await, [Outcome::Sent]);
}

#[tokio::test]
async fn a_hint_does_not_bring_back_who_was_erased() {
    let site = Site::new().await;
    member(&site, KARI);
    let hint = json!({"data": {"userId": KARI}});
    site.hint(&hint).await.unwrap();
    site.read().await;
    let store = site.world.store("example").await;
    let eraser = site.world.eraser();
    eraser.erase(&store, &whom(KARI), None).await.unwrap();
    site.settle().await;
    let emptied = site.annex.known(KARI);
    assert_eq!(emptied["user"]["firstName"], "", "Annex Cloud was told");
    site.annex.calls();
    site.world.clock.advance(SignedDuration::from_mins(20));
    site.hint(&hint).await.unwrap();
    assert_eq!(site.read().await, [Outcome::Skipped(Reason::Erased)]);
    let rows = site.world.rows(KARI);
    let pictures = rows.iter().filter(|row| row["member"].is_object());
    assert_eq!(pictures.count(), 0);
}

#[tokio::test]
async fn a_store_without_credentials_reads_nothing() {
    let site = Site::with(json!({"rest": false}), json!({})).await;
    let hint = json!({"data": {"userId": KARI}});
    let kept = site.hint(&hint).await.unwrap();
    assert!(
        matches!(kept, Recorded::Kept(Reason::SourceOff)),
        "{kept:?}"
    );
    assert_eq!(site.annex.calls(), []);
}

#[tokio::test]
async fn an_answer_that_names_nobody_is_no_answer() {
    let site = Site::new().await;
    member(&site, KARI);
    site.hint(&json!({"data": {"userId": KARI}})).await.unwrap();
    let odd = crate::world::Does::Answers(200, json!({"Data": {"firstName": "Kari"}}));
    site.annex.will(Method::Get, "/users/", odd);
    site.annex
        .will(Method::Get, "/users/", error(200, "AC1006"));
    let outcomes = site.read().await;
    assert_eq!(outcomes[0].reason(), Some(Reason::VendorError));
    assert_eq!(outcomes.last(), Some(&Outcome::Sent));
}
