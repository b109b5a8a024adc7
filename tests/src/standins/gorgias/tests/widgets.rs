//! Widgets and the grammar of their templates.

use super::*;

/// The sample of the documents, cut short.
pub(super) fn template() -> Value {
    json!({"type": "wrapper", "widgets": [
        {"type": "card", "path": "loyalty", "title": "Loyalty", "order": 0,
         "meta": {"displayCard": true, "link": "", "custom": {"links": [
            {"label": "Open member", "url": "{{links.profile}}"}, {"label": "Shop", "url": "{{links.shop}}"}]}},
         "widgets": [
            {"type": "date", "path": "points.expiring_on", "title": "Expiring on", "order": 2},
            {"type": "text", "path": "points.available", "title": "Points", "order": 1},
            {"type": "text", "path": "tier.next", "title": "Next <tier>", "order": 3},
            {"type": "list", "path": "activity", "order": 9, "meta": {"limit": "2", "orderBy": ""},
             "widgets": [{"type": "card", "title": "{{what}} ({{points}})", "meta": {"displayCard": true}, "widgets": []}]}]}]})
}

pub(super) fn widget(integration: u64) -> Value {
    json!({"context": "ticket", "type": "http", "integration_id": integration, "order": 0, "template": template()})
}

#[test]
fn a_widget_is_made_listed_replaced_and_removed() {
    let mut bench = Bench::new();
    let integration = bench.integration(&Value::Null);
    let (status, made) = bench.ask("POST", "/widgets", &widget(integration));
    assert_eq!((status, &made["app_id"]), (201, &Value::Null));
    let custom =
        json!({"type": "custom", "template": template(), "context": "customer", "order": 3});
    let (_, second) = bench.ask("POST", "/widgets", &custom);
    let own = bench.get(&format!("/widgets?integration_id={integration}"));
    assert_eq!(own["data"].as_array().expect("rows").len(), 1);
    bench.order("/shape", &json!({"widgets": "list"}));
    assert_eq!(
        bench
            .get("/widgets?limit=100")
            .as_array()
            .expect("rows")
            .len(),
        2
    );

    let path = format!("/widgets/{}", second["id"]);
    let (status, replaced) = bench.ask(
        "PUT",
        &path,
        &json!({"type": "custom", "template": template()}),
    );
    assert_eq!(
        (status, &replaced["context"], &replaced["order"]),
        (200, &json!("ticket"), &json!(0))
    );
    bench.order(
        "/hand-edit",
        &json!({"widget": second["id"], "title": "Ours"}),
    );
    assert_eq!(bench.get(&path)["template"]["widgets"][0]["title"], "Ours");
    let edited = json!({"type": "wrapper", "widgets": []});
    bench.order(
        "/hand-edit",
        &json!({"widget": second["id"], "template": edited}),
    );
    assert_eq!(
        bench.state("/widgets-state")[second["id"].to_string()]["template"],
        edited
    );
    assert_eq!(bench.ask("DELETE", &path, &Value::Null).0, 204);
    assert_eq!(bench.ask("DELETE", &path, &Value::Null).0, 404);
    bench.no_faults();
}

#[test]
fn widgets_of_the_wrong_form_are_faults() {
    let mut bench = Bench::new();
    let integration = bench.integration(&Value::Null);
    let good = widget(integration);
    for body in [
        without(&good, "type"),
        without(&good, "template"),
        without(&good, "integration_id"),
        with(&good, "type", json!("loyalty")),
        with(&good, "type", json!("custom")),
        with(&good, "integration_id", json!(1)),
        with(&good, "context", json!("user")),
        with(&good, "order", json!("0")),
        with(&good, "title", json!("x")),
    ] {
        bench.faulty("POST", "/widgets", &body);
    }
}

#[test]
fn what_is_not_in_the_grammar_is_a_fault() {
    let changes: [(&str, Value); 20] = [
        ("", json!({"type": "card", "widgets": []})),
        ("", json!({"type": "wrapper", "widgets": [], "title": "x"})),
        ("/widgets/0/type", json!("cards")),
        ("/widgets/0/type", json!("text")),
        ("/widgets/0/color", json!("red")),
        ("/widgets/0/path", json!("")),
        ("/widgets/0/path", json!("a..b")),
        ("/widgets/0/title", json!("{{name")),
        ("/widgets/0/title", Value::Null),
        ("/widgets/0/meta/pictureUrl", json!("x")),
        ("/widgets/0/meta/displayCard", json!("true")),
        ("/widgets/0/meta/custom/links/0/icon", json!("x")),
        ("/widgets/0/meta/custom/links/0/url", json!("")),
        ("/widgets/0/widgets/0/type", json!("url")),
        ("/widgets/0/widgets/0/meta", json!({})),
        ("/widgets/0/widgets/0/order", json!("1")),
        ("/widgets/0/widgets/3/meta/limit", json!(5)),
        ("/widgets/0/widgets/3/meta/limit", json!("0")),
        ("/widgets/0/widgets/3/meta/orderBy", json!("-when")),
        ("/widgets/0/widgets/3/widgets", json!([])),
    ];
    let mut bench = Bench::new();
    let integration = bench.integration(&Value::Null);
    for (pointer, value) in changes {
        let mut template = template();
        if let Some((parent, key)) = pointer.rsplit_once('/') {
            let parent = template.pointer_mut(parent).expect("a node");
            match parent {
                Value::Array(rows) => rows[key.parse::<usize>().expect("a place")] = value,
                other => other[key] = value,
            }
        } else {
            template = value;
        }
        let body = with(&widget(integration), "template", template);
        bench.faulty("POST", "/widgets", &body);
        assert!(
            bench
                .faults
                .last()
                .is_some_and(|fault| fault.starts_with("template"))
        );
    }
}
