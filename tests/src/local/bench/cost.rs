//! `cost`: what a month costs at AWS's list prices, from counts of real requests.

use super::bill::{self, Asked as Used, Counts, Part, Stage};
use super::kinds;
use super::prices::Prices;
use super::resources::Resources;
use super::round::{Counted, Round};
use super::stream::EACH;
use super::usage::float;
use super::{Built, FUNCTIONS, QUICK, text};
use crate::local::paths;
use crate::say::{self, Steps};
use crate::trouble::{Result, Saying, Trouble};

/// Events a month, unless somebody asks for another number.
const EVENTS: [u32; 3] = [10_000, 1_000_000, 100_000_000];

/// What a person wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The destinations, by name; none is all that exist.
    pub destinations: Option<Vec<String>>,
    /// Events a month, in place of the three usual numbers.
    pub events: Option<u32>,
    /// Stores.
    pub stores: u32,
}

impl Default for Question {
    fn default() -> Self {
        Self {
            destinations: None,
            events: None,
            stores: 1,
        }
    }
}

/// Counts and prints.
///
/// # Errors
/// A destination does not exist, the build fails, or a function does not do its work.
pub async fn cost(question: &Question, steps: &Steps) -> Result<()> {
    let destinations = destinations(question.destinations.as_deref())?;
    let prices = Prices::read()?;
    let template = text(&paths::root().join("template.yaml"))?;
    let resources = Resources::read(&template, &destinations);
    let resources = resources.saying("template.yaml does not name everything that a bill needs")?;
    let built = Built::new(QUICK, steps).await?;
    let rounds = built.rounds(1, steps).await?;
    let round = rounds.last().saying("nothing was counted")?;
    let counts = counts(round, &destinations);

    let numbers = question
        .events
        .map_or(EVENTS.to_vec(), |events| vec![events]);
    let numbers: Vec<f64> = numbers.into_iter().map(f64::from).collect();
    let stores = f64::from(question.stores);
    let mut columns = vec![("idle".to_owned(), 0.0)];
    columns.extend(numbers.iter().map(|events| (grouped(*events), *events)));
    let bills = columns
        .iter()
        .map(|(_, events)| bill::bill(&counts, &resources, &prices, (*events, stores)))
        .collect::<Result<Vec<_>>>()?;
    let to = match destinations.as_slice() {
        [] => "no destination".to_owned(),
        some => some.join(", "),
    };
    say::line(format_args!(
        "USD a month at the list prices of {} ({}), for {} {} with {to}\n",
        prices.region,
        prices.read_on,
        question.stores,
        if question.stores > 1 {
            "stores"
        } else {
            "store"
        }
    ));
    for line in table(&columns, &bills) {
        say::line(line);
    }
    for line in vendors(&counts, &numbers, &prices)? {
        say::line(line);
    }
    say::line(
        "\nCounted: requests, units, bytes and processor time, event by event, of all kinds alike, as `cargo local bench` does;\n\
         alarms, secrets, schedules and memory from template.yaml. Each event goes alone: full batches cost less. Free tiers\n\
         are not subtracted. Not in it: starts of functions, what is parked or tried again, tax. Assumed (tests/prices.json):",
    );
    for line in prices.assumptions() {
        say::line(line);
    }
    Ok(())
}

/// The destinations that are asked for; all that exist, if none is named.
fn destinations(asked: Option<&[String]>) -> Result<Vec<String>> {
    let all: Vec<String> = FUNCTIONS
        .iter()
        .filter_map(|name| name.strip_prefix("push-"))
        .map(str::to_owned)
        .collect();
    let Some(asked) = asked else {
        return Ok(all);
    };
    match asked.iter().find(|name| !all.contains(name)) {
        Some(unknown) => Err(Trouble::new(format!(
            "there is no destination {unknown}; there are: {}",
            all.join(", ")
        ))),
        None => Ok(asked.to_vec()),
    }
}

/// What a round says of an event.
fn counts(round: &Round, destinations: &[String]) -> Counts {
    let sum = kinds::sum(&round.kinds);
    let events = float(round.kinds.len() * EACH);
    let mut stages: Vec<Stage> = Vec::new();
    for (place, name) in super::round::WAY.iter().enumerate() {
        let destination = name.strip_prefix("push-");
        if destination.is_some_and(|own| !destinations.iter().any(|name| name == own)) {
            continue;
        }
        let invocations = if destination.is_some() {
            float(sum.messages)
        } else {
            events
        };
        stages.push(stage(round, &sum, (place, name), (invocations, events)));
    }
    if destinations.is_empty()
        && let Some(recorder) = stages.get_mut(1)
    {
        // Nobody is sent anything.
        recorder.warm.queue_requests = 0.0;
        recorder.fresh.queue_requests = 0.0;
    }
    let stored = round.stored;
    let served = if destinations.is_empty() { 0.0 } else { 1.0 };
    Counts {
        stages,
        round: Stage {
            share: 1.0,
            warm: Used::mean(&round.idle, 1.0),
            fresh: Used::default(),
            queued: false,
            calls: 0.0,
            sent: 0.0,
            ..spent(round, "upkeep")
        },
        series: float(round.series) * served,
        events: float(stored.events) / events,
        deliveries: served * float(stored.deliveries) / events,
        // One for each event.
        person: float(stored.members) / events,
        // Its webhook's, and one for each destination.
        secrets: 1.0 + float(destinations.len()),
    }
}

fn stage(
    round: &Round,
    sum: &Counted,
    (place, name): (usize, &str),
    (invocations, events): (f64, f64),
) -> Stage {
    let pushes = name.starts_with("push-");
    let calls = |count: usize| {
        if pushes {
            float(count) / invocations
        } else {
            0.0
        }
    };
    Stage {
        share: invocations / events,
        warm: Used::mean(&sum.used[place], invocations),
        fresh: Used::mean(&round.fresh[place], 1.0),
        calls: calls(sum.calls),
        sent: calls(sum.sent),
        queued: name != "webhook",
        ..spent(round, name)
    }
}

/// A stage with only its processor time and its log.
fn spent(round: &Round, name: &str) -> Stage {
    let place = FUNCTIONS.iter().position(|function| *function == name);
    let spent = place.and_then(|place| round.spent.get(place));
    Stage {
        share: 0.0,
        warm: Used::default(),
        fresh: Used::default(),
        on_cpu: spent.map_or(0.0, |spent| spent.on_cpu.as_secs_f64()),
        logged: spent.map_or(0.0, |spent| {
            f64::from(u32::try_from(spent.logged).unwrap_or(u32::MAX))
        }),
        calls: 0.0,
        sent: 0.0,
        queued: false,
    }
}

fn table(columns: &[(String, f64)], bills: &[Vec<Part>]) -> Vec<String> {
    let row = |name: &str, cells: Vec<String>| {
        let line = cells.iter().fold(format!("{name:<30}"), |line, cell| {
            format!("{line}{cell:>19}")
        });
        line.trim_end().to_owned()
    };
    let heads = columns.iter().map(|(name, _)| name.clone()).collect();
    let mut lines = vec![row("events a month", heads)];
    for (place, part) in bills
        .iter()
        .flatten()
        .take(bills.first().map_or(0, Vec::len))
        .enumerate()
    {
        let cells = bills.iter().map(|bill| {
            let (usd, total) = (bill[place].usd, bill::total(bill));
            format!("{usd:.2} {:>4.0} %", 100.0 * usd / total)
        });
        lines.push(row(part.name, cells.collect()));
    }
    let totals = bills
        .iter()
        .map(|bill| format!("{:.2}       ", bill::total(bill)));
    lines.push(row("together", totals.collect()));
    let thousand = columns.iter().zip(bills).map(|((_, events), bill)| {
        if *events > 0.0 {
            format!("{:.4}       ", 1000.0 * bill::total(bill) / events)
        } else {
            String::new()
        }
    });
    lines.push(row("for each 1000 events", thousand.collect()));
    lines.push(String::new());
    for ((name, _), bill) in columns.iter().zip(bills) {
        if let Some(part) = bill::dearest(bill) {
            lines.push(format!("dearest at {name}: {}", part.name));
        }
    }
    lines
}

/// How many accounts with a vendor so many events need at least.
fn vendors(counts: &Counts, numbers: &[f64], prices: &Prices) -> Result<Vec<String>> {
    let limit = prices.assumed("vendor_requests_a_month")?;
    let calls: f64 = counts
        .stages
        .iter()
        .map(|stage| stage.share * stage.calls)
        .sum();
    let lines = numbers.iter().map(|events| (events, events * calls));
    Ok(lines
        .filter(|(_, calls)| *calls > limit)
        .map(|(events, calls)| {
            let accounts = (calls / limit).ceil();
            format!(
                "{} events are {} requests to Rule: more than one account takes, so {accounts} accounts at least",
                grouped(*events),
                grouped(calls)
            )
        })
        .collect())
}

/// `1,000,000`.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let all = [0.0, 999.0, 1000.0, 1e8].map(grouped);
        assert_eq!(all, ["0", "999", "1,000", "100,000,000"]);
    }

    #[test]
    fn a_destination_that_does_not_exist_is_named() {
        let asked = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(destinations(None).expect("all"), ["rule"]);
        assert_eq!(destinations(Some(&[])).expect("none"), Vec::<String>::new());
        assert_eq!(
            destinations(Some(&asked(&["rule"]))).expect("one"),
            ["rule"]
        );
        let refused = destinations(Some(&asked(&["nobody"]))).expect_err("no such destination");
        assert!(refused.to_string().contains("nobody; there are: rule"));
    }

    #[test]
    fn every_part_has_its_share() {
        let part = |usd| Part { name: "SQS", usd };
        let lines = table(
            &[("idle".to_owned(), 0.0), ("1,000".to_owned(), 1000.0)],
            &[
                vec![
                    part(1.0),
                    Part {
                        name: "Lambda",
                        usd: 3.0,
                    },
                ],
                vec![
                    part(4.0),
                    Part {
                        name: "Lambda",
                        usd: 1.0,
                    },
                ],
            ],
        );
        assert!(
            lines[1].contains("1.00   25 %") && lines[1].contains("4.00   80 %"),
            "{lines:?}"
        );
        assert!(lines.contains(&"dearest at idle: Lambda".to_owned()));
        assert!(lines.contains(&"dearest at 1,000: SQS".to_owned()));
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("for each 1000 events") && line.contains("5.0000"))
        );
    }
}
