//! What the product is tested with, and what `cargo local` runs: the local cloud, the vendors' stand-ins, a small client.
//!
//! Nothing here uses the product's own crates. The stand-ins are written from the vendors' documents, and the client
//! speaks to the emulator as any AWS client does, so a mistake in the product cannot hide behind the same mistake here.
//!
//! - [`local`]: set up the tools, build, start, deploy, demonstrate, end.
//! - [`standins`]: strict HTTP servers in the vendors' place.
//! - [`browser`]: a browser that nobody sees, for tests that look at pages.
//! - [`cloud`]: signed calls to the emulator.
//! - [`picture`]: what a member's row says.
//! - [`readme`]: the README as data, for the tests that hold it to its word.
//! - [`rough`]: a server that misbehaves below HTTP.
//! - [`world`]: one shared stack and one store per test, for the end-to-end tests.

#![allow(
    clippy::disallowed_methods,
    reason = "the house rules on time, environment and HTTP clients are for what runs on Lambda; this waits for real processes"
)]

pub mod browser;
pub mod clock;
pub mod cloud;
pub mod http;
pub mod local;
pub mod picture;
pub mod readme;
pub mod rough;
pub mod say;
pub mod standins;
pub mod trouble;
pub mod world;
