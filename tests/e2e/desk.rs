//! What people and the product itself do about Gorgias and Annex Cloud: order points, follow hints, send what was parked,
//! look whether the integration is still enabled, fill customers from before.

use std::time::Duration;

use bridge_tests::http;
use bridge_tests::local::stack::Stack;
use bridge_tests::local::stores;
use bridge_tests::local::tickets::{Desk, KNOWN, MEMBER};
use bridge_tests::trouble::Result;
use bridge_tests::world::{World, wait_until};
use serde_json::{Value, json};

use crate::{world, world_alone};

async fn desk<'a>(stack: &'a mut Stack, name: &str) -> Result<Desk<'a>> {
    Desk::open(stack, |document| {
        document["store"] = name.into();
        document["destinations"]["annexcloud"] = json!({"default_action": "100"});
        document["destinations"]["gorgias"]["reenable"] = true.into();
    })
    .await
}

async fn member(desk: &Desk<'_>, email: &str) -> Result<Value> {
    desk.ask(json!({"command": "member", "store": desk.store, "email": email}))
        .await
}

async fn secret(world: &World, store: &str, connection: &str, value: &Value) -> Result<()> {
    let name = format!("{}/{store}/{connection}", world.stack.secret_prefix);
    world.cloud.put_secret(&name, value).await
}

#[tokio::test]
async fn a_hint_is_read_and_ordered_points_are_booked_once_and_shown() -> Result<()> {
    let world = world().await;
    let mut stack = world.stack.clone();
    let name = "desk-points";
    let desk = desk(&mut stack, name).await?;
    let hint = json!({"event": "user.updated", "eventId": "e-1", "data": {"userId": MEMBER}});
    desk.tell("annexcloud", &hint).await?;
    wait_until("the member is read", async || {
        let told = member(&desk, MEMBER).await?;
        Ok((told["known"] == true).then_some(()))
    })
    .await?;
    let order = json!({
        "command": "adjust_points", "store": name, "email": MEMBER, "what": "award", "points": 50, "by": "kari",
        "why": "goodwill for a late parcel", "confirm": true,
    });
    let ordered = desk.ask(order.clone()).await?;
    assert_eq!(ordered["ok"], true, "{ordered}");
    let booked = wait_until("the points are booked", async || {
        let activity = desk.show("annexcloud", "activity-state").await?;
        let rows = activity[MEMBER].as_array().cloned().unwrap_or_default();
        Ok((!rows.is_empty()).then_some(rows))
    })
    .await?;
    assert_eq!(
        (booked.len(), &booked[0]["credit"]),
        (1, &json!("50")),
        "{booked:?}"
    );
    wait_until("the card shows them", async || {
        let fired = desk.ticket(7300, MEMBER, "ticket-updated").await?;
        assert_eq!(fired["fired"][0]["status"], 200, "{fired}");
        let page = http::get(&desk.page(7300)?).send().await?;
        Ok(page.text.contains("5170").then_some(()))
    })
    .await?;
    let too_many = json!({"points": 5_000});
    let mut refused = order;
    refused["points"] = too_many["points"].clone();
    let refused = desk.ask(refused).await?;
    assert_eq!(refused["ok"], false, "{refused}");
    for vendor in ["gorgias", "annexcloud"] {
        assert_eq!(desk.show(vendor, "faults").await?, json!([]), "{vendor}");
    }
    Ok(())
}

#[tokio::test]
async fn what_a_wrong_key_has_parked_is_sent_once_it_is_right() -> Result<()> {
    let world = world_alone().await;
    let mut stack = world.stack.clone();
    let name = "desk-parked";
    let desk = desk(&mut stack, name).await?;
    let customer = json!({"customer": {"id": 61, "email": KNOWN, "addresses": [], "name": "Kari"}});
    desk.order("gorgias", "customers-put", customer).await?;
    let mut known = json!({"account": name, "email": stores::AGENT, "api_key": "wrong", "v": 1});
    secret(&world, name, "gorgias", &known).await?;
    let site =
        |key: &str| json!({"v": 1, "site": name, "site_id": stores::site(name), "secret": key});
    secret(&world, name, "annexcloud", &site("wrong")).await?;
    // What the functions remember of the secrets is five minutes old by then.
    world.forward(Duration::from_mins(6))?;
    let joined = json!({
        "topic": "loyalty/opt_in", "email": "nora@example.com",
        "customer": {"email": "nora@example.com", "first_name": "Nora", "is_opt_in": true},
    });
    desk.tell("yotpo", &joined).await?;
    wait_until("both lines are closed", async || {
        world.forward(Duration::from_secs(20))?;
        let lines = desk.ask(json!({"command": "lines", "store": name})).await?;
        let parked = lines["lines"].as_array().into_iter().flatten();
        let parked = parked.filter(|line| line["parked"].as_u64().unwrap_or_default() > 0);
        Ok((parked.count() == 2).then_some(()))
    })
    .await?;
    known["api_key"] = stores::key(name, "gorgias").into();
    secret(&world, name, "gorgias", &known).await?;
    secret(
        &world,
        name,
        "annexcloud",
        &site(&stores::key(name, "annexcloud")),
    )
    .await?;
    wait_until(
        "nora is a member there, and nothing is parked",
        async || {
            world.forward(Duration::from_mins(6))?;
            world.upkeep().await?;
            let members = desk.show("annexcloud", "members-state").await?;
            let lines = desk.ask(json!({"command": "lines", "store": name})).await?;
            let mut all = lines["lines"].as_array().into_iter().flatten();
            let sent = all.all(|line| line["parked"] == 0);
            Ok((members["nora@example.com"].is_object() && sent).then_some(()))
        },
    )
    .await?;
    let erase = json!({
        "command": "erase", "store": name, "email": "nora@example.com", "by": "kari", "why": "asked to", "confirm": true,
    });
    assert_eq!(desk.ask(erase.clone()).await?["ok"], true);
    wait_until("both destinations have erased nora", async || {
        world.forward(Duration::from_secs(20))?;
        let told = desk.ask(erase.clone()).await?;
        Ok((told["waiting"] == json!([])).then_some(()))
    })
    .await
}

#[tokio::test]
async fn an_integration_that_gorgias_has_disabled_is_enabled_after_a_trial() -> Result<()> {
    let world = world_alone().await;
    let mut stack = world.stack.clone();
    let name = "desk-watch";
    let desk = desk(&mut stack, name).await?;
    let enabled = async || {
        let all = desk.show("gorgias", "integrations-state").await?;
        let (id, own) = all
            .as_object()
            .and_then(|all| all.iter().next())
            .expect("an integration");
        Ok::<_, bridge_tests::trouble::Trouble>((id.clone(), own["deactivated_datetime"].is_null()))
    };
    let (id, is_enabled) = enabled().await?;
    assert!(is_enabled);
    let id: u64 = id.parse().expect("a number");
    desk.order("gorgias", "deactivate", json!({"integration": id}))
        .await?;
    world.forward(Duration::from_hours(25))?;
    wait_until("it is enabled again", async || {
        world.upkeep().await?;
        Ok(enabled().await?.1.then_some(()))
    })
    .await?;
    let customer = json!({"customer": {"id": 71, "email": KNOWN, "addresses": [], "name": "Kari"}});
    desk.order("gorgias", "customers-put", customer).await?;
    world.forward(Duration::from_hours(25))?;
    let sync = json!({
        "command": "sync_gorgias", "store": name, "by": "kari", "why": "customers from before", "dry_run": false,
    });
    let synced = desk.ask(sync).await?;
    assert_eq!(synced["ok"], true, "{synced}");
    wait_until("the customer from before has the data", async || {
        world.forward(Duration::from_secs(20))?;
        let customers = desk.show("gorgias", "customers-state").await?;
        let data = &customers["71"]["data"];
        Ok((data["loyalty"]["points"]["available"] == 1230).then_some(()))
    })
    .await
}
