//! What the clock brings, on the deployed functions: each of the six kinds, told once.

use std::time::Duration;

use bridge_tests::local::days::{self, Days, EMITTERS};
use bridge_tests::trouble::{Result, Saying};
use bridge_tests::world::{Shop, event, wait_until};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use crate::rows::{neighbour, points};
use crate::world_alone;

fn now(store: &Shop<'_>) -> Timestamp {
    store.world.stack.clock().now()
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
    let settings = Days::store()?;
    let store = world
        .store_with("clock", |document| *document = settings.clone())
        .await?;
    let days = Days::since(now(&store));
    for body in days.news()? {
        store.take(&body).await?;
    }
    store.settled().await?;
    let before = store.writes().await?.len();

    world.forward(Days::ahead())?;
    emit(&store).await?;
    let rows = days.expected()?;
    let arrived = wait_until("all six are at Rule", async || {
        let writes = store.writes().await?.split_off(before);
        Ok((writes.len() >= rows.len()).then_some(writes))
    })
    .await?;
    store.settled().await?;
    for (kind, wrong) in days::differences(&rows, &arrived) {
        assert_eq!(wrong, Vec::<String>::new(), "{kind}");
    }

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
    assert_eq!(store.writes().await?.len(), before + rows.len());
    assert_eq!(store.faults().await?, Vec::<Value>::new());
    neighbour(&store).await
}

#[tokio::test]
async fn a_kind_that_the_source_sends_is_left_to_it() -> Result<()> {
    let world = world_alone().await;
    let store = world.store("clock-auto").await?;
    let zone = TimeZone::get("Europe/Oslo").saying("the zone")?;
    let tomorrow = now(&store) + SignedDuration::from_hours(24);
    let day = tomorrow.to_zoned(zone).date();
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
