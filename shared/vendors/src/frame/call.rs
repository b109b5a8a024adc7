//! HTTP calls as values, and what became of them.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// The HTTP methods in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Writes.
    Post,
    /// Changes.
    Put,
    /// Changes of some keys.
    Patch,
    /// Removes.
    Delete,
}

/// A call to a vendor, without host and credential: the engine adds both.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// Method.
    pub method: Method,
    /// Path and query, percent-encoded, from the vendor's base.
    pub path: String,
    /// Body: JSON text.
    pub body: Option<String>,
}

/// Paths and bodies name people, so only the method is shown.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// A vendor's answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// The `Retry-After` header as text.
    pub retry_after: Option<String>,
    /// The `Date` header as text.
    pub date: Option<String>,
    /// The body, cut to 256 KiB.
    pub body: Vec<u8>,
}

/// Bodies name people, so only the status is shown.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Reply {
    /// The body as JSON; `null` when it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What a vendor's answer means for the call it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Written.
    Booked {
        /// The vendor's id of each person in the call, in the call's order, where the answer tells.
        people: Vec<Option<String>>,
    },
    /// Nothing was written; this call, without what the vendor objects to, may do.
    Amend(Call),
    /// Nothing was written, and never will be with this content.
    Refused(Reason),
    /// Nothing was written, because we are set up wrongly.
    Misconfigured(Reason),
    /// Nothing was written; come back later.
    Throttled {
        /// Not sooner than this.
        after: Duration,
    },
    /// Nothing was written: the vendor knows the person by another id now, or not at all.
    Elsewhere,
    /// Nothing was written: whoever was to be made is there already, and their picture is still to come.
    Exists {
        /// The vendor's id of the person.
        person: Option<String>,
    },
    /// It may have been written.
    Unknown {
        /// Why nothing better can be said.
        reason: Reason,
        /// Not sooner than this, where the vendor tells.
        after: Option<Duration>,
    },
}

/// What became of one message. It carries its consequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Written. Done.
    Sent,
    /// Nothing to do. Done.
    Skipped(Reason),
    /// Try again.
    Retry {
        /// Not sooner than this.
        after: Duration,
        /// Why.
        reason: Reason,
    },
    /// The vendor asks us to wait. Try again.
    Throttled {
        /// Not sooner than this.
        after: Duration,
    },
    /// The vendor will never take it. Stored with its reason. Done.
    Rejected(Reason),
    /// Someone must act: a credential or setting is wrong. The line to the vendor is closed and the message parked; where
    /// even that cannot be done, it is tried again, slowly.
    Misconfigured(Reason),
    /// Nobody can tell whether the automation started. Stored for a person. Done.
    Unconfirmed,
    /// It stands in the table and is sent once the line to the vendor is open again. Done for now.
    Parked(Reason),
}

impl Outcome {
    /// Its name in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Skipped(_) => "skipped",
            Self::Retry { .. } => "retry",
            Self::Throttled { .. } => "throttled",
            Self::Rejected(_) => "rejected",
            Self::Misconfigured(_) => "misconfigured",
            Self::Unconfirmed => "unconfirmed",
            Self::Parked(_) => "parked",
        }
    }

    /// Why, where there is a why.
    #[must_use]
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Sent => None,
            Self::Throttled { .. } => Some(Reason::Throttled),
            Self::Unconfirmed => Some(Reason::Unconfirmed),
            Self::Skipped(reason)
            | Self::Retry { reason, .. }
            | Self::Rejected(reason)
            | Self::Misconfigured(reason)
            | Self::Parked(reason) => Some(reason),
        }
    }

    /// Whether nothing is left to do for the message: it was sent, or it stands where a person finds it.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(
            self,
            Self::Sent | Self::Skipped(_) | Self::Rejected(_) | Self::Unconfirmed
        )
    }

    /// How long the message must wait before it is tried again; none when it is done with.
    #[must_use]
    pub const fn wait(self) -> Option<Duration> {
        /// A wrong credential is looked at again this often.
        const MISCONFIGURED: Duration = Duration::from_mins(15);
        match self {
            Self::Retry { after, .. } | Self::Throttled { after } => Some(after),
            Self::Misconfigured(_) => Some(MISCONFIGURED),
            Self::Sent
            | Self::Skipped(_)
            | Self::Rejected(_)
            | Self::Unconfirmed
            | Self::Parked(_) => None,
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)*) => {
        /// Why something was not simply done. A closed list: each code has a row in the README.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[$doc])* #[serde(rename = $code)] $variant,)*
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code, as logs, rows and the README write it.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                }
            }
        }
    };
}

reasons! {
    /// The topic is none that this product knows.
    UnknownTopic = "unknown_topic",
    /// The body names no topic.
    NoTopic = "no_topic",
    /// The event names nobody: neither an address nor an id.
    NoPerson = "no_person",
    /// The store has this source switched off.
    SourceOff = "source_off",
    /// Sent before.
    Repeat = "repeat",
    /// The destination has this picture already.
    Unchanged = "unchanged",
    /// The store does not want it.
    NotWanted = "not_wanted",
    /// The person was erased.
    Erased = "erased",
    /// The person has no address yet.
    NoAddress = "no_address",
    /// The destination does not know the person, and nobody is made there.
    UnknownThere = "unknown_there",
    /// Another pusher is at work on this member.
    LeaseHeld = "lease_held",
    /// The picture is not yet the one that the message announces.
    NotYetRecorded = "not_yet_recorded",
    /// The invocation has too little time left for a call.
    OutOfTime = "out_of_time",
    /// The table did not answer.
    TableUnavailable = "table_unavailable",
    /// The queue did not take the message.
    QueueUnavailable = "queue_unavailable",
    /// The message cannot be read.
    UnreadableMessage = "unreadable_message",
    /// The record made the program panic.
    Panicked = "panicked",
    /// The store has no settings, or they cannot be read.
    StoreMissing = "store_missing",
    /// The store's credential for the vendor is missing or unreadable.
    SecretMissing = "secret_missing",
    /// Secrets Manager did not answer.
    SecretsUnavailable = "secrets_unavailable",
    /// The vendor does not accept the credential.
    Unauthorized = "unauthorized",
    /// The vendor's address does not know the call.
    WrongAddress = "wrong_address",
    /// The vendor asks us to wait.
    Throttled = "throttled",
    /// The vendor's pace is used up for the moment.
    Pace = "pace",
    /// So many calls fail that the vendor is about to block the account.
    ErrorShare = "error_share",
    /// A person has paused the destination.
    Paused = "paused",
    /// Earlier news of the same person waits, and this waits behind it.
    WaitsBehind = "waits_behind",
    /// A person has discarded what a pause had held back.
    Dropped = "dropped",
    /// The vendor failed.
    VendorError = "vendor_error",
    /// The vendor did not answer, or the connection broke.
    NoAnswer = "no_answer",
    /// The vendor refuses the address.
    InvalidAddress = "invalid_address",
    /// The vendor refuses a value.
    InvalidValue = "invalid_value",
    /// The vendor refuses the request.
    Refused = "refused",
    /// Nobody can tell whether the automation started.
    Unconfirmed = "unconfirmed",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
