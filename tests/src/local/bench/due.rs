//! What the clock costs: who is due is read, and nobody else; what is due travels ten together; and news of active members
//! leaves the dates alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::round::{BATCH, Meter, Site, Spent, batches, good};
use super::stream;
use super::usage::float;
use crate::clock::Clock;
use crate::trouble::{Result, Saying};

/// The store of these members.
pub(super) const STORE: &str = "bench-due";

/// Days from the news to the runs.
const AHEAD: i64 = 31;

/// Members for whom each emitter brings something, in each round.
const EACH: usize = 20;

/// Who is due, among how many.
const DUE: usize = 1_000;
const AMONG: usize = 1_000_000;

/// Messages of one batch of Rule's queue, as the template has it.
const TOGETHER: usize = 38;

/// Rule may be asked at most this often for ten thousand birthdays.
const MOST: usize = 700;

/// The file that moves the emitters' clock.
///
/// # Errors
/// It cannot be written.
pub(super) fn clock(folder: &Path) -> Result<String> {
    let file = folder.join("emitters-clock");
    let seconds = (AHEAD * 24 * 60 * 60).to_string();
    fs::write(&file, seconds).saying(format!("cannot write {}", file.display()))?;
    Ok(file.to_string_lossy().into_owned())
}

/// What was counted.
pub(super) struct Due {
    /// Rows and entries that were read.
    read: usize,
    units: f64,
    /// Requests that sent something, and the messages in them.
    sendings: u32,
    messages: usize,
    /// Write units of the index for a thousand ordinary events.
    indexed: usize,
    /// Requests to Rule.
    calls: usize,
}

impl Due {
    /// The lines of the table.
    pub(super) fn lines(&self) -> Vec<String> {
        let mark = |reached: bool| if reached { "" } else { "  MISSED" };
        // An entry of the list and a picture for each.
        let needed = 2 * DUE;
        let over = 100.0 * (float(self.read) / float(needed) - 1.0);
        let all = self.calls * 10;
        vec![
            format!("\n{DUE} birthdays among {AMONG} members"),
            format!(
                "rows and entries read          {:>7} ({over:.1} % over an entry and a picture for each; target: 5 %), {:.1} read units{}",
                self.read,
                self.units,
                mark(over <= 5.0)
            ),
            format!(
                "messages to the inbox          {:>7} in {} requests (target: ten together){}",
                self.messages,
                self.sendings,
                mark(usize::try_from(self.sendings).is_ok_and(|sent| sent == DUE.div_ceil(BATCH)))
            ),
            format!(
                "requests to Rule               {:>7}, so {all} for ten thousand (target: {MOST} at most){}",
                self.calls,
                mark(all <= MOST)
            ),
            format!(
                "index writes, 1000 events      {:>7} of active members (target: none){}",
                self.indexed,
                mark(self.indexed == 0)
            ),
        ]
    }
}

/// A member's news, of the kinds that set dates.
fn news(number: usize, now: Timestamp) -> Result<[Value; 2]> {
    let day = day(now)?;
    let email = format!("due-{number}@example.com");
    let joined = day.saturating_sub(jiff::Span::new().years(1));
    let customer = json!({
        "email": email, "first_name": "Kari", "last_name": "Nordmann", "points_balance": 800, "points_earned": 2600,
        "total_spend_cents": 189_900, "total_purchases": 4, "last_seen_at": now.to_string(),
        "loyalty_opt_in_date": joined.to_string(), "birthday_month": day.month(), "birth_day": day.day(),
    });
    Ok([
        json!({"topic": "swell/customer/birthday/captured", "email": email, "customer": customer}),
        json!({
            "topic": "swell/points/earned", "email": email, "customer": customer,
            "perk": {"id": 1_000_000 + number, "reward_points": 10},
        }),
    ])
}

/// The date of the runs.
fn day(now: Timestamp) -> Result<Date> {
    let at = now + SignedDuration::from_hours(24 * AHEAD);
    let day = at.to_zoned(TimeZone::UTC).date();
    // Everybody has such a day in every year.
    let common = !(day.month() == 2 && day.day() == 29);
    common
        .then_some(day)
        .saying("ask again tomorrow: a month from now is a leap day")
}

fn document() -> Result<Value> {
    let mut document = stream::document("events/stores/example-clock.json")?;
    document["store"] = json!(STORE);
    document["time_zone"] = json!("UTC");
    Ok(document)
}

impl Site {
    /// The store, with this many members whose day it is a month from now. Nothing waits on the queues then.
    fn members(&self, count: usize) -> Result<Timestamp> {
        self.aws.clear();
        let now = Clock::real().now();
        let (mut operator, _) = self.begin("operator")?;
        good(
            &mut operator,
            &json!({"command": "put_store", "store": document()?}),
        )?;
        drop(operator);
        let born = (0..count).map(|number| Ok(news(number, now)?[0].clone()));
        self.take(born)?;
        self.aws.take("rule");
        Ok(now)
    }

    /// webhook and recorder take bodies in.
    fn take(&self, bodies: impl Iterator<Item = Result<Value>>) -> Result<()> {
        let door = stream::document("events/invoke/webhook/coupon_awarded.json")?;
        let (mut webhook, _) = self.begin("webhook")?;
        for body in bodies {
            good(&mut webhook, &stream::posted(&door, STORE, &body?).event)?;
        }
        drop(webhook);
        let inbox = self.aws.take("inbox");
        let (mut recorder, _) = self.begin("recorder")?;
        batches(&mut recorder, &inbox, BATCH)
    }

    /// The emitters, with the same few members.
    ///
    /// # Errors
    /// They do not do their work.
    pub(super) fn emitters(&self) -> Result<BTreeMap<&'static str, Spent>> {
        self.members(EACH)?;
        let mut spent = BTreeMap::new();
        for (name, days) in [
            ("emit-anniversaries", EACH),
            ("emit-birthdays", EACH),
            ("emit-reminders", 2 * EACH),
        ] {
            let (mut life, before) = self.begin(name)?;
            let meter = Meter::new(&life)?;
            good(&mut life, &json!({}))?;
            let brought = self.aws.take("inbox").len();
            (brought == days)
                .then_some(())
                .saying(format!("{name} brought {brought} days, not {days}"))?;
            spent.insert(name, meter.read(&life, before, days)?);
        }
        self.aws.used();
        Ok(spent)
    }

    /// A thousand birthdays among a million members, from the list to Rule; and a thousand ordinary events before.
    ///
    /// # Errors
    /// A function does not do its work.
    pub(super) fn due(&self) -> Result<Due> {
        let now = self.members(DUE)?;
        let day = day(now)?;
        self.aws.touched();
        self.take((0..DUE).map(|number| Ok(news(number, now)?[1].clone())))?;
        let (_, indexed) = self.aws.touched();
        self.aws.take("rule");
        let others = |number: usize| {
            let later = i32::try_from(1 + number % 364).unwrap_or(1);
            let date = day.saturating_add(jiff::Span::new().days(later));
            format!("{date}#{number}")
        };
        self.aws
            .list_others(&format!("due#{STORE}#birthday#"), AMONG - DUE, others);
        let (mut life, _) = self.begin("emit-birthdays")?;
        self.aws.touched();
        self.aws.used();
        good(&mut life, &json!({}))?;
        let used = self.aws.used();
        let (read, _) = self.aws.touched();
        drop(life);
        let inbox = self.aws.take("inbox");
        let messages = inbox.len();
        let (mut recorder, _) = self.begin("recorder")?;
        batches(&mut recorder, &inbox, BATCH)?;
        drop(recorder);
        let rule = self.aws.take("rule");
        let (mut push, _) = self.begin("push-rule")?;
        batches(&mut push, &rule, TOGETHER)?;
        let received = self.received()?;
        super::vendors::all_taken(&received)?;
        Ok(Due {
            read,
            units: used.read_units(),
            sendings: used.of(&["SendMessage", "SendMessageBatch"]),
            messages,
            indexed,
            calls: received.len(),
        })
    }
}
