//! What waits for a person is listed, replayed and moved back by the deployed operator, under its own role.

use std::time::Duration;

use bridge_tests::local::{paths, stores};
use bridge_tests::trouble::{Result, Saying};
use bridge_tests::world::{Shop, event, wait_until};
use serde_json::{Value, json};

use crate::rows::{key, left_sorts, row};
use crate::{world, world_alone};

/// Gives a command that must be carried out.
async fn done(store: &Shop<'_>, mut command: Value) -> Result<Value> {
    if command["command"] != "redrive" {
        command["store"] = store.id.clone().into();
    }
    let answer = store.world.operator(&command).await?;
    assert_eq!(answer["ok"], true, "{command}: {answer}");
    Ok(answer)
}

async fn has_status(store: &Shop<'_>, email: &str, status: &str) -> Result<()> {
    wait_until(
        &format!("{email} of {} is {status}", store.id),
        async || {
            let delivery = row(store, email, "DELIVERY").await?;
            Ok((delivery["status"] == status).then_some(()))
        },
    )
    .await
}

#[tokio::test]
async fn what_rule_refused_is_listed_replayed_and_arrives() -> Result<()> {
    let world = world().await;
    let store = world.store("operator").await?;
    let refusal = json!({"match": {"method": "POST"}, "status": 400, "body": {"error": "BadRequest", "message": "…"}});
    store.script(refusal).await?;
    let coupon = event("coupon_redeemed.json")?;
    let email = coupon["email"].as_str().expect("an email");
    store.take(&coupon).await?;
    has_status(&store, email, "rejected").await?;
    assert_eq!(store.automations().await?, Vec::<Value>::new());

    let list = json!({"command": "rejected", "destination": "rule"});
    let listed = done(&store, list.clone()).await?;
    let item = &listed["items"][0];
    assert_eq!(
        (&listed["count"], &item["reason"]),
        (&json!(1), &json!("refused"))
    );
    assert_eq!(item["kind"], "coupon_redeemed");
    assert!(!listed.to_string().contains('@'), "{listed}");

    let replay = json!({"command": "replay", "destination": "rule", "delivery": item["delivery"], "by": "ola"});
    let replayed = done(&store, replay.clone()).await?;
    assert_eq!(replayed["items"][0]["outcome"], "replayed");
    has_status(&store, email, "sent").await?;
    let again = done(&store, replay).await?;
    assert_eq!(again["items"][0]["outcome"], "not_listed");
    store.settled().await?;
    let started = store.automations().await?;
    let tags: Vec<&Value> = started.iter().map(|start| &start["tag"]).collect();
    assert_eq!(tags, ["CouponRedeemed", "Yotpo"]);
    assert_eq!(done(&store, list).await?["count"], 0);

    let person = done(&store, json!({"command": "member", "email": email})).await?;
    assert_eq!(person["events"][0]["deliveries"][0]["status"], "sent");
    assert!(!person.to_string().contains('@'), "{person}");
    let read = json!({"command": "replay", "event": item["event"], "email": email, "by": "ola"});
    done(&store, read).await?;
    store.settled().await?;
    assert_eq!(store.automations().await?.len(), 2, "nothing starts again");

    let function = &world.stack.functions["operator"];
    let lines = world.cloud.log_lines(function).await?;
    assert!(
        lines.iter().all(|line| !line.contains(email)),
        "no address is logged"
    );
    Ok(())
}

#[tokio::test]
async fn what_was_kept_comes_back_once_its_topic_has_a_name() -> Result<()> {
    let world = world_alone().await;
    let store = world.store("kept").await?;
    let mut points = event("points_earned.json")?;
    points["topic"] = "swell/points/new-style".into();
    let email = points["email"].as_str().expect("an email").to_owned();
    store.take(&points).await?;
    wait_until("the delivery is kept", async || {
        Ok(left_sorts(&store)
            .await?
            .contains(&"ORPHAN".to_owned())
            .then_some(()))
    })
    .await?;
    let mut document = stores::document(&stores::example())?;
    document["store"] = store.id.clone().into();
    document["sources"]["yotpo"]["topics"] = json!({"swell/points/new-style": "points_earned"});
    stores::put(world.stack, &world.cloud, &document).await?;

    // A recorder that is running remembers the old settings for a minute.
    world.forward(Duration::from_mins(2))?;
    let replay = json!({"command": "replay", "kept": true, "by": "ola"});
    wait_until("the event is recorded", async || {
        done(&store, replay.clone()).await?;
        let points = key(&store, &email, "points_available").await?;
        let kept = left_sorts(&store).await?.contains(&"ORPHAN".to_owned());
        Ok((points == 1049 && !kept).then_some(()))
    })
    .await?;
    has_status(&store, &email, "sent").await?;
    store.settled().await?;
    let started = store.automations().await?;
    let tags: Vec<&Value> = started.iter().map(|start| &start["tag"]).collect();
    assert_eq!(tags, ["PointsEarned", "Yotpo"], "once");
    Ok(())
}

#[tokio::test]
async fn a_pause_holds_and_a_resume_lets_go() -> Result<()> {
    let world = world().await;
    let store = world.store("pause").await?;
    let pause = json!({"command": "pause", "destination": "rule", "by": "ola", "why": "a test"});
    let paused = done(&store, pause).await?;
    assert_eq!(paused["line"]["paused"]["by"], "ola");
    let coupon = event("coupon_redeemed.json")?;
    store.take(&coupon).await?;
    let parked = json!({"command": "parked", "destination": "rule"});
    wait_until("the coupon is parked", async || {
        Ok((done(&store, parked.clone()).await?["count"] == 1).then_some(()))
    })
    .await?;
    assert_eq!(store.writes().await?, Vec::<Value>::new());
    let resume = json!({"command": "resume", "destination": "rule", "by": "ola", "why": "a test", "then": "send"});
    let resumed = done(&store, resume).await?;
    assert_eq!(
        (&resumed["was_paused"], &resumed["parked"]),
        (&json!(true), &json!(1))
    );
    let lines = done(&store, json!({"command": "lines"})).await?;
    assert!(lines["lines"][0]["line"]["paused"].is_null(), "{lines}");
    Ok(())
}

#[tokio::test]
async fn dead_letters_are_moved_back_and_arrive() -> Result<()> {
    let world = world_alone().await;
    let store = world.store("redrive").await?;
    let file = paths::root().join("events/invoke/recorder/two_events.json");
    let batch = stores::document(&file)?;
    let bodies = batch["Records"].as_array().saying("a batch of records")?;
    let dead = world.queue("inbox-dead")?;
    for body in bodies.iter().filter_map(|record| record["body"].as_str()) {
        let body = body.replace("example-outdoor", &store.id);
        world.cloud.send_message(dead, &body).await?;
    }
    let redrive = json!({"command": "redrive", "queue": "inbox", "by": "ola"});
    let moved = done(&store, redrive).await?;
    assert_eq!(
        (&moved["moved"], &moved["more"]),
        (&json!(bodies.len()), &json!(false))
    );
    store.wrote_at_least(bodies.len()).await?;
    assert!(world.cloud.depth(dead).await?.is_empty(), "deleted there");

    let file = paths::root().join("events/invoke/push-rule/two_events.json");
    let news = stores::document(&file)?;
    let dead = world.queue("rule-dead")?;
    let body = news["Records"][0]["body"].as_str().saying("a message")?;
    let body = body.replace("example-outdoor", &store.id);
    world.cloud.send_message(dead, &body).await?;
    let rule = json!({"command": "redrive", "queue": "rule", "by": "ola"});
    assert_eq!(done(&store, rule.clone()).await?["moved"], 1);
    assert_eq!(done(&store, rule).await?["moved"], 0);
    assert!(world.cloud.depth(dead).await?.is_empty(), "deleted there");
    store.wrote_at_least(bodies.len() + 1).await?;

    // A store that does not use the others has no news for them: what is moved back is done with.
    for destination in ["annexcloud", "gorgias"] {
        let dead = world.queue(&format!("{destination}-dead"))?;
        world.cloud.send_message(dead, &body).await?;
        let redrive = json!({"command": "redrive", "queue": destination, "by": "ola"});
        assert_eq!(done(&store, redrive).await?["moved"], 1, "{destination}");
        assert!(world.cloud.depth(dead).await?.is_empty(), "deleted there");
    }

    let rest = |document: &mut Value| document["sources"]["yotpo"]["rest"] = true.into();
    let store = world.store_with("redrive-reads", rest).await?;
    let file = paths::root().join("events/invoke/reader/two_reads.json");
    let reads = stores::document(&file)?;
    let dead = world.queue("reads-dead")?;
    let body = reads["Records"][0]["body"].as_str().saying("a message")?;
    let body = body.replace("example-outdoor", &store.id);
    world.cloud.send_message(dead, &body).await?;
    let redrive = json!({"command": "redrive", "queue": "reads", "by": "ola"});
    assert_eq!(done(&store, redrive).await?["moved"], 1);
    assert!(world.cloud.depth(dead).await?.is_empty(), "deleted there");
    world.quiet().await
}

#[tokio::test]
async fn a_store_is_checked_made_ready_and_checked_again() -> Result<()> {
    let world = world().await;
    let store = world.store("checked").await?;
    let refused = store.request("{}").header("x-odd-header", "of example");
    assert_eq!(refused.send().await?.status, 401);
    let before = done(&store, json!({"command": "check"})).await?;
    assert_eq!(before["ready"], true, "{before}");
    let source = &before["sources"][0];
    assert!(source["last_accepted"].is_null());
    let headers = source["refused_headers"]
        .as_array()
        .saying("header names")?;
    assert!(headers.contains(&json!("x-odd-header")), "{before}");
    assert_eq!(source["findings"][0]["level"], "warning");

    let provision =
        json!({"command": "provision", "destination": "rule", "by": "ola", "why": "a new store"});
    done(&store, provision.clone()).await?;
    let writes = store.writes().await?.len();
    done(&store, provision).await?;
    assert_eq!(store.writes().await?.len(), writes, "twice is once");
    assert_eq!(store.automations().await?, Vec::<Value>::new());
    let coupon = event("coupon_redeemed.json")?;
    store.take(&coupon).await?;
    store.settled().await?;
    assert_eq!(store.automations().await?.len(), 2, "made tags still start");

    let after = done(&store, json!({"command": "check"})).await?;
    let own = &after["destinations"][0];
    let findings = own["findings"].as_array().saying("findings")?;
    assert!(findings.iter().all(|one| one["level"] == "good"), "{own}");
    assert!(after["sources"][0]["last_accepted"].is_string(), "{after}");
    assert_eq!(store.faults().await?, Vec::<Value>::new());
    Ok(())
}

#[tokio::test]
async fn a_wrong_key_and_a_missing_one_are_named_with_what_to_do() -> Result<()> {
    let world = world_alone().await;
    let store = world.store("keyless").await?;
    let name = store.secret("rule");
    let wrong = json!({"v": 1, "api_key": "a-key-of-nobody"});
    world.cloud.put_secret(&name, &wrong).await?;
    let checked = done(&store, json!({"command": "check"})).await?;
    assert_eq!(checked["ready"], false);
    let finding = &checked["destinations"][0]["findings"][0];
    assert_eq!(
        (&finding["level"], &finding["about"]),
        (&json!("fault"), &json!("key"))
    );
    assert!(!checked.to_string().contains("a-key-of-nobody"));
    let inbound = store.secret("yotpo-webhook");
    world.cloud.put_secret(&inbound, &json!("a-token")).await?;
    let checked = done(&store, json!({"command": "check"})).await?;
    let finding = &checked["sources"][0]["findings"][0];
    let message = finding["message"].as_str().saying("a message")?;
    assert!(message.contains("another form"), "{checked}");
    // As the console does it: AWS keeps them for some days.
    for name in [&name, &inbound] {
        let delete = json!({"SecretId": name});
        let cloud = &world.cloud;
        let delete = cloud.call("secretsmanager", "secretsmanager.DeleteSecret", &delete);
        delete.await?;
    }
    let checked = done(&store, json!({"command": "check"})).await?;
    for (place, name) in [("destinations", &name), ("sources", &inbound)] {
        let finding = &checked[place][0]["findings"][0];
        assert_eq!(finding["about"], "secret");
        let message = finding["message"].as_str().saying("a message")?;
        for wanted in ["create-secret --name", "restore-secret --secret-id"] {
            assert!(message.contains(&format!("{wanted} {name}")), "{message}");
        }
    }
    Ok(())
}
