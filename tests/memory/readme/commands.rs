//! Every command of the README is one that works: what can be run here is run, the rest is held against what reads it.
//! The end-to-end tests give the operator's commands to the deployed function.

use std::{collections::BTreeSet, path::Path};

use ::operator::Operator;
use bridge_tests::{
    local::{build, cli, deploy, paths, stores},
    readme,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use vendors::{Inlet, gorgias, registry};

use crate::{
    gorgias::bench::with_a_helpdesk,
    operator::{check::to_rule, done, operator},
    world::{World, body},
};

fn file(name: &str) -> String {
    std::fs::read_to_string(paths::root().join(name)).unwrap()
}

/// Words of a command written as code in running text, without what only marks a place: `cargo local down`.
fn inline() -> Vec<Vec<String>> {
    let programs = ["cargo ", "sam ", "aws ", ".ci/run"];
    let spans = readme::code(&readme::TEXT).into_iter();
    let spans = spans.filter(|span| programs.iter().any(|name| span.starts_with(name)));
    spans
        .map(|span| readme::words(span.trim_end_matches(" …")))
        .collect()
}

#[test]
fn every_command_is_one_that_works() {
    let commands = readme::commands();
    assert!(commands.len() >= 9, "{commands:?}");
    for words in commands.into_iter().chain(inline()) {
        let named: Vec<&str> = words.iter().map(String::as_str).collect();
        match named.as_slice() {
            ["cargo", "local", rest @ ..] => {
                let arguments: Vec<String> = rest.iter().map(ToString::to_string).collect();
                assert!(cli::read(&arguments).is_ok(), "{words:?}");
            }
            ["cargo", "test", rest @ ..] => is_test_run(rest),
            ["cargo", "lambda", "build", rest @ ..] => is_build(rest),
            ["rustup", "target", "add", target] => assert_eq!(*target, "aarch64-unknown-linux-gnu"),
            ["sam", "deploy", rest @ ..] => is_deploy(rest),
            ["sam", "delete"] => {}
            ["aws", "dynamodb", "restore-table-to-point-in-time", ..] => {
                for flag in [
                    "--source-table-name",
                    "--target-table-name",
                    "--restore-date-time",
                ] {
                    assert!(readme::flag(&words, flag).is_some(), "{words:?}");
                }
            }
            ["aws", "lambda", "invoke", ..] => is_invocation(&words),
            ["aws", "secretsmanager", "create-secret", ..] => {
                assert!(readme::flag(&words, "--name").is_some(), "{words:?}");
            }
            [".ci/run", steps @ ..] => {
                let script = file(".ci/run");
                let known = script.split("readonly STEPS=(").nth(1).unwrap();
                let known: BTreeSet<&str> = known.split(')').next().unwrap().split(' ').collect();
                assert!(steps.iter().all(|step| known.contains(step)), "{steps:?}");
            }
            _ => panic!("no test knows whether this works: {}", words.join(" ")),
        }
    }
}

/// Everything, or a test target of this package.
fn is_test_run(arguments: &[&str]) {
    match arguments {
        [] | ["--workspace"] => {}
        ["--test", target, ..] => {
            let manifest = file("tests/Cargo.toml");
            assert!(
                manifest.contains(&format!("name = \"{target}\"\n")),
                "{target}"
            );
        }
        _ => panic!("{arguments:?}"),
    }
}

/// What `cargo local deploy` tells cargo-lambda too, with a profile that there is.
fn is_build(arguments: &[&str]) {
    let ours = deploy::build_for("arm64");
    for argument in arguments {
        assert!(ours.contains(argument), "{argument} is not in {ours:?}");
    }
    let mut profile = arguments
        .iter()
        .skip_while(|argument| **argument != "--profile");
    let profile = profile.nth(1).unwrap();
    assert!(file("Cargo.toml").contains(&format!("[profile.{profile}]")));
}

/// Nothing, or the name of an environment of samconfig.toml.
fn is_deploy(arguments: &[&str]) {
    let name = match arguments {
        [] => "default",
        ["--config-env", name] => name,
        _ => panic!("{arguments:?}"),
    };
    assert!(file("samconfig.toml").contains(&format!("[{name}.deploy.parameters]")));
}

/// The name under which samconfig.toml deploys by default, with a function of the template behind it.
fn is_invocation(words: &[String]) {
    let function = readme::flag(words, "--function-name").unwrap();
    let config = file("samconfig.toml");
    let stack = config.split("stack_name = \"").nth(1).unwrap();
    let stack = stack.split('"').next().unwrap();
    let short = function.strip_prefix(&format!("{stack}-")).unwrap();
    let functions = build::functions_of(&paths::root().join("template.yaml")).unwrap();
    assert!(functions.iter().any(|name| name == short), "{function}");
    // Without it version 2 of the AWS CLI takes JSON for base64.
    assert_eq!(
        readme::flag(words, "--cli-binary-format"),
        Some("raw-in-base64-out")
    );
    let payload = readme::flag(words, "--payload").unwrap();
    if let Some(name) = payload.strip_prefix("file://") {
        assert!(
            paths::root()
                .join("events/invoke/operator")
                .join(name)
                .exists()
        );
    }
    assert_eq!(words.last().unwrap(), "/dev/stdout");
}

#[test]
fn what_cargo_local_can_do_stands_in_its_table() {
    let section = readme::section("## Two commands").unwrap();
    let rows = readme::rows(section);
    let named: BTreeSet<&str> = rows
        .iter()
        .filter_map(|row| {
            row[0]
                .strip_prefix("`cargo local ")?
                .split(['`', ' '])
                .next()
        })
        .collect();
    let known: BTreeSet<&str> = cli::HELP
        .lines()
        .filter_map(|line| line.strip_prefix("cargo local ")?.split(' ').next())
        .collect();
    assert_eq!(named, known);
    let flags = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| c.is_whitespace() || c == '`');
        let flags = words.filter(|word| word.starts_with("--"));
        flags.map(ToOwned::to_owned).collect()
    };
    for row in rows {
        assert!(flags(row[1]).is_subset(&flags(cli::HELP)), "{row:?}");
    }
}

/// The example store as an operator in memory is given it.
fn document() -> Value {
    stores::document(&stores::example()).unwrap()
}

#[tokio::test]
async fn every_payload_is_taken() {
    let world = World::new().await;
    world.put_store("example-outdoor", json!({})).await;
    let mut operator = operator(&world);
    operator
        .wires
        .insert("rule".to_owned(), to_rule(&world, "example-outdoor-key"));
    with_a_helpdesk(&world, &mut operator).await;
    let payloads = readme::payloads(&document()).unwrap();
    assert!(payloads.len() > 10, "{payloads:?}");
    for payload in payloads {
        if payload["command"] == "adjust_points" {
            books_points(&world, &mut operator).await;
        }
        done(&operator, payload).await;
    }
}

/// From now on the example store has Annex Cloud too, and knows the person whose points are adjusted.
async fn books_points(world: &World, operator: &mut Operator) {
    let destinations = json!({"rule": {}, "annexcloud": {}});
    world
        .put_destinations("example-outdoor", destinations)
        .await;
    let queue = "queue/annexcloud".to_owned();
    operator.queues.insert("annexcloud".to_owned(), queue);
    let coupon = body("coupon_awarded.json").to_string();
    let delivery = world.delivery("example-outdoor", coupon.as_bytes());
    let recorded = world.recorder.record(vec![delivery]).await;
    assert!(recorded.iter().all(Result::is_ok));
    // Settings are remembered for a minute.
    world.clock.advance(SignedDuration::from_mins(2));
}

/// The keys that a command takes, as it says itself when it is given another one.
async fn keys(operator: &Operator, mut command: Value) -> BTreeSet<String> {
    command["surprise"] = json!(1);
    let answer = operator.answer(command.clone()).await;
    let faults = answer["faults"].as_array().unwrap().iter();
    let fault = faults
        .filter(|fault| fault["path"] == "surprise")
        .find_map(|fault| fault["message"].as_str())
        .unwrap_or_else(|| panic!("{command} takes anything: {answer}"));
    // `put_store` says it in its own words.
    let known = fault
        .split_once("known are ")
        .map_or("store", |(_, known)| known);
    known.split(", ").map(ToOwned::to_owned).collect()
}

/// What `replay` asks for depends on what is replayed.
fn replays() -> [Value; 4] {
    [
        json!({"command": "replay", "destination": "rule", "delivery": "x"}),
        json!({"command": "replay", "destination": "rule", "list": "unconfirmed"}),
        json!({"command": "replay", "kept": true}),
        json!({"command": "replay", "event": "x"}),
    ]
}

#[tokio::test]
async fn every_key_of_a_command_is_explained() {
    let world = World::new().await;
    let operator = operator(&world);
    let section = readme::section("## Operator commands").unwrap();
    let code = readme::code(section);
    let named: BTreeSet<&str> = code
        .iter()
        .flat_map(|span| span.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .collect();
    let mut known = BTreeSet::new();
    let payloads = readme::payloads(&document()).unwrap().into_iter();
    for payload in payloads.chain(replays()) {
        known.extend(keys(&operator, payload).await);
    }
    let missing: Vec<_> = known
        .iter()
        .filter(|key| !named.contains(key.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn every_form_of_a_replay_is_one() {
    let world = World::new().await;
    let operator = operator(&world);
    let mut known = BTreeSet::new();
    for form in replays() {
        known.extend(keys(&operator, form).await);
    }
    let section = readme::section("### Replay").unwrap();
    for row in readme::rows(section) {
        for span in readme::code(row[0]) {
            let name = span.split(':').next().unwrap().trim_matches('"');
            let is_value = ["rejected", "unconfirmed"].contains(&name);
            assert!(
                is_value || known.contains(name),
                "{name} is not in {known:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_secrets_are_made_as_put_store_says() {
    let world = World::new().await;
    let mut operator = operator(&world);
    let config = file("samconfig.toml");
    let prefix = config.split("SecretPrefix=").nth(1).unwrap();
    operator.secret_prefix = prefix.split('"').next().unwrap().to_owned();
    let put = json!({"command": "put_store", "store": document()});
    let answer = done(&operator, put).await;
    let missing = answer["missing_secrets"].as_array().unwrap().iter();
    let wanted: BTreeSet<String> = missing
        .map(|secret| {
            let words = readme::words(secret["command"].as_str().unwrap());
            assert_eq!(words[..3], ["aws", "secretsmanager", "create-secret"]);
            readme::flag(&words, "--name").unwrap().to_owned()
        })
        .collect();
    let commands = readme::commands().into_iter();
    let commands: Vec<Vec<String>> = commands
        .filter(|words| words.get(2).is_some_and(|word| word == "create-secret"))
        .collect();
    let named = commands
        .iter()
        .map(|words| readme::flag(words, "--name").unwrap().to_owned());
    assert_eq!(named.collect::<BTreeSet<_>>(), wanted);
    for words in &commands {
        // The file is the one whose content the README gives below, named after the connection.
        let name = readme::flag(words, "--name").unwrap();
        let connection = Path::new(name).file_name().unwrap().to_str().unwrap();
        let text = readme::flag(words, "--secret-string").unwrap();
        assert_eq!(text, format!("file://{connection}.json"));
        let content = readme::TEXT
            .split(&format!("`{connection}.json` is"))
            .nth(1)
            .unwrap();
        is_secret(connection, &readme::code(content)[0]);
    }
}

/// The content of a secret, with something in each place that the README leaves to people.
fn filled(content: &Value) -> String {
    content.to_string().replace('<', "example-")
}

/// The content of a secret, as the README shows it, is what its reader takes.
fn is_secret(connection: &str, content: &str) {
    let content: Value = serde_json::from_str(content).unwrap();
    assert_eq!(content["v"], 1, "{connection}");
    if let Some(destination) = registry::destination(connection) {
        assert!(destination.key(&content).is_some(), "{connection}");
    } else if connection == gorgias::INLET {
        assert!(gorgias::Credential::read(&filled(&content)).is_some());
    } else if let Some(source) = connection.strip_suffix("-webhook") {
        assert!(registry::source(source).is_some(), "{connection}");
        assert!(Inlet::read(&filled(&content)).is_some(), "{connection}");
        let shown = Inlet::read(&content.to_string());
        assert!(shown.is_none(), "the words in it are no token");
    } else {
        let api = registry::source(connection).and_then(vendors::Source::api);
        assert!(api.unwrap().key(&content).is_some(), "{connection}");
    }
}

#[test]
fn every_secret_stands_in_the_table() {
    let mut wanted = BTreeSet::from(["hash-key".to_owned()]);
    let sources = registry::SOURCES.iter();
    wanted.extend(sources.map(|source| format!("<store>/{}-webhook", source.name())));
    let destinations = registry::DESTINATIONS.iter();
    wanted.extend(destinations.map(|destination| format!("<store>/{}", destination.name())));
    let section = readme::section("## Secrets").unwrap();
    for row in readme::rows(section) {
        let name = readme::code(row[0]).swap_remove(0);
        let name = name.strip_prefix("<prefix>/").unwrap();
        if let Some(connection) = name.strip_prefix("<store>/") {
            let forms = readme::code(row[1]);
            let forms = forms.iter().filter(|span| span.starts_with('{'));
            assert!(forms.clone().count() > 0, "{name}");
            forms.for_each(|form| is_secret(connection, form));
        }
        wanted.remove(name);
    }
    assert!(wanted.is_empty(), "no row for {wanted:?}");
}
