//! Gorgias: the exact form of what it is sent, and what its replies mean.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use loyalty::{
    Detail, Email, Event, EventId, Guard, HashKey, Kind, Member, Patch, Role, Says, Stamp, StoreId,
    Who,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use vendors::{
    Answer, Answered, Call, Destination, EraseMode, Erasing, Form, Method, Plan, Push, Reason,
    Reply, Revival, Site, Step, Store, Watched,
    gorgias::{Gorgias, people},
};

const ADA: &str = "ada+club@example.com";

fn store(settings: &Value) -> Store {
    Store::read(json!({
        "v": 1, "store": "example", "name": "Example Outdoor", "currency": "EUR", "locale": "de-DE",
        "destinations": {"gorgias": settings},
    }))
    .unwrap()
}

fn now() -> Timestamp {
    "2026-03-04T12:00:00Z".parse().unwrap()
}

/// A member as somebody saw them at this instant.
fn member(seen: Timestamp) -> Member {
    let id = EventId::new(
        &HashKey::new("k"),
        &StoreId::parse("example").unwrap(),
        &["e"],
    );
    let mut event = Event {
        id,
        guard: Guard::Day,
        kind: Kind::MemberUpdated,
        who: Who::Email(Email::parse(ADA).unwrap(), None),
        role: Role::Member,
        patch: Patch::default(),
        statement: Patch::default(),
        fills: Patch::default(),
        detail: Detail::default(),
        day: None,
        stamp: Stamp {
            as_of: seen,
            arrived: seen,
            hash: String::new(),
            source: "yotpo".to_owned(),
        },
    };
    event.patch.first_name = Says::Is("Ada".into());
    event.patch.last_name = Says::Is("Example".into());
    event.patch.points_available = Says::Is(5120);
    let mut member = Member::default();
    member.hear(&event);
    member.activities.clear();
    member
}

fn push<'a>(store: &'a Store, member: &'a Member, person: Option<&'a str>) -> Push<'a> {
    Push {
        store,
        member,
        note: None,
        form: Form::Picture,
        person,
        version: 1_772_625_600_000_042,
        first: false,
        now: now(),
    }
}

fn plan(member: &Member) -> Plan {
    let store = store(&json!({"push": true}));
    Gorgias
        .plan(&push(&store, member, Some("51000020")))
        .unwrap()
}

fn reply(status: u16, body: &Value) -> Reply {
    Reply {
        status,
        retry_after: None,
        date: None,
        body: body.to_string().into_bytes(),
    }
}

fn page(rows: &Value) -> Reply {
    reply(200, &json!({"data": rows, "meta": {"next_cursor": null}}))
}

fn sent(call: &Call) -> (Method, &str, Value) {
    let body = call.body.as_deref().unwrap_or("null");
    (call.method, &call.path, serde_json::from_str(body).unwrap())
}

#[test]
fn the_picture_is_written_with_its_version() {
    let plan = plan(&member(now()));
    let (method, path, body) = sent(&plan.call);
    assert_eq!(
        (method, path),
        (Method::Put, "/api/customers/51000020/data")
    );
    assert_eq!(body["version"], "2026-03-04T12:00:00.000042");
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["data", "version"]);
    let card = &body["data"]["loyalty"];
    assert_eq!(
        (&card["points"]["available"], &card["as_of"]),
        (&json!(5120), &json!("2026-03-04T12:00:00Z"))
    );
    assert!(!plan.starts);
    let store = store(&json!({"push": true}));
    let unknown = Gorgias.plan(&push(&store, &member(now()), None));
    assert_eq!(unknown, Err(Reason::UnknownThere));
}

#[test]
fn an_older_word_of_the_same_is_the_same_picture() {
    let (new, old) = (
        plan(&member(now())),
        plan(&member(now() - SignedDuration::from_hours(5))),
    );
    assert_ne!(new.call, old.call, "the card tells its age");
    assert_eq!(new.picture, old.picture);
    let mut richer = member(now());
    let points = richer.points_available.stamp().unwrap().clone();
    richer.points_available = loyalty::Kept::Is(5121, points);
    assert_ne!(plan(&richer).picture, new.picture);
}

/// The calls of one search, with each reply.
fn search(settings: &Value, replies: &[Option<Reply>]) -> (Vec<Call>, Step<Option<String>>) {
    let (store, member) = (store(settings), member(now()));
    let mut answered: Vec<Answered> = Vec::new();
    for reply in replies {
        match Gorgias.locate(&push(&store, &member, None), &answered) {
            Step::Call(call) => answered.push((call, reply.clone())),
            ended => panic!("{ended:?} after {} calls", answered.len()),
        }
    }
    let ended = Gorgias.locate(&push(&store, &member, None), &answered);
    (answered.into_iter().map(|(call, _)| call).collect(), ended)
}

#[test]
fn a_person_is_looked_for_by_every_address_and_made_where_that_is_wanted() {
    let pushes = json!({"push": true});
    let makes =
        json!({"push": true, "create_missing": true, "customer_time_zone": "Europe/Berlin"});
    let (nobody, ada) = (
        Some(page(&json!([]))),
        Some(page(&json!([{"id": 8, "email": "Ada+Club@example.com"}]))),
    );
    let other = Some(page(&json!([{"id": 9, "email": "bob@example.com"}])));
    let made = Some(reply(201, &json!({"id": 8})));
    let found = Step::Done(Some("8".to_owned()));

    let (calls, ended) = search(&pushes, std::slice::from_ref(&ada));
    assert_eq!(ended, found);
    assert_eq!(
        calls[0].path,
        "/api/customers?email=ada%2Bclub%40example%2Ecom&limit=1"
    );
    let shown = |status, address| {
        let channels = json!([{"address": "bob@example.com"}, {"address": address}]);
        let body = json!({"id": 9, "email": "bob@example.com", "channels": channels});
        Some(reply(status, &body))
    };
    let alone = |shown| search(&pushes, &[nobody.clone(), other.clone(), shown]);
    let (calls, ended) = alone(shown(200, "ADA+club@example.com"));
    assert_eq!(
        ended,
        Step::Done(Some("9".to_owned())),
        "another primary address"
    );
    assert_eq!(calls[2].path, "/api/customers/9");
    for stranger in [
        shown(200, "eve@example.com"),
        shown(301, ADA),
        shown(404, ADA),
    ] {
        let ended = alone(stranger).1;
        assert_eq!(ended, Step::Done(None), "a filter that was not understood");
    }
    assert!(matches!(alone(shown(500, ADA)).1, Step::Failed(_)));
    assert_eq!(
        calls[1].path,
        "/api/customers?channel_type=email&channel_address=ada%2Bclub%40example%2Ecom&limit=1"
    );
    let (_, ended) = search(&pushes, &[other, nobody.clone()]);
    assert_eq!(ended, Step::Done(None), "the first was somebody else");
    let (calls, ended) = search(&makes, &[nobody.clone(), nobody.clone(), made]);
    assert_eq!(ended, found);
    let (method, path, body) = sent(&calls[2]);
    assert_eq!((method, path), (Method::Post, "/api/customers"));
    assert_eq!(
        body,
        json!({"email": ADA, "name": "Ada Example", "timezone": "Europe/Berlin"})
    );
    let taken = Some(reply(409, &json!({"error": {"msg": "exists"}})));
    let again = [nobody.clone(), nobody.clone(), taken.clone(), ada];
    assert_eq!(search(&makes, &again).1, found);
    let hidden = [
        nobody.clone(),
        nobody.clone(),
        taken,
        nobody.clone(),
        nobody,
    ];
    let refused = Step::Failed(Answer::Refused(Reason::Refused));
    assert_eq!(search(&makes, &hidden).1, refused);
}

#[test]
fn what_each_reply_to_a_write_means() {
    let call = plan(&member(now())).call;
    let mut full = member(now());
    full.activities = vec![];
    let means = |status| Gorgias.answer(&call, Some(&reply(status, &json!({}))));
    let unknown = |reason| Answer::Unknown {
        reason,
        after: None,
    };
    let cases = [
        (200, Answer::Booked { people: Vec::new() }),
        (202, Answer::Booked { people: Vec::new() }),
        (204, Answer::Booked { people: Vec::new() }),
        (301, Answer::Elsewhere),
        (400, Answer::Refused(Reason::Refused)),
        (401, Answer::Misconfigured(Reason::Unauthorized)),
        (403, Answer::Misconfigured(Reason::Unauthorized)),
        (404, Answer::Elsewhere),
        (405, Answer::Misconfigured(Reason::WrongAddress)),
        (409, Answer::Refused(Reason::Refused)),
        // There is no activity that could be left out.
        (413, Answer::Refused(Reason::InvalidValue)),
        (422, Answer::Refused(Reason::Refused)),
        (500, unknown(Reason::VendorError)),
        (503, unknown(Reason::VendorError)),
    ];
    for (status, meaning) in cases {
        assert_eq!(means(status), meaning, "{status}");
    }
    assert_eq!(Gorgias.answer(&call, None), unknown(Reason::NoAnswer));
    let asks = |retry_after: Option<&str>| {
        let reply = Reply {
            retry_after: retry_after.map(ToOwned::to_owned),
            ..reply(429, &json!({}))
        };
        Gorgias.answer(&call, Some(&reply))
    };
    for (text, seconds) in [(Some("7"), 7), (None, 20), (Some("soon"), 20)] {
        let after = Duration::from_secs(seconds);
        assert_eq!(asks(text), Answer::Throttled { after }, "{text:?}");
    }
}

#[test]
fn a_good_status_is_believed_unless_it_carries_an_error() {
    let call = plan(&member(now())).call;
    let booked = Answer::Booked { people: Vec::new() };
    let cases = [
        (json!({"id": 8}), booked.clone()),
        (json!({"error": null, "errors": null}), booked),
        (
            json!({"error": {"msg": "no"}}),
            Answer::Refused(Reason::Refused),
        ),
        (json!({"errors": ["no"]}), Answer::Refused(Reason::Refused)),
    ];
    for (body, meaning) in cases {
        let answer = Gorgias.answer(&call, Some(&reply(200, &body)));
        assert_eq!(answer, meaning, "{body}");
    }
}

#[test]
fn erasing_empties_the_data_at_the_version_where_the_picture_ends() {
    let (store, email) = (store(&json!({"push": true})), Email::parse(ADA).unwrap());
    let erasing = |person, mode| Erasing {
        store: &store,
        email: Some(&email),
        person,
        version: 1_772_625_600_000_042,
        mode,
    };
    for mode in [None, Some(EraseMode::Fields), Some(EraseMode::Person)] {
        let Step::Call(call) = Gorgias.erase(&erasing(Some("8"), mode), None) else {
            panic!("no call");
        };
        let (method, path, body) = sent(&call);
        assert_eq!((method, path), (Method::Put, "/api/customers/8/data"));
        assert_eq!(
            body,
            json!({"data": {}, "version": "2026-03-04T12:00:00.000042"})
        );
        let merged = reply(301, &json!({}));
        let next = Gorgias.erase(&erasing(Some("8"), mode), Some((&call, Some(&merged))));
        assert!(matches!(next, Step::Call(look) if look.path.contains("?email=")));
        let done = reply(202, &Value::Null);
        let next = Gorgias.erase(&erasing(Some("8"), mode), Some((&call, Some(&done))));
        assert_eq!(next, Step::Done(()));
    }
}

#[test]
fn a_key_leads_to_gorgias_and_nowhere_else() {
    let secret = |account: &str| json!({"v": 1, "account": account, "email": "ola@example.com", "api_key": "k"});
    let call = people::page(None);
    let key = Gorgias.key(&secret("example-2")).unwrap();
    let way = key.way(&call, now());
    assert_eq!(way.base, "https://example-2.gorgias.com");
    assert_eq!(way.headers[0].name, "authorization");
    for account in [
        "",
        "-a",
        "a.b",
        "a/b",
        "evil.example.com#",
        "a:80",
        "ÅA",
        "A",
        "a@b",
    ] {
        assert!(Gorgias.key(&secret(account)).is_none(), "{account}");
    }
    for missing in ["account", "email", "api_key"] {
        let mut secret = secret("example");
        secret.as_object_mut().unwrap().remove(missing);
        assert!(Gorgias.key(&secret).is_none(), "{missing}");
    }
}

#[test]
fn the_list_of_customers_is_read_in_every_form() {
    let rows =
        json!([{"id": 8, "email": ADA}, {"id": "9", "email": null}, {"email": "x@example.com"}]);
    let shown = json!({"data": rows, "meta": {"next_cursor": "a+b/c="}});
    let first = people::read(Some(&reply(200, &shown))).unwrap();
    let ids: Vec<&str> = first.customers.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["8", "9"]);
    assert_eq!(first.customers[1].email, None);
    let next = people::page(first.next.as_deref());
    assert!(next.path.ends_with("&cursor=a%2Bb%2Fc%3D"), "{}", next.path);
    assert!(!format!("{first:?}").contains('@'));
    assert_eq!(people::read(Some(&reply(200, &rows))).unwrap().next, None);
    assert!(people::read(Some(&reply(200, &json!("<html>")))).is_err());
    assert!(people::read(None).is_err());
}

#[test]
fn a_trial_passes_with_a_card_and_nothing_else() {
    let revival = revival();
    for (status, body, passes) in [
        (200, json!({"loyalty": {"status": "not a member"}}), true),
        (200, json!({"loyalty": {"status": "unavailable"}}), false),
        (200, json!({"loyalty": {}}), false),
        (200, json!([]), false),
        (200, json!("card"), false),
        (202, json!({}), false),
        (401, json!({}), false),
    ] {
        assert_eq!(
            revival.passes(Some(&reply(status, &body))),
            passes,
            "{status} {body}"
        );
    }
    assert!(!revival.passes(None));
}

/// The list of integrations with ours in it, disabled at this time.
fn shown(at: &Value) -> Vec<Answered> {
    let url = "https://api.example.com/gorgias/example/member?email={{ticket.customer.email}}";
    let own =
        json!({"id": 4711, "name": "Our name", "http": {"url": url}, "deactivated_datetime": at});
    listed(&json!([own]))
}

fn listed(rows: &Value) -> Vec<Answered> {
    let Step::Call(call) = watch(&json!({}), None, &[]) else {
        panic!("no call");
    };
    vec![(call, Some(page(rows)))]
}

fn revival() -> Revival {
    let at = shown(&json!("2026-03-04T10:00:00+00:00"));
    let Step::Done(Watched::Stopped(Some(revival))) =
        watch(&json!({"reenable": true}), Some("t"), &at)
    else {
        panic!("no revival");
    };
    revival
}

#[test]
fn what_is_disabled_is_revived_where_the_store_wants_it() {
    let works = watch(&json!({"reenable": true}), Some("t"), &shown(&Value::Null));
    assert!(matches!(works, Step::Done(Watched::Works)));
    let none = watch(&json!({}), Some("t"), &listed(&json!([])));
    assert!(matches!(none, Step::Done(Watched::Missing)));
    let at = shown(&json!("2026-03-04T10:00:00+00:00"));
    for (settings, token) in [(json!({}), Some("t")), (json!({"reenable": true}), None)] {
        let left = watch(&settings, token, &at);
        assert!(
            matches!(left, Step::Done(Watched::Stopped(None))),
            "{settings}"
        );
    }
    let revival = revival();
    assert_eq!(
        revival.trial.path,
        "/gorgias/example/member?email=nobody%40example.com"
    );
    assert_eq!(
        revival.key.way(&revival.trial, now()).base,
        "https://api.example.com"
    );
    let (method, path, body) = sent(&revival.enable);
    assert_eq!((method, path), (Method::Put, "/api/integrations/4711"));
    assert_eq!(
        (&body["name"], &body["deactivated_datetime"]),
        (&json!("Our name"), &Value::Null)
    );
    assert!(
        body.get("description").is_none(),
        "it names the widgets that stand"
    );
}

fn watch(settings: &Value, token: Option<&str>, answered: &[Answered]) -> Step<Watched> {
    let store = store(settings);
    let site = Site {
        store: &store,
        api_url: "https://api.example.com",
        token: token.map(SecretString::from),
        force: false,
    };
    Gorgias.watch(&site, answered)
}
