//! What a destination says of itself to be put through every fault.

use bridge_tests::standins::Request;
use serde_json::Value;
use vendors::Destination;

/// One destination.
pub(crate) struct Subject {
    pub(crate) destination: &'static dyn Destination,
    /// A store document, in which `store` is `example`.
    pub(crate) store: fn() -> Value,
    /// The store's credential, and the one that takes its place when it is rotated.
    pub(crate) credentials: [Credential; 2],
    /// Who meets the fault, and an event of theirs that starts something.
    pub(crate) person: Example,
    /// Someone else in the same batch.
    pub(crate) neighbour: Example,
    /// What a request asks of the vendor.
    pub(crate) asked: fn(&Request) -> Asked,
    /// What the vendor answers to what it has booked; none where that is an empty body.
    pub(crate) booked: fn() -> Option<Value>,
    /// What it answers to a look for a person for whom it has booked these, in this order.
    pub(crate) looked: fn(&str, &[String]) -> (u16, Value),
    /// What it is brought.
    pub(crate) brought: Brought,
    /// Its errors.
    pub(crate) errors: Errors,
    /// What comes of each fault, by its name.
    pub(crate) expected: &'static [Expected],
}

/// What a vendor is brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Brought {
    /// Events, each of which starts something there, once.
    Events,
    /// Pictures of members, the newest of which counts: each may be written again. Its people are known there before.
    Pictures,
}

impl Subject {
    /// The body of a good answer.
    pub(crate) fn well(&self) -> String {
        (self.booked)().map_or_else(String::new, |body| body.to_string())
    }
}

/// A secret, and what the vendor recognises it by in a header.
pub(crate) struct Credential {
    pub(crate) secret: &'static str,
    pub(crate) mark: &'static str,
}

/// A person and a body in `events/yotpo` about them.
pub(crate) struct Example {
    pub(crate) email: &'static str,
    pub(crate) file: &'static str,
}

/// The vendor's errors, as its documents show them.
pub(crate) struct Errors {
    /// Any error.
    pub(crate) any: fn() -> Value,
    /// One that names a field which may be left out.
    pub(crate) names_a_field: fn() -> Value,
    /// One that names the address.
    pub(crate) names_the_address: fn() -> Value,
    /// One that says that there is no such person.
    pub(crate) no_such_person: fn() -> Value,
    /// A local time in `Retry-After`, five minutes after the `Date` beside it, where the vendor writes such.
    pub(crate) local_time: [&'static str; 2],
}

/// What a request asks of the vendor.
pub(crate) enum Asked {
    /// To write a person; with a marker, to start something too.
    Write {
        email: String,
        starts: Option<String>,
    },
    /// To show what was booked for a person.
    Look { email: String },
}

/// What comes of a fault: its name; what the vendor saw of the person at the first try; its outcome; where the event
/// then stands in the table; where it stands once the fault is gone; what a person sees.
pub(crate) type Expected = [&'static str; 6];
