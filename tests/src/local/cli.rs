//! What `cargo local` is asked for, read before anything is done.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::bench::{Question, Wanted};
use crate::trouble::{Result, Saying, Trouble};

/// What people are told of it.
pub const HELP: &str = "\
cargo local demo               start everything, send one event of every kind, compare what arrives, end everything
cargo local up                 start everything and leave it running; target/local/stack.json says how to reach it
    --vendor NAME=URL          use this server in the place of the vendor's stand-in
    --store FILE               load this store document too (may be given again)
    --port PORT                let the emulator of AWS listen here
cargo local ask COMMAND        give the running stack's operator a command: JSON, or a file with JSON
cargo local down               end what `up` started
cargo local deploy [ARGS…]     build for AWS, check, and run `sam deploy` with these arguments
cargo local bench              build the functions as deployed and print start, memory, processor time, requests and size
    --peers                    measure the same job in plain Python and Node too, as ratios
    --quick                    measure the build that links quickly, and not the deployed one
cargo local cost               count what events ask of AWS, and print a month's cost for three numbers of events
    --destinations NAMES       with these destinations (a,b), or `none`; otherwise with all
    --events N                 for this number of events a month
    --stores N                 for this number of stores; otherwise one
    --tickets N                with this number of tickets a month; otherwise with what is assumed of so many events";

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// From nothing to a verdict.
    Demo,
    /// A stack that stays.
    Up(Up),
    /// A command for the operator of the stack that stays: JSON, or the name of a file with JSON.
    Ask(String),
    /// The end of the stack that stays.
    Down,
    /// The way to AWS, with arguments for `sam deploy`.
    Deploy(Vec<String>),
    /// How quick and how large the functions are.
    Bench(Wanted),
    /// What a month costs.
    Cost(Question),
    /// A vendor's stand-in, which `up` starts; not for people.
    StandIn(Vec<String>),
    /// What end-to-end tests start between the functions and the emulator; not for people.
    Proxy(Vec<String>),
    /// [`HELP`].
    Help,
}

/// How a stack is to be.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Up {
    /// Vendors that somebody else plays, with the address.
    pub vendors: BTreeMap<String, String>,
    /// Store documents to load beside the example.
    pub stores: Vec<PathBuf>,
    /// The emulator's port, if it matters.
    pub port: Option<u16>,
}

/// Reads the arguments behind `cargo local`.
///
/// # Errors
/// They are not known; the error says what is.
pub fn read(arguments: &[String]) -> Result<Asked> {
    let (command, rest) = arguments
        .split_first()
        .map_or(("", arguments), |(first, rest)| (first.as_str(), rest));
    let asks_for_help = |word: &String| word == "--help" || word == "-h";
    let is_for_people = !["stand-in", "proxy"].contains(&command);
    if is_for_people && rest.iter().any(asks_for_help) {
        return Ok(Asked::Help);
    }
    match command {
        "demo" if rest.is_empty() => Ok(Asked::Demo),
        "up" => up(rest).map(Asked::Up),
        "ask" => match rest {
            [command] => Ok(Asked::Ask(command.clone())),
            _ => Err(Trouble::new(format!(
                "`cargo local ask` takes one command, in quotes: '{{\"command\":\"check\",\"store\":\"example-outdoor\"}}'.\n\n{HELP}"
            ))),
        },
        "down" if rest.is_empty() => Ok(Asked::Down),
        "deploy" => Ok(Asked::Deploy(rest.to_vec())),
        "bench" => bench(rest).map(Asked::Bench),
        "cost" => cost(rest).map(Asked::Cost),
        "stand-in" => Ok(Asked::StandIn(rest.to_vec())),
        "proxy" => Ok(Asked::Proxy(rest.to_vec())),
        "" | "help" | "--help" | "-h" => Ok(Asked::Help),
        other => Err(Trouble::new(format!(
            "`cargo local {other}` with these arguments is not known.\n\n{HELP}"
        ))),
    }
}

fn up(arguments: &[String]) -> Result<Up> {
    let mut up = Up::default();
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        let value = value_of(flag, &["--vendor", "--store", "--port"], rest.next())?;
        match flag.as_str() {
            "--vendor" => {
                let (name, url) = value
                    .split_once('=')
                    .saying("--vendor takes NAME=URL, as rule=http://127.0.0.1:4010")?;
                up.vendors
                    .insert(name.to_owned(), url.trim_end_matches('/').to_owned());
            }
            "--store" => up.stores.push(value.into()),
            _ => {
                let port = value.parse().ok().filter(|port| *port > 0);
                up.port = Some(port.saying("--port takes a number from 1 to 65535")?);
            }
        }
    }
    Ok(up)
}

/// What stands behind an option that takes a value.
fn value_of<'a>(flag: &str, known: &[&str], value: Option<&'a String>) -> Result<&'a str> {
    if !known.contains(&flag) {
        return Err(Trouble::new(format!("{flag} is not known.\n\n{HELP}")));
    }
    let value = value.map(String::as_str);
    value.saying(format!("{flag} needs a value.\n\n{HELP}"))
}

fn bench(arguments: &[String]) -> Result<Wanted> {
    let mut wanted = Wanted::default();
    for flag in arguments {
        match flag.as_str() {
            "--quick" => wanted.quick = true,
            "--peers" => wanted.peers = true,
            _ => return Err(Trouble::new(format!("{flag} is not known.\n\n{HELP}"))),
        }
    }
    Ok(wanted)
}

fn cost(arguments: &[String]) -> Result<Question> {
    let mut question = Question::default();
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        let known = ["--destinations", "--events", "--stores", "--tickets"];
        let value = value_of(flag, &known, rest.next())?;
        let number = |least: u32| {
            let number = value.replace(['_', ','], "").parse();
            let number = number.ok().filter(|number| *number >= least);
            let most = u32::MAX;
            number.saying(format!(
                "{flag} takes a whole number from {least} to {most}"
            ))
        };
        match flag.as_str() {
            "--destinations" if value == "none" => question.destinations = Some(Vec::new()),
            "--destinations" => {
                let mut names: Vec<String> = Vec::new();
                for name in value.split(',') {
                    if !names.iter().any(|known| known == name) {
                        names.push(name.to_owned());
                    }
                }
                question.destinations = Some(names);
            }
            "--events" => question.events = Some(number(1)?),
            "--stores" => question.stores = number(1)?,
            _ => question.tickets = Some(number(0)?),
        }
    }
    Ok(question)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Result<Asked> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        read(&words)
    }

    #[test]
    fn what_the_help_names_is_read() {
        let mut command = "";
        for line in HELP.lines() {
            let named = line.split("  ").find(|part| !part.is_empty());
            let named = named.expect("a line has words").trim();
            let flag = if let Some(name) = named.strip_prefix("cargo local ") {
                let (first, rest) = name.split_once(' ').unwrap_or((name, ""));
                command = first;
                if rest == "COMMAND" { "{}" } else { "" }.to_owned()
            } else {
                let flag = named.replace("NAME=URL", "rule=http://127.0.0.1:1");
                let flag = flag.replace("FILE", "store.json").replace("PORT", "4566");
                flag.replace("NAMES", "rule").replace('N', "1000")
            };
            let line = format!("{command} {flag}");
            assert!(asked(&line).is_ok(), "{line}");
        }
        for command in [
            "",
            "demo",
            "up",
            "ask",
            "down",
            "deploy --guided",
            "bench",
            "cost",
        ] {
            for help in ["--help", "-h"] {
                assert_eq!(asked(&format!("{command} {help}")), Ok(Asked::Help));
            }
        }
        for line in [
            "demo now",
            "up --stores a",
            "up --port many",
            "bench --fast",
            "cost --events",
            "cost --events 0",
            "cost --stores many",
            "cost --events 1000000000000",
            "up --port 0",
            "up --frob",
            "cost --shops 2",
            "dance",
            "ask",
            "ask two words",
        ] {
            assert!(asked(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_stack_takes_several_stores() {
        let Ok(Asked::Up(up)) =
            asked("up --store a.json --store b.json --vendor rule=http://127.0.0.1:1/")
        else {
            panic!("a stack");
        };
        assert_eq!(up.stores.len(), 2);
        assert_eq!(up.vendors["rule"], "http://127.0.0.1:1");
    }

    #[test]
    fn a_cost_is_asked_for_a_set_of_destinations() {
        let line = "cost --destinations one,two,one --events 1_000_000 --stores 3 --tickets 40";
        let Ok(Asked::Cost(question)) = asked(line) else {
            panic!("a question");
        };
        assert_eq!(
            question.destinations,
            Some(vec!["one".to_owned(), "two".to_owned()])
        );
        assert_eq!((question.events, question.stores), (Some(1_000_000), 3));
        assert_eq!(question.tickets, Some(40));
        let Ok(Asked::Cost(none)) = asked("cost --destinations none") else {
            panic!("a question");
        };
        assert_eq!(none.destinations, Some(Vec::new()));
    }
}
