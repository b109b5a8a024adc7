//! The operator's commands as the README writes them, on the deployed function.

use bridge_tests::local::stores;
use bridge_tests::readme::{self, HELPDESK};
use bridge_tests::trouble::Result;
use bridge_tests::world::wait_until;

use serde_json::json;

use crate::rows::{points, row};
use crate::world_alone;

/// Alone: `redrive` is not a store's own, and would move what other tests have put aside.
#[tokio::test]
async fn what_the_readme_tells_people_to_send_is_done() -> Result<()> {
    let world = world_alone().await;
    // One that Annex Cloud is told of, and one whose customers are Gorgias'.
    let mut document = stores::document(&stores::example())?;
    document["sources"]["annexcloud"] = json!({});
    document["destinations"]["annexcloud"] = json!({});
    let store = world
        .store_with("readme", |own| own.clone_from(&document))
        .await?;
    document["store"] = store.id.clone().into();
    let mut helpdesk = stores::document(&stores::example())?;
    helpdesk["store"] = HELPDESK.into();
    helpdesk["destinations"] = json!({"gorgias": {"push": true}});
    stores::load(&mut world.stack.clone(), &world.cloud, &helpdesk).await?;
    // Some commands are about somebody who must be known.
    store.take(&points("kari@example.com")?).await?;
    wait_until("kari is known", async || {
        let state = row(&store, "kari@example.com", "STATE").await?;
        Ok((!state.is_null()).then_some(()))
    })
    .await?;
    for payload in readme::payloads(&document)? {
        let answer = world.operator(&payload).await?;
        assert_eq!(answer["ok"], true, "{payload}: {answer}");
    }
    Ok(())
}
