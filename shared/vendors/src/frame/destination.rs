//! What a destination must be able to do.

use std::time::Duration;

use jiff::Timestamp;
use loyalty::{Change, Email, Event, Kind, Member, StoreId};
use secrecy::SecretString;

use crate::{
    Answer, Answered, Call, EraseMode, Finding, Key, Note, Reason, Reply, Step, Store, Watched,
};

/// What a destination wants to hear of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// The event itself, with the member's picture.
    Event,
    /// Only the member's new picture.
    Picture,
    /// Nothing, and why.
    Nothing(Reason),
}

/// How much of a push is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Everything, and the automation starts if the kind has one.
    Full,
    /// Everything, but nothing starts.
    Quiet,
    /// The member's picture alone, and nothing starts.
    Picture,
}

/// Everything a destination needs to know to write to one person.
#[derive(Debug, Clone, Copy)]
pub struct Push<'a> {
    /// The store's settings.
    pub store: &'a Store,
    /// The member's current picture.
    pub member: &'a Member,
    /// What happened, if more than the picture is to be written.
    pub note: Option<&'a Note>,
    /// How much is written.
    pub form: Form,
    /// The vendor's own id of the person, as far as we know.
    pub person: Option<&'a str>,
    /// The picture's version, a clock: µs since 1970.
    pub version: u64,
    /// Whether this destination has never been told of this person.
    pub first: bool,
    /// Now, for the age of the news.
    pub now: Timestamp,
}

/// What is to be written, and how to tell whether it was written already.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The call.
    pub call: Call,
    /// A hash of what the call says of the member's picture; none when it says nothing of it.
    pub picture: Option<String>,
    /// A hash of what the call says of the event itself.
    pub event: String,
    /// Whether the call starts an automation: then it carries [`Note::delivery`] as its marker.
    pub starts: bool,
    /// How the call is found and made again, where the vendor tells what it has booked for a person.
    pub repeat: Option<Repeat>,
}

/// What must be known of a booking that may have arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Repeat {
    /// The vendor's id of the person for whom it is: under it a look finds the booking.
    pub person: String,
    /// The call once more, in the form that the vendor does not book beside the first.
    pub call: Call,
}

impl Plan {
    /// The same, after a call of which a look did not show that it arrived.
    #[must_use]
    pub fn repeated(self) -> Self {
        let repeat = self.repeat.as_ref().map(|repeat| repeat.call.clone());
        Self {
            call: repeat.unwrap_or(self.call),
            ..self
        }
    }
}

/// What a look at the vendor showed.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// The marker of the automation started last; none when the person has none or is unknown.
    Marker(Option<String>),
    /// The deliveries that the vendor has booked for the person; one that is not among them was not booked.
    Booked(Vec<String>),
    /// The vendor answered, but not in a form that tells.
    Unclear,
    /// Not now: the look itself failed.
    Failed(Answer),
}

/// What to do when nobody can tell whether an automation started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnAmbiguous {
    /// Show it to a person.
    Unconfirmed,
    /// Start it, perhaps for the second time.
    Resend,
}

/// How fast a vendor's account may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The time between two calls in the long run.
    pub interval: Duration,
    /// How many calls may follow each other at once after a rest.
    pub burst: u32,
}

/// A person whose address changed.
#[derive(Debug, Clone, Copy)]
pub struct Renaming<'a> {
    /// The vendor's id of the person.
    pub person: &'a str,
    /// The member, with the new address.
    pub member: &'a Member,
}

/// A person to be erased at a destination.
#[derive(Debug, Clone, Copy)]
pub struct Erasing<'a> {
    /// The store's settings.
    pub store: &'a Store,
    /// The address, where there is one.
    pub email: Option<&'a Email>,
    /// The vendor's own id of the person, as far as we know.
    pub person: Option<&'a str>,
    /// The version at which the picture ends, a clock: newer than every picture of them that was written, and older than
    /// those of a person who has joined anew.
    pub version: u64,
    /// What is to be done, where the store's setting does not decide.
    pub mode: Option<EraseMode>,
}

/// Where a vendor asks us about a store's members.
#[derive(Debug, Clone)]
pub struct Door {
    /// The connection under whose name the secret stands that the vendor presents.
    pub connection: &'static str,
    /// The path of the address, from the API's URL.
    pub path: String,
    /// What the vendor presents, in the secret's text; none when that has another form.
    pub token: fn(&str) -> Option<SecretString>,
}

/// A store, and what its vendors must know of us to ask us.
#[derive(Debug, Clone)]
pub struct Site<'a> {
    /// The store's settings.
    pub store: &'a Store,
    /// The API's URL, without a slash at its end.
    pub api_url: &'a str,
    /// What the vendor presents at [`Destination::door`], once the secret exists.
    pub token: Option<SecretString>,
    /// Whether what a person has changed by hand is overwritten.
    pub force: bool,
}

/// A tool that talks to customers.
pub trait Destination: Sync {
    /// Its name in settings, queues and secret names.
    fn name(&self) -> &'static str;

    /// The name of the store's account with the vendor: stores that share a key name the same one, and then share its
    /// pace. The store's own id unless its settings say otherwise.
    fn account(&self, store: &Store) -> String;

    /// How fast one account may be called.
    fn pace(&self) -> Pace;

    /// The form of the secret `<prefix>/<store>/<name>`, as JSON with a hint in place of each value.
    fn secret_form(&self) -> &'static str;

    /// What the secret `<prefix>/<store>/<name>` opens; none when the secret has another shape.
    fn key(&self, secret: &serde_json::Value) -> Option<Key>;

    /// Whether it wants to hear of an event that changed a member so.
    fn wants(&self, event: &Event, change: &Change, store: &Store) -> Wants;

    /// Whether what this store tells is written there: then a person who is to be erased may have something there. Whoever
    /// was written there once is erased there in any case.
    fn writes(&self, _store: &Store) -> bool {
        true
    }

    /// Whether a person must be found at the vendor before anything is written of them: then [`Push::person`] is their id.
    fn locates(&self) -> bool {
        false
    }

    /// Finds the vendor's own id of a person, by calls that each know the replies to those before; makes the person where
    /// the store wants that. None when the vendor does not know them.
    fn locate(&self, _push: &Push, _answered: &[Answered]) -> Step<Option<String>> {
        Step::Done(None)
    }

    /// The source that shows what a call has written, where it is to be read anew then.
    fn reads_back(&self, _call: &Call) -> Option<&'static str> {
        None
    }

    /// The call that writes a push.
    ///
    /// # Errors
    /// The reason when there is nothing to write.
    fn plan(&self, push: &Push) -> Result<Plan, Reason>;

    /// How many people fit into one call.
    fn together(&self) -> usize {
        1
    }

    /// What a call has in common with those that it may be made with; none when it goes by itself.
    fn joins(&self, _call: &Call) -> Option<String> {
        None
    }

    /// One call in place of several with the same [`Destination::joins`], at most [`Destination::together`] of them. None
    /// where that cannot be done.
    fn join(&self, calls: &[&Call]) -> Option<Call> {
        match calls {
            [one] => Some((*one).clone()),
            _ => None,
        }
    }

    /// What a reply to a call of [`Destination::plan`] means; no reply when the connection broke or time ran out.
    fn answer(&self, call: &Call, reply: Option<&Reply>) -> Answer;

    /// The call that looks for the marker of the last automation, or for what was booked; none when the person has no
    /// address. `person` is the vendor's own id of them, as far as we know.
    fn look(&self, member: &Member, person: Option<&str>) -> Option<Call>;

    /// What the reply to a look shows.
    fn seen(&self, reply: Option<&Reply>) -> Seen;

    /// The call that gives a person their new address; none where the vendor knows people by their address alone. Its
    /// reply is read by [`Destination::answer`]; when it is refused, the new address is written as a person of its own.
    fn rename(&self, renaming: &Renaming) -> Option<Call>;

    /// What comes next when a person is erased: `last` is the call before, with its reply. Every call may be made again.
    fn erase(&self, erasing: &Erasing, last: Option<(&Call, Option<&Reply>)>) -> Step<()>;

    /// Where the vendor asks us; none where it never does.
    fn door(&self, _store: &StoreId) -> Option<Door> {
        None
    }

    /// Finds out whether a store's account is ready for what will be written to it. Every call reads; the first one tells
    /// whether the credential works.
    fn check(&self, site: &Site, answered: &[Answered]) -> Step<Vec<Finding>>;

    /// Makes what will be written to: tags, fields, integrations. Starts nothing, and may be done again. Gives what was made
    /// and what could not be.
    fn provision(&self, site: &Site, answered: &[Answered]) -> Step<Vec<Finding>>;

    /// Whether something of ours stands there that the vendor may switch off.
    fn watches(&self) -> bool {
        false
    }

    /// Finds out whether it is switched off. Every call reads.
    fn watch(&self, _site: &Site, _answered: &[Answered]) -> Step<Watched> {
        Step::Done(Watched::Nothing)
    }

    /// What to do when nobody can tell whether the automation for this kind started.
    fn on_ambiguous(&self, store: &Store, kind: Kind) -> OnAmbiguous;
}
