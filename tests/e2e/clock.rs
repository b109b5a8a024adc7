//! What the clock brings, on the deployed functions: each of the six kinds, told once.

use std::collections::BTreeSet;
use std::time::Duration;

use bridge_tests::local::compare;
use bridge_tests::local::days::{self, Days, EMITTERS, KARI};
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
    for what in ["birthday", "anniversary"] {
        let mut captured = points("ola@example.com")?;
        captured["topic"] = format!("swell/customer/{what}/captured").into();
        captured[what] = json!(format!("1990-{:02}-{:02}", day.month(), day.day()));
        store.take(&captured).await?;
        // Yotpo sends somebody else's today.
        store
            .take(&event(&format!("{what}_without_gift.json"))?)
            .await?;
    }
    store.settled().await?;
    let before = store.writes().await?.len();
    world.forward(Duration::from_hours(24))?;
    for emitter in ["emit-birthdays", "emit-anniversaries"] {
        let function = &world.stack.functions[emitter];
        let told = world.cloud.invoke(function, &json!({})).await?;
        assert!(told["stood_down"].as_u64() >= Some(1), "{emitter}: {told}");
    }
    store.settled().await?;
    assert_eq!(store.writes().await?.len(), before);
    Ok(())
}

#[tokio::test]
async fn dates_of_people_who_are_gone_are_settled() -> Result<()> {
    let world = world_alone().await;
    let settings = Days::store()?;
    let store = world
        .store_with("clock-gone", |document| *document = settings.clone())
        .await?;
    let days = Days::since(now(&store));
    for body in days.news()? {
        store.take(&body).await?;
    }
    store.settled().await?;
    let dates = async || -> Result<usize> {
        let items = store.items().await?;
        let dates = items.iter().filter_map(|item| item["sk"].as_str());
        Ok(dates.filter(|sk| sk.starts_with("DUE#")).count())
    };
    assert!(dates().await? >= 4, "everything is to come due");
    // Somebody has removed the people by hand.
    for item in store.items().await? {
        if item["sk"] == "STATE" {
            let key = json!({"pk": {"S": item["pk"]}, "sk": {"S": "STATE"}});
            let delete = json!({"TableName": world.stack.table, "Key": key});
            let target = "DynamoDB_20120810.DeleteItem";
            world.cloud.call("dynamodb", target, &delete).await?;
        }
    }
    let before = store.writes().await?.len();
    world.forward(Days::ahead())?;
    emit(&store).await?;
    assert_eq!(dates().await?, 0);
    assert_eq!(store.writes().await?.len(), before, "nobody is told");
    Ok(())
}

#[tokio::test]
async fn a_reminder_names_a_reward_that_the_source_told_of() -> Result<()> {
    let world = world_alone().await;
    let store = world
        .store_with("clock-rewards", |document| {
            document["sources"]["yotpo"]["rest"] = true.into();
            document["emit"] = json!({"redemption_reminder": {"inactive_days": 30}});
        })
        .await?;
    let options = json!([
        {"id": 77, "name": "50 kr off", "amount": 500, "cost_text": "500 Points", "discount_type": "fixed_amount"},
        {"id": 78, "name": "As you like", "amount": 10, "discount_type": "variable"},
        {"id": 79, "name": "A gift", "amount": null},
    ]);
    let order = json!({"options": options});
    store.yotpo("redemption-options", order).await?;
    let check = json!({"command": "check", "store": store.id});
    let about = async || -> Result<Value> {
        let checked = world.operator(&check).await?;
        let findings = checked["clock"]["findings"].as_array().saying("findings")?;
        let own = findings
            .iter()
            .find(|one| one["about"] == "redemption_reminder");
        Ok(own.saying("the reminder")?["level"].clone())
    };
    assert_eq!(about().await?, "warning", "no reward is known yet");
    let mut earned = points(KARI)?;
    earned["customer"]["points_balance"] = 800.into();
    earned["customer"]["last_purchase_at"] = Value::Null;
    earned["customer"]["last_seen_at"] = now(&store).to_string().into();
    store.take(&earned).await?;
    world.upkeep().await?;
    wait_until("the rewards are read", async || {
        Ok((about().await? == "note").then_some(()))
    })
    .await?;
    store.settled().await?;
    // Yotpo offers another one later the same day, and a person has it read.
    let order = json!({"options": [{"id": 80, "name": "A mug", "amount": "700", "description": "Of steel"}]});
    store.yotpo("redemption-options", order).await?;
    let refresh = json!({"command": "refresh_rewards", "store": store.id});
    let refreshed = world.operator(&refresh).await?;
    assert_eq!(refreshed["ok"], true, "{refreshed}");
    assert_eq!(
        refreshed["sources"][0]["rewards"],
        json!([{"name": "A mug", "points": 700, "description": "Of steel"}])
    );
    let before = store.writes().await?.len();

    world.forward(Days::ahead())?;
    let list = json!({"command": "emit", "store": store.id, "kind": "redemption_reminder"});
    let due = world.operator(&list).await?;
    assert_eq!(
        (&due["count"], &due["items"][0]["reward"]),
        (&json!(1), &json!("A mug")),
        "{due}"
    );
    assert!(!due.to_string().contains('@'), "{due}");
    let mut command = list;
    command["dry_run"] = false.into();
    command["by"] = "ola".into();
    let sent = world.operator(&command).await?;
    assert_eq!((&sent["told"], &sent["more"]), (&json!(1), &json!(false)));
    let write = wait_until("the reminder is at Rule", async || {
        Ok(store.writes().await?.split_off(before).pop())
    })
    .await?;
    let tags: BTreeSet<&str> = compare::tags(&write).into_iter().collect();
    assert_eq!(tags, BTreeSet::from(["RedemptionReminder", "Yotpo"]));
    let fields = write["subscribers"]["fields"].as_array();
    let named = fields.into_iter().flatten();
    let mut named = named.filter(|field| field["key"] == "Yotpo.RedemptionName");
    assert_eq!(named.next().saying("the field")?["value"], "A mug");

    // The daily run finds nobody left, and Yotpo was asked as its documents say.
    store.settled().await?;
    emit(&store).await?;
    assert_eq!(store.writes().await?.len(), before + 1);
    assert_eq!(store.asking_faults().await?, json!([]));
    neighbour(&store).await
}
