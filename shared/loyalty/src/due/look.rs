//! What is done for somebody whose date has come.

use std::cmp::Reverse;

use jiff::{Timestamp, civil::Date};

use super::{
    Armed, Close, Due, Reminding, Rules, Shared,
    dates::{counts, day_of, reminded_on, since, years},
};
use crate::{
    Detail, Member, Reward, Role, Share,
    calendar::{days_between, plus},
};

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
