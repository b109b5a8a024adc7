//! `events/invoke/`: the whole Lambda events, on the deployed functions.

use std::path::PathBuf;

use bridge_tests::local::{paths, stores};
use bridge_tests::trouble::{Result, Saying};
use bridge_tests::world::wait_until;
use serde_json::json;

use crate::world;

fn files(folder: &str) -> Result<Vec<PathBuf>> {
    let folder = paths::root().join("events/invoke").join(folder);
    let entries = std::fs::read_dir(&folder).saying(format!("cannot read {}", folder.display()))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
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
    let name = format!(
        "{}/example-helpdesk/gorgias-lookup",
        world.stack.secret_prefix
    );
    let secret = json!({"v": 1, "current": "example-lookup-token"});
    world.cloud.put_secret(&name, &secret).await?;
    for file in files("lookup")? {
        let answer = world
            .cloud
            .invoke(function("lookup"), &stores::document(&file)?)
            .await?;
        assert_eq!(answer["statusCode"], 200, "{}: {answer}", file.display());
    }
    let simulate = paths::root().join("events/invoke/operator/simulate.json");
    let answer = world
        .cloud
        .invoke(function("operator"), &stores::document(&simulate)?)
        .await?;
    assert_eq!(answer["ok"], true, "{answer}");

    // What recorder puts on the queue may be under way at the same moment: then push-rule gives its example back.
    for name in ["recorder", "push-rule", "push-gorgias", "push-annexcloud"] {
        for file in files(name)? {
            let batch = stores::document(&file)?;
            wait_until(&format!("{name} takes {}", file.display()), async || {
                let answer = world.cloud.invoke(function(name), &batch).await?;
                Ok((answer["batchItemFailures"] == json!([])).then_some(()))
            })
            .await?;
        }
    }
    Ok(())
}
