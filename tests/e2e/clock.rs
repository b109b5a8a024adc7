//! What the clock brings, on the deployed functions: each of the six kinds, told once.

use std::collections::BTreeSet;
use std::time::Duration;

use bridge_tests::local::compare;
use bridge_tests::trouble::{Result, Saying};
use bridge_tests::world::{Shop, event, wait_until};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use crate::rows::{neighbour, points};
use crate::world_alone;

const KARI: &str = "kari@example.com";
const VENN: &str = "venn@example.com";
const EMITTERS: [&str; 3] = ["emit-anniversaries", "emit-birthdays", "emit-reminders"];

/// Days from the news to the day on which all of it comes due.
const AHEAD: i64 = 31;

/// The date where the store is, some days from now.
fn date(store: &Shop<'_>, days: i64) -> Result<Date> {
    let zone = TimeZone::get("Europe/Oslo").saying("the zone")?;
    let at = now(store) + SignedDuration::from_hours(24 * days);
    Ok(at.to_zoned(zone).date())
}

fn now(store: &Shop<'_>) -> Timestamp {
    store.world.stack.clock().now()
}

/// A member with points, who was seen just now.
fn kari(store: &Shop<'_>, mut body: Value, balance: i64) -> Value {
    body["email"] = KARI.into();
    body["customer"]["email"] = KARI.into();
    body["customer"]["points_balance"] = balance.into();
    body["customer"]["last_purchase_at"] = Value::Null;
    body["customer"]["last_seen_at"] = now(store).to_string().into();
    body
}

async fn emit(store: &Shop<'_>) -> Result<()> {
    for name in EMITTERS {
        let function = &store.world.stack.functions[name];
        store.world.cloud.invoke(function, &json!({})).await?;
    }
    store.settled().await
}

#[tokio::test]
async fn all_six_kinds_come_due_and_are_told_once() -> Result<()> {
    let world = world_alone().await;
    let store = world
        .store_with("clock", |document| {
            document["rewards"] = json!([
                {"name": "50 kr off", "points": 500},
                {"name": "100 kr off", "points": 1000, "description": "100 kr off your next purchase"},
            ]);
            document["gifts"] = json!({"birthday": {"others": {"coupon": "HAPPY-DAY", "name": "A gift", "points": 50}}});
            document["emit"] = json!({
                "points_reminder": {"inactive_days": 30, "close_points": 300},
                "redemption_reminder": {"inactive_days": 30},
                "referral_share_reminder": {"after_days": 30},
                "referral_product_share_reminder": {"after_days": 30},
            });
        })
        .await?;
    let day = date(&store, AHEAD)?;
    let mut born = kari(&store, event("birthday_captured.json")?, 800);
    born["customer"]["birthday_month"] = day.month().into();
    born["customer"]["birth_day"] = day.day().into();
    store.take(&born).await?;
    let mut joined = kari(&store, event("opt_in.json")?, 800);
    let zero = Date::new(day.year() - 2, day.month(), day.day()).saying("a common day")?;
    joined["customer"]["loyalty_opt_in_date"] = zero.to_string().into();
    store.take(&joined).await?;
    for (file, friend) in [("referral_share.json", VENN), ("product_share.json", VENN)] {
        let mut share = event(file)?;
        share["email"] = friend.into();
        share["from"] = KARI.into();
        store.take(&share).await?;
    }
    store.settled().await?;
    let before = store.writes().await?.len();

    world.forward(Duration::from_hours(24 * AHEAD.unsigned_abs()))?;
    emit(&store).await?;
    let arrived = wait_until("all six are at Rule", async || {
        let writes = store.writes().await?.split_off(before);
        Ok((writes.len() >= 6).then_some(writes))
    })
    .await?;
    store.settled().await?;
    let mut told: Vec<(String, BTreeSet<&str>)> = Vec::new();
    for write in &arrived {
        let email = write["subscribers"]["email"].as_str().unwrap_or_default();
        told.push((email.to_owned(), compare::tags(write).into_iter().collect()));
    }
    for (email, tag) in [
        (KARI, "Birthday"),
        (KARI, "Anniversary"),
        (KARI, "PointsReminder"),
        (KARI, "RedemptionReminder"),
        (VENN, "ReferrelShareReminder"),
        (VENN, "RefferlProductShareReminder"),
    ] {
        let tags = BTreeSet::from([tag, "Yotpo"]);
        let count = told
            .iter()
            .filter(|one| **one == (email.to_owned(), tags.clone()))
            .count();
        assert_eq!(count, 1, "{tag} of {told:?}");
    }
    assert_eq!(told.len(), 6);
    let field = |tag: &str, key: &str| {
        let write = arrived
            .iter()
            .find(|write| compare::tags(write).contains(&tag));
        let fields = write.and_then(|write| write["subscribers"]["fields"].as_array());
        let mut fields = fields.into_iter().flatten();
        fields
            .find(|field| field["key"] == key)
            .map(|field| field["value"].clone())
    };
    assert_eq!(
        field("Birthday", "Yotpo.RedemptionRewardText"),
        Some(json!("HAPPY-DAY"))
    );
    assert_eq!(
        field("Birthday", "Yotpo.PerkRewardPoints"),
        Some(json!("50"))
    );
    assert_eq!(
        field("PointsReminder", "Yotpo.RedemptionPointsNeeded"),
        Some(json!("200"))
    );
    assert_eq!(
        field("RedemptionReminder", "Yotpo.RedemptionName"),
        Some(json!("50 kr off"))
    );
    assert_eq!(
        field("ReferrelShareReminder", "Yotpo.ReferredByEmail"),
        Some(json!(KARI))
    );

    // Once more, by hand and as a run that goes on: nobody is told again.
    emit(&store).await?;
    for (name, due) in EMITTERS.iter().zip(["a", "b", "p"]) {
        let rest = json!({"store": store.id, "due": due, "list": 0, "from": ""});
        let message = json!({"v": 1, "round": 0, "rest": rest}).to_string();
        world
            .cloud
            .send_message(world.queue(name)?, &message)
            .await?;
    }
    store.settled().await?;
    assert_eq!(store.writes().await?.len(), before + 6);
    assert_eq!(store.faults().await?, Vec::<Value>::new());
    neighbour(&store).await
}

#[tokio::test]
async fn a_kind_that_the_source_sends_is_left_to_it() -> Result<()> {
    let world = world_alone().await;
    let store = world.store("clock-auto").await?;
    let day = date(&store, 1)?;
    let mut born = points("ola@example.com")?;
    born["topic"] = "swell/customer/birthday/captured".into();
    born["birthday"] = json!(format!("1990-{:02}-{:02}", day.month(), day.day()));
    store.take(&born).await?;
    // Yotpo sends somebody else's birthday today.
    store.take(&event("birthday_without_gift.json")?).await?;
    store.settled().await?;
    let before = store.writes().await?.len();
    world.forward(Duration::from_hours(24))?;
    let function = &world.stack.functions["emit-birthdays"];
    let told = world.cloud.invoke(function, &json!({})).await?;
    assert!(told["stood_down"].as_u64() >= Some(1), "{told}");
    store.settled().await?;
    assert_eq!(store.writes().await?.len(), before);
    Ok(())
}
