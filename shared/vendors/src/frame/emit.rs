//! What a store sets about events that the clock brings: which, when, and what they give.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use loyalty::{
    Calendar, Detail, LeapDay, Member, Perk, Private, Reward,
    due::{Close, Due, Reminding, Rules},
};

use crate::Section;

/// Whether the clock brings a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmitMode {
    /// Unless the store's source itself was seen sending it lately.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// A store's settings for the clock: `emit`.
#[derive(Debug, Clone)]
pub struct Emit {
    modes: BTreeMap<Due, EmitMode>,
    /// For how many days a source that sent a kind is taken to go on sending it.
    pub auto_days: i64,
    /// When what comes due.
    pub rules: Rules,
}

/// What a member gets on their day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gift {
    points: Option<i64>,
    name: Option<String>,
    description: Option<String>,
    amount: Option<i64>,
    coupon: Option<Private>,
}

/// What members get on a day of one kind.
#[derive(Debug, Clone, Default)]
pub struct Gifts {
    /// By the tier's name.
    tiers: BTreeMap<String, Gift>,
    /// Whoever has none of these tiers.
    others: Option<Gift>,
}

impl Emit {
    /// Whether the clock brings a kind.
    #[must_use]
    pub fn mode(&self, due: Due) -> EmitMode {
        self.modes.get(&due).copied().unwrap_or_default()
    }

    pub(crate) fn gather(section: Option<Section>, zone: TimeZone) -> Self {
        let mut nothing = Vec::new();
        let mut section = section.unwrap_or_else(|| {
            Section::root(
                serde_json::Value::Object(serde_json::Map::new()),
                &mut nothing,
            )
        });
        let leap_day = section.one_of(
            "leap_day",
            &[("02-28", LeapDay::Feb28), ("03-01", LeapDay::Mar1)],
            LeapDay::default(),
        );
        let catch_up = section.within("catch_up_days", (0, 14), 2);
        let auto_days = section.within("auto_days", (1, 90), 14);
        let mut modes = BTreeMap::new();
        let mut reminding = BTreeMap::new();
        for due in Due::ALL {
            let (mode, reminds) = kind(&mut section, due);
            modes.insert(due, mode);
            reminding.extend(
                reminds
                    .filter(|_| mode != EmitMode::Off)
                    .map(|reminds| (due, reminds)),
            );
        }
        section.finish();
        Self {
            auto_days,
            rules: Rules {
                calendar: Calendar { zone, leap_day },
                catch_up: days(catch_up),
                reminding,
            },
            modes,
        }
    }
}

/// One kind's section; for reminders also when they come.
fn kind(section: &mut Section, due: Due) -> (EmitMode, Option<Reminding>) {
    const MODES: [(&str, EmitMode); 3] = [
        ("auto", EmitMode::Auto),
        ("on", EmitMode::On),
        ("off", EmitMode::Off),
    ];
    let name = due.kind().name();
    let mut nothing = Vec::new();
    let mut own = match section.section(name) {
        Some(own) => own,
        None => Section::root(
            serde_json::Value::Object(serde_json::Map::new()),
            &mut nothing,
        ),
    };
    let mode = own.one_of("mode", &MODES, EmitMode::default());
    if due.is_yearly() {
        own.finish();
        return (mode, None);
    }
    let friend = due.kind().addresses_friend();
    let (after, times) = if friend { (7, 1) } else { (30, 3) };
    let after = own.within(
        if friend {
            "after_days"
        } else {
            "inactive_days"
        },
        (1, 365),
        after,
    );
    let every = own.within("every_days", (1, 365), 30);
    let times = own.within("times", (1, 50), times);
    let close = if due == Due::PointsReminder {
        close(&mut own)
    } else {
        Close::Percent(100)
    };
    own.finish();
    let reminding = Reminding {
        after: days(after),
        every: days(every),
        times: u32::try_from(times).unwrap_or(1),
        close,
    };
    (mode, Some(reminding))
}

/// How near the next reward must be: a fifth of its price, unless the store says otherwise.
fn close(own: &mut Section) -> Close {
    let both = own.has("close_points") && own.has("close_percent");
    if both {
        own.fault(
            "close_points",
            "stands beside `close_percent`: name one of the two",
        );
    }
    let points = own.has("close_points");
    let (most_points, percent) = (
        own.within("close_points", (1, 1_000_000_000), 1),
        own.within("close_percent", (1, 100), 20),
    );
    if points {
        Close::Points(most_points)
    } else {
        Close::Percent(percent)
    }
}

fn days(number: i64) -> i32 {
    i32::try_from(number).unwrap_or_default()
}

impl Gifts {
    pub(crate) fn gather(mut section: Section) -> Self {
        let tiers = section.sections("tiers", gift);
        let others = section.section("others").map(gift);
        section.finish();
        Self { tiers, others }
    }

    /// Adds to an event what the member gets with it, by their tier.
    pub fn fill(&self, detail: &mut Detail, member: &Member) {
        let tier = member.tier.value();
        let own = tier.and_then(|tier| self.tiers.get(tier));
        let Some(gift) = own.or(self.others.as_ref()) else {
            return;
        };
        let Gift {
            points,
            name,
            description,
            amount,
            coupon,
        } = gift.clone();
        if coupon.is_some() || description.is_some() || amount.is_some() || name.is_some() {
            detail.reward = Some(Reward {
                code: coupon,
                name: name.clone(),
                description,
                amount,
            });
        }
        if points.is_some() {
            detail.perk = Some(Perk {
                points,
                title: name,
                ..Perk::default()
            });
        }
    }
}

fn gift(mut section: Section) -> Gift {
    let gift = Gift {
        points: section.whole("points"),
        name: section.text("name"),
        description: section.text("description"),
        amount: section.whole("amount"),
        coupon: section.text("coupon").map(Private::from),
    };
    for (key, number) in [("points", gift.points), ("amount", gift.amount)] {
        if number.is_some_and(|number| number < 0) {
            section.fault(key, "must not be below 0");
        }
    }
    if gift == Gift::default() {
        section.fault("", "gives nothing");
    }
    section.finish();
    gift
}

/// A reward that points can be exchanged for: one entry of `rewards`.
pub(crate) fn reward(mut section: Section) -> Reward {
    let name = section.required_text("name");
    let amount = section.whole("points");
    if amount.is_none_or(|price| price <= 0) {
        section.fault("points", "must be the reward's price in points, 1 or more");
    }
    let description = section.text("description");
    section.finish();
    Reward {
        code: None,
        name: Some(name),
        description,
        amount,
    }
}
