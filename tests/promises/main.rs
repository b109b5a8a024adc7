//! The promises of the README: one file for each, with changes to the code that break it.
//!
//! Each file begins with its promise and then names such changes, each with a file, what is taken away (`-`) and what
//! stands there instead (`+`). `.ci/promises.py` makes one after the other, in a copy of the tree, and demands that a
//! test of the same file fails: a promise that nothing watches is none.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]
#![allow(clippy::panic, reason = "a test that cannot go on says so")]

mod at_most_once;
mod erased;
#[path = "../memory/fuse.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests in memory, which use all of it"
)]
mod fuse;
#[path = "../memory/heard.rs"]
mod heard;
mod neighbours;
mod never_backwards;
mod news;
mod nothing_dropped;
mod once_a_day;
mod stored;
#[path = "../memory/world.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests in memory, which use all of it"
)]
mod world;
#[path = "../memory/yard.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests in memory, which use all of it"
)]
mod yard;
