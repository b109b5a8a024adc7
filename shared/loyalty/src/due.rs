//! What comes due by itself: birthdays, anniversaries and reminders. When it is due, whether it still is when its day has
//! come, and when it is due next.
//!
//! A member's [`Armed`] says what is known of one kind; everything else is worked out anew each time, so that a changed
//! birthday, a purchase or another setting counts at once.

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    Calendar, DayOfYear, Detail, Event, EventId, Kind, Member, MemberKey, Product, Reward, Role,
    Share,
    calendar::{days_between, plus},
};

/// A kind of event that the clock brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Due {
    /// It is the member's birthday.
    #[serde(rename = "b")]
    Birthday,
    /// It is the member's anniversary.
    #[serde(rename = "a")]
    Anniversary,
    /// An inactive member is close to a reward.
    #[serde(rename = "p")]
    PointsReminder,
    /// An inactive member can afford a reward.
    #[serde(rename = "r")]
    RedemptionReminder,
    /// A friend who was sent a link has not bought yet.
    #[serde(rename = "s")]
    ReferralShareReminder,
    /// A friend who was sent a link to a product has not bought yet.
    #[serde(rename = "q")]
    ReferralProductShareReminder,
}

impl Due {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::Birthday,
        Self::Anniversary,
        Self::PointsReminder,
        Self::RedemptionReminder,
        Self::ReferralShareReminder,
        Self::ReferralProductShareReminder,
    ];

    /// The kind of event that it brings.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Birthday => Kind::Birthday,
            Self::Anniversary => Kind::Anniversary,
            Self::PointsReminder => Kind::PointsReminder,
            Self::RedemptionReminder => Kind::RedemptionReminder,
            Self::ReferralShareReminder => Kind::ReferralShareReminder,
            Self::ReferralProductShareReminder => Kind::ReferralProductShareReminder,
        }
    }

    /// The kind that brings this kind of event; none for events that never come by the clock.
    #[must_use]
    pub fn of(kind: Kind) -> Option<Self> {
        Self::ALL.into_iter().find(|due| due.kind() == kind)
    }

    /// The hour, UTC, of the daily run.
    #[must_use]
    pub const fn hour(self) -> i8 {
        match self {
            Self::Anniversary => 11,
            Self::Birthday => 13,
            _ => 17,
        }
    }

    /// Whether it comes every year, and not after a time without news.
    #[must_use]
    pub const fn is_yearly(self) -> bool {
        matches!(self, Self::Birthday | Self::Anniversary)
    }

    /// The share after which a friend is reminded.
    const fn share(self) -> Option<Kind> {
        match self {
            Self::ReferralShareReminder => Some(Kind::ReferralLinkShared),
            Self::ReferralProductShareReminder => Some(Kind::ReferralProductShared),
            _ => None,
        }
    }
}

/// A link that was sent to a friend, as a reminder of it needs to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    /// The event that told of it.
    pub event: EventId,
    /// When it was told of, µs since 1970.
    pub at: i64,
    /// Who shared.
    pub share: Share,
    /// The product, where one was shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Product>,
}

/// What is known of one kind for one person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Armed {
    /// The date on which it is looked at next; none until news asks for one.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Date>,
    /// The date for which the person was told last.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Date>,
    /// How often they were reminded since they were last active.
    #[serde(rename = "n", default, skip_serializing_if = "is_zero")]
    pub times: u32,
    /// The link that they were sent last.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<Box<Shared>>,
}

impl Armed {
    /// Nobody is reminded of the link any more: who sent it is no longer held, only that it was sent.
    fn forget_sharer(&mut self) {
        if let Some(shared) = &mut self.shared {
            shared.share = Share::default();
            shared.product = None;
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Everything that is armed for a person.
pub type Dues = BTreeMap<Due, Armed>;

/// How near an inactive member must be to a reward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// At most so many points are missing.
    Points(i64),
    /// At most so many of a hundred of the reward's price are missing.
    Percent(i64),
}

/// When people are reminded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reminding {
    /// Days without activity, or since the link was shared.
    pub after: i32,
    /// Days between one reminder and the next.
    pub every: i32,
    /// How often at most, until the person is active again.
    pub times: u32,
    /// How near a reward must be; only looked at by [`Due::PointsReminder`].
    pub close: Close,
}

/// A store's rules for what comes due.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Which day it is.
    pub calendar: Calendar,
    /// For how many days what was missed is caught up.
    pub catch_up: i32,
    /// When people are reminded; kinds that are off are not in it. The yearly kinds are armed in any case, so that they need
    /// no news to be switched on.
    pub reminding: BTreeMap<Due, Reminding>,
}

impl Rules {
    /// Whether friends who were sent a link are reminded.
    #[must_use]
    pub fn reminds_friends(&self) -> bool {
        self.reminding.keys().any(|due| due.share().is_some())
    }

    /// Whether a kind is looked after at all.
    #[must_use]
    pub fn has(&self, due: Due) -> bool {
        due.is_yearly() || self.reminding.contains_key(&due)
    }
}

/// The parts of the natural key of an event that the clock brings. A source's own word for the same day has the same key,
/// so that one of the two is a repeat: a birthday counts once a year, a reminder once a day.
#[must_use]
pub fn natural(kind: Kind, on: Date, person: &MemberKey, detail: &Detail) -> Vec<String> {
    let day = match Due::of(kind) {
        Some(due) if due.is_yearly() => on.year().to_string(),
        _ => on.to_string(),
    };
    let mut key = vec![kind.name().to_owned(), day, person.expose().to_owned()];
    if kind.addresses_friend() {
        let share = detail.share.as_ref();
        let sharer = share.and_then(|share| share.from.email.as_ref());
        key.push(sharer.map_or_else(String::new, |sharer| sharer.expose().to_owned()));
    }
    if kind == Kind::ReferralProductShareReminder {
        let product = detail.product.as_ref();
        key.push(product.and_then(|own| own.id.clone()).unwrap_or_default());
    }
    key
}

/// Joins what is armed for two who turned out to be one person. What comes first is looked at first.
pub fn merge(own: &mut Dues, other: Dues) {
    for (due, other) in other {
        let armed = own.entry(due).or_default();
        armed.on = match (armed.on, other.on) {
            (Some(own), Some(other)) => Some(own.min(other)),
            (own, other) => own.or(other),
        };
        armed.times = match armed.told.cmp(&other.told) {
            std::cmp::Ordering::Less => other.times,
            std::cmp::Ordering::Equal => armed.times.max(other.times),
            std::cmp::Ordering::Greater => armed.times,
        };
        armed.told = armed.told.max(other.told);
        let newest = [armed.shared.take(), other.shared];
        let newest = newest.into_iter().flatten();
        armed.shared = newest.max_by_key(|shared| (shared.at, shared.event.clone()));
    }
}

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

/// The day that returns every year: an anniversary is the one that the source tells, else that of the enrolment.
fn day_of(due: Due, member: &Member, calendar: &Calendar) -> Option<DayOfYear> {
    if due == Due::Birthday {
        return member.birthday.value().copied();
    }
    let enrolled = member.enrolled_at.value();
    let enrolled = enrolled.map(|at| DayOfYear::from(calendar.day_of(*at)));
    member.anniversary.value().copied().or(enrolled)
}

/// Whether a date is one of the days that are told of: an anniversary is none on day zero.
fn counts(due: Due, member: &Member, day: DayOfYear, date: Date, calendar: &Calendar) -> bool {
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
fn years(
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
fn reminded_on(armed: Option<&Armed>, reminding: Reminding, active: Date) -> Option<Date> {
    let told = armed.and_then(|armed| armed.told);
    // Whoever does something on the day of a reminder does it after it: that day they were still inactive.
    match (told.filter(|told| *told > active), armed) {
        (Some(told), Some(armed)) => {
            (armed.times < reminding.times).then(|| plus(told, reminding.every))
        }
        _ => Some(plus(active, reminding.after)),
    }
}

/// What the clock knows beside the member's picture when it looks at what is due.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The store's rules.
    pub rules: &'a Rules,
    /// The rewards that points can be exchanged for.
    pub rewards: &'a [Reward],
    /// When the person last bought by way of a friend's link, µs since 1970.
    pub bought: Option<i64>,
    /// Whether whoever sent the link was erased since.
    pub sharer_erased: bool,
    /// The date of this run, where the store is.
    pub today: Date,
}

/// What a look at one person's kind came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// Its date has not come: the list was behind.
    Early,
    /// They are to be told.
    Tell {
        /// The date for which it came due.
        on: Date,
        /// What they are told, beside what the store gives.
        detail: Box<Detail>,
    },
    /// They are not told.
    Pass {
        /// What stands from now on.
        next: Armed,
        /// The date that was missed for too long, if one was.
        dropped: Option<Date>,
    },
}

impl Looked {
    fn pass(next: Armed) -> Self {
        Self::Pass {
            next,
            dropped: None,
        }
    }
}

/// Looks at what is armed for a person when its date has come.
#[must_use]
pub fn look(due: Due, member: &Member, armed: &Armed, around: &Around) -> Looked {
    if armed.on.is_none_or(|on| on > around.today) {
        return Looked::Early;
    }
    if due.is_yearly() {
        look_at_day(due, member, armed, around)
    } else {
        look_at_reminder(due, member, armed, around)
    }
}

/// Days after which a date that nobody looked at was not missed: the kind was off, or left to the source.
const FORGOTTEN: i32 = 30;

/// Whether the person may be told of anything: nobody who left the programme, and no mere contact.
fn may_be_told(due: Due, member: &Member) -> bool {
    let friend = due.kind().addresses_friend();
    !member.is_out_of_programme() && (friend || member.role == Role::Member)
}

fn look_at_day(due: Due, member: &Member, armed: &Armed, around: &Around) -> Looked {
    let (calendar, today) = (&around.rules.calendar, around.today);
    let mut next = armed.clone();
    next.on = None;
    let day = day_of(due, member, calendar);
    let falls = day
        .zip(armed.on)
        .and_then(|(day, on)| Some((day, day.in_year(on.year(), calendar.leap_day)?)));
    let Some((day, date)) = falls else {
        return Looked::pass(next);
    };
    let told = armed.told.map(Date::year);
    let passes = |on: Date| Some(on.year()) != told && counts(due, member, day, on, calendar);
    let open = date <= today && passes(date);
    let missed = days_between(date, today) > around.rules.catch_up;
    if open && !missed && may_be_told(due, member) {
        let detail = Box::new(Detail {
            years: years(due, member, (day, date), calendar),
            ..Detail::default()
        });
        return Looked::Tell { on: date, detail };
    }
    next.on = calendar.next(day, plus(today, 1), passes);
    let forgotten = days_between(date, today) > FORGOTTEN;
    Looked::Pass {
        next,
        dropped: (open && missed && !forgotten && may_be_told(due, member)).then_some(date),
    }
}

fn look_at_reminder(due: Due, member: &Member, armed: &Armed, around: &Around) -> Looked {
    let (rules, today) = (around.rules, around.today);
    let mut next = armed.clone();
    next.on = None;
    let Some(reminding) = rules.reminding.get(&due).copied() else {
        return Looked::pass(next);
    };
    let bought = armed
        .shared
        .as_deref()
        .is_some_and(|shared| has_bought(member, shared, around));
    let since = since(due, member, armed, &rules.calendar);
    if bought || around.sharer_erased {
        next.forget_sharer();
        return Looked::pass(next);
    }
    let Some(since) = since.filter(|_| may_be_told(due, member)) else {
        return Looked::pass(next);
    };
    let Some(date) = reminded_on(Some(armed), reminding, since) else {
        return Looked::pass(next);
    };
    if date > today {
        next.on = Some(date);
        return Looked::pass(next);
    }
    let Some(detail) = reminder(due, member, armed, (reminding, around.rewards)) else {
        return Looked::pass(next);
    };
    // By the date that stands, not by the silence alone: points may have changed long after it began.
    let on = armed.on.map_or(date, |on| on.max(date));
    let late = days_between(on, today);
    if late <= rules.catch_up {
        return Looked::Tell {
            on,
            detail: Box::new(detail),
        };
    }
    // After a fault of some days the series goes on; where nobody looked for longer, the kind was off.
    next.on = (late < reminding.every).then(|| plus(on, reminding.every).max(plus(today, 1)));
    Looked::Pass {
        next,
        dropped: (late <= FORGOTTEN).then_some(on),
    }
}

/// Since when a reminder waits: the day on which the friend was sent the link, or the member was active last.
fn since(due: Due, member: &Member, armed: &Armed, calendar: &Calendar) -> Option<Date> {
    match &armed.shared {
        Some(shared) => {
            let at = Timestamp::from_microsecond(shared.at).unwrap_or(Timestamp::UNIX_EPOCH);
            Some(calendar.date(at))
        }
        None if due.share().is_some() => None,
        None => last_active(member, calendar),
    }
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

/// Whether the friend has bought since they were sent the link, as far as anybody told.
fn has_bought(member: &Member, shared: &Shared, around: &Around) -> bool {
    // Both pieces of news, told at the same moment, may arrive in either order.
    const SLACK: i64 = 24 * 60 * 60 * 1_000_000;
    let by_link = around.bought.is_some_and(|at| at + SLACK >= shared.at);
    let calendar = &around.rules.calendar;
    let since = Timestamp::from_microsecond(shared.at).map(|at| calendar.date(at));
    let purchase = member.last_purchase_on.value();
    let purchase = purchase.map(|at| calendar.day_of(*at));
    by_link || purchase.is_some_and(|at| since.is_ok_and(|since| at >= since))
}

/// What a reminder says; none where there is nothing to remind of.
fn reminder(
    due: Due,
    member: &Member,
    armed: &Armed,
    (reminding, rewards): (Reminding, &[Reward]),
) -> Option<Detail> {
    if let Some(shared) = &armed.shared {
        return (shared.share != Share::default()).then(|| Detail {
            share: Some(shared.share.clone()),
            product: shared.product.clone(),
            ..Detail::default()
        });
    }
    let balance = *member.points_available.value()?;
    let priced = rewards.iter();
    let priced =
        priced.filter_map(|reward| Some((reward.amount.filter(|price| *price > 0)?, reward)));
    if due == Due::RedemptionReminder {
        let (_, reward) = priced
            .filter(|(price, _)| *price <= balance)
            .max_by_key(|(price, _)| *price)?;
        return Some(Detail {
            reward: Some(reward.clone()),
            ..Detail::default()
        });
    }
    let (price, reward) = priced
        .filter(|(price, _)| *price > balance)
        .max_by_key(|(price, _)| Reverse(*price))?;
    let needed = price - balance;
    let close = match reminding.close {
        Close::Points(most) => needed <= most,
        Close::Percent(most) => needed.saturating_mul(100) <= price.saturating_mul(most),
    };
    close.then(|| Detail {
        reward: Some(reward.clone()),
        points_needed: Some(needed),
        ..Detail::default()
    })
}
