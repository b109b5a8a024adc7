//! What an agent sees.

use super::widgets::{template, widget};
use super::*;

fn loyalty() -> Value {
    json!({"loyalty": {
        "points": {"available": 5120, "expiring_on": "2026-12-31T00:00:00Z"},
        "tier": {"next": null},
        "links": {"profile": "https://loyalty.example.com/m/m-1?a=1&b=2", "shop": null},
        "activity": [
            {"what": "Purchase <OD001>", "points": 120}, {"what": "Birthday", "points": 50}, {"what": "Old", "points": 1}],
    }})
}

/// A helpdesk with a ticket, an answered integration and one widget on it.
fn bench() -> Bench {
    let mut bench = Bench::new();
    let id = bench.integration(&Value::Null);
    bench.ask("POST", "/widgets", &widget(id));
    bench.order(
        "/tickets",
        &json!({"id": 5, "subject": "A & B", "trigger": "ticket-created", "customer": {"email": "ada@example.com", "name": "Ada <Example>"},
            "message": {"body_text": "<script>alert(1)</script>"}}),
    );
    let calls = bench.gorgias.calls().expect("calls");
    let end = Ended {
        status: Some(200),
        text: loyalty().to_string(),
        ms: 1,
    };
    bench.gorgias.called(&[(calls[0].clone(), end)], bench.now);
    bench.no_faults();
    bench
}

fn page(bench: &Bench, path: &str) -> String {
    let page = bench.gorgias.page(path).expect("a page");
    assert_eq!(page.status, 200, "{path}");
    page.body
}

#[track_caller]
fn has(page: &str, part: &str) {
    assert!(page.contains(part), "{part} is not in {page}");
}

#[test]
fn a_ticket_shows_its_customers_card() {
    let page = page(&bench(), "/ticket/one/5");
    for part in [
        r#"<h3 class="title">Loyalty</h3>"#,
        r#"<span class="label label-loyalty-points-available">Points</span><span class="value" data-path="loyalty.points.available">5120</span>"#,
        r#"data-path="loyalty.points.expiring_on">31 Dec 2026<"#,
        r#"<span class="label label-loyalty-tier-next">Next &lt;tier&gt;</span><span class="value" data-path="loyalty.tier.next">-</span>"#,
        r#"<span class="value" data-path="loyalty.activity.0.what">Purchase &lt;OD001&gt;</span> (<span class="value" data-path="loyalty.activity.0.points">120</span>)"#,
        r#"data-path="loyalty.activity.1.what">Birthday<"#,
        r#"<a class="link" href="https://loyalty.example.com/m/m-1?a=1&amp;b=2" data-path="loyalty.links.profile" rel="noreferrer">Open member</a>"#,
        "<title>A &amp; B</title>",
        "Ada &lt;Example&gt;",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ] {
        has(&page, part);
    }
    assert!(!page.contains("<script") && !page.contains("Old") && !page.contains("Shop"));
    let place = |part: &str| page.find(part).expect("there");
    assert!(place("Points") < place("Expiring on") && place("Expiring on") < place("Next &lt;"));
}

#[test]
fn pushed_data_and_the_customers_page() {
    let mut bench = bench();
    let custom = json!({"type": "custom", "template": template(), "context": "customer"});
    bench.ask("POST", "/widgets", &custom);
    let empty = page(&bench, "/customer/one/51000001");
    has(&empty, r#"data-source="data"><p class="empty">No data</p>"#);
    let mut data = loyalty();
    data["loyalty"]["points"]["available"] = json!(7);
    data["loyalty"]["points"]["expiring_on"] = json!("soon");
    data["loyalty"]["links"]["profile"] = json!("javascript:alert(1)");
    let body = json!({"data": data, "version": "2026-10-01T12:00:00.000000"});
    assert_eq!(bench.ask("PUT", "/customers/51000001/data", &body).0, 202);
    let full = page(&bench, "/customer/one/51000001");
    has(&full, r#"data-path="loyalty.points.available">7<"#);
    has(&full, r#"data-path="loyalty.points.expiring_on">soon<"#);
    has(&full, "#5 A &amp; B");
    assert!(!full.contains("javascript:") && !full.contains("5120"));
    assert!(!page(&bench, "/ticket/one/5").contains(r#"data-source="data""#));
    bench.no_faults();
}

#[test]
fn a_deactivated_widget_is_not_shown_and_a_page_of_nothing_is_404() {
    let mut bench = bench();
    let list = bench.get("/widgets");
    let own = &list["data"][0];
    let mut off = widget(own["integration_id"].as_u64().expect("an id"));
    off["deactivated_datetime"] = json!("2026-10-01T12:00:00");
    bench.ask("PUT", &format!("/widgets/{}", own["id"]), &off);
    assert!(!page(&bench, "/ticket/one/5").contains("5120"));
    for path in ["/ticket/one/6", "/ticket/two/5", "/customer/one/1"] {
        assert_eq!(bench.gorgias.page(path).map(|page| page.status), Some(404));
    }
    assert_eq!(bench.gorgias.page("/tickets/one/5"), None);
    bench.no_faults();
}
