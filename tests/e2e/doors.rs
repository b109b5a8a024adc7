//! Who is let in: the secret in every place where it may travel, and every way to be refused.

use std::time::Duration;

use bridge_tests::trouble::Result;
use bridge_tests::world::{Shop, wait_until};
use serde_json::{Value, json};

use crate::rows::{ARRIVED, has_rows, key, left, neighbour, only_the_neighbour, points, rows};
use crate::{world, world_alone};

#[tokio::test]
async fn the_secret_may_travel_in_every_documented_place() -> Result<()> {
    let world = world().await;
    let store = world.store("places").await?;
    let token = store.token();
    let kari = points("kari@example.com")?;
    let body = || kari.to_string();
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
        let mut event = kari.clone();
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
    has_rows(&store, "kari@example.com", &ARRIVED).await?;
    assert!(
        !json!(left(&store).await?).to_string().contains(&token),
        "a token in a body is not kept"
    );
    Ok(())
}

#[tokio::test]
async fn a_wrong_a_missing_and_an_empty_secret_are_refused() -> Result<()> {
    let world = world().await;
    let store = world.store("refused").await?;
    let body = points("kari@example.com")?.to_string();
    let other = world.store("nextdoor").await?;
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
    only_the_neighbour(&store, &[]).await?;
    only_the_neighbour(&other, &[]).await
}

#[tokio::test]
async fn of_a_refused_delivery_the_header_names_are_kept_and_no_value() -> Result<()> {
    let world = world().await;
    let store = world.store("names").await?;
    let request = store.request(points("kari@example.com")?.to_string());
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
    only_the_neighbour(&store, &[]).await
}

#[tokio::test]
async fn two_secrets_live_while_one_takes_over_from_the_other() -> Result<()> {
    let world = world_alone().await;
    let store = world.store("rotation").await?;
    let old = store.token();
    let secret = store.secret("yotpo-webhook");
    let rotate = async |value: Value| world.cloud.put_secret(&secret, &value).await;

    taken(&store, &old, "before@example.com").await?;
    // Values are remembered for five minutes; a new one is read before anything is refused.
    rotate(json!({"v": 1, "current": "fresh-token", "previous": old})).await?;
    taken(&store, "fresh-token", "current@example.com").await?;
    taken(&store, &old, "previous@example.com").await?;

    rotate(json!({"v": 1, "current": "fresh-token"})).await?;
    taken(&store, "fresh-token", "alone@example.com").await?;
    // Nothing was refused here, so nothing was read before its time.
    world.forward(Duration::from_mins(6))?;
    refused(&store, &old, "late@example.com").await?;
    refused(&store, "never-issued", "wrong@example.com").await?;
    taken(&store, "fresh-token", "after@example.com").await?;

    // Wrong callers make it read again at most every ten seconds.
    rotate(json!({"v": 1, "current": old})).await?;
    world.forward(Duration::from_secs(10))?;
    neighbour(&store).await?;
    for email in ["late@example.com", "wrong@example.com"] {
        assert_eq!(rows(&store, email).await?, [""; 0], "{email}");
        assert_eq!(store.writes_to(email).await?, Vec::<Value>::new());
    }
    Ok(())
}

async fn status(store: &Shop<'_>, secret: &str, email: &str) -> Result<u16> {
    let request = store.request(points(email)?.to_string());
    Ok(request.header("x-api-secret", secret).send().await?.status)
}

/// A delivery with this secret is answered with 200 and arrives.
async fn taken(store: &Shop<'_>, secret: &str, email: &str) -> Result<()> {
    assert_eq!(status(store, secret, email).await?, 200, "{email}");
    has_rows(store, email, &ARRIVED).await?;
    assert_eq!(key(store, email, "points_available").await?, 1049);
    Ok(())
}

/// A delivery with this secret is answered with 401.
async fn refused(store: &Shop<'_>, secret: &str, email: &str) -> Result<()> {
    assert_eq!(status(store, secret, email).await?, 401, "{email}");
    Ok(())
}

#[tokio::test]
async fn unknown_stores_and_names_that_are_none_are_refused() -> Result<()> {
    let world = world().await;
    let store = world.store("known").await?;
    let body = points("kari@example.com")?.to_string();
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
    for name in names {
        assert_eq!(
            world.items(name).await?,
            Vec::<Value>::new(),
            "a made-up store leaves no row"
        );
    }
    let unknown_source = send_to(&format!("/webhooks/nobody/{}", store.id)).await?;
    assert_eq!(unknown_source, 401);
    only_the_neighbour(&store, &[]).await
}

#[tokio::test]
async fn a_store_id_with_slashes_leads_nowhere() -> Result<()> {
    let world = world().await;
    let store = world.store("slashes").await?;
    let (id, token) = (&store.id, store.token());
    let odd = format!("{id}-odd");
    let before = world.items(id).await?;
    // The gateway undoes %2F before it looks for a route: what follows becomes a token, or a path of nobody.
    let paths = [
        (format!("{odd}%2F{id}"), 401),
        (format!("{odd}/{id}"), 401),
        (format!("{odd}%2F{token}"), 401),
        (format!("{odd}%2F..%2F{id}"), 404),
        (format!("{odd}/b/c/{id}"), 404),
        (format!("..%2F{id}"), 401),
        (format!("{id}%2Fwrong"), 401),
    ];
    for (path, status) in paths {
        let request = world.post(&format!("/webhooks/yotpo/{path}"));
        let request = request.body(points("kari@example.com")?.to_string());
        assert_eq!(request.send().await?.status, status, "{path}");
    }
    for name in [odd.as_str(), "..", &format!("{odd}/{id}")] {
        assert_eq!(world.items(name).await?, Vec::<Value>::new(), "{name}");
    }
    let settings = |items: Vec<Value>| items.into_iter().find(|item| item["pk"] == "STORES");
    assert_eq!(settings(world.items(id).await?), settings(before));
    only_the_neighbour(&store, &[]).await
}
