//! Bodies of Yotpo, from the door to the request: cut, read, folded into a member, written for Rule.

use jiff::Timestamp;
use loyalty::{Event, HashKey, Member, Occurrence, StoreId};
use serde_json::{Value, json};
use vendors::{
    Destination as _, Envelope, Form, Lane, Message, Note, Push, Read, Store, registry, rule::Rule,
};

/// The most characters of any text that is taken over, and the most that Rule takes in one field of ours.
const LONGEST: usize = 4_000;

#[test]
fn bodies() {
    crate::run("yotpo", crate::events("yotpo"), law);
}

/// `{:?}` of whatever an example becomes, which a log line might print, names nobody who is in it.
#[test]
fn what_is_shown_names_nobody() {
    let source = registry::source("yotpo").unwrap();
    let (store, key) = (store(), HashKey::new("example-hash-key"));
    let mut shown = 0;
    for body in crate::events("yotpo") {
        let value: Value = serde_json::from_slice(&body).unwrap();
        let mut people = Vec::new();
        named(&value, &mut people);
        let Read::Event(event) = source.read(&envelope(), &body, &store, &key) else {
            continue;
        };
        let mut member = Member::default();
        member.hear(&event);
        let note = note(&event);
        let mut texts = vec![format!(
            "{event:?} {member:?} {note:?} {:?}",
            message(&event, &note)
        )];
        let push = push(&store, &member, &note, Form::Full);
        texts.extend(Rule.plan(&push).map(|plan| format!("{:?}", plan.call)));
        texts.extend(Rule.look(&member, None).map(|call| format!("{call:?}")));
        for text in texts {
            assert!(!text.contains('@') && !text.contains("%40"), "{text}");
            for name in &people {
                assert!(!text.contains(name.as_str()), "{name}: {text}");
            }
            shown += 1;
        }
    }
    assert!(shown > 80, "{shown}");
}

/// Names and addresses in a body.
fn named(value: &Value, people: &mut Vec<String>) {
    match value {
        Value::Object(all) => {
            for (key, value) in all {
                match value.as_str() {
                    // Of one letter or two a type's name may be made.
                    Some(text)
                        if ["email", "first_name", "last_name", "from"].contains(&key.as_str()) =>
                    {
                        // As `{:?}` prints text: a name may also be a word of ours.
                        people.push(format!("{text:?}"));
                    }
                    _ => named(value, people),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|value| named(value, people)),
        _ => {}
    }
}

fn envelope() -> Envelope {
    Envelope {
        v: 1,
        store: StoreId::parse("example").unwrap(),
        source: "yotpo".to_owned(),
        arrived: 1_772_625_600_000_000,
        nonce: "n".to_owned(),
        delivery: None,
        lane: Lane::Live,
        simulated: false,
        body: String::new(),
    }
}

fn note(event: &Event) -> Note {
    Note {
        event: event.id.clone(),
        kind: event.kind,
        occurrence: Occurrence::from(event.stamp.arrived),
        arrived: event.stamp.arrived,
        detail: event.detail.clone(),
    }
}

fn message(event: &Event, note: &Note) -> Message {
    Message {
        v: 1,
        store: StoreId::parse("example").unwrap(),
        member: event.who.key(),
        version: 1,
        lane: vendors::Lane::Live,
        note: Some(note.clone()),
        hash: None,
        erase: None,
    }
}

fn push<'a>(store: &'a Store, member: &'a Member, note: &'a Note, form: Form) -> Push<'a> {
    Push {
        store,
        member,
        note: Some(note),
        form,
        person: None,
        version: 1,
        first: true,
        now: Timestamp::UNIX_EPOCH,
    }
}

fn store() -> Store {
    Store::read(json!({
        "v": 1, "store": "example", "name": "Example", "currency": "NOK", "locale": "nb-NO", "time_zone": "Europe/Oslo",
        "sources": {"yotpo": {}}, "destinations": {"rule": {"yearless_birthday": "placeholder", "also": ["points_changed"]}},
    }))
    .unwrap_or_else(|faults| panic!("{faults:?}"))
}

pub(crate) fn law(body: &[u8]) {
    let source = registry::source("yotpo").unwrap();
    let Ok(kept) = source.trim(body) else {
        return;
    };
    assert_eq!(source.trim(&kept).as_ref(), Ok(&kept), "cut once is cut");
    if let Ok(value) = serde_json::from_slice::<Value>(&kept) {
        assert!(value.is_object());
        holds_no_stranger(&value);
        for key in ["secret", "shared_secret", "authentication"] {
            assert_eq!(value.get(key), None, "{key}");
        }
    }
    let envelope = envelope();
    let (store, key) = (store(), HashKey::new("example-hash-key"));
    let read = source.read(&envelope, &kept, &store, &key);
    assert_eq!(source.read(&envelope, &kept, &store, &key), read);
    match read {
        Read::Event(event) => becomes_a_request(&event, &store),
        Read::Kept { topic, .. } => assert!(topic.is_none_or(|topic| topic.len() <= LONGEST * 4)),
        Read::Hint { topic, .. } => assert!(topic.len() <= LONGEST * 4),
        Read::Notice { text, .. } => assert!(text.chars().count() < LONGEST + 200),
    }
}

/// The list of friends is a number wherever it stands.
fn holds_no_stranger(value: &Value) {
    match value {
        Value::Object(all) => {
            for (key, value) in all {
                let counted = !value.is_array() && !value.is_object();
                assert!(key != "completed_referral_customers" || counted);
                holds_no_stranger(value);
            }
        }
        Value::Array(all) => all.iter().for_each(holds_no_stranger),
        _ => {}
    }
}

fn becomes_a_request(event: &Event, store: &Store) {
    assert!(
        event.stamp.as_of <= event.stamp.arrived,
        "no news is younger than its arrival"
    );
    let mut member = Member::default();
    member.hear(event);
    let heard = json!(member);
    assert!(member.hear(event).is_empty(), "heard once is heard");
    assert_eq!(json!(member), heard);
    let back: Member = serde_json::from_value(heard).unwrap();
    assert_eq!(back, member);
    let note = note(event);
    travels(event, &note);
    for form in [Form::Full, Form::Quiet] {
        let push = push(store, &member, &note, form);
        if let Ok(plan) = Rule.plan(&push) {
            assert!(
                plan.call.path.starts_with("/api/v2/subscribers"),
                "{}",
                plan.call.path
            );
            is_request(&serde_json::from_str(plan.call.body.as_ref().unwrap()).unwrap());
        }
    }
}

/// The message on the destination's queue holds what it must and nothing that a queue refuses.
fn travels(event: &Event, note: &Note) {
    let message = message(event, note);
    let text = message.to_text().unwrap();
    assert!(!text.contains(['\u{fffe}', '\u{ffff}']));
    assert!(
        text.chars().all(|c| c >= ' '),
        "control characters travel as escapes"
    );
    assert!(text.len() < 1024 * 1024, "{} bytes", text.len());
    assert_eq!(serde_json::from_str::<Message>(&text).unwrap(), message);
}

fn is_request(request: &Value) {
    assert!(
        ["reset", "force"].contains(&request["automation"].as_str().unwrap_or("reset")),
        "{request}"
    );
    let subscriber = &request["subscribers"];
    assert!(
        subscriber["email"]
            .as_str()
            .is_some_and(|email| email.contains('@')),
        "{request}"
    );
    for tag in request["tags"].as_array().unwrap() {
        assert!(tag.as_str().is_some_and(|tag| !tag.is_empty()), "{request}");
    }
    let fields = subscriber["fields"].as_array().unwrap();
    let mut names: Vec<&str> = Vec::new();
    for field in fields {
        let name = field["key"].as_str().unwrap();
        assert!(name.split('.').count() == 2, "{name}: group and name");
        let value = field["value"].as_str().unwrap();
        assert!(
            value.chars().count() <= LONGEST,
            "{name}: {} characters",
            value.len()
        );
        let fits = match field["type"].as_str().unwrap() {
            "text" => true,
            "date" => value.is_empty() || value.parse::<jiff::civil::Date>().is_ok(),
            "datetime" => {
                value.is_empty()
                    || (value.len() == 19 && value.parse::<jiff::civil::DateTime>().is_ok())
            }
            other => panic!("{name} is of type {other}"),
        };
        assert!(fits, "{field}");
        names.push(name);
    }
    let groups: std::collections::BTreeSet<&str> = names
        .iter()
        .filter_map(|name| name.split('.').next())
        .collect();
    for group in groups {
        let of_group = fields
            .iter()
            .filter(|field| field["key"].as_str().unwrap().starts_with(group));
        assert!(
            json!(of_group.collect::<Vec<_>>()).to_string().len() <= 65_000 * 4,
            "{group}"
        );
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "a field is named once");
}
