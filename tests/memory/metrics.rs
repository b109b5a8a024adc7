//! Metrics of ours: few, each counted somewhere, each on the dashboard or behind an alarm.

use bridge_tests::local::paths;
use platform::telemetry::{Metric, Owner};

use crate::readme::sources;

/// Every series is billed for itself, and a dashboard of more is read by nobody: so many with one destination,
const SERIES: usize = 20;

/// and so many for each further one.
const EACH: usize = 4;

/// The door's refusals are counted from its log, by the template.
const FROM_LOGS: usize = 1;

#[test]
fn a_stack_has_at_most_twenty_series_and_four_for_each_further_destination() {
    let of = |owner| {
        Metric::ALL
            .iter()
            .filter(move |metric| metric.owner() == owner)
    };
    let each = of(Owner::Destination).count();
    let series = of(Owner::Stack).count() + each + FROM_LOGS;
    assert!(
        series <= SERIES && each <= EACH,
        "{series} series, {each} of them a destination's"
    );
}

#[test]
fn every_metric_is_counted_and_shown() {
    let mut code = String::new();
    for folder in ["shared", "functions"] {
        for file in sources(&paths::root().join(folder)) {
            code += &std::fs::read_to_string(file).unwrap();
        }
    }
    // Nothing writes a metric that the list does not have.
    assert_eq!(
        code.matches("\"CloudWatchMetrics\"").count(),
        2,
        "the writer and its test"
    );
    let template = include_str!("../../template.yaml");
    for metric in Metric::ALL {
        let name = metric.name();
        assert!(
            code.contains(&format!("Metric::{name}")),
            "{name} is never counted"
        );
        let alarm = template.contains(&format!("MetricName: {name}\n"));
        let widget = template.contains(&format!("[\"LoyaltyBridge\", \"{name}\""));
        assert!(alarm || widget, "{name} is never shown");
    }
}
