//! A member's profile at Annex Cloud follows the picture here.

use jiff::SignedDuration;
use platform::Clock as _;
use serde_json::json;
use vendors::{Method, Outcome, Reason};

use super::{KARI, Site, count, joined, member};
use crate::world::Does;

const NEW: &str = "kari.berg@example.com";

/// A minute later Yotpo tells of a person with an id of its own.
async fn hear(site: &Site, email: &str, first: &str, perk: u8) {
    site.world.clock.advance(SignedDuration::from_mins(1));
    let news = json!({
        "topic": "swell/points/earned",
        "email": email,
        "customer": {
            "email": email, "third_party_id": "c-1", "first_name": first, "points_balance": perk,
            "last_seen_at": site.world.clock.now().to_string(),
        },
        "perk": {"id": perk, "reward_points": 5},
    });
    site.hear(&news).await;
}

#[tokio::test]
async fn a_profile_follows_the_picture() {
    let site = Site::new().await;
    member(&site, KARI);
    hear(&site, KARI, "Karianne", 8).await;
    site.settle().await;
    assert_eq!(site.annex.known(KARI)["user"]["firstName"], "Karianne");
    // Points that moved elsewhere are no news there.
    site.annex.calls();
    hear(&site, KARI, "Karianne", 9).await;
    site.settle().await;
    assert_eq!(site.annex.calls(), []);
    assert_eq!(site.points(KARI), "500");
    // A store that does not want it.
    site.put(json!({}), json!({"profile": false})).await;
    site.world.clock.advance(SignedDuration::from_mins(2));
    hear(&site, KARI, "Kaja", 10).await;
    site.settle().await;
    assert_eq!(site.annex.calls(), []);
}

#[tokio::test]
async fn what_annex_cloud_told_is_not_written_back() {
    let site = Site::new().await;
    let says = |phone: &str, takes_part: &str| {
        let user =
            json!({"email": KARI, "firstName": "Kari", "phone": phone, "optInStatus": takes_part});
        site.annex.person("c-77", user, &json!({}), &json!(null));
    };
    says("+4790000001", "YES");
    let hint = json!({"data": {"userId": "c-77"}});
    site.hint(&hint).await.unwrap();
    site.read().await;
    // There they change their number and leave, and no webhook tells of it.
    says("+4790000002", "NO");
    hear(&site, KARI, "Karianne", 8).await;
    site.settle().await;
    let user = &site.annex.known("c-77")["user"];
    assert_eq!(
        [&user["firstName"], &user["phone"], &user["optInStatus"]],
        ["Karianne", "+4790000002", "NO"]
    );
}

#[tokio::test]
async fn whoever_annex_cloud_does_not_know_is_left_alone_for_a_day() {
    let site = Site::new().await;
    hear(&site, KARI, "Kari", 8).await;
    let outcomes = site.settle().await;
    assert_eq!(outcomes, [Outcome::Skipped(Reason::UnknownThere)]);
    hear(&site, KARI, "Kaja", 9).await;
    site.settle().await;
    assert_eq!(count(&site.annex.calls(), Method::Patch, ""), 1);
    // They join, and Annex Cloud tells of them itself: from now on they are known.
    member(&site, KARI);
    site.hint(&json!({"data": {"userId": KARI}})).await.unwrap();
    site.settle().await;
    hear(&site, KARI, "Karianne", 10).await;
    site.settle().await;
    assert_eq!(site.annex.known(KARI)["user"]["firstName"], "Karianne");
}

#[tokio::test]
async fn a_changed_address_keeps_the_person_and_their_points() {
    let site = Site::new().await;
    site.hear(&joined(KARI)).await;
    hear(&site, KARI, "Kari", 8).await;
    site.settle().await;
    assert_eq!(site.annex.people(), [KARI]);
    // The first news of their profile brings the address along.
    hear(&site, NEW, "Karianne", 9).await;
    site.settle().await;
    assert_eq!(
        site.annex.people(),
        [KARI],
        "the id stays, and nobody is made beside it"
    );
    assert_eq!(site.annex.known(KARI)["user"]["email"], NEW);
}

#[tokio::test]
async fn a_profile_arrives_whatever_happens_on_the_way() {
    for failure in [
        Does::BooksInSilence,
        Does::BooksAndFails,
        Does::Breaks,
        super::error(401, "AC1002"),
        super::error(404, "AC1001"),
        Does::Asks(429, "20"),
        Does::Answers(404, json!("")),
    ] {
        let site = Site::new().await;
        member(&site, KARI);
        site.annex.will(Method::Patch, "/users/", failure);
        hear(&site, KARI, "Karianne", 8).await;
        site.settle().await;
        assert_eq!(site.annex.known(KARI)["user"]["firstName"], "Karianne");
    }
}
