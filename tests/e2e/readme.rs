//! The operator's commands as the README writes them, on the deployed function.

use bridge_tests::local::stores;
use bridge_tests::readme;
use bridge_tests::trouble::Result;

use crate::world_alone;

/// Alone: `redrive` is not a store's own, and would move what other tests have put aside.
#[tokio::test]
async fn what_the_readme_tells_people_to_send_is_done() -> Result<()> {
    let world = world_alone().await;
    let store = world.store("readme").await?;
    let mut document = stores::document(&stores::example())?;
    document["store"] = store.id.clone().into();
    for payload in readme::payloads(&document)? {
        let answer = world.operator(&payload).await?;
        assert_eq!(answer["ok"], true, "{payload}: {answer}");
    }
    Ok(())
}
