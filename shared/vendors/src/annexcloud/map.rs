//! What Annex Cloud hears of, and the one call that each piece of news becomes.

use loyalty::{Change, Event, Facet, Kind, Role};

use super::{DestinationSettings, NAME, SourceSettings, people, points::Booking};
use crate::{
    Call, Form, Note, Plan, Push, Reason, Repeat, Store, Wants, frame::fingerprint::Fingerprint,
};

/// The parts of a picture that Annex Cloud takes from others.
const PROFILE: [Facet; 3] = [Facet::Profile, Facet::Dates, Facet::Consent];

pub(super) fn wants(event: &Event, change: &Change, store: &Store) -> Wants {
    let Some(settings) = &store.destinations.annexcloud else {
        return Wants::Nothing(Reason::NotWanted);
    };
    // What Annex Cloud told is no news there.
    if event.stamp.source == NAME {
        return Wants::Nothing(Reason::NotWanted);
    }
    if settings.enrol.contains(&event.kind) {
        return match event.who.email() {
            Some(email) if !enrolment(store).never_enrol.forbids(email) => Wants::Event,
            Some(_) => Wants::Nothing(Reason::NotWanted),
            None => Wants::Nothing(Reason::NoAddress),
        };
    }
    if event.kind == Kind::PointsOrdered || settings.actions.contains_key(&event.kind) {
        return Wants::Event;
    }
    let speaks = PROFILE.iter().any(|facet| change.facets.contains(facet));
    if settings.profile && event.role == Role::Member && speaks {
        Wants::Picture
    } else {
        Wants::Nothing(if change.is_empty() {
            Reason::Unchanged
        } else {
            Reason::NotWanted
        })
    }
}

pub(super) fn plan(push: &Push) -> Result<Plan, Reason> {
    let settings = push.store.destinations.annexcloud.as_ref();
    let settings = settings.ok_or(Reason::NotWanted)?;
    let id = people::id(push.member, push.person).ok_or(Reason::NoAddress)?;
    match push.note.filter(|_| push.form != Form::Picture) {
        Some(note) if settings.enrol.contains(&note.kind) && !is_known(push) => {
            enrol(push, settings)
        }
        Some(note) => match booking(push, settings, note)? {
            Some(booking) => Ok(book(&booking, &id, note)),
            None => picture(push, settings, &id),
        },
        None => picture(push, settings, &id),
    }
}

/// What a store set about making members, or what holds where it sets nothing.
pub(super) fn enrolment(store: &Store) -> SourceSettings {
    store.sources.annexcloud.clone().unwrap_or_default()
}

/// Whether Annex Cloud has told of the person, or has booked something for them.
fn is_known(push: &Push) -> bool {
    push.person.is_some() || push.member.aliases.iter().any(|alias| alias.source == NAME)
}

fn enrol(push: &Push, settings: &DestinationSettings) -> Result<Plan, Reason> {
    let email = push.member.email.as_ref().ok_or(Reason::NoAddress)?;
    let enrolment = enrolment(push.store);
    if enrolment.never_enrol.forbids(email) || push.member.is_out_of_programme() {
        return Err(Reason::NotWanted);
    }
    let source = settings.enrol_source.as_deref();
    let call = people::enrol(push.member, &enrolment, source, push.now).ok_or(Reason::NoAddress)?;
    Ok(Plan {
        event: fingerprint("enrol", email.expose()),
        // Where the person exists already nothing of this is written, so their picture is still to come.
        picture: None,
        starts: false,
        repeat: None,
        call,
    })
}

/// What is to be booked by an event; none where it only shows in the picture. Whoever left the programme gets what a
/// person orders for them and nothing else.
fn booking(
    push: &Push,
    settings: &DestinationSettings,
    note: &Note,
) -> Result<Option<Booking>, Reason> {
    if push.form != Form::Full {
        // A person's order says nothing of the picture: written quietly there is nothing of it.
        return match note.kind {
            Kind::PointsOrdered => Err(Reason::NotWanted),
            _ => Ok(None),
        };
    }
    let booking = if note.kind == Kind::PointsOrdered {
        let ordered = note.detail.ordered.as_ref().ok_or(Reason::InvalidValue)?;
        Booking::ordered(ordered, settings)
    } else {
        match settings.actions.get(&note.kind) {
            Some(action) if !push.member.is_out_of_programme() => Booking::action(action),
            _ => return Ok(None),
        }
    };
    booking.map(Some).map_err(|_| Reason::InvalidValue)
}

/// The order carries the delivery's name, by which a look finds it again.
fn book(booking: &Booking, id: &str, note: &Note) -> Plan {
    let order = note.delivery();
    let unnamed = booking.call(id, "", false);
    Plan {
        call: booking.call(id, &order, false),
        picture: None,
        event: fingerprint("book", unnamed.body.as_deref().unwrap_or_default()),
        starts: true,
        repeat: Some(Repeat {
            person: id.to_owned(),
            call: booking.call(id, &order, true),
        }),
    }
}

fn picture(push: &Push, settings: &DestinationSettings, id: &str) -> Result<Plan, Reason> {
    if !settings.profile || push.member.role != Role::Member {
        return Err(Reason::NotWanted);
    }
    let call = people::update(id, push.member).ok_or(Reason::Unchanged)?;
    Ok(Plan {
        picture: Some(fingerprint(
            &call.path,
            call.body.as_deref().unwrap_or_default(),
        )),
        event: fingerprint("picture", ""),
        starts: false,
        repeat: None,
        call,
    })
}

fn fingerprint(what: &str, content: &str) -> String {
    let mut fingerprint = Fingerprint::default();
    fingerprint.add(what);
    fingerprint.add(content);
    fingerprint.finish()
}

/// Whether a call's effect shows only when the member is read.
pub(super) fn shows_later(call: &Call) -> bool {
    matches!(call.path.as_str(), "/users" | "/points")
}
