//! `events/invoke/`: whole Lambda events, made from the bodies in `events/yotpo/` and the documents in `events/stores/`.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bridge_tests::local::{paths, stores};
use bridge_tests::trouble::{Result, Saying};
use serde_json::{Value, json};

use crate::world;

fn files(folder: &str) -> Result<Vec<PathBuf>> {
    let folder = paths::root().join("events/invoke").join(folder);
    let entries = std::fs::read_dir(&folder).saying(format!("cannot read {}", folder.display()))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

/// The first part of the name says which body it was made from.
fn origin(file: &Path) -> PathBuf {
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    paths::root()
        .join("events/yotpo")
        .join(format!("{stem}.json"))
}

#[test]
fn webhook_examples_carry_the_bodies_they_were_made_from() -> Result<()> {
    for file in files("webhook")? {
        let event = stores::document(&file)?;
        let text = event["body"].as_str().expect("a body");
        let body = if event["isBase64Encoded"] == true {
            STANDARD.decode(text).saying("no base64")?
        } else {
            text.as_bytes().to_vec()
        };
        let origin =
            std::fs::read(origin(&file)).saying(format!("{} has no origin", file.display()))?;
        assert!(
            body == origin,
            "{} differs from the body it was made from",
            file.display()
        );
        assert_eq!(
            event["headers"]["content-length"],
            body.len().to_string(),
            "{}",
            file.display()
        );
    }
    Ok(())
}

#[test]
fn operator_examples_carry_the_example_store() -> Result<()> {
    let store = stores::document(&stores::example())?;
    for file in files("operator")? {
        let event = stores::document(&file)?;
        match event["command"].as_str() {
            Some("put_store") => assert_eq!(event["store"], store, "{}", file.display()),
            _ => assert_eq!(event["store"], store["store"], "{}", file.display()),
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_examples_work_on_the_deployed_functions() -> Result<()> {
    let world = world().await;
    let function = |name: &str| world.stack.functions.get(name).expect("a function");
    let put_store = stores::document(&paths::root().join("events/invoke/operator/put_store.json"))?;
    let answer = world.cloud.invoke(function("operator"), &put_store).await?;
    assert_eq!(answer["ok"], true, "{answer}");
    stores::load(&mut world.stack.clone(), &world.cloud, &put_store["store"]).await?;
    let name = format!(
        "{}/example-outdoor/yotpo-webhook",
        world.stack.secret_prefix
    );
    world
        .cloud
        .put_secret(&name, &json!({"v": 1, "current": "example-webhook-token"}))
        .await?;
    for file in files("webhook")? {
        let answer = world
            .cloud
            .invoke(function("webhook"), &stores::document(&file)?)
            .await?;
        assert_eq!(answer["statusCode"], 200, "{}: {answer}", file.display());
    }
    let simulate = paths::root().join("events/invoke/operator/simulate.json");
    let answer: Value = world
        .cloud
        .invoke(function("operator"), &stores::document(&simulate)?)
        .await?;
    assert_eq!(answer["ok"], true, "{answer}");
    Ok(())
}
