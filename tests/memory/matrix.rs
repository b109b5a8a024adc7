//! What goes where: every kind that a source brings, and what becomes of it at each destination, as the README prints it.

use bridge_tests::readme;
use jiff::{Timestamp, civil::Date};
use loyalty::{
    Detail, Email, Event, HashKey, Kind, Member, Ordered, PersonName, PointsOrder, Product, Share,
    StoreId, due::Due,
};
use serde_json::json;
use vendors::{
    Destination, Enrolment, Envelope, Form, Lane, Note, Push, Read, Store, Tick, Wants, Whose,
    registry::{self, Teller},
};

const KARI: &str = "kari@example.com";

fn now() -> Timestamp {
    "2026-03-20T12:00:00Z".parse().unwrap()
}

fn store() -> Store {
    Store::read(json!({
        "v": 1, "store": "example", "name": "Example", "currency": "NOK", "locale": "nb-NO",
        "sources": {"yotpo": {}, "annexcloud": {}},
        "destinations": {"rule": {}, "gorgias": {"push": true}, "annexcloud": {}},
    }))
    .unwrap()
}

/// An event as its teller tells it.
fn heard(teller: &str, envelope: &Envelope, store: &Store) -> Event {
    let body = envelope.open().unwrap();
    let teller = Teller::named(teller, registry::source).unwrap();
    match teller.read(envelope, &body, store, &HashKey::new("example")) {
        Read::Event(event) => *event,
        other => panic!("{other:?}"),
    }
}

fn sealed(teller: &str, lane: Lane, body: &[u8]) -> Envelope {
    let id = StoreId::parse("example").unwrap();
    let sealed = Envelope::seal(id, teller, now(), "n".into(), None, body);
    Envelope {
        lane,
        ..sealed.unwrap()
    }
}

fn of_yotpo(kind: Kind, store: &Store) -> Option<Event> {
    let email = Email::parse(KARI).unwrap();
    let body = registry::source("yotpo")?.example(kind, &email, now(), 1)?;
    let envelope = sealed("yotpo", Lane::Live, body.to_string().as_bytes());
    Some(heard("yotpo", &envelope, store))
}

fn of_annexcloud(kind: Kind, store: &Store) -> Option<Event> {
    let body = json!({
        "topic": "bridge/member/read",
        "user": {"id": KARI, "email": KARI, "firstName": "Kari"}, "points": null, "tiers": null,
    });
    let envelope = sealed("annexcloud", Lane::Bulk, body.to_string().as_bytes());
    (kind == Kind::MemberUpdated).then(|| heard("annexcloud", &envelope, store))
}

fn of_the_clock(kind: Kind, store: &Store) -> Option<Event> {
    let due = Due::ALL.into_iter().find(|due| due.kind() == kind)?;
    let shared = Share {
        from: PersonName::default(),
        link: Some("https://shop.example.com/r/1".into()),
    };
    let tick = Tick {
        v: 1,
        due,
        on: Date::constant(2026, 3, 20),
        whom: Whose::Email(Email::parse(KARI).unwrap()),
        detail: Detail {
            share: Some(shared),
            product: Some(Product::default()),
            ..Detail::default()
        },
    };
    Some(heard("clock", &tick.seal(&store.id, now()).unwrap(), store))
}

fn of_a_ticket(kind: Kind, store: &Store) -> Option<Event> {
    let enrolment = Enrolment {
        v: 1,
        email: Email::parse(KARI).unwrap(),
        name: None,
    };
    let envelope = enrolment.seal(&store.id, now(), "n".into()).unwrap();
    (kind == Kind::EnrolmentWanted).then(|| heard("ticket", &envelope, store))
}

fn of_the_operator(kind: Kind, store: &Store) -> Option<Event> {
    let ordered = Ordered {
        what: PointsOrder::Award {
            points: 10.try_into().unwrap(),
            action: None,
        },
        reason: "goodwill".into(),
    };
    let event = of_yotpo(Kind::PointsEarned, store)?;
    (kind == Kind::PointsOrdered).then(|| Event {
        kind,
        detail: Detail {
            ordered: Some(ordered),
            ..Detail::default()
        },
        ..event
    })
}

/// Where an operator's orders go: they are put on that destination's own queue.
const ORDERED_AT: &str = "annexcloud";

/// What becomes of an event at a destination, in a word.
fn cell(destination: &dyn Destination, event: &Event, store: &Store) -> String {
    if event.kind == Kind::PointsOrdered && destination.name() != ORDERED_AT {
        return "is not sent there".to_owned();
    }
    let mut member = Member::default();
    let change = member.hear(event);
    let note = Note {
        event: event.id.clone(),
        kind: event.kind,
        occurrence: event.stamp.arrived.into(),
        arrived: event.stamp.arrived,
        detail: event.detail.clone(),
    };
    let push = |note, form| Push {
        store,
        member: &member,
        note,
        form,
        person: destination.locates().then_some("1"),
        version: 1,
        first: true,
        now: now(),
    };
    match destination.wants(event, &change, store) {
        Wants::Nothing(reason) => format!("`{}`", reason.code()),
        Wants::Picture => match destination.plan(&push(None, Form::Picture)) {
            Ok(_) => "the picture".to_owned(),
            Err(reason) => format!("`{}`", reason.code()),
        },
        Wants::Event => match destination.plan(&push(Some(&note), Form::Full)) {
            Ok(plan) if plan.starts => "starts".to_owned(),
            Ok(_) => "quiet".to_owned(),
            Err(reason) => format!("`{}`", reason.code()),
        },
    }
}

type Brings = fn(Kind, &Store) -> Option<Event>;

const TELLERS: [(&str, Brings); 5] = [
    ("Yotpo", of_yotpo),
    ("Annex Cloud", of_annexcloud),
    ("the clock", of_the_clock),
    ("a ticket", of_a_ticket),
    ("an operator", of_the_operator),
];

#[test]
fn the_readmes_table_is_what_becomes_of_each_event() {
    let store = store();
    let mut table = Vec::new();
    for (teller, brings) in TELLERS {
        for kind in Kind::ALL {
            let Some(event) = brings(*kind, &store) else {
                continue;
            };
            let mut row = vec![teller.to_owned(), format!("`{kind}`")];
            for name in ["rule", "gorgias", "annexcloud"] {
                let destination = registry::destination(name).unwrap();
                row.push(cell(destination, &event, &store));
            }
            table.push(row);
        }
    }
    assert_eq!(
        registry::DESTINATIONS.len(),
        3,
        "a destination needs its column"
    );
    let wanted: Vec<String> = table
        .iter()
        .map(|row| format!("| {} |", row.join(" | ")))
        .collect();
    let section = readme::section("## What goes where").unwrap();
    let said: Vec<Vec<String>> = readme::rows(section)
        .into_iter()
        .map(|row| row.into_iter().map(ToOwned::to_owned).collect())
        .collect();
    assert_eq!(said, table, "the table is\n{}\n", wanted.join("\n"));
}
