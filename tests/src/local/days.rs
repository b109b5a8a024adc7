//! One member, one friend, and the day on which everything comes due for them: what Yotpo sends before, and what must arrive
//! at Rule then.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::compare::{self, Expected, Field};
use super::{paths, stores};
use crate::trouble::{Result, Saying};

/// The member.
pub const KARI: &str = "kari@example.com";

/// The friend.
pub const VENN: &str = "venn@example.com";

/// The functions that bring what is due.
pub const EMITTERS: [&str; 3] = ["emit-anniversaries", "emit-birthdays", "emit-reminders"];

/// Days from the news to the day on which all of it comes due: reminders are due on the thirtieth, and are caught up.
const AHEAD: i64 = 31;

/// One row of `tests/expect/clock.json`, which is written from the vendors' documents.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its row in the list of Rule's own integration.
    #[serde(rename = "row")]
    pub number: u32,
    /// The event's name there.
    pub event: String,
    /// The kind.
    pub kind: String,
    /// Why it is so.
    pub note: String,
    /// What arrives at Rule.
    pub request: Expected,
}

/// What is known and what is awaited, for one moment of the stack's clock.
pub struct Days {
    seen: Timestamp,
}

impl Days {
    /// The member was last seen at this moment.
    #[must_use]
    pub const fn since(seen: Timestamp) -> Self {
        Self { seen }
    }

    /// The settings of a store in which everything comes due: `events/stores/example-clock.json`.
    ///
    /// # Errors
    /// The file is not there, or no JSON.
    pub fn store() -> Result<Value> {
        stores::document(&paths::root().join("events/stores/example-clock.json"))
    }

    /// How far the clock is to be moved.
    #[must_use]
    pub const fn ahead() -> Duration {
        Duration::from_hours(24 * AHEAD.unsigned_abs())
    }

    /// The date on which everything has come due, where the store is.
    fn day(&self) -> Result<Date> {
        let zone = TimeZone::get("Europe/Oslo").saying("there is no zone Europe/Oslo")?;
        let at = self.seen + SignedDuration::from_hours(24 * AHEAD);
        Ok(at.to_zoned(zone).date())
    }

    /// What Yotpo sends: a birthday that became known, somebody who joined two years ago, two links to a friend.
    ///
    /// # Errors
    /// The calendar has no such day.
    pub fn news(&self) -> Result<Vec<Value>> {
        let day = self.day()?;
        let joined = day.saturating_sub(jiff::Span::new().years(2));
        let customer = json!({
            "email": KARI, "first_name": "Kari", "last_name": "Nordmann", "points_balance": 800,
            "last_seen_at": self.seen.to_string(),
        });
        let with = |key: &str, value: Value| {
            let mut customer = customer.clone();
            customer[key] = value;
            customer
        };
        let mut born = with("birthday_month", json!(day.month()));
        born["birth_day"] = json!(day.day());
        let share = json!({"email": VENN, "from": KARI, "customer": customer});
        let shared = |topic: &str, more: &Value| {
            let mut body = share.clone();
            body["topic"] = json!(topic);
            for (key, value) in more.as_object().into_iter().flatten() {
                body[key] = value.clone();
            }
            body
        };
        Ok(vec![
            json!({"topic": "swell/customer/birthday/captured", "email": KARI, "customer": born}),
            json!({
                "topic": "loyalty/opt_in", "email": KARI,
                "customer": with("loyalty_opt_in_date", json!(joined.to_string())),
            }),
            shared(
                "swell/referral/share",
                &json!({"referral_link": "https://r.example.com/kari1"}),
            ),
            shared(
                "loyalty/referral/product_share",
                &json!({
                    "product_referral_link": "https://r.example.com/kari1/tent", "product_id": 311,
                    "product_name": "Tent for two", "image_url": "https://shop.example.com/tent.png",
                }),
            ),
        ])
    }

    /// What must arrive at Rule then.
    ///
    /// # Errors
    /// The table cannot be read.
    pub fn expected(&self) -> Result<Vec<Row>> {
        let file = paths::root().join("tests/expect/clock.json");
        let mut rows: Vec<Row> = serde_json::from_value(stores::document(&file)?)
            .saying(format!("{} is no table", file.display()))?;
        let seen = self.seen.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let dynamic = |field: &mut Field| {
            if field.value == "$SEEN" {
                field.value.clone_from(&seen);
            }
        };
        for row in &mut rows {
            row.request.fields.values_mut().for_each(dynamic);
        }
        Ok(rows)
    }
}

/// Everything that differs between the rows and what arrived, by the row's kind; and what arrived beside them. The order in
/// which the days arrive is nobody's promise.
#[must_use]
pub fn differences(rows: &[Row], arrived: &[Value]) -> BTreeMap<String, Vec<String>> {
    let mut markers = BTreeSet::new();
    let mut left: Vec<&Value> = arrived.iter().collect();
    let mut found = BTreeMap::new();
    for row in rows {
        let own = left.iter().position(|body| {
            let tags = compare::tags(body);
            tags.iter().all(|tag| row.request.tags.contains(*tag)) && !tags.is_empty()
        });
        let own: Vec<Value> = own.map(|at| left.remove(at).clone()).into_iter().collect();
        let wanted = std::slice::from_ref(&row.request);
        let wrong = compare::differences(wanted, &own, &mut markers);
        found.insert(row.kind.clone(), wrong);
    }
    if !left.is_empty() {
        let tags: Vec<_> = left.iter().map(|body| compare::tags(body)).collect();
        found.insert(
            "beside them".to_owned(),
            vec![format!("came unexpected: {tags:?}")],
        );
    }
    found
}
