//! What became of a delivery.

use vendors::Reason;

/// A delivery that is done with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// Its event stands in the table and its messages are on their queues.
    Event {
        /// Whether the event was there before.
        repeat: bool,
    },
    /// It is about somebody who was erased, and nothing of it is kept.
    Erased,
    /// It says that somebody is to be read from their source, and they will be.
    Hint,
    /// It is kept for a person or a later release.
    Kept(Reason),
    /// It is a notice to a person.
    Notice,
}

/// A delivery that must come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure(pub Reason);
