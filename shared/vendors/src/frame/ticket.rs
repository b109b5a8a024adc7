//! What a ticket brings: a customer whom the programme does not know wrote to support, and the store wants such customers as
//! members. It travels as a delivery like any other.

use jiff::{Timestamp, tz::TimeZone};
use loyalty::{
    Detail, Email, Event, EventId, Guard, HashKey, Kind, Patch, Private, Role, Says, Stamp,
    StoreId, Who,
};
use serde::{Deserialize, Serialize};

use super::envelope::EnvelopeError;
use crate::{Envelope, Read, Reason};

/// The name under which tickets stand in envelopes, stamps and rows. No source has it, so no webhook leads here.
pub const TICKET: &str = "ticket";

/// The most characters of a name.
const NAME: usize = 200;

/// Somebody who is to become a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    /// Version of this form: 1.
    #[serde(deserialize_with = "super::version::known")]
    pub v: u8,
    /// Their address.
    pub email: Email,
    /// Their name, as the ticket has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Private>,
}

impl Enrolment {
    /// As a delivery.
    ///
    /// # Errors
    /// [`EnvelopeError`] when it is too large for the queue, which no name is.
    pub fn seal(
        &self,
        store: &StoreId,
        now: Timestamp,
        nonce: String,
    ) -> Result<Envelope, EnvelopeError> {
        let body = serde_json::to_vec(self).unwrap_or_default();
        Envelope::seal(store.clone(), TICKET, now, nonce, None, &body)
    }
}

/// Reads a delivery of a ticket. One person is to be made a member once a day at most.
#[must_use]
pub fn read(envelope: &Envelope, body: &[u8], key: &HashKey) -> Read {
    let Ok(enrolment) = serde_json::from_slice::<Enrolment>(body) else {
        return Read::Kept {
            topic: None,
            reason: Reason::NoTopic,
        };
    };
    let arrived = envelope.arrived();
    let kind = Kind::EnrolmentWanted;
    let day = arrived.to_zoned(TimeZone::UTC).date().to_string();
    let natural = [kind.name(), enrolment.email.expose(), &day];
    let id = EventId::new(key, &envelope.store, &natural);
    Read::Event(Box::new(Event {
        guard: Guard::Identity,
        kind,
        role: Role::Contact,
        patch: named(&enrolment),
        statement: Patch::default(),
        fills: Patch::default(),
        detail: Detail::default(),
        day: None,
        stamp: Stamp {
            as_of: arrived,
            arrived,
            hash: id.as_str().chars().take(8).collect(),
            source: TICKET.to_owned(),
        },
        id,
        who: Who::Email(enrolment.email, None),
    }))
}

/// First and last name: the last word is the last name. A helpdesk that knows no name writes the address in its place.
fn named(enrolment: &Enrolment) -> Patch {
    let name = enrolment.name.as_ref().map_or("", |name| name.expose());
    let name: String = name.trim().chars().take(NAME).collect();
    if name.is_empty() || name.contains('@') {
        return Patch::default();
    }
    let (first, last) = match name.rsplit_once(' ') {
        Some((first, last)) => (first.trim(), Some(last)),
        None => (name.as_str(), None),
    };
    Patch {
        first_name: Says::Is(first.into()),
        last_name: last.map(Private::from).into(),
        ..Patch::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_split_before_its_last_word() {
        for (name, first, last) in [
            ("Ada Example", Some("Ada"), Some("Example")),
            (" Ada  Maria  Example ", Some("Ada  Maria"), Some("Example")),
            ("Ada", Some("Ada"), None),
            ("", None, None),
            ("ada@example.com", None, None),
        ] {
            let enrolment = Enrolment {
                v: 1,
                email: Email::parse("ada@example.com").unwrap(),
                name: Some(name.into()),
            };
            let patch = named(&enrolment);
            let text = |says: &Says<Private>| says.value().map(|text| text.expose().to_owned());
            assert_eq!(text(&patch.first_name).as_deref(), first, "{name}");
            assert_eq!(text(&patch.last_name).as_deref(), last, "{name}");
        }
    }
}
