//! One event all the way.

use std::collections::BTreeSet;

use bridge_tests::local::compare;
use bridge_tests::trouble::Result;
use bridge_tests::world::event;
use serde_json::{Value, json};

use crate::rows::{ARRIVED, has_rows, key, only_the_neighbour, row, rows};
use crate::world;

#[tokio::test]
async fn an_event_walks_from_yotpo_to_rule() -> Result<()> {
    let world = world().await;
    let store = world.store("walk").await?;
    let coupon = event("coupon_redeemed.json")?;
    let email = coupon["email"].as_str().expect("an email");
    store.take(&coupon).await?;

    let writes = store.wrote(1).await?;
    assert_eq!(writes[0]["subscribers"]["email"], email);
    assert_eq!(writes[0]["automation"], "reset");
    let people = store.people().await?;
    assert_eq!(people[email]["tags"], json!(["CouponRedeemed", "Yotpo"]));
    assert_eq!(
        people[email]["fields"]["Yotpo.StoreName"]["value"],
        coupon["store_name"]
    );
    let started = store.automations().await?;
    let tags: Vec<&str> = started
        .iter()
        .filter_map(|start| start["tag"].as_str())
        .collect();
    assert_eq!(tags, ["CouponRedeemed", "Yotpo"]);

    assert_eq!(rows(&store, email).await?, ARRIVED);
    assert_eq!(store.faults().await?, Vec::<Value>::new());
    Ok(())
}

/// Every kind that Yotpo can send, with the tag that it brings beside the catch-all, and what Rule does.
const SENT: [(&str, &str, &str); 21] = [
    ("coupon_awarded", "CouponAwarded", "starts"),
    ("coupon_redeemed", "CouponRedeemed", "starts"),
    ("birthday", "Birthday", "starts"),
    ("birthday_captured", "", "is told"),
    ("anniversary", "Anniversary", "starts"),
    ("anniversary_captured", "", "is told"),
    ("donation_created", "DonationCreated", "starts"),
    ("opted_in", "LoyaltyOptIn", "starts"),
    ("opted_out", "LoyaltyOptIn", "is told"),
    ("points_earned", "PointsEarned", "starts"),
    ("points_reminder", "PointsReminder", "starts"),
    ("redemption_reminder", "RedemptionReminder", "starts"),
    ("referral_link_shared", "RefferlLinkShare", "starts"),
    ("referral_share_reminder", "ReferrelShareReminder", "starts"),
    ("referral_product_shared", "", "is told"),
    (
        "referral_product_share_reminder",
        "RefferlProductShareReminder",
        "starts",
    ),
    ("referral_completed", "ReferrelCompleted", "starts"),
    ("tier_earned", "VIP Tier Earned", "starts"),
    ("tier_lost", "TierLost", "starts"),
    ("tier_status_changed", "TierStatusChanged", "starts"),
    ("points_changed", "", "hears nothing"),
];

/// Kinds that only other sources send.
const NOT_SENT: [&str; 5] = [
    "points_deducted",
    "points_redeemed",
    "points_expired",
    "member_updated",
    "member_deleted",
];

#[tokio::test]
async fn every_kind_that_yotpo_sends_can_be_simulated_and_arrives() -> Result<()> {
    let world = world().await;
    let store = world.store("simulate").await?;
    let email = |kind: &str| format!("{}@example.com", kind.replace('_', "-"));
    for (kind, ..) in SENT {
        let command =
            json!({"command": "simulate", "store": store.id, "kind": kind, "email": email(kind)});
        let answer = world.operator(&command).await?;
        assert_eq!(answer["ok"], true, "{kind}: {answer}");
    }
    store.wrote(SENT.len() - 1).await?;
    for (kind, tag, rule) in SENT {
        let email = email(kind);
        let writes = store.writes_to(&email).await?;
        if rule == "hears nothing" {
            assert!(writes.is_empty(), "{kind}: {writes:?}");
            has_rows(&store, &email, &["EVENT", "STATE"]).await?;
            assert_eq!(key(&store, &email, "points_available").await?, 700);
            continue;
        }
        has_rows(&store, &email, &ARRIVED).await?;
        assert_eq!(row(&store, &email, "EVENT").await?["kind"], kind);
        assert_eq!(writes.len(), 1, "{kind}: {writes:?}");
        let tags: BTreeSet<&str> = compare::tags(&writes[0]).into_iter().collect();
        let wanted = [tag, "Yotpo"].into_iter().filter(|tag| !tag.is_empty());
        assert_eq!(tags, wanted.collect(), "{kind}");
        let loud = writes[0]["automation"] != false;
        assert_eq!(loud, rule == "starts", "{kind}: {}", writes[0]);
    }
    assert_eq!(store.faults().await?, Vec::<Value>::new());
    Ok(())
}

#[tokio::test]
async fn what_yotpo_does_not_send_cannot_be_simulated() -> Result<()> {
    let world = world().await;
    let store = world.store("unsent").await?;
    for kind in NOT_SENT {
        let answer = world
            .operator(&json!({"command": "simulate", "store": store.id, "kind": kind}))
            .await?;
        assert_eq!(answer["ok"], false, "{kind}: {answer}");
        let fault = &answer["faults"][0];
        assert_eq!(fault["path"], "kind");
        let message = fault["message"].as_str().unwrap_or_default();
        assert!(
            message.contains(kind) && message.contains("no source of store"),
            "{kind}: {message}"
        );
    }
    only_the_neighbour(&store, &[]).await
}

#[tokio::test]
async fn put_store_names_all_faults_at_once_and_asks_for_the_missing_secrets() -> Result<()> {
    let world = world().await;
    let bad = json!({"v": 1, "store": "Not An Id", "name": "N", "currency": "NOK", "locale": "nb-NO",
        "time_zone": "Europe/Nowhere", "contact": "loyalty@shop.example.com", "surprise": 1,
        "sources": {"yotpo": {}}, "destinations": {"rule": {"tags": {"coupon": "X"}}}});
    let answer = world
        .operator(&json!({"command": "put_store", "store": bad}))
        .await?;
    assert_eq!(answer["ok"], false);
    let faults = answer["faults"].to_string();
    for path in [
        "store",
        "time_zone",
        "surprise",
        "destinations.rule.tags.coupon",
    ] {
        assert!(faults.contains(path), "{path} is not in {faults}");
    }

    let mut good = bridge_tests::local::stores::document(&bridge_tests::local::stores::example())?;
    good["store"] = "no-secrets-yet".into();
    let answer = world
        .operator(&json!({"command": "put_store", "store": good}))
        .await?;
    let missing = answer["missing_secrets"].to_string();
    for connection in ["yotpo-webhook", "rule"] {
        assert!(
            missing.contains(&format!("no-secrets-yet/{connection}")),
            "{missing}"
        );
    }
    assert!(
        missing.contains("aws secretsmanager create-secret"),
        "{missing}"
    );
    let url = answer["urls"]["yotpo"]["url"].as_str().expect("a url");
    assert!(url.ends_with("/webhooks/yotpo/no-secrets-yet"), "{url}");
    Ok(())
}
