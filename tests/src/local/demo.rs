//! `demo`: every kind of event, sent as Yotpo sends it, and what arrived at Rule compared with what the vendors' documents
//! say must arrive.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::compare::{self, differences};
use super::days::{self, Days, Row};
use super::stack::{Inlet, Stack};
use super::{paths, stores, tickets};
use crate::cloud::Cloud;
use crate::http;
use crate::say;
use crate::trouble::{Result, Saying};

const PATIENCE: Duration = Duration::from_mins(1);
const STORE: &str = "example-outdoor";

/// What one row came to.
#[derive(Debug)]
struct Outcome {
    row: compare::Row,
    /// The bodies that arrived.
    arrived: Vec<Value>,
    /// From the POST to the last of them, or until it was clear that none comes.
    took: Duration,
    wrong: Vec<String>,
}

/// Sends every event of the table and compares. Returns how many rows are wrong.
///
/// # Errors
/// The table and the events do not fit together, or the stack does not answer.
pub async fn run(stack: &Stack) -> Result<usize> {
    let rows = compare::table()?;
    let bench = Bench::of(stack)?;
    say::line("");
    say::line(format_args!(
        "{:>3}  {:<32} {:<38} {:>6} {:>7}",
        "row", "event", "tags", "fields", "time"
    ));
    let mut markers = BTreeSet::new();
    let mut outcomes = Vec::new();
    for row in rows {
        let outcome = bench.walk(row, &mut markers).await?;
        print(&outcome);
        outcomes.push(outcome);
    }
    let tickets = tickets::run(stack).await?;
    let clock = bench.clock().await?;
    let faults = bench.get("faults").await?;
    for fault in &faults {
        say::line(format_args!(
            "FAULT  request {}: {}",
            fault["n"],
            fault["fault"].as_str().unwrap_or_default()
        ));
    }
    summary(&outcomes);
    Ok(outcomes
        .iter()
        .filter(|outcome| !outcome.wrong.is_empty())
        .count()
        + tickets
        + clock
        + faults.len())
}

/// What a walk needs at hand.
struct Bench<'a> {
    cloud: Cloud,
    stack: &'a Stack,
    inlet: &'a Inlet,
    rule: &'a str,
}

impl<'a> Bench<'a> {
    fn of(stack: &'a Stack) -> Result<Self> {
        let inlet = stack
            .stores
            .get(STORE)
            .and_then(|sources| sources.get("yotpo"));
        let rule = stack
            .vendors
            .get("rule")
            .saying("the stack has no vendor rule")?;
        Ok(Self {
            cloud: Cloud::of(stack),
            stack,
            inlet: inlet.saying(format!(
                "the stack has no store {STORE} that takes events from yotpo"
            ))?,
            rule: &rule.url,
        })
    }

    /// Sends one event and waits until nothing of it is under way any more.
    async fn walk(&self, row: compare::Row, markers: &mut BTreeSet<String>) -> Result<Outcome> {
        let file = paths::root().join("events/yotpo").join(&row.file);
        let body = std::fs::read(&file).saying(format!("cannot read {}", file.display()))?;
        let before = self.get("received").await?.len();
        let (begun, sent) = (Instant::now(), Timestamp::now());
        let mut call = http::post(&self.inlet.url).body(body);
        for (name, value) in &self.inlet.headers {
            call = call.header(name, value);
        }
        let status = call.send().await?.status;
        let mut wrong = Vec::new();
        if status != row.answer {
            wrong.push(format!("answered {status} instead of {}", row.answer));
        }
        let arrived = self.arrived(before, row.requests.len()).await?;
        let settled = begun.elapsed();
        let took = arrived
            .last()
            .and_then(|entry| self.travelled(entry, sent))
            .unwrap_or(settled);
        wrong.extend(arrived.iter().filter_map(refusal));
        let arrived: Vec<Value> = arrived
            .into_iter()
            .map(|mut entry| entry["body"].take())
            .collect();
        wrong.extend(differences(&row.requests, &arrived, markers));
        Ok(Outcome {
            row,
            arrived,
            took,
            wrong,
        })
    }

    /// What the clock brings: a store whose members have their day a month later, and the clock moved there. Gives how many
    /// rows are wrong.
    async fn clock(&self) -> Result<usize> {
        let mut stack = self.stack.clone();
        let store = stores::load(&mut stack, &self.cloud, &Days::store()?).await?;
        let inlet = stack.stores[&store].get("yotpo");
        let inlet = inlet.saying("the store takes nothing from yotpo")?;
        let clock = stack.clock();
        let days = Days::since(clock.now());
        let before = self.get("received").await?.len();
        for body in days.news()? {
            let mut call = http::post(&inlet.url).body(body.to_string());
            for (name, value) in &inlet.headers {
                call = call.header(name, value);
            }
            call.send().await?;
        }
        let told = self.arrived(before, 4).await?.len();
        clock.forward(Days::ahead())?;
        for name in days::EMITTERS {
            self.cloud
                .invoke(&stack.functions[name], &json!({}))
                .await?;
        }
        let rows = days.expected()?;
        let arrived = self.arrived(before, told + rows.len()).await?;
        let arrived = arrived.into_iter().skip(told);
        let arrived: Vec<Value> = arrived.map(|mut entry| entry["body"].take()).collect();
        let found = days::differences(&rows, &arrived);
        print_days(&rows, &arrived, &found);
        Ok(found.values().filter(|wrong| !wrong.is_empty()).count())
    }

    /// How long after `sent` the stand-in got a request; its clock is the stack's.
    fn travelled(&self, entry: &Value, sent: Timestamp) -> Option<Duration> {
        let at: Timestamp = entry["at"].as_str()?.parse().ok()?;
        let since = Duration::try_from(at.duration_since(sent)).ok()?;
        since.checked_sub(self.stack.clock().ahead())
    }

    /// The writes that arrived after the first `before` requests, once the queues are empty.
    async fn arrived(&self, before: usize, expected: usize) -> Result<Vec<Value>> {
        let begun = Instant::now();
        loop {
            let received = self.get("received").await?;
            let writes = received
                .into_iter()
                .skip(before)
                .filter(|entry| entry["method"] == "POST");
            let writes: Vec<Value> = writes.collect();
            if writes.len() >= expected && self.queues_are_empty().await?
                || begun.elapsed() > PATIENCE
            {
                return Ok(writes);
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    async fn queues_are_empty(&self) -> Result<bool> {
        for (name, url) in &self.stack.queues {
            if !name.ends_with("-dead") && !self.cloud.depth(url).await?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn get(&self, what: &str) -> Result<Vec<Value>> {
        let list = http::get(&format!("{}/{what}", self.rule))
            .send()
            .await?
            .json()?;
        list.as_array()
            .cloned()
            .saying("the stand-in's answer is no list")
    }
}

fn refusal(entry: &Value) -> Option<String> {
    (entry["status"] != 200).then(|| format!("the stand-in of rule answered {}", entry["status"]))
}

/// What really arrived; what was expected stands below it where the two differ.
fn print(outcome: &Outcome) {
    let Outcome {
        row,
        arrived,
        took,
        wrong,
    } = outcome;
    let number = row
        .number
        .map_or("-".to_owned(), |number| number.to_string());
    let told: Vec<String> = arrived
        .iter()
        .map(|body| compare::tags(body).join(", "))
        .collect();
    let told = if told.is_empty() {
        "nothing goes to Rule".to_owned()
    } else {
        told.join("; ")
    };
    let count = |body: &Value| body["subscribers"]["fields"].as_array().map_or(0, Vec::len);
    let fields: usize = arrived.iter().map(count).sum();
    let mark = if wrong.is_empty() { "✓" } else { "✗" };
    say::line(format_args!(
        "{number:>3}  {:<32} {told:<38} {fields:>6} {:>5.2} s {mark}",
        row.event,
        took.as_secs_f32()
    ));
    for difference in wrong {
        say::line(format_args!("     {}: {difference}", row.file));
    }
}

fn print_days(rows: &[Row], arrived: &[Value], found: &BTreeMap<String, Vec<String>>) {
    say::line("");
    say::line("what the clock brings, 31 days later, in a store of its own");
    for row in rows {
        let wrong = found.get(&row.kind).map_or(&[][..], Vec::as_slice);
        let tags: Vec<&str> = row.request.tags.iter().map(String::as_str).collect();
        let mark = if wrong.is_empty() { "✓" } else { "✗" };
        say::line(format_args!(
            "{:>3}  {:<32} {:<38} {:>6} {mark}",
            row.number,
            row.event,
            tags.join(", "),
            row.request.fields.len() + 1,
        ));
        for difference in wrong {
            say::line(format_args!("     {difference}"));
        }
    }
    for difference in found.get("beside them").into_iter().flatten() {
        say::line(format_args!("     {difference}"));
    }
    let right = rows
        .iter()
        .filter(|row| found[&row.kind].is_empty())
        .count();
    say::line(format_args!(
        "{right} of {} kinds right; {} requests",
        rows.len(),
        arrived.len()
    ));
}

fn summary(outcomes: &[Outcome]) {
    let right = |outcome: &&Outcome| outcome.wrong.is_empty();
    let listed: BTreeSet<u32> = outcomes
        .iter()
        .filter_map(|outcome| outcome.row.number)
        .collect();
    let wrong: BTreeSet<u32> = outcomes
        .iter()
        .filter(|outcome| !right(outcome))
        .filter_map(|outcome| outcome.row.number)
        .collect();
    let good = outcomes.iter().filter(right).count();
    say::line("");
    say::line(format_args!(
        "{good} of {} events right; {} of {} events of Rule's own integration right",
        outcomes.len(),
        listed.len() - wrong.len(),
        listed.len()
    ));
}
