//! Annex Cloud as a destination: what it hears of, the exact form of what it is sent, and what its replies mean.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{num::NonZeroU32, time::Duration};

use jiff::Timestamp;
use loyalty::{
    Alias, Change, DayOfYear, Detail, Email, Event, EventId, Facet, Guard, HashKey, Kind, Member,
    Occurrence, Ordered, Patch, PointsOrder, Role, Says, Stamp, StoreId, Who,
};
use serde_json::{Value, json};
use vendors::{
    Answer, Call, Destination, EraseMode, Erasing, Form, Level, Method, Note, Plan, Push, Reason,
    Renaming, Reply, Seen, Site, Step, Store, Wants, annexcloud::AnnexCloud, registry,
};

const ADA: &str = "ada@example.com";

fn annexcloud() -> &'static dyn Destination {
    registry::destination("annexcloud").unwrap()
}

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

fn store_with(source: &Value, destination: &Value) -> Store {
    Store::read(json!({
        "v": 1, "store": "example", "name": "Example", "currency": "EUR", "locale": "de-DE",
        "sources": {"annexcloud": source}, "destinations": {"annexcloud": destination},
    }))
    .unwrap()
}

fn store() -> Store {
    let never = json!({"domains": ["shop.example.com"], "addresses": ["press@example.com"]});
    store_with(
        &json!({"never_enrol": never}),
        &json!({"actions": {"referral_completed": "104", "birthday": 7}}),
    )
}

fn now() -> Timestamp {
    "2026-03-04T12:00:00Z".parse().unwrap()
}

fn event(kind: Kind, source: &str, who: Who) -> Event {
    Event {
        id: EventId::new(
            &HashKey::new("k"),
            &StoreId::parse("example").unwrap(),
            &["e"],
        ),
        guard: Guard::Day,
        kind,
        who,
        role: Role::Member,
        patch: Patch::default(),
        statement: Patch::default(),
        fills: Patch::default(),
        detail: Detail::default(),
        day: None,
        stamp: Stamp {
            as_of: now(),
            arrived: now(),
            hash: String::new(),
            source: source.to_owned(),
        },
    }
}

/// A member of whom everything is known that Annex Cloud takes.
fn member() -> Member {
    let mut event = event(Kind::MemberUpdated, "yotpo", Who::Email(email(ADA), None));
    let patch = &mut event.patch;
    patch.first_name = Says::Is("Ada".into());
    patch.last_name = Says::Is("Example".into());
    patch.phone = Says::Is("+4915550100".into());
    patch.zip = Says::Is("10115".into());
    patch.avatar_url = Says::Is("https://img.shop.example.com/ada.png".into());
    patch.birthday = Says::Is(DayOfYear::new(Some(1990), 4, 1).unwrap());
    patch.anniversary = Says::Is(DayOfYear::new(Some(2024), 3, 2).unwrap());
    patch.opt_in = Says::Is(true);
    let mut member = Member::default();
    member.hear(&event);
    member
}

/// The same, whom Annex Cloud calls by an id of its own.
fn known() -> Member {
    let mut member = member();
    member.aliases.insert(Alias {
        source: "annexcloud".to_owned(),
        id: "c-20417".into(),
    });
    member
}

/// What happens to somebody who leaves the programme.
fn leave(member: &mut Member) {
    let mut left = event(Kind::OptedOut, "yotpo", Who::Email(email(ADA), None));
    left.stamp.as_of = "2026-03-04T13:00:00Z".parse().unwrap();
    left.patch.opt_in = Says::Is(false);
    member.hear(&left);
}

fn note(kind: Kind, detail: Detail) -> Note {
    Note {
        event: EventId::new(
            &HashKey::new("k"),
            &StoreId::parse("example").unwrap(),
            &["e"],
        ),
        kind,
        occurrence: Occurrence::from(now()),
        arrived: now(),
        detail,
    }
}

fn planned(
    store: &Store,
    member: &Member,
    note: Option<&Note>,
    form: Form,
) -> Result<Plan, Reason> {
    annexcloud().plan(&Push {
        store,
        member,
        note,
        form,
        person: None,
        version: 1,
        first: true,
        now: now(),
    })
}

fn shown(plan: &Plan) -> Value {
    let body: Value = serde_json::from_str(plan.call.body.as_deref().unwrap()).unwrap();
    json!({
        "call": format!("{:?} {}", plan.call.method, plan.call.path), "body": body, "starts": plan.starts,
        "says_picture": plan.picture.is_some(),
    })
}

fn ordered(what: PointsOrder) -> Detail {
    Detail {
        ordered: Some(Ordered {
            what,
            reason: "goodwill".into(),
        }),
        ..Detail::default()
    }
}

#[test]
fn a_request_stays_as_it_is() {
    let store = store();
    let award = PointsOrder::Award {
        points: NonZeroU32::new(50).unwrap(),
        action: None,
    };
    let plan = |member: &Member, kind, detail| {
        let note = note(kind, detail);
        shown(&planned(&store, member, Some(&note), Form::Full).unwrap())
    };
    let full = planned(&store, &known(), None, Form::Picture).unwrap();
    insta::assert_json_snapshot!(json!({
        "picture": shown(&full),
        "enrolment": plan(&member(), Kind::OptedIn, Detail::default()),
        "action": plan(&known(), Kind::ReferralCompleted, Detail::default()),
        "order": plan(&member(), Kind::PointsOrdered, ordered(award)),
    }));
}

/// Kind, source, address, what changed, what Annex Cloud hears of it.
const HEARD: &str = "
opted_in           yotpo     ada@example.com            -        event
enrolment_wanted   gorgias   ada@example.com            -        event
opted_in           yotpo     No-Reply+7@example.com     -        not_wanted
opted_in           yotpo     kim@mail.shop.example.com  -        not_wanted
opted_in           yotpo     press@example.com          -        not_wanted
opted_in           yotpo     kim@myshop.example.com     -        event
opted_in           yotpo     -                          profile  no_address
referral_completed yotpo     ada@example.com            -        event
birthday           clock     ada@example.com            -        event
points_ordered     operator  ada@example.com            -        event
member_updated     yotpo     ada@example.com            profile  picture
opted_out          yotpo     ada@example.com            consent  picture
birthday_captured  yotpo     ada@example.com            dates    picture
points_earned      yotpo     ada@example.com            points   not_wanted
points_earned      yotpo     ada@example.com            -        unchanged
";

#[test]
fn what_annex_cloud_hears_of() {
    let store = store();
    for line in HEARD.lines().filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let kind: Kind = words[0].parse().unwrap();
        let who = match words[2] {
            "-" => Who::External(Alias {
                source: "yotpo".to_owned(),
                id: "1".into(),
            }),
            address => Who::Email(email(address), None),
        };
        let facet = serde_json::from_value::<Facet>(words[3].into()).ok();
        let change = Change {
            facets: facet.into_iter().collect(),
            joined: false,
        };
        let wants = |source| {
            let event = event(kind, source, who.clone());
            match annexcloud().wants(&event, &change, &store) {
                Wants::Event => "event",
                Wants::Picture => "picture",
                Wants::Nothing(reason) => reason.code(),
            }
        };
        assert_eq!(wants(words[1]), words[4], "{line}");
        assert_eq!(wants("annexcloud"), "not_wanted", "what it told: {line}");
    }
}

#[test]
fn annex_cloud_hears_of_members_and_of_what_a_store_wants() {
    let change = Change {
        facets: [Facet::Profile].into(),
        joined: false,
    };
    let mut friend = event(
        Kind::ReferralLinkShared,
        "yotpo",
        Who::Email(email(ADA), None),
    );
    friend.role = Role::Contact;
    assert_eq!(
        annexcloud().wants(&friend, &change, &store()),
        Wants::Nothing(Reason::NotWanted)
    );
    let quiet = store_with(&json!({}), &json!({"profile": false, "enrol": []}));
    for kind in [Kind::OptedIn, Kind::EnrolmentWanted] {
        let event = event(kind, "yotpo", Who::Email(email(ADA), None));
        let heard = annexcloud().wants(&event, &change, &quiet);
        assert_eq!(heard, Wants::Nothing(Reason::NotWanted));
    }
}

#[test]
fn an_order_carries_our_name_of_it_and_its_hash_does_not() {
    let store = store();
    let earlier = note(Kind::ReferralCompleted, Detail::default());
    let later = Note {
        occurrence: Occurrence::from("2026-03-05T12:00:00Z".parse::<Timestamp>().unwrap()),
        ..earlier.clone()
    };
    let plan = |note: &Note| planned(&store, &known(), Some(note), Form::Full).unwrap();
    let [one, other] = [&earlier, &later].map(plan);
    assert_eq!(shown(&one)["body"]["orderId"], earlier.delivery());
    assert_ne!(one.call, other.call);
    assert_eq!(one.event, other.event);
}

#[test]
fn points_are_booked_once_and_for_those_who_take_part() {
    let store = store();
    let referral = note(Kind::ReferralCompleted, Detail::default());
    for form in [Form::Quiet, Form::Picture] {
        let plan = planned(&store, &known(), Some(&referral), form).unwrap();
        assert_eq!((plan.call.method, plan.starts), (Method::Patch, false));
    }
    let mut out = known();
    leave(&mut out);
    let plan = planned(&store, &out, Some(&referral), Form::Full).unwrap();
    assert_eq!(plan.call.method, Method::Patch);
    assert_eq!(shown(&plan)["body"]["optInStatus"], "NO");
    let order = note(
        Kind::PointsOrdered,
        ordered(PointsOrder::Action {
            action: "1".to_owned(),
        }),
    );
    let plan = planned(&store, &out, Some(&order), Form::Full).unwrap();
    assert!(plan.starts, "a person has the last word");
}

#[test]
fn what_cannot_be_written_says_why() {
    let with = |destination: Value| store_with(&json!({}), &destination);
    let nothing = note(Kind::PointsOrdered, Detail::default());
    let many = PointsOrder::Award {
        points: NonZeroU32::new(1_001).unwrap(),
        action: None,
    };
    let many = note(Kind::PointsOrdered, ordered(many));
    let joined = note(Kind::OptedIn, Detail::default());
    let mut nobody = member();
    nobody.email = None;
    let mut friend = member();
    friend.role = Role::Contact;
    let mut system = member();
    system.email = Some(email("mailer-daemon@example.com"));
    let refused = |store: &Store, member: &Member, note: Option<&Note>| {
        planned(store, member, note, Form::Full).unwrap_err()
    };
    let mut out = member();
    leave(&mut out);
    let (on, off) = (store(), with(json!({"profile": false})));
    assert_eq!(refused(&on, &out, Some(&joined)), Reason::NotWanted);
    assert_eq!(
        refused(&on, &member(), Some(&nothing)),
        Reason::InvalidValue
    );
    assert_eq!(refused(&on, &member(), Some(&many)), Reason::InvalidValue);
    assert_eq!(refused(&on, &nobody, None), Reason::NoAddress);
    assert_eq!(refused(&on, &friend, None), Reason::NotWanted);
    assert_eq!(refused(&on, &system, Some(&joined)), Reason::NotWanted);
    assert_eq!(refused(&off, &member(), None), Reason::NotWanted);
    let off = Store::read(json!({
        "v": 1, "store": "example", "name": "Example", "currency": "EUR", "locale": "de-DE",
    }));
    let plan = planned(&off.unwrap(), &member(), None, Form::Picture);
    assert_eq!(plan.err(), Some(Reason::NotWanted));
}

#[test]
fn somebody_new_is_made_as_the_store_wants_it() {
    let store = store_with(
        &json!({"opt_in_status": "NO"}),
        &json!({"enrol_source": "gorgias"}),
    );
    let mut new = Member {
        email: Some(email(ADA)),
        ..Member::default()
    };
    let wanted = note(Kind::EnrolmentWanted, Detail::default());
    let plan = planned(&store, &new, Some(&wanted), Form::Full).unwrap();
    let expected = json!({
        "id": ADA, "email": ADA, "optInStatus": "NO", "status": "active", "createDate": "2026-03-04T12:00:00+0000",
        "anniversaryDate": "2026-03-04T12:00:00+0000", "extendedAttribute": {"source": "gorgias"},
    });
    assert_eq!(shown(&plan)["body"], expected);
    assert_eq!((plan.picture, plan.starts), (None, false));
    let joined = note(Kind::OptedIn, Detail::default());
    let plan = planned(&store, &member(), Some(&joined), Form::Full).unwrap();
    assert_eq!(
        shown(&plan)["body"]["optInStatus"],
        "YES",
        "they said so themselves"
    );
    new.role = Role::Member;
    new.aliases = known().aliases;
    let plan = planned(&store, &new, Some(&joined), Form::Full).unwrap();
    assert_eq!(
        plan.call.method,
        Method::Patch,
        "whoever is there already is kept up to date"
    );
}

fn reply(status: u16, body: &Value) -> Reply {
    Reply {
        status,
        retry_after: None,
        date: None,
        body: body.to_string().into_bytes(),
    }
}

#[test]
fn what_a_reply_means_depends_on_the_call() {
    let store = store();
    let order = note(Kind::ReferralCompleted, Detail::default());
    let joined = note(Kind::OptedIn, Detail::default());
    let book = planned(&store, &known(), Some(&order), Form::Full)
        .unwrap()
        .call;
    let enrol = planned(&store, &member(), Some(&joined), Form::Full)
        .unwrap()
        .call;
    let patch = planned(&store, &known(), None, Form::Picture).unwrap().call;
    let error = |code: &str| json!({ "errorCode": code });
    let unclear = || Answer::Unknown {
        reason: Reason::VendorError,
        after: None,
    };
    let booked = |id: Option<&str>| Answer::Booked {
        people: vec![id.map(ToOwned::to_owned)],
    };
    let exists = || Answer::Exists {
        person: Some(ADA.to_owned()),
    };
    let after = Duration::from_secs(2);
    for (call, status, body, expected) in [
        (
            &book,
            200,
            json!({"id": "c-20417", "updatedAvailablePoints": "50"}),
            booked(Some("c-20417")),
        ),
        (&book, 200, json!({"credit": 50}), booked(Some("c-20417"))),
        (&book, 200, json!({"id": "c-20417"}), unclear()),
        (&book, 404, error("AC1005"), Answer::Elsewhere),
        (&book, 409, error("AC1006"), unclear()),
        (&book, 404, error("AC1001"), unclear()),
        (
            &book,
            400,
            error("AC1004"),
            Answer::Refused(Reason::InvalidValue),
        ),
        (
            &enrol,
            200,
            json!({"Data": {"id": 4711}}),
            booked(Some("4711")),
        ),
        (&enrol, 200, json!({}), booked(Some(ADA))),
        (&enrol, 409, error("AC1006"), exists()),
        (&enrol, 200, error("AC1006"), exists()),
        (
            &enrol,
            404,
            error("AC1005"),
            Answer::Refused(Reason::Refused),
        ),
        (
            &patch,
            200,
            json!({"id": "c-20417"}),
            booked(Some("c-20417")),
        ),
        (&patch, 204, Value::Null, booked(None)),
        (&patch, 400, error("AC1005"), Answer::Elsewhere),
        (
            &patch,
            409,
            error("AC1006"),
            Answer::Refused(Reason::Refused),
        ),
        (
            &patch,
            401,
            error("AC1002"),
            Answer::Misconfigured(Reason::Unauthorized),
        ),
        (&patch, 429, json!({}), Answer::Throttled { after }),
    ] {
        let answer = annexcloud().answer(call, Some(&reply(status, &body)));
        assert_eq!(answer, expected, "{call:?} {status} {body}");
    }
    let lost = Answer::Unknown {
        reason: Reason::NoAnswer,
        after: None,
    };
    assert_eq!(annexcloud().answer(&book, None), lost);
    let reads_back = [&book, &enrol, &patch].map(|call| annexcloud().reads_back(call));
    assert_eq!(reads_back, [Some("annexcloud"), Some("annexcloud"), None]);
}

#[test]
fn a_look_shows_our_orders() {
    let call = annexcloud().look(&known(), None).unwrap();
    assert_eq!(
        (call.method, call.path.as_str()),
        (Method::Get, "/users/c%2D20417/activity")
    );
    let named = annexcloud().look(&known(), Some("c-7")).unwrap();
    assert_eq!(named.path, "/users/c%2D7/activity");
    let order = note(Kind::ReferralCompleted, Detail::default()).delivery();
    let activity =
        json!({"Data": [{"orderId": order, "credit": "50"}, {"orderId": "of the shop"}]});
    let seen = annexcloud().seen(Some(&reply(200, &activity)));
    assert_eq!(seen, Seen::Booked(vec![order, "of the shop".to_owned()]));
    assert!(matches!(
        annexcloud().seen(None),
        Seen::Failed(Answer::Unknown { .. })
    ));
}

#[test]
fn a_new_address_keeps_the_person() {
    let member = member();
    let renaming = Renaming {
        person: "old@example.com",
        member: &member,
    };
    let call = annexcloud().rename(&renaming).unwrap();
    let expected = Call {
        method: Method::Patch,
        path: "/users/old%40example%2Ecom".to_owned(),
        body: Some(json!({"email": ADA}).to_string()),
    };
    assert_eq!(call, expected);
}

#[test]
fn a_person_is_erased_as_the_store_or_the_request_wants_it() {
    let (email, fields) = (email(ADA), store());
    let erasing = |store, person, mode| Erasing {
        store,
        email: Some(&email),
        person,
        version: 1,
        mode,
    };
    let first = |erasing: Erasing| match annexcloud().erase(&erasing, None) {
        Step::Call(call) => call,
        other => panic!("{other:?}"),
    };
    let blank = first(erasing(&fields, Some("c-20417"), None));
    assert_eq!(
        (blank.method, blank.path.as_str()),
        (Method::Patch, "/users/c%2D20417")
    );
    let body =
        json!({"firstName": "", "lastName": "", "phone": "", "zipCode": "", "optInStatus": "NO"});
    assert_eq!(blank.body, Some(body.to_string()));
    let remove = first(erasing(&fields, None, Some(EraseMode::Person)));
    assert_eq!(
        (remove.method, remove.path.as_str()),
        (Method::Post, "/userdelete")
    );
    assert_eq!(remove.body, Some(json!({"id": ADA}).to_string()));
    let person = store_with(&json!({}), &json!({"erase": "person"}));
    assert_eq!(first(erasing(&person, None, None)), remove);

    let gone = reply(404, &json!({"errorCode": "AC1005"}));
    let fine = reply(200, &json!({"id": ADA}));
    let failed = reply(404, &json!({"errorCode": "AC1001"}));
    let then = |reply| annexcloud().erase(&erasing(&fields, None, None), Some((&blank, reply)));
    assert_eq!(then(Some(&gone)), Step::Done(()));
    assert_eq!(then(Some(&fine)), Step::Done(()));
    assert!(matches!(
        then(Some(&failed)),
        Step::Failed(Answer::Unknown { .. })
    ));
    assert!(matches!(then(None), Step::Failed(_)));
}

#[test]
fn a_look_at_nobody_tells_whether_the_key_works() {
    let store = store();
    let Step::Call(call) = annexcloud().check(&site(&store), &[]) else {
        panic!("a call");
    };
    assert_eq!(call.method, Method::Get);
    let found = |status, body: &Value| {
        let answered = [(call.clone(), Some(reply(status, body)))];
        annexcloud().check(&site(&store), &answered)
    };
    let Step::Done(findings) = found(404, &json!({"errorCode": "AC1005"})) else {
        panic!("done");
    };
    assert_eq!(findings[0].level, Level::Good);
    let refused = found(401, &json!({"errorCode": "AC1002"}));
    assert_eq!(
        refused,
        Step::Failed(Answer::Misconfigured(Reason::Unauthorized))
    );
    assert!(matches!(
        found(404, &Value::Null),
        Step::Failed(Answer::Misconfigured(_))
    ));
    let Step::Done(findings) = annexcloud().provision(&site(&store), &[]) else {
        panic!("done");
    };
    assert_eq!(findings[0].level, Level::Good);
}

#[test]
fn stores_that_share_a_site_share_its_pace() {
    assert_eq!(AnnexCloud.account(&store()), "example");
    let shared = store_with(&json!({}), &json!({"account": "outdoor-group"}));
    assert_eq!(AnnexCloud.account(&shared), "outdoor-group");
}

fn site(store: &Store) -> Site<'_> {
    Site {
        store,
        api_url: "https://api.example.com",
        token: None,
        force: false,
    }
}
