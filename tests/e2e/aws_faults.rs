//! What AWS does to us, and what becomes of the event. The test clock is moved; nobody waits for a queue.

use std::time::Duration;

use bridge_tests::local::proxy::End;
use bridge_tests::trouble::Result;
use bridge_tests::world::wait_until;
use serde_json::json;

use crate::faults::{sent, started};
use crate::rows::{neighbour, points, row};
use crate::world_alone;

const KARI: &str = "kari@example.com";

#[tokio::test]
async fn a_table_that_is_throttled_fails_or_breaks_off_loses_nothing_and_repeats_nothing()
-> Result<()> {
    let world = world_alone().await;
    for (name, end) in [
        ("throttled", End::Throttled),
        ("failed", End::Failed),
        ("broken", End::Broken),
    ] {
        let store = world.store(name).await?;
        // AWS's library tries three times by itself: one write of the recorder fails, and some of what comes before.
        for (call, times) in [("GetItem", 6), ("PutItem", 3), ("UpdateItem", 6)] {
            let target = format!("DynamoDB_20120810.{call}");
            world.fail(&target, end, times).await?;
        }
        store.take(&points(KARI)?).await?;
        wait_until("everything has failed that was to fail", async || {
            if world.left_to_fail().await? == 0 {
                return Ok(Some(()));
            }
            // What comes back comes after minutes.
            world.forward(Duration::from_mins(3))?;
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(None)
        })
        .await?;
        sent(&store, KARI).await?;
        store.settled().await?;
        assert_eq!(
            started(&store, KARI).await?,
            ["PointsEarned", "Yotpo"],
            "{name}: once"
        );
        // The picture may be written once more where its end could not be noted; that starts nothing.
        let writes = store.writes_to(KARI).await?;
        let loud = writes.iter().filter(|write| write["automation"] != false);
        assert_eq!(loud.count(), 1, "{name}");
        neighbour(&store).await?;
    }
    Ok(())
}

#[tokio::test]
async fn secrets_that_are_down_do_not_stop_what_is_known() -> Result<()> {
    let world = world_alone().await;
    let (store, new) = (world.store("secrets").await?, world.store("unknown").await?);
    // Both the door and push-rule know their secrets of this store now, and have forgotten nothing but their age.
    neighbour(&store).await?;
    world.forward(Duration::from_mins(10))?;
    world.fail("secretsmanager.", End::Failed, 10_000).await?;
    let reply = store.send(points(KARI)?.to_string()).await?;
    assert_eq!(reply.status, 200, "{reply:?}");
    sent(&store, KARI).await?;
    assert!(
        world.left_to_fail().await? < 10_000,
        "somebody did ask for a secret"
    );
    assert_eq!(started(&store, KARI).await?, ["PointsEarned", "Yotpo"]);

    // A store whose secret nobody knows yet waits at the door and is taken once secrets are back.
    let refused = new.send(points(KARI)?.to_string()).await?;
    assert_eq!(refused.status, 503, "so that the sender tries again");
    assert_eq!(row(&new, KARI, "STATE").await?, json!(null));
    world.mend().await?;
    neighbour(&new).await
}
