//! The same delivery again: at once, a day later, and after its guard has ended.

use std::time::Duration;

use bridge_tests::trouble::Result;
use bridge_tests::world::{Shop, event, wait_until};
use serde_json::{Value, json};

use crate::rows::{ARRIVED, has_rows, key, neighbour, row};
use crate::{world, world_alone};

const DAY: Duration = Duration::from_hours(24);

/// How often a tag's automation was started.
async fn starts(store: &Shop<'_>, tag: &str) -> Result<usize> {
    let started = store.automations().await?;
    Ok(started.iter().filter(|start| start["tag"] == tag).count())
}

#[tokio::test]
async fn at_once_it_is_answered_and_starts_nothing() -> Result<()> {
    let world = world().await;
    let store = world.store("repeat").await?;
    let coupon = event("coupon_redeemed.json")?;
    let email = coupon["email"].as_str().expect("an email");
    // Three at the same time: whichever is recorded first, one starts.
    let (one, two, three) = tokio::join!(
        store.take(&coupon),
        store.take(&coupon),
        store.take(&coupon)
    );
    one.and(two).and(three)?;
    has_rows(&store, email, &ARRIVED).await?;
    store.take(&coupon).await?;
    neighbour(&store).await?;
    store.settled().await?;
    has_rows(&store, email, &ARRIVED).await?;
    assert_eq!(row(&store, email, "DELIVERY").await?["status"], "sent");
    assert_eq!(starts(&store, "CouponRedeemed").await?, 1);
    let writes = store.writes_to(email).await?;
    let loud = writes.iter().filter(|write| write["automation"] != false);
    assert_eq!(loud.count(), 1, "{writes:?}");
    Ok(())
}

#[tokio::test]
async fn a_day_later_it_is_known_and_after_its_guard_it_is_news() -> Result<()> {
    let world = world_alone().await;
    let store = world.store("later").await?;
    let coupon = event("coupon_redeemed.json")?;
    let email = coupon["email"].as_str().expect("an email");
    store.take(&coupon).await?;
    has_rows(&store, email, &ARRIVED).await?;
    store.settled().await?;
    let first = row(&store, email, "EVENT").await?;

    world.forward(DAY)?;
    store.take(&coupon).await?;
    neighbour(&store).await?;
    store.settled().await?;
    has_rows(&store, email, &ARRIVED).await?;
    assert_eq!(row(&store, email, "EVENT").await?, first, "untouched");
    assert_eq!(starts(&store, "CouponRedeemed").await?, 1);

    // The emulator sweeps nothing: the row of the first still stands, with a guard that has ended.
    world.forward(30 * DAY)?;
    store.take(&coupon).await?;
    let twice = ["DELIVERY", "DELIVERY", "EVENT", "STATE", "SYNC"];
    has_rows(&store, email, &twice).await?;
    neighbour(&store).await?;
    store.settled().await?;
    let second = row(&store, email, "EVENT").await?;
    assert_eq!(second["sk"], first["sk"]);
    assert!(
        second["guard_until"].as_i64() > first["guard_until"].as_i64(),
        "the row is the new event's"
    );
    assert_eq!(starts(&store, "CouponRedeemed").await?, 2);
    Ok(())
}

#[tokio::test]
async fn joining_leaving_and_joining_on_one_day_ends_in_the_programme() -> Result<()> {
    let world = world().await;
    let store = world.store("opt").await?;
    let email = "kari@example.com";
    let opt = |topic: &str, is: bool| {
        json!({"topic": topic, "email": email, "customer": {"email": email, "first_name": "Kari",
            "is_opt_in": is, "loyalty_opt_in_date": "2026-03-04", "last_seen_at": "2026-03-04T10:00:00.000Z"}})
    };
    for (topic, is) in [
        ("loyalty/opt_in", true),
        ("loyalty/opt_out", false),
        ("loyalty/opt_in", true),
    ] {
        // Answered with 200 each time.
        store.take(&opt(topic, is)).await?;
        let said = is.to_string();
        wait_until(&format!("Rule knows of {topic}"), async || {
            let people = store.people().await?;
            let told = people[email]["fields"]["Yotpo.OptIn"]["value"] == said.as_str();
            Ok((told && key(&store, email, "opt_in").await? == is).then_some(()))
        })
        .await?;
    }
    neighbour(&store).await?;
    store.settled().await?;
    assert_eq!(key(&store, email, "opt_in").await?, true);
    let events = ["DELIVERY", "DELIVERY", "EVENT", "EVENT", "STATE", "SYNC"];
    has_rows(&store, email, &events).await?;
    assert_eq!(
        starts(&store, "LoyaltyOptIn").await?,
        1,
        "one welcome a day"
    );
    assert_eq!(
        store.people().await?[email]["fields"]["Yotpo.OptIn"]["value"],
        "true"
    );
    assert_eq!(store.faults().await?, Vec::<Value>::new());
    Ok(())
}
