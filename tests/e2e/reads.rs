//! What never came is read from Yotpo's own interface, on the deployed functions and under their own roles.

use std::time::Duration;

use bridge_tests::local::stores;
use bridge_tests::trouble::{Result, Saying as _, Trouble};
use bridge_tests::world::{Shop, World, event, wait_until};
use serde_json::{Value, json};

use crate::rows::{key, neighbour, points, row};
use crate::{world, world_alone};

const KARI: &str = "kari@example.com";
const OLA: &str = "ola@example.com";
const LIV: &str = "liv@example.com";

/// A store with credentials for Yotpo's interface, which has Rule's fields follow every change.
async fn store<'w>(world: &'w World, name: &str) -> Result<Shop<'w>> {
    let change = |document: &mut Value| {
        document["sources"]["yotpo"]["rest"] = true.into();
        document["destinations"]["rule"]["also"] = json!(["member_updated", "points_changed"]);
    };
    world.store_with(name, change).await
}

/// Points of one person, known to the shop by an id of their own.
fn news(email: &str, balance: i64, minute: i64) -> Result<Value> {
    let mut event = points(email)?;
    for id in ["third_party_id", "thirty_party_id"] {
        event["customer"][id] = format!("id-of-{email}").into();
    }
    event["customer"]["points_balance"] = balance.into();
    event["customer"]["last_seen_at"] = format!("2026-03-07T11:{minute:02}:00.000Z").into();
    event["perk"]["id"] = (90_000 + balance).into();
    Ok(event)
}

/// What Yotpo's interface tells of the same person.
fn row_of(email: &str, balance: i64, minute: i64) -> Result<Value> {
    let mut row = news(email, balance, minute)?["customer"].take();
    let keys = row.as_object_mut().expect("a row");
    let opt_in = keys.remove("is_opt_in").unwrap_or_default();
    for webhook in ["thirty_party_id", "loyalty_opt_in_date", "referral_code"] {
        keys.remove(webhook);
    }
    keys.insert("opt_in".to_owned(), opt_in);
    Ok(row)
}

async fn knows(store: &Shop<'_>, row: Value) -> Result<()> {
    store.yotpo("customers", json!({"customer": row})).await
}

/// The balance that Rule has of an address.
async fn told(store: &Shop<'_>, email: &str) -> Result<Value> {
    Ok(store.people().await?[email]["fields"]["Yotpo.PointsBalance"]["value"].clone())
}

async fn arrives(store: &Shop<'_>, email: &str, balance: &str) -> Result<()> {
    wait_until(
        &format!("{email} has {balance} points at Rule"),
        async || Ok((told(store, email).await? == balance).then_some(())),
    )
    .await
}

/// What the operator tells of the store's repair.
async fn repair(store: &Shop<'_>) -> Result<Value> {
    let command = json!({"command": "repairs", "store": store.id});
    let mut answer = store.world.operator(&command).await?;
    if answer["ok"] == true {
        Ok(answer["repairs"][0].take())
    } else {
        Err(Trouble::new(format!("refused: {answer}")))
    }
}

async fn finished(store: &Shop<'_>) -> Result<Value> {
    wait_until(
        &format!("the run of {} is finished", store.id),
        async || {
            let run = repair(store).await?["run"].take();
            Ok((run["stage"] == "finished").then(|| run["members"].clone()))
        },
    )
    .await
}

#[tokio::test]
async fn a_gap_has_its_member_read_and_starts_nothing() -> Result<()> {
    let world = world().await;
    let store = store(&world, "gap").await?;
    store.take(&news(KARI, 100, 1)?).await?;
    arrives(&store, KARI, "100").await?;
    knows(&store, row_of(KARI, 320, 9)?).await?;
    let mut changed = event("points_changed.json")?;
    changed["email"] = KARI.into();
    changed["customer"] = news(KARI, 300, 5)?["customer"].take();
    changed["previous_balance"] = 250.into();
    changed["current_balance"] = 300.into();
    store.take(&changed).await?;
    arrives(&store, KARI, "320").await?;
    store.settled().await?;
    assert_eq!(key(&store, KARI, "points_available").await?, 320);
    let asked = store.asked().await?;
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0]["query"], "customer_email=kari%40example%2Ecom");
    let check = json!({"command": "check", "store": store.id});
    let checked = world.operator(&check).await?;
    let source = &checked["sources"][0];
    let findings = source["findings"].as_array().saying("findings")?;
    let key = findings.iter().find(|one| one["about"] == "key");
    assert_eq!(
        key.map(|key| &key["level"]),
        Some(&json!("good")),
        "{source}"
    );
    assert_eq!(
        store.automations().await?.len(),
        2,
        "PointsEarned and Yotpo"
    );
    assert_eq!(store.asking_faults().await?, json!([]));
    assert_eq!(store.faults().await?, Vec::<Value>::new());
    neighbour(&store).await
}

#[tokio::test]
async fn a_night_heals_what_never_came_although_a_page_fails_in_the_middle() -> Result<()> {
    let world = world_alone().await;
    let store = store(&world, "night").await?;
    for (email, balance) in [(KARI, 100), (OLA, 101), (LIV, 102)] {
        store.take(&news(email, balance, 1)?).await?;
        arrives(&store, email, &balance.to_string()).await?;
        knows(&store, row_of(email, balance + 500, 9)?).await?;
    }
    let started = store.automations().await?.len();
    store.yotpo("page-size", json!({"rows": 2})).await?;
    let second = json!({"times": 2, "match": {"query": "page_info"}, "status": 503});
    store.yotpo("script", second).await?;
    world.upkeep().await?;
    wait_until("the run has met its trouble", async || {
        let asked = store.asked().await?;
        Ok(asked
            .iter()
            .any(|asked| asked["status"] == 503)
            .then_some(()))
    })
    .await?;
    world.forward(Duration::from_mins(15))?;
    let members = wait_until("the run is finished", async || {
        world.forward(Duration::from_mins(1))?;
        let run = repair(&store).await?["run"].take();
        Ok((run["stage"] == "finished").then(|| run["members"].clone()))
    })
    .await?;
    assert_eq!(
        members,
        json!({"seen": 3, "learned": 0, "drifted": 3, "healed": 3, "erased": 0, "failed": 0})
    );
    for (email, balance) in [(KARI, "600"), (OLA, "601"), (LIV, "602")] {
        arrives(&store, email, balance).await?;
    }
    store.settled().await?;
    assert_eq!(store.automations().await?.len(), started, "nothing starts");
    assert_eq!(store.asking_faults().await?, json!([]));
    // Another round of the same day begins nothing more.
    let asked = store.asked().await?.len();
    world.upkeep().await?;
    store.settled().await?;
    assert_eq!(store.asked().await?.len(), asked);
    neighbour(&store).await
}

#[tokio::test]
async fn who_was_erased_is_not_brought_back_by_a_night() -> Result<()> {
    let world = world_alone().await;
    let store = store(&world, "night-erased").await?;
    for email in [KARI, OLA] {
        store.take(&news(email, 100, 1)?).await?;
        arrives(&store, email, "100").await?;
        knows(&store, row_of(email, 700, 9)?).await?;
    }
    let erase = json!({"command": "erase", "store": store.id, "email": KARI, "by": "ola", "why": "she asked", "confirm": true});
    assert_eq!(world.operator(&erase).await?["ok"], true);
    arrives(&store, KARI, "").await?;
    world.upkeep().await?;
    let members = finished(&store).await?;
    assert_eq!(
        members,
        json!({"seen": 2, "learned": 0, "drifted": 1, "healed": 1, "erased": 1, "failed": 0})
    );
    arrives(&store, OLA, "700").await?;
    store.settled().await?;
    assert_eq!(told(&store, KARI).await?, "");
    assert_eq!(row(&store, KARI, "STATE").await?["member"], Value::Null);
    assert_eq!(row(&store, KARI, "EVENT").await?, Value::Null);
    Ok(())
}

#[tokio::test]
async fn a_wrong_key_stops_its_store_alone_until_it_is_right() -> Result<()> {
    let world = world_alone().await;
    let (wrong, right) = (
        store(&world, "wrong-key").await?,
        store(&world, "right-key").await?,
    );
    for store in [&wrong, &right] {
        store.take(&news(KARI, 100, 1)?).await?;
        arrives(store, KARI, "100").await?;
        knows(store, row_of(KARI, 400, 9)?).await?;
    }
    let secret = wrong.secret("yotpo");
    let (guid, good) = (stores::guid(&wrong.id), stores::key(&wrong.id, "yotpo"));
    let revoked = json!({"v": 1, "guid": guid, "api_key": "revoked-at-yotpo"});
    world.cloud.put_secret(&secret, &revoked).await?;
    world.upkeep().await?;
    arrives(&right, KARI, "400").await?;
    let line = wait_until("the line is closed", async || {
        let line = repair(&wrong).await?["line"].take();
        Ok((line["state"] == "closed").then_some(line))
    })
    .await?;
    assert_eq!(line["cause"], "unauthorized");
    world.upkeep().await?;
    let lines = world
        .cloud
        .log_lines(&world.stack.functions["upkeep"])
        .await?;
    let stopped = lines.iter().any(|line| line.contains("\"ReadsStopped\":1"));
    assert!(stopped, "the alarm's metric tells");
    neighbour(&wrong).await?;
    assert_eq!(key(&wrong, KARI, "points_available").await?, 100);

    let mended = json!({"v": 1, "guid": guid, "api_key": good});
    world.cloud.put_secret(&secret, &mended).await?;
    wait_until("the run goes on", async || {
        world.forward(Duration::from_mins(5))?;
        let run = repair(&wrong).await?["run"].take();
        Ok((run["stage"] == "finished").then_some(()))
    })
    .await?;
    arrives(&wrong, KARI, "400").await?;
    assert_eq!(wrong.asking_faults().await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn without_a_key_nothing_is_read_until_somebody_makes_the_secret() -> Result<()> {
    let world = world_alone().await;
    let store = store(&world, "keyless-reads").await?;
    store.take(&news(KARI, 100, 1)?).await?;
    arrives(&store, KARI, "100").await?;
    knows(&store, row_of(KARI, 400, 9)?).await?;
    let secret = store.secret("yotpo");
    let gone = json!({"SecretId": secret, "ForceDeleteWithoutRecovery": true});
    let delete = "secretsmanager.DeleteSecret";
    world.cloud.call("secretsmanager", delete, &gone).await?;
    world.upkeep().await?;
    wait_until("the line is closed", async || {
        let line = repair(&store).await?["line"].take();
        Ok((line["cause"] == "secret_missing").then_some(()))
    })
    .await?;
    let check = json!({"command": "check", "store": store.id});
    let checked = world.operator(&check).await?;
    assert_eq!(checked["ready"], false);
    let findings = checked["sources"][0]["findings"].to_string();
    assert!(
        findings.contains(&format!("create-secret --name {secret}")),
        "{findings}"
    );
    let (guid, key) = (stores::guid(&store.id), stores::key(&store.id, "yotpo"));
    let made = json!({"v": 1, "guid": guid, "api_key": key});
    world.cloud.put_secret(&secret, &made).await?;
    wait_until("the run goes on", async || {
        world.forward(Duration::from_mins(5))?;
        let run = repair(&store).await?["run"].take();
        Ok((run["stage"] == "finished").then_some(()))
    })
    .await?;
    arrives(&store, KARI, "400").await
}
