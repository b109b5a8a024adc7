//! A month's bill: what was counted, times what it costs. Pure arithmetic.

use super::prices::Prices;
use super::resources::{HOURS, Resources};
use super::usage::Usage;
use crate::trouble::Result;

/// What something asks of AWS, in fractions where it is a mean.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Asked {
    pub(super) requests: f64,
    pub(super) write_units: f64,
    pub(super) read_units: f64,
    pub(super) queue_requests: f64,
    pub(super) secret_requests: f64,
}

impl Asked {
    /// The mean of so many.
    pub(super) fn mean(used: &Usage, of: f64) -> Self {
        Self {
            requests: f64::from(used.requests()) / of,
            write_units: super::usage::float(used.write_units) / of,
            read_units: used.read_units() / of,
            queue_requests: used.queue_requests() / of,
            secret_requests: f64::from(used.secret_requests()) / of,
        }
    }

    /// This much of it, that often, on top.
    fn add(&mut self, other: &Self, times: f64) {
        self.requests += other.requests * times;
        self.write_units += other.write_units * times;
        self.read_units += other.read_units * times;
        self.queue_requests += other.queue_requests * times;
        self.secret_requests += other.secret_requests * times;
    }

    /// A part of the way from this to another.
    pub(super) fn toward(&self, other: &Self, part: f64) -> Self {
        let mut between = Self::default();
        between.add(self, 1.0 - part);
        between.add(other, part);
        between
    }

    /// What it asks beyond another; never less than nothing.
    fn beyond(&self, other: &Self) -> Self {
        let beyond = |own: f64, other: f64| (own - other).max(0.0);
        Self {
            requests: beyond(self.requests, other.requests),
            write_units: beyond(self.write_units, other.write_units),
            read_units: beyond(self.read_units, other.read_units),
            queue_requests: beyond(self.queue_requests, other.queue_requests),
            secret_requests: beyond(self.secret_requests, other.secret_requests),
        }
    }
}

/// A function that events or tickets pass through.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Stage {
    /// Invocations for each event, or for each ticket.
    pub(super) share: f64,
    /// One invocation with filled caches.
    pub(super) warm: Asked,
    /// One invocation with nothing cached.
    pub(super) fresh: Asked,
    /// Processor time of an invocation, in seconds of a whole processor.
    pub(super) on_cpu: f64,
    /// Bytes that an invocation writes into its log.
    pub(super) logged: f64,
    /// Requests to a vendor for each invocation; and the bytes of their bodies, or of the answer's to a caller.
    pub(super) calls: f64,
    pub(super) sent: f64,
    /// That vendor, by the destination's name.
    pub(super) to: Option<&'static str>,
    /// Whether Lambda takes its events from a queue.
    pub(super) queued: bool,
    /// Whether it is invoked through the HTTP API.
    pub(super) at_door: bool,
}

/// What a month brings.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Month {
    pub(super) events: f64,
    pub(super) stores: f64,
    pub(super) tickets: f64,
}

/// Everything that was counted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Counts {
    /// What an event passes through.
    pub(super) stages: Vec<Stage>,
    /// What a ticket passes through; nothing where no cards are shown.
    pub(super) desk: Vec<Stage>,
    /// A round of upkeep without work, for one store: what it asks, its processor time, its log.
    pub(super) round: Stage,
    /// Series of metrics that are always alive.
    pub(super) series: f64,
    /// Bytes in the table for one event (30 days), its deliveries (90 days), and one person (for good).
    pub(super) events: f64,
    pub(super) deliveries: f64,
    pub(super) person: f64,
    /// Secrets that each store has.
    pub(super) secrets: f64,
}

impl Counts {
    /// Every stage with its invocations in a month.
    fn invoked(&self, month: &Month) -> impl Iterator<Item = (&Stage, f64)> {
        let (events, tickets) = (month.events, month.tickets);
        let stages = self.stages.iter().map(move |stage| (stage, events));
        let desk = self.desk.iter().map(move |stage| (stage, tickets));
        let all = stages.chain(desk);
        all.map(|(stage, number)| (stage, number * stage.share))
    }

    /// Requests of a month to a vendor.
    pub(super) fn calls(&self, vendor: &str, month: &Month) -> f64 {
        let own = self.invoked(month);
        let own = own.filter(|(stage, _)| stage.to == Some(vendor));
        own.map(|(stage, invocations)| invocations * stage.calls)
            .sum()
    }
}

/// One part of a bill.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    pub(super) name: &'static str,
    /// USD a month.
    pub(super) usd: f64,
}

/// The names of the parts, in the order of every bill.
const PARTS: [&str; 9] = [
    "HTTP API",
    "Lambda",
    "SQS",
    "DynamoDB requests",
    "DynamoDB storage, backup, key",
    "Secrets Manager",
    "CloudWatch logs",
    "alarms, metrics, dashboard",
    "schedule, data sent out",
];

/// The bill of a month.
///
/// # Errors
/// The file of prices does not name something.
pub(super) fn bill(
    counts: &Counts,
    resources: &Resources,
    prices: &Prices,
    brought: &Month,
) -> Result<Vec<Part>> {
    let (events, stores) = (brought.events, brought.stores);
    let month = HOURS * 3600.0;
    let assumed = |name| prices.assumed(name);
    let memory = resources.memory / 1024.0;
    let slower = (assumed("full_processor_mb")? / resources.memory).max(1.0);
    let (aws_wait, vendor_wait) = (
        assumed("aws_request_ms")? / 1e3,
        assumed("vendor_request_ms")? / 1e3,
    );
    let seconds = |stage: &Stage, asked: &Asked| {
        stage.on_cpu * slower + asked.requests * aws_wait + stage.calls * vendor_wait
    };
    let platform_log = assumed("platform_log_bytes")?;

    let mut asked = Asked::default();
    let (mut invocations, mut billed, mut logged, mut sent) = (0.0, 0.0, 0.0, 0.0);
    let mut at_door = 0.0;
    for (stage, own) in counts.invoked(brought) {
        let warm = seconds(stage, &stage.warm);
        // Caches last a minute or longer, in each process for itself; nothing is read anew more often than it is used.
        let processes = (own * warm / month).ceil().max(1.0);
        let anew = own.min(HOURS * 60.0 * stores * processes);
        let beyond = stage.fresh.beyond(&stage.warm);
        asked.add(&stage.warm, own);
        asked.add(&beyond, anew);
        if stage.queued {
            asked.queue_requests += 2.0 * own;
        }
        if stage.at_door {
            at_door += own;
        }
        invocations += own;
        billed += own * warm + anew * beyond.requests * aws_wait;
        logged += own * (stage.logged + platform_log);
        let answers = f64::from(u8::from(stage.at_door));
        sent += own * (stage.sent + (stage.calls + answers) * assumed("header_bytes")?);
    }
    let (rounds, days) = (resources.rounds, resources.days);
    asked.add(&counts.round.warm, rounds * stores);
    invocations += rounds + days;
    billed += rounds * stores * seconds(&counts.round, &counts.round.warm);
    logged += rounds * (counts.round.logged + platform_log)
        + days * platform_log
        + at_door * resources.access_log;
    asked.queue_requests +=
        resources.taken_queues * assumed("pollers")? * month / assumed("poll_seconds")?;

    let people = events / assumed("events_of_a_person")?;
    let gb = 1e9;
    let kept =
        (events * counts.events + 3.0 * events * counts.deliveries + people * counts.person) / gb;
    let key_requests = assumed("key_requests_an_hour")? * HOURS * resources.functions;
    let secrets = resources.secrets + counts.secrets * stores;
    let cost = |name, units| prices.cost(name, units);
    let usd = [
        cost("api_request", at_door)?,
        cost("lambda_request", invocations)? + cost("lambda_gb_second", billed * memory)?,
        cost("queue_request", asked.queue_requests)?,
        cost("write_unit", asked.write_units)? + cost("read_unit", asked.read_units)?,
        cost("table_gb_month", kept)?
            + cost("backup_gb_month", kept)?
            + cost("key_request", key_requests)?,
        cost("secret", secrets)? + cost("secret_request", asked.secret_requests)?,
        cost("log_gb", logged / gb)? + cost("log_gb_month", logged / gb)?,
        cost("alarm", resources.alarms)?
            + cost("metric", counts.series)?
            + cost("dashboard", resources.dashboards)?,
        cost("schedule", rounds + days)? + cost("sent_gb", sent / gb)?,
    ];
    Ok(PARTS
        .into_iter()
        .zip(usd)
        .map(|(name, usd)| Part { name, usd })
        .collect())
}

/// What a bill comes to.
pub(super) fn total(bill: &[Part]) -> f64 {
    bill.iter().map(|part| part.usd).sum()
}

/// The dearest part of a bill.
pub(super) fn dearest(bill: &[Part]) -> Option<&Part> {
    bill.iter()
        .max_by(|one, other| one.usd.total_cmp(&other.usd))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn prices() -> Prices {
        let names = [
            "api_request",
            "lambda_request",
            "lambda_gb_second",
            "queue_request",
            "write_unit",
            "read_unit",
            "table_gb_month",
            "backup_gb_month",
            "key_request",
            "secret",
            "secret_request",
            "log_gb",
            "log_gb_month",
            "metric",
            "alarm",
            "dashboard",
            "schedule",
            "sent_gb",
        ];
        let price = |name: &&str| {
            (
                (*name).to_owned(),
                json!({"usd": 1.0, "per": 1.0, "unit": "", "page": ""}),
            )
        };
        let assumed = [
            ("aws_request_ms", 10.0),
            ("vendor_request_ms", 100.0),
            ("full_processor_mb", 2048.0),
            ("platform_log_bytes", 0.0),
            ("pollers", 0.0),
            ("poll_seconds", 20.0),
            ("key_requests_an_hour", 0.0),
            ("events_of_a_person", 2.0),
            ("header_bytes", 0.0),
        ];
        let assumed =
            assumed.map(|(name, value)| (name.to_owned(), json!({"value": value, "why": ""})));
        let prices: serde_json::Map<_, _> = names.iter().map(price).collect();
        let assumed: serde_json::Map<_, _> = assumed.into_iter().collect();
        serde_json::from_value(
            json!({"region": "", "read_on": "", "prices": prices, "assumed": assumed}),
        )
        .expect("prices")
    }

    fn stage() -> Stage {
        Stage {
            share: 1.0,
            warm: Asked {
                requests: 2.0,
                write_units: 3.0,
                ..Asked::default()
            },
            fresh: Asked {
                requests: 4.0,
                write_units: 4.0,
                read_units: 0.5,
                ..Asked::default()
            },
            on_cpu: 0.001,
            logged: 100.0,
            calls: 1.0,
            sent: 1000.0,
            to: Some("rule"),
            queued: true,
            at_door: true,
        }
    }

    fn counts() -> Counts {
        Counts {
            stages: vec![stage()],
            desk: Vec::new(),
            round: Stage::default(),
            series: 3.0,
            events: 1e6,
            deliveries: 2e6,
            person: 4e6,
            secrets: 2.0,
        }
    }

    fn resources() -> Resources {
        Resources {
            alarms: 16.0,
            dashboards: 1.0,
            secrets: 1.0,
            functions: 5.0,
            taken_queues: 2.0,
            memory: 256.0,
            rounds: 10.0,
            days: 3.0,
            access_log: 50.0,
        }
    }

    fn month(events: f64) -> Month {
        Month {
            events,
            stores: 1.0,
            tickets: 0.0,
        }
    }

    fn of(bill: &[Part], name: &str) -> f64 {
        bill.iter()
            .find(|part| part.name == name)
            .map_or(f64::NAN, |part| part.usd)
    }

    #[test]
    fn each_count_is_paid_once() {
        let bill = bill(&counts(), &resources(), &prices(), &month(100.0)).expect("a bill");
        let close = |name: &str, usd: f64| {
            let own = of(&bill, name);
            assert!((own - usd).abs() < 1e-6, "{name}: {own}, not {usd}");
        };
        close("HTTP API", 100.0);
        // Seldom events find every cache empty.
        close("DynamoDB requests", 100.0 * 4.0 + 100.0 * 0.5);
        close("SQS", 2.0 * 100.0);
        // A whole processor's millisecond takes eight of an eighth; then two waits, those of the empty caches, and Rule.
        let seconds = 100.0 * (0.008 + 0.02 + 0.1) + 100.0 * 0.02;
        close("Lambda", 113.0 + seconds * 0.25);
        close("DynamoDB storage, backup, key", 2.0 * (0.1 + 0.6 + 0.2));
        close("Secrets Manager", 3.0);
        close("CloudWatch logs", 2.0 * (100.0 * 150.0) / 1e9);
        close("alarms, metrics, dashboard", 20.0);
        close("schedule, data sent out", 13.0 + 100.0 * 1000.0 / 1e9);
        assert_eq!(
            dearest(&bill).map(|part| part.name),
            Some("DynamoDB requests")
        );
    }

    #[test]
    fn caches_are_filled_once_a_minute_and_not_for_every_event() {
        let events = 1e6;
        let bill = bill(&counts(), &resources(), &prices(), &month(events)).expect("a bill");
        // 0.128 s each of 2,628,000 in a month: one process.
        let minutes = HOURS * 60.0;
        let units = events * 3.0 + minutes * (1.0 + 0.5);
        assert!((of(&bill, "DynamoDB requests") - units).abs() < 1e-3);
    }

    #[test]
    fn idle_costs_what_is_there_and_no_event() {
        let bill = bill(&counts(), &resources(), &prices(), &month(0.0)).expect("a bill");
        assert!(
            (total(&bill) - (13.0 + 3.0 + 20.0 + 13.0)).abs() < 1e-6,
            "{bill:?}"
        );
    }
    #[test]
    fn a_ticket_is_paid_like_an_event() {
        let mut counts = counts();
        counts.desk.push(Stage {
            share: 4.0,
            warm: Asked {
                requests: 1.0,
                read_units: 0.5,
                ..Asked::default()
            },
            at_door: true,
            calls: 2.0,
            to: Some("annexcloud"),
            ..Stage::default()
        });
        let month = Month {
            tickets: 10.0,
            ..month(100.0)
        };
        let bill = bill(&counts, &resources(), &prices(), &month).expect("a bill");
        assert!((of(&bill, "HTTP API") - 140.0).abs() < 1e-6);
        let units = 100.0 * 4.5 + 40.0 * 0.5;
        assert!((of(&bill, "DynamoDB requests") - units).abs() < 1e-6);
        assert!((counts.calls("annexcloud", &month) - 80.0).abs() < 1e-6);
        assert!((counts.calls("rule", &month) - 100.0).abs() < 1e-6);
    }

    #[test]
    fn what_is_not_measured_lies_between() {
        let asked = |requests| Asked {
            requests,
            ..Asked::default()
        };
        let between = asked(4.0).toward(&asked(8.0), 0.5);
        assert!((between.requests - 6.0).abs() < 1e-9);
    }
}
