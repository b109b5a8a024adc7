//! The README says what the code does.

use std::collections::BTreeSet;

use serde_json::Value;
use vendors::Reason;

const README: &str = include_str!("../../README.md");

/// The first cells of the table under a heading, without their backticks.
fn first_cells(heading: &str) -> BTreeSet<String> {
    let section = README
        .split(heading)
        .nth(1)
        .unwrap()
        .split("\n## ")
        .next()
        .unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.split('`').nth(1).unwrap().to_owned())
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
fn every_setting_is_explained() {
    let document: Value =
        serde_json::from_str(include_str!("../../events/stores/every-option.json")).unwrap();
    let explained = |key: &str| {
        README
            .lines()
            .any(|line| line.starts_with(&format!("| `{key}` |")))
    };
    let mut keys: Vec<&String> = document.as_object().unwrap().keys().collect();
    keys.extend(document["sources"]["yotpo"].as_object().unwrap().keys());
    keys.extend(document["destinations"]["rule"].as_object().unwrap().keys());
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
        let code = |text: &str| README.contains(&format!("`{text}`"));
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
