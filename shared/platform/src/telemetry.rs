//! Logs and metrics. Logs are JSON lines; metrics are lines in `CloudWatch`'s embedded metric format.
//!
//! Neither carries anything about a person: a member is named by a keyed hash, a refusal by its reason code.

use std::io::Write as _;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tracing::Level;
use tracing_subscriber::{
    Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::config::variable;

/// The metrics' namespace in `CloudWatch`.
const NAMESPACE: &str = "LoyaltyBridge";

/// Our crates, by the names under which they log.
const OURS: [&str; 17] = [
    "delivery",
    "emit_anniversaries",
    "emit_birthdays",
    "emit_reminders",
    "emitters",
    "lookup",
    "operator",
    "platform",
    "push_annexcloud",
    "push_gorgias",
    "push_rule",
    "reader",
    "recorder",
    "recording",
    "upkeep",
    "vendors",
    "webhook",
];

/// Starts JSON logs at the level in `LOG_LEVEL` (`info` by default). Libraries only speak up when something is wrong:
/// their debug lines print requests.
pub fn start() {
    let level = variable("LOG_LEVEL")
        .and_then(|level| level.parse().ok())
        .unwrap_or(Level::INFO);
    let ours = OURS.iter().map(|name| (*name, level));
    let logs = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_filter(Targets::new().with_default(Level::WARN).with_targets(ours));
    let started = tracing_subscriber::registry().with(logs).try_init();
    // A second start is a test's: the first one stays.
    drop(started);
    // The usual message of a panic may quote the text that it stumbled over.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "the program stumbled over a record; it comes again");
    }));
}

macro_rules! metrics {
    ($($(#[$doc:meta])* $variant:ident of $owner:ident,)*) => {
        /// A metric of ours. A closed list: each is one series for the stack, or one for each of its destinations, and
        /// `CloudWatch` bills every series.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Metric {
            $($(#[$doc])* $variant,)*
        }

        impl Metric {
            /// Every metric.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($variant),)*
                }
            }

            /// Whose it is.
            #[must_use]
            pub const fn owner(self) -> Owner {
                match self {
                    $(Self::$variant => Owner::$owner,)*
                }
            }
        }
    };
}

/// Whose a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The stack's.
    Stack,
    /// Each destination's.
    Destination,
}

metrics! {
    /// A delivery was kept and not used.
    Kept of Stack,
    /// There is a notice to a person.
    Notices of Stack,
    /// News of a person who was erased was turned away.
    Erased of Stack,
    /// A member's picture was another one than the source's.
    Drifted of Stack,
    /// The clock brought a day of somebody's.
    Emitted of Stack,
    /// A day was missed for longer than the store catches up.
    EmitDropped of Stack,
    /// A kind was left to the store's source, which was seen sending it.
    EmitStoodDown of Stack,
    /// A card could not be shown: the table, the settings or a source did not answer in time.
    CardsUnavailable of Stack,
    /// Stores whose source is not asked: a wrong credential, or an outage.
    ReadsStopped of Stack,
    /// What is ours at a vendor and the vendor has disabled.
    IntegrationsDisabled of Stack,
    /// The vendor refused it, or nobody can tell whether it arrived.
    Rejected of Destination,
    /// Lines that are closed.
    LinesClosed of Destination,
    /// Messages that are parked.
    Parked of Destination,
    /// For how long the oldest of them has waited.
    OldestParkedSeconds of Destination,
}

/// Writes one count of the stack's own metric.
pub fn count(now: Timestamp, metric: Metric, value: u64) {
    write(now, metric, &[], value);
}

/// Writes one count of a destination's metric.
pub fn count_for(now: Timestamp, metric: Metric, destination: &str, value: u64) {
    write(now, metric, &[("Destination", destination)], value);
}

fn write(now: Timestamp, metric: Metric, dimensions: &[(&str, &str)], value: u64) {
    let stack = variable("STACK").unwrap_or_else(|| "local".to_owned());
    // Nobody can act on a log that cannot be written.
    let _ = writeln!(
        std::io::stdout().lock(),
        "{}",
        line(now, &stack, metric.name(), dimensions, value)
    );
}

fn line(
    now: Timestamp,
    stack: &str,
    metric: &str,
    dimensions: &[(&str, &str)],
    value: u64,
) -> Value {
    let mut names = vec!["Stack"];
    names.extend(dimensions.iter().map(|(name, _)| *name));
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [names],
                "Metrics": [{"Name": metric, "Unit": "Count"}],
            }],
        }),
    );
    line.insert("Stack".to_owned(), json!(stack));
    for (name, value) in dimensions {
        line.insert((*name).to_owned(), json!(value));
    }
    line.insert(metric.to_owned(), json!(value));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_one_line_of_the_embedded_format() {
        let line = line(
            Timestamp::UNIX_EPOCH,
            "bridge",
            "Rejected",
            &[("Destination", "rule")],
            1,
        );
        assert_eq!(
            line,
            json!({
                "_aws": {
                    "Timestamp": 0,
                    "CloudWatchMetrics": [{
                        "Namespace": "LoyaltyBridge",
                        "Dimensions": [["Stack", "Destination"]],
                        "Metrics": [{"Name": "Rejected", "Unit": "Count"}],
                    }],
                },
                "Stack": "bridge", "Destination": "rule", "Rejected": 1,
            })
        );
    }
}
