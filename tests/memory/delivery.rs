//! What reaches the vendor when it answers badly, late or not at all, and what the books say afterwards.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use vendors::{Outcome, Reason};

use crate::world::{Does, World, body, value};

const KARI: &str = "kari@example.com";

async fn coupon(world: &World) {
    world.record(&body("coupon_awarded.json")).await.unwrap();
}

fn error(code: &str) -> Value {
    json!({"error": code, "message": "…"})
}

/// How many writes started an automation.
fn started(world: &World) -> usize {
    world
        .vendor
        .writes()
        .iter()
        .filter(|write| write["automation"] != false)
        .count()
}

fn status(world: &World) -> Value {
    world.row(KARI, "DELIVERY#")["status"].clone()
}

/// What the vendor does; what becomes of the message; and why.
type Case = (Does, &'static str, Option<&'static str>);

fn cases() -> Vec<Case> {
    let named = |field: &str| {
        let fields = json!({ field: ["is wrong"] });
        json!({"error": "BadRequest", "fields": fields})
    };
    vec![
        (
            Does::Answers(
                200,
                json!({"message": "Success", "suppressed": [{"id": 1}]}),
            ),
            "sent",
            None,
        ),
        (
            Does::Answers(201, json!({"message": "Success"})),
            "sent",
            None,
        ),
        (
            Does::Answers(200, error("BadRequest")),
            "rejected",
            Some("refused"),
        ),
        (
            Does::Answers(400, named("email")),
            "rejected",
            Some("invalid_address"),
        ),
        (
            Does::Answers(400, named("nothing_of_ours")),
            "rejected",
            Some("invalid_value"),
        ),
        (
            Does::Answers(400, error("BadRequest")),
            "rejected",
            Some("refused"),
        ),
        (
            Does::Answers(409, error("DuplicateSubscriber")),
            "rejected",
            Some("refused"),
        ),
        (
            Does::Answers(413, error("TooLarge")),
            "rejected",
            Some("refused"),
        ),
        (
            Does::Answers(401, error("NotAuthorized")),
            "parked",
            Some("unauthorized"),
        ),
        (
            Does::Answers(403, error("NotAuthorized")),
            "parked",
            Some("unauthorized"),
        ),
        (
            Does::Answers(404, json!({})),
            "parked",
            Some("wrong_address"),
        ),
        (
            Does::Answers(302, json!({})),
            "parked",
            Some("wrong_address"),
        ),
        (
            Does::Answers(429, json!("Too Many Attempts.")),
            "throttled",
            Some("throttled"),
        ),
        (
            Does::Answers(500, error("UnexpectedError")),
            "retry",
            Some("vendor_error"),
        ),
        (
            Does::Answers(503, json!("<html>")),
            "retry",
            Some("vendor_error"),
        ),
        (
            Does::Answers(200, json!("<html>")),
            "retry",
            Some("vendor_error"),
        ),
        (Does::Breaks, "retry", Some("no_answer")),
        (Does::Unreachable, "retry", Some("no_answer")),
    ]
}

#[tokio::test]
async fn each_answer_has_its_consequence() {
    for (number, (does, outcome, reason)) in cases().into_iter().enumerate() {
        let world = World::new().await;
        coupon(&world).await;
        world.vendor.will(does);
        let got = world.push().await[0];
        assert_eq!(
            (got.name(), got.reason().map(Reason::code)),
            (outcome, reason),
            "case {number}"
        );
        assert_eq!(
            got.wait().is_none(),
            world.waiting().is_empty(),
            "case {number}: what waits comes back"
        );
        if got.name() == "rejected" {
            let row = world.row(KARI, "DELIVERY#");
            assert_eq!(
                (&row["status"], &row["reason"]),
                (&json!("rejected"), &json!(reason.unwrap())),
                "case {number}"
            );
            assert!(
                row["wp"]
                    .as_str()
                    .unwrap()
                    .starts_with("rejected#example#rule"),
                "it is listed for a person"
            );
        } else {
            // Every trouble that passes ends with the event sent, started once.
            world.settle().await;
            assert_eq!(status(&world), "sent", "case {number}");
            assert_eq!(
                world
                    .vendor
                    .field(KARI, "Yotpo.RedemptionRewardText")
                    .is_some(),
                outcome != "sent",
                "case {number}"
            );
        }
    }
}

#[tokio::test]
async fn a_refused_value_is_left_out_and_the_rest_arrives() {
    let world = World::new().await;
    coupon(&world).await;
    let fields = json!({"Yotpo.LastPurchaseAt": ["is no date"]});
    world.vendor.will(Does::Answers(
        400,
        json!({"error": "BadRequest", "fields": fields}),
    ));
    assert_eq!(world.push().await, [Outcome::Sent]);
    let writes = world.vendor.writes();
    assert_eq!(writes.len(), 2);
    assert_eq!(value(&writes[1], "Yotpo.LastPurchaseAt"), None);
    assert_eq!(
        value(&writes[1], "Yotpo.RedemptionRewardText"),
        Some("TUR-50-QX7")
    );

    // A second objection is not argued with: refusals count towards the vendor's block.
    let world = World::new().await;
    coupon(&world).await;
    for field in ["Yotpo.LastPurchaseAt", "Yotpo.PerkID"] {
        let fields = json!({ field: ["is wrong"] });
        world.vendor.will(Does::Answers(
            400,
            json!({"error": "BadRequest", "fields": fields}),
        ));
    }
    assert_eq!(
        world.push().await,
        [Outcome::Rejected(Reason::InvalidValue)]
    );
    let writes = world.vendor.writes();
    assert_eq!(writes.len(), 3);
    assert_eq!(
        writes[2]["automation"], false,
        "the picture arrives all the same, quietly"
    );
}

#[tokio::test]
async fn a_hint_is_honoured_on_every_status_and_never_undercut() {
    let cases = [(429, "30", 30), (429, "soon", 600), (503, "200", 200)];
    for (code, after, least) in cases {
        let world = World::new().await;
        coupon(&world).await;
        world.vendor.will(Does::Asks(code, after));
        let wait = world.push().await[0].wait().unwrap();
        assert!(
            wait >= Duration::from_secs(least) && wait <= Duration::from_mins(15),
            "{code} {after}: {wait:?}"
        );
        let hidden = world.queue.hidden();
        assert_eq!(
            u64::from(hidden[0].1),
            wait.as_secs(),
            "the queue hides it that long"
        );
    }
}

#[tokio::test]
async fn what_was_booked_without_an_answer_is_not_sent_again() {
    for does in [Does::BooksInSilence, Does::BooksAndFails] {
        let world = World::new().await;
        coupon(&world).await;
        world.vendor.will(does);
        assert_eq!(world.push().await[0].name(), "retry");
        assert_eq!(status(&world), "claimed");
        world.settle().await;
        assert_eq!(started(&world), 1, "one mail");
        assert!(world.vendor.looks() >= 1, "somebody looked");
        assert_eq!(status(&world), "sent");
    }
}

#[tokio::test]
async fn what_never_arrived_is_sent_after_a_look() {
    let world = World::new().await;
    coupon(&world).await;
    world.vendor.will(Does::Breaks);
    world.settle().await;
    assert_eq!(started(&world), 2, "the first try arrived nowhere");
    assert_eq!(world.vendor.looks(), 1);
    assert_eq!(status(&world), "sent");
}

#[tokio::test]
async fn what_cannot_be_told_is_shown_to_a_person() {
    let world = World::new().await;
    coupon(&world).await;
    world.vendor.will(Does::Breaks);
    world.push().await;
    // Someone else's marker, newer than anything in our books.
    world.vendor.set_field(
        KARI,
        "Bridge.LastEvent",
        "of-someone-else#99999999999999999",
    );
    let outcomes = world.settle().await;
    assert!(outcomes.contains(&Outcome::Unconfirmed), "{outcomes:?}");
    let row = world.row(KARI, "DELIVERY#");
    assert_eq!(row["status"], "unconfirmed");
    assert!(
        row["wp"]
            .as_str()
            .unwrap()
            .starts_with("unconfirmed#example#rule")
    );
    assert!(
        row["message"].as_str().unwrap().contains("TUR-50-QX7"),
        "with what a person needs to send it"
    );
    assert_eq!(started(&world), 1, "only the try that nobody answered");
    assert_eq!(
        world.vendor.field(KARI, "Yotpo.PointsBalance").as_deref(),
        Some("700"),
        "the picture arrives all the same"
    );
}

#[tokio::test]
async fn a_store_may_ask_to_resend_what_cannot_be_told() {
    let world = World::with(json!({"on_ambiguous": {"coupon_awarded": "resend"}})).await;
    coupon(&world).await;
    world.vendor.will(Does::Breaks);
    world.push().await;
    world.vendor.set_field(
        KARI,
        "Bridge.LastEvent",
        "of-someone-else#99999999999999999",
    );
    world.settle().await;
    assert_eq!(status(&world), "sent");
    assert_eq!(started(&world), 2);
}

#[tokio::test]
async fn the_next_message_settles_what_an_earlier_one_left_open() {
    let world = World::new().await;
    coupon(&world).await;
    world.vendor.will(Does::BooksInSilence);
    world.push().await;
    // The earlier message stays away longer than its lease.
    let earlier = world.hold();
    world.clock.advance(SignedDuration::from_mins(4));
    let mut earned = body("points_earned.json");
    earned["email"] = json!(KARI);
    earned["customer"]["email"] = json!(KARI);
    world.record(&earned).await.unwrap();
    assert_eq!(world.push().await, [Outcome::Sent]);
    world.bring_back(earlier);
    world.settle().await;
    assert_eq!(world.vendor.started().len(), 2, "one for each event");
    let statuses: Vec<Value> = world
        .rows(KARI)
        .into_iter()
        .filter(|row| row["sk"].as_str().unwrap().starts_with("DELIVERY#"))
        .map(|row| row["status"].clone())
        .collect();
    assert_eq!(statuses, ["sent", "sent"]);
}

#[tokio::test]
async fn a_picture_that_went_unanswered_is_written_again_even_when_it_looks_known() {
    let world = World::with(json!({"also": ["points_changed"]})).await;
    let balance = |before: i64, points: i64| {
        let mut changed = body("points_changed.json");
        changed["email"] = json!(KARI);
        changed["customer"]["email"] = json!(KARI);
        changed["previous_balance"] = json!(before);
        changed["current_balance"] = json!(points);
        changed["customer"]["points_balance"] = json!(points);
        changed["customer"]["last_seen_at"] = json!("2026-03-04T10:00:00.000Z");
        changed
    };
    world.record(&balance(600, 500)).await.unwrap();
    world.settle().await;
    world.record(&balance(500, 400)).await.unwrap();
    world.vendor.will(Does::BooksInSilence);
    world.push().await;
    let unanswered = world.hold();
    world.clock.advance(SignedDuration::from_mins(4));
    world.record(&balance(400, 500)).await.unwrap();
    world.push().await;
    assert_eq!(
        world.vendor.field(KARI, "Yotpo.PointsBalance").as_deref(),
        Some("500")
    );
    world.bring_back(unanswered);
    world.settle().await;
    assert_eq!(
        world.vendor.field(KARI, "Yotpo.PointsBalance").as_deref(),
        Some("500")
    );
}

#[tokio::test]
async fn a_rotated_credential_is_read_once_more() {
    let world = World::new().await;
    coupon(&world).await;
    world.push().await;
    world.secrets.set(
        "bridge/example/rule",
        r#"{"v":1,"api_key":"example-key-2"}"#,
    );
    world.record(&body("points_earned.json")).await.unwrap();
    world
        .vendor
        .will(Does::Answers(401, error("NotAuthorized")));
    assert_eq!(world.push().await, [Outcome::Sent]);
}

#[tokio::test]
async fn a_refused_key_and_a_full_line_stop_the_store_and_no_other() {
    let wait = |code: u16| async move {
        let world = World::new().await;
        world.put_store("second", json!({})).await;
        let mut batch = Vec::new();
        for number in 0..8 {
            let mut earned = body("points_earned.json");
            earned["email"] = json!(format!("m{number}@example.com"));
            earned["customer"]["email"] = earned["email"].clone();
            earned["perk"]["id"] = json!(number);
            batch.push(world.delivery("example", earned.to_string().as_bytes()));
        }
        world.recorder.record(batch).await;
        for _ in 0..8 {
            world
                .vendor
                .will(Does::Answers(code, error("NotAuthorized")));
        }
        world.push().await;
        world.vendor.writes().len()
    };
    for code in [401, 429] {
        let calls = wait(code).await;
        assert!(
            calls <= 4,
            "{code}: {calls} calls; those under way at once, and no more"
        );
    }
}

#[tokio::test]
async fn a_missing_credential_keeps_the_message() {
    let world = World::new().await;
    world.secrets.set("bridge/example/rule", r#"{"v":1}"#);
    coupon(&world).await;
    assert_eq!(world.push().await, [Outcome::Parked(Reason::SecretMissing)]);
    assert_eq!(world.parked("example").await.len(), 1);
    assert!(world.vendor.writes().is_empty());
    world
        .secrets
        .set("bridge/example/rule", r#"{"v":1,"api_key":"example-key"}"#);
    world.settle().await;
    assert_eq!(status(&world), "sent");
}

#[tokio::test]
async fn secrets_that_are_down_do_not_stop_what_is_known() {
    let world = World::new().await;
    coupon(&world).await;
    world.push().await;
    world.clock.advance(SignedDuration::from_mins(10));
    world.secrets.down(true);
    world.record(&body("points_earned.json")).await.unwrap();
    assert_eq!(world.push().await, [Outcome::Sent]);
}

#[tokio::test]
async fn a_held_lease_sends_the_second_pusher_away_without_a_word_to_the_vendor() {
    let world = World::new().await;
    coupon(&world).await;
    world.vendor.will(Does::Breaks);
    world.push().await;
    let mut earned = body("points_earned.json");
    earned["email"] = json!(KARI);
    earned["customer"]["email"] = json!(KARI);
    world.record(&earned).await.unwrap();
    let before = world.vendor.writes().len();
    let outcome = world.push().await[0];
    assert_eq!(outcome.reason(), Some(Reason::LeaseHeld));
    assert_eq!(world.vendor.writes().len(), before);
}

#[tokio::test]
async fn people_who_left_are_written_quietly() {
    let world = World::new().await;
    world.record(&body("opt_out.json")).await.unwrap();
    world
        .record(&body("points_earned_opted_out.json"))
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(started(&world), 0);
    for write in world.vendor.writes() {
        assert_eq!(
            (&write["automation"], &write["sync_subscribers"]),
            (&json!(false), &json!(false))
        );
        assert_eq!(value(&write, "Bridge.LastEvent"), None);
    }
}

#[tokio::test]
async fn settings_change_tags_modes_and_who_is_written() {
    let world = World::with(json!({
        "tags": {"coupon_awarded": "Kupong"},
        "automation": {"coupon_awarded": "force", "points_earned": "quiet"},
        "yotpo_tag": "first_contact",
        "referral_friend": "require_opt_in",
        "language": "nb",
        "datetime_zone": "Europe/Oslo",
        "blank_missing": false,
        "off": ["tier_status_changed"],
        "also": ["points_changed"],
    }))
    .await;
    coupon(&world).await;
    world.settle().await;
    let first = world.vendor.writes().remove(0);
    assert_eq!(first["tags"], json!(["Kupong", "Yotpo"]));
    assert_eq!(first["automation"], "force");
    assert_eq!(first["subscribers"]["language"], "nb");
    assert_eq!(
        value(&first, "Yotpo.LastPurchaseAt"),
        Some("2026-02-20 09:00:00")
    );

    let mut earned = body("points_earned.json");
    earned["email"] = json!(KARI);
    earned["customer"]["email"] = json!(KARI);
    earned["perk"]["history_title"] = Value::Null;
    world.record(&earned).await.unwrap();
    world.settle().await;
    let second = world.vendor.writes().remove(1);
    assert_eq!(
        second["tags"],
        json!(["PointsEarned"]),
        "the catch-all tag came with the first contact"
    );
    assert_eq!(
        (&second["automation"], &second["sync_subscribers"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(value(&second, "Yotpo.PerkHistoryTitle"), None);

    world.record(&body("referral_share.json")).await.unwrap();
    world
        .record(&body("tier_status_changed.json"))
        .await
        .unwrap();
    let mut changed = body("points_changed.json");
    changed["email"] = json!(KARI);
    changed["customer"]["email"] = json!(KARI);
    changed["customer"]["last_seen_at"] = json!("2026-03-19T10:00:00.000Z");
    changed["customer"]["points_balance"] = json!(123);
    world.record(&changed).await.unwrap();
    world.settle().await;
    let rest = world.vendor.writes().split_off(2);
    assert_eq!(rest.len(), 2, "a kind that is off is not written");
    let friend = rest
        .iter()
        .find(|write| write["subscribers"]["email"] == "venn1@example.com")
        .unwrap();
    assert_eq!(friend["require_opt_in"], true);
    let picture = rest
        .iter()
        .find(|write| write["subscribers"]["email"] == KARI)
        .unwrap();
    assert_eq!(
        (
            &picture["automation"],
            value(picture, "Yotpo.PointsBalance")
        ),
        (&json!(false), Some("123"))
    );
}

#[tokio::test]
async fn old_news_updates_fields_and_starts_nothing_but_a_coupon_always_goes() {
    let world = World::new().await;
    world
        .record(&body("birthday_with_gift.json"))
        .await
        .unwrap();
    coupon(&world).await;
    world.clock.advance(SignedDuration::from_hours(6 * 24));
    world.settle().await;
    let mode = |email: &str| {
        let writes = world.vendor.writes();
        writes
            .iter()
            .find(|write| write["subscribers"]["email"] == email)
            .unwrap()["automation"]
            .clone()
    };
    assert_eq!(mode("ingrid.solberg@example.com"), false);
    assert_eq!(mode(KARI), "reset");
}

#[tokio::test]
async fn a_repeat_with_another_body_is_written_quietly() {
    let world = World::new().await;
    coupon(&world).await;
    world.settle().await;
    let mut again = body("coupon_awarded.json");
    again["redemption"]["reward_text"] = json!("TUR-50-NEW");
    again["customer"]["last_seen_at"] = json!("2026-03-04T11:00:00.000Z");
    again["customer"]["points_balance"] = json!(650);
    world.record(&again).await.unwrap();
    world.settle().await;
    assert_eq!(started(&world), 1);
    assert_eq!(
        world
            .vendor
            .field(KARI, "Yotpo.RedemptionRewardText")
            .as_deref(),
        Some("TUR-50-NEW")
    );
    assert_eq!(
        world.vendor.field(KARI, "Yotpo.PointsBalance").as_deref(),
        Some("650")
    );
}

#[tokio::test]
async fn an_unreadable_message_harms_no_neighbour() {
    let world = World::new().await;
    coupon(&world).await;
    world.record(&body("points_earned.json")).await.unwrap();
    let mut bodies = world.queue.take(crate::world::RULE_QUEUE);
    bodies.insert(1, "not a message".to_owned());
    let received: Vec<_> = bodies
        .into_iter()
        .map(|body| delivery::Received {
            receipt: "r".to_owned(),
            body,
            receives: 1,
        })
        .collect();
    let deadline = platform::Deadline::after(SignedDuration::from_secs(60), &*world.clock);
    let outcomes = world.pusher.push(&received, deadline).await;
    assert_eq!(outcomes[0], Outcome::Sent);
    assert_eq!(outcomes[1].reason(), Some(Reason::UnreadableMessage));
    assert!(outcomes[1].wait().is_some());
    assert_eq!(outcomes[2], Outcome::Sent);
}

#[tokio::test]
async fn too_little_time_is_no_reason_to_begin() {
    let world = World::new().await;
    coupon(&world).await;
    let body = world.queue.take(crate::world::RULE_QUEUE).remove(0);
    let received = [delivery::Received {
        receipt: "r".to_owned(),
        body,
        receives: 1,
    }];
    let deadline = platform::Deadline::after(SignedDuration::from_secs(20), &*world.clock);
    let outcomes = world.pusher.push(&received, deadline).await;
    assert_eq!(outcomes[0].reason(), Some(Reason::OutOfTime));
    assert!(world.vendor.writes().is_empty());
    assert!(
        world
            .rows(KARI)
            .iter()
            .all(|row| !row["sk"].as_str().unwrap().starts_with("SYNC#")),
        "nothing is held"
    );
}

#[tokio::test]
async fn an_event_costs_five_write_units_at_most_and_one_call() {
    let world = World::new().await;
    coupon(&world).await;
    world.table.take_usage();
    assert_eq!(world.push().await, [Outcome::Sent]);
    let usage = world.table.take_usage();
    println!("push-rule, event with automation: {usage:?}");
    assert!(usage.write_units <= 5, "{usage:?}");
    assert_eq!(world.vendor.writes().len(), 1);
    assert_eq!(world.vendor.looks(), 0);
}
