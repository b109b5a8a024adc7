//! The card: what a person at a support desk sees of a customer's loyalty.
//!
//! One JSON object under `loyalty`. Every key is always there, null where nothing is known, so that a widget's paths always
//! lead somewhere: what depends on the store is only whether a key that names a person's private things is filled.

use std::{borrow::Cow, collections::BTreeMap, sync::LazyLock};

use jiff::{RoundMode, Timestamp, TimestampRound, Unit, tz::TimeZone};
use loyalty::{Activity, DayOfYear, Email, Kept, Kind, Member, Moment, Private, Role};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Number;

use super::{Settings, Share, words};
use crate::{Store, frame::money};

/// The most characters of a text on the card.
const TEXT: usize = 100;

/// The most characters of a link; a longer one is none, because a cut one leads nowhere.
const LINK: usize = 400;

/// Of whom nothing is known.
static NOBODY: LazyLock<Member> = LazyLock::new(Member::default);

/// What holds where there is no store to say.
static USUAL: LazyLock<Settings> = LazyLock::new(Settings::default);

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

/// The card of a customer, as Gorgias gets it.
#[derive(Serialize)]
pub struct Card<'a> {
    loyalty: Loyalty<'a>,
}

#[derive(Serialize)]
struct Loyalty<'a> {
    status: &'static str,
    name: Option<String>,
    email: Option<&'a str>,
    member_id: Option<&'a str>,
    member_status: Option<String>,
    opt_in: Option<&'static str>,
    opt_in_date: Option<Timestamp>,
    contact: Contact<'a>,
    birthday: Option<String>,
    anniversary: Option<String>,
    spend: Spend,
    points: Points<'a>,
    tier: Tier<'a>,
    activity: Vec<Line<'a>>,
    links: Links<'a>,
    attributes: BTreeMap<&'a str, Option<&'a str>>,
    as_of: Timestamp,
}

#[derive(Serialize)]
struct Contact<'a> {
    phone: Option<&'a str>,
    zip: Option<&'a str>,
}

#[derive(Serialize)]
struct Spend {
    total: Option<String>,
}

#[derive(Serialize)]
struct Points<'a> {
    available: Option<i64>,
    lifetime: Option<i64>,
    used: Option<i64>,
    used_on_rewards: Option<i64>,
    expired: Option<i64>,
    on_hold: Option<i64>,
    expiring: Option<i64>,
    expiring_on: Option<Timestamp>,
    earned_in_period: Option<i64>,
    earned_period: Option<&'a str>,
    spent_in_period: Option<i64>,
    spent_period: Option<&'a str>,
    ratio: Option<Number>,
    value: Option<String>,
}

#[derive(Serialize)]
struct Tier<'a> {
    current: Option<&'a str>,
    previous: Option<&'a str>,
    next: Option<&'a str>,
    points_to_next: Option<i64>,
    spend_to_next: Option<String>,
    achieved_on: Option<Timestamp>,
    expires_on: Option<Timestamp>,
    ratio: Option<Number>,
    next_ratio: Option<Number>,
}

/// One of the last things that happened.
#[derive(Serialize)]
struct Line<'a> {
    when: Option<Timestamp>,
    what: Cow<'a, str>,
    points: Option<i64>,
}

#[derive(Serialize)]
struct Links<'a> {
    profile: Option<String>,
    referral: Option<&'a str>,
    avatar: Option<&'a str>,
}

/// The card of a customer. `address` is shown as it was asked for; `now` is the card's age where nothing is known. Without a
/// store the card says only that.
#[must_use]
pub fn card<'a>(
    standing: Standing<'a>,
    address: Option<&'a str>,
    store: Option<&'a Store>,
    now: Timestamp,
) -> Card<'a> {
    let nobody = &*NOBODY;
    let (member, status) = match standing {
        Standing::Known(member) => (member, status_of(member)),
        Standing::Unknown => (nobody, "not a member"),
        Standing::Unavailable => (nobody, UNAVAILABLE),
        Standing::NoAddress => (nobody, "invalid email"),
    };
    // Of a friend who was sent a link nothing is the programme's to tell.
    let member = if member.role == Role::Member {
        member
    } else {
        nobody
    };
    let currency = store.map_or("", |store| store.currency.as_str());
    let settings = store.and_then(|store| store.destinations.gorgias.as_ref());
    let settings = settings.unwrap_or(&USUAL);
    let known = member.email.as_ref().map(Email::expose);
    let member_id = member_id(member);
    let as_of = member.as_of().unwrap_or(now).min(now);
    let loyalty = Loyalty {
        status,
        name: name(member),
        email: known.or(address).map(cut),
        member_id,
        member_status: member.member_status.value().map(|word| capital(word)),
        opt_in: member.opt_in.value().copied().map(yes_or_no),
        opt_in_date: moment(&member.enrolled_at),
        contact: Contact {
            phone: settings.shares(Share::Phone, text(&member.phone)),
            zip: settings.shares(Share::Zip, text(&member.zip)),
        },
        birthday: settings.shares(Share::Birthday, day(&member.birthday)),
        anniversary: settings.shares(Share::Anniversary, day(&member.anniversary)),
        spend: Spend {
            total: money_of(&member.spend_total, currency),
        },
        points: points(member, currency),
        tier: tier(member, currency),
        activity: activity(member),
        links: Links {
            profile: settings.profile_of(member_id, known),
            referral: link(&member.referral_url),
            avatar: settings.shares(Share::Avatar, link(&member.avatar_url)),
        },
        attributes: attributes(member, settings),
        as_of: to_the_second(as_of),
    };
    Card { loyalty }
}

impl Card<'_> {
    /// The card as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        // Texts, numbers and instants under fixed keys: nothing of it can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }
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

fn points<'a>(member: &'a Member, currency: &str) -> Points<'a> {
    let value = member.points_value.value();
    let value = value.map(|value| money::of_units(*value, currency));
    Points {
        available: count(&member.points_available),
        lifetime: count(&member.points_lifetime),
        used: count(&member.points_used),
        used_on_rewards: count(&member.points_used_on_rewards),
        expired: count(&member.points_expired),
        on_hold: count(&member.points_on_hold),
        expiring: count(&member.points_expiring),
        expiring_on: moment(&member.points_expiring_on),
        earned_in_period: count(&member.points_earned_in_period),
        earned_period: word(&member.points_earned_period),
        spent_in_period: count(&member.points_spent_in_period),
        spent_period: word(&member.points_spent_period),
        ratio: number(&member.points_ratio),
        value: value.or_else(|| text(&member.credit_balance).map(str::to_owned)),
    }
}

fn tier<'a>(member: &'a Member, currency: &str) -> Tier<'a> {
    let previous = member.tier_previous.value();
    Tier {
        current: word(&member.tier),
        previous: previous.and_then(|tier| tier.name.as_deref()).map(cut),
        next: word(&member.tier_next),
        points_to_next: count(&member.points_to_next),
        spend_to_next: money_of(&member.spend_to_next, currency),
        achieved_on: moment(&member.tier_since),
        expires_on: moment(&member.tier_expires_at),
        ratio: number(&member.tier_ratio),
        next_ratio: number(&member.tier_next_ratio),
    }
}

fn activity(member: &Member) -> Vec<Line<'_>> {
    // That somebody was read, or wrote, is nothing that they did.
    let own = member
        .activities
        .iter()
        .filter(|activity| !matches!(activity.kind, Kind::MemberUpdated | Kind::EnrolmentWanted));
    own.map(line).collect()
}

fn line(activity: &Activity) -> Line<'_> {
    let what = words::of(activity.kind);
    let what = match activity.title.as_ref().map(Private::expose) {
        Some(title) => Cow::Owned(cut(&format!("{what}: {title}")).to_owned()),
        None => Cow::Borrowed(what),
    };
    let when = Timestamp::from_microsecond(activity.at).ok();
    Line {
        when: when.map(to_the_second),
        what,
        points: activity.points,
    }
}

/// Only what the store names.
fn attributes<'a>(
    member: &'a Member,
    settings: &'a Settings,
) -> BTreeMap<&'a str, Option<&'a str>> {
    let known = member.attributes.value();
    let named = settings.attributes.iter().map(|name| {
        let value = known.and_then(|known| known.get(name));
        (name.as_str(), value.map(|value| cut(value.expose())))
    });
    named.collect()
}

fn name(member: &Member) -> Option<String> {
    let parts = [&member.first_name, &member.last_name];
    let parts = parts.iter().filter_map(|part| text(part));
    let name = parts.collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then_some(name)
}

/// The shop's own id of the customer, else a source's.
fn member_id(member: &Member) -> Option<&str> {
    let alias = || member.aliases.first().map(|alias| cut(alias.id.expose()));
    text(&member.external_id).or_else(alias)
}

const fn yes_or_no(yes: bool) -> &'static str {
    if yes { "Yes" } else { "No" }
}

fn count(kept: &Kept<i64>) -> Option<i64> {
    kept.value().copied()
}

fn money_of(minor: &Kept<i64>, currency: &str) -> Option<String> {
    Some(money::of_minor(*minor.value()?, currency))
}

fn word(kept: &Kept<String>) -> Option<&str> {
    kept.value().map(|word| cut(word))
}

fn text(kept: &Kept<Private>) -> Option<&str> {
    let text = kept.value()?.expose().trim();
    (!text.is_empty()).then(|| cut(text))
}

fn link(kept: &Kept<Private>) -> Option<&str> {
    let link = kept.value()?.expose().trim();
    let fits = link.starts_with("https://") && link.len() <= LINK;
    fits.then_some(link)
}

fn number(kept: &Kept<Decimal>) -> Option<Number> {
    kept.value()?.normalize().to_string().parse().ok()
}

fn moment(kept: &Kept<Moment>) -> Option<Timestamp> {
    let moment = match kept.value()? {
        Moment::Day(day) => {
            let midnight = day.to_zoned(TimeZone::UTC).ok()?;
            midnight.timestamp()
        }
        Moment::Instant(instant) => *instant,
    };
    Some(to_the_second(moment))
}

/// Day and month: how old somebody is, is nobody's business here.
fn day(kept: &Kept<DayOfYear>) -> Option<String> {
    let day = kept.value()?.date_or_placeholder()?;
    Some(day.strftime("%m-%d").to_string())
}

/// Gorgias' date fields read ISO 8601 in UTC without fractions.
fn to_the_second(at: Timestamp) -> Timestamp {
    let second = TimestampRound::new()
        .smallest(Unit::Second)
        .mode(RoundMode::Floor);
    at.round(second).unwrap_or(at)
}

/// A word as it stands at a line's begin.
fn capital(word: &str) -> String {
    let mut rest = word.chars();
    let first = rest.next().into_iter().flat_map(char::to_uppercase);
    first.chain(rest).take(TEXT).collect()
}

fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(TEXT);
    end.map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use loyalty::{EventId, HashKey, Stamp, TierEntry};
    use serde_json::{Value, json};

    use super::{super::settings::KEYS, *};

    /// The card, as Gorgias reads it.
    fn card(
        standing: Standing,
        address: Option<&str>,
        store: Option<&Store>,
        now: Timestamp,
    ) -> Value {
        serde_json::from_str(&super::card(standing, address, store, now).json()).unwrap()
    }

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
        assert_eq!(shown["loyalty"]["as_of"], "2026-11-01T12:00:00Z");
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
