//! What can be found out about a store's account with a vendor, and what is made ready there before the first event.

use std::fmt;

use serde::Serialize;

use crate::{Answer, Call, Reply};

/// What comes next in a row of calls whose later ones depend on the replies to the earlier.
#[derive(Debug, Clone, PartialEq)]
pub enum Step<T> {
    /// This call.
    Call(Call),
    /// Nothing: this came of it.
    Done(T),
    /// Not now: the last call failed.
    Failed(Answer),
}

/// A call that was made, with its reply; no reply when the connection broke or time ran out.
pub type Answered = (Call, Option<Reply>);

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It is as it should be.
    Good,
    /// It is not there yet, and comes by itself.
    Note,
    /// It works, and probably not as somebody meant it.
    Warning,
    /// It does not work.
    Fault,
}

/// One thing that was found out. Names nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub level: Level,
    /// What it is about: `key`, ``tag `…` ``, ``field `…` ``.
    pub about: String,
    /// What was found, and what to do.
    pub message: String,
}

impl Finding {
    /// A finding.
    pub fn new(level: Level, about: impl Into<String>, message: impl fmt::Display) -> Self {
        Self {
            level,
            about: about.into(),
            message: message.to_string(),
        }
    }
}
