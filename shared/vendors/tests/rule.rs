//! Rule: what its replies mean, and the exact form of what it is sent.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use loyalty::{
    Detail, Email, Event, EventId, Guard, HashKey, Kind, Member, Occurrence, Perk, Product, Reward,
    Role, Says, Share, Stamp, StoreId, TierEntry, TierMove, Who,
};
use serde_json::{Value, json};
use vendors::{
    Answer, Call, Destination, Form, Method, Note, Push, Reason, Reply, Seen, Store, rule::Rule,
};

fn store() -> Store {
    Store::read(json!({
        "v": 1, "store": "example", "name": "Example Outdoor", "currency": "NOK", "locale": "nb-NO",
        "destinations": {"rule": {"yearless_birthday": "placeholder"}},
    }))
    .unwrap()
}

fn now() -> Timestamp {
    "2026-03-04T12:00:00Z".parse().unwrap()
}

/// A member of whom everything is known that Rule has a field for.
fn member() -> Member {
    let moment = |text: &str| Says::Is(text.parse().unwrap());
    let mut event = Event {
        id: EventId::new(
            &HashKey::new("k"),
            &StoreId::parse("example").unwrap(),
            &["e"],
        ),
        guard: Guard::Day,
        kind: Kind::MemberUpdated,
        who: Who::Email(Email::parse("kari@example.com").unwrap(), None),
        role: Role::Member,
        patch: loyalty::Patch::default(),
        statement: loyalty::Patch::default(),
        fills: loyalty::Patch::default(),
        detail: Detail::default(),
        day: None,
        stamp: Stamp {
            as_of: now(),
            arrived: now(),
            hash: String::new(),
            source: "yotpo".to_owned(),
        },
    };
    let patch = &mut event.patch;
    patch.first_name = Says::Is("Kari".into());
    patch.last_name = Says::Is("Nordmann".into());
    patch.last_purchase_on = moment("2026-02-20T08:00:00.999Z");
    patch.points_expiring_on = moment("2026-12-31");
    patch.last_seen_at = moment("2026-03-04T10:19:00Z");
    patch.enrolled_at = moment("2025-05-01");
    patch.birthday = Says::Is(loyalty::DayOfYear::new(None, 2, 29).unwrap());
    patch.anniversary = Says::Is(loyalty::DayOfYear::new(Some(2020), 5, 1).unwrap());
    for flag in [&mut patch.is_member, &mut patch.opt_in] {
        *flag = Says::Is(true);
    }
    let numbers = [
        &mut patch.spend_total,
        &mut patch.purchases_count,
        &mut patch.perks_count,
        &mut patch.points_lifetime,
        &mut patch.points_available,
        &mut patch.points_qualified,
        &mut patch.tier_spend,
        &mut patch.tier_purchases,
        &mut patch.tier_referrals,
        &mut patch.keep_points,
        &mut patch.keep_spend,
        &mut patch.keep_purchases,
        &mut patch.keep_referrals,
        &mut patch.points_to_next,
        &mut patch.spend_to_next,
        &mut patch.purchases_to_next,
        &mut patch.referrals_to_next,
    ];
    for (number, key) in (1..).zip(numbers) {
        *key = Says::Is(number);
    }
    let mut member = Member::default();
    member.hear(&event);
    member
}

fn detail() -> Detail {
    let person = |email: &str| loyalty::PersonName {
        email: Email::parse(email).ok(),
        first_name: Some("Ola".into()),
        last_name: Some("Nordmann".into()),
    };
    let tier = |id| {
        Some(TierEntry {
            id: Some(id),
            name: Some(format!("Tier {id}")),
            description: Some("d".repeat(2_001)),
            points: Some(10),
            spend: Some(20),
            purchases: Some(30),
            multiplier: Some("1.50".parse().unwrap()),
            rank: Some(id),
        })
    };
    Detail {
        store_name: None,
        reward: Some(Reward {
            code: Some("TUR-50".into()),
            name: Some("50 kr off".into()),
            description: None,
            amount: Some(500),
        }),
        perk: Some(Perk {
            id: Some(5521),
            campaign_id: Some(12),
            points: Some(0),
            title: Some("Newsletter".into()),
        }),
        points_needed: Some(300),
        share: Some(Share {
            from: person("ola@example.com"),
            link: Some("https://r.example.com/ola".into()),
        }),
        product: Some(Product {
            link: Some("https://p.example.com/1".into()),
            id: Some("1".into()),
            name: Some("Tent".into()),
            image_url: Some("https://p.example.com/1.png".into()),
        }),
        referred: Some(person("venn@example.com")),
        tiers: Some(TierMove {
            new: tier(2),
            old: tier(1),
        }),
        balance: None,
        years: None,
        ordered: None,
    }
}

fn note(kind: Kind) -> Note {
    Note {
        event: EventId::new(
            &HashKey::new("k"),
            &StoreId::parse("example").unwrap(),
            &["event"],
        ),
        kind,
        occurrence: Occurrence::from(now()),
        arrived: now(),
        detail: detail(),
    }
}

fn body(kind: Kind) -> Option<Value> {
    Some(serde_json::from_str(&text(kind)?).unwrap())
}

fn text(kind: Kind) -> Option<String> {
    let (store, member, note) = (store(), member(), note(kind));
    let push = Push {
        store: &store,
        member: &member,
        note: Some(&note),
        form: Form::Full,
        person: None,
        version: 1,
        first: true,
        now: now(),
    };
    Rule.plan(&push).ok()?.call.body
}

#[test]
fn a_request_stays_as_it_is() {
    insta::assert_json_snapshot!(body(Kind::CouponAwarded));
}

/// A field's type is fixed in an account when it is first written: a change here breaks every merchant's account.
#[test]
fn the_type_of_each_field_stays_as_it_is() {
    let mut types = BTreeMap::new();
    for kind in Kind::ALL {
        for field in body(*kind)
            .iter()
            .flat_map(|body| body["subscribers"]["fields"].as_array().unwrap())
        {
            let text = |key: &str| field[key].as_str().unwrap().to_owned();
            let earlier = types.insert(text("key"), text("type"));
            assert!(earlier.is_none_or(|earlier| earlier == text("type")));
            let (group, name) = field["key"].as_str().unwrap().split_once('.').unwrap();
            assert!(
                !group.is_empty() && !name.is_empty() && !name.contains('.'),
                "exactly one dot"
            );
        }
    }
    assert_eq!(
        types.len(),
        67 + 1,
        "the integration's 67 fields and our marker"
    );
    insta::assert_json_snapshot!(types);
}

fn call() -> Call {
    Call {
        method: Method::Post,
        path: "/api/v2/subscribers".into(),
        body: text(Kind::CouponAwarded),
    }
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
fn a_wait_is_read_in_every_form() {
    let date = Some("Wed, 04 Mar 2026 10:20:30 GMT");
    let cases = [
        ("30", None, 30),
        ("0", None, 0),
        ("86400", None, 3600),
        ("Wed, 04 Mar 2026 10:21:00 GMT", date, 30),
        // Stockholm is an hour ahead of UTC in March, two in July.
        ("2026-03-04 11:22:30", date, 120),
        (
            "2026-07-04 12:00:30",
            Some("Sat, 04 Jul 2026 10:00:00 GMT"),
            30,
        ),
        ("2026-03-04 11:00:00", date, 0),
        ("2027-03-04 11:00:00", date, 3600),
        ("2026-03-04 11:22:30", None, 600),
        ("soon", date, 600),
        ("", date, 600),
        ("-5", date, 600),
    ];
    for (after, date, seconds) in cases {
        let reply = Reply {
            retry_after: Some(after.to_owned()),
            date: date.map(ToOwned::to_owned),
            ..reply(429, &json!("Too Many Attempts."))
        };
        let answer = Rule.answer(&call(), Some(&reply));
        assert_eq!(
            answer,
            Answer::Throttled {
                after: Duration::from_secs(seconds)
            },
            "{after:?} {date:?}"
        );
    }
}

#[test]
fn a_refused_field_is_found_by_its_key_or_its_place() {
    let fields = |call: &Call| {
        let body: Value = serde_json::from_str(call.body.as_ref().unwrap()).unwrap();
        body["subscribers"]["fields"].as_array().unwrap().clone()
    };
    let key = fields(&call())[3]["key"].as_str().unwrap().to_owned();
    for name in [
        key.clone(),
        format!("subscribers.fields.{key}"),
        "subscribers.fields.3.value".into(),
        "fields.3".into(),
    ] {
        let refusal = json!({"error": "BadRequest", "fields": { name.clone(): ["is wrong"] }});
        match Rule.answer(&call(), Some(&reply(400, &refusal))) {
            Answer::Amend(amended) => {
                assert_eq!(fields(&amended).len(), fields(&call()).len() - 1, "{name}");
                assert!(
                    fields(&amended)
                        .iter()
                        .all(|field| field["key"] != key.as_str())
                );
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    // Without the marker nobody could tell whether the automation started.
    let marker = json!({"error": "BadRequest", "fields": {"Bridge.LastEvent": ["is wrong"]}});
    assert_eq!(
        Rule.answer(&call(), Some(&reply(400, &marker))),
        Answer::Refused(Reason::InvalidValue)
    );
}

#[test]
fn a_look_tells_the_marker_and_when_it_cannot() {
    let marker = json!({"groups": [
        {"name": "Yotpo", "fields": [{"name": "LastEvent", "value": "not ours"}]},
        {"name": "Bridge", "historical": false, "fields": [{"name": "LastEvent", "value": "e#1"}]},
    ]});
    let cases = [
        (Some(reply(200, &marker)), Seen::Marker(Some("e#1".into()))),
        (Some(reply(200, &json!({"groups": []}))), Seen::Marker(None)),
        (
            Some(reply(404, &json!({"error": "SubscriberNotFound"}))),
            Seen::Marker(None),
        ),
        (
            Some(reply(404, &json!("<html>"))),
            Seen::Failed(Answer::Misconfigured(Reason::WrongAddress)),
        ),
        (
            Some(reply(401, &json!({}))),
            Seen::Failed(Answer::Misconfigured(Reason::Unauthorized)),
        ),
        (
            Some(reply(200, &json!("<html>"))),
            Seen::Failed(Answer::Unknown {
                reason: Reason::VendorError,
                after: None,
            }),
        ),
        (
            None,
            Seen::Failed(Answer::Unknown {
                reason: Reason::NoAnswer,
                after: None,
            }),
        ),
    ];
    for (reply, seen) in cases {
        assert_eq!(Rule.seen(reply.as_ref()), seen, "{reply:?}");
    }
}

#[test]
fn an_address_cannot_leave_its_place_in_the_path() {
    let mut member = member();
    member.email = Email::parse("a/../b?c#d+e%f@example.com").ok();
    let path = Rule.look(&member, None).unwrap().path;
    assert_eq!(
        path,
        "/api/v2/subscriber/a%2F%2E%2E%2Fb%3Fc%23d%2Be%25f%40example%2Ecom/fields?identified_by=email"
    );
}
