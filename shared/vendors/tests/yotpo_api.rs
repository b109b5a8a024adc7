//! Yotpo's REST interface: the calls, what each reply means, and what a row says of the member.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::Duration;

use jiff::Timestamp;
use loyalty::{Drift, Email, Event, HashKey, Kind, Member, Reward, Role, Says, StoreId};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use vendors::{
    Answer, Answered, Api, Call, Envelope, Fetch, Lane, Members, Method, Question, Read, Reason,
    Reply, Store, Told, Wanted, Whom, registry,
};

const KARI: &str = "kari@example.com";

fn api() -> &'static dyn Api {
    registry::source("yotpo").unwrap().api().unwrap()
}

fn file(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/yotpo-api");
    std::fs::read(format!("{folder}/{name}")).unwrap()
}

fn reply(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply {
        status,
        retry_after: None,
        date: None,
        body: body.into(),
    }
}

fn one(reply: Option<&Reply>) -> Told<Members> {
    let kari = Whom::Email(Email::parse(KARI).unwrap());
    told(&Question::Member(&kari), reply)
}

fn page(reply: Option<&Reply>) -> Told<Members> {
    told(&Question::Recent(None), reply)
}

fn told(question: &Question, reply: Option<&Reply>) -> Told<Members> {
    let calls = api().calls(question).into_iter();
    let answered: Vec<Answered> = calls.map(|call| (call, reply.cloned())).collect();
    api().told(question, &answered)
}

fn call(question: Question) -> Call {
    let [call] = <[Call; 1]>::try_from(api().calls(&question)).unwrap();
    call
}

fn offered(reply: Option<&Reply>) -> Told<Vec<Reward>> {
    api().offered(reply)
}

fn members(told: Told<Members>) -> Members {
    told.unwrap_or_else(|answer| panic!("{answer:?}"))
}

fn asked() -> Timestamp {
    "2026-03-20T02:30:00Z".parse().unwrap()
}

fn store(rest: bool) -> Store {
    Store::read(json!({
        "v": 1, "store": "example", "name": "Example", "currency": "NOK", "locale": "nb-NO",
        "sources": {"yotpo": {"rest": rest}},
    }))
    .unwrap()
}

/// What a body says that was asked for at this moment.
fn read_at(body: &[u8], asked: Timestamp) -> Read {
    let id = StoreId::parse("example").unwrap();
    let mut envelope = Envelope::seal(id, "yotpo", asked, "n".into(), None, body).unwrap();
    envelope.lane = Lane::Bulk;
    let source = registry::source("yotpo").unwrap();
    source.read(&envelope, body, &store(true), &HashKey::new("key"))
}

#[test]
fn a_posted_body_does_not_pass_for_a_reading() {
    let members = members(one(Some(&reply(200, file("member.json")))));
    let body = &members.bodies[0];
    assert!(matches!(read_at(body, asked()), Read::Event(_)));
    let id = StoreId::parse("example").unwrap();
    let posted = Envelope::seal(id, "yotpo", asked(), "n".into(), None, body).unwrap();
    let source = registry::source("yotpo").unwrap();
    let read = source.read(&posted, body, &store(true), &HashKey::new("key"));
    let Read::Kept { reason, .. } = read else {
        panic!("{read:?}");
    };
    assert_eq!(reason, Reason::UnknownTopic);
}

#[test]
fn what_a_newer_release_wants_to_be_read_is_not_guessed() {
    let fetch = |v: u8| {
        json!({
            "v": v, "store": "example", "source": "yotpo",
            "what": {"page": {"run": "2026-03-05", "page": 0}},
        })
    };
    assert!(serde_json::from_value::<Fetch>(fetch(1)).is_ok());
    for v in [0, 2] {
        assert!(serde_json::from_value::<Fetch>(fetch(v)).is_err(), "{v}");
    }
}

fn event(body: &[u8]) -> Event {
    match read_at(body, asked()) {
        Read::Event(event) => *event,
        other => panic!("{other:?}"),
    }
}

/// The event of a row that has these keys beside an address.
fn row(more: &Value) -> Event {
    let mut row = json!({"email": KARI});
    for (key, value) in more.as_object().unwrap() {
        row[key] = value.clone();
    }
    let told = one(Some(&reply(200, row.to_string())));
    event(&members(told).bodies[0])
}

#[test]
fn the_calls_are_as_documented() {
    let strange = Email::parse("kari+tur&x=1@example.com").unwrap();
    let (strange, id) = (Whom::Email(strange), Whom::Id("c-4411".into()));
    let calls = [
        (
            call(Question::Member(&strange)),
            "/api/v2/customers?customer_email=kari%2Btur%26x%3D1%40example%2Ecom",
        ),
        (
            call(Question::Member(&id)),
            "/api/v2/customers?customer_id=c%2D4411",
        ),
        (api().rewards().unwrap(), "/api/v2/redemption_options"),
        (
            call(Question::Recent(None)),
            "/api/v2/customers/recent?per_page=50",
        ),
        (
            call(Question::Recent(Some("a=b&c"))),
            "/api/v2/customers/recent?per_page=50&page_info=a%3Db%26c",
        ),
    ];
    for (call, path) in calls {
        assert_eq!(
            (call.method, call.path.as_str(), call.body),
            (Method::Get, path, None)
        );
    }
}

#[test]
fn the_credential_travels_in_two_headers_or_not_at_all() {
    let secret = json!({"v": 1, "guid": " g-1 ", "api_key": "k-1"});
    let key = api().key(&secret).unwrap();
    let way = key.way(&api().rewards().unwrap(), asked());
    assert_eq!(way.base, "https://loyalty.yotpo.com");
    let headers: Vec<_> = way
        .headers
        .iter()
        .map(|header| (header.name, header.value.expose_secret()))
        .collect();
    assert_eq!(headers, [("x-guid", "g-1"), ("x-api-key", "k-1")]);
    for wrong in [
        json!({}),
        json!({"guid": "g"}),
        json!({"guid": "", "api_key": "k"}),
        json!({"guid": "g", "api_key": "k\r\nx: y"}),
        json!({"guid": 5, "api_key": "k"}),
    ] {
        assert!(api().key(&wrong).is_none(), "{wrong}");
    }
    let form: Value = serde_json::from_str(api().secret_form()).unwrap();
    assert!(form["guid"].is_string() && form["api_key"].is_string());
}

#[test]
fn a_store_says_that_it_has_credentials() {
    assert!(api().is_used(&store(true)) && !api().is_used(&store(false)));
}

#[test]
fn each_status_has_its_meaning() {
    let nobody = || Ok(Members::default());
    let unauthorized = Answer::Misconfigured(Reason::Unauthorized);
    let unknown = |reason| Answer::Unknown {
        reason,
        after: None,
    };
    let vendor = || Err(unknown(Reason::VendorError));
    let refused = || Err(Answer::Refused(Reason::Refused));
    let moved = || Err(Answer::Misconfigured(Reason::WrongAddress));
    // (reply, of one member, of a page, of the rewards)
    let cases = [
        (reply(200, ""), nobody(), vendor(), "garbled"),
        (reply(200, "{}"), nobody(), vendor(), "other"),
        (reply(200, "null"), nobody(), vendor(), "other"),
        (reply(200, "[]"), vendor(), vendor(), "none"),
        (reply(200, r#"{"error":"x"}"#), vendor(), vendor(), "other"),
        (reply(200, "<html>"), vendor(), vendor(), "garbled"),
        (reply(200, "[{"), vendor(), vendor(), "garbled"),
        (
            reply(200, r#"{"customers":[]}"#),
            vendor(),
            nobody(),
            "other",
        ),
        (
            reply(200, r#"{"customers":{}}"#),
            vendor(),
            vendor(),
            "other",
        ),
        (reply(400, ""), refused(), refused(), "refused"),
        (reply(422, ""), refused(), refused(), "refused"),
        (reply(404, ""), nobody(), moved(), "refused"),
        (reply(302, ""), moved(), moved(), "refused"),
        (reply(500, ""), vendor(), vendor(), "garbled"),
        (reply(503, ""), vendor(), vendor(), "garbled"),
    ];
    for (reply, of_one, of_page, of_rewards) in cases {
        let body = String::from_utf8_lossy(&reply.body).into_owned();
        assert_eq!(one(Some(&reply)), of_one, "{} {body}", reply.status);
        assert_eq!(page(Some(&reply)), of_page, "{} {body}", reply.status);
        let expected = match of_rewards {
            "none" => Ok(Vec::new()),
            // Members are read all the same: this closes no line.
            "other" => Err(Answer::Refused(Reason::VendorError)),
            "refused" => Err(Answer::Refused(Reason::Refused)),
            _ => Err(unknown(Reason::VendorError)),
        };
        assert_eq!(offered(Some(&reply)), expected, "{} {body}", reply.status);
    }
    let asks = |status, after: &str| Reply {
        retry_after: Some(after.to_owned()),
        ..reply(status, "")
    };
    let throttled = |seconds| Answer::Throttled {
        after: Duration::from_secs(seconds),
    };
    let late = Answer::Unknown {
        reason: Reason::VendorError,
        after: Some(Duration::from_secs(5)),
    };
    for (reply, answer) in [
        (None, unknown(Reason::NoAnswer)),
        (Some(reply(401, "")), unauthorized.clone()),
        (Some(reply(403, "")), unauthorized),
        (Some(reply(429, "")), throttled(60)),
        (Some(asks(429, "120")), throttled(120)),
        (Some(asks(503, "5")), late),
    ] {
        let told = (
            one(reply.as_ref()),
            page(reply.as_ref()),
            offered(reply.as_ref()),
        );
        let expected = (Err(answer.clone()), Err(answer.clone()), Err(answer));
        assert_eq!(told, expected, "{reply:?}");
    }
}

#[test]
fn the_rewards_are_those_with_a_price() {
    let listed = reply(200, file("redemption_options.json"));
    let rewards = offered(Some(&listed)).unwrap();
    let named = rewards.iter();
    let named: Vec<_> = named
        .map(|reward| (reward.name.as_deref().unwrap(), reward.amount.unwrap()))
        .collect();
    assert_eq!(named, [("50 kr off", 500), ("Free shipping", 800)]);
    assert_eq!(
        rewards[0].description.as_deref(),
        Some("50 kr off for 500 points")
    );
    assert_eq!(rewards[1].description, None);
}

#[test]
fn a_reading_of_the_rewards_is_a_message_that_an_older_release_cannot_mistake() {
    let body = r#"{"v":1,"store":"example","source":"yotpo","what":{"rewards":{"asked":5}}}"#;
    let fetch: Fetch = serde_json::from_str(body).unwrap();
    assert_eq!(fetch.what, Wanted::Rewards { asked: 5 });
    assert_eq!(fetch.to_text().unwrap(), body);
    let newer = body.replace("rewards", "tiers");
    assert!(serde_json::from_str::<Fetch>(&newer).is_err());
}

#[test]
fn a_page_gives_each_member_and_the_next_cursor() {
    let page = |cursor: Value| {
        let body = json!({"customers": [{"email": KARI}], "metadata": {"next_page_info": cursor}});
        members(page(Some(&reply(200, body.to_string()))))
    };
    assert_eq!(page(json!("abc")).next.as_deref(), Some("abc"));
    for last in [json!(null), json!(""), json!(" "), json!(5)] {
        assert_eq!(page(last).next, None);
    }
    let whole = members(self::page(Some(&reply(200, file("recent.json")))));
    assert_eq!(whole.bodies.len(), 2);
    let text = String::from_utf8(whole.bodies[1].clone()).unwrap();
    assert!(!text.contains("venn@example.com"), "friends are cut");
    let ola = event(&whole.bodies[1]);
    assert_eq!(ola.who.email().unwrap().expose(), "ola@example.com");
    assert_eq!(ola.who.alias().unwrap().id.expose(), "c-4412");
    assert_eq!(ola.patch.points_available, Says::Is(120));
    assert_eq!(ola.patch.tier, Says::None);
}

#[test]
fn a_row_says_what_the_webhooks_say_and_more() {
    let told = one(Some(&reply(200, file("member.json"))));
    let event = event(&members(told).bodies[0]);
    assert_eq!(
        (event.kind, event.role),
        (Kind::MemberUpdated, Role::Member)
    );
    assert_eq!(event.stamp.as_of.to_string(), "2026-03-04T10:19:00Z");
    assert_eq!(event.stamp.arrived, asked());
    let moment = |text: &str| Says::Is(text.parse().unwrap());
    let patch = &event.patch;
    assert_eq!(patch.points_available, Says::Is(700));
    assert_eq!(patch.points_expiring_on, Says::None);
    assert_eq!(patch.points_expiring, Says::Is(120));
    assert_eq!(patch.opt_in, Says::Is(true));
    assert_eq!(patch.tier_since, moment("2026-01-15T08:00:00Z"));
    assert_eq!(
        patch.birthday,
        Says::Is("1990-05-17".to_owned().try_into().unwrap())
    );
    let figures = [
        (&patch.points_qualified, 820),
        (&patch.tier_spend, 189_900),
        (&patch.tier_purchases, 4),
        (&patch.tier_referrals, 1),
        (&patch.keep_points, 180),
        (&patch.keep_spend, 0),
        (&patch.points_to_next, 1180),
        (&patch.spend_to_next, 310_100),
        (&patch.purchases_to_next, 6),
        (&patch.referrals_to_next, 2),
    ];
    for (place, (figure, expected)) in figures.into_iter().enumerate() {
        assert_eq!(*figure, Says::Is(expected), "figure {place}");
    }
    // The webhooks write these as days.
    assert_eq!(patch.enrolled_at, Says::Nothing);
    assert_eq!(event.fills.enrolled_at, moment("2025-05-01T09:12:00Z"));
    assert_eq!(patch.tier_expires_at, Says::Nothing);
    assert_eq!(event.fills.tier_expires_at, moment("2026-12-31T23:00:00Z"));
}

#[test]
fn what_is_odd_or_absent_says_nothing() {
    let odd = row(&json!({
        "points_balance": "many", "opted_in_at": "2025-05-01", "birthday_month": 13, "birth_day": 1,
        "next_points_expire_on": "2026-06-30", "vip_tier_actions_completed": null,
    }));
    assert_eq!(odd.patch.points_available, Says::Nothing);
    assert_eq!(
        odd.patch.enrolled_at,
        Says::Is("2025-05-01".parse().unwrap())
    );
    assert_eq!(odd.patch.birthday, Says::Nothing);
    assert_eq!(
        odd.fills.points_expiring_on,
        Says::Is("2026-06-30".parse().unwrap())
    );
    assert_eq!(odd.patch.points_qualified, Says::Nothing);
    // Without its own age it is as old as the question.
    assert_eq!(odd.stamp.as_of, asked());
    let ahead = row(&json!({"last_seen_at": "2030-01-01T00:00:00.000Z"}));
    assert_eq!(
        ahead.stamp.as_of,
        asked(),
        "no row is younger than the question"
    );
}

#[test]
fn a_row_without_a_person_is_no_event() {
    let body = json!({"customers": [{"points_balance": 5}, 7, {"third_party_id": "0"}]});
    for body in members(page(Some(&reply(200, body.to_string())))).bodies {
        let read = read_at(&body, asked());
        assert!(
            matches!(
                read,
                Read::Kept {
                    reason: Reason::NoPerson,
                    ..
                }
            ),
            "{read:?}"
        );
    }
}

#[test]
fn the_webhooks_snapshot_and_the_row_of_one_person_do_not_contradict_each_other() {
    let webhook = json!({
        "topic": "swell/points/earned", "email": KARI, "customer": {
            "email": KARI, "first_name": "Kari", "last_name": "Nordmann", "points_balance": 700,
            "points_earned": 2600, "points_expire_at": null, "third_party_id": "c-4411",
            "last_seen_at": "2026-03-04T10:19:00.000Z", "last_purchase_at": "2026-02-20T08:00:00.000Z",
            "is_opt_in": true, "loyalty_opt_in_date": "2025-05-01", "vip_tier_name": "Fjell",
            "vip_tier_ends_at": "2026-12-31", "total_spend_cents": 189_900, "total_purchases": 4,
        },
    });
    let mut member = Member::default();
    member.hear(&event(webhook.to_string().as_bytes()));
    let row = members(one(Some(&reply(200, file("member.json")))));
    let row = event(&row.bodies[0]);
    assert_eq!(member.drift(&row), Drift::Lacks, "birthday and figures");
    member.hear(&row);
    assert_eq!(member.drift(&row), Drift::None);
    let day = |text: &str| text.parse().ok();
    assert_eq!(member.enrolled_at.value().copied(), day("2025-05-01"));
    assert_eq!(member.tier_expires_at.value().copied(), day("2026-12-31"));
}

#[test]
fn two_readings_are_two_events_and_one_reading_is_one() {
    let body = members(one(Some(&reply(200, file("member.json")))))
        .bodies
        .remove(0);
    let later = asked() + jiff::SignedDuration::from_secs(1);
    let ids: Vec<_> = [asked(), asked(), later]
        .into_iter()
        .map(|at| match read_at(&body, at) {
            Read::Event(event) => event.id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(ids[0] == ids[1] && ids[1] != ids[2]);
}
