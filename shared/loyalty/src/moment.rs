//! Points in time as sources give them: a day, or an instant. Neither is turned into the other.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

/// A day or an instant, kept as it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Moment {
    /// A calendar day without time and zone: `2026-12-31`.
    Day(Date),
    /// An instant: `2026-03-04T10:20:30.412Z`.
    Instant(Timestamp),
}

/// Text that is neither a day (`2026-12-31`) nor an instant (`2026-03-04T10:20:30Z`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MomentError;

impl fmt::Display for MomentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("neither a day such as 2026-12-31 nor an instant such as 2026-03-04T10:20:30Z")
    }
}

impl std::error::Error for MomentError {}

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        let text = text.trim();
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Ok(Self::Instant(instant));
        }
        // A date parser accepts a whole datetime and forgets its time: only ten characters are a day.
        match text.parse::<Date>() {
            Ok(day) if text.len() == 10 => Ok(Self::Day(day)),
            _ => Err(MomentError),
        }
    }
}

impl TryFrom<String> for Moment {
    type Error = MomentError;

    fn try_from(text: String) -> Result<Self, MomentError> {
        text.parse()
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => day.fmt(f),
            Self::Instant(instant) => instant.fmt(f),
        }
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

/// A day that returns every year (a birthday, an anniversary). The year may be unknown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DayOfYear {
    year: Option<i16>,
    month: i8,
    day: i8,
}

/// A birthday tells who somebody is.
impl fmt::Debug for DayOfYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DayOfYear(…)")
    }
}

/// The year that stands in where a year-less day must be checked or written as a whole date; a leap year, so that
/// 29 February fits.
const LEAP_YEAR: i16 = 1904;

impl DayOfYear {
    /// A day of the year; 29 February is a day when the year is unknown or a leap year.
    ///
    /// # Errors
    /// [`MomentError`] when the calendar has no such day.
    pub fn new(year: Option<i16>, month: i8, day: i8) -> Result<Self, MomentError> {
        Date::new(year.unwrap_or(LEAP_YEAR), month, day)
            .map(|_| Self { year, month, day })
            .map_err(|_| MomentError)
    }

    pub(crate) const fn month_and_day(self) -> (i8, i8) {
        (self.month, self.day)
    }

    /// The whole date, when the year is known.
    #[must_use]
    pub fn date(self) -> Option<Date> {
        self.year
            .and_then(|year| Date::new(year, self.month, self.day).ok())
    }

    /// The whole date, with 1904 in place of an unknown year.
    #[must_use]
    pub fn date_or_placeholder(self) -> Option<Date> {
        Date::new(self.year.unwrap_or(LEAP_YEAR), self.month, self.day).ok()
    }
}

impl From<Date> for DayOfYear {
    fn from(date: Date) -> Self {
        Self {
            year: Some(date.year()),
            month: date.month(),
            day: date.day(),
        }
    }
}

/// `1990-05-17`, or `--05-17` when the year is unknown (the form of ISO 8601's truncated dates).
impl From<DayOfYear> for String {
    fn from(day: DayOfYear) -> Self {
        match day.date() {
            Some(date) => date.to_string(),
            None => format!("--{:02}-{:02}", day.month, day.day),
        }
    }
}

impl TryFrom<String> for DayOfYear {
    type Error = MomentError;

    fn try_from(text: String) -> Result<Self, MomentError> {
        if let Some(rest) = text.strip_prefix("--") {
            let (month, day) = rest.split_once('-').ok_or(MomentError)?;
            let number = |part: &str| part.parse::<i8>().map_err(|_| MomentError);
            return Self::new(None, number(month)?, number(day)?);
        }
        text.parse::<Date>()
            .map(Self::from)
            .map_err(|_| MomentError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_kept_as_it_was_given() {
        for text in [
            "2026-12-31",
            "2026-03-04T10:20:30.412Z",
            "2026-03-04T10:20:30Z",
        ] {
            assert_eq!(text.parse::<Moment>().unwrap().to_string(), text);
        }
        let zoned: Moment = "2026-03-04T12:20:30+02:00".parse().unwrap();
        assert_eq!(zoned.to_string(), "2026-03-04T10:20:30Z");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-02-30",
            "2026-13-01",
            "2026-03-04T10:20:30",
            "04.03.2026",
        ] {
            assert_eq!(text.parse::<Moment>(), Err(MomentError), "{text}");
        }
    }

    #[test]
    fn a_day_of_the_year_may_lack_its_year() {
        let born = DayOfYear::new(None, 2, 29).unwrap();
        assert_eq!(String::from(born), "--02-29");
        assert_eq!(DayOfYear::try_from("--02-29".to_owned()).unwrap(), born);
        assert_eq!(born.date(), None);
        assert_eq!(
            born.date_or_placeholder().unwrap().to_string(),
            "1904-02-29"
        );
        assert!(DayOfYear::new(Some(2025), 2, 29).is_err());
        assert!(DayOfYear::new(None, 13, 1).is_err());
    }
}
