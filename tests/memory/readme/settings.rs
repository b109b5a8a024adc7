//! The reference of settings names every key that is read, its default, and every word that is taken.

use std::collections::BTreeSet;

use bridge_tests::{local::stores, readme};
use loyalty::{Kind, due::Due};
use serde_json::{Value, json};
use vendors::{Store, registry};

/// The example's document, with every vendor that there is.
fn document() -> Value {
    let mut document = stores::document(&stores::example()).unwrap();
    for (group, vendors) in [
        (
            "sources",
            registry::SOURCES
                .iter()
                .map(|one| one.name())
                .collect::<Vec<_>>(),
        ),
        (
            "destinations",
            registry::DESTINATIONS
                .iter()
                .map(|one| one.name())
                .collect(),
        ),
    ] {
        for vendor in vendors {
            if document[group][vendor].is_null() {
                document[group][vendor] = json!({});
            }
        }
    }
    document
}

/// The document with one more key in the section at this pointer.
fn with(pointer: &str, key: &str, value: Value) -> Value {
    let mut document = document();
    document.pointer_mut(pointer).unwrap()[key] = value;
    document
}

fn messages(document: Value) -> Vec<String> {
    let faults = Store::read(document).err().unwrap_or_default();
    faults.into_iter().map(|fault| fault.message).collect()
}

/// The keys that a section takes, as it says itself when it is given another one.
fn known(pointer: &str) -> BTreeSet<String> {
    let messages = messages(with(pointer, "surprise", json!(1)));
    let known = messages[0].split_once("known are ").unwrap().1;
    known.split(", ").map(ToOwned::to_owned).collect()
}

/// The sections of a store document with the text that explains each.
fn sections() -> Vec<(String, &'static str)> {
    let text = readme::section("## Settings").unwrap();
    let mut sections = Vec::new();
    let mut rest = text;
    let mut pointer = String::new();
    // Each vendor's options stand below its name: `**rule**`, or `**annexcloud**, as a source` where it is both.
    while let Some((own, after)) = rest.split_once("\n**") {
        sections.push((pointer, own));
        let (name, after) = after.split_once("**").unwrap();
        let group = ["sources", "destinations"];
        let says =
            |group: &str| after.starts_with(&format!(", as a {}", group.trim_end_matches('s')));
        let said = group.iter().find(|group| says(group));
        let group = said.or_else(|| {
            let mut all = group.iter();
            all.find(|group| document()[**group][name].is_object())
        });
        pointer = format!("/{}/{name}", group.unwrap());
        rest = after;
    }
    sections.push((pointer, rest));
    sections
}

#[test]
fn every_key_has_its_row_and_every_row_its_key() {
    let sections = sections();
    let vendors = document()["sources"].as_object().unwrap().len()
        + document()["destinations"].as_object().unwrap().len();
    assert_eq!(sections.len(), 1 + vendors);
    for (pointer, text) in sections {
        let rows = readme::rows(text);
        let rows = rows.iter().map(|row| readme::code(row[0]).swap_remove(0));
        // `on` is every vendor's: a sentence of its own says so.
        let known: BTreeSet<String> = known(&pointer)
            .into_iter()
            .filter(|key| key != "on")
            .collect();
        assert_eq!(rows.collect::<BTreeSet<_>>(), known, "{pointer}");
    }
}

#[test]
fn every_default_is_the_one_that_is_used() {
    let shown = |document: Value| format!("{:?}", Store::read(document).unwrap());
    let mut checked = 0;
    for (pointer, text) in sections().into_iter().skip(1) {
        for row in readme::rows(text) {
            let (key, default) = (&readme::code(row[0])[0], row[1]);
            let Some(word) = readme::code(default).into_iter().next() else {
                continue;
            };
            let value: Value = serde_json::from_str(&word).unwrap_or_else(|_| json!(word));
            if default.ends_with(" for every kind") {
                // As each of the kinds is written when it is named, so it is when it is not: the words are the test's below.
                continue;
            }
            assert_eq!(
                shown(with(&pointer, key, value)),
                shown(document()),
                "{pointer}/{key} is {word} by itself"
            );
            checked += 1;
        }
    }
    assert!(checked >= 9, "{checked}");
}

#[test]
fn every_word_that_is_taken_is_explained() {
    let mut checked = 0;
    for (pointer, text) in sections().into_iter().skip(1) {
        for row in readme::rows(text) {
            let key = &readme::code(row[0])[0];
            let words = readme::code(&row[1..].join(" | "))
                .into_iter()
                .collect::<BTreeSet<String>>();
            // A wrong word is answered with the right ones: of the key, or of each kind in it.
            let wrong = [
                json!("surprise"),
                json!({Kind::Birthday.to_string(): "surprise"}),
            ];
            for value in wrong {
                for message in messages(with(&pointer, key, value)) {
                    let Some((_, taken)) = message.split_once("is none of ") else {
                        continue;
                    };
                    for word in taken.split(", ") {
                        assert!(words.contains(word), "{pointer}/{key}: {word}");
                        checked += 1;
                    }
                }
            }
        }
    }
    assert!(checked >= 10, "{checked}");
}

#[test]
fn every_age_is_the_one_that_is_used() {
    // `birthday and anniversary 36; points, redemption, share and product share reminder 72; …`
    let (_, text) = sections()
        .into_iter()
        .find(|(pointer, _)| pointer == "/destinations/rule")
        .unwrap();
    let rows = readme::rows(text);
    let row = rows.iter().find(|row| row[0] == "`max_age_hours`").unwrap();
    let store = Store::read(document()).unwrap();
    let settings = store.destinations.rule.unwrap();
    let mut said: BTreeSet<String> = row[1].split("; ").map(ToOwned::to_owned).collect();
    for kind in Kind::ALL {
        let hours = settings.max_age(*kind).map(|age| age.as_hours());
        let ending = hours.map_or("no limit".to_owned(), |hours| hours.to_string());
        let words = kind.to_string();
        let group = row[1].split("; ").find(|group| {
            let first = words.split('_').next().unwrap();
            let named = group.contains(
                &words
                    .replace("referral_", "")
                    .replace('_', " ")
                    .replace(" reminder", ""),
            );
            let plain = !words.ends_with("captured") && group.contains(first);
            let reminder = words.ends_with("reminder") == group.contains("reminder");
            reminder && (named || plain)
        });
        let group = group.unwrap_or("the rest 168");
        assert!(
            group.ends_with(&format!(" {ending}")),
            "{kind}: {ending}, not {group}"
        );
        said.remove(group);
    }
    assert!(said.is_empty(), "{said:?}");
}

/// The tables of what the clock brings: its own options, and those of a kind's section.
fn clock() -> [Vec<Vec<&'static str>>; 2] {
    let text = readme::section("## What the clock brings").unwrap();
    let own = text.split("`emit` says which").nth(1).unwrap();
    let (options, kinds) = own.split_once("| In a kind's section |").unwrap();
    [readme::rows(options), readme::rows(kinds)]
}

/// A document with these settings of the clock.
fn emit(settings: &Value) -> Value {
    with("", "emit", settings.clone())
}

/// The keys that the faults of these settings name as known.
fn known_of(settings: &Value) -> BTreeSet<String> {
    let messages = messages(emit(settings));
    let known = messages.iter().find_map(|one| one.split_once("known are "));
    known
        .unwrap()
        .1
        .split(", ")
        .map(ToOwned::to_owned)
        .collect()
}

#[test]
fn every_option_of_the_clock_has_its_row_and_its_default() {
    let [options, kinds] = clock();
    let named = |rows: &[Vec<&str>]| -> BTreeSet<String> {
        rows.iter().flat_map(|row| readme::code(row[0])).collect()
    };
    assert_eq!(named(&options), known_of(&json!({"surprise": 1})));
    let mut known = BTreeSet::new();
    for due in Due::ALL {
        known.extend(known_of(&json!({due.kind().name(): {"surprise": 1}})));
    }
    assert_eq!(named(&kinds), known);
    // Each default is what is used when nothing is said.
    let shown = |settings: &Value| format!("{:?}", Store::read(emit(settings)).unwrap());
    for row in &options {
        let value: Value = serde_json::from_str(&readme::code(row[1])[0])
            .unwrap_or_else(|_| json!(readme::code(row[1])[0]));
        for key in readme::code(row[0]) {
            assert_eq!(
                shown(&json!({key.as_str(): value})),
                shown(&json!({})),
                "{key}"
            );
        }
    }
    for row in &kinds {
        let key = &readme::code(row[0])[0];
        let defaults = readme::code(row[1]);
        for due in Due::ALL {
            let friend = due.kind().addresses_friend() && defaults.len() > 1;
            let default = &defaults[usize::from(friend)];
            let value: Value = serde_json::from_str(default).unwrap_or_else(|_| json!(default));
            let settings = json!({due.kind().name(): {key.as_str(): value}});
            if Store::read(emit(&settings)).is_ok() {
                assert_eq!(
                    shown(&settings),
                    shown(&json!({})),
                    "{key} of {}",
                    due.kind()
                );
            }
        }
    }
}

#[test]
fn what_is_wrong_with_the_clocks_settings_is_said_all_at_once() {
    let mut document = emit(&json!({
        "leap_day": "02-29", "catch_up_days": 99,
        "points_reminder": {"mode": "sometimes", "close_points": 5, "close_percent": 5, "after_days": 3},
        "birthday": {"times": 2},
    }));
    document["rewards"] = json!([{"name": "x"}, {"points": 0, "name": "y", "code": "Z"}]);
    document["gifts"] =
        json!({"birthday": {"tiers": {"Gold": {}}, "others": {"points": -1}}, "christmas": {}});
    let faults = Store::read(document).err().unwrap();
    let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "emit.leap_day",
            "emit.catch_up_days",
            "emit.birthday.times",
            "emit.points_reminder.mode",
            "emit.points_reminder.close_points",
            "emit.points_reminder.after_days",
            "rewards.0.points",
            "rewards.1.points",
            "rewards.1.code",
            "gifts.birthday.tiers.Gold.\"\"",
            "gifts.birthday.others.points",
            "gifts.christmas",
        ]
    );
}
