//! A member is read: three answers in many forms, parts that are not there, and bad days.

use delivery::{Account, State};
use jiff::SignedDuration;
use loyalty::StoreId;
use serde_json::{Value, json};
use vendors::{Method, Outcome, Reason};

use super::{Site, count, error};
use crate::{operator::recorded, world::Does};

const MAJA: &str = "maja.holm@example.com";

fn api(file: &str) -> Value {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let bytes = std::fs::read(format!("{root}/events/annexcloud-api/{file}")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// Maja, as the examples of the interface have her.
fn maja(site: &Site) {
    let mut user = api("user.json")["Data"].clone();
    for key in ["siteId", "id"] {
        user.as_object_mut().unwrap().remove(key);
    }
    let mut points = api("points.json");
    points.as_object_mut().unwrap().remove("id");
    site.annex
        .person("c-20417", user, &points, &api("tiers.json"));
}

fn hint() -> Value {
    json!({"eventId": "evt-1", "eventType": "user.update", "data": {"userId": "c-20417"}})
}

/// A webhook tells of Maja, and what is due because of it is done.
async fn read(site: &Site) -> Vec<Outcome> {
    site.hint(&hint()).await.unwrap();
    site.world.clock.advance(SignedDuration::from_secs(1));
    site.read().await
}

fn stands(site: &Site) -> [Value; 6] {
    [
        "first_name",
        "points_available",
        "points_lifetime",
        "tier",
        "points_to_next",
        "spend_to_next",
    ]
    .map(|key| site.world.key(MAJA, key))
}

fn expected() -> [Value; 6] {
    [
        json!("Maja"),
        json!(2_310),
        json!(2_725),
        json!("Silver"),
        json!(275),
        json!(8_760),
    ]
}

#[tokio::test]
async fn a_member_is_read_in_every_form_that_is_in_use() {
    for (wrapper, points) in [
        ("Data", "mixed"),
        ("data", "text"),
        ("flat", "number"),
        ("flat", "mixed"),
    ] {
        let site = Site::new().await;
        maja(&site);
        let shape = json!({"wrapper": wrapper, "points": points});
        site.annex.order("/shape", shape);
        assert_eq!(read(&site).await, [Outcome::Sent]);
        assert_eq!(stands(&site), expected(), "{wrapper} {points}");
        let asked = site.annex.calls();
        assert_eq!(asked.len(), 3, "three calls, no more: {asked:?}");
        // What Annex Cloud told never goes back there.
        site.settle().await;
        assert_eq!(site.annex.calls(), []);
        let told = site.world.rows(MAJA);
        let mut told = told.iter().map(|row| row["sk"].as_str().unwrap());
        assert!(!told.any(|sk| sk.starts_with("SYNC#")));
    }
}

#[tokio::test]
async fn who_has_no_points_and_no_tier_has_none() {
    let site = Site::new().await;
    let user = json!({"email": MAJA, "firstName": "Maja"});
    site.annex
        .person("c-20417", user, &Value::Null, &Value::Null);
    assert_eq!(read(&site).await, [Outcome::Sent]);
    assert_eq!(site.world.key(MAJA, "points_available"), 0);
    assert_eq!(site.world.key(MAJA, "points_lifetime"), 0);
    let state = site.world.row(MAJA, "STATE");
    let none = state["member"].get("tier");
    assert_eq!(none, Some(&Value::Null), "it is none, and not unknown");
    let before = state["member"].get("tier_previous");
    assert_eq!(before, None, "of a tier before nobody spoke");
}

#[tokio::test]
async fn a_part_that_cannot_be_had_leaves_the_old_value() {
    for (failure, tries) in [
        (error(404, "AC1001"), 1),
        (error(500, "AC1001"), 2),
        (Does::Answers(503, json!("<html>down</html>")), 1),
        (Does::Breaks, 1),
        (error(404, "AC1001"), 20),
    ] {
        let site = Site::new().await;
        maja(&site);
        read(&site).await;
        site.annex.order(
            "/members",
            json!({
                "user": {"id": "c-20417", "email": MAJA, "firstName": "Maja-Lena"},
                "points": {"availablePoints": "9"}, "tiers": {"currentTier": "Gold"},
            }),
        );
        for _ in 0..tries {
            site.annex.will(Method::Get, "/points/", failure.clone());
            site.annex.will(Method::Get, "/tiers", failure.clone());
        }
        site.hint(&hint()).await.unwrap();
        let (outcomes, _) = site.reading.read(&site.world).await;
        assert_eq!(
            outcomes[0].name(),
            "retry",
            "it is read again: {outcomes:?}"
        );
        recorded(&site.world).await;
        let [name, available, _, tier, ..] = stands(&site);
        let old = [json!("Maja-Lena"), json!(2_310), json!("Silver")];
        assert_eq!([name, available, tier], old);
        let outcomes = site.read().await;
        let [_, available, _, tier, ..] = stands(&site);
        if tries < 4 {
            assert_eq!([available, tier], [json!(9), json!("Gold")]);
        } else {
            assert_eq!(outcomes.len(), 3, "not for ever");
            assert_eq!([available, tier], [json!(2_310), json!("Silver")]);
        }
    }
}

#[tokio::test]
async fn whoever_is_not_there_is_nobody() {
    let site = Site::new().await;
    assert_eq!(read(&site).await, [Outcome::Skipped(Reason::NoPerson)]);
    assert!(site.world.rows(MAJA).is_empty());
    maja(&site);
    site.annex
        .will(Method::Get, "/users/c%2D20417", error(200, "AC1005"));
    assert_eq!(read(&site).await, [Outcome::Skipped(Reason::NoPerson)]);
    assert!(site.world.rows(MAJA).is_empty());
}

#[tokio::test]
async fn a_member_of_whom_something_goes_wrong_is_read_again() {
    for failure in [
        error(404, "AC1001"),
        error(200, "AC1001"),
        Does::Answers(500, json!("<html>")),
        Does::Breaks,
        Does::Unreachable,
    ] {
        let site = Site::new().await;
        maja(&site);
        site.annex.will(Method::Get, "/users/", failure);
        let outcomes = read(&site).await;
        assert!(matches!(outcomes[0], Outcome::Retry { .. }), "{outcomes:?}");
        assert_eq!(outcomes.last(), Some(&Outcome::Sent), "{outcomes:?}");
        assert_eq!(stands(&site), expected());
    }
}

#[tokio::test]
async fn a_429_is_waited_for() {
    let site = Site::new().await;
    maja(&site);
    site.annex
        .will(Method::Get, "/tiers", Does::Asks(429, "30"));
    let outcomes = read(&site).await;
    let after = std::time::Duration::from_secs(30);
    assert_eq!(outcomes[0], Outcome::Throttled { after });
    assert_eq!(outcomes.last(), Some(&Outcome::Sent));
    assert_eq!(stands(&site), expected());
}

async fn line(site: &Site) -> State {
    let store = StoreId::parse("example").unwrap();
    let account = Account::of_source("annexcloud", &store);
    site.world.pusher.lines.get(&account).await.unwrap().state
}

#[tokio::test]
async fn a_refused_signature_is_made_anew_once() {
    let site = Site::new().await;
    maja(&site);
    site.annex
        .will(Method::Get, "/users/", error(401, "AC1002"));
    assert_eq!(read(&site).await, [Outcome::Sent]);
    assert_eq!(stands(&site), expected());
    assert_eq!(line(&site).await, State::Open);
    assert_eq!(count(&site.annex.calls(), Method::Get, "/points/"), 2);
}

#[tokio::test]
async fn a_wrong_secret_closes_the_line_until_it_is_mended() {
    let site = Site::new().await;
    maja(&site);
    site.annex.credential("another");
    site.hint(&hint()).await.unwrap();
    let (outcomes, _) = site.reading.read(&site.world).await;
    let refused = Outcome::Retry {
        after: std::time::Duration::from_mins(5),
        reason: Reason::Unauthorized,
    };
    assert_eq!(outcomes, [refused]);
    assert!(matches!(
        line(&site).await,
        State::Closed {
            cause: Reason::Unauthorized,
            ..
        }
    ));
    assert_eq!(site.annex.calls().len(), 6, "signed anew once, and no more");
    site.key("another");
    site.world.clock.advance(SignedDuration::from_mins(6));
    assert_eq!(site.read().await.last(), Some(&Outcome::Sent));
    assert_eq!(stands(&site), expected());
    assert_eq!(line(&site).await, State::Open);
}

#[tokio::test]
async fn a_page_in_place_of_an_answer_is_a_wrong_address() {
    let site = Site::new().await;
    maja(&site);
    let page = || Does::Answers(404, json!("<html>Not Found</html>"));
    site.annex.will(Method::Get, "/users/c%2D20417", page());
    site.hint(&hint()).await.unwrap();
    let (outcomes, _) = site.reading.read(&site.world).await;
    assert_eq!(outcomes[0].reason(), Some(Reason::WrongAddress));
    assert!(matches!(
        line(&site).await,
        State::Closed {
            cause: Reason::WrongAddress,
            ..
        }
    ));
    assert_eq!(site.read().await.last(), Some(&Outcome::Sent));
    assert_eq!(line(&site).await, State::Open);
}
