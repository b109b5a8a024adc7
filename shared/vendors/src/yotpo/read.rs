//! From a Yotpo body to the domain's event.

use jiff::tz::TimeZone;
use loyalty::{Alias, Event, EventId, HashKey, Kind, Moment, Patch, Role, Stamp, Who};
use serde_json::Value;

use super::{
    NAME,
    body::At,
    detail,
    keys::{self, Facts},
    patch, row,
    topics::{self, Topic},
};
use crate::{Envelope, Lane, Read, Reason, Store};

/// Reads one stored delivery.
pub(super) fn read(envelope: &Envelope, body: &[u8], store: &Store, key: &HashKey) -> Read {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return Read::Kept {
            topic: None,
            reason: Reason::NoTopic,
        };
    };
    let root = At::root(&value);
    let Some(topic) = root.text("topic") else {
        return Read::Kept {
            topic: None,
            reason: Reason::NoTopic,
        };
    };
    // Only what reader has read travels in the bulk lane: whoever posts a body with this topic is not believed.
    if topic == row::TOPIC && envelope.lane == Lane::Bulk {
        return match who(Kind::MemberUpdated, root) {
            Some(who) => Read::Event(Box::new(row::event(
                (envelope, &store.id, key),
                root.at("customer"),
                who,
            ))),
            None => Read::Kept {
                topic: Some(topic),
                reason: Reason::NoPerson,
            },
        };
    }
    match topics::sort(&topic, root, store.sources.yotpo.as_ref()) {
        Topic::Unknown => Read::Kept {
            topic: Some(topics::shown(&topic)),
            reason: Reason::UnknownTopic,
        },
        Topic::BelowThreshold => Read::Notice {
            topic,
            text: below_threshold(root),
        },
        Topic::Event(kind) => {
            let Some(who) = who(kind, root) else {
                return Read::Kept {
                    topic: Some(topic),
                    reason: Reason::NoPerson,
                };
            };
            Read::Event(Box::new(event(envelope, store, key, &value, kind, who)))
        }
    }
}

fn event(
    envelope: &Envelope,
    store: &Store,
    key: &HashKey,
    body: &Value,
    kind: Kind,
    who: Who,
) -> Event {
    let root = At::root(body);
    // The canonical form: keys sorted, no white space, so that two ways of writing one body are one body.
    let body_hash = || {
        let canonical = serde_json::to_vec(body).unwrap_or_default();
        key.digest(&[b"body", &canonical])
    };
    let arrived = envelope.arrived();
    let person = person(kind, root);
    let friend = kind.addresses_friend();
    let sharer = if friend {
        root.email("from")
            .or_else(|| root.at("customer").email("email"))
    } else {
        None
    };
    let detail = detail::detail(root, kind, sharer);
    let (natural, guard) = keys::natural(&Facts {
        kind,
        body: root,
        person: &who.key(),
        detail: &detail,
        day: arrived.to_zoned(TimeZone::UTC).date(),
        date: arrived.to_zoned(store.time_zone.clone()).date(),
        delivery: envelope.delivery.as_deref(),
        body_hash: &body_hash,
    });
    let natural: Vec<&str> = natural.iter().map(String::as_str).collect();
    let as_of = if friend { None } else { as_of(person, root) };
    let patch = if friend {
        Patch::default()
    } else {
        patch::patch(kind, person, root)
    };
    let id = EventId::new(key, &store.id, &natural);
    Event {
        guard,
        kind,
        role: if friend { Role::Contact } else { Role::Member },
        patch,
        statement: patch::statement(kind, person),
        fills: Patch::default(),
        detail,
        day: None,
        stamp: Stamp {
            // No news is younger than its arrival: a clock that is wrong must not freeze a member.
            as_of: as_of.unwrap_or(arrived).min(arrived),
            arrived,
            hash: id.as_str().chars().take(8).collect(),
            source: NAME.to_owned(),
        },
        id,
        who,
    }
}

/// The snapshot of the person whom the event is about; nothing when it is somebody else's: a friend's name and points
/// must never land on the referrer.
///
/// ASSUMED `yotpo-new-referral-completed`: the newer `yotpo/referral/completed` has the referrer under `referrer`, as the
/// older one has, or under `customer`.
fn person(kind: Kind, root: At) -> At {
    let person = if kind == Kind::ReferralCompleted {
        root.at("referrer").or(root.at("customer"))
    } else {
        root.at("customer")
    };
    match (root.email("email"), person.email("email")) {
        (Some(about), Some(whose)) if about != whose => At::nowhere(),
        _ => person,
    }
}

/// Whom the event is about or addressed to. On a share the `customer` is the one who shared, never the friend.
fn who(kind: Kind, root: At) -> Option<Who> {
    let email = root.email("email");
    if kind.addresses_friend() {
        return email.map(|email| Who::Email(email, None));
    }
    let person = person(kind, root);
    let id = person
        .id("third_party_id")
        .or_else(|| person.id("thirty_party_id"))
        .filter(|id| names_one(id));
    let alias = id.map(|id| Alias {
        source: NAME.to_owned(),
        id: id.into(),
    });
    match email.or_else(|| person.email("email")) {
        Some(email) => Some(Who::Email(email, alias)),
        None => alias.map(Who::External),
    }
}

/// ASSUMED `yotpo-guest-id`: guests have no id of the shop's, or one of these. An id that many share must never be taken
/// for one: it would make a single person of them all.
fn names_one(id: &str) -> bool {
    const GUESTS: [&str; 6] = ["0", "-1", "null", "undefined", "none", "guest"];
    !GUESTS.contains(&id.to_ascii_lowercase().as_str())
}

/// ASSUMED `yotpo-last-seen-at`: a snapshot is as old as its `last_seen_at`, which never goes back for one person; where
/// it is missing, as old as the perk or redemption it came with.
fn as_of(person: At, root: At) -> Option<jiff::Timestamp> {
    let instant = |moment| match moment {
        Moment::Instant(instant) => Some(instant),
        Moment::Day(_) => None,
    };
    person
        .moment("last_seen_at")
        .or_else(|| root.at("perk").moment("created_at"))
        .or_else(|| root.at("redemption").moment("created_at"))
        .and_then(instant)
}

/// What the pool's state is, without anything about a person.
fn below_threshold(root: At) -> String {
    let option = root
        .text("redemption_option_name")
        .or_else(|| root.at("redemption_option").text("name"));
    let left = root.int("number_of_unused_codes");
    format!(
        "{} unused coupon codes are left for the reward {}: add codes in Yotpo",
        left.map_or_else(|| "few".to_owned(), |left| left.to_string()),
        option.map_or_else(|| "(unnamed)".to_owned(), |name| format!("`{name}`")),
    )
}
