//! Annex Cloud as a source: its interface, what three answers say of a member, and what its webhooks are good for.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::Duration;

use jiff::Timestamp;
use loyalty::{Email, Event, Guard, HashKey, Kind, Member, Role, Says, StoreId};
use serde_json::{Value, json};
use vendors::{
    Answer, Answered, Api, Envelope, Inbound, Lane, Members, Method, Question, Read, Reason,
    Reception, Refusal, Reply, Source, Store, Told, Whom, registry,
};

const MAJA: &str = "maja.holm@example.com";

fn source() -> &'static dyn Source {
    registry::source("annexcloud").unwrap()
}

fn api() -> &'static dyn Api {
    source().api().unwrap()
}

fn file(name: &str) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/annexcloud-api");
    serde_json::from_slice(&std::fs::read(format!("{folder}/{name}.json")).unwrap()).unwrap()
}

fn reply(status: u16, body: &Value) -> Reply {
    Reply {
        status,
        retry_after: None,
        date: None,
        body: body.to_string().into_bytes(),
    }
}

fn fine(body: &Value) -> Reply {
    reply(200, body)
}

fn nobody() -> Reply {
    reply(
        404,
        &json!({"errorCode": "AC1005", "errorMessage": "No data"}),
    )
}

fn asked() -> Timestamp {
    "2026-09-30T12:00:00Z".parse().unwrap()
}

fn store_with(sources: &Value) -> Store {
    Store::read(json!({
        "v": 1, "store": "example", "name": "Example", "currency": "EUR", "locale": "de-DE",
        "sources": sources,
    }))
    .unwrap()
}

fn store() -> Store {
    store_with(&json!({"annexcloud": {}}))
}

fn maja() -> Whom {
    Whom::Email(Email::parse(MAJA).unwrap())
}

/// What these replies tell to the three calls for one member.
fn told(replies: [Option<Reply>; 3]) -> Told<Members> {
    let whom = maja();
    let question = Question::Member(&whom);
    let calls = api().calls(&question).into_iter();
    let answered: Vec<Answered> = calls.zip(replies).collect();
    api().told(&question, &answered)
}

fn read(body: &[u8], lane: Lane) -> Read {
    let id = StoreId::parse("example").unwrap();
    let mut envelope = Envelope::seal(id, "annexcloud", asked(), "n".into(), None, body).unwrap();
    envelope.lane = lane;
    source().read(&envelope, body, &store(), &HashKey::new("key"))
}

fn event(replies: [Option<Reply>; 3]) -> Event {
    let members = told(replies).unwrap_or_else(|answer| panic!("{answer:?}"));
    assert_eq!((members.bodies.len(), &members.next), (1, &None));
    match read(&members.bodies[0], Lane::Bulk) {
        Read::Event(event) => *event,
        other => panic!("{other:?}"),
    }
}

fn whole() -> [Option<Reply>; 3] {
    ["user", "points", "tiers"].map(|name| Some(fine(&file(name))))
}

#[test]
fn the_calls_are_as_documented() {
    let strange = Whom::Id("ada+tur/1 ?x=1@example.com".into());
    let paths = |whom: &Whom| -> Vec<String> {
        let calls = api().calls(&Question::Member(whom)).into_iter();
        calls
            .map(|call| {
                assert_eq!((call.method, call.body), (Method::Get, None));
                call.path
            })
            .collect()
    };
    let encoded = "ada%2Btur%2F1%20%3Fx%3D1%40example%2Ecom";
    let expected = [
        format!("/users/{encoded}"),
        format!("/points/{encoded}"),
        format!("/users/{encoded}/tiers"),
    ];
    assert_eq!(paths(&strange), expected);
    assert_eq!(paths(&maja())[0], "/users/maja%2Eholm%40example%2Ecom");
    assert!(api().calls(&Question::Recent(None)).is_empty());
    assert!(!api().lists_recent() && api().rewards().is_none());
}

#[test]
fn the_interface_is_asked_where_a_store_wants_it() {
    assert!(api().is_used(&store()));
    assert!(!api().is_used(&store_with(&json!({"annexcloud": {"rest": false}}))));
    assert!(!api().is_used(&store_with(&json!({}))));
    let form: Value = serde_json::from_str(api().secret_form()).unwrap();
    let key = api().key(&form).unwrap();
    let call = &api().calls(&Question::Member(&maja()))[0];
    let way = key.way(call, asked());
    assert_eq!(way.base, "https://s15.socialannex.net/api/3.0");
    let shown = format!("{key:?} {way:?}");
    assert!(!shown.contains("shared secret"), "{shown}");
}

/// Every key that a reading tells, in the form in which it is stored.
#[test]
fn what_a_reading_says_stays_as_it_is() {
    let event = event(whole());
    assert_eq!(
        (event.kind, event.role, event.guard),
        (Kind::MemberUpdated, Role::Member, Guard::Identity)
    );
    assert_eq!(event.who.email().unwrap().expose(), MAJA);
    let alias = event.who.alias().unwrap();
    assert_eq!(
        (alias.source.as_str(), alias.id.expose()),
        ("annexcloud", "c-20417")
    );
    assert_eq!((event.stamp.as_of, event.stamp.arrived), (asked(), asked()));
    let mut member = Member::default();
    member.hear(&event);
    let mut row = serde_json::to_value(&member).unwrap();
    for key in ["activities", "stamps", "addressed"] {
        row.as_object_mut().unwrap().remove(key);
    }
    insta::assert_json_snapshot!(row);
}

#[test]
fn one_reading_is_one_event() {
    let (one, other) = (event(whole()), event(whole()));
    assert_eq!(one.id, other.id);
    let [user, points, tiers] = whole();
    let wrapped = Some(fine(&json!({"data": file("points")})));
    assert_eq!(event([user, wrapped, tiers]).patch, one.patch);
    assert!(points.is_some());
}

#[test]
fn a_member_without_points_or_tier_has_none() {
    let [user, _, _] = whole();
    let patch = event([user, Some(nobody()), Some(nobody())]).patch;
    assert_eq!(patch.points_available, Says::Is(0));
    assert_eq!(patch.points_lifetime, Says::Is(0));
    assert_eq!(patch.tier, Says::None);
    assert_eq!(patch.points_to_next, Says::Nothing);
}

#[test]
fn a_part_that_failed_says_nothing() {
    let garbled = Some(reply(200, &json!("<html>")));
    let generic = Some(reply(404, &json!({"errorCode": "AC1001"})));
    for failed in [None, garbled, generic, Some(reply(500, &json!({})))] {
        let [user, points, tiers] = whole();
        let patch = event([user.clone(), failed.clone(), tiers]).patch;
        assert_eq!(patch.points_available, Says::Nothing, "{failed:?}");
        assert_eq!(patch.tier, Says::Is("Silver".to_owned()));
        assert_eq!(patch.spend_to_next, Says::Nothing);
        let patch = event([user, points, failed]).patch;
        assert_eq!(
            (&patch.tier, &patch.tier_since),
            (&Says::Nothing, &Says::Nothing)
        );
        // What the points say of the way to the next tier stands in.
        assert_eq!(patch.points_to_next, Says::Is(999));
        assert_eq!(patch.spend_to_next, Says::Is(8_760));
    }
}

#[test]
fn what_is_blank_is_unknown_or_none_and_never_zero() {
    let [user, ..] = whole();
    let points = json!({
        "availablePoints": "", "lifetimePoints": null, "pointsToExpireDate": "", "spendToNextTier": "",
        "pointsToNextTier": "",
    });
    let tiers =
        json!({"currentTier": "", "nextTier": null, "previousTier": "", "pointsToNextTier": ""});
    let patch = event([user, Some(fine(&points)), Some(fine(&tiers))]).patch;
    let unknown = [
        patch.points_available,
        patch.points_lifetime,
        patch.points_to_next,
        patch.spend_to_next,
    ];
    assert_eq!(unknown, [const { Says::Nothing }; 4]);
    assert_eq!((patch.tier, patch.tier_next), (Says::None, Says::None));
    assert_eq!(patch.tier_previous, Says::None);
    assert_eq!(patch.points_expiring_on, Says::None);
}

#[test]
fn who_somebody_is_by_a_reading() {
    let who = |user: Value| event([Some(fine(&user)), Some(nobody()), Some(nobody())]);
    let by_address = who(json!({"id": "Maja.Holm@example.com"}));
    assert_eq!(by_address.who.email().unwrap().expose(), MAJA);
    assert_eq!(
        by_address.who.alias().unwrap().id.expose(),
        "Maja.Holm@example.com"
    );
    assert_eq!(by_address.patch.external_id, Says::Nothing);
    let by_id = who(json!({"id": 4711, "email": ""}));
    assert_eq!(by_id.who.email(), None);
    assert_eq!(by_id.who.alias().unwrap().id.expose(), "4711");
    assert_eq!(by_id.patch.external_id, Says::Is("4711".into()));
    let without_id = who(json!({"email": MAJA, "birthdate": "1988-11-30", "optInStatus": "NO"}));
    assert_eq!(without_id.who.alias(), None);
    assert_eq!(without_id.patch.opt_in, Says::Is(false));
    let born: String = without_id.patch.birthday.value().copied().unwrap().into();
    assert_eq!(born, "1988-11-30");
    let insecure =
        who(json!({"id": 1, "userProfileImageUrl": "http://img.shop.example.com/1.jpg"}));
    assert_eq!(insecure.patch.avatar_url, Says::Nothing);
}

#[test]
fn what_tells_nothing_says_why() {
    let nothing = || [Some(nobody()), Some(nobody()), Some(nobody())];
    assert_eq!(told(nothing()).ok(), Some(Members::default()));
    let unknown = |reason| Answer::Unknown {
        reason,
        after: None,
    };
    let throttled = Answer::Throttled {
        after: Duration::from_secs(2),
    };
    let unauthorized = Answer::Misconfigured(Reason::Unauthorized);
    let slow = || reply(429, &json!({}));
    let [user, points, tiers] = whole();
    for (replies, expected) in [
        (
            [None, points.clone(), tiers.clone()],
            unknown(Reason::NoAnswer),
        ),
        (
            [
                Some(reply(401, &json!({"errorCode": "AC1002"}))),
                None,
                None,
            ],
            unauthorized,
        ),
        (
            [
                Some(reply(404, &json!({"errorCode": "AC1001"}))),
                Some(nobody()),
                Some(nobody()),
            ],
            unknown(Reason::VendorError),
        ),
        (
            [
                Some(reply(404, &Value::Null)),
                Some(nobody()),
                Some(nobody()),
            ],
            Answer::Misconfigured(Reason::WrongAddress),
        ),
        (
            [Some(fine(&json!({}))), points, tiers],
            unknown(Reason::VendorError),
        ),
        ([Some(slow()), None, None], throttled.clone()),
        ([user.clone(), Some(slow()), None], throttled.clone()),
        ([user, Some(nobody()), Some(slow())], throttled),
    ] {
        assert_eq!(told(replies).err(), Some(expected));
    }
}

#[test]
fn a_posted_body_does_not_pass_for_a_reading() {
    let members = told(whole()).unwrap_or_else(|answer| panic!("{answer:?}"));
    let body = &members.bodies[0];
    assert!(matches!(read(body, Lane::Bulk), Read::Event(_)));
    assert!(!matches!(read(body, Lane::Live), Read::Event(_)));
}

#[test]
fn a_webhook_has_somebody_read_and_nothing_more() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../events/annexcloud/user_updated.json"
    );
    let body = std::fs::read(path).unwrap();
    assert_eq!(source().trim(&body).unwrap(), body);
    let hint = Read::Hint {
        topic: "user.update".to_owned(),
        whom: Whom::Id("c-20417".into()),
    };
    assert_eq!(read(&body, Lane::Live), hint);
    let inbound = Inbound {
        body,
        ..Inbound::default()
    };
    assert_eq!(source().delivery_id(&inbound).as_deref(), Some("evt-90017"));
    let kept = Read::Kept {
        topic: Some("user.update".to_owned()),
        reason: Reason::NoPerson,
    };
    assert_eq!(read(br#"{"event":"user.update"}"#, Lane::Live), kept);
}

#[test]
fn a_webhook_is_answered_with_what_became_of_it() {
    for (reception, status) in [
        (Reception::Stored, 200),
        (Reception::Refused(Refusal::Unauthorized), 401),
        (Reception::Refused(Refusal::NotAnObject), 400),
        (Reception::Refused(Refusal::TooLarge), 413),
        (Reception::Unavailable, 503),
    ] {
        assert_eq!(source().reply(reception), status);
    }
    assert_eq!(source().trim(b"[]"), Err(Refusal::NotAnObject));
    for kind in Kind::ALL {
        let email = Email::parse(MAJA).unwrap();
        assert_eq!(source().example(*kind, &email, asked(), 1), None);
    }
}
