//! `provision`: the integration and its widgets are made once, brought up to date, and left alone where a person changed them.

use jiff::SignedDuration;
use serde_json::{Value, json};
use vendors::Method;

use super::bench::{Bench, Made};
use crate::{
    operator::{audited, done, faults},
    world::Does,
};

pub(crate) const DOOR: &str = "https://api.example.com/gorgias/example/member";

pub(crate) fn command() -> Value {
    json!({"command": "provision", "store": "example", "destination": "gorgias", "by": "ola", "why": "before we go live"})
}

/// Each finding's level and message, by what it is about.
pub(crate) fn said(findings: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = findings.as_array().unwrap().iter();
    all.map(|one| {
        (
            text(&one["about"]),
            text(&one["level"]),
            text(&one["message"]),
        )
    })
    .collect()
}

/// Carries it out; what was said, and what was written.
pub(crate) async fn provision(bench: &Bench) -> (Vec<(String, String, String)>, Vec<Made>) {
    run(bench, command()).await
}

async fn forced(bench: &Bench) -> (Vec<(String, String, String)>, Vec<Made>) {
    let mut command = command();
    command["force"] = json!(true);
    run(bench, command).await
}

async fn run(bench: &Bench, command: Value) -> (Vec<(String, String, String)>, Vec<Made>) {
    // The bucket is empty again, as it is between two commands of a person.
    bench.world.clock.advance(SignedDuration::from_mins(1));
    bench.gorgias.calls();
    let answer = done(&bench.operator(), command).await;
    assert!(!answer.to_string().contains("example-token"), "{answer}");
    (said(&answer["findings"]), bench.gorgias.writes())
}

/// The only integration.
pub(crate) fn integration(bench: &Bench) -> Value {
    let all = bench.gorgias.show("/integrations-state");
    let all = all.as_object().unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    all.values().next().unwrap().clone()
}

/// The widgets, by context.
fn widgets(bench: &Bench) -> Vec<(String, Value)> {
    let all = bench.gorgias.show("/widgets-state");
    let mut all: Vec<_> = all
        .as_object()
        .unwrap()
        .values()
        .map(|one| (one["context"].as_str().unwrap().to_owned(), one.clone()))
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn widget(bench: &Bench, context: &str) -> Value {
    let mut own = widgets(bench);
    own.retain(|(one, _)| one == context);
    assert_eq!(own.len(), 1, "{own:?}");
    own.remove(0).1
}

fn edit(bench: &Bench, context: &str) {
    let id = widget(bench, context)["id"].clone();
    let order = json!({"widget": id, "title": "Our own words"});
    bench.gorgias.order("/hand-edit", order);
}

/// The lines of a widget's card: type, path, title.
fn lines(widget: &Value) -> Vec<[String; 3]> {
    let card = &widget["template"]["widgets"][0];
    let of = |line: &Value| {
        ["type", "path", "title"].map(|key| line[key].as_str().unwrap_or_default().to_owned())
    };
    card["widgets"].as_array().unwrap().iter().map(of).collect()
}

fn paths(writes: &[Made]) -> Vec<String> {
    let path = |(method, path, _): &Made| {
        format!("{method:?} {}", path.trim_end_matches(char::is_numeric))
    };
    writes.iter().map(path).collect()
}

fn all_good(said: &[(String, String, String)]) -> bool {
    said.iter().all(|(_, level, _)| level == "good")
}

#[tokio::test]
async fn the_first_time_everything_is_made() {
    let card = json!([
        {"key": "points.available", "label": "Points"},
        {"key": "tier.current", "label": "Level"},
        {"key": "opt_in_date", "label": "Since", "type": "date"},
    ]);
    let bench = Bench::with(json!({"card": card, "title": "Fjord Club", "activities": 3})).await;
    let (said, writes) = provision(&bench).await;
    let about: Vec<&str> = said.iter().map(|(about, ..)| about.as_str()).collect();
    let views = [
        "integration",
        "widget in the ticket view",
        "widget in the customer view",
    ];
    assert_eq!(about, views);
    assert!(all_good(&said), "{said:?}");
    let made = [
        "Post /api/integrations",
        "Post /api/widgets",
        "Post /api/widgets",
    ];
    assert_eq!(paths(&writes), made);

    let own = integration(&bench);
    let http = &own["http"];
    let url = format!("{DOOR}?email={{{{ticket.customer.email}}}}&ticket={{{{ticket.id}}}}");
    assert_eq!(
        (&own["name"], &http["url"]),
        (&json!("Fjord Club"), &json!(url))
    );
    assert_eq!(
        http["headers"],
        json!({"Authorization": "Bearer example-token"})
    );
    let triggers = http["triggers"].as_object().unwrap().iter();
    let on: Vec<&str> = triggers
        .filter(|(_, on)| **on == true)
        .map(|(name, _)| name.as_str())
        .collect();
    let written = "ticket-message-created";
    assert_eq!(on, ["ticket-created", written, "ticket-updated"]);
    let ticket = widget(&bench, "ticket");
    assert_eq!(ticket["integration_id"], own["id"]);
    let shown = [
        ["text", "points.available", "Points"],
        ["text", "tier.current", "Level"],
        ["date", "opt_in_date", "Since"],
        ["list", "activity", ""],
        ["text", "as_of", "As of"],
    ];
    assert_eq!(
        lines(&ticket),
        shown.map(|line| line.map(ToOwned::to_owned))
    );
    assert_eq!(
        ticket["template"]["widgets"][0]["widgets"][3]["meta"]["limit"],
        "3"
    );
    assert_eq!(widget(&bench, "customer")["template"], ticket["template"]);
    assert_eq!(audited(&bench.world).len(), 1);
}

#[tokio::test]
async fn again_is_nothing_in_whatever_form_it_is_shown() {
    let bench = Bench::new().await;
    provision(&bench).await;
    let shapes = [
        json!({}),
        json!({"widgets": "list"}),
        json!({"triggers": "underscores"}),
    ];
    for shape in shapes {
        bench.gorgias.order("/shape", shape);
        let (said, writes) = provision(&bench).await;
        assert!(writes.is_empty(), "{writes:?}");
        assert!(all_good(&said), "{said:?}");
    }
    let (_, writes) = forced(&bench).await;
    assert!(writes.is_empty(), "{writes:?}");
}

#[tokio::test]
async fn changed_settings_reach_the_widgets_first_and_the_description_last() {
    let bench = Bench::new().await;
    provision(&bench).await;
    let before = integration(&bench)["description"].clone();
    let card = json!([{"key": "tier.current", "label": "Level"}]);
    bench
        .put_settings(json!({"card": card, "triggers": ["ticket-created"]}))
        .await;
    let (said, writes) = provision(&bench).await;
    let made = [
        "Put /api/widgets/",
        "Put /api/widgets/",
        "Put /api/integrations/",
    ];
    assert_eq!(paths(&writes), made);
    assert!(all_good(&said), "{said:?}");
    assert_eq!(
        lines(&widget(&bench, "ticket"))[0],
        ["text", "tier.current", "Level"]
    );
    let own = integration(&bench);
    assert_ne!(own["description"], before);
    assert_eq!(own["http"]["triggers"]["ticket-updated"], false);
    assert!(provision(&bench).await.1.is_empty());
}

#[tokio::test]
async fn a_change_that_was_cut_off_is_finished_by_the_next_run() {
    for (method, part, does) in [
        (Method::Put, "/widgets/", Does::Breaks),
        (Method::Put, "/widgets/", Does::BooksInSilence),
        (Method::Put, "/integrations/", Does::BooksAndFails),
        (Method::Put, "/integrations/", Does::Asks(429, "10")),
    ] {
        let bench = Bench::new().await;
        provision(&bench).await;
        bench.put_settings(json!({"title": "Fjord Club"})).await;
        bench.gorgias.will(method, part, does);
        assert_eq!(faults(&bench.operator(), command()).await, ["key"]);
        let (said, _) = provision(&bench).await;
        assert!(
            all_good(&said),
            "none is taken for changed by hand: {said:?}"
        );
        assert!(provision(&bench).await.1.is_empty());
    }
}

#[tokio::test]
async fn a_widget_that_a_person_took_away_stays_away_unless_forced() {
    let bench = Bench::new().await;
    provision(&bench).await;
    let id = widget(&bench, "ticket")["id"].clone();
    let order = json!({"widget": id, "deactivated": true});
    bench.gorgias.order("/hand-edit", order);
    let (said, writes) = provision(&bench).await;
    assert_eq!(said[1].1, "note", "{said:?}");
    assert!(said[1].2.contains("taken away by hand"));
    assert!(writes.is_empty(), "{writes:?}");
    let (said, writes) = forced(&bench).await;
    assert!(all_good(&said), "{said:?}");
    assert_eq!(paths(&writes), ["Post /api/widgets"]);
    let (said, writes) = forced(&bench).await;
    assert!(all_good(&said) && writes.is_empty(), "{said:?}");
}

#[tokio::test]
async fn a_widget_that_a_person_changed_is_left_alone_unless_forced() {
    let bench = Bench::new().await;
    provision(&bench).await;
    edit(&bench, "ticket");
    bench.put_settings(json!({"activities": 0})).await;
    let (said, writes) = provision(&bench).await;
    assert_eq!(said[1].1, "note", "{said:?}");
    assert!(said[1].2.contains("changed by hand"));
    assert_eq!(said[2].1, "good");
    assert_eq!(
        paths(&writes),
        ["Put /api/widgets/", "Put /api/integrations/"]
    );
    let ticket = widget(&bench, "ticket");
    assert_eq!(ticket["template"]["widgets"][0]["title"], "Our own words");
    assert!(provision(&bench).await.1.is_empty(), "and stays so");
    let (said, writes) = forced(&bench).await;
    assert!(all_good(&said), "{said:?}");
    assert_eq!(paths(&writes), ["Put /api/widgets/"]);
    let ticket = widget(&bench, "ticket");
    assert_eq!(ticket["template"]["widgets"][0]["title"], "Loyalty");
}

#[tokio::test]
async fn a_widget_stays_where_a_person_has_moved_it() {
    let bench = Bench::new().await;
    provision(&bench).await;
    let mut moved = widget(&bench, "ticket");
    let path = format!("/api/widgets/{}", moved["id"]);
    for shown in ["id", "uri", "created_datetime", "updated_datetime"] {
        moved.as_object_mut().unwrap().remove(shown);
    }
    moved["order"] = json!(3);
    assert_eq!(
        bench.call(Method::Put, &path, Some(moved)).await.status,
        200
    );
    assert!(provision(&bench).await.1.is_empty());
    bench.put_settings(json!({"title": "Fjord Club"})).await;
    provision(&bench).await;
    let ticket = widget(&bench, "ticket");
    assert_eq!(ticket["template"]["widgets"][0]["title"], "Fjord Club");
    assert_eq!(ticket["order"], 3);
    assert_eq!(widget(&bench, "customer")["order"], 0);
}

#[tokio::test]
async fn a_widget_that_is_gone_is_made_anew() {
    let bench = Bench::new().await;
    provision(&bench).await;
    let path = format!("/api/widgets/{}", widget(&bench, "customer")["id"]);
    assert_eq!(bench.call(Method::Delete, &path, None).await.status, 204);
    let (said, writes) = provision(&bench).await;
    assert_eq!(paths(&writes), ["Post /api/widgets"]);
    assert!(all_good(&said), "{said:?}");
    assert_eq!(widgets(&bench).len(), 2);
}

#[tokio::test]
async fn a_disabled_integration_is_enabled() {
    let bench = Bench::new().await;
    provision(&bench).await;
    let id = integration(&bench)["id"].clone();
    bench
        .gorgias
        .order("/deactivate", json!({"integration": id}));
    let (said, writes) = provision(&bench).await;
    assert_eq!(paths(&writes), ["Put /api/integrations/"]);
    assert!(said[0].2.contains("was disabled"), "{said:?}");
    assert_eq!(integration(&bench)["deactivated_datetime"], Value::Null);
}

#[tokio::test]
async fn a_rotated_secret_is_put_into_the_integration() {
    let bench = Bench::new().await;
    provision(&bench).await;
    bench.token("another-example-token");
    let (_, writes) = provision(&bench).await;
    assert_eq!(paths(&writes), ["Put /api/integrations/"]);
    let headers = &integration(&bench)["http"]["headers"];
    assert_eq!(headers["Authorization"], "Bearer another-example-token");
}

#[tokio::test]
async fn an_agents_key_gets_steps_to_do_by_hand() {
    let bench = Bench::new().await;
    bench.agents_key();
    let (said, writes) = provision(&bench).await;
    assert!(writes.is_empty());
    let levels: Vec<&str> = said.iter().map(|(_, level, _)| level.as_str()).collect();
    assert_eq!(levels, ["fault", "note", "note"]);
    let (_, _, make) = &said[1];
    for part in [
        DOOR,
        "{{ticket.customer.email}}",
        "GET",
        "ticket-message-created",
        "Authorization",
    ] {
        assert!(make.contains(part), "{part}: {make}");
    }
    let (_, _, drag) = &said[2];
    assert!(
        drag.contains("loyalty.points.available as `Points`"),
        "{drag}"
    );
}

#[tokio::test]
async fn without_its_secret_nothing_is_made() {
    let bench = Bench::new().await;
    bench.world.secrets.remove("bridge/example/gorgias-lookup");
    let (said, writes) = provision(&bench).await;
    assert!(writes.is_empty());
    assert_eq!(
        (said[0].0.as_str(), said[0].1.as_str()),
        ("secret", "fault")
    );
    bench.token("example-token");
    bench.wrong_key();
    assert_eq!(faults(&bench.operator(), command()).await, ["key"]);
    bench.right_key();
    assert!(all_good(&provision(&bench).await.0));
}

#[tokio::test]
async fn an_integration_whose_making_was_not_answered_is_not_made_twice() {
    for does in [Does::BooksInSilence, Does::BooksAndFails, Does::Breaks] {
        let bench = Bench::new().await;
        bench.gorgias.will(Method::Post, "/integrations", does);
        assert_eq!(faults(&bench.operator(), command()).await, ["key"]);
        let (said, _) = provision(&bench).await;
        assert!(all_good(&said), "{said:?}");
        integration(&bench);
        assert_eq!(widgets(&bench).len(), 2);
    }
}

/// A crash of the operator before each of its calls, with and without the call's effect, and then once more.
#[tokio::test]
async fn cut_off_anywhere_the_next_run_makes_what_is_missing_and_nothing_twice() {
    for does in [Does::Breaks, Does::BooksInSilence] {
        for (method, part) in [
            (Method::Get, "/integrations"),
            (Method::Post, "/integrations"),
            (Method::Get, "/widgets"),
            (Method::Post, "/widgets"),
        ] {
            let bench = Bench::new().await;
            bench.gorgias.will(method, part, does.clone());
            faults(&bench.operator(), command()).await;
            assert!(all_good(&provision(&bench).await.0));
            integration(&bench);
            assert_eq!(widgets(&bench).len(), 2, "{method:?} {part}");
        }
    }
}

#[tokio::test]
async fn ours_is_found_among_many() {
    let bench = Bench::new().await;
    let other = |n: usize| {
        let url = format!("https://shop.example.com/{n}?email={{{{ticket.customer.email}}}}");
        let http = json!({"url": url, "method": "GET", "request_content_type": "application/json",
            "response_content_type": "application/json"});
        json!({"name": "Shop", "type": "http", "http": http})
    };
    provision(&bench).await;
    for n in 0..250 {
        bench.world.clock.advance(SignedDuration::from_secs(1));
        let path = "/api/integrations";
        let made = bench.call(Method::Post, path, Some(other(n))).await;
        assert_eq!(made.status, 201);
    }
    bench.world.clock.advance(SignedDuration::from_mins(1));
    bench.gorgias.calls();
    let answer = done(&bench.operator(), command()).await;
    assert!(all_good(&said(&answer["findings"])));
    let calls = bench.gorgias.calls();
    assert!(calls.iter().all(|(method, ..)| *method == Method::Get));
    assert_eq!(calls.len(), 3 + 1, "{calls:?}");
}

#[tokio::test]
async fn another_stores_integration_on_the_same_account_is_left_alone() {
    let bench = Bench::new().await;
    provision(&bench).await;
    let mut other = bench.gorgias.show("/integrations-state");
    let own = other.as_object_mut().unwrap().values_mut().next().unwrap();
    let url = own["http"]["url"].as_str().unwrap();
    let url = url.replace("/gorgias/example/", "/gorgias/example-2/");
    let http = json!({"url": url, "method": "GET", "request_content_type": "application/json",
        "response_content_type": "application/json"});
    let other = json!({"name": "Loyalty", "type": "http", "http": http});
    bench
        .call(Method::Post, "/api/integrations", Some(other))
        .await;
    assert!(provision(&bench).await.1.is_empty());
}

#[tokio::test]
async fn where_an_unknown_customer_becomes_a_member_their_name_is_told() {
    let bench = Bench::new().await;
    provision(&bench).await;
    assert!(
        !integration(&bench)["http"]["url"]
            .as_str()
            .unwrap()
            .contains("name=")
    );
    let document = json!({
        "v": 1, "store": "example", "name": "Example Outdoor", "currency": "NOK", "locale": "nb-NO",
        "sources": {"annexcloud": {"rest": true, "enrol_on_ticket": true, "never_enrol": {"domains": ["shop.example.com"]}}},
        "destinations": {"gorgias": {}, "annexcloud": {}},
    });
    let store = loyalty::StoreId::parse("example").unwrap();
    vendors::Store::read(document.clone()).unwrap();
    bench
        .world
        .recorder
        .stores
        .put(&store, &document)
        .await
        .unwrap();
    let (_, writes) = provision(&bench).await;
    assert_eq!(paths(&writes), ["Put /api/integrations/"]);
    let url = integration(&bench)["http"]["url"].clone();
    assert!(
        url.as_str()
            .unwrap()
            .ends_with("&name={{ticket.customer.name}}"),
        "{url}"
    );
}
