//! What strangers write is read: bodies of Yotpo, store documents, envelopes and messages, each changed in thousands of
//! ways, and laws that every one of them must keep.
//!
//! A run is bounded by its number of cases and always makes the same ones. Longer and other runs: `BRIDGE_FUZZ_CASES` and
//! `BRIDGE_FUZZ_SEED`. What breaks a law is written to the folder that the failure names; moved to `cases/<target>/` it is
//! tried first from then on. Each law takes bytes and panics where it is broken, so any other fuzzer can drive it too.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a law that is broken says so"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the house rules on environment are for what runs on Lambda"
)]

mod change;
mod stores;
mod wire;
mod yotpo;

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
};

use bridge_tests::{local::paths, say};
use change::Changer;

/// Cases of each target, beside those that are kept.
const CASES: u64 = 5_000;

fn number(name: &str, otherwise: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.map_or(otherwise, |text| text.parse().unwrap())
}

/// Tries a law on every kept case, on every example and on changed ones.
fn run(target: &str, examples: Vec<Vec<u8>>, law: fn(&[u8])) {
    assert!(!examples.is_empty());
    let kept = files(&paths::root().join("tests/fuzz/cases").join(target));
    for bytes in kept.iter().chain(&examples) {
        tried(target, bytes, law);
    }
    let examples = [kept, examples].concat();
    let mut changer = Changer::new(number("BRIDGE_FUZZ_SEED", 1), examples);
    for _ in 0..number("BRIDGE_FUZZ_CASES", CASES) {
        tried(target, &changer.next(), law);
    }
}

fn tried(target: &str, bytes: &[u8], law: fn(&[u8])) {
    let Err(broken) = catch_unwind(AssertUnwindSafe(|| law(bytes))) else {
        return;
    };
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join(target);
    std::fs::write(&file, bytes).unwrap();
    say::problem(format_args!("what broke the law is in {}", file.display()));
    resume_unwind(broken);
}

/// The contents of every file in a folder, in the order of their names.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names
        .iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect()
}

/// The same of a folder in `events/`.
fn events(folder: &str) -> Vec<Vec<u8>> {
    files(&paths::root().join("events").join(folder))
}
