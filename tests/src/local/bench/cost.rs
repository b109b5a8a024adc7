//! `cost`: what a month costs at AWS's list prices, from counts of real requests.

use super::bill::{self, Counts, Month, Part};
use super::counts::{self, counts};
use super::prices::Prices;
use super::resources::Resources;
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
    /// Tickets a month, in place of what is assumed of so many events.
    pub tickets: Option<u32>,
}

impl Default for Question {
    fn default() -> Self {
        Self {
            destinations: None,
            events: None,
            stores: 1,
            tickets: None,
        }
    }
}

/// Counts and prints.
///
/// # Errors
/// A destination does not exist, the build fails, or a function does not do its work.
pub async fn cost(question: &Question, steps: &Steps) -> Result<()> {
    let destinations = destinations(question.destinations.as_deref())?;
    if question.tickets.is_some_and(|tickets| tickets > 0)
        && !destinations.iter().any(|name| name == "gorgias")
    {
        return Err(Trouble::new(
            "--tickets is about cards beside tickets, which Gorgias alone shows: name gorgias among the destinations too",
        ));
    }
    let prices = Prices::read()?;
    let template = text(&paths::root().join("template.yaml"))?;
    let resources = Resources::read(&template, &destinations);
    let resources = resources.saying("template.yaml does not name everything that a bill needs")?;
    let built = Built::new(QUICK, steps).await?;
    let rounds = built.rounds(1, steps).await?;
    let round = rounds.last().saying("nothing was counted")?;
    let counts = counts(round, &destinations, &prices)?;

    let numbers = question
        .events
        .map_or(EVENTS.to_vec(), |events| vec![events]);
    let mut columns = vec![("idle".to_owned(), Month::default())];
    for events in numbers.into_iter().map(f64::from) {
        let month = Month {
            events,
            tickets: tickets(question, &counts, &prices, events)?,
            ..Month::default()
        };
        columns.push((grouped(events), month));
    }
    for (_, month) in &mut columns {
        month.stores = f64::from(question.stores);
    }
    let bills = columns
        .iter()
        .map(|(_, month)| bill::bill(&counts, &resources, &prices, month))
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
    for line in vendors(&counts, &columns, &destinations, &prices)? {
        say::line(line);
    }
    say::line(
        "\nCounted: requests, units, bytes and processor time, event by event, of all kinds alike, as `cargo local bench` does;\n\
         alarms, secrets, schedules and memory from template.yaml. Each event goes alone: full batches cost less. Free tiers\n\
         are not subtracted. Not in it: starts of functions, what is parked or tried again, how the clock finds who is due, nightly\n\
         comparisons and gaps of stores with `rest`, tax. Assumed (tests/prices.json):",
    );
    for line in prices.assumptions() {
        say::line(line);
    }
    Ok(())
}

/// Tickets that a month brings: none where nobody is shown cards.
fn tickets(question: &Question, counts: &Counts, prices: &Prices, events: f64) -> Result<f64> {
    if counts.desk.is_empty() {
        return Ok(0.0);
    }
    let assumed = prices.assumed("tickets_of_1000_events")? * events / 1000.0;
    Ok(question.tickets.map_or(assumed, f64::from))
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

fn table(columns: &[(String, Month)], bills: &[Vec<Part>]) -> Vec<String> {
    let row = |name: &str, cells: Vec<String>| {
        let line = cells.iter().fold(format!("{name:<30}"), |line, cell| {
            format!("{line}{cell:>19}")
        });
        line.trim_end().to_owned()
    };
    let heads = columns.iter().map(|(name, _)| name.clone()).collect();
    let mut lines = vec![row("events a month", heads)];
    if columns.iter().any(|(_, month)| month.tickets > 0.0) {
        let tickets = columns.iter().map(|(_, month)| grouped(month.tickets));
        lines.push(row("tickets a month", tickets.collect()));
    }
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
    let thousand = columns.iter().zip(bills).map(|((_, month), bill)| {
        if month.events > 0.0 {
            format!("{:.4}       ", 1000.0 * bill::total(bill) / month.events)
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

/// How many accounts with each vendor a month needs at least.
fn vendors(
    counts: &Counts,
    columns: &[(String, Month)],
    destinations: &[String],
    prices: &Prices,
) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for destination in destinations {
        let limit = prices.assumed(&format!("{destination}_requests_a_month"))?;
        let shown = counts::shown(destination);
        for (events, month) in columns {
            let calls = counts.calls(destination, month);
            if calls > limit {
                lines.push(format!(
                    "{events} events are {} requests to {shown}: more than one account takes, so {} accounts at least",
                    grouped(calls),
                    (calls / limit).ceil()
                ));
            }
        }
    }
    Ok(lines)
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
        let all = ["rule", "gorgias", "annexcloud"];
        assert_eq!(destinations(None).expect("all"), all);
        assert_eq!(destinations(Some(&[])).expect("none"), Vec::<String>::new());
        assert_eq!(
            destinations(Some(&asked(&["rule"]))).expect("one"),
            ["rule"]
        );
        let refused = destinations(Some(&asked(&["nobody"]))).expect_err("no such destination");
        let refused = refused.to_string();
        assert!(refused.ends_with("nobody; there are: rule, gorgias, annexcloud"));
    }

    fn month(name: &str, events: f64) -> (String, Month) {
        let month = Month {
            events,
            stores: 1.0,
            tickets: 0.0,
        };
        (name.to_owned(), month)
    }

    #[test]
    fn tickets_are_told_where_there_are_some() {
        let mut months = [month("idle", 0.0), month("1,000", 1000.0)];
        let bills = [Vec::new(), Vec::new()];
        let told = |months: &[(String, Month)]| {
            let lines = table(months, &bills);
            lines.iter().any(|line| line.starts_with("tickets"))
        };
        assert!(!told(&months));
        months[1].1.tickets = 20.0;
        assert!(told(&months));
    }

    #[test]
    fn every_part_has_its_share() {
        let part = |usd| Part { name: "SQS", usd };
        let lines = table(
            &[month("idle", 0.0), month("1,000", 1000.0)],
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
