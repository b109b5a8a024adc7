//! What the README points at is there: headings, files, folders, functions, routes' answers.

use std::collections::BTreeSet;

use bridge_tests::{
    local::{build, paths},
    readme,
};
use vendors::{Reception, Refusal, registry};

/// A heading's anchor, as the hosts of repositories make it.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn every_link_leads_somewhere() {
    let headings = readme::TEXT.lines().filter(|line| line.starts_with('#'));
    let anchors: BTreeSet<String> = headings
        .map(|line| anchor(line.trim_start_matches('#').trim()))
        .collect();
    let links = readme::TEXT.split("](").skip(1);
    let links: Vec<&str> = links.filter_map(|rest| rest.split(')').next()).collect();
    assert!(links.len() > 30, "{links:?}");
    for link in links {
        let joined = link.split_whitespace().collect::<String>();
        if let Some(name) = joined.strip_prefix('#') {
            assert!(anchors.contains(name), "no heading for #{name}");
        } else if !joined.starts_with("https://") {
            assert!(paths::root().join(&joined).exists(), "no file {joined}");
        }
    }
}

/// Everything that git would keep, by its path.
fn tree() -> Vec<String> {
    let git = std::process::Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(paths::root())
        .output()
        .unwrap();
    assert!(git.status.success(), "{git:?}");
    let names = String::from_utf8(git.stdout).unwrap();
    let names = names.lines().map(ToOwned::to_owned);
    names
        .filter(|name| paths::root().join(name).exists())
        .collect()
}

/// Whether a path of the tree, or a folder in it, has this form; `*` and `<name>` stand for a part of a name.
fn is_there(tree: &[String], form: &str) -> bool {
    let form = form.trim_end_matches('/');
    let parts: Vec<String> = form.split('/').map(without_names).collect();
    tree.iter().any(|path| {
        let path: Vec<&str> = path.split('/').collect();
        path.len() >= parts.len() && parts.iter().zip(&path).all(|(part, name)| fits(part, name))
    })
}

fn without_names(part: &str) -> String {
    let mut text = part.to_owned();
    while let (Some(open), Some(close)) = (text.find('<'), text.find('>')) {
        text.replace_range(open..=close, "*");
    }
    text
}

fn fits(form: &str, name: &str) -> bool {
    match form.split_once('*') {
        None => form == name,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).any(|at| rest.is_char_boundary(at) && fits(after, &rest[at..]))
        }),
    }
}

#[test]
fn every_path_is_there() {
    let tree = tree();
    let tops = [
        "events/",
        "functions/",
        "shared/",
        "tests/",
        ".ci/",
        ".cargo/",
    ];
    let spans = readme::code(&readme::TEXT);
    let paths: Vec<&str> = spans
        .iter()
        .filter(|span| tops.iter().any(|top| span.starts_with(top)))
        .map(|span| span.split(' ').next().unwrap())
        .collect();
    assert!(paths.len() > 8, "{paths:?}");
    for path in paths {
        assert!(is_there(&tree, path), "no {path}");
    }
}

#[test]
fn the_layout_is_the_trees() {
    let tree = tree();
    let section = readme::section("## Layout").unwrap();
    let block = readme::blocks();
    let block = block
        .iter()
        .find(|block| section.contains(block.text))
        .unwrap();
    let mut above = String::new();
    let mut named = BTreeSet::new();
    for line in block.text.lines() {
        if let Some(inner) = line.strip_prefix("  ") {
            let name = inner.split(' ').next().unwrap();
            let path = format!("{above}{name}");
            assert!(is_there(&tree, &path), "no {path}");
            named.insert(path);
            continue;
        }
        // Two may share a line: each is a name, two spaces or more, and words.
        let words: Vec<&str> = line
            .split("  ")
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect();
        for name in words.iter().step_by(2) {
            assert!(is_there(&tree, name), "no {name}");
            named.insert((*name).to_owned());
        }
        above = words[0].to_owned();
        for path in readme_paths(line) {
            let path = format!("{above}{path}");
            assert!(is_there(&tree, &path), "no {path}");
        }
    }
    for folder in ["functions/", "shared/"] {
        for path in tree.iter().filter_map(|path| path.strip_prefix(folder)) {
            let path = format!("{folder}{}/", path.split('/').next().unwrap());
            assert!(named.contains(&path), "the layout has no {path}");
        }
    }
    let tops = tree
        .iter()
        .filter_map(|path| path.split_once('/'))
        .map(|(top, _)| top);
    for top in tops.filter(|top| !top.starts_with('.')) {
        assert!(
            named.contains(&format!("{top}/")),
            "the layout has no {top}/"
        );
    }
}

/// Folders in the words of a line of the layout: `…; expect/: what must arrive`.
fn readme_paths(line: &str) -> impl Iterator<Item = &str> {
    line.split(' ')
        .filter_map(|word| word.strip_suffix("/:"))
        .map(|name| name.trim_end_matches('/'))
}

#[test]
fn the_picture_and_the_list_show_every_function() {
    let section = readme::section("## The way through").unwrap();
    let functions = build::functions_of(&paths::root().join("template.yaml")).unwrap();
    for name in functions {
        assert!(
            section.contains(&format!("[{name}]")),
            "{name} is not in the picture"
        );
        assert!(
            section.contains(&format!("\n- **{name}** ")),
            "{name} is not in the list"
        );
    }
}

#[test]
fn a_sender_is_answered_as_the_table_says() {
    let section = readme::section("## What a sender is answered").unwrap();
    let rows = readme::rows(section);
    let said: BTreeSet<u16> = rows.iter().map(|row| row[1].parse().unwrap()).collect();
    // Where no function of ours runs, API Gateway answers.
    let gateway = rows
        .iter()
        .filter(|row| row[2].starts_with("API Gateway answers"));
    let mut known: BTreeSet<u16> = gateway.map(|row| row[1].parse().unwrap()).collect();
    assert_eq!(known, [404, 429].into());
    let refusals = [
        Refusal::Unauthorized,
        Refusal::Empty,
        Refusal::NotJson,
        Refusal::NotAnObject,
        Refusal::TooLarge,
    ];
    for source in registry::SOURCES {
        let receptions = refusals.into_iter().map(Reception::Refused);
        for reception in receptions.chain([Reception::Stored, Reception::Unavailable]) {
            known.insert(source.reply(reception));
        }
    }
    assert_eq!(said, known);
}

#[test]
fn where_things_stand_a_stranger_finds_them() {
    // Words that the README takes from the code's own tables and that no other test reads.
    let yotpo = readme::section("## What each event is good for").unwrap();
    for kind in loyalty::Kind::ALL {
        let named = readme::TEXT.contains(&format!("`{kind}`"));
        assert!(named, "{kind} is nowhere in the README");
    }
    let tagged = readme::rows(yotpo).into_iter().filter(|row| row.len() == 8);
    for row in tagged {
        let kind = &readme::code(row[3])[0];
        assert!(kind.parse::<loyalty::Kind>().is_ok(), "{kind} is no kind");
        let topics = readme::code(row[2]);
        assert!(topics.is_empty() || topics[0].contains('/'), "{topics:?}");
    }
}
