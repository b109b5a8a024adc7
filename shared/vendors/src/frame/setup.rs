//! What can be found out about a store's account with a vendor, and what is made ready there before the first event.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::{Answer, Call, Key, Reply};

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

/// What a look at something of ours at a vendor showed.
#[derive(Debug, Clone)]
pub enum Watched {
    /// Nothing of ours is wanted there, or nobody lets us see it.
    Nothing,
    /// Nothing of ours is there.
    Missing,
    /// It is on.
    Works,
    /// It is switched off; how it is switched on again, where the store wants that.
    Stopped(Option<Revival>),
}

/// How something of ours is switched on again: where what the vendor asks of us would be answered.
#[derive(Debug, Clone)]
pub struct Revival {
    /// What the vendor calls of ours, by way of a trial.
    pub trial: Call,
    /// Where that is, and what the vendor presents there.
    pub key: Key,
    /// Whether a body that we answer the trial with is one that is worth having.
    pub serves: fn(&Value) -> bool,
    /// The call to the vendor that switches it on.
    pub enable: Call,
}

impl Revival {
    /// Whether our answer to the trial is one that the vendor can use.
    #[must_use]
    pub fn passes(&self, reply: Option<&Reply>) -> bool {
        reply.is_some_and(|reply| reply.status == 200 && (self.serves)(&reply.json()))
    }
}
