//! One event all the way.

use bridge_tests::trouble::Result;
use bridge_tests::world::event;
use serde_json::json;

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

    let rows = store.member(email).await?;
    let kinds: Vec<&str> = rows
        .iter()
        .filter_map(|row| row["sk"].as_str()?.split('#').next())
        .collect();
    assert_eq!(kinds, ["DELIVERY", "EVENT", "STATE", "SYNC"]);
    assert_eq!(store.faults().await?, Vec::<serde_json::Value>::new());
    Ok(())
}

#[tokio::test]
async fn a_repeat_at_once_starts_nothing_again() -> Result<()> {
    let world = world().await;
    let store = world.store("repeat").await?;
    let coupon = event("coupon_redeemed.json")?;
    store.take(&coupon).await?;
    store.wrote(1).await?;
    store.take(&coupon).await?;
    store.take(&coupon).await?;
    store.settled().await?;
    let writes = store.writes().await?;
    let loud = writes
        .iter()
        .filter(|write| write["automation"] != false)
        .count();
    assert_eq!(loud, 1, "{writes:?}");
    assert_eq!(
        store.automations().await?.len(),
        2,
        "one start for each of the two tags"
    );
    Ok(())
}

#[tokio::test]
async fn one_person_in_two_stores_is_two_members() -> Result<()> {
    let world = world().await;
    let (one, two) = (world.store("first").await?, world.store("second").await?);
    let coupon = event("coupon_redeemed.json")?;
    let email = coupon["email"].as_str().expect("an email");
    one.take(&coupon).await?;
    one.wrote(1).await?;
    assert_eq!(two.member(email).await?, Vec::<serde_json::Value>::new());
    two.take(&coupon).await?;
    two.wrote(1).await?;
    assert_eq!(one.writes().await?.len(), 1);
    assert_ne!(
        one.received().await?[0]["account"],
        two.received().await?[0]["account"]
    );
    Ok(())
}

#[tokio::test]
async fn every_kind_can_be_simulated_for_an_example_member() -> Result<()> {
    let world = world().await;
    let store = world.store("simulate").await?;
    let command = json!({"command": "simulate", "store": store.id, "kind": "coupon_awarded", "email": "kari@example.com"});
    let answer = world.operator(&command).await?;
    assert_eq!(answer["ok"], true, "{answer}");
    let writes = store.wrote(1).await?;
    assert_eq!(writes[0]["subscribers"]["email"], "kari@example.com");
    assert_eq!(writes[0]["tags"], json!(["CouponAwarded", "Yotpo"]));
    assert_eq!(store.faults().await?, Vec::<serde_json::Value>::new());
    Ok(())
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
