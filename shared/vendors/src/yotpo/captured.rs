//! The day that a person told, or that became known.

use jiff::tz::TimeZone;
use loyalty::{DayOfYear, Kind, Moment};

use super::body::At;

/// The names under which one of the two days may stand; never the other's.
struct Names {
    object: &'static str,
    month: &'static [&'static str],
    day: &'static [&'static str],
    year: &'static [&'static str],
    whole: &'static [&'static str],
}

const BIRTHDAY: Names = Names {
    object: "birthday",
    month: &["birthday_month"],
    // Yotpo's own spelling for two of the three parts.
    day: &["birth_day", "birthday_day"],
    year: &["birthday_year"],
    whole: &["birthday", "birthdate", "birth_date"],
};

const ANNIVERSARY: Names = Names {
    object: "anniversary",
    month: &["anniversary_month"],
    day: &["anniversary_day"],
    year: &["anniversary_year"],
    whole: &["anniversary", "anniversary_date"],
};

/// Names that say nothing of which day they mean.
const PLAIN: Names = Names {
    object: "",
    month: &["month"],
    day: &["day"],
    year: &["year"],
    whole: &["date"],
};

/// ASSUMED `yotpo-captured-dates`: the date stands in `customer`, at the top, or in an object of its own, as parts or as
/// one ISO date. Names of its own go before plain ones, so that another day beside it is never taken for it.
pub(super) fn day(kind: Kind, root: At) -> Option<DayOfYear> {
    let names = if kind == Kind::BirthdayCaptured {
        &BIRTHDAY
    } else {
        &ANNIVERSARY
    };
    let places = [root.at("customer"), root];
    let own = places.iter().find_map(|place| within(*place, names));
    own.or_else(|| {
        let places = [root.at(names.object), root.at("customer"), root];
        places.iter().find_map(|place| within(*place, &PLAIN))
    })
}

/// The birthday of a member's row.
pub(super) fn birthday(row: At) -> Option<DayOfYear> {
    parts(row, &BIRTHDAY)
}

fn within(place: At, names: &Names) -> Option<DayOfYear> {
    parts(place, names).or_else(|| whole(place, names))
}

fn parts(place: At, names: &Names) -> Option<DayOfYear> {
    let first = |keys: &[&str]| keys.iter().find_map(|key| place.int(key));
    let (month, day) = (first(names.month)?, first(names.day)?);
    let year = first(names.year).filter(|year| *year > 0);
    DayOfYear::new(
        year.and_then(|year| year.try_into().ok()),
        month.try_into().ok()?,
        day.try_into().ok()?,
    )
    .ok()
}

fn whole(place: At, names: &Names) -> Option<DayOfYear> {
    names.whole.iter().find_map(|key| match place.moment(key)? {
        Moment::Day(day) => Some(day.into()),
        Moment::Instant(instant) => Some(instant.to_zoned(TimeZone::UTC).date().into()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(kind: Kind, body: &serde_json::Value) -> Option<String> {
        day(kind, At::root(body)).map(String::from)
    }

    #[test]
    fn the_day_is_found_in_every_assumed_place() {
        let birthdays = [
            json!({"customer": {"birthday_month": 5, "birth_day": 17, "birthday_year": 1990}}),
            json!({"birthday_month": "5", "birthday_day": "17", "birthday_year": "1990"}),
            json!({"month": 5, "day": 17, "year": 1990}),
            json!({"customer": {"month": 5, "day": 17, "year": 1990}}),
            json!({"birthday": {"month": 5, "day": 17, "year": 1990}}),
            json!({"birthday": "1990-05-17"}),
            json!({"customer": {"birthdate": "1990-05-17T00:00:00.000Z"}}),
            json!({"date": "1990-05-17"}),
        ];
        for body in birthdays {
            assert_eq!(
                read(Kind::BirthdayCaptured, &body).as_deref(),
                Some("1990-05-17"),
                "{body}"
            );
        }
        let yearless = json!({"month": 2, "day": 29, "year": null});
        assert_eq!(
            read(Kind::BirthdayCaptured, &yearless).as_deref(),
            Some("--02-29")
        );
    }

    #[test]
    fn one_day_is_never_taken_for_the_other() {
        let both = json!({
            "customer": {"birthday_month": 5, "birth_day": 17, "birthday_year": 1990},
            "month": 9, "day": 1, "year": 2020,
        });
        assert_eq!(
            read(Kind::AnniversaryCaptured, &both).as_deref(),
            Some("2020-09-01")
        );
        assert_eq!(
            read(Kind::BirthdayCaptured, &both).as_deref(),
            Some("1990-05-17")
        );
        let other = json!({"customer": {"birthday": "1990-05-17"}});
        assert_eq!(read(Kind::AnniversaryCaptured, &other), None);
        assert_eq!(
            read(Kind::BirthdayCaptured, &json!({"month": 13, "day": 1})),
            None
        );
    }
}
