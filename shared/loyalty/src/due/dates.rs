//! From what is known of a person to the dates that count.

use jiff::{Timestamp, civil::Date};

use super::{Armed, Due, Reminding};
use crate::{Calendar, DayOfYear, Member, calendar::plus};

/// The day that returns every year: an anniversary is the one that the source tells, else that of the enrolment.
pub(super) fn day_of(due: Due, member: &Member, calendar: &Calendar) -> Option<DayOfYear> {
    if due == Due::Birthday {
        return member.birthday.value().copied();
    }
    let enrolled = member.enrolled_at.value();
    let enrolled = enrolled.map(|at| DayOfYear::from(calendar.day_of(*at)));
    member.anniversary.value().copied().or(enrolled)
}

/// Whether a date is one of the days that are told of: an anniversary is none on day zero.
pub(super) fn counts(
    due: Due,
    member: &Member,
    day: DayOfYear,
    date: Date,
    calendar: &Calendar,
) -> bool {
    if due == Due::Birthday {
        return true;
    }
    let enrolled = member.enrolled_at.value();
    let enrolled = enrolled.map(|at| calendar.day_of(*at));
    match day.date() {
        Some(zero) => date.year() > zero.year(),
        None => enrolled.is_none_or(|zero| date > zero),
    }
}

/// Which anniversary a date is; none where the year of the first is not known.
pub(super) fn years(
    due: Due,
    member: &Member,
    (day, date): (DayOfYear, Date),
    calendar: &Calendar,
) -> Option<i64> {
    let enrolled = || Some(calendar.day_of(*member.enrolled_at.value()?));
    let zero = day.date().or_else(enrolled);
    let zero = zero.filter(|_| due == Due::Anniversary)?;
    Some(i64::from(date.year() - zero.year()))
}

/// When the person was last active, where the store is: bought, earned, redeemed, or was seen.
#[must_use]
pub fn last_active(member: &Member, calendar: &Calendar) -> Option<Date> {
    let moments = [member.last_purchase_on.value(), member.last_seen_at.value()];
    let told = moments
        .into_iter()
        .flatten()
        .map(|moment| calendar.day_of(*moment));
    let heard = member.last_active_at.map(|at| calendar.date(at));
    told.chain(heard).max()
}

/// The date of the next reminder; none where the person was reminded often enough.
pub(super) fn reminded_on(
    armed: Option<&Armed>,
    reminding: Reminding,
    active: Date,
) -> Option<Date> {
    let told = armed.and_then(|armed| armed.told);
    // Whoever does something on the day of a reminder does it after it: that day they were still inactive.
    match (told.filter(|told| *told > active), armed) {
        (Some(told), Some(armed)) => {
            (armed.times < reminding.times).then(|| plus(told, reminding.every))
        }
        _ => Some(plus(active, reminding.after)),
    }
}

/// Since when a reminder waits: the day on which the friend was sent the link, or the member was active last.
pub(super) fn since(due: Due, member: &Member, armed: &Armed, calendar: &Calendar) -> Option<Date> {
    match &armed.shared {
        Some(shared) => {
            let at = Timestamp::from_microsecond(shared.at).unwrap_or(Timestamp::UNIX_EPOCH);
            Some(calendar.date(at))
        }
        None if due.share().is_some() => None,
        None => last_active(member, calendar),
    }
}
