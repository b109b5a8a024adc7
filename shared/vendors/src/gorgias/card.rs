//! The card: what a person at a support desk sees of a customer's loyalty.
//!
//! One JSON object under `loyalty`. Every key is always there, null where nothing is known, so that a widget's paths always
//! lead somewhere: what depends on the store is only whether a key that names a person's private things is filled.

use jiff::{Timestamp, tz::TimeZone};
use loyalty::{DayOfYear, Email, Kept, Kind, Member, Moment, Private, Role};
use rust_decimal::Decimal;
use serde_json::{Map, Number, Value, json};

use super::{Settings, Share, words};
use crate::{Store, frame::money};

/// The most characters of a text on the card.
const TEXT: usize = 100;

/// The most characters of a link; a longer one is none, because a cut one leads nowhere.
const LINK: usize = 400;

/// What there is to show of a customer.
#[derive(Debug, Clone, Copy)]
pub enum Standing<'a> {
    /// This is known of them.
    Known(&'a Member),
    /// Nobody by this address is known.
    Unknown,
    /// What is known cannot be read now.
    Unavailable,
    /// The ticket has no address, or none that can be one.
    NoAddress,
}

/// The word of a card that tells that there is none now.
pub(super) const UNAVAILABLE: &str = "unavailable";

/// The card of a customer, and what it says in a word. `address` is shown as it was asked for; `now` is the card's age where
/// nothing is known. Without a store the card says only that.
#[must_use]
pub fn card(
    standing: Standing,
    address: Option<&str>,
    store: Option<&Store>,
    now: Timestamp,
) -> Value {
    let nobody = Member::default();
    let (member, status) = match standing {
        Standing::Known(member) => (member, status_of(member)),
        Standing::Unknown => (&nobody, "not a member"),
        Standing::Unavailable => (&nobody, UNAVAILABLE),
        Standing::NoAddress => (&nobody, "invalid email"),
    };
    // Of a friend who was sent a link nothing is the programme's to tell.
    let member = if member.role == Role::Member {
        member
    } else {
        &nobody
    };
    let defaults;
    let currency = store.map_or("", |store| store.currency.as_str());
    let settings = store.and_then(|store| store.destinations.gorgias.as_ref());
    let settings = if let Some(settings) = settings {
        settings
    } else {
        defaults = Settings::default();
        &defaults
    };
    let known = member.email.as_ref().map(Email::expose);
    let as_of = member.as_of().unwrap_or(now).min(now);
    json!({"loyalty": {
        "status": status,
        "name": name(member),
        "email": known.or(address).map(cut),
        "member_id": member_id(member),
        "member_status": member.member_status.value().map(|word| capital(word)),
        "opt_in": member.opt_in.value().map(|opt_in| if *opt_in { "Yes" } else { "No" }),
        "opt_in_date": moment(&member.enrolled_at),
        "contact": {
            "phone": settings.shares(Share::Phone, text(&member.phone)),
            "zip": settings.shares(Share::Zip, text(&member.zip)),
        },
        "birthday": settings.shares(Share::Birthday, day(&member.birthday)),
        "anniversary": settings.shares(Share::Anniversary, day(&member.anniversary)),
        "spend": {"total": member.spend_total.value().map(|spent| money::of_minor(*spent, currency))},
        "points": points(member, currency),
        "tier": tier(member, currency),
        "activity": activity(member),
        "links": {
            "profile": settings.profile_of(member_id(member).as_deref(), known),
            "referral": link(&member.referral_url),
            "avatar": settings.shares(Share::Avatar, link(&member.avatar_url)),
        },
        "attributes": attributes(member, settings),
        "as_of": instant(as_of),
    }})
}

fn status_of(member: &Member) -> &'static str {
    if member.role != Role::Member {
        "not a member"
    } else if member.blocked.value() == Some(&true) {
        "blocked"
    } else if member.opt_in.value() == Some(&false) {
        "opted out"
    } else {
        "member"
    }
}

fn points(member: &Member, currency: &str) -> Value {
    let value = member.points_value.value();
    json!({
        "available": member.points_available.value(),
        "lifetime": member.points_lifetime.value(),
        "used": member.points_used.value(),
        "used_on_rewards": member.points_used_on_rewards.value(),
        "expired": member.points_expired.value(),
        "on_hold": member.points_on_hold.value(),
        "expiring": member.points_expiring.value(),
        "expiring_on": moment(&member.points_expiring_on),
        "earned_in_period": member.points_earned_in_period.value(),
        "earned_period": member.points_earned_period.value().map(|word| cut(word)),
        "spent_in_period": member.points_spent_in_period.value(),
        "spent_period": member.points_spent_period.value().map(|word| cut(word)),
        "ratio": number(&member.points_ratio),
        "value": value
            .map(|value| money::of_units(*value, currency))
            .or_else(|| text(&member.credit_balance)),
    })
}

fn tier(member: &Member, currency: &str) -> Value {
    let previous = member.tier_previous.value();
    json!({
        "current": member.tier.value().map(|name| cut(name)),
        "previous": previous.and_then(|tier| tier.name.as_deref()).map(cut),
        "next": member.tier_next.value().map(|name| cut(name)),
        "points_to_next": member.points_to_next.value(),
        "spend_to_next": member.spend_to_next.value().map(|spend| money::of_minor(*spend, currency)),
        "achieved_on": moment(&member.tier_since),
        "expires_on": moment(&member.tier_expires_at),
        "ratio": number(&member.tier_ratio),
        "next_ratio": number(&member.tier_next_ratio),
    })
}

fn activity(member: &Member) -> Vec<Value> {
    // That somebody was read, or wrote, is nothing that they did.
    let own = member
        .activities
        .iter()
        .filter(|activity| !matches!(activity.kind, Kind::MemberUpdated | Kind::EnrolmentWanted));
    let rows = own.map(|activity| {
        let what = words::of(activity.kind);
        let what = match activity.title.as_ref().map(Private::expose) {
            Some(title) => cut(&format!("{what}: {title}")),
            None => what.to_owned(),
        };
        let when = Timestamp::from_microsecond(activity.at).ok();
        json!({"when": when.map(instant), "what": what, "points": activity.points})
    });
    rows.collect()
}

/// Only what the store names.
fn attributes(member: &Member, settings: &Settings) -> Value {
    let known = member.attributes.value();
    let named = settings.attributes.iter().map(|name| {
        let value = known.and_then(|known| known.get(name));
        (name.clone(), json!(value.map(|value| cut(value.expose()))))
    });
    Value::Object(named.collect::<Map<String, Value>>())
}

fn name(member: &Member) -> Option<String> {
    let parts = [&member.first_name, &member.last_name];
    let parts = parts.iter().filter_map(|part| text(part));
    let name = parts.collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then_some(name)
}

/// The shop's own id of the customer, else a source's.
fn member_id(member: &Member) -> Option<String> {
    let alias = || member.aliases.first().map(|alias| cut(alias.id.expose()));
    text(&member.external_id).or_else(alias)
}

fn text(kept: &Kept<Private>) -> Option<String> {
    let text = kept.value()?.expose().trim();
    (!text.is_empty()).then(|| cut(text))
}

fn link(kept: &Kept<Private>) -> Option<String> {
    let link = kept.value()?.expose().trim();
    let fits = link.starts_with("https://") && link.len() <= LINK;
    fits.then(|| link.to_owned())
}

fn number(kept: &Kept<Decimal>) -> Option<Number> {
    kept.value()?.normalize().to_string().parse().ok()
}

fn moment(kept: &Kept<Moment>) -> Option<String> {
    let moment = match kept.value()? {
        Moment::Day(day) => {
            let midnight = day.to_zoned(TimeZone::UTC).ok()?;
            midnight.timestamp()
        }
        Moment::Instant(instant) => *instant,
    };
    Some(instant(moment))
}

/// Day and month: how old somebody is, is nobody's business here.
fn day(kept: &Kept<DayOfYear>) -> Option<String> {
    let day = kept.value()?.date_or_placeholder()?;
    Some(day.strftime("%m-%d").to_string())
}

/// ISO 8601 in UTC, to the second: Gorgias' date fields read it.
fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A word as it stands at a line's begin.
fn capital(word: &str) -> String {
    let mut rest = word.chars();
    let first = rest.next().into_iter().flat_map(char::to_uppercase);
    first.chain(rest).take(TEXT).collect()
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use loyalty::{Activity, EventId, HashKey, Stamp, TierEntry};

    use super::{super::settings::KEYS, *};

    fn now() -> Timestamp {
        "2026-11-01T12:00:00.5Z".parse().unwrap()
    }

    fn store(gorgias: &Value) -> Store {
        Store::read(json!({
            "v": 1, "store": "example", "name": "Example", "currency": "EUR", "locale": "de-DE",
            "destinations": {"gorgias": gorgias},
        }))
        .unwrap()
    }

    fn ada() -> Member {
        fn is<T>(value: T) -> Kept<T> {
            let at = "2026-10-01T12:00:00Z".parse().unwrap();
            let stamp = Stamp {
                as_of: at,
                arrived: at,
                hash: "h".to_owned(),
                source: "annexcloud".to_owned(),
            };
            Kept::Is(value, stamp)
        }
        let moment = |text: &str| is(text.parse::<Moment>().unwrap());
        let id = |name: &str| EventId::new(&HashKey::new("k"), &store(&json!({})).id, &[name]);
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_microsecond();
        Member {
            email: loyalty::Email::parse("ada@example.com").ok(),
            role: Role::Member,
            first_name: is("Ada".into()),
            last_name: is("Example".into()),
            external_id: is("m-1001".into()),
            member_status: is("active".to_owned()),
            phone: is("+4915550100".into()),
            zip: is("10115".into()),
            birthday: is(DayOfYear::new(Some(1990), 4, 1).unwrap()),
            opt_in: is(true),
            enrolled_at: moment("2024-03-02T09:00:00Z"),
            points_available: is(5120),
            points_lifetime: is(5820),
            points_used: is(700),
            points_expired: is(0),
            points_on_hold: is(250),
            points_expiring: is(40),
            points_expiring_on: moment("2026-12-31"),
            points_value: is(Decimal::new(512, 1)),
            tier: is("Silver".to_owned()),
            tier_previous: is(TierEntry {
                name: Some("Bronze".to_owned()),
                ..TierEntry::default()
            }),
            tier_next: is("Gold".to_owned()),
            points_to_next: is(80),
            tier_since: moment("2025-04-01T14:00:00Z"),
            tier_expires_at: moment("2026-04-01T14:00:00Z"),
            spend_total: is(18_490),
            referral_url: is("https://shop.example.com/r/ADA1".into()),
            attributes: is(BTreeMap::from([("store".to_owned(), "Berlin".into())])),
            activities: vec![
                Activity {
                    at: at("2026-09-30T10:00:00Z"),
                    event: id("a"),
                    kind: Kind::PointsEarned,
                    points: Some(120),
                    title: Some("Purchase OD001".into()),
                },
                Activity {
                    at: at("2026-09-01T10:00:00Z"),
                    event: id("b"),
                    kind: Kind::OptedIn,
                    points: None,
                    title: None,
                },
            ],
            ..Member::default()
        }
    }

    #[test]
    fn a_member_is_shown_as_documented() {
        let shown = store(&json!({"profile_url": "https://loyalty.example.com/m/{member_id}"}));
        let card = card(
            Standing::Known(&ada()),
            Some("ADA@example.com"),
            Some(&shown),
            now(),
        );
        insta::assert_json_snapshot!(card);
    }

    #[test]
    fn what_is_private_is_shown_where_the_store_wants_it() {
        let all = json!({"share": ["phone", "zip", "birthday", "anniversary", "avatar"], "attributes": ["store", "unknown"]});
        let card = card(Standing::Known(&ada()), None, Some(&store(&all)), now());
        let card = &card["loyalty"];
        assert_eq!(
            card["contact"],
            json!({"phone": "+4915550100", "zip": "10115"})
        );
        assert_eq!(card["birthday"], "04-01");
        assert_eq!(
            card["attributes"],
            json!({"store": "Berlin", "unknown": null})
        );
    }

    /// The dotted paths of every value.
    fn paths(value: &Value, at: &str, all: &mut Vec<String>) {
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                for (key, value) in inner {
                    let at = if at.is_empty() {
                        key.clone()
                    } else {
                        format!("{at}.{key}")
                    };
                    paths(value, &at, all);
                }
            }
            _ => all.push(at.to_owned()),
        }
    }

    #[test]
    fn every_key_is_always_there() {
        let store = store(&json!({}));
        let (ada, friend) = (ada(), Member::default());
        for standing in [
            Standing::Known(&ada),
            Standing::Known(&friend),
            Standing::Unknown,
            Standing::Unavailable,
            Standing::NoAddress,
        ] {
            let mut all = Vec::new();
            paths(
                &card(standing, None, Some(&store), now())["loyalty"],
                "",
                &mut all,
            );
            all.sort();
            let mut keys: Vec<String> = KEYS.iter().map(|key| (*key).to_owned()).collect();
            keys.sort();
            assert_eq!(all, keys, "{standing:?}");
        }
    }

    #[test]
    fn nothing_is_told_of_a_friend_and_little_of_who_left() {
        let store = store(&json!({}));
        let friend = Member {
            role: Role::Contact,
            ..ada()
        };
        let shown = card(
            Standing::Known(&friend),
            Some("ada@example.com"),
            Some(&store),
            now(),
        );
        let unknown = card(
            Standing::Unknown,
            Some("ada@example.com"),
            Some(&store),
            now(),
        );
        assert_eq!(shown, unknown);
        assert_eq!(shown["loyalty"]["status"], "not a member");
        let mut left = ada();
        left.opt_in = match left.opt_in {
            Kept::Is(_, stamp) => Kept::Is(false, stamp),
            other => other,
        };
        let shown = card(Standing::Known(&left), None, Some(&store), now());
        assert_eq!(shown["loyalty"]["status"], "opted out");
        assert_eq!(shown["loyalty"]["opt_in"], "No");
    }

    #[test]
    fn the_largest_card_is_small() {
        let long = || "å".repeat(4_000);
        let mut ada = ada();
        let stamp = ada.tier.stamp().unwrap().clone();
        let private = |text: String| Kept::Is(Private::from(text), stamp.clone());
        ada.first_name = private(long());
        ada.last_name = private(long());
        ada.phone = private(long());
        ada.zip = private(long());
        ada.external_id = private(long());
        ada.credit_balance = private(long());
        ada.referral_url = private(format!("https://{}", "x".repeat(390)));
        ada.avatar_url = private(format!("https://{}", "x".repeat(390)));
        ada.tier = Kept::Is(long(), stamp.clone());
        ada.tier_next = Kept::Is(long(), stamp.clone());
        ada.member_status = Kept::Is(long(), stamp.clone());
        let names: Vec<String> = (0..10).map(|n| format!("a{n}")).collect();
        let all = names.iter().map(|name| (name.clone(), long().into()));
        ada.attributes = Kept::Is(all.collect(), stamp.clone());
        let row = ada.activities[0].clone();
        ada.activities = vec![
            Activity {
                title: Some("å".repeat(80).into()),
                ..row
            };
            10
        ];
        let own = json!({"share": ["phone", "zip", "birthday", "anniversary", "avatar"], "attributes": names});
        let card = card(Standing::Known(&ada), None, Some(&store(&own)), now()).to_string();
        assert!(card.len() < 8 * 1024, "{} bytes", card.len());
    }
}
