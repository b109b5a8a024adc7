//! Bodies that are none, or none that can be used. For each: the answer, the table, the neighbours.

use bridge_tests::trouble::Result;
use bridge_tests::world::{event, wait_until};
use serde_json::{Value, json};

use crate::{world, world_alone};

/// More than the queue takes even when packed: text that does not compress.
fn noise(length: usize) -> String {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(33 + u8::try_from(state % 90).unwrap_or_default())
    };
    (0..length).map(|_| next()).collect()
}

#[tokio::test]
async fn what_is_no_json_object_is_400_and_leaves_no_trace() -> Result<()> {
    let world = world().await;
    let store = world.store("nojson").await?;
    let bodies = [
        "",
        " ",
        "not json",
        "{\"topic\":",
        "[]",
        "[{}]",
        "\"text\"",
        "12",
        "null",
        "true",
        "{}{}",
        "\u{0}",
    ];
    for body in bodies {
        assert_eq!(store.send(body).await?.status, 400, "{body:?}");
    }
    store.settled().await?;
    assert_eq!(store.received().await?, Vec::<Value>::new());
    let items = store.items().await?;
    let others: Vec<_> = items
        .iter()
        .filter(|item| item["pk"] != "STORES" && item["sk"] != "RECEIVED#yotpo")
        .collect();
    assert!(others.is_empty(), "{others:?}");
    Ok(())
}

#[tokio::test]
async fn over_the_cap_is_413_and_judged_after_the_cut() -> Result<()> {
    let world = world().await;
    let store = world.store("cap").await?;
    let mut big = event("coupon_redeemed.json")?;
    big["padding"] = noise(1_200_000).into();
    assert_eq!(store.send(big.to_string()).await?.status, 413);

    let mut cut = event("coupon_redeemed.json")?;
    cut["customer"]["referral_code"] = json!({"completed_referral_customers": [{"email": "friend@example.com", "first_name": noise(1_200_000)}]});
    store.take(&cut).await?;
    store.wrote(1).await?;
    let rows = store.items().await?;
    assert!(
        !json!(rows).to_string().contains("friend@example.com"),
        "what must not be stored is cut"
    );
    Ok(())
}

#[tokio::test]
async fn a_body_in_base64_is_read() -> Result<()> {
    let world = world().await;
    let store = world.store("base64").await?;
    let body = event("coupon_redeemed.json")?.to_string();
    // The gateway hands on what it takes for binary in base64, with a flag.
    let request = world
        .post(&format!("/webhooks/yotpo/{}", store.id))
        .header("content-type", "application/octet-stream");
    let request = request.header("authorization", format!("Bearer {}", store.token()));
    assert_eq!(request.body(body).send().await?.status, 200);
    store.wrote(1).await?;
    Ok(())
}

#[tokio::test]
async fn characters_that_queues_refuse_come_through() -> Result<()> {
    let world = world().await;
    let store = world.store("chars").await?;
    let mut odd = event("coupon_redeemed.json")?;
    odd["customer"]["first_name"] = "Ka\u{0}ri \u{fffe}".into();
    store.take(&odd).await?;
    let writes = store.wrote(1).await?;
    let fields = writes[0]["subscribers"]["fields"]
        .as_array()
        .expect("fields");
    let name = fields
        .iter()
        .find(|field| field["key"] == "Subscriber.FirstName")
        .expect("a first name");
    let name = name["value"].as_str().expect("text");
    assert!(name.starts_with("Ka") && name.contains("ri"), "{name:?}");
    Ok(())
}

#[tokio::test]
async fn an_unknown_topic_is_kept_and_told_to_nobody() -> Result<()> {
    let world = world().await;
    let store = world.store("topic").await?;
    let mut strange = event("coupon_redeemed.json")?;
    strange["topic"] = "example/never/heard".into();
    store.take(&strange).await?;
    wait_until("the event is kept", async || {
        let items = store.items().await?;
        Ok(json!(items)
            .to_string()
            .contains("example/never/heard")
            .then_some(()))
    })
    .await?;
    store.settled().await?;
    assert_eq!(store.received().await?, Vec::<Value>::new());
    Ok(())
}

#[tokio::test]
async fn an_event_without_email_is_kept_and_told_to_nobody() -> Result<()> {
    let world = world().await;
    let store = world.store("noemail").await?;
    let mut nameless = event("points_earned.json")?;
    nameless.as_object_mut().expect("an object").remove("email");
    nameless["customer"] = json!({"points_balance": 10});
    store.take(&nameless).await?;
    wait_until("the event is kept", async || {
        let items = store.items().await?;
        let orphan = |item: &Value| {
            item["sk"]
                .as_str()
                .is_some_and(|sk| sk.starts_with("ORPHAN#"))
        };
        Ok(items.iter().any(orphan).then_some(()))
    })
    .await?;
    store.settled().await?;
    assert_eq!(store.received().await?, Vec::<Value>::new());
    Ok(())
}

#[tokio::test]
async fn null_everywhere_and_numbers_as_text_are_read() -> Result<()> {
    let world = world().await;
    let store = world.store("lenient").await?;
    store.take(&json!({"topic": "swell/points/earned", "name": null, "store_name": null, "website_url": null,
        "email": "null@example.com", "perk": null,
        "customer": {"email": null, "first_name": null, "points_balance": null, "last_seen_at": null, "third_party_id": null}}))
        .await?;
    store.take(&json!({"topic": "swell/points/earned", "email": "text@example.com",
        "customer": {"email": "text@example.com", "points_balance": "700", "total_spend_cents": "189900"},
        "perk": {"id": "5521", "reward_points": "20"}}))
        .await?;
    store.wrote(2).await?;
    let people = store.people().await?;
    assert_eq!(
        people["text@example.com"]["fields"]["Yotpo.PointsBalance"]["value"],
        "700"
    );
    assert!(
        people["null@example.com"]["fields"]
            .get("Yotpo.PointsBalance")
            .is_none()
    );
    assert_eq!(store.faults().await?, Vec::<Value>::new());
    Ok(())
}

#[tokio::test]
async fn one_bad_record_in_a_batch_of_ten_harms_no_neighbour() -> Result<()> {
    let world = world_alone().await;
    let store = world.store("batch").await?;
    let inbox = world.queue("inbox")?;
    world.quiet().await?;
    world.feed("recorder", false).await?;
    for number in 0..9 {
        if number == 4 {
            world
                .cloud
                .send_message(inbox, "this is no envelope")
                .await?;
        }
        let mut points = event("points_earned.json")?;
        let email = format!("member{number}@example.com");
        points["email"] = email.clone().into();
        points["customer"]["email"] = email.into();
        points["customer"]["third_party_id"] = format!("c-{number}").into();
        points["perk"]["id"] = (9000 + number).into();
        store.take(&points).await?;
    }
    let waiting = world.cloud.depth(inbox).await?;
    world.feed("recorder", true).await?;
    let arrived = store.wrote_at_least(9).await;
    let left = world.cloud.depth(inbox).await?;
    // Before anything is judged: what is left would stand in other tests' way.
    world
        .cloud
        .call("sqs", "AmazonSQS.PurgeQueue", &json!({"QueueUrl": inbox}))
        .await?;
    assert_eq!(waiting.visible, 10);
    assert_eq!(arrived?.len(), 9);
    assert_eq!(
        left.visible + left.hidden + left.delayed,
        1,
        "the bad one is not lost"
    );
    Ok(())
}

#[tokio::test]
async fn no_log_names_anybody() -> Result<()> {
    let world = world_alone().await;
    let store = world.store("logs").await?;
    let mut coupon = event("coupon_awarded.json")?;
    coupon["email"] = "silent.witness@example.com".into();
    coupon["customer"]["email"] = "silent.witness@example.com".into();
    coupon["customer"]["last_name"] = "Hemmeligsen".into();
    store.take(&coupon).await?;
    store.wrote(1).await?;
    store
        .request(coupon.to_string())
        .header("authorization", "Bearer wrong-but-private")
        .send()
        .await?;
    store.script(json!({"status": 400, "body": {"error": "BadRequest", "message": "x", "fields": {"email": ["silent.witness@example.com"]}}})).await?;
    coupon["redemption"]["id"] = 77_001.into();
    store.take(&coupon).await?;
    store.wrote(2).await?;
    let secrets = [
        store.token(),
        bridge_tests::local::stores::key(&store.id, "rule"),
        "wrong-but-private".to_owned(),
    ];
    let people = [
        "silent.witness",
        "Hemmeligsen",
        "@example.com",
        "TUR-50-QX7",
    ]
    .map(str::to_owned);
    for (name, deployed) in &world.stack.functions {
        let lines = world.cloud.log_lines(deployed).await?;
        assert!(!lines.is_empty(), "{name} logs");
        for needle in people.iter().chain(&secrets) {
            let found = lines.iter().find(|line| line.contains(needle.as_str()));
            assert_eq!(found, None, "{name} names {needle}");
        }
    }
    Ok(())
}
