//! What news does to the dates: a link that was shared, a day that was told, a birthday that moved.

use jiff::{Timestamp, civil::Date};

use super::{
    Armed, Due, Dues, Rules, Shared,
    dates::{counts, day_of, last_active, reminded_on, since},
};
use crate::{
    Calendar, Event, Member, Role,
    calendar::{days_between, plus},
};

/// Takes in that a friend was sent a link: from now on they are reminded of the newest one.
pub fn hear(dues: &mut Dues, event: &Event, rules: &Rules) {
    let reminded = rules.reminding.iter();
    let mut reminded = reminded.filter(|(due, _)| due.share() == Some(event.kind));
    let (Some((due, reminding)), Some(share)) = (reminded.next(), &event.detail.share) else {
        return;
    };
    let shared = Shared {
        event: event.id.clone(),
        at: event.stamp.arrived.as_microsecond(),
        share: share.clone(),
        product: event.detail.product.clone(),
    };
    let armed = dues.entry(*due).or_default();
    let newer = |known: &Shared| (shared.at, &shared.event) > (known.at, &known.event);
    if armed.shared.as_deref().is_none_or(newer) {
        let since = rules.calendar.date(event.stamp.arrived);
        *armed = Armed {
            on: Some(plus(since, reminding.after)),
            shared: Some(Box::new(shared)),
            ..Armed::default()
        };
    }
}

/// Arms what news asks for. `before` is the picture that the news changed; none where the person was unknown. A date that
/// stands and still fits is left alone, also when it is past: the next run looks at it.
pub fn arm(
    dues: &mut Dues,
    (before, member): (Option<&Member>, &Member),
    rules: &Rules,
    now: Timestamp,
) {
    if member.role != Role::Member || member.is_out_of_programme() {
        return;
    }
    for due in [Due::Birthday, Due::Anniversary] {
        let open = rules.calendar.first_open(due.hour(), now);
        let known = dues.get(&due);
        // A day that is moved back to today after today's run is caught up; one that was only now told is not, because
        // nobody wishes a late happy birthday to whoever has just told the day.
        let from = if known.is_some() {
            plus(open, -1)
        } else {
            open
        };
        let on = yearly(due, member, known, rules, from);
        if on != known.and_then(|armed| armed.on) {
            dues.entry(due).or_default().on = on;
        }
    }
    arm_reminders(dues, (before, member), rules, now);
}

/// The reminders of a member. A date that stands is only brought forward, so that news of an active member writes nothing;
/// the run finds out that it is early, and moves it on. Whoever has been silent for long when they become known is not
/// mailed for it: only what changes for them from then on counts.
fn arm_reminders(
    dues: &mut Dues,
    (before, member): (Option<&Member>, &Member),
    rules: &Rules,
    now: Timestamp,
) {
    let active = last_active(member, &rules.calendar);
    let other_points = before
        .is_some_and(|before| before.points_available.value() != member.points_available.value());
    let moved = before.is_none_or(|before| {
        last_active(before, &rules.calendar) != active
            || before.role != member.role
            || before.is_out_of_programme()
    });
    let reminding = rules.reminding.iter();
    for (due, reminding) in reminding.filter(|(due, _)| due.share().is_none()) {
        let known = dues.get(due);
        let stands = known.and_then(|armed| armed.on);
        if known.is_some() && stands.is_none() && !(moved || other_points) {
            continue;
        }
        let Some(active) = active else { continue };
        let open = rules.calendar.first_open(due.hour(), now);
        let next = reminded_on(known, *reminding, active);
        let next = next.filter(|on| other_points || days_between(*on, open) <= rules.catch_up);
        if let Some(on) = next.map(|on| on.max(open))
            && stands.is_none_or(|stands| on < stands)
        {
            dues.entry(*due).or_default().on = Some(on);
        }
    }
}

/// The date of a yearly day: the one that stands, while it fits, else the first open one.
fn yearly(
    due: Due,
    member: &Member,
    armed: Option<&Armed>,
    rules: &Rules,
    open: Date,
) -> Option<Date> {
    let day = day_of(due, member, &rules.calendar)?;
    let told = armed.and_then(|armed| armed.told).map(Date::year);
    let counts = |date| counts(due, member, day, date, &rules.calendar);
    let passes = |date: Date| Some(date.year()) != told && counts(date);
    let stands = armed.and_then(|armed| armed.on);
    let fits = |on: &Date| day.in_year(on.year(), rules.calendar.leap_day) == Some(*on);
    stands
        .filter(|on| fits(on) && passes(*on))
        .or_else(|| rules.calendar.next(day, open, passes))
}

/// Takes in that a person was told of a day, by the clock or by their source: what is next waits for the next day.
pub fn tell(dues: &mut Dues, member: &Member, event: &Event, rules: &Rules) {
    let Some(due) = Due::of(event.kind).filter(|due| rules.has(*due)) else {
        return;
    };
    let today = rules.calendar.date(event.stamp.arrived);
    let armed = dues.entry(due).or_default();
    if due.is_yearly() {
        let near = || nearest(due, member, today, &rules.calendar);
        let on = event.day.or_else(near).unwrap_or(today);
        if armed.told.is_none_or(|told| told < on) {
            armed.told = Some(on);
        }
        return;
    }
    if armed.told.is_some_and(|told| told >= today) {
        return;
    }
    let since = since(due, member, armed, &rules.calendar);
    if armed.told.is_none_or(|told| Some(told) <= since) {
        armed.times = 0;
    }
    armed.told = Some(today);
    armed.times += 1;
    let again = rules.reminding.get(&due);
    let again = again.filter(|reminding| armed.times < reminding.times);
    armed.on = again.map(|reminding| plus(today, reminding.every));
    if armed.on.is_none() {
        armed.forget_sharer();
    }
}

/// The day that a source's word is about: the nearest one of the member's, because it may arrive a little late, or over the
/// end of a year.
fn nearest(due: Due, member: &Member, today: Date, calendar: &Calendar) -> Option<Date> {
    const APART: i32 = 15;
    let day = day_of(due, member, calendar)?;
    let years = (-1..=1).filter_map(|years| today.year().checked_add(years));
    let dates = years.filter_map(|year| day.in_year(year, calendar.leap_day));
    let near = dates.min_by_key(|date| days_between(*date, today).abs());
    near.filter(|date| days_between(*date, today).abs() <= APART)
}
