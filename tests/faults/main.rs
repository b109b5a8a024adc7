//! What each fault of a vendor, of the way to it or of our own services does to one event: every fault against every
//! destination, through the one HTTP client over real sockets, and one table that says what came of it.
//!
//! The table is for people, so this target prints it itself, past the harness that hides what passing tests print. A
//! destination takes part by a file like `rule.rs` and its line in [`SUBJECTS`]. Words after the command's name choose
//! rows: `cargo test --test faults 429`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so"
)]

mod annexcloud;
mod faults;
#[path = "../memory/fuse.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests in memory, which use all of it"
)]
mod fuse;
mod gorgias;
#[path = "../memory/heard.rs"]
mod heard;
mod round;
mod rule;
mod subject;
mod table;
mod vendor;
#[path = "../memory/world.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests in memory, which use all of it"
)]
mod world;

use std::process::ExitCode;

use subject::Subject;

/// Every destination.
const SUBJECTS: &[Subject] = &[rule::RULE, annexcloud::ANNEX_CLOUD, gorgias::GORGIAS];

#[tokio::main]
async fn main() -> ExitCode {
    let (flags, words): (Vec<String>, Vec<String>) =
        arguments().partition(|word| word.starts_with('-'));
    // What lists or skips tests by name does not know this target's rows.
    if flags.iter().any(|flag| flag == "--list") {
        return ExitCode::SUCCESS;
    }
    let mut wrong = 0;
    for subject in SUBJECTS {
        let name = subject.destination.name();
        let mut lines = Vec::new();
        for (fault, what) in faults::all(subject) {
            if words.is_empty() || words.iter().any(|word| fault.contains(word.as_str())) {
                let seen = round::run(subject, &what).await;
                lines.push(table::Line::of(subject, fault, seen));
            }
        }
        if lines.is_empty() {
            continue;
        }
        wrong += table::print(name, &lines);
        if words.is_empty() {
            wrong += table::without_fault(subject, &lines);
        }
    }
    if wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn arguments() -> impl Iterator<Item = String> {
    std::env::args().skip(1)
}
