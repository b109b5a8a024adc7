//! Bodies that are none, or none that can be used. For each: the answer, the table, the neighbours.

use bridge_tests::local::days;
use bridge_tests::trouble::Result;
use bridge_tests::world::{Shop, event, wait_until};
use serde_json::{Value, json};

use crate::rows::{
    ARRIVED, has_rows, key, left, left_sorts, neighbour, only_the_neighbour, points, row, rows,
};
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

/// Waits until something of the store is kept aside, and gives it.
async fn orphan(store: &Shop<'_>) -> Result<Value> {
    wait_until("the event is kept", async || {
        let items = left(store).await?.into_iter();
        let kept = |item: &Value| {
            item["sk"]
                .as_str()
                .is_some_and(|sk| sk.starts_with("ORPHAN#"))
        };
        Ok(items.into_iter().find(kept))
    })
    .await
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
    only_the_neighbour(&store, &[]).await
}

#[tokio::test]
async fn over_the_cap_is_413_and_judged_after_the_cut() -> Result<()> {
    let world = world().await;
    let store = world.store("cap").await?;
    let mut big = event("coupon_redeemed.json")?;
    big["padding"] = noise(1_200_000).into();
    assert_eq!(store.send(big.to_string()).await?.status, 413);
    only_the_neighbour(&store, &[]).await?;

    let mut cut = event("coupon_redeemed.json")?;
    cut["customer"]["referral_code"] = json!({"completed_referral_customers": [{"email": "friend@example.com", "first_name": noise(1_200_000)}]});
    store.take(&cut).await?;
    let email = cut["email"].as_str().unwrap_or_default();
    has_rows(&store, email, &ARRIVED).await?;
    assert_eq!(store.writes_to(email).await?.len(), 1);
    assert!(
        !json!(store.items().await?)
            .to_string()
            .contains("friend@example.com"),
        "what must not be stored is cut"
    );
    neighbour(&store).await
}

#[tokio::test]
async fn a_body_in_base64_is_read() -> Result<()> {
    let world = world().await;
    let store = world.store("base64").await?;
    // The gateway hands on what it takes for binary in base64, with a flag.
    let send = async |body: &str| -> Result<u16> {
        let request = world
            .post(&format!("/webhooks/yotpo/{}", store.id))
            .header("content-type", "application/octet-stream");
        let request = request.header("authorization", format!("Bearer {}", store.token()));
        Ok(request.body(body).send().await?.status)
    };
    assert_eq!(send("not json").await?, 400);
    only_the_neighbour(&store, &[]).await?;

    let mut good = points("kari@example.com")?;
    good["customer"]["first_name"] = "Kåre".into();
    assert_eq!(send(&good.to_string()).await?, 200);
    has_rows(&store, "kari@example.com", &ARRIVED).await?;
    assert_eq!(
        key(&store, "kari@example.com", "points_available").await?,
        1049
    );
    assert_eq!(key(&store, "kari@example.com", "first_name").await?, "Kåre");
    assert_eq!(store.writes_to("kari@example.com").await?.len(), 1);
    neighbour(&store).await
}

#[tokio::test]
async fn characters_that_queues_refuse_come_through() -> Result<()> {
    const ODD: &str = "Ka\u{0}ri \u{fffe}\u{ffff} Å\u{1f43b}";
    let world = world().await;
    let store = world.store("chars").await?;

    let mut own = points("kari@example.com")?;
    own["customer"]["first_name"] = ODD.into();
    own["perk"]["history_title"] = ODD.into();
    store.take(&own).await?;
    has_rows(&store, "kari@example.com", &ARRIVED).await?;
    assert_eq!(key(&store, "kari@example.com", "first_name").await?, ODD);

    let mut share = event("referral_share.json")?;
    let friend = share["email"].as_str().unwrap_or_default().to_owned();
    share["customer"]["first_name"] = ODD.into();
    share["customer"]["last_name"] = ODD.into();
    store.take(&share).await?;
    has_rows(&store, &friend, &ARRIVED).await?;

    store.settled().await?;
    let people = store.people().await?;
    let field = |email: &str, key: &str| people[email]["fields"][key]["value"].clone();
    assert_eq!(field("kari@example.com", "Subscriber.FirstName"), ODD);
    assert_eq!(field("kari@example.com", "Yotpo.PerkHistoryTitle"), ODD);
    assert_eq!(field(&friend, "Yotpo.ReferredByFirstName"), ODD);
    assert_eq!(field(&friend, "Yotpo.ReferredByLastName"), ODD);
    neighbour(&store).await
}

#[tokio::test]
async fn an_unknown_topic_is_kept_and_told_to_nobody() -> Result<()> {
    let world = world().await;
    let store = world.store("topic").await?;
    let mut strange = event("coupon_redeemed.json")?;
    strange["topic"] = "example/never/heard".into();
    store.take(&strange).await?;
    let kept = orphan(&store).await?;
    assert_eq!(kept["topic"], "example/never/heard");
    assert_eq!(kept["reason"], "unknown_topic");
    assert!(kept["body"].is_string(), "the body is there to be replayed");
    only_the_neighbour(&store, &["ORPHAN"]).await
}

#[tokio::test]
async fn an_event_without_email_is_kept_and_told_to_nobody() -> Result<()> {
    let world = world().await;
    let store = world.store("noemail").await?;
    let mut nameless = event("points_earned.json")?;
    nameless.as_object_mut().expect("an object").remove("email");
    nameless["customer"] = json!({"points_balance": 10});
    store.take(&nameless).await?;
    let kept = orphan(&store).await?;
    assert_eq!(kept["reason"], "no_person");
    assert!(kept["body"].is_string(), "the body is there to be replayed");
    only_the_neighbour(&store, &["ORPHAN"]).await
}

#[tokio::test]
async fn null_everywhere_is_read_and_says_nothing() -> Result<()> {
    let world = world().await;
    let store = world.store("nulls").await?;
    store.take(&points("null@example.com")?).await?;
    has_rows(&store, "null@example.com", &ARRIVED).await?;

    let mut nulls = points("null@example.com")?;
    for (name, value) in nulls.as_object_mut().expect("an object") {
        match value {
            Value::Object(inner) => inner.values_mut().for_each(|value| *value = Value::Null),
            value if name != "topic" && name != "email" => *value = Value::Null,
            _ => {}
        }
    }
    store.take(&nulls).await?;
    let both = ["DELIVERY", "DELIVERY", "EVENT", "EVENT", "STATE", "SYNC"];
    has_rows(&store, "null@example.com", &both).await?;
    assert_eq!(
        key(&store, "null@example.com", "points_available").await?,
        1049,
        "a balance that was known stays"
    );

    // The same from somebody who was never heard of.
    nulls["email"] = "blank@example.com".into();
    store.take(&nulls).await?;
    has_rows(&store, "blank@example.com", &ARRIVED).await?;
    assert_eq!(
        key(&store, "blank@example.com", "points_available").await?,
        Value::Null
    );
    store.settled().await?;
    let people = store.people().await?;
    let balance = |email: &str| people[email]["fields"]["Yotpo.PointsBalance"]["value"].clone();
    assert_eq!(balance("null@example.com"), "1049");
    assert_eq!(balance("blank@example.com"), Value::Null);

    // Nobody at all.
    store
        .take(&json!({"topic": null, "email": null, "customer": null, "perk": null}))
        .await?;
    assert_eq!(orphan(&store).await?["reason"], "no_topic");
    neighbour(&store).await
}

#[tokio::test]
async fn numbers_as_text_are_read() -> Result<()> {
    let world = world().await;
    let store = world.store("numbers").await?;
    let email = "text@example.com";
    store.take(&json!({"topic": "swell/points/earned", "email": email,
        "customer": {"email": email, "points_balance": "700", "total_spend_cents": "189900", "total_purchases": "4"},
        "perk": {"id": "5521", "reward_points": "20"}}))
        .await?;
    has_rows(&store, email, &ARRIVED).await?;
    assert_eq!(key(&store, email, "points_available").await?, 700);
    assert_eq!(key(&store, email, "purchases_count").await?, 4);
    store.settled().await?;
    let people = store.people().await?;
    let field = |key: &str| people[email]["fields"][key]["value"].clone();
    assert_eq!(field("Yotpo.PointsBalance"), "700");
    assert_eq!(field("Yotpo.TotalSpendCents"), "189900");
    assert_eq!(field("Yotpo.PerkRewardPoints"), "20");
    neighbour(&store).await
}

#[tokio::test]
async fn one_bad_record_in_a_batch_of_ten_harms_no_neighbour() -> Result<()> {
    let world = world_alone().await;
    let store = world.store("batch").await?;
    let inbox = world.queue("inbox")?;
    world.quiet().await?;
    world.feed("recorder", false).await?;
    let email = |number: usize| format!("member{number}@example.com");
    for number in 0..9 {
        if number == 4 {
            world
                .cloud
                .send_message(inbox, "this is no envelope")
                .await?;
        }
        store.take(&points(&email(number))?).await?;
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
    for number in 0..9 {
        has_rows(&store, &email(number), &ARRIVED).await?;
        assert_eq!(key(&store, &email(number), "points_available").await?, 1049);
        assert_eq!(store.writes_to(&email(number)).await?.len(), 1);
    }
    let sorts = left_sorts(&store).await?;
    assert!(!sorts.contains(&"ORPHAN".to_owned()), "{sorts:?}");
    neighbour(&store).await
}

#[tokio::test]
async fn one_person_in_two_stores_is_two_members() -> Result<()> {
    let world = world().await;
    let (one, two) = (world.store("first").await?, world.store("second").await?);
    let email = "kari@example.com";
    let mut richer = points(email)?;
    richer["customer"]["points_balance"] = 2000.into();
    one.take(&points(email)?).await?;
    has_rows(&one, email, &ARRIVED).await?;
    assert_eq!(rows(&two, email).await?, [""; 0]);
    two.take(&richer).await?;
    has_rows(&two, email, &ARRIVED).await?;
    assert_eq!(rows(&one, email).await?, ARRIVED);
    for (store, balance) in [(&one, 1049), (&two, 2000)] {
        assert_eq!(key(store, email, "points_available").await?, balance);
        store.settled().await?;
        assert_eq!(store.writes_to(email).await?.len(), 1);
        assert_eq!(
            store.people().await?[email]["fields"]["Yotpo.PointsBalance"]["value"],
            balance.to_string()
        );
        neighbour(store).await?;
    }
    let event = |row: Value| row["sk"].clone();
    assert_ne!(
        event(row(&one, email, "EVENT").await?),
        event(row(&two, email, "EVENT").await?),
        "an event's id is its store's own"
    );
    Ok(())
}

#[tokio::test]
async fn no_log_names_anybody() -> Result<()> {
    let world = world_alone().await;
    let rest = |document: &mut Value| document["sources"]["yotpo"]["rest"] = true.into();
    let store = world.store_with("logs", rest).await?;
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
        bridge_tests::local::stores::key(&store.id, "yotpo"),
        bridge_tests::local::stores::guid(&store.id),
        "wrong-but-private".to_owned(),
    ];
    let people = [
        "silent.witness",
        "Hemmeligsen",
        "@example.com",
        "TUR-50-QX7",
    ]
    .map(str::to_owned);
    let mut row = coupon["customer"].take();
    row["points_balance"] = 12_345.into();
    store.yotpo("customers", json!({"customer": row})).await?;
    world.upkeep().await?;
    for name in days::EMITTERS {
        let function = &world.stack.functions[name];
        world.cloud.invoke(function, &json!({})).await?;
    }
    wait_until("she was read", async || {
        Ok((!store.asked().await?.is_empty()).then_some(()))
    })
    .await?;
    store.settled().await?;
    for (name, deployed) in &world.stack.functions {
        let lines = world.cloud.log_lines(deployed).await?;
        // Nobody asked for a card, and the store has no other destination.
        let idle = ["lookup", "push-annexcloud", "push-gorgias"].contains(&name.as_str());
        assert!(idle || !lines.is_empty(), "{name} logs");
        for needle in people.iter().chain(&secrets) {
            let found = lines.iter().find(|line| line.contains(needle.as_str()));
            assert_eq!(found, None, "{name} names {needle}");
        }
    }
    Ok(())
}
