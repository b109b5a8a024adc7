//! What a source's own interface must be able to do, where it has one that can be asked.

use loyalty::{Email, Private, Reward, StoreId, Who};
use serde::{Deserialize, Serialize};

use crate::{Answer, Answered, Call, Key, Pace, Reason, Reply, Store};

/// The interface of a source that can be asked about its members.
pub trait Api: Sync {
    /// How fast it may be asked for one store.
    fn pace(&self) -> Pace;

    /// The form of the secret `<prefix>/<store>/<source>`, as JSON with a hint in place of each value.
    fn secret_form(&self) -> &'static str;

    /// What the secret `<prefix>/<store>/<source>` opens; none when the secret has another shape.
    fn key(&self, secret: &serde_json::Value) -> Option<Key>;

    /// Whether a store has a credential for it.
    fn is_used(&self, store: &Store) -> bool;

    /// The calls that answer a question, made at the same time; none where the interface has no such list.
    fn calls(&self, question: &Question) -> Vec<Call>;

    /// What the replies to them tell, in their order; no reply when the connection broke or time ran out.
    ///
    /// # Errors
    /// Why they tell nothing, and whether it may be asked again.
    fn told(&self, question: &Question, answered: &[Answered]) -> Told<Members>;

    /// The call that reads what points can be exchanged for; none where the interface does not tell.
    fn rewards(&self) -> Option<Call>;

    /// The rewards that the reply to that call tells of: those with a fixed price in points. None at all is an answer too.
    ///
    /// # Errors
    /// As [`Api::told`].
    fn offered(&self, reply: Option<&Reply>) -> Told<Vec<Reward>>;

    /// Whether it may be asked while somebody waits, about a member of whom nothing is known here.
    fn answers_at_once(&self) -> bool {
        false
    }

    /// Whether there is a list of the members who changed lately, so that a night's repair has something to read.
    fn lists_recent(&self) -> bool;
}

/// What a source's interface is asked about members.
#[derive(Debug, Clone, Copy)]
pub enum Question<'a> {
    /// One member.
    Member(&'a Whom),
    /// A page of those who changed lately, newest first: from this cursor on, or the first one.
    Recent(Option<&'a str>),
}

/// What a source's interface told, or why it told nothing and whether it may be asked again.
pub type Told<T> = Result<T, Answer>;

/// Members as a source's interface shows them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Members {
    /// Each as a body that [`crate::Source::read`] takes. Nobody, where the source does not know the member.
    pub bodies: Vec<Vec<u8>>,
    /// Where the next page begins; none when this is the last one.
    pub next: Option<String>,
    /// Why a part of what was asked could not be had, where it may be had later.
    pub lacks: Option<Reason>,
}

/// Bodies name people.
impl std::fmt::Debug for Members {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Members")
            .field("count", &self.bodies.len())
            .finish_non_exhaustive()
    }
}

/// How a source's interface is asked for one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whom {
    /// By address.
    Email(Email),
    /// By the source's own id.
    Id(Private),
}

impl From<&Who> for Whom {
    fn from(who: &Who) -> Self {
        match who {
            Who::Email(email, _) => Self::Email(email.clone()),
            Who::External(alias) => Self::Id(alias.id.clone()),
        }
    }
}

/// A message on the queue of reads: what is to be read from a source's interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetch {
    /// Version of this form: 1.
    #[serde(deserialize_with = "super::version::known")]
    pub v: u8,
    /// The store.
    pub store: StoreId,
    /// The source's name.
    pub source: String,
    /// What is to be read.
    pub what: Wanted,
}

/// What is to be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// One member.
    Member {
        /// Who.
        whom: Whom,
        /// When it was found out that they must be read, µs since 1970: a read that began later has done it.
        asked: i64,
    },
    /// One page of the members who changed lately.
    Page {
        /// The UTC day that names the run.
        run: String,
        /// The page's number, from 0.
        page: u32,
        /// Where the page begins; none for the first one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
    },
    /// What points can be exchanged for.
    Rewards {
        /// When it was asked for, µs since 1970: a reading that began later has done it.
        asked: i64,
    },
}

impl Fetch {
    /// The message as JSON that SQS takes: it refuses two characters which JSON allows, so these travel as escapes.
    ///
    /// # Errors
    /// When the message cannot be JSON, which does not happen to text and numbers.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        super::message::to_text(self)
    }
}
