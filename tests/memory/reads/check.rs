//! `check` of a store whose source can be asked.

use serde_json::{Value, json};

use super::{Site, yotpo::Does};
use crate::operator::{check::to_rule, done, operator};

async fn source(site: &Site) -> Value {
    let mut operator = operator(&site.world);
    let rule = to_rule(&site.world, "example-key");
    operator.wires.insert("rule".to_owned(), rule);
    operator
        .wires
        .insert("yotpo".to_owned(), site.yotpo.clone());
    let check = json!({"command": "check", "store": "example"});
    let mut answer = done(&operator, check).await;
    assert!(!answer.to_string().contains("rest-key"));
    answer["sources"][0].take()
}

fn key(source: &Value) -> &Value {
    let findings = source["findings"].as_array().unwrap();
    let about = |name: &str| findings.iter().find(|finding| finding["about"] == name);
    about("key").or_else(|| about("line")).unwrap()
}

#[tokio::test]
async fn the_interface_is_asked_for_nobody_and_the_last_comparison_is_shown() {
    let site = Site::new().await;
    let told = source(&site).await;
    assert_eq!(key(&told)["level"], "good", "{told}");
    assert!(told["repairs"]["run"].is_null());
    let calls = site.yotpo.calls().clone();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert!(calls[0].contains("nobody"), "{calls:?}");

    assert!(site.start("example").await);
    site.read().await;
    let told = source(&site).await;
    assert!(told["repairs"]["run"]["day"].is_string(), "{told}");
}

#[tokio::test]
async fn a_comparison_that_was_refused_is_a_warning() {
    let site = Site::new().await;
    let told = source(&site).await;
    let level = |told: &Value| {
        let findings = told["findings"].as_array().unwrap().iter();
        let own = findings
            .filter(|finding| finding["about"] == "comparison")
            .map(|finding| finding["level"].clone());
        own.collect::<Vec<_>>()
    };
    assert_eq!(level(&told), ["note"], "none has begun");
    assert!(site.start("example").await);
    site.yotpo.will(Does::Answers(400));
    site.read().await;
    assert_eq!(level(&source(&site).await), ["warning"]);
}

#[tokio::test]
async fn a_key_that_the_interface_refuses_is_a_fault() {
    let site = Site::new().await;
    site.key("example", "another");
    let told = source(&site).await;
    let finding = key(&told);
    assert_eq!(finding["level"], "fault");
    let message = finding["message"].as_str().unwrap();
    assert!(message.contains("bridge/example/yotpo"), "{message}");
}

#[tokio::test]
async fn a_source_that_is_not_asked_has_no_interface_to_check() {
    let site = Site::new().await;
    site.put_store("example", false).await;
    let told = source(&site).await;
    assert!(told["repairs"].is_null());
    assert!(site.yotpo.calls().is_empty());
}
