//! Store documents: everything that is wrong is named at once.

use serde_json::{Value, json};
use vendors::Store;

fn minimal() -> Value {
    json!({
        "v": 1, "store": "example", "name": "Example", "currency": "NOK", "locale": "nb-NO",
        "time_zone": "Europe/Oslo", "sources": {"yotpo": {}}, "destinations": {"rule": {}},
    })
}

fn faults(document: Value) -> Vec<(String, String)> {
    match Store::read(document) {
        Ok(_) => Vec::new(),
        Err(faults) => faults
            .into_iter()
            .map(|fault| (fault.path, fault.message))
            .collect(),
    }
}

#[test]
fn the_documents_in_events_are_right() {
    for file in ["example-outdoor.json", "every-option.json"] {
        let path = format!("{}/../../events/stores/{file}", env!("CARGO_MANIFEST_DIR"));
        let document = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(faults(document), [], "{file}");
    }
    assert_eq!(faults(minimal()), []);
}

#[test]
fn a_vendor_that_is_off_is_checked_all_the_same() {
    let mut document = minimal();
    document["destinations"]["rule"] = json!({"on": false, "tags": {"no_such_kind": "Tag"}});
    assert_eq!(faults(document).len(), 1);
    let mut document = minimal();
    document["destinations"]["rule"] = json!({"on": false});
    assert!(!Store::read(document).unwrap().destinations.has("rule"));
}

#[test]
fn each_fault_names_its_place_and_all_come_at_once() {
    let cases = [
        ("v", json!({"v": 2})),
        ("store", json!({"store": "Not/Good"})),
        ("name", json!({"name": ""})),
        ("currency", json!({"currency": "kr"})),
        ("locale", json!({"locale": "n"})),
        ("time_zone", json!({"time_zone": "Mars/Olympus"})),
        ("contact", json!({"contact": 5})),
        ("colour", json!({"colour": "red"})),
        ("\"\"", json!({"": "red"})),
        ("sources.shopify", json!({"sources": {"shopify": {}}})),
        ("sources.yotpo", json!({"sources": {"yotpo": true}})),
        (
            "sources.yotpo.rest",
            json!({"sources": {"yotpo": {"rest": "yes"}}}),
        ),
        (
            "sources.yotpo.topics.a/b",
            json!({"sources": {"yotpo": {"topics": {"a/b": "no_such_kind"}}}}),
        ),
        (
            "destinations.rule.api_key",
            json!({"destinations": {"rule": {"api_key": "example"}}}),
        ),
        (
            "destinations.rule.tags.coupon",
            json!({"destinations": {"rule": {"tags": {"coupon": "C"}}}}),
        ),
        (
            "destinations.rule.tags.birthday",
            json!({"destinations": {"rule": {"tags": {"birthday": "123"}}}}),
        ),
        (
            "destinations.rule.tags.points_changed",
            json!({"destinations": {"rule": {"tags": {"points_changed": "P"}}}}),
        ),
        (
            "destinations.rule.automation.birthday",
            json!({"destinations": {"rule": {"automation": {"birthday": "loud"}}}}),
        ),
        (
            "destinations.rule.yotpo_tag",
            json!({"destinations": {"rule": {"yotpo_tag": "sometimes"}}}),
        ),
        (
            "destinations.rule.referral_friend",
            json!({"destinations": {"rule": {"referral_friend": 1}}}),
        ),
        (
            "destinations.rule.datetime_zone",
            json!({"destinations": {"rule": {"datetime_zone": "Oslo"}}}),
        ),
        (
            "destinations.rule.on_ambiguous.birthday",
            json!({"destinations": {"rule": {"on_ambiguous": {"birthday": "x"}}}}),
        ),
        (
            "destinations.rule.max_age_hours.birthday",
            json!({"destinations": {"rule": {"max_age_hours": {"birthday": 0}}}}),
        ),
        (
            "destinations.rule.also",
            json!({"destinations": {"rule": {"also": ["birthday"]}}}),
        ),
        (
            "destinations.rule.off",
            json!({"destinations": {"rule": {"off": ["nothing"]}}}),
        ),
        (
            "destinations.rule.language",
            json!({"destinations": {"rule": {"language": "norsk"}}}),
        ),
        (
            "destinations.rule.blank_missing",
            json!({"destinations": {"rule": {"blank_missing": "yes"}}}),
        ),
    ];
    let everything = each_alone(&cases);
    let all = faults(everything);
    // One place (`tags.birthday` and the like) may carry several cases; none hides another.
    assert_eq!(all.len(), cases.len() - 1, "{all:#?}");
}

#[test]
fn annex_clouds_faults_name_their_place() {
    let source = |own: Value| json!({"sources": {"annexcloud": own}});
    let destination = |own: Value| json!({"destinations": {"annexcloud": own}});
    let cases = [
        ("sources.annexcloud.rest", source(json!({"rest": "no"}))),
        (
            "sources.annexcloud.opt_in_status",
            source(json!({"opt_in_status": "yes"})),
        ),
        (
            "sources.annexcloud.hint_pointer",
            source(json!({"hint_pointer": "id"})),
        ),
        (
            "sources.annexcloud.never_enrol.domains.0",
            source(json!({"never_enrol": {"domains": ["shop"]}})),
        ),
        (
            "sources.annexcloud.never_enrol.addresses.1",
            source(json!({"never_enrol": {"addresses": ["ada@example.com", "ada"]}})),
        ),
        (
            "sources.annexcloud.never_enrol.people",
            source(json!({"never_enrol": {"people": []}})),
        ),
        ("sources.annexcloud.secret", source(json!({"secret": "s"}))),
        (
            "destinations.annexcloud.account",
            destination(json!({"account": "Not/Good"})),
        ),
        (
            "destinations.annexcloud.actions.birthday",
            destination(json!({"actions": {"birthday": ""}})),
        ),
        (
            "destinations.annexcloud.actions.coupon",
            destination(json!({"actions": {"coupon": "1"}})),
        ),
        (
            "destinations.annexcloud.actions.opted_in",
            destination(json!({"actions": {"opted_in": "1"}})),
        ),
        (
            "destinations.annexcloud.actions.points_ordered",
            destination(json!({"actions": {"points_ordered": "1"}})),
        ),
        (
            "destinations.annexcloud.enrol",
            destination(json!({"enrol": ["referral_link_shared"]})),
        ),
        (
            "destinations.annexcloud.default_action",
            destination(json!({"default_action": 7})),
        ),
        (
            "destinations.annexcloud.redeem_in",
            destination(json!({"redeem_in": "shop"})),
        ),
        (
            "destinations.annexcloud.max_points_per_call",
            destination(json!({"max_points_per_call": 6000})),
        ),
        (
            "destinations.annexcloud.max_points_per_day",
            destination(json!({"max_points_per_day": 0, "max_points_per_call": 1})),
        ),
        (
            "destinations.annexcloud.profile",
            destination(json!({"profile": "yes"})),
        ),
        (
            "destinations.annexcloud.erase",
            destination(json!({"erase": "all"})),
        ),
    ];
    each_alone(&cases);
    let paths: Vec<String> = faults(source(json!({"enrol_on_ticket": true, "rest": false})))
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert!(
        paths.contains(&"sources.annexcloud.enrol_on_ticket".to_owned()),
        "{paths:?}"
    );
}

/// Checks each fault in a document that has no other; gives a document that has them all.
fn each_alone(cases: &[(&str, Value)]) -> Value {
    let mut everything = minimal();
    for (path, wrong) in cases {
        let mut document = minimal();
        merge(&mut document, wrong);
        let found = faults(document);
        assert_eq!(
            found
                .iter()
                .map(|(path, _)| path.as_str())
                .collect::<Vec<_>>(),
            [*path],
            "{found:?}"
        );
        if *path != "sources.yotpo" {
            merge(&mut everything, wrong);
        }
    }
    everything
}

#[test]
fn what_is_missing_is_named() {
    let paths: Vec<String> = faults(json!({}))
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(paths, ["v", "store", "name", "currency", "locale"]);
    assert_eq!(faults(json!([]))[0].0, "the document");
    // Null says nothing.
    let mut document = minimal();
    document["store"] = Value::Null;
    assert_eq!(
        faults(document),
        [("store".to_owned(), "is missing".to_owned())]
    );
}

fn merge(into: &mut Value, more: &Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more.clone(),
    }
}
