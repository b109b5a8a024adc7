//! `check` of a store with Gorgias, in each state that its account can be in.

use jiff::SignedDuration;
use loyalty::StoreId;
use platform::{Clock as _, ReceivedRow, Table as _, to_item};
use serde_json::{Value, json};
use vendors::Method;

use super::{
    bench::Bench,
    provision::{integration, provision, said},
};
use crate::{operator::done, world::Does};

/// What `check` says of Gorgias: each finding's level, by what it is about, and whether the store is ready.
async fn checked(bench: &Bench) -> (Vec<(String, String)>, bool) {
    bench.world.clock.advance(SignedDuration::from_mins(1));
    bench.gorgias.calls();
    let token = r#"{"v":1,"current":"example-token"}"#;
    let secrets = &bench.world.secrets;
    secrets.set("bridge/example/yotpo-webhook", token);
    let command = json!({"command": "check", "store": "example"});
    let answer = done(&bench.operator(), command).await;
    assert!(bench.gorgias.writes().is_empty(), "it only reads");
    let own = &answer["destinations"][0];
    assert_eq!(own["destination"], "gorgias");
    let said = said(&own["findings"]).into_iter();
    let said = said.map(|(about, level, _)| (about, level)).collect();
    (said, answer["ready"] == true)
}

fn level<'a>(said: &'a [(String, String)], about: &str) -> Vec<&'a str> {
    let own = said.iter().filter(|(one, _)| one == about);
    own.map(|(_, level)| level.as_str()).collect()
}

const TICKET: &str = "widget in the ticket view";
const CUSTOMER: &str = "widget in the customer view";

#[tokio::test]
async fn before_and_after_it_is_provisioned() {
    let bench = Bench::new().await;
    let (said, ready) = checked(&bench).await;
    assert!(!ready);
    assert_eq!(level(&said, "key"), ["good"]);
    assert_eq!(level(&said, "integration"), ["fault"]);
    provision(&bench).await;
    let (said, ready) = checked(&bench).await;
    assert!(ready, "{said:?}");
    for about in ["key", "integration", TICKET, CUSTOMER, "secret"] {
        assert_eq!(level(&said, about), ["good"], "{about}: {said:?}");
    }
    assert_eq!(level(&said, "deliveries"), ["note"], "nobody has asked yet");
}

#[tokio::test]
async fn what_has_changed_since() {
    let bench = Bench::new().await;
    provision(&bench).await;
    bench.put_settings(json!({"title": "Fjord Club"})).await;
    let (said, ready) = checked(&bench).await;
    assert!(ready, "a widget of yesterday's settings still shows");
    assert_eq!(level(&said, "integration"), ["warning"]);
    assert_eq!(level(&said, TICKET), ["note"]);
    bench.put_settings(json!({})).await;
    bench.token("another-example-token");
    let (said, _) = checked(&bench).await;
    assert_eq!(level(&said, "integration"), ["warning"], "an older secret");
    bench.token("example-token");
    let id = integration(&bench)["id"].clone();
    bench
        .gorgias
        .order("/deactivate", json!({"integration": id}));
    let (said, ready) = checked(&bench).await;
    assert!(!ready);
    assert_eq!(level(&said, "integration"), ["fault"]);
}

#[tokio::test]
async fn widgets_that_are_changed_or_gone() {
    let bench = Bench::new().await;
    provision(&bench).await;
    let widgets = bench.gorgias.show("/widgets-state");
    let of = |context: &str| {
        let mut all = widgets.as_object().unwrap().values();
        all.find(|one| one["context"] == context).unwrap()["id"].clone()
    };
    let edit = json!({"widget": of("ticket"), "title": "Our own words"});
    bench.gorgias.order("/hand-edit", edit);
    let path = format!("/api/widgets/{}", of("customer"));
    bench.call(Method::Delete, &path, None).await;
    let (said, ready) = checked(&bench).await;
    assert!(ready);
    assert_eq!(level(&said, TICKET), ["note"]);
    assert_eq!(level(&said, CUSTOMER), ["warning"]);
}

#[tokio::test]
async fn keys_of_every_kind() {
    let bench = Bench::new().await;
    provision(&bench).await;
    bench.agents_key();
    let (said, ready) = checked(&bench).await;
    assert!(ready, "it writes customers all the same: {said:?}");
    assert_eq!(level(&said, "key"), ["warning"]);
    bench.wrong_key();
    let (said, ready) = checked(&bench).await;
    assert!(!ready);
    assert_eq!(level(&said, "key"), ["fault"]);
    bench.right_key();
    bench.world.secrets.remove("bridge/example/gorgias-lookup");
    let (said, ready) = checked(&bench).await;
    assert!(!ready);
    assert_eq!(level(&said, "secret"), ["fault"]);
    bench.world.secrets.remove("bridge/example/gorgias");
    let (said, _) = checked(&bench).await;
    assert_eq!(level(&said, "secret"), ["fault", "fault"]);
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_told_as_what_it_is() {
    let bench = Bench::new().await;
    provision(&bench).await;
    let lookup = "bridge/example/gorgias-lookup";
    for other in [
        "example-token",
        r#"{"v":1,"current":"example-token","site_id":7}"#,
    ] {
        bench.world.secrets.set(lookup, other);
        let (said, ready) = checked(&bench).await;
        assert!(!ready, "{other}");
        assert_eq!(level(&said, "secret"), ["fault"], "{other}");
        assert_eq!(level(&said, "integration"), ["warning"], "{other}");
    }
}

#[tokio::test]
async fn refused_calls_are_mended_at_gorgias() {
    let bench = Bench::new().await;
    provision(&bench).await;
    let row = ReceivedRow {
        v: 1,
        accepted_at: None,
        refused_at: Some(bench.world.clock.now().as_microsecond()),
        refused_headers: vec!["x-somewhere".to_owned()],
    };
    let key = ReceivedRow::key(&StoreId::parse("example").unwrap(), "gorgias-lookup");
    let row = to_item(&key, &row).unwrap();
    bench.world.table.put(row, None).await.unwrap();
    let command = json!({"command": "check", "store": "example"});
    let answer = done(&bench.operator(), command).await;
    let findings = answer["destinations"][0]["findings"].as_array().unwrap();
    let own = findings.iter().find(|one| one["about"] == "deliveries");
    let message = own.unwrap()["message"].as_str().unwrap();
    assert!(
        message.contains("`provision`") && message.contains("x-somewhere"),
        "{message}"
    );
    assert!(!message.contains("URL"), "no secret travels in its URL");
}

#[tokio::test]
async fn a_vendor_that_cannot_be_asked() {
    let bench = Bench::new().await;
    let page = |body: Value| Does::Answers(200, body);
    for does in [
        Does::Breaks,
        Does::Answers(500, json!({})),
        Does::Asks(429, "30"),
        Does::Answers(404, json!({})),
        page(json!({"surprise": true})),
    ] {
        bench.gorgias.will(Method::Get, "/integrations", does);
        let (said, ready) = checked(&bench).await;
        assert!(!ready);
        assert_eq!(level(&said, "key"), ["fault"], "{said:?}");
    }
}
