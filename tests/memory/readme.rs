//! The README says what the code does.

mod commands;
mod places;
mod settings;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use bridge_tests::{
    local::{paths, tools},
    readme::TEXT,
};
use serde_json::Value;
use vendors::Reason;

/// What the first cells of the tables under a heading name, without the backticks.
fn first_cells(heading: &str) -> BTreeSet<String> {
    let section = TEXT.split(heading).nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let cells = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let names = cells.flat_map(|cell| cell.split("`, `"));
    names
        .map(|name| name.trim_end_matches('`').to_owned())
        .collect()
}

#[test]
fn every_reason_code_has_its_row() {
    let codes: BTreeSet<String> = Reason::ALL
        .iter()
        .map(|reason| reason.code().to_owned())
        .collect();
    assert_eq!(first_cells("\n## Reason codes\n"), codes);
}

#[test]
fn every_command_of_the_operator_has_its_row() {
    let rows: BTreeSet<&str> = TEXT
        .lines()
        .filter_map(|line| line.strip_prefix("| `{\"command\":\"")?.split('"').next())
        .collect();
    let commands: BTreeSet<&str> = operator::Operator::commands().collect();
    assert_eq!(rows, commands);
}

#[test]
fn every_setting_is_explained() {
    let document: Value =
        serde_json::from_str(include_str!("../../events/stores/every-option.json")).unwrap();
    let explained = |key: &str| {
        TEXT.lines()
            .any(|line| line.starts_with(&format!("| `{key}` |")))
    };
    let mut keys: Vec<&String> = document.as_object().unwrap().keys().collect();
    for vendors in ["sources", "destinations"] {
        let vendors = document[vendors].as_object().unwrap().values();
        keys.extend(vendors.flat_map(|settings| settings.as_object().unwrap().keys()));
    }
    let missing: Vec<_> = keys
        .into_iter()
        .filter(|key| !["v", "on"].contains(&key.as_str()) && !explained(key))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_tag_and_field_is_named() {
    let expected: Vec<Value> = serde_json::from_str(include_str!("../expect/rule.json")).unwrap();
    let requests = || {
        expected
            .iter()
            .flat_map(|row| row["requests"].as_array().unwrap())
    };
    let tags = requests()
        .flat_map(|request| request["tags"].as_array().unwrap())
        .map(|tag| tag.as_str().unwrap());
    let fields = requests()
        .flat_map(|request| request["fields"].as_object().unwrap().keys())
        .map(String::as_str);
    // The README writes the two tiers and the three groups of figures once: `Yotpo.NewTier…` with `ID`, `Name`, ….
    let prefixes = [
        "NewTier",
        "OldTier",
        "TierStatsCurrent",
        "TierStatsNeededMaintain",
        "TierStatsNeededNext",
    ];
    let named = |name: &str| {
        let plain = name.rsplit('.').next().unwrap();
        let code = |text: &str| TEXT.contains(&format!("`{text}`"));
        let split = |prefix: &&str| {
            let rest = plain.strip_prefix(*prefix)?;
            Some(code(&format!("Yotpo.{prefix}…")) && code(rest))
        };
        code(name)
            || code(plain)
            || code(&format!(".{plain}"))
            || prefixes.iter().find_map(split).unwrap_or(false)
    };
    let missing: BTreeSet<&str> = tags.chain(fields).filter(|name| !named(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_assumption_is_listed() {
    let mut named = BTreeSet::new();
    for file in sources(&paths::root().join("shared")) {
        // A comment may break between the word and the name.
        let text = std::fs::read_to_string(&file).unwrap();
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ").replace("/// ", "").replace("// ", "");
        let places = text.split("ASSUMED `").skip(1);
        named.extend(places.map(|rest| rest.split('`').next().unwrap().to_owned()));
    }
    assert!(named.len() > 20, "{named:?}");
    let listed = first_cells("\n## What is assumed about the vendors\n");
    let missing: Vec<_> = named.difference(&listed).collect();
    assert!(missing.is_empty(), "not in the README: {missing:?}");
    let stale: Vec<_> = listed.difference(&named).collect();
    assert!(stale.is_empty(), "nowhere in shared/: {stale:?}");
}

/// Every Rust file under a folder.
pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                sources(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect()
}

#[test]
fn every_alarm_is_explained() {
    let template = include_str!("../../template.yaml");
    let lines = || template.lines();
    let alarms = lines().zip(lines().skip(1)).filter_map(|(name, kind)| {
        let name = name.strip_prefix("  ")?.strip_suffix(':')?;
        (kind.trim() == "Type: AWS::CloudWatch::Alarm").then(|| name.to_owned())
    });
    let alarms: BTreeSet<String> = alarms.collect();
    assert_eq!(first_cells("\n## Alarms\n"), alarms);
}

#[test]
fn the_oldest_python_that_works_is_named() {
    let (major, minor) = tools::PYTHON;
    let named = format!("Python {major}.{minor} or later");
    assert!(TEXT.contains(&named), "{named}");
}

#[test]
fn every_promise_links_to_its_tests() {
    let promises = sources(&paths::root().join("tests/promises"));
    let own = promises.iter().filter(|file| {
        let text = std::fs::read_to_string(file).unwrap();
        text.starts_with("//! Promise: ")
    });
    let missing: Vec<_> = own
        .map(|file| file.file_name().unwrap().to_str().unwrap())
        .filter(|name| !TEXT.contains(&format!("([tests](tests/promises/{name}))")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
