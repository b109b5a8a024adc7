//! `check` and `provision`, against Rule's strict stand-in.

use std::sync::{Arc, Mutex, PoisonError};

use ::operator::Operator;
use async_trait::async_trait;
use bridge_tests::standins::{Request, Vendor as _, rule::Rule};
use delivery::{NoReply, Wire};
use jiff::{SignedDuration, Timestamp};
use loyalty::StoreId;
use platform::memory::MemoryClock;
use platform::{Clock as _, ReceivedRow, Table as _, to_item};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use vendors::{Call, Method, Reply, Way};

use super::{KARI, audited, coupon, done, faults, operator};
use crate::world::{Does, World};

const KEY: &str = "example-key";

/// The way to Rule's stand-in, without a socket between.
struct ToRule {
    rule: Mutex<Rule>,
    at: Timestamp,
    calls: Mutex<Vec<(Method, String)>>,
    wrong: Mutex<Vec<String>>,
    /// From which call on nothing is answered, and nothing done.
    silent_from: usize,
    /// The call of this number is not answered; and whether it is done all the same.
    mute: Mutex<Option<(usize, bool)>>,
    /// The clock that goes on by some seconds with every call.
    slow: Option<(Arc<MemoryClock>, i64)>,
}

impl ToRule {
    fn new(at: Timestamp) -> Self {
        Self {
            rule: Mutex::default(),
            at,
            calls: Mutex::default(),
            wrong: Mutex::default(),
            silent_from: usize::MAX,
            mute: Mutex::default(),
            slow: None,
        }
    }

    fn order(&self, path: &str, mut body: Value) {
        body["account"] = json!("example");
        let mut rule = self.rule.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(rule.order(path, &body, self.at), Some(Ok(())));
    }

    fn show(&self, path: &str) -> Value {
        let rule = self.rule.lock().unwrap_or_else(PoisonError::into_inner);
        rule.show(path, Some("example")).unwrap()
    }

    fn calls(&self) -> Vec<(Method, String)> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }
}

#[async_trait]
impl Wire for ToRule {
    async fn send(&self, call: &Call, way: &Way<'_>) -> Result<Reply, NoReply> {
        let mut calls = self.calls.lock().unwrap();
        calls.push((call.method, call.path.clone()));
        let is_mute = |(at, _): &mut (usize, bool)| *at == calls.len();
        let mute = self.mute.lock().unwrap().take_if(is_mute);
        if calls.len() > self.silent_from || mute.is_some_and(|(_, is_done)| !is_done) {
            return Err(NoReply::NotAnswered);
        }
        if let Some((clock, seconds)) = &self.slow {
            clock.advance(SignedDuration::from_secs(*seconds));
        }
        let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
        let mut headers: Vec<(String, String)> = way
            .headers
            .iter()
            .map(|header| {
                let value = header.value.expose_secret().to_owned();
                (header.name.to_owned(), value)
            })
            .collect();
        if call.body.is_some() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let method = match call.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        };
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: call.body.clone().unwrap_or_default().into_bytes(),
        };
        let mut rule = self.rule.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wrong = self.wrong.lock().unwrap();
        let answer = rule.handle(&request, self.at, &mut wrong);
        assert!(wrong.is_empty(), "{wrong:?}");
        if mute.is_some() {
            return Err(NoReply::NotAnswered);
        }
        let mut reply = Reply {
            status: answer.status,
            retry_after: None,
            date: None,
            body: answer.body.into_bytes(),
        };
        if reply.status == 429 {
            reply.retry_after = Some("600".to_owned());
        }
        Ok(reply)
    }
}

/// A world whose operator reaches Rule's stand-in; the store's key there is right.
async fn visited() -> (World, Operator, Arc<ToRule>) {
    with(|_| {}).await
}

async fn with(change: impl FnOnce(&mut ToRule)) -> (World, Operator, Arc<ToRule>) {
    let world = World::new().await;
    let mut rule = ToRule::new(world.clock.now());
    change(&mut rule);
    let rule = Arc::new(rule);
    let token = r#"{"v":1,"current":"example-token"}"#;
    world.secrets.set("bridge/example/yotpo-webhook", token);
    rule.order("/accounts", json!({"key": KEY}));
    let mut operator = operator(&world);
    operator
        .wires
        .insert("rule".to_owned(), rule.clone() as Arc<dyn Wire>);
    (world, operator, rule)
}

/// The way to a stand-in that knows this key.
pub(crate) fn to_rule(world: &World, key: &str) -> Arc<dyn Wire> {
    let rule = ToRule::new(world.clock.now());
    rule.order("/accounts", json!({"key": key}));
    Arc::new(rule)
}

async fn checked(operator: &Operator) -> Value {
    done(operator, json!({"command": "check", "store": "example"})).await
}

/// The level and message of what is said about one thing.
fn about(findings: &Value, name: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let own = findings.as_array().unwrap().iter();
    own.filter(|finding| finding["about"] == name)
        .map(|finding| (text(&finding["level"]), text(&finding["message"])))
        .collect()
}

fn levels(findings: &Value, name: &str) -> Vec<String> {
    about(findings, name)
        .into_iter()
        .map(|(level, _)| level)
        .collect()
}

fn provision() -> Value {
    json!({"command": "provision", "store": "example", "destination": "rule", "by": "ola", "why": "before we go live"})
}

#[tokio::test]
async fn a_new_account_is_ready_and_every_tag_and_field_is_still_to_come() {
    let (world, operator, rule) = visited().await;
    let answer = checked(&operator).await;
    assert_eq!(answer["ready"], true, "{answer}");
    let own = &answer["destinations"][0];
    assert_eq!(own["destination"], "rule");
    assert_eq!(own["line"]["state"], "open");
    assert_eq!((&own["parked"], &own["rejected"]), (&json!(0), &json!(0)));
    let findings = &own["findings"];
    assert_eq!(levels(findings, "key"), ["good"]);
    let tags = findings.as_array().unwrap().iter();
    let tags = tags.filter(|one| one["about"].as_str().unwrap().starts_with("tag "));
    assert_eq!(tags.clone().count(), 17, "sixteen and the catch-all");
    assert!(tags.clone().all(|tag| tag["level"] == "note"));
    assert_eq!(levels(findings, "tag `VIP Tier Earned`"), ["note"]);
    let (_, fields) = &about(findings, "fields")[0];
    assert!(fields.starts_with("68 of 68 do not exist yet"), "{fields}");
    let only_read = rule
        .calls()
        .iter()
        .all(|(method, _)| *method == Method::Get);
    assert!(only_read && world.partition("STORE#example").is_empty());
    let source = &answer["sources"][0];
    assert_eq!(levels(&source["findings"], "deliveries"), ["note"]);
}

#[tokio::test]
async fn provisioning_makes_everything_quietly_and_twice_is_once() {
    let (world, operator, rule) = visited().await;
    let made = done(&operator, provision()).await;
    let findings = &made["findings"];
    let good = findings.as_array().unwrap().iter();
    let good = good.filter(|one| one["level"] == "good").count();
    assert_eq!(good, 17 + 68, "{findings}");
    assert!(rule.show("/automations").as_array().unwrap().is_empty());
    let people = rule.show("/subscribers-state")["example"].clone();
    let people = people.as_object().unwrap();
    assert_eq!(people.len(), 1);
    let (who, state) = people.iter().next().unwrap();
    assert!(who.ends_with("@example.com"));
    assert_eq!(state["fields"].as_object().unwrap().len(), 68);
    assert_eq!(state["fields"]["Yotpo.LastSeenAt"]["type"], "datetime");
    assert_eq!(state["fields"]["Subscriber.Birthday"]["type"], "date");

    rule.calls();
    let again = done(&operator, provision()).await;
    assert_eq!(levels(&again["findings"], "account"), ["good"]);
    assert!(
        rule.calls()
            .iter()
            .all(|(method, _)| *method == Method::Get)
    );
    assert_eq!(audited(&world).len(), 2);
    let answer = checked(&operator).await;
    let findings = &answer["destinations"][0]["findings"];
    assert!(
        findings
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["level"] == "good"),
        "{findings}"
    );
}

#[tokio::test]
async fn spellings_of_rules_own_articles_and_catch_all_automations_are_warned_of() {
    let (_world, operator, rule) = visited().await;
    for tag in ["ReferralLinkShare", "ReferralCompleted", "Newsletter"] {
        rule.order("/tags", json!({"tag": tag}));
    }
    for (name, tag, active) in [
        ("Everything", "Yotpo", true),
        ("Old", "PointsEarned", false),
        ("Coupon", "CouponAwarded", true),
    ] {
        rule.order(
            "/automails",
            json!({"name": name, "tag": tag, "active": active}),
        );
    }
    let answer = checked(&operator).await;
    assert_eq!(answer["ready"], true, "warnings hinder nobody");
    let findings = &answer["destinations"][0]["findings"];
    let (level, message) = &about(findings, "tag `ReferralCompleted`")[0];
    assert_eq!(level, "warning");
    assert!(message.contains("`ReferrelCompleted`"), "{message}");
    let (_, message) = &about(findings, "tag `ReferralLinkShare`")[0];
    assert!(message.contains("`RefferlLinkShare`"), "{message}");
    assert!(about(findings, "tag `Newsletter`").is_empty());
    assert_eq!(levels(findings, "tag `Yotpo`"), ["warning", "good"]);
    let (_, coupon) = &about(findings, "tag `CouponAwarded`")[0];
    assert_eq!(coupon, "exists; one automation starts with it");
    let (_, points) = &about(findings, "tag `PointsEarned`")[0];
    assert_eq!(points, "exists; no automation that is on starts with it");
    assert_eq!(findings[0]["level"], "warning", "the worst comes first");
}

#[tokio::test]
async fn a_field_of_another_type_is_a_fault_and_is_left_alone() {
    let (_world, operator, rule) = visited().await;
    let wrong = json!({"key": "Yotpo.LastSeenAt", "type": "text"});
    rule.order("/fields", wrong);
    let answer = checked(&operator).await;
    assert_eq!(answer["ready"], false);
    let findings = &answer["destinations"][0]["findings"];
    assert_eq!(levels(findings, "field `Yotpo.LastSeenAt`"), ["fault"]);
    let made = done(&operator, provision()).await;
    assert!(about(&made["findings"], "field `Yotpo.LastSeenAt`").is_empty());
    assert_eq!(levels(&made["findings"], "field `Yotpo.PerkID`"), ["good"]);
}

#[tokio::test]
async fn lists_of_many_pages_are_read_and_the_key_is_never_in_an_address() {
    let (_world, operator, rule) = visited().await;
    for number in 0..250 {
        rule.order(
            "/tags",
            json!({"tag": format!("a tag of the merchant {number}")}),
        );
    }
    rule.order("/tags", json!({"tag": "TierLost"}));
    let answer = checked(&operator).await;
    let findings = &answer["destinations"][0]["findings"];
    assert_eq!(levels(findings, "tag `TierLost`"), ["good"]);
    let calls = rule.calls();
    assert_eq!(calls.len(), 3 + 1 + 1, "{calls:?}");
    assert!(calls.iter().all(|(_, path)| !path.contains(KEY)));
}

#[tokio::test]
async fn a_wrong_key_a_missing_secret_and_a_secret_of_another_form_say_what_to_do() {
    let (world, operator, _) = visited().await;
    world
        .secrets
        .set("bridge/example/rule", r#"{"v":1,"api_key":"another"}"#);
    let answer = checked(&operator).await;
    assert_eq!(answer["ready"], false);
    let (level, message) = &about(&answer["destinations"][0]["findings"], "key")[0];
    assert_eq!(level, "fault");
    assert!(
        message.contains("does not accept it") && message.contains("bridge/example/rule"),
        "{message}"
    );
    assert!(!answer.to_string().contains("another\""));
    assert_eq!(faults(&operator, provision()).await, ["key"]);

    world
        .secrets
        .set("bridge/example/rule", r#"{"v":1,"key":"another"}"#);
    let answer = checked(&operator).await;
    let (_, message) = &about(&answer["destinations"][0]["findings"], "secret")[0];
    assert!(message.contains("another form"), "{message}");

    for other in [
        "example-token",
        r#"{"v":1,"token":"example-token"}"#,
        r#"{"v":1,"current":""}"#,
    ] {
        world.secrets.set("bridge/example/yotpo-webhook", other);
        let answer = checked(&operator).await;
        assert_eq!(answer["ready"], false, "nobody is let in with it");
        let (level, message) = &about(&answer["sources"][0]["findings"], "secret")[0];
        assert_eq!(level, "fault");
        assert!(
            message.contains("put-secret-value --secret-id bridge/example/yotpo-webhook"),
            "{message}"
        );
        assert!(!answer.to_string().contains("example-token"));
    }

    world.secrets.down(true);
    let answer = checked(&operator).await;
    for place in ["sources", "destinations"] {
        let (level, message) = &about(&answer[place][0]["findings"], "secret")[0];
        assert_eq!(level, "fault");
        assert!(message.contains("did not let"), "{message}");
    }
    world.secrets.down(false);

    world.secrets.remove("bridge/example/rule");
    world.secrets.remove("bridge/example/yotpo-webhook");
    let answer = checked(&operator).await;
    for place in ["sources", "destinations"] {
        let (level, message) = &about(&answer[place][0]["findings"], "secret")[0];
        assert_eq!(level, "fault");
        assert!(
            message.contains("aws secretsmanager create-secret --name bridge/example/"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_vendor_that_hangs_ends_the_look_and_not_the_command() {
    let (_world, operator, rule) = with(|rule| rule.silent_from = 0).await;
    let answer = checked(&operator).await;
    assert_eq!(answer["ready"], false);
    let (_, message) = &about(&answer["destinations"][0]["findings"], "key")[0];
    assert!(message.contains("did not answer within 8 s"), "{message}");
    assert_eq!(rule.calls().len(), 1, "it is not asked again and again");
    assert_eq!(faults(&operator, provision()).await, ["key"]);
}

#[tokio::test]
async fn a_vendor_that_is_slow_is_left_before_the_function_ends() {
    let world = World::new().await;
    let mut rule = ToRule::new(world.clock.now());
    rule.slow = Some((world.clock.clone(), 7));
    rule.order("/accounts", json!({"key": KEY}));
    let rule = Arc::new(rule);
    for number in 0..900 {
        rule.order("/tags", json!({"tag": format!("a tag {number}")}));
    }
    let mut operator = operator(&world);
    operator.wires.insert("rule".to_owned(), rule.clone());
    let answer = checked(&operator).await;
    let (level, message) = &about(&answer["destinations"][0]["findings"], "lists")[0];
    assert_eq!(level, "fault");
    assert!(message.contains("is slow"), "{message}");
    assert_eq!(rule.calls().len(), 5, "35 of 40 seconds");
}

#[tokio::test]
async fn what_cannot_be_seen_beside_the_tags_is_said_and_hinders_nobody() {
    let (_world, operator, _) = with(|rule| rule.silent_from = 1).await;
    let answer = checked(&operator).await;
    assert_eq!(answer["ready"], true, "{answer}");
    let findings = &answer["destinations"][0]["findings"];
    assert_eq!(levels(findings, "fields"), ["note"]);
    assert_eq!(levels(findings, "tag `Yotpo`"), ["note", "note"]);
}

#[tokio::test]
async fn an_unanswered_write_is_no_success_and_may_be_given_again() {
    for is_done in [false, true] {
        let (_world, operator, rule) = visited().await;
        *rule.mute.lock().unwrap() = Some((4, is_done));
        let answer = operator.answer(provision()).await;
        assert_eq!(answer["ok"], false);
        let message = answer["faults"][0]["message"].as_str().unwrap();
        assert!(
            message.contains("`provision` may be given again"),
            "{message}"
        );
        let people = || rule.show("/subscribers-state")["example"].clone();
        let made = people().as_object().map_or(0, serde_json::Map::len);
        assert_eq!(made, usize::from(is_done));

        done(&operator, provision()).await;
        let people = people();
        let state = people.as_object().unwrap().values().next().unwrap();
        assert_eq!(people.as_object().unwrap().len(), 1);
        assert_eq!(state["fields"].as_object().unwrap().len(), 68);
    }
}

#[tokio::test]
async fn a_paused_account_is_not_asked() {
    let (_world, operator, rule) = visited().await;
    let pause = json!({"command": "pause", "store": "example", "destination": "rule", "by": "ola", "why": "a move"});
    done(&operator, pause).await;
    let answer = checked(&operator).await;
    let findings = &answer["destinations"][0]["findings"];
    assert!(
        about(findings, "line")[0]
            .1
            .contains("ola has paused it (a move)")
    );
    assert_eq!(faults(&operator, provision()).await, ["line"]);
    assert!(rule.calls().is_empty());
}

#[tokio::test]
async fn what_waits_and_what_was_refused_is_counted() {
    let (world, operator, _) = visited().await;
    super::rejected(&world, KARI, 1).await;
    let refused = Does::Answers(401, json!({"error": "NotAuthorized"}));
    world.vendor.always(Some(refused));
    world.record(&coupon("ola@example.com", 2)).await.unwrap();
    world.push().await;
    let answer = checked(&operator).await;
    let own = &answer["destinations"][0];
    assert_eq!(
        (&own["rejected"], &own["parked"]),
        (&json!(1), &json!(1)),
        "{own}"
    );
    assert_eq!(levels(&own["findings"], "rejected"), ["warning"]);
    assert_eq!(levels(&own["findings"], "line"), ["warning"]);
    assert_eq!(own["line"]["cause"], "unauthorized");
    assert!(!answer.to_string().contains("@example.com"));
}

#[tokio::test]
async fn the_last_arrival_and_refused_calls_are_told_with_their_header_names() {
    let (world, operator, _) = visited().await;
    let now = world.clock.now();
    let earlier = now - SignedDuration::from_mins(5);
    let mut row = ReceivedRow {
        v: 1,
        accepted_at: Some(earlier.as_microsecond()),
        refused_at: Some(now.as_microsecond()),
        refused_headers: vec!["x-somewhere".to_owned()],
    };
    let key = ReceivedRow::key(&StoreId::parse("example").unwrap(), "yotpo");
    world
        .table
        .put(to_item(&key, &row).unwrap(), None)
        .await
        .unwrap();
    let answer = checked(&operator).await;
    let source = &answer["sources"][0];
    assert_eq!(source["last_accepted"], earlier.to_string());
    assert_eq!(source["refused_headers"], json!(["x-somewhere"]));
    let (level, message) = &about(&source["findings"], "deliveries")[0];
    assert_eq!(level, "warning");
    assert!(message.contains("x-somewhere"), "{message}");

    row.accepted_at = Some((now + SignedDuration::from_mins(1)).as_microsecond());
    world
        .table
        .put(to_item(&key, &row).unwrap(), None)
        .await
        .unwrap();
    let answer = checked(&operator).await;
    let findings = &answer["sources"][0]["findings"];
    assert!(about(findings, "deliveries").is_empty(), "it is mended");
}

#[tokio::test]
async fn what_is_asked_wrongly_is_named() {
    let (_world, operator, _) = visited().await;
    let unknown = json!({"command": "check", "store": "nobody"});
    assert_eq!(faults(&operator, unknown).await, ["store"]);
    let more = json!({"command": "check", "store": "example", "destination": "rule"});
    assert_eq!(faults(&operator, more).await, ["destination"]);
    let nobody = json!({"command": "provision", "store": "example", "destination": "rule"});
    assert_eq!(faults(&operator, nobody).await, ["by"]);
}
