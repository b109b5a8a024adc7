//! Who is let in: the secret in every place where it may travel, and every way to be refused.

use bridge_tests::trouble::Result;
use bridge_tests::world::{Shop, World, event, wait_until};
use serde_json::{Value, json};

use crate::{world, world_alone};

fn points(email: &str) -> Value {
    let mut event = event("points_earned.json").expect("an event");
    event["email"] = email.into();
    event["customer"]["email"] = email.into();
    event
}

#[tokio::test]
async fn the_secret_may_travel_in_every_documented_place() -> Result<()> {
    let world = world().await;
    let store = world.store("places").await?;
    let token = store.token();
    let body = || points("kari@example.com").to_string();
    let headers = [
        ("authorization", token.clone()),
        ("authorization", format!("Bearer {token}")),
        ("authorization", format!("Token {token}")),
        ("authorization", format!("Basic {token}")),
        ("x-api-secret", token.clone()),
        ("x-api-key", token.clone()),
        ("x-yotpo-signature", token.clone()),
    ];
    for (name, value) in headers {
        let answered = store.request(body()).header(name, &value).send().await?;
        assert_eq!(answered.status, 200, "{name}");
    }
    for parameter in ["token", "shared_secret"] {
        let path = format!("/webhooks/yotpo/{}?{parameter}={token}", store.id);
        assert_eq!(
            world.post(&path).body(body()).send().await?.status,
            200,
            "query {parameter}"
        );
    }
    for key in ["secret", "shared_secret", "authentication"] {
        let mut event = points("kari@example.com");
        event[key] = token.clone().into();
        assert_eq!(
            store.request(event.to_string()).send().await?.status,
            200,
            "body {key}"
        );
    }
    let path = format!("/webhooks/yotpo/{}/{token}", store.id);
    assert_eq!(
        world.post(&path).body(body()).send().await?.status,
        200,
        "path"
    );
    Ok(())
}

#[tokio::test]
async fn a_wrong_a_missing_and_an_empty_secret_are_refused() -> Result<()> {
    let world = world().await;
    let store = world.store("refused").await?;
    let body = points("kari@example.com").to_string();
    let other = world.store("neighbour").await?;
    let presented = [
        None,
        Some(String::new()),
        Some("Bearer ".into()),
        Some("Bearer wrong".into()),
        Some(format!("Bearer {}x", store.token())),
        Some(format!("Bearer {}", other.token())),
    ];
    for secret in presented {
        let mut request = store.request(body.clone());
        if let Some(secret) = &secret {
            request = request.header("authorization", secret);
        }
        assert_eq!(request.send().await?.status, 401, "{secret:?}");
    }
    let path = format!("/webhooks/yotpo/{}/wrong", store.id);
    assert_eq!(world.post(&path).body(body).send().await?.status, 401);
    store.settled().await?;
    assert_eq!(store.member("kari@example.com").await?, Vec::<Value>::new());
    assert_eq!(store.received().await?, Vec::<Value>::new());
    Ok(())
}

#[tokio::test]
async fn of_a_refused_delivery_the_header_names_are_kept_and_no_value() -> Result<()> {
    let world = world().await;
    let store = world.store("names").await?;
    let request = store.request(points("kari@example.com").to_string());
    let request = request.header("x-strange-header", "a value nobody may keep");
    assert_eq!(request.send().await?.status, 401);
    let row = wait_until("the refusal is kept", async || {
        let items = store.items().await?.into_iter();
        Ok(items
            .into_iter()
            .find(|item| item["sk"] == "RECEIVED#yotpo"))
    })
    .await?;
    let text = row.to_string();
    assert!(text.contains("x-strange-header"), "{text}");
    assert!(
        !text.contains("nobody may keep") && !text.contains("kari@example.com"),
        "{text}"
    );
    Ok(())
}

async fn rotate(world: &World, store: &Shop<'_>, secret: &Value) -> Result<()> {
    world
        .cloud
        .put_secret(&store.secret("yotpo-webhook"), secret)
        .await
}

#[tokio::test]
async fn two_secrets_live_while_one_takes_over_from_the_other() -> Result<()> {
    let world = world_alone().await;
    let store = world.store("rotation").await?;
    let old = store.token();
    let status = async |secret: &str| -> Result<u16> {
        let request = store.request(points("kari@example.com").to_string());
        Ok(request.header("x-api-secret", secret).send().await?.status)
    };
    assert_eq!(status(&old).await?, 200);
    assert_eq!(status("fresh-token").await?, 401);

    // Values are held for five minutes, and read once more before a delivery is refused.
    rotate(
        &world,
        &store,
        &json!({"v": 1, "current": "fresh-token", "previous": old}),
    )
    .await?;
    world.forward(std::time::Duration::from_mins(6))?;
    assert_eq!(status("fresh-token").await?, 200);
    assert_eq!(status(&old).await?, 200);

    rotate(&world, &store, &json!({"v": 1, "current": "fresh-token"})).await?;
    world.forward(std::time::Duration::from_mins(6))?;
    assert_eq!(status("fresh-token").await?, 200);
    assert_eq!(status(&old).await?, 401, "the old secret has ended");
    Ok(())
}

#[tokio::test]
async fn unknown_stores_and_names_that_are_none_are_refused() -> Result<()> {
    let world = world().await;
    let store = world.store("known").await?;
    let body = points("kari@example.com").to_string();
    let send_to = async |path: &str| -> Result<u16> {
        let request = world
            .post(path)
            .header("authorization", format!("Bearer {}", store.token()));
        Ok(request.body(body.clone()).send().await?.status)
    };
    let long = "a".repeat(41);
    let names = [
        "nobody",
        "Known",
        "known_0",
        "known.0",
        "%2e%2e",
        "hash-key",
        "known%20",
        long.as_str(),
    ];
    for name in names {
        assert_eq!(
            send_to(&format!("/webhooks/yotpo/{name}")).await?,
            401,
            "{name}"
        );
    }
    // The gateway undoes %2F before it looks for a route: the rest becomes a token.
    assert_eq!(
        send_to(&format!("/webhooks/yotpo/a%2F{}", store.id)).await?,
        401
    );
    assert_eq!(
        send_to(&format!("/webhooks/yotpo/a/b/c/{}", store.id)).await?,
        404
    );
    let unknown_source = send_to(&format!("/webhooks/nobody/{}", store.id)).await?;
    assert!([401, 404].contains(&unknown_source), "{unknown_source}");
    Ok(())
}
