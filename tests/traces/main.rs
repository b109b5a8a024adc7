//! What the end-to-end tests left behind is judged: what each role was used for, and whether anybody's name, address,
//! phone or token got into a log, a metric or an error.
//!
//! Cargo runs the targets of a package in the order of their names, so this one comes after the others. It judges only
//! what a whole run left, and says so where there is none.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]
#![allow(clippy::panic, reason = "a test that cannot go on says so")]

mod privacy;
mod record;
mod roles;
mod search;
