//! `check` of a store that Annex Cloud feeds and that is told to it.

use serde_json::{Value, json};
use vendors::Method;

use super::Site;
use crate::{
    operator::{done, operator},
    world::Does,
};

const HINT: &str = "bridge/example/annexcloud-webhook";

/// A store that is ready.
async fn site() -> Site {
    let site = Site::new().await;
    for name in ["bridge/example/yotpo-webhook", HINT] {
        let token = r#"{"v":1,"current":"example-token"}"#;
        site.world.secrets.set(name, token);
    }
    site
}

/// What `check` says: whether the store is ready, and the findings about Annex Cloud as a source and as a destination.
async fn checked(site: &Site) -> (bool, [Value; 2]) {
    let mut operator = operator(&site.world);
    let wire = site.annex.clone();
    operator.wires.insert("annexcloud".to_owned(), wire);
    let mut answer = done(&operator, json!({"command": "check", "store": "example"})).await;
    let source = answer["sources"].as_array().unwrap().iter();
    let source = source.filter(|one| one["source"] == "annexcloud");
    let source = source.map(|one| one["findings"].clone()).next().unwrap();
    let destination = answer["destinations"][0]["findings"].take();
    (answer["ready"] == true, [source, destination])
}

/// The level and the message of the findings about this.
fn about<'a>(findings: &'a Value, name: &str) -> Vec<(&'a str, &'a str)> {
    let own = findings.as_array().unwrap().iter();
    own.filter(|finding| finding["about"] == name)
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap();
            (text("level"), text("message"))
        })
        .collect()
}

#[tokio::test]
async fn a_key_that_works_is_good_on_both_sides() {
    let site = site().await;
    let (ready, both) = checked(&site).await;
    assert!(ready, "{both:?}");
    for findings in &both {
        let keys = about(findings, "key");
        assert_eq!(keys.len(), 1, "{findings}");
        assert_eq!(keys[0].0, "good", "{findings}");
        assert!(about(findings, "line").is_empty(), "{findings}");
    }
    assert_eq!(about(&both[0], "secret")[0].0, "good");
    assert!(about(&both[0], "comparison").is_empty(), "it has no list");
}

#[tokio::test]
async fn a_wrong_key_and_secrets_that_are_missing_or_of_another_form() {
    let site = site().await;
    site.key("another");
    let (ready, both) = checked(&site).await;
    assert!(!ready);
    for findings in &both {
        let (level, message) = about(findings, "key")[0];
        assert_eq!(level, "fault");
        assert!(message.contains("bridge/example/annexcloud"), "{message}");
    }

    let form = r#"{"v":1,"api_key":"s"}"#;
    site.world.secrets.set("bridge/example/annexcloud", form);
    let (_, both) = checked(&site).await;
    let told = |findings: &Value| about(findings, "secret")[0].1.to_owned();
    assert!(both.iter().map(told).all(|it| it.contains("another form")));

    site.world.secrets.remove("bridge/example/annexcloud");
    site.world.secrets.remove(HINT);
    let (_, both) = checked(&site).await;
    let missing = |findings: &Value| {
        let own = about(findings, "secret").into_iter();
        own.filter(|(level, message)| *level == "fault" && message.contains("is missing"))
            .count()
    };
    assert_eq!(both.each_ref().map(missing), [2, 1], "{both:?}");
}

#[tokio::test]
async fn a_vendor_that_hangs_is_a_fault_of_the_key() {
    let site = site().await;
    for _ in 0..2 {
        site.annex.will(Method::Get, "", Does::Breaks);
    }
    let (ready, both) = checked(&site).await;
    assert!(!ready);
    for findings in &both {
        let (level, message) = about(findings, "key")[0];
        assert_eq!(level, "fault");
        assert!(message.contains("did not answer"), "{message}");
    }
}

#[tokio::test]
async fn a_closed_line_of_the_source_is_told() {
    let site = site().await;
    site.annex.credential("another");
    let hint =
        json!({"eventId": "evt-1", "eventType": "user.update", "data": {"userId": "c-20417"}});
    site.hint(&hint).await.unwrap();
    site.reading.read(&site.world).await;
    site.key("another");
    let (ready, both) = checked(&site).await;
    assert!(
        ready,
        "the key works again, and the next read opens the line"
    );
    let (level, message) = about(&both[0], "line")[0];
    assert_eq!(level, "warning");
    assert!(message.contains("is not asked"), "{message}");
}
