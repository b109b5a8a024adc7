//! Each role may do exactly what its function does: all that a whole run of the end-to-end tests did under it was
//! allowed, and whatever is allowed was done.
//!
//! Where the emulator acts in a role's name without asking, as Lambda does on AWS, the reason stands in [`by_lambda`].

use std::collections::BTreeSet;

use bridge_tests::local::{build, paths};

use crate::record::{self, Grant, Invocation, Use};

/// What a function is about: a table that a person has thought about, held against what was seen.
struct About {
    function: &'static str,
    /// What the partition keys of its rows begin with.
    rows: &'static [&'static str],
    /// The secrets that it reads, after the prefix.
    secrets: &'static [&'static str],
}

macro_rules! roles {
    ($($test:ident is $function:literal: rows $rows:expr, secrets $secrets:expr;)*) => {
        const ROLES: &[About] = &[$(About { function: $function, rows: &$rows, secrets: &$secrets }),*];

        $(
            mod $test {
                #[test]
                fn may_do_exactly_what_it_does() {
                    super::may_do_exactly_what_it_does($function);
                }

                #[test]
                fn touches_its_own_rows_and_secrets() {
                    super::touches_its_own_rows_and_secrets($function);
                }
            }
        )*
    };
}

roles! {
    webhook is "webhook":
        rows ["STORE"],
        secrets ["*/annexcloud-webhook", "*/yotpo-webhook"];
    lookup is "lookup":
        rows ["ACCOUNT", "ERASED", "MEMBER", "STORE", "STORES"],
        secrets ["*/annexcloud", "*/gorgias-lookup", "hash-key"];
    push_gorgias is "push-gorgias":
        rows ["ACCOUNT", "ERASED", "MEMBER", "STORES"],
        secrets ["*/gorgias"];
    push_annexcloud is "push-annexcloud":
        rows ["ACCOUNT", "ERASED", "MEMBER", "STORES"],
        secrets ["*/annexcloud"];
    recorder is "recorder":
        rows ["ALIAS", "BOUGHT", "ERASED", "MEMBER", "STORE", "STORES"],
        secrets ["hash-key"];
    reader is "reader":
        rows ["ACCOUNT", "ALIAS", "ERASED", "MEMBER", "STORE", "STORES"],
        secrets ["*/annexcloud", "*/yotpo", "hash-key"];
    push_rule is "push-rule":
        rows ["ACCOUNT", "ERASED", "MEMBER", "STORES"],
        secrets ["*/rule"];
    operator is "operator":
        rows ["ACCOUNT", "ALIAS", "BOUGHT", "ERASED", "MEMBER", "STACK", "STORE", "STORES", "due", "parked", "rejected", "unconfirmed"],
        secrets ["*/annexcloud", "*/annexcloud-webhook", "*/gorgias", "*/gorgias-lookup", "*/rule", "*/yotpo", "*/yotpo-webhook", "hash-key"];
    emit_anniversaries is "emit-anniversaries":
        rows ["MEMBER", "STORE", "STORES", "due"],
        secrets ["hash-key"];
    emit_birthdays is "emit-birthdays":
        rows ["MEMBER", "STORE", "STORES", "due"],
        secrets ["hash-key"];
    emit_reminders is "emit-reminders":
        rows ["BOUGHT", "ERASED", "MEMBER", "STORE", "STORES", "due"],
        secrets ["hash-key"];
    upkeep is "upkeep":
        rows ["ACCOUNT", "ALIAS", "BOUGHT", "ERASED", "MEMBER", "STORE", "STORES", "erasing", "parked"],
        secrets ["*/annexcloud", "*/gorgias", "*/gorgias-lookup", "*/rule", "hash-key"];
}

#[test]
fn every_function_is_judged() {
    let judged: BTreeSet<&str> = ROLES.iter().map(|about| about.function).collect();
    let functions = build::functions_of(&paths::root().join("template.yaml")).unwrap();
    let functions: BTreeSet<&str> = functions.iter().map(String::as_str).collect();
    assert_eq!(judged, functions, "a function needs its line in `roles!`");
    // Beside them there are the roles under which schedules start a function, and nothing else.
    let record = record::whole();
    let own: BTreeSet<&str> = functions.iter().map(|function| role_of(function)).collect();
    for grant in &record.grants {
        if !own.contains(grant.role.as_str()) {
            assert!(grant.role.contains("ScheduleRole"), "{grant:?}");
            let [on] = grant.on.as_slice() else {
                panic!("{grant:?}");
            };
            let name = on.rsplit(':').next().unwrap();
            match grant.may.as_slice() {
                [may] if may == "lambda:InvokeFunction" => {
                    assert!(functions.contains(record::short(name)), "{grant:?}");
                }
                // What the scheduler could not start.
                [may] if may == "sqs:SendMessage" => {
                    assert!(name.ends_with("-emits-dead"), "{grant:?}");
                }
                _ => panic!("{grant:?}"),
            }
        }
    }
}

fn runs(function: &str) -> Vec<&Invocation> {
    let runs: Vec<_> = record::whole().runs_of(function).collect();
    assert!(!runs.is_empty(), "no end-to-end test lets {function} run");
    runs
}

fn role_of(function: &str) -> &'static str {
    let runs = record::whole().runs_of(function);
    let roles: BTreeSet<&str> = runs.map(|run| run.role.as_str()).collect();
    let roles: Vec<&str> = roles.into_iter().collect();
    let [role] = roles.as_slice() else {
        panic!("{function} ran under {roles:?}");
    };
    role
}

fn may_do_exactly_what_it_does(function: &str) {
    let record = record::whole();
    let runs = runs(function);
    let role = role_of(function);
    let done: Vec<_> = record
        .uses
        .iter()
        .filter(|used| used.role == role)
        .collect();
    let refused: Vec<_> = done.iter().filter(|used| !used.allowed).collect();
    assert!(refused.is_empty(), "{function} was refused {refused:#?}");
    let mut idle = Vec::new();
    for grant in record.grants.iter().filter(|grant| grant.role == role) {
        assert_eq!(grant.effect, "Allow", "{grant:?}");
        for action in &grant.may {
            for resource in &grant.on {
                let was_done = done
                    .iter()
                    .any(|used| used.did == *action && fits(resource, &used.to));
                let known = by_lambda(&runs, action, resource)
                    .or_else(|| by_their_twin(function, action, resource))
                    .or_else(|| by_an_unmade_secret(&done, action, resource));
                if !was_done && known.is_none() {
                    idle.push((action, resource));
                }
            }
        }
    }
    assert!(idle.is_empty(), "{function} may and never does: {idle:#?}");
}

/// Why a permission is needed that no call of the function shows: Lambda itself acts under the role.
fn by_lambda(runs: &[&Invocation], action: &str, resource: &str) -> Option<&'static str> {
    let feeds = runs.iter().any(|run| {
        let records = run.event["Records"].as_array();
        let mut records = records.into_iter().flatten();
        records.any(|record| record["eventSourceARN"] == resource)
    });
    let own_log = resource.contains(&format!(":log-group:/aws/lambda/{}", runs[0].function));
    match action {
        "logs:CreateLogStream" | "logs:PutLogEvents" if own_log => {
            Some("it writes the function's output")
        }
        "sqs:SendMessage" if resource.ends_with("-emits-dead") => {
            Some("it tells of a run that failed for good, which the emulator does not")
        }
        "sqs:SendMessage" if feeds => Some(
            "a run that comes near its end goes on through its own queue; no run of the tests is so long",
        ),
        "sqs:ReceiveMessage" | "sqs:DeleteMessage" | "sqs:GetQueueAttributes" if feeds => {
            Some("it takes messages from the queue that feeds the function")
        }
        _ => None,
    }
}

/// Why a permission is needed that this run did not show: the pushers are one program, and what operator and upkeep do about a
/// destination's queue is the same for each; Rule's was seen doing it.
fn by_their_twin(function: &str, action: &str, resource: &str) -> Option<&'static str> {
    let others = ["annexcloud", "gorgias"];
    let other = others.into_iter().find(|other| {
        function == format!("push-{other}") || resource.contains(&format!("-{other}"))
    })?;
    let twin = if function == format!("push-{other}") {
        "push-rule"
    } else {
        function
    };
    let resource = resource.replace(&format!("-{other}"), "-rule");
    let role = role_of(twin);
    let uses = &record::whole().uses;
    let was_done = uses
        .iter()
        .any(|used| used.role == role && used.did == action && fits(&resource, &used.to));
    was_done.then_some("it is one program for all destinations")
}

/// Why a secret may be read without its name's random end: AWS is asked so for one that nobody has made, and it is to say that
/// there is none and not that asking is forbidden. Which stores lack which secret is a test's choice; that this one is read was
/// seen.
fn by_an_unmade_secret(done: &[&Use], action: &str, resource: &str) -> Option<&'static str> {
    let made = format!("{resource}-??????");
    let is_read = |used: &&Use| used.did == action && fits(&made, &used.to);
    let reads = action == "secretsmanager:GetSecretValue" && !resource.ends_with("-??????");
    (reads && done.iter().any(is_read)).then_some("nobody may have made it yet")
}

fn touches_its_own_rows_and_secrets(function: &str) {
    let record = record::whole();
    let about = ROLES
        .iter()
        .find(|about| about.function == function)
        .unwrap();
    let role = role_of(function);
    let uses = || record.uses.iter().filter(|used| used.role == role);
    let rows: BTreeSet<&str> = uses()
        .flat_map(|used| &used.rows)
        .map(String::as_str)
        .collect();
    assert_eq!(rows, about.rows.iter().copied().collect(), "{function}");
    // What was read, as the pattern of the role that allows it: a name without its random end is an unknown store's.
    let read = uses().filter(|used| used.did == "secretsmanager:GetSecretValue");
    let grants = record.grants.iter().filter(|grant| grant.role == role);
    let allowed = grants.filter(|grant| {
        grant
            .may
            .iter()
            .any(|may| may == "secretsmanager:GetSecretValue")
    });
    let patterns: Vec<&str> = allowed
        .flat_map(|grant: &Grant| &grant.on)
        .map(String::as_str)
        .collect();
    let read: BTreeSet<&str> = read
        .filter_map(|used| patterns.iter().find(|pattern| fits(pattern, &used.to)))
        .filter_map(|pattern| pattern.split_once(":secret:loyalty-bridge-local/"))
        .map(|(_, name)| name.trim_end_matches("-??????"))
        .collect();
    assert_eq!(read, about.secrets.iter().copied().collect(), "{function}");
}

/// The door writes rows of stores and never of members: the role says so too, and the emulator holds it to that.
#[test]
fn the_door_is_kept_from_members() {
    let role = role_of("webhook");
    let grants = record::whole()
        .grants
        .iter()
        .filter(|grant| grant.role == role);
    let tables: Vec<&Grant> = grants
        .filter(|grant| grant.may.iter().any(|may| may.starts_with("dynamodb:")))
        .collect();
    let [table] = tables.as_slice() else {
        panic!("{tables:?}");
    };
    let keys = &table.conditions["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
    assert_eq!(*keys, serde_json::json!(["STORE#*"]));
}

/// Whether a resource fits a policy's pattern: `*` stands for any text, `?` for one character.
fn fits(pattern: &str, resource: &str) -> bool {
    let Some(first) = pattern.chars().next() else {
        return resource.is_empty();
    };
    let rest = &pattern[first.len_utf8()..];
    let mut characters = resource.chars();
    match first {
        '*' => (0..=resource.len())
            .filter(|at| resource.is_char_boundary(*at))
            .any(|at| fits(rest, &resource[at..])),
        '?' => characters.next().is_some() && fits(rest, characters.as_str()),
        _ => characters.next() == Some(first) && fits(rest, characters.as_str()),
    }
}

#[test]
fn patterns_fit_as_in_a_policy() {
    for (pattern, resource, expected) in [
        ("a/*/rule", "a/x/rule", true),
        ("a/*/rule", "a/x/rule-a1b2c3", false),
        ("a/*/rule-??????", "a/x/rule-a1b2c3", true),
        ("a/*/rule-??????", "a/x/rule-a1b2c", false),
        ("a", "ab", false),
    ] {
        assert_eq!(fits(pattern, resource), expected, "{pattern} {resource}");
    }
}
