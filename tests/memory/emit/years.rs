//! Two years, day by day: each member's each day is told exactly once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use loyalty::due::Due;
use serde_json::{Value, json};

use super::{Yard, opened};
use crate::world::Random;

const ZONES: [&str; 6] = [
    "Europe/Oslo",
    "Pacific/Auckland",
    "Pacific/Honolulu",
    "Australia/Adelaide",
    "America/St_Johns",
    "Pacific/Apia",
];
const MEMBERS: usize = 40;
const SEED: u64 = 20_261_122;

/// The days of one person, worked out by another way than the product's: date by date, from a calendar on the wall.
fn expected(born: (i8, i8), leap: &str, dates: impl Iterator<Item = Date>) -> Vec<Date> {
    let falls = |date: &Date| {
        let own = (date.month(), date.day()) == born;
        let leap_year = Date::new(date.year(), 2, 29).is_ok();
        let moved = format!("{:02}-{:02}", date.month(), date.day()) == leap;
        own || (born == (2, 29) && !leap_year && moved)
    };
    dates.filter(falls).collect()
}

#[tokio::test]
async fn each_members_each_day_is_told_exactly_once_in_two_years() {
    for (number, zone) in ZONES.into_iter().enumerate() {
        let leap = ["02-28", "03-01"][number % 2];
        let settings = json!({
            "time_zone": zone,
            "emit": {"leap_day": leap, "catch_up_days": 3, "birthday": {"mode": "on"}, "anniversary": {"mode": "on"}},
        });
        two_years(settings, zone, leap, SEED + u64::try_from(number).unwrap()).await;
    }
}

async fn two_years(settings: Value, zone: &str, leap: &str, seed: u64) {
    let mut random = Random::new(seed);
    let yard = Yard::with(settings).await;
    yard.at("2027-03-20T20:00:00Z");
    let mut days = BTreeMap::new();
    for number in 0..MEMBERS {
        let email = format!("m{number}@example.com");
        let joined = match number % 10 {
            0 => Date::new(2024, 2, 29),
            1 => Date::new(2024, 2, 28),
            2 => Date::new(2024, 3, 1),
            3 => Date::new(2024, 12, 31),
            4 => Date::new(2024, 1, 1),
            _ => Date::new(2024, 1, 1)
                .map(|date| date.saturating_add(jiff::Span::new().days(random.below(366)))),
        }
        .unwrap();
        let day = (joined.month(), joined.day());
        let mut body = json!({
            "topic": "loyalty/opt_in", "email": email,
            "customer": {"email": email, "loyalty_opt_in_date": joined.to_string(), "last_seen_at": "2027-03-20T00:00:00.000Z"},
        });
        yard.hear("example", &body).await;
        body["topic"] = json!("swell/customer/birthday/captured");
        body["birthday_month"] = json!(day.0);
        body["birthday_day"] = json!(day.1);
        yard.hear("example", &body).await;
        days.insert(email, day);
    }
    let begin: Timestamp = "2027-03-21T00:00:00Z".parse().unwrap();
    let mut told: BTreeMap<(String, String), Vec<Date>> = BTreeMap::new();
    let tick_of = |tick: &Value| {
        let kind = if tick["due"] == "a" {
            "anniversary"
        } else {
            "birthday"
        };
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (
            text(&tick["whom"]["email"]),
            kind.to_owned(),
            text(&tick["on"]).parse().unwrap(),
        )
    };
    let message_of = |told: &Value| {
        let text = |key: &str| told[key].as_str().unwrap().to_owned();
        (text("to"), text("kind"))
    };
    yard.told();
    for day in 0..731 {
        let midnight = begin + SignedDuration::from_hours(24 * day);
        for due in [Due::Anniversary, Due::Birthday] {
            yard.until(midnight + SignedDuration::from_hours(due.hour().into()));
            // Runs that fail, come late, or come twice are caught up, whatever the day.
            let late = random.below(6);
            if late == 0 && day < 728 {
                continue;
            }
            yard.world
                .clock
                .advance(SignedDuration::from_mins(late * 5));
            for _ in 0..=random.below(2) {
                yard.emit(&[due]).await;
            }
            let inbox = yard.inbox();
            // What two runs sent before it was recorded is one; a later run must not send it again.
            let ticks: BTreeSet<(String, String, Date)> =
                opened(&inbox).iter().map(tick_of).collect();
            yard.record_these(inbox).await;
            let sent: BTreeSet<(String, String)> = yard.told().iter().map(message_of).collect();
            let wanted = ticks
                .iter()
                .map(|(whom, kind, _)| (whom.clone(), kind.clone()));
            assert_eq!(sent, wanted.collect(), "each arrives, and nothing else");
            for (whom, kind, on) in ticks {
                told.entry((whom, kind)).or_default().push(on);
            }
        }
    }
    let calendar = TimeZone::get(zone).unwrap();
    let first = begin.to_zoned(calendar.clone()).date();
    for (email, born) in days {
        for (due, hour) in [("anniversary", 11), ("birthday", 13)] {
            let dates = first.series(jiff::Span::new().days(1)).take(740);
            let last = begin + SignedDuration::from_hours(24 * 730 + hour);
            let last = last.to_zoned(calendar.clone()).date();
            // The first date that is told of is that of the first run, or one that no run before it looked at.
            let run = begin + SignedDuration::from_hours(hour - 24);
            let before = run.to_zoned(calendar.clone()).date();
            let dates = dates.filter(|date| *date > before && *date <= last);
            let wanted = expected(born, leap, dates);
            let told = told
                .remove(&(email.clone(), due.to_owned()))
                .unwrap_or_default();
            assert_eq!(told, wanted, "{email} born {born:?} in {zone}: {due}");
        }
    }
    assert!(told.is_empty(), "{told:?}");
}
