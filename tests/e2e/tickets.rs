//! Cards beside tickets: what an agent sees, what a wrong request is answered, and what becomes of it when somebody is slow.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bridge_tests::browser::{self, Browser};
use bridge_tests::http::{self, Reply};
use bridge_tests::local::proxy::End;
use bridge_tests::local::stores;
use bridge_tests::local::tickets::{Desk, KNOWN, MEMBER, SHOWN, UNKNOWN, pictures};
use bridge_tests::say;
use bridge_tests::trouble::Result;
use bridge_tests::world::{World, wait_until};
use serde_json::{Value, json};

use crate::{world, world_alone};

/// Every answer is out by then: two seconds, and what the emulator takes to start a function.
const ANSWERED: Duration = Duration::from_secs(4);

async fn desk<'a>(
    stack: &'a mut bridge_tests::local::stack::Stack,
    name: &str,
    change: impl FnOnce(&mut Value),
) -> Result<Desk<'a>> {
    Desk::open(stack, |document| {
        document["store"] = name.into();
        change(document);
    })
    .await
}

/// Asks for a card as Gorgias would, with this query.
async fn asked(world: &World, store: &str, query: &str) -> Result<Reply> {
    let token = stores::token(store, "gorgias");
    let url = format!("{}/gorgias/{store}/member?{query}", world.stack.api_url);
    http::get(&url)
        .header("authorization", format!("Bearer {token}"))
        .send()
        .await
}

async fn card(world: &World, store: &str, email: &str) -> Result<Value> {
    let reply = asked(
        world,
        store,
        &format!("email={}", email.replace('@', "%40")),
    )
    .await?;
    assert_eq!(reply.status, 200, "{}", reply.text);
    Ok(reply.json()?["loyalty"].take())
}

#[tokio::test]
async fn what_stands_beside_each_ticket_is_read_by_a_browser() -> Result<()> {
    let world = world().await;
    let mut stack = world.stack.clone();
    let desk = desk(&mut stack, "tickets-seen", |_| ()).await?;
    let folder = pictures().join("e2e");
    let Some(browser) = Browser::start(&folder).await? else {
        // Written past the test's own output, which nobody sees.
        say::problem(browser::MISSING);
        return Ok(());
    };
    for encoding in ["percent", "raw", "plus"] {
        desk.order("gorgias", "encoding", json!({"encoding": encoding}))
            .await?;
        for shown in &SHOWN {
            let trigger = if encoding == "percent" {
                "ticket-created"
            } else {
                "ticket-updated"
            };
            let fired = desk.ticket(shown.ticket, shown.email, trigger).await?;
            assert_eq!(fired["fired"][0]["status"], 200, "{fired}");
            let wrong = desk.differences(&browser, shown).await?;
            assert!(wrong.is_empty(), "{} ({encoding}): {wrong:?}", shown.title);
            browser
                .picture(&folder.join(format!("{}.png", shown.ticket)))
                .await?;
        }
    }
    let labels = browser.texts(".label").await?;
    for label in ["Loyalty", "Since", "Points", "Spend to it", "As of"] {
        assert!(
            labels.iter().any(|text| text == label),
            "{label}: {labels:?}"
        );
    }
    drop(browser);
    for vendor in ["gorgias", "annexcloud"] {
        assert_eq!(desk.show(vendor, "faults").await?, json!([]), "{vendor}");
    }
    Ok(())
}

#[tokio::test]
async fn an_odd_address_is_answered_with_a_card_that_says_so() -> Result<()> {
    let world = world().await;
    let mut stack = world.stack.clone();
    let name = "tickets-odd";
    let desk = desk(&mut stack, name, |_| ()).await?;
    let long = format!("email={}@example.com", "k".repeat(3_000));
    for (query, status) in [
        ("", "invalid email"),
        ("email=", "invalid email"),
        ("email=%20", "invalid email"),
        ("email={{ticket.customer.email}}", "invalid email"),
        ("email=no-address", "invalid email"),
        ("email=a%40b%40example.com", "invalid email"),
        (&long, "invalid email"),
        ("email=KARI%40Example.COM", "member"),
        ("email=kari@example.com", "member"),
        ("email=%20kari%40example.com%20", "member"),
        ("email=kari%2Btur%40example.com", "not a member"),
        ("email=kari+tur@example.com", "not a member"),
        ("email=%00%40example.com", "invalid email"),
        ("email=%ff%fe%40example.com", "not a member"),
    ] {
        let begun = Instant::now();
        let reply = asked(&world, name, query).await?;
        assert_eq!(reply.status, 200, "{query}: {}", reply.text);
        assert_eq!(reply.json()?["loyalty"]["status"], status, "{query}");
        assert!(reply.text.len() < 8 * 1024, "{query}");
        assert!(begun.elapsed() < ANSWERED, "{query}");
    }
    // A body says the same.
    let token = stores::token(name, "gorgias");
    let url = format!("{}/gorgias/{name}/member", world.stack.api_url);
    for body in [
        json!({"email": KNOWN}).to_string(),
        json!({"ticket": {"id": 7, "customer": {"email": KNOWN}}}).to_string(),
        "email=kari%40example.com".to_owned(),
    ] {
        let reply = http::post(&url)
            .header("authorization", token.as_str())
            .body(body.clone())
            .send()
            .await?;
        assert_eq!(reply.json()?["loyalty"]["status"], "member", "{body}");
    }
    drop(desk);
    Ok(())
}

#[tokio::test]
async fn only_a_wrong_credential_is_401_and_it_leaves_its_headers_names() -> Result<()> {
    let world = world().await;
    let mut stack = world.stack.clone();
    let name = "tickets-door";
    let desk = desk(&mut stack, name, |_| ()).await?;
    let base = &world.stack.api_url;
    let token = stores::token(name, "gorgias");
    let url = format!("{base}/gorgias/{name}/member?email=kari%40example.com");
    let access = |site: &str| STANDARD.encode(json!([token, site]).to_string());
    let own = format!("Bearer {}", access("5550001"));
    for (header, value, status) in [
        ("authorization", token.as_str(), 200),
        ("authorization", own.as_str(), 200),
        ("x-api-key", token.as_str(), 200),
        ("authorization", "Bearer wrong", 401),
        ("authorization", "", 401),
        ("x-secret-of-ours", token.as_str(), 401),
    ] {
        let reply = http::get(&url).header(header, value).send().await?;
        assert_eq!(reply.status, status, "{header}: {}", reply.text);
        if status == 401 {
            assert_eq!(reply.text, "{}");
        }
    }
    for store in ["nobody-here", "No%20Store", "tickets-door2"] {
        let url = format!("{base}/gorgias/{store}/member?email=kari%40example.com");
        let reply = http::get(&url)
            .header("authorization", token.as_str())
            .send()
            .await?;
        assert_eq!(reply.status, 401, "{store}");
        assert_eq!(
            world.items(store).await?,
            Vec::<Value>::new(),
            "{store} leaves no row"
        );
    }
    let checked = desk.ask(json!({"command": "check", "store": name})).await?;
    let told = &checked["destinations"][0]["asked"];
    assert!(
        told["last_accepted"].is_string() && told["last_refused"].is_string(),
        "{told}"
    );
    let headers = told["refused_headers"].as_array().expect("names");
    assert!(
        headers.contains(&json!("authorization")) || headers.contains(&json!("x-secret-of-ours")),
        "{headers:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_table_that_is_down_is_a_card_that_says_so() -> Result<()> {
    let world = world_alone().await;
    let mut stack = world.stack.clone();
    let name = "tickets-down";
    let desk = desk(&mut stack, name, |_| ()).await?;
    assert_eq!(card(&world, name, KNOWN).await?["status"], "member");
    for end in [End::Throttled, End::Failed, End::Broken] {
        world.fail("DynamoDB_20120810.", end, 10_000).await?;
        let begun = Instant::now();
        assert_eq!(
            card(&world, name, KNOWN).await?["status"],
            "unavailable",
            "{end:?}"
        );
        assert!(begun.elapsed() < ANSWERED, "{end:?}");
        world.mend().await?;
    }
    assert_eq!(card(&world, name, KNOWN).await?["status"], "member");
    drop(desk);
    Ok(())
}

#[tokio::test]
async fn annex_cloud_in_trouble_is_waited_for_no_longer_than_a_ticket_may_wait() -> Result<()> {
    let world = world().await;
    let html = "<html><body>Not Found</body></html>";
    for (number, order, comes) in [
        (0, json!({"book": true, "slow_ms": 3000}), true),
        (1, json!({"status": 500, "body": {}}), true),
        (
            2,
            json!({"status": 404, "body": {"errorCode": "AC1001", "errorMessage": "Something went wrong"}}),
            true,
        ),
        (
            3,
            json!({"status": 401, "body": {"errorCode": "AC1002", "errorMessage": "Not authorised"}}),
            false,
        ),
        (
            4,
            json!({"status": 404, "body": html, "headers": {"content-type": "text/html"}}),
            false,
        ),
        (5, json!({"then": "reset"}), true),
        (6, json!({"then": "hang"}), true),
    ] {
        let name = format!("tickets-slow-{number}");
        let mut stack = world.stack.clone();
        desk(&mut stack, &name, |_| ()).await?;
        let mut scripted = order.clone();
        // Three questions, and once more three where what was refused is signed anew.
        let refused = order["status"] == 401;
        scripted["times"] = if refused { 6 } else { 3 }.into();
        scripted["match"] = json!({"account": name});
        let call = http::post(&format!("{}/script", world.stack.vendors["annexcloud"].url));
        assert_eq!(
            call.body(scripted.to_string()).send().await?.status,
            204,
            "{order}"
        );
        let begun = Instant::now();
        let shown = card(&world, &name, MEMBER).await?;
        assert_eq!(shown["status"], "unavailable", "{order}");
        assert!(begun.elapsed() < ANSWERED, "{order}: {:?}", begun.elapsed());
        // Another ticket's customer is shown as ever.
        assert_eq!(
            card(&world, &name, KNOWN).await?["status"],
            "member",
            "{order}"
        );
        if comes {
            wait_until("a later ticket shows the member", async || {
                let shown = card(&world, &name, MEMBER).await?;
                Ok((shown["status"] == "member").then_some(()))
            })
            .await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn thirty_triggers_of_one_ticket_make_a_member_once() -> Result<()> {
    let world = world().await;
    let mut stack = world.stack.clone();
    let name = "tickets-enrol";
    let desk = desk(&mut stack, name, |document| {
        document["sources"]["annexcloud"] = json!({
            "enrol_on_ticket": true, "never_enrol": {"domains": ["shop.example.com"]},
        });
        document["destinations"]["annexcloud"] = json!({});
    })
    .await?;
    for trigger in ["ticket-created", "ticket-updated", "ticket-message-created"].repeat(10) {
        let fired = desk.ticket(7100, UNKNOWN, trigger).await?;
        assert_eq!(fired["fired"][0]["status"], 200, "{fired}");
    }
    for nobody in ["no-reply@example.com", "support@shop.example.com"] {
        desk.ticket(7101, nobody, "ticket-created").await?;
    }
    let shown = wait_until("the customer is a member", async || {
        let received = desk.show("annexcloud", "members-state").await?;
        let members = received.as_object().cloned().unwrap_or_default();
        Ok(members.contains_key(UNKNOWN).then_some(members))
    })
    .await?;
    assert_eq!(
        shown.len(),
        2,
        "the member from before, and one more: {shown:?}"
    );
    assert_eq!(shown[UNKNOWN]["user"]["optInStatus"], "YES");
    assert_eq!(shown[UNKNOWN]["user"]["lastName"], "Customer", "{shown:?}");
    wait_until("the card shows them", async || {
        let shown = card(&world, name, UNKNOWN).await?;
        Ok((shown["status"] == "member").then_some(()))
    })
    .await?;
    let received = desk.show("annexcloud", "received").await?;
    let made = received.as_array().into_iter().flatten();
    let made = made.filter(|entry| entry["method"] == "POST" && entry["path"] == "/api/3.0/users");
    assert_eq!(made.count(), 1);
    let audits = world.items(name).await?.into_iter().filter(|item| {
        item["command"] == "enrol_on_ticket"
            && item["sk"]
                .as_str()
                .is_some_and(|sk| sk.starts_with("AUDIT#"))
    });
    let audits: Vec<Value> = audits.collect();
    assert_eq!(audits.len(), 1, "{audits:?}");
    assert!(!json!(audits).to_string().contains(UNKNOWN));
    assert_eq!(desk.show("annexcloud", "faults").await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn a_customer_record_follows_the_member_and_is_emptied_with_them() -> Result<()> {
    let world = world_alone().await;
    let mut stack = world.stack.clone();
    let name = "tickets-push";
    let desk = desk(&mut stack, name, |_| ()).await?;
    let customer = json!({"customer": {"id": 51, "email": "kari.private@example.com", "addresses": [KNOWN], "name": "Kari"}});
    desk.order("gorgias", "customers-put", customer).await?;
    let data = async || {
        let customers = desk.show("gorgias", "customers-state").await?;
        Ok::<_, bridge_tests::trouble::Trouble>(customers["51"]["data"].clone())
    };
    world.forward(Duration::from_secs(20))?;
    wait_until("the customer's data is written", async || {
        Ok((data().await?["loyalty"]["points"]["available"] == 1230).then_some(()))
    })
    .await?;
    desk.ticket(7200, KNOWN, "ticket-created").await?;
    let erased = desk
        .ask(json!({
            "command": "erase", "store": name, "email": KNOWN, "by": "kari", "why": "asked to", "confirm": true,
        }))
        .await?;
    assert_eq!(erased["ok"], true, "{erased}");
    let fired = desk.ticket(7200, KNOWN, "ticket-updated").await?;
    assert_eq!(fired["fired"][0]["status"], 200);
    let shown = card(&world, name, KNOWN).await?;
    assert_eq!(
        (&shown["status"], &shown["name"]),
        (&json!("not a member"), &json!(null))
    );
    world.forward(Duration::from_secs(20))?;
    wait_until("the customer's data is empty", async || {
        Ok((data().await? == json!({})).then_some(()))
    })
    .await?;
    let page = http::get(&desk.page(7200)?).send().await?;
    assert!(
        !page.text.contains("Nordmann") && !page.text.contains("1230"),
        "{}",
        page.text
    );
    for vendor in ["gorgias", "annexcloud"] {
        assert_eq!(desk.show(vendor, "faults").await?, json!([]), "{vendor}");
    }
    Ok(())
}
