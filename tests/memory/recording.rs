//! What the table holds after bad input and odd orders, and that neighbours are unharmed.

use bridge_tests::picture::told;
use jiff::SignedDuration;
use loyalty::{Email, HashKey, Kind};
use recording::{Failure, Recorded};
use serde_json::{Value, json};
use vendors::{
    Envelope, Inbound, Inlet, Read, Reason, Reception, Refusal, Source, Store, yotpo::Yotpo,
};

use crate::world::{RULE_QUEUE, World, body, value};

const KARI: &str = "kari@example.com";

/// News of Kari as Yotpo sends it, last seen at this instant.
fn news(topic: &str, seen: &str, more: &Value) -> Value {
    let mut body = json!({
        "topic": topic,
        "email": KARI,
        "customer": {"email": KARI, "first_name": "Kari", "points_balance": 700, "last_seen_at": seen},
    });
    merge(&mut body, more);
    body
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

fn changed(seen: &str, balance: i64) -> Value {
    news(
        "swell/points/changed",
        seen,
        &json!({"current_balance": balance, "customer": {"points_balance": balance}}),
    )
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with results")]
fn recorded(repeat: bool) -> Result<Recorded, Failure> {
    Ok(Recorded::Event { repeat })
}

#[tokio::test]
async fn points_of_noon_survive_a_tier_of_ten_that_comes_later() {
    let world = World::new().await;
    let noon = news(
        "swell/points/earned",
        "2026-03-04T12:00:00.000Z",
        &json!({"perk": {"id": 1}}),
    );
    let ten = news(
        "swell/tier/earned",
        "2026-03-04T10:00:00.000Z",
        &json!({"customer": {"points_balance": 200}, "new_tier": {"id": 2, "name": "Fjell"}}),
    );
    world.record(&noon).await.unwrap();
    world.record(&ten).await.unwrap();
    assert_eq!(world.key(KARI, "points_available"), 700);
    assert_eq!(world.key(KARI, "tier"), "Fjell");
    world.settle().await;
    for write in world.vendor.writes() {
        assert_eq!(
            value(&write, "Yotpo.PointsBalance"),
            Some("700"),
            "never backwards"
        );
    }
}

#[tokio::test]
async fn partial_news_of_two_kinds_gives_the_same_picture_in_both_orders() {
    let points = changed("2026-03-04T11:00:00.000Z", 500);
    let tier = news(
        "swell/tier/status/changed",
        "2026-03-04T10:00:00.000Z",
        &json!({"customer": {"last_name": "Nordmann"}, "vip_stats": {"pointsEarned": 320}}),
    );
    let mut pictures = Vec::new();
    for order in [[&points, &tier], [&tier, &points]] {
        let world = World::new().await;
        for body in order {
            world.record(body).await.unwrap();
        }
        let keys = [
            "first_name",
            "last_name",
            "points_available",
            "points_qualified",
            "last_seen_at",
        ];
        pictures.push(keys.map(|key| world.key(KARI, key)));
    }
    assert_eq!(pictures[0], pictures[1]);
    assert_eq!(
        pictures[0],
        [
            json!("Kari"),
            json!("Nordmann"),
            json!(500),
            json!(320),
            json!("2026-03-04T11:00:00Z")
        ]
    );
}

#[tokio::test]
async fn a_duplicate_starts_nothing_until_its_guard_ends() {
    let world = World::new().await;
    let coupon = body("coupon_redeemed.json");
    assert_eq!(world.record(&coupon).await, recorded(false));
    assert_eq!(world.record(&coupon).await, recorded(true));
    world.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(world.record(&coupon).await, recorded(true));
    world.settle().await;
    assert_eq!(world.vendor.writes().len(), 1, "at once and a day later");

    // Thirty days on the guard has ended; the row still stands, because nothing here sweeps it.
    world.clock.advance(SignedDuration::from_hours(30 * 24));
    assert_eq!(world.record(&coupon).await, recorded(false));
    world.settle().await;
    let writes = world.vendor.writes();
    assert_eq!(writes.len(), 2, "a coupon always goes");
    assert_ne!(
        value(&writes[0], "Bridge.LastEvent"),
        value(&writes[1], "Bridge.LastEvent")
    );
}

#[tokio::test]
async fn an_old_duplicate_never_looks_newer_than_what_came_after_it() {
    let world = World::new().await;
    let seen = "2026-03-04T10:00:00.000Z";
    let first = news("swell/points/earned", seen, &json!({"perk": {"id": 5}}));
    world.record(&first).await.unwrap();
    world.record(&changed(seen, 400)).await.unwrap();
    world.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(world.record(&first).await, recorded(true));
    assert_eq!(world.key(KARI, "points_available"), 400);
}

#[tokio::test]
async fn the_last_word_about_joining_counts_even_when_it_was_said_before() {
    let world = World::new().await;
    let seen = "2026-03-04T10:00:00.000Z";
    let opt = |topic: &str, is: bool| {
        news(
            topic,
            seen,
            &json!({"customer": {"is_opt_in": is, "loyalty_opt_in_date": "2026-03-04"}}),
        )
    };
    for (topic, is) in [
        ("loyalty/opt_in", true),
        ("loyalty/opt_out", false),
        ("loyalty/opt_in", true),
    ] {
        world.record(&opt(topic, is)).await.unwrap();
        assert_eq!(world.key(KARI, "opt_in"), is);
        world.settle().await;
        assert_eq!(
            world.vendor.field(KARI, "Yotpo.OptIn"),
            Some(is.to_string())
        );
    }
    let modes: Vec<Value> = world
        .vendor
        .writes()
        .iter()
        .map(|write| write["automation"].clone())
        .collect();
    assert_eq!(
        modes,
        [json!("reset"), json!(false), json!(false)],
        "one welcome a day"
    );
}

#[tokio::test]
async fn leaving_always_counts_as_leaving() {
    let world = World::new().await;
    let stale = news(
        "loyalty/opt_out",
        "2026-03-04T10:00:00.000Z",
        &json!({"customer": {"is_opt_in": true}}),
    );
    world.record(&stale).await.unwrap();
    assert_eq!(world.key(KARI, "opt_in"), false);
}

#[tokio::test]
async fn one_person_in_two_stores_is_two_members() {
    let world = World::new().await;
    world.put_store("second", json!({})).await;
    let body = changed("2026-03-04T10:00:00.000Z", 100).to_string();
    let second = changed("2026-03-04T10:00:00.000Z", 900).to_string();
    let batch = vec![
        world.delivery("example", body.as_bytes()),
        world.delivery("second", second.as_bytes()),
    ];
    let results = world.recorder.record(batch).await;
    assert!(results.iter().all(Result::is_ok));
    let balance = |store: &str| {
        let rows = world.partition(&format!("MEMBER#{store}#{KARI}"));
        let state = rows.iter().find(|row| row["sk"] == "STATE").unwrap();
        told(state, "points_available")
    };
    assert_eq!(
        (balance("example"), balance("second")),
        (json!(100), json!(900))
    );
}

#[tokio::test]
async fn what_nobody_can_use_is_kept_whole() {
    let world = World::new().await;
    let cases = [
        (
            json!({"topic": "swell/account/created", "email": KARI}),
            Reason::UnknownTopic,
        ),
        (json!({"email": KARI}), Reason::NoTopic),
        (json!({"topic": null}), Reason::NoTopic),
        (
            json!({"topic": "swell/points/earned", "perk": {"id": 1}}),
            Reason::NoPerson,
        ),
        (
            json!({"topic": "swell/points/earned", "email": "nobody", "customer": {"email": "@"}}),
            Reason::NoPerson,
        ),
        (
            json!({"topic": "swell/referral/share", "from": KARI, "customer": {"email": KARI}}),
            Reason::NoPerson,
        ),
    ];
    for (body, reason) in &cases {
        assert_eq!(
            world.record(body).await,
            Ok(Recorded::Kept(*reason)),
            "{body}"
        );
    }
    let kept = world.partition("STORE#example");
    assert_eq!(kept.len(), cases.len());
    for (row, (_, reason)) in kept.iter().zip(&cases) {
        assert_eq!(row["reason"], reason.code());
        assert!(
            row["body"]
                .as_array()
                .is_some_and(|bytes| !bytes.is_empty()),
            "the body is kept"
        );
    }
    assert!(world.queue.take(RULE_QUEUE).is_empty());
    assert!(world.rows(KARI).is_empty());
}

#[tokio::test]
async fn an_emptying_pool_of_codes_is_a_notice_to_a_person() {
    let world = World::new().await;
    assert_eq!(
        world.record(&body("below_threshold.json")).await,
        Ok(Recorded::Notice)
    );
    let kept = world.partition("STORE#example");
    assert!(
        kept[0]["notice"]
            .as_str()
            .unwrap()
            .contains("unused coupon codes")
    );
}

#[tokio::test]
async fn null_everywhere_says_nothing_and_harms_nothing() {
    let world = World::new().await;
    world.record(&body("coupon_awarded.json")).await.unwrap();
    let mut nulls = body("coupon_awarded.json");
    for (key, value) in nulls.as_object_mut().unwrap() {
        match value {
            Value::Object(inner) => inner.values_mut().for_each(|value| *value = Value::Null),
            value if key != "topic" && key != "email" => *value = Value::Null,
            _ => {}
        }
    }
    assert_eq!(world.record(&nulls).await, recorded(false));
    assert_eq!(
        world.key(KARI, "points_available"),
        700,
        "a balance cannot be none"
    );
    world.settle().await;
    let last = world.vendor.writes().pop().unwrap();
    assert_eq!(
        value(&last, "Yotpo.RedemptionRewardText"),
        Some(""),
        "no coupon is blanked, not left over"
    );
}

#[tokio::test]
async fn numbers_as_text_and_odd_characters_are_taken() {
    let world = World::new().await;
    let odd = news(
        "swell/points/earned",
        "2026-03-04T10:00:00.000Z",
        &json!({"perk": {"id": "77", "reward_points": "50"},
                "customer": {"points_balance": "1234", "first_name": "K\u{0}ri\u{fffe}"}}),
    );
    assert_eq!(world.record(&odd).await, recorded(false));
    assert_eq!(world.key(KARI, "points_available"), 1234);
    assert_eq!(world.key(KARI, "first_name"), "K\u{0}ri\u{fffe}");
    world.settle().await;
    assert_eq!(
        world
            .vendor
            .field(KARI, "Yotpo.PerkRewardPoints")
            .as_deref(),
        Some("50")
    );
}

#[tokio::test]
async fn a_person_without_an_address_is_found_again_by_their_id() {
    let world = World::new().await;
    let with_email = news(
        "swell/points/earned",
        "2026-03-04T10:00:00.000Z",
        &json!({"perk": {"id": 1}, "customer": {"third_party_id": "c-1"}}),
    );
    world.record(&with_email).await.unwrap();
    let mut without = changed("2026-03-04T11:00:00.000Z", 900);
    without["email"] = Value::Null;
    without["customer"]["email"] = Value::Null;
    without["customer"]["third_party_id"] = json!("c-1");
    world.record(&without).await.unwrap();
    assert_eq!(world.key(KARI, "points_available"), 900);

    without["customer"]["thirty_party_id"] = json!("c-2");
    without["customer"]
        .as_object_mut()
        .unwrap()
        .remove("third_party_id");
    world.record(&without).await.unwrap();
    assert_eq!(world.key("yotpo:c-2", "points_available"), 900);
}

#[tokio::test]
async fn a_friend_is_a_contact_and_the_sharer_is_not_touched() {
    let world = World::new().await;
    world.record(&body("referral_share.json")).await.unwrap();
    let friend = world.row("venn1@example.com", "STATE");
    assert_eq!(friend["member"]["role"], "contact");
    assert_eq!(friend["member"].get("points_available"), None);
    assert_eq!(friend["member"].get("first_name"), None);
    world.settle().await;
    let write = world.vendor.writes().remove(0);
    assert_eq!(write["subscribers"]["email"], "venn1@example.com");
    assert_eq!(value(&write, "Subscriber.FirstName"), None);

    // The friend joins: a member from then on, whatever else is shared with them.
    let mut joins = body("opt_in.json");
    joins["email"] = json!("venn1@example.com");
    joins["customer"]["email"] = json!("venn1@example.com");
    world.record(&joins).await.unwrap();
    world.clock.advance(SignedDuration::from_hours(25));
    world.record(&body("referral_share.json")).await.unwrap();
    assert_eq!(
        world.row("venn1@example.com", "STATE")["member"]["role"],
        "member"
    );
}

#[tokio::test]
async fn one_bad_delivery_in_ten_changes_nothing_for_the_others() {
    let world = World::new().await;
    let mut batch: Vec<_> = (0..10)
        .map(|number| {
            let mut body = changed("2026-03-04T10:00:00.000Z", number);
            body["email"] = json!(format!("member{number}@example.com"));
            body["customer"]["email"] = body["email"].clone();
            world.delivery("example", body.to_string().as_bytes())
        })
        .collect();
    batch[3].body = "not an envelope".to_owned();
    let damaged: Value = serde_json::from_str(&batch[6].body).unwrap();
    batch[6].body = Value::Object(
        damaged
            .as_object()
            .unwrap()
            .clone()
            .into_iter()
            .map(|(key, value)| {
                if key == "body" {
                    (key, json!("***"))
                } else {
                    (key, value)
                }
            })
            .collect(),
    )
    .to_string();
    let results = world.recorder.record(batch).await;
    for (number, result) in results.iter().enumerate() {
        let expected = if [3, 6].contains(&number) {
            Err(Failure(Reason::UnreadableMessage))
        } else {
            recorded(false)
        };
        assert_eq!(*result, expected, "{number}");
        assert_eq!(
            world
                .rows(&format!("member{number}@example.com"))
                .is_empty(),
            expected.is_err()
        );
    }
}

/// A source whose reader breaks on one body.
struct Fragile;

impl Source for Fragile {
    fn name(&self) -> &'static str {
        "yotpo"
    }
    fn authenticate(&self, _: &Inbound, _: &Inlet) -> Result<(), Refusal> {
        Ok(())
    }
    fn trim(&self, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        Ok(body.to_vec())
    }
    fn delivery_id(&self, _: &Inbound) -> Option<String> {
        None
    }
    fn read(&self, envelope: &Envelope, body: &[u8], store: &Store, key: &HashKey) -> Read {
        assert!(
            !body.starts_with(b"{\"breaks\""),
            "a body that breaks the reader"
        );
        Yotpo.read(envelope, body, store, key)
    }
    fn reply(&self, _: Reception) -> u16 {
        200
    }
    fn example(&self, _: Kind, _: &Email, _: jiff::Timestamp, _: i64) -> Option<Value> {
        None
    }
}

#[tokio::test]
async fn a_panic_in_one_record_gives_only_that_record_back() {
    let mut world = World::new().await;
    world.recorder.source = |_| Some(&Fragile);
    let good = changed("2026-03-04T10:00:00.000Z", 5).to_string();
    let batch = vec![
        world.delivery("example", br#"{"breaks": true}"#),
        world.delivery("example", good.as_bytes()),
    ];
    let results = world.recorder.record(batch).await;
    assert_eq!(results, [Err(Failure(Reason::Panicked)), recorded(false)]);
    assert_eq!(world.key(KARI, "points_available"), 5);
}

#[tokio::test]
async fn a_store_without_settings_waits_and_a_source_that_is_off_is_kept() {
    let world = World::new().await;
    let body = changed("2026-03-04T10:00:00.000Z", 5).to_string();
    let unknown = world.delivery("nobody", body.as_bytes());
    assert_eq!(
        world.recorder.record(vec![unknown]).await,
        [Err(Failure(Reason::StoreMissing))]
    );

    let document = json!({"v": 1, "store": "quiet", "name": "Q", "currency": "NOK", "locale": "nb-NO",
        "time_zone": "Europe/Oslo", "sources": {"yotpo": {"on": false}}});
    let id = loyalty::StoreId::parse("quiet").unwrap();
    world.recorder.stores.put(&id, &document).await.unwrap();
    let off = world.delivery("quiet", body.as_bytes());
    assert_eq!(
        world.recorder.record(vec![off]).await,
        [Ok(Recorded::Kept(Reason::SourceOff))]
    );
}

#[tokio::test]
async fn two_recorders_at_once_lose_nothing_of_each_other() {
    let world = World::with(json!({"also": ["points_changed"]})).await;
    world
        .record(&changed("2026-03-04T09:00:00.000Z", 100))
        .await
        .unwrap();
    let tier = news(
        "swell/tier/earned",
        "2026-03-04T10:00:00.000Z",
        &json!({"new_tier": {"id": 2, "name": "Fjell"}}),
    );
    let points = changed("2026-03-04T11:00:00.000Z", 300);
    // Each pair meets another interleaving, because the second starts some calls later.
    for later in 0..8 {
        let number = 300 + later;
        let mut points = points.clone();
        points["customer"]["points_balance"] = json!(number);
        points["customer"]["last_seen_at"] = json!(format!("2026-03-04T11:00:0{later}.000Z"));
        let mut tier = tier.clone();
        tier["new_tier"]["name"] = json!(format!("Fjell {later}"));
        tier["new_tier"]["id"] = json!(later);
        tier["customer"]["last_seen_at"] = json!(format!("2026-03-04T10:00:0{later}.000Z"));
        let first = world.delivery("example", points.to_string().as_bytes());
        let second = world.delivery("example", tier.to_string().as_bytes());
        let late = async {
            for _ in 0..later {
                tokio::task::yield_now().await;
            }
            world.recorder.record(vec![second]).await
        };
        let (one, two) = tokio::join!(world.recorder.record(vec![first]), late);
        assert_eq!((one, two), (vec![recorded(false)], vec![recorded(false)]));
        assert_eq!(world.key(KARI, "points_available"), number, "{later}");
        assert_eq!(world.key(KARI, "tier"), format!("Fjell {later}"));
        world.settle().await;
        let balance = world.vendor.field(KARI, "Yotpo.PointsBalance");
        assert_eq!(balance, Some(number.to_string()), "{later}");
    }
}

#[tokio::test]
async fn a_destination_that_is_wanted_only_the_second_time_is_told() {
    let world = World::with(json!({"also": ["points_changed"]})).await;
    let as_old_as_its_arrival = |number: i64| {
        let mut body = changed("", 300);
        body["customer"]
            .as_object_mut()
            .unwrap()
            .remove("last_seen_at");
        body["difference"] = json!(number);
        body
    };
    world.record(&as_old_as_its_arrival(1)).await.unwrap();
    world.clock.advance(SignedDuration::from_hours(2));
    // E repeats the balance that is known: nothing changes, and nobody need hear of it. It stops before its picture is
    // written: after the picture's reading and the event's row.
    let e = as_old_as_its_arrival(2).to_string();
    let e = world.delivery("example", e.as_bytes());
    world.fuse.fail_once(3, false);
    let stopped = world.recorder.record(vec![e.clone()]).await;
    assert_eq!(stopped, [Err(Failure(Reason::TableUnavailable))]);
    world.fuse.mend();
    // Meanwhile older news with another balance is written, and the vendor has it. Now E does change the balance.
    world
        .record(&changed("2026-03-20T13:00:00.000Z", 500))
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(
        world.vendor.field(KARI, "Yotpo.PointsBalance").as_deref(),
        Some("500")
    );
    assert_eq!(world.recorder.record(vec![e]).await, [recorded(true)]);
    world.settle().await;
    assert_eq!(world.key(KARI, "points_available"), 300);
    assert_eq!(
        world.vendor.field(KARI, "Yotpo.PointsBalance").as_deref(),
        Some("300")
    );
}

#[tokio::test]
async fn a_panic_while_writing_gives_only_that_member_back() {
    let world = World::new().await;
    let bodies = ["one@example.com", "two@example.com"].map(|email| {
        let mut body = changed("2026-03-04T10:00:00.000Z", 5);
        body["email"] = json!(email);
        body["customer"]["email"] = json!(email);
        body.to_string()
    });
    let batch: Vec<_> = bodies
        .iter()
        .map(|body| world.delivery("example", body.as_bytes()))
        .collect();
    world
        .recorder
        .stores
        .get(&loyalty::StoreId::parse("example").unwrap())
        .await
        .unwrap();
    world.fuse.panic_at(3);
    let results = world.recorder.record(batch.clone()).await;
    let failed = results
        .iter()
        .filter(|result| **result == Err(Failure(Reason::Panicked)));
    assert_eq!(
        (
            failed.count(),
            results.iter().filter(|result| result.is_ok()).count()
        ),
        (1, 1)
    );
    world.fuse.mend();
    assert!(world.recorder.record(batch).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn leaving_counts_however_old_the_picture_that_came_along() {
    let world = World::new().await;
    let mut snapshot = body("tier_status_changed.json");
    snapshot["email"] = json!(KARI);
    snapshot["customer"] = json!({"email": KARI, "is_opt_in": true, "points_balance": 120});
    world.record(&snapshot).await.unwrap();
    let out = news(
        "loyalty/opt_out",
        "2026-03-01T10:00:00.000Z",
        &json!({"customer": {"is_opt_in": false}}),
    );
    world.record(&out).await.unwrap();
    assert_eq!(world.key(KARI, "opt_in"), false);
    assert_eq!(
        world.key(KARI, "points_available"),
        120,
        "the old snapshot's points do not count"
    );
}

#[tokio::test]
async fn a_clock_that_is_wrong_does_not_freeze_a_member() {
    let world = World::new().await;
    world
        .record(&changed("2099-01-01T00:00:00.000Z", 1))
        .await
        .unwrap();
    world.clock.advance(SignedDuration::from_hours(1));
    let mut later = changed("2026-03-04T11:00:00.000Z", 2);
    later["customer"]
        .as_object_mut()
        .unwrap()
        .remove("last_seen_at");
    world.record(&later).await.unwrap();
    assert_eq!(world.key(KARI, "points_available"), 2);
}

#[tokio::test]
async fn a_backlog_does_not_make_a_repeat_look_new() {
    let world = World::new().await;
    let birthday = body("birthday_with_gift.json").to_string();
    let first = world.delivery("example", birthday.as_bytes());
    world.clock.advance(SignedDuration::from_secs(5));
    let second = world.delivery("example", birthday.as_bytes());
    assert_eq!(world.recorder.record(vec![first]).await, [recorded(false)]);
    world.clock.advance(SignedDuration::from_hours(22));
    assert_eq!(world.recorder.record(vec![second]).await, [recorded(true)]);
}

#[tokio::test]
async fn characters_that_queues_refuse_travel_as_escapes() {
    let world = World::new().await;
    let mut share = body("referral_share.json");
    share["customer"]["first_name"] = json!("Gre\u{fffe}te\u{ffff}\u{0}");
    world.record(&share).await.unwrap();
    let queued = world.queue.take(RULE_QUEUE);
    assert!(
        !queued[0].contains(['\u{fffe}', '\u{ffff}', '\u{0}']),
        "SQS would refuse it"
    );
    let message: vendors::Message = serde_json::from_str(&queued[0]).unwrap();
    let sharer = message.note.unwrap().detail.share.unwrap().from;
    assert_eq!(
        sharer.first_name.unwrap().expose(),
        "Gre\u{fffe}te\u{ffff}\u{0}"
    );
}

#[tokio::test]
async fn texts_without_end_are_cut_and_ids_without_end_are_none() {
    let world = World::new().await;
    let long = "a".repeat(500_000);
    let huge = news(
        "swell/points/earned",
        "2026-03-04T10:00:00.000Z",
        &json!({"perk": {"id": long, "history_title": long},
                "customer": {"first_name": long, "last_name": long, "third_party_id": long}}),
    );
    assert_eq!(world.record(&huge).await, recorded(false));
    assert_eq!(world.key(KARI, "first_name").as_str().unwrap().len(), 4_000);
    assert_eq!(world.key(KARI, "external_id"), Value::Null);
    assert!(world.queue.take(RULE_QUEUE)[0].len() < 100_000);
}

#[tokio::test]
async fn what_outgrows_a_row_is_kept_in_several() {
    let world = World::new().await;
    let mut state = 1_u32;
    let noise: String = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + (state >> 24) as u8 % 26)
    })
    .take(800_000)
    .collect();
    let unknown = json!({"topic": "swell/account/created", "noise": noise});
    assert_eq!(
        world.record(&unknown).await,
        Ok(Recorded::Kept(Reason::UnknownTopic))
    );
    let rows = world.partition("STORE#example");
    assert!(rows.len() >= 2);
    let bytes: Vec<u8> = rows
        .iter()
        .flat_map(|row| row["body"].as_array().unwrap())
        .map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap())
        .collect();
    assert_eq!(bytes[..2], [0x1f, 0x8b], "one gzip, in parts");
}

#[tokio::test]
async fn an_address_in_place_of_a_topic_is_not_shown() {
    let world = World::new().await;
    world
        .record(&json!({"topic": "kari@example.com"}))
        .await
        .unwrap();
    assert_eq!(
        world.partition("STORE#example")[0]["topic"],
        "(not a topic's name)"
    );
}

#[tokio::test]
async fn a_snapshot_of_somebody_else_is_not_taken() {
    let world = World::new().await;
    let mut completed = body("referral_completed_new.json");
    let referrer = completed["email"].as_str().unwrap().to_owned();
    completed.as_object_mut().unwrap().remove("referrer");
    completed["customer"] =
        json!({"email": "venn@example.com", "first_name": "Venn", "points_balance": 9});
    world.record(&completed).await.unwrap();
    assert_eq!(world.key(&referrer, "first_name"), Value::Null);
    assert_eq!(world.key(&referrer, "points_available"), Value::Null);
}

#[tokio::test]
async fn an_id_leads_to_the_newest_address() {
    let world = World::new().await;
    let earned = |email: &str, number: i64| {
        let mut body = news(
            "swell/points/earned",
            "2026-03-04T10:00:00.000Z",
            &json!({"perk": {"id": number}}),
        );
        body["email"] = json!(email);
        body["customer"]["email"] = json!(email);
        body["customer"]["third_party_id"] = json!("c-9");
        body
    };
    world
        .record(&earned("before@example.com", 1))
        .await
        .unwrap();
    world.record(&earned("after@example.com", 2)).await.unwrap();
    let mut by_id = earned("x", 3);
    by_id["email"] = Value::Null;
    by_id["customer"]["email"] = Value::Null;
    by_id["customer"]["points_balance"] = json!(55);
    by_id["customer"]["last_seen_at"] = json!("2026-03-04T11:00:00.000Z");
    world.record(&by_id).await.unwrap();
    assert_eq!(world.key("after@example.com", "points_available"), 55);
}

#[tokio::test]
async fn what_a_queue_does_not_take_comes_again_and_is_sent_then() {
    let world = World::new().await;
    let coupon = body("coupon_redeemed.json");
    world.queue.refuse(true);
    assert_eq!(
        world.record(&coupon).await,
        Err(Failure(Reason::QueueUnavailable))
    );
    world.queue.refuse(false);
    assert_eq!(world.record(&coupon).await, recorded(true));
    world.settle().await;
    assert_eq!(world.vendor.writes().len(), 1);
}

#[tokio::test]
async fn a_table_that_is_down_loses_nothing() {
    let world = World::new().await;
    let coupon = body("coupon_redeemed.json");
    world
        .record(&changed("2026-03-04T10:00:00.000Z", 5))
        .await
        .unwrap();
    world.table.down(true);
    assert_eq!(
        world.record(&coupon).await,
        Err(Failure(Reason::TableUnavailable))
    );
    world.table.down(false);
    assert_eq!(world.record(&coupon).await, recorded(false));
}

#[tokio::test]
async fn an_ordinary_event_costs_five_write_units_at_most() {
    let world = World::new().await;
    // A member with a past: ten activities and the keys of several kinds.
    for file in [
        "coupon_awarded.json",
        "tier_earned.json",
        "tier_status_changed.json",
        "points_earned.json",
    ] {
        let mut body = body(file);
        body["email"] = json!(KARI);
        body["customer"]["email"] = json!(KARI);
        world.record(&body).await.unwrap();
    }
    for number in 0..10 {
        let perk = json!({"perk": {"id": 9000 + number}});
        let seen = format!("2026-03-04T10:00:0{number}.000Z");
        world
            .record(&news("swell/points/earned", &seen, &perk))
            .await
            .unwrap();
    }
    world.table.take_usage();
    let mut ordinary = body("points_earned.json");
    ordinary["email"] = json!(KARI);
    ordinary["customer"]["email"] = json!(KARI);
    ordinary["perk"]["id"] = json!(424_242);
    ordinary["customer"]["last_seen_at"] = json!("2026-03-19T10:00:00.000Z");
    world.record(&ordinary).await.unwrap();
    let usage = world.table.take_usage();
    println!("recorder, ordinary event: {usage:?}");
    assert!(usage.write_units <= 5, "{usage:?}");
    assert_eq!(usage.requests, 3, "one read, two writes");
}
