//! What Rule does to us, and what becomes of the event. The test clock is moved; nobody waits for a vendor's limit.

use std::time::Duration;

use bridge_tests::trouble::Result;
use bridge_tests::world::{Shop, World, wait_until};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::rows::{ARRIVED, has_rows, neighbour, points, row};
use crate::world_alone;

/// Waits until push-rule has written of an attempt for this store that it ended with this reason.
async fn gave_up(store: &Shop<'_>, reason: &str) -> Result<()> {
    let function = &store.world.stack.functions["push-rule"];
    let parts = [
        "delivery.attempted".to_owned(),
        format!("\"{}\"", store.id),
        format!("\"{reason}\""),
    ];
    wait_until(
        &format!("push-rule gives up with {reason} for {}", store.id),
        async || {
            let lines = store.world.cloud.log_lines(function).await?;
            let found = lines
                .iter()
                .any(|line| parts.iter().all(|part| line.contains(part)));
            Ok(found.then_some(()))
        },
    )
    .await
}

/// Waits like [`wait_until`] while three minutes go by on the test clock in every real second, with a round of upkeep in
/// each of them.
async fn in_time(
    world: &World,
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<bool>,
) -> Result<()> {
    wait_until(what, async || {
        if ask().await? {
            return Ok(Some(()));
        }
        world.forward(Duration::from_mins(3))?;
        // A round may fail while AWS does; the next one comes by itself.
        drop(world.upkeep().await);
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(None)
    })
    .await
}

/// Waits until a person's event is written down as sent.
pub(crate) async fn sent(store: &Shop<'_>, email: &str) -> Result<()> {
    let what = format!("{email} of {} was told", store.id);
    in_time(store.world, &what, async || {
        Ok(row(store, email, "DELIVERY").await?["status"] == "sent")
    })
    .await?;
    has_rows(store, email, &ARRIVED).await
}

/// The tags whose automations started for a person.
pub(crate) async fn started(store: &Shop<'_>, email: &str) -> Result<Vec<Value>> {
    let started = store.automations().await?.into_iter();
    let own = started.filter(|start| start["email"] == email);
    Ok(own.map(|mut start| start["tag"].take()).collect())
}

#[tokio::test]
async fn with_a_wrong_key_everything_waits_and_arrives_once_it_is_put_right() -> Result<()> {
    let world = world_alone().await;
    let (store, other) = (world.store("key").await?, world.store("nokey").await?);
    let secret = store.secret("rule");
    world
        .cloud
        .put_secret(&secret, &json!({"v": 1, "api_key": "revoked-at-rule"}))
        .await?;
    let people = ["kari@example.com", "ola@example.com", "ida@example.com"];
    for email in people {
        store.take(&points(email)?).await?;
    }
    gave_up(&store, "unauthorized").await?;
    neighbour(&other).await?;
    for email in people {
        let delivery = row(&store, email, "DELIVERY").await?;
        assert!(
            delivery.is_null() || delivery["status"] == "waiting",
            "nothing was sent: {delivery}"
        );
    }
    assert_eq!(store.writes().await?, Vec::<Value>::new());
    // All of it stands in the table; nothing is left to a queue's patience.
    wait_until("everything is parked", async || {
        let left = world.upkeep().await?;
        Ok(
            (left["rule"]["parked"] == people.len() && left["rule"]["closed_lines"] == 1)
                .then_some(()),
        )
    })
    .await?;

    let key = bridge_tests::local::stores::key(&store.id, "rule");
    world
        .cloud
        .put_secret(&secret, &json!({"v": 1, "api_key": key}))
        .await?;
    for email in people {
        sent(&store, email).await?;
        assert_eq!(store.writes_to(email).await?.len(), 1, "{email}");
        assert_eq!(
            started(&store, email).await?,
            ["PointsEarned", "Yotpo"],
            "{email}"
        );
    }
    neighbour(&store).await
}

#[tokio::test]
async fn a_429_is_waited_out_as_long_as_rule_says() -> Result<()> {
    let world = world_alone().await;
    let (store, other) = (world.store("limit").await?, world.store("nolimit").await?);
    let email = "kari@example.com";
    store
        .script(json!({"status": 429, "retry_after_seconds": 120, "body": "Too Many Attempts."}))
        .await?;
    store.take(&points(email)?).await?;
    gave_up(&store, "throttled").await?;
    neighbour(&other).await?;

    world.forward(Duration::from_mins(1))?;
    store.settled().await?;
    assert_eq!(store.received().await?.len(), 1, "a minute is too early");
    sent(&store, email).await?;
    let received = store.received().await?;
    let statuses: Vec<&Value> = received.iter().map(|entry| &entry["status"]).collect();
    assert_eq!(statuses, [429, 200]);
    let at = |entry: &Value| -> Option<Timestamp> { entry["at"].as_str()?.parse().ok() };
    let waited = at(&received[1])
        .zip(at(&received[0]))
        .map(|(second, first)| second.duration_since(first).as_secs());
    assert!(waited >= Some(120), "{waited:?}");
    assert_eq!(started(&store, email).await?, ["PointsEarned", "Yotpo"]);
    neighbour(&store).await
}

#[tokio::test]
async fn what_rule_never_answered_is_looked_up_and_starts_once() -> Result<()> {
    // How the request ends, how often it is then made in all, and what push-rule says of the first time. Silence takes the
    // client's whole patience: it stands in the fault table, where that is short.
    let cases = [
        (
            "failed",
            json!({"book": true, "status": 500, "body": {"error": "UnexpectedError"}}),
            1,
            "vendor_error",
        ),
        (
            "reset",
            json!({"book": true, "then": "reset"}),
            1,
            "no_answer",
        ),
        ("lost", json!({"then": "reset"}), 2, "no_answer"),
    ];
    let world = world_alone().await;
    let email = "kari@example.com";
    let mut stores = Vec::new();
    for (name, order, requests, reason) in cases {
        let store = world.store(name).await?;
        store.script(order).await?;
        store.take(&points(email)?).await?;
        stores.push((store, requests, reason));
    }
    for (store, _, reason) in &stores {
        gave_up(store, reason).await?;
        assert_eq!(row(store, email, "DELIVERY").await?["status"], "claimed");
    }
    for (store, requests, _) in &stores {
        sent(store, email).await?;
        store.settled().await?;
        let id = &store.id;
        let received = store.received().await?;
        assert_eq!(received[1]["method"], "GET", "{id}: looked up first");
        let writes = store.writes_to(email).await?;
        let loud = writes.iter().filter(|write| write["automation"] != false);
        assert_eq!(loud.count(), *requests, "{id}: {writes:?}");
        let started = started(store, email).await?;
        assert_eq!(started, ["PointsEarned", "Yotpo"], "{id}");
        neighbour(store).await?;
    }
    Ok(())
}

#[tokio::test]
async fn without_a_key_everything_waits_until_the_secret_is_there_again() -> Result<()> {
    let world = world_alone().await;
    let store = world.store("keyless").await?;
    let email = "kari@example.com";
    // As the console does it: AWS keeps it for some days, and gives it to nobody.
    let secret = json!({"SecretId": store.secret("rule")});
    let cloud = &world.cloud;
    cloud
        .call("secretsmanager", "secretsmanager.DeleteSecret", &secret)
        .await?;
    store.take(&points(email)?).await?;
    gave_up(&store, "secret_missing").await?;
    // A round that looks for it in vain.
    world.forward(Duration::from_mins(6))?;
    world.upkeep().await?;
    let parked = json!({"command": "parked", "store": store.id, "destination": "rule"});
    assert_eq!(world.operator(&parked).await?["count"], 1);
    cloud
        .call("secretsmanager", "secretsmanager.RestoreSecret", &secret)
        .await?;
    sent(&store, email).await?;
    store.settled().await?;
    assert_eq!(started(&store, email).await?, ["PointsEarned", "Yotpo"]);
    neighbour(&store).await
}
