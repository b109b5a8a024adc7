//! People over time, on the deployed functions and under their own roles: addresses that change, people who are erased.

use std::time::Duration;

use bridge_tests::trouble::{Result, Saying, Trouble};
use bridge_tests::world::{Shop, wait_until};
use serde_json::{Value, json};

use crate::rows::{has_rows, key, left_sorts, neighbour, points, row};
use crate::{world, world_alone};

const OLD: &str = "kari@example.com";
const NEW: &str = "kari.nordmann@example.com";

/// A command about one store, done by somebody who says why.
async fn done(store: &Shop<'_>, mut command: Value) -> Result<Value> {
    command["store"] = store.id.clone().into();
    command["by"] = "ola".into();
    command["why"] = "she asked".into();
    let answer = store.world.operator(&command).await?;
    if answer["ok"] == true {
        Ok(answer)
    } else {
        Err(Trouble::new(format!("refused: {answer}")))
    }
}

/// Points of one person, known to the shop by an id that stays.
fn kari(email: &str, balance: i64, minute: i64) -> Result<Value> {
    let mut event = points(email)?;
    for id in ["third_party_id", "thirty_party_id"] {
        event["customer"][id] = "kari-1".into();
    }
    event["customer"]["points_balance"] = balance.into();
    event["customer"]["last_seen_at"] = format!("2026-03-07T11:{minute:02}:00.000Z").into();
    event["perk"]["id"] = (90_000 + balance).into();
    Ok(event)
}

/// The balance that Rule has of an address.
async fn told(store: &Shop<'_>, email: &str) -> Result<Value> {
    Ok(store.people().await?[email]["fields"]["Yotpo.PointsBalance"]["value"].clone())
}

#[tokio::test]
async fn a_changed_address_is_changed_at_rule_and_keeps_what_it_had() -> Result<()> {
    let world = world().await;
    let store = world.store("renamed").await?;
    store.take(&kari(OLD, 100, 1)?).await?;
    wait_until("the old address is at Rule", async || {
        Ok((told(&store, OLD).await? == "100").then_some(()))
    })
    .await?;
    let person = store.people().await?[OLD]["id"].clone();
    store.take(&kari(NEW, 200, 2)?).await?;
    wait_until("the new address is at Rule", async || {
        Ok((told(&store, NEW).await? == "200").then_some(()))
    })
    .await?;
    store.settled().await?;
    let people = store.people().await?;
    assert_eq!(people[NEW]["id"], person, "it is the same subscriber");
    assert_eq!(people[OLD], Value::Null);
    assert_eq!(row(&store, OLD, "STATE").await?["moved_to"], NEW);
    assert_eq!(key(&store, NEW, "points_available").await?, 200);
    assert_eq!(store.faults().await?, Vec::<Value>::new());
    neighbour(&store).await
}

#[tokio::test]
async fn who_is_erased_is_exported_before_and_stays_away_after() -> Result<()> {
    let world = world_alone().await;
    let store = world.store("erased").await?;
    store.take(&kari(OLD, 100, 1)?).await?;
    wait_until("the person is at Rule", async || {
        Ok((told(&store, OLD).await? == "100").then_some(()))
    })
    .await?;
    store.settled().await?;

    let export = done(&store, json!({"command": "export", "email": OLD})).await?;
    let text = export.to_string();
    for held in [
        "STATE",
        "EVENT#",
        "DELIVERY#",
        "SYNC#rule",
        "points_balance",
        OLD,
    ] {
        assert!(text.contains(held), "the export lacks {held}");
    }

    let erase = json!({"command": "erase", "email": OLD, "confirm": true});
    done(&store, erase.clone()).await?;
    wait_until("Rule's fields are empty", async || {
        Ok((told(&store, OLD).await? == "").then_some(()))
    })
    .await?;
    // What Yotpo still sends of her is turned away.
    store.take(&kari(OLD, 300, 3)?).await?;
    store.settled().await?;
    let finished = wait_until("the erasure is finished", async || {
        world.forward(Duration::from_mins(5))?;
        world.upkeep().await?;
        let progress = done(&store, erase.clone()).await?;
        Ok(progress["finished"].as_bool().filter(|finished| *finished))
    });
    finished.await?;
    assert_eq!(told(&store, OLD).await?, "");
    let left = left_sorts(&store).await?;
    assert!(
        left.iter()
            .all(|sort| ["AUDIT", "ERASED"].contains(&sort.as_str())),
        "{left:?}"
    );
    let rows = serde_json::to_string(&store.items().await?).unwrap_or_default();
    assert!(
        !rows.contains(OLD) && !rows.contains("kari-1"),
        "no row names her"
    );
    assert_eq!(store.faults().await?, Vec::<Value>::new());
    neighbour(&store).await
}

/// Waits until an erasure is finished: by itself, or by the command given again.
async fn erased(store: &Shop<'_>, email: &str, by_command: bool) -> Result<()> {
    let erase = json!({"command": "erase", "email": email, "confirm": true});
    wait_until(&format!("{email} is erased"), async || {
        store.world.forward(Duration::from_mins(5))?;
        if by_command {
            let progress = done(store, erase.clone()).await?;
            return Ok((progress["finished"] == true).then_some(()));
        }
        store.world.upkeep().await?;
        Ok(store.member(email).await?.is_empty().then_some(()))
    })
    .await
}

#[tokio::test]
async fn what_was_under_way_when_somebody_was_erased_goes_too() -> Result<()> {
    let world = world_alone().await;
    let store = world.store("underway").await?;
    world.feed("push-rule", false).await?;
    for email in [OLD, NEW] {
        store.take(&points(email)?).await?;
        has_rows(&store, email, &["EVENT", "STATE"]).await?;
        let erase = json!({"command": "erase", "email": email, "confirm": true});
        assert_eq!(done(&store, erase).await?["waiting"], json!(["rule"]));
    }
    world.feed("push-rule", true).await?;
    world.quiet().await?;
    erased(&store, OLD, true).await?;
    erased(&store, NEW, false).await?;
    assert_eq!(store.member(OLD).await?, Vec::<Value>::new());
    assert_eq!(store.writes_to(OLD).await?, Vec::<Value>::new());
    neighbour(&store).await
}

#[tokio::test]
async fn who_joins_anew_before_rule_heard_of_the_erasure_begins_anew() -> Result<()> {
    let world = world_alone().await;
    let store = world.store("anew").await?;
    store.take(&kari(OLD, 100, 1)?).await?;
    store.take(&kari(NEW, 200, 2)?).await?;
    wait_until("the new address is at Rule", async || {
        Ok((told(&store, NEW).await? == "200").then_some(()))
    })
    .await?;
    store.settled().await?;
    world.feed("push-rule", false).await?;
    let erase = json!({"command": "erase", "email": OLD, "confirm": true});
    done(&store, erase.clone()).await?;
    let join = json!({"topic": "loyalty/opt_in", "email": NEW, "customer": {"email": NEW,
        "first_name": "Kari", "is_opt_in": true, "loyalty_opt_in_date": "2026-03-08"}});
    store.take(&join).await?;
    let joined = async || Ok((key(&store, NEW, "opt_in").await? == true).then_some(()));
    wait_until("she is a member again", joined).await?;
    // The erasure goes on, by command and by itself: it tells Rule again, and leaves what is new.
    done(&store, erase).await?;
    world.forward(Duration::from_mins(16))?;
    world.upkeep().await?;
    joined().await?.saying("she stays a member")?;
    world.feed("push-rule", true).await?;
    wait_until("Rule has forgotten and heard anew", async || {
        world.forward(Duration::from_mins(5))?;
        world.upkeep().await?;
        let people = store.people().await?;
        let fields = &people[NEW]["fields"];
        let forgot = fields["Yotpo.PointsBalance"]["value"] == "";
        let heard = fields["Yotpo.OptIn"]["value"] == "true";
        Ok((forgot && heard).then_some(()))
    })
    .await?;
    assert_eq!(key(&store, NEW, "points_available").await?, Value::Null);
    neighbour(&store).await
}
