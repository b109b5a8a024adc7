//! The events that are measured: every kind that Yotpo sends, each in a store of its own, about people with a past.
//!
//! A store for each kind keeps the counts apart: what a line's permits cost falls on the kind that used them. The bodies
//! are those of `events/yotpo`, with other people and other ids.

use std::fs;

use serde_json::{Value, json};

use crate::local::paths;
use crate::trouble::{Result, Saying};

/// Every kind, by its name in the product, with the body that stands for it.
const KINDS: [(&str, &str); 23] = [
    ("coupon_awarded", "coupon_awarded"),
    ("coupon_redeemed", "coupon_redeemed"),
    ("birthday", "birthday_with_gift"),
    ("birthday_captured", "birthday_captured"),
    ("anniversary", "anniversary_with_gift"),
    ("anniversary_captured", "anniversary_captured"),
    ("donation_created", "donation_created"),
    ("opted_in", "opt_in"),
    ("opted_out", "opt_out"),
    ("points_earned", "points_earned"),
    ("points_reminder", "points_reminder"),
    ("redemption_reminder", "redemption_reminder"),
    ("referral_link_shared", "referral_share"),
    ("referral_share_reminder", "referral_share_reminder"),
    ("referral_product_share_reminder", "product_share_reminder"),
    ("referral_completed", "referral_completed"),
    ("tier_earned", "tier_earned"),
    ("tier_lost", "tier_lost_to_lower"),
    ("tier_status_changed", "tier_status_changed"),
    ("referral_product_shared", "product_share"),
    ("points_changed", "points_changed"),
    ("below_threshold (notice)", "below_threshold"),
    ("unknown topic (kept)", "account_created"),
];

/// What each person went through before: enough for every key of a member, and for the ten activities that are kept.
const PAST: [&str; 4] = [
    "coupon_awarded",
    "tier_earned",
    "tier_status_changed",
    "points_earned",
];
const PASTS: usize = 10;

/// How many events of each kind are counted, each about somebody else: as many as a line gives permits at once.
pub(super) const EACH: usize = 10;

/// One call at the webhook's door.
#[derive(Debug, Clone)]
pub(super) struct Posted {
    /// The store.
    pub(super) store: String,
    /// What Lambda hands the function.
    pub(super) event: Value,
}

/// All events of one kind.
#[derive(Debug)]
pub(super) struct Kind {
    /// Its name.
    pub(super) name: &'static str,
    /// Its store.
    pub(super) store: String,
    /// The events.
    pub(super) events: Vec<Posted>,
}

/// Everything that is sent.
#[derive(Debug)]
pub(super) struct Stream {
    /// What makes the people known, in the order to send it.
    pub(super) past: Vec<Posted>,
    /// What is counted.
    pub(super) kinds: Vec<Kind>,
    /// One more ordinary event of a known person: for a process that has nothing cached yet.
    pub(super) late: Posted,
}

impl Stream {
    /// Reads the examples.
    ///
    /// # Errors
    /// An example cannot be read.
    pub(super) fn read() -> Result<Self> {
        let door = document("events/invoke/webhook/coupon_awarded.json")?;
        let past = PAST.map(|file| document(&format!("events/yotpo/{file}.json")));
        let past: Vec<Value> = past.into_iter().collect::<Result<_>>()?;
        let mut stream = Self {
            past: Vec::new(),
            kinds: Vec::new(),
            late: posted(&door, "bench-0", &Value::Null),
        };
        for (place, (name, file)) in KINDS.into_iter().enumerate() {
            let body = document(&format!("events/yotpo/{file}.json"))?;
            let store = store(place);
            let number = |event: usize| 10_000 * (place + 1) + event;
            let person = |event: usize| person(place, event);
            if is_about_a_member(&body) {
                for before in 0..PASTS {
                    for event in 0..EACH {
                        let (number, person) = (number(event), person(event));
                        let body = &past[before.min(past.len() - 1)];
                        let body = earlier(about(body, &person, number), before, number);
                        stream.past.push(posted(&door, &store, &body));
                    }
                }
            }
            let events = (0..EACH).map(|event| {
                let body = about(&body, &person(event), number(event));
                posted(&door, &store, &body)
            });
            stream.kinds.push(Kind {
                name,
                store: store.clone(),
                events: events.collect(),
            });
        }
        let last = document("events/yotpo/points_earned.json")?;
        let mut last = about(&last, "member-0-0@example.com", 10_000);
        last["perk"]["id"] = json!(999_999);
        stream.late = posted(&door, "bench-0", &last);
        Ok(stream)
    }

    /// The bodies as they stand in `events/yotpo`, each for the store of its kind, with the names of their files.
    ///
    /// # Errors
    /// An example cannot be read.
    pub(super) fn examples() -> Result<Vec<(Posted, String)>> {
        let door = document("events/invoke/webhook/coupon_awarded.json")?;
        let examples = KINDS.iter().enumerate().map(|(place, (_, file))| {
            let file = format!("{file}.json");
            let body = document(&format!("events/yotpo/{file}"))?;
            Ok((posted(&door, &store(place), &body), file))
        });
        examples.collect()
    }

    /// Every store.
    pub(super) fn stores(&self) -> Vec<String> {
        self.kinds.iter().map(|kind| kind.store.clone()).collect()
    }
}

/// The store of the kind at this place.
pub(super) fn store(place: usize) -> String {
    format!("bench-{place}")
}

/// The addresses of those whom the events of the kind at this place are about.
pub(super) fn people(place: usize) -> Vec<String> {
    (0..EACH).map(|event| person(place, event)).collect()
}

fn person(place: usize, event: usize) -> String {
    format!("member-{place}-{event}@example.com")
}

/// Whether a body speaks of a member, and not of a friend who was sent a link or of nobody.
fn is_about_a_member(body: &Value) -> bool {
    let who = &body["email"];
    who.is_string() && (body["customer"]["email"] == *who || body["referrer"]["email"] == *who)
}

/// The same news of somebody else, under other ids.
fn about(body: &Value, person: &str, number: usize) -> Value {
    let mut text = body.to_string();
    let of = if body["referrer"].is_object() {
        &body["referrer"]
    } else {
        &body["customer"]
    };
    if let Some(email) = body["email"].as_str() {
        text = text.replace(&json!(email).to_string(), &json!(person).to_string());
    }
    if is_about_a_member(body) {
        for id in ["third_party_id", "thirty_party_id"] {
            if of[id].is_string() {
                let other = json!(format!("c-{number}")).to_string();
                text = text.replace(&of[id].to_string(), &other);
            }
        }
    }
    let about_a_member = is_about_a_member(body);
    let mut body: Value = serde_json::from_str(&text).unwrap_or_default();
    if about_a_member {
        named(&mut body);
    }
    for object in ["redemption", "perk"] {
        if body[object].is_object() {
            body[object]["id"] = json!(number);
        }
    }
    if body["number_of_unused_codes"].is_number() {
        body["number_of_unused_codes"] = json!(number);
    }
    body
}

/// The examples are about many people; here one person keeps their name from one piece of news to the next. A name that
/// changed would be news of its own for whoever keeps profiles.
fn named(body: &mut Value) {
    let of = if body["referrer"].is_object() {
        "referrer"
    } else {
        "customer"
    };
    for (key, name) in [("first_name", "Kari"), ("last_name", "Nordmann")] {
        if body[of][key].is_string() {
            body[of][key] = json!(name);
        }
    }
}

/// News from before those that are counted, about other coupons and other tiers.
fn earlier(mut body: Value, before: usize, number: usize) -> Value {
    body["customer"]["last_seen_at"] = json!(format!("2026-02-01T10:00:{before:02}.000Z"));
    for (object, id) in [
        ("redemption", 1_000_000 * (before + 1) + number),
        ("perk", 1_000_000 * (before + 1) + number),
        ("new_tier", 90),
        ("old_tier", 91),
    ] {
        if body[object].is_object() {
            body[object]["id"] = json!(id);
        }
    }
    body
}

/// A body at the webhook's door; `door` is an HTTP API's event.
pub(super) fn posted(door: &Value, store: &str, body: &Value) -> Posted {
    let mut event = door.clone();
    event["rawPath"] = json!(format!("/webhooks/yotpo/{store}"));
    event["requestContext"]["http"]["path"] = event["rawPath"].clone();
    event["pathParameters"]["store"] = json!(store);
    event["headers"]["content-length"] = json!(body.to_string().len().to_string());
    event["body"] = json!(body.to_string());
    Posted {
        store: store.to_owned(),
        event,
    }
}

/// A JSON file of the checkout.
pub(super) fn document(file: &str) -> Result<Value> {
    let file = paths::root().join(file);
    let text = fs::read_to_string(&file).saying(format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).saying(format!("{} is no JSON", file.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::local::compare;

    #[test]
    fn every_event_of_the_table_is_measured() {
        let table = compare::table().expect("the table");
        let files: BTreeSet<&str> = KINDS.iter().map(|(_, file)| *file).collect();
        let named = |row: &&compare::Row| files.contains(row.file.trim_end_matches(".json"));
        let measured: BTreeSet<&str> = table
            .iter()
            .filter(named)
            .map(|row| row.event.as_str())
            .collect();
        let all: BTreeSet<&str> = table.iter().map(|row| row.event.as_str()).collect();
        assert_eq!(measured, all);
    }

    #[test]
    fn a_person_keeps_their_name() {
        let stream = Stream::read().expect("the examples");
        let posted = stream.past.iter();
        let posted = posted.chain(stream.kinds.iter().flat_map(|kind| &kind.events));
        for posted in posted {
            let body = posted.event["body"].as_str().expect("a body");
            let body: Value = serde_json::from_str(body).expect("JSON");
            if is_about_a_member(&body) && body["customer"]["email"] == body["email"] {
                let name = &body["customer"]["first_name"];
                assert!(name.is_null() || name == "Kari", "{name}");
            }
        }
    }

    #[test]
    fn no_two_events_are_about_the_same_person_or_thing() {
        let stream = Stream::read().expect("the examples");
        let bodies: BTreeSet<String> = stream
            .past
            .iter()
            .chain(stream.kinds.iter().flat_map(|kind| &kind.events))
            .map(|posted| format!("{} {}", posted.store, posted.event["body"]))
            .collect();
        let counted = KINDS.len() * EACH;
        assert_eq!(bodies.len(), stream.past.len() + counted);
        let with_a_past = stream.past.len() / PASTS / EACH;
        assert_eq!(
            with_a_past,
            KINDS.len() - 5,
            "friends, and nobody, have none"
        );
    }
}
