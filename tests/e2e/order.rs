//! News that does not arrive in the order in which it happened.

use bridge_tests::trouble::Result;
use bridge_tests::world::Shop;
use serde_json::{Value, json};

use crate::rows::{ARRIVED, has_rows, key, neighbour};
use crate::world;

const TWO: [&str; 6] = ["DELIVERY", "DELIVERY", "EVENT", "EVENT", "STATE", "SYNC"];

/// News of a person as Yotpo sends it, last seen at this instant.
fn news(topic: &str, email: &str, seen: &str, customer: &Value, more: &Value) -> Value {
    let mut body = json!({"topic": topic, "email": email,
        "customer": {"email": email, "first_name": "Kari", "last_seen_at": seen}});
    let merge = |into: &mut Value, from: &Value| {
        for (key, value) in from.as_object().into_iter().flatten() {
            into[key] = value.clone();
        }
    };
    merge(&mut body["customer"], customer);
    merge(&mut body, more);
    body
}

#[tokio::test]
async fn points_of_noon_survive_a_tier_of_ten_that_comes_later() -> Result<()> {
    let world = world().await;
    let store = world.store("noon").await?;
    let email = "kari@example.com";
    let noon = news(
        "swell/points/earned",
        email,
        "2026-03-04T12:00:00.000Z",
        &json!({"points_balance": 700}),
        &json!({"perk": {"id": 1, "reward_points": 50}}),
    );
    let ten = news(
        "swell/tier/earned",
        email,
        "2026-03-04T10:00:00.000Z",
        &json!({"points_balance": 200}),
        &json!({"new_tier": {"id": 2, "name": "Fjell"}, "old_tier": {"id": 1, "name": "Skog"}}),
    );
    store.take(&noon).await?;
    has_rows(&store, email, &ARRIVED).await?;
    store.take(&ten).await?;
    has_rows(&store, email, &TWO).await?;
    neighbour(&store).await?;
    store.settled().await?;
    assert_eq!(key(&store, email, "points_available").await?, 700);
    assert_eq!(key(&store, email, "tier").await?, "Fjell");
    assert_eq!(
        key(&store, email, "last_seen_at").await?,
        "2026-03-04T12:00:00Z"
    );
    let fields = store.people().await?[email]["fields"].clone();
    assert_eq!(fields["Yotpo.PointsBalance"]["value"], "700");
    assert_eq!(fields["Yotpo.NewTierName"]["value"], "Fjell");
    for write in store.writes_to(email).await? {
        let text = write.to_string();
        assert!(!text.contains(r#""200""#), "never backwards: {text}");
    }
    Ok(())
}

#[tokio::test]
async fn partial_news_of_two_kinds_gives_the_same_picture_in_both_orders() -> Result<()> {
    let world = world().await;
    let store = world.store("partial").await?;
    let points = |email: &str| {
        news(
            "swell/points/earned",
            email,
            "2026-03-04T11:00:00.000Z",
            &json!({"points_balance": 500, "points_earned": 900}),
            &json!({"perk": {"id": 1, "reward_points": 50}}),
        )
    };
    let tier = |email: &str| {
        news(
            "swell/tier/status/changed",
            email,
            "2026-03-04T10:00:00.000Z",
            &json!({"last_name": "Nordmann", "points_balance": 450, "total_purchases": 3}),
            &json!({"vip_stats": {"pointsEarned": 320}}),
        )
    };
    let (kari, ola) = ("kari@example.com", "ola@example.com");
    for (email, first, second) in [
        (kari, points(kari), tier(kari)),
        (ola, tier(ola), points(ola)),
    ] {
        store.take(&first).await?;
        has_rows(&store, email, &ARRIVED).await?;
        store.take(&second).await?;
        has_rows(&store, email, &TWO).await?;
    }
    neighbour(&store).await?;
    store.settled().await?;
    assert_eq!(picture(&store, kari).await?, picture(&store, ola).await?);
    assert_eq!(
        picture(&store, kari).await?,
        json!({
            "first_name": "Kari", "last_name": "Nordmann", "points_available": 500, "points_lifetime": 900,
            "purchases_count": 3, "points_qualified": 320, "last_seen_at": "2026-03-04T11:00:00Z",
        })
    );
    let people = store.people().await?;
    let customer = |email: &str| {
        let mut fields = people[email]["fields"].clone();
        fields
            .as_object_mut()
            .expect("fields")
            .retain(|key, _| key != "Bridge.LastEvent");
        fields
    };
    assert_eq!(customer(kari), customer(ola));
    assert_eq!(customer(kari)["Yotpo.PointsBalance"]["value"], "500");
    Ok(())
}

/// What both kinds of news say of a person.
async fn picture(store: &Shop<'_>, email: &str) -> Result<Value> {
    let mut picture = json!({});
    for name in [
        "first_name",
        "last_name",
        "points_available",
        "points_lifetime",
        "purchases_count",
        "points_qualified",
        "last_seen_at",
    ] {
        picture[name] = key(store, email, name).await?;
    }
    Ok(picture)
}
