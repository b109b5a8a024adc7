//! Annex Cloud (Social Annex), a loyalty platform, as a source and as a destination.
//!
//! As a source it is read: three answers are one picture of a member, and its webhooks only tell whom to read. As a
//! destination it gets members, changes of their profile, and points. Follows Annex Cloud's reference of its REST
//! interface, version 3 (`annexcloud.redocly.app`), and its help pages on authentication and webhooks. What those leave open
//! is assumed, and each assumption stands in one place, marked `ASSUMED` with its name.

mod activity;
mod answer;
mod api;
mod body;
mod hint;
mod map;
mod people;
mod points;
mod read;
mod secret;
mod settings;
mod sign;
mod written;

pub use points::{Booking, BookingError, Channel, Receipt};
pub use settings::{DestinationSettings, NeverEnrol, SourceSettings};

use jiff::Timestamp;
use loyalty::{Change, Email, Event, HashKey, Kind, Member};
use serde_json::Value;

use crate::{
    Answer, Answered, Api, Call, Destination, Envelope, Erasing, Finding, Inbound, Inlet, Key,
    Lane, Level, OnAmbiguous, Pace, Plan, Push, Read, Reason, Reception, Refusal, Renaming, Reply,
    Seen, Site, Source, Step, Store, Wants, frame::object,
};

/// The source and the destination.
pub struct AnnexCloud;

/// Its name.
const NAME: &str = "annexcloud";

impl Source for AnnexCloud {
    fn name(&self) -> &'static str {
        NAME
    }

    fn authenticate(&self, inbound: &Inbound, inlet: &Inlet) -> Result<(), Refusal> {
        hint::authenticate(inbound, inlet)
    }

    fn trim(&self, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        object::check(body).map(|()| body.to_vec())
    }

    fn delivery_id(&self, inbound: &Inbound) -> Option<String> {
        hint::delivery_id(&inbound.body)
    }

    fn read(&self, envelope: &Envelope, body: &[u8], store: &Store, key: &HashKey) -> Read {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        // Only what reader has read travels in the bulk lane: whoever posts a body with this topic is not believed.
        let is_reading = body["topic"] == read::TOPIC && envelope.lane == Lane::Bulk;
        let read = if is_reading {
            let event = read::event(envelope, &body, store, key);
            event.map(|event| Read::Event(Box::new(event)))
        } else {
            hint::read(&body, store.sources.annexcloud.as_ref())
        };
        read.unwrap_or_else(|| Read::Kept {
            topic: hint::topic(&body),
            reason: Reason::NoPerson,
        })
    }

    /// ASSUMED `annexcloud-webhook-retries`: whether Annex Cloud tries again is not published, so success is answered only
    /// for what is stored, and only an outage of ours (503) asks for another try.
    fn reply(&self, reception: Reception) -> u16 {
        match reception {
            Reception::Stored => 200,
            Reception::Refused(Refusal::Unauthorized) => 401,
            Reception::Refused(Refusal::TooLarge) => 413,
            Reception::Refused(Refusal::Empty | Refusal::NotJson | Refusal::NotAnObject) => 400,
            Reception::Unavailable => 503,
        }
    }

    fn api(&self) -> Option<&'static dyn Api> {
        Some(&api::Rest)
    }

    /// Its webhooks are no events.
    fn example(&self, _: Kind, _: &Email, _: Timestamp, _: i64) -> Option<Value> {
        None
    }
}

impl Destination for AnnexCloud {
    fn name(&self) -> &'static str {
        NAME
    }

    fn account(&self, store: &Store) -> String {
        let settings = store.destinations.annexcloud.as_ref();
        let named = settings.and_then(|settings| settings.account.clone());
        named.unwrap_or_else(|| store.id.to_string())
    }

    fn pace(&self) -> Pace {
        api::pace()
    }

    fn secret_form(&self) -> &'static str {
        secret::FORM
    }

    fn key(&self, secret: &Value) -> Option<Key> {
        api::key(secret)
    }

    fn wants(&self, event: &Event, change: &Change, store: &Store) -> Wants {
        map::wants(event, change, store)
    }

    fn reads_back(&self, call: &Call) -> Option<&'static str> {
        map::shows_later(call).then_some(NAME)
    }

    fn plan(&self, push: &Push) -> Result<Plan, Reason> {
        map::plan(push)
    }

    fn answer(&self, call: &Call, reply: Option<&Reply>) -> Answer {
        written::answer(call, reply)
    }

    fn look(&self, member: &Member, person: Option<&str>) -> Option<Call> {
        let person = person.map(ToOwned::to_owned);
        let id = person.or_else(|| people::id(member, None));
        id.map(|id| people::activity(&id))
    }

    fn seen(&self, reply: Option<&Reply>) -> Seen {
        activity::seen(reply)
    }

    fn rename(&self, renaming: &Renaming) -> Option<Call> {
        let email = renaming.member.email.as_ref()?;
        Some(people::rename(renaming.person, email))
    }

    fn erase(&self, erasing: &Erasing, last: Option<(&Call, Option<&Reply>)>) -> Step<()> {
        written::erase(erasing, last)
    }

    fn check(&self, _: &Site, answered: &[Answered]) -> Step<Vec<Finding>> {
        written::check(answered)
    }

    fn provision(&self, _: &Site, _: &[Answered]) -> Step<Vec<Finding>> {
        let message = "nothing has to be made in Annex Cloud";
        Step::Done(vec![Finding::new(Level::Good, "account", message)])
    }

    fn on_ambiguous(&self, _: &Store, _: Kind) -> OnAmbiguous {
        OnAmbiguous::Unconfirmed
    }
}
