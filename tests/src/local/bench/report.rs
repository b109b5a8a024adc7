//! Figures beside their targets, and the machine that they are from.

use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::local::paths;
use crate::trouble::{Result, Saying};

/// A machine that is this busy before anything is measured gives no figures worth keeping, in percent.
const BUSY: f64 = 10.0;

/// Something that was measured, with what it is to stay under if that was set.
#[derive(Debug)]
pub(super) struct Figure {
    what: String,
    unit: &'static str,
    values: Vec<f64>,
    target: Option<f64>,
    /// Whether more is better.
    more: bool,
}

impl Figure {
    /// A figure of one or more measurements.
    pub(super) fn new(
        what: &str,
        unit: &'static str,
        values: Vec<f64>,
        target: Option<f64>,
    ) -> Self {
        let mut values = values;
        values.sort_by(f64::total_cmp);
        Self {
            what: what.to_owned(),
            unit,
            values,
            target,
            more: false,
        }
    }

    /// A figure that is to be over its target.
    pub(super) fn over(self) -> Self {
        Self { more: true, ..self }
    }

    /// The one in the middle.
    pub(super) fn median(&self) -> f64 {
        self.values
            .get(self.values.len() / 2)
            .copied()
            .unwrap_or(f64::NAN)
    }

    /// A line of the table.
    pub(super) fn line(&self) -> String {
        let Self {
            what,
            unit,
            values,
            target,
            more,
        } = self;
        let median = self.median();
        let spread = match values.as_slice() {
            [least, .., most] => format!("{least:.2} to {most:.2}"),
            _ => String::new(),
        };
        let verdict = target.map_or_else(String::new, |target| {
            let met = if *more {
                median > target
            } else {
                median < target
            };
            let missed = if met { "" } else { "  MISSED" };
            let side = if *more { "over" } else { "under" };
            format!("target: {side} {target} {unit}{missed}")
        });
        let line = format!("{what:<28} {median:>7.2} {unit:<4} {spread:<16} {verdict}");
        line.trim_end().to_owned()
    }
}

/// Where and of what the figures are.
///
/// # Errors
/// This is no Linux.
pub(super) fn circumstances(profile: &str) -> Result<Vec<String>> {
    let cpus = read("/proc/cpuinfo")?;
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("a processor without a name", |rest| {
            rest.trim_start_matches([' ', '\t', ':'])
        });
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let busy = busy(Duration::from_secs(1))?;
    let mut lines = vec![
        format!("commit {}, profile {profile}", commit()),
        format!(
            "{model}, {cores} cores, {}; {busy:.0} % busy before",
            std::env::consts::ARCH
        ),
    ];
    if busy > BUSY {
        lines.push(
            "The machine was at work on something else: these figures are not worth keeping."
                .to_owned(),
        );
    }
    Ok(lines)
}

fn read(file: &str) -> Result<String> {
    std::fs::read_to_string(file).saying(format!("cannot read {file}; measuring needs Linux"))
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(paths::root())
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    match git(&["status", "--porcelain"]) {
        Some(changes) if !changes.is_empty() => format!("{commit} with changes"),
        _ => commit,
    }
}

/// How busy the machine is over this time, in percent.
fn busy(time: Duration) -> Result<f64> {
    let before = ticks(&read("/proc/stat")?);
    thread::sleep(time);
    let after = ticks(&read("/proc/stat")?);
    Ok(share(before, after))
}

fn share(before: [f64; 2], after: [f64; 2]) -> f64 {
    let [all, idle] = [after[0] - before[0], after[1] - before[1]];
    if all > 0.0 {
        100.0 * (all - idle) / all
    } else {
        0.0
    }
}

/// All ticks so far, and those without work: the fourth and fifth number.
fn ticks(stat: &str) -> [f64; 2] {
    let line = stat.lines().next().unwrap_or_default();
    let numbers: Vec<f64> = line
        .split_whitespace()
        .skip(1)
        .filter_map(|number| number.parse().ok())
        .collect();
    [numbers.iter().sum(), numbers.iter().skip(3).take(2).sum()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_decides_and_a_miss_is_said() {
        let reached = Figure::new("start", "ms", vec![40.0, 9.0, 8.0], Some(15.0));
        assert!(reached.line().contains("9.00 ms"), "{}", reached.line());
        assert!(!reached.line().contains("MISSED"));
        assert!(reached.line().contains("8.00 to 40.00"));
        let missed = Figure::new("start", "ms", vec![15.0], Some(15.0));
        assert!(
            missed.line().ends_with("under 15 ms  MISSED"),
            "{}",
            missed.line()
        );
    }

    #[test]
    fn what_has_no_target_misses_none() {
        let line = Figure::new("cut", "µs", vec![99.0], None).line();
        assert!(line.ends_with("99.00 µs"), "{line}");
    }

    #[test]
    fn waiting_for_a_disk_is_no_work() {
        let before = ticks("cpu  10 0 10 70 10 0 0\ncpu0 1 1 1 1\n");
        let after = ticks("cpu  20 0 20 140 20 0 0\n");
        assert!((share(before, after) - 20.0).abs() < 1e-9);
        assert!(share(after, after).abs() < 1e-9);
    }
}
