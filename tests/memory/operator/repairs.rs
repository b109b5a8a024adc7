//! `repairs`: what a night came to, and whether the source is asked at all.

use serde_json::json;

use super::{done, faults, operator};
use crate::{
    reads::{Site, person},
    world::World,
};

#[tokio::test]
async fn a_night_is_told_with_what_it_came_to_and_nobody_is_named() {
    let site = Site::new().await;
    site.yotpo.knows(person("kari", 7, 19).row());
    let operator = operator(&site.world);
    let repairs = json!({"command": "repairs", "store": "example"});
    let before = done(&operator, repairs.clone()).await;
    assert_eq!(before["repairs"][0]["source"], "yotpo");
    assert!(before["repairs"][0]["run"].is_null());
    site.night().await;
    let after = done(&operator, repairs.clone()).await;
    let run = &after["repairs"][0]["run"];
    assert_eq!(
        (&run["day"], &run["stage"]),
        (&json!("2026-03-20"), &json!("finished"))
    );
    let members =
        json!({"seen": 1, "learned": 1, "drifted": 0, "healed": 0, "erased": 0, "failed": 0});
    assert_eq!(run["members"], members);
    assert_eq!(after["repairs"][0]["line"]["state"], "open");
    assert!(!after.to_string().contains("@example.com"), "{after}");

    site.world
        .clock
        .advance(jiff::SignedDuration::from_hours(24));
    site.key("example", "wrong");
    assert!(site.start("example").await);
    site.world.clock.advance(jiff::SignedDuration::from_mins(6));
    site.read().await;
    let stopped = done(&operator, repairs).await;
    assert_eq!(stopped["repairs"][0]["line"]["cause"], "unauthorized");
    assert_eq!(stopped["repairs"][0]["run"]["stage"], "reading");
}

#[tokio::test]
async fn a_store_without_credentials_has_no_repairs() {
    let world = World::new().await;
    let operator = operator(&world);
    let answer = done(&operator, json!({"command": "repairs", "store": "example"})).await;
    assert_eq!(answer["repairs"], json!([]));
    let wrong = json!({"command": "repairs", "store": "nobody"});
    assert_eq!(faults(&operator, wrong).await, ["store"]);
}

#[tokio::test]
async fn put_store_names_the_secret_that_calls_beside_the_one_that_receives() {
    let world = World::new().await;
    let operator = operator(&world);
    for (rest, wanted) in [
        (false, vec!["yotpo-webhook", "rule"]),
        (true, vec!["yotpo-webhook", "yotpo", "rule"]),
    ] {
        let store = json!({
            "v": 1, "store": "fresh", "name": "Fresh", "currency": "NOK", "locale": "nb-NO",
            "time_zone": "Europe/Oslo", "sources": {"yotpo": {"rest": rest}}, "destinations": {"rule": {}},
        });
        let answer = done(&operator, json!({"command": "put_store", "store": store})).await;
        let missing = answer["missing_secrets"].as_array().unwrap().iter();
        let missing = missing.inspect(|missing| {
            let (content, command) = (&missing["content"], missing["command"].as_str().unwrap());
            assert!(content["v"] == 1 && content.as_object().unwrap().len() > 1);
            assert!(
                !command.contains(['"', '\'']),
                "it can be pasted: {command}"
            );
        });
        let names = missing.map(|missing| {
            missing["name"]
                .as_str()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
        });
        assert_eq!(names.collect::<Vec<_>>(), wanted);
    }
}
