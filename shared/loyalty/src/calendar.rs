//! Which day it is for a store, and on which day something that returns every year falls.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::{DayOfYear, Moment};

/// When those born on 29 February have their day in common years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LeapDay {
    /// On 28 February.
    #[default]
    Feb28,
    /// On 1 March.
    Mar1,
}

impl DayOfYear {
    /// The date on which the day falls in a year; none where the calendar ends.
    #[must_use]
    pub fn in_year(self, year: i16, leap_day: LeapDay) -> Option<Date> {
        let (month, day) = self.month_and_day();
        Date::new(year, month, day).ok().or_else(|| {
            // Every other day exists in every year.
            let (month, day) = match leap_day {
                LeapDay::Feb28 => (2, 28),
                LeapDay::Mar1 => (3, 1),
            };
            Date::new(year, month, day).ok()
        })
    }
}

/// A store's calendar: its zone says which day it is.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// The store's zone.
    pub zone: TimeZone,
    /// What becomes of 29 February.
    pub leap_day: LeapDay,
}

impl Calendar {
    /// The date at an instant, where the store is.
    #[must_use]
    pub fn date(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// The date of a moment: a day is itself, an instant is where the store is.
    #[must_use]
    pub fn day_of(&self, moment: Moment) -> Date {
        match moment {
            Moment::Day(day) => day,
            Moment::Instant(at) => self.date(at),
        }
    }

    /// The first date that no daily run at this hour (UTC) has looked at by `now`: the day after the last run's. A zone
    /// that leaps over a date between two runs has that date looked at by the later one.
    #[must_use]
    pub fn first_open(&self, hour: i8, now: Timestamp) -> Date {
        let utc = now.to_zoned(TimeZone::UTC);
        let today = utc.date().at(hour, 0, 0, 0).to_zoned(TimeZone::UTC);
        let last = today.map_or(now, |run| {
            let run = run.timestamp();
            if run <= now {
                run
            } else {
                run.saturating_sub(SignedDuration::from_hours(24))
                    .unwrap_or(run)
            }
        });
        plus(self.date(last), 1)
    }

    /// The first date from `from` on on which the day falls, leaving out those that `passes` does not want.
    #[must_use]
    pub fn next(&self, day: DayOfYear, from: Date, passes: impl Fn(Date) -> bool) -> Option<Date> {
        // Two years suffice unless a year is left out, and at most the told one and day zero's are.
        (0..=4).find_map(|years| {
            let date = day.in_year(from.year().checked_add(years)?, self.leap_day)?;
            (date >= from && passes(date)).then_some(date)
        })
    }
}

/// A date some days later, or earlier; at the calendar's end the last one.
#[must_use]
pub(crate) fn plus(date: Date, days: i32) -> Date {
    date.saturating_add(jiff::Span::new().days(days))
}

/// How many days lie between two dates; negative when `to` is before `from`.
#[must_use]
pub(crate) fn days_between(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> DayOfYear {
        DayOfYear::try_from(text.to_owned()).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn calendar(zone: &str) -> Calendar {
        Calendar {
            zone: TimeZone::get(zone).unwrap(),
            leap_day: LeapDay::default(),
        }
    }

    #[test]
    fn a_leap_day_has_a_day_in_every_year() {
        let cases = [
            ("1996-02-29", 2027, LeapDay::Feb28, "2027-02-28"),
            ("1996-02-29", 2027, LeapDay::Mar1, "2027-03-01"),
            ("1996-02-29", 2028, LeapDay::Feb28, "2028-02-29"),
            ("--02-29", 2028, LeapDay::Mar1, "2028-02-29"),
            ("--02-29", 2100, LeapDay::Mar1, "2100-03-01"),
            ("1990-05-17", 2027, LeapDay::Mar1, "2027-05-17"),
        ];
        for (born, year, leap_day, falls) in cases {
            let date = day(born).in_year(year, leap_day).unwrap();
            assert_eq!(date.to_string(), falls, "{born} in {year}");
        }
    }

    #[test]
    fn the_zone_says_which_day_it_is() {
        let noon = at("2026-05-17T13:00:00Z");
        let dates = ["Pacific/Auckland", "Europe/Oslo", "Pacific/Honolulu"];
        let dates = dates.map(|zone| calendar(zone).date(noon).to_string());
        assert_eq!(dates, ["2026-05-18", "2026-05-17", "2026-05-17"]);
    }

    #[test]
    fn the_day_of_a_run_is_open_until_the_run() {
        let cases = [
            ("Europe/Oslo", "2026-05-17T12:59:59Z", "2026-05-17"),
            ("Europe/Oslo", "2026-05-17T13:00:00Z", "2026-05-18"),
            ("Pacific/Auckland", "2026-05-17T12:59:59Z", "2026-05-18"),
            ("Pacific/Auckland", "2026-05-17T13:00:00Z", "2026-05-19"),
            ("Pacific/Honolulu", "2026-05-17T13:00:00Z", "2026-05-18"),
            ("Pacific/Honolulu", "2026-05-17T03:00:00Z", "2026-05-17"),
        ];
        for (zone, now, open) in cases {
            let first = calendar(zone).first_open(13, at(now));
            assert_eq!(first.to_string(), open, "{zone} at {now}");
        }
    }

    #[test]
    fn a_date_that_a_zone_leaps_over_between_two_runs_stays_open() {
        // Adelaide's clocks go forward on 4 October 2026: 13:00 UTC is 22:30 before and 23:30 after. At 14:00 UTC it is
        // 23:30 on the 3rd, and 00:30 on the 5th.
        let adelaide = calendar("Australia/Adelaide");
        let dates = ["2026-10-03T14:00:00Z", "2026-10-04T14:00:00Z"];
        let dates = dates.map(|run| adelaide.date(at(run)).to_string());
        assert_eq!(dates, ["2026-10-03", "2026-10-05"]);
        let open = adelaide.first_open(14, at("2026-10-04T13:00:00Z"));
        assert_eq!(open.to_string(), "2026-10-04");
    }

    #[test]
    fn days_are_counted_over_ends_of_months_and_years() {
        let date = |text: &str| text.parse::<Date>().unwrap();
        assert_eq!(days_between(date("2026-12-30"), date("2027-03-01")), 61);
        assert_eq!(plus(date("2026-12-30"), 61), date("2027-03-01"));
        assert_eq!(days_between(date("2027-03-01"), date("2026-12-30")), -61);
    }
}
