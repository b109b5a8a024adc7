//! `bench`: how quick and how large the functions are, beside what they are to be.
//!
//! The functions are built for this machine with a profile of the deployed ones, and run under a runtime API and an AWS
//! of our own, so that only their own work counts. One round is a small life of the product: operator puts the example
//! store and simulates an event, webhook takes the events in `events/invoke/webhook`, recorder what they put on the
//! inbox, push-rule what recorder sent it, and upkeep and reader find nothing to do; and Rule's strict stand-in takes what push-rule
//! sends. Every answer must be a good one.
//!
//! Not in the figures: TLS (everything is plain HTTP on this machine), AWS's own time, and reading the binary from a
//! disk. No test asserts a time.

mod aws;
mod package;
mod report;
mod round;
mod runtime;
mod server;

use self::package::Executables;
use self::report::Figure;
use self::round::{Measured, Site};
use self::runtime::Run;
use super::{build, paths};
use crate::say::{self, Steps};
use crate::trouble::{Result, Saying, Trouble};

/// In the order of a round.
const FUNCTIONS: [&str; 6] = [
    "operator",
    "webhook",
    "recorder",
    "push-rule",
    "upkeep",
    "reader",
];

/// How often everything is measured; the median counts. One round goes before, uncounted, so that every binary comes
/// from memory.
const ROUNDS: usize = 5;

/// What start (ms), peak memory (MiB), package (MB) and the processor time of one event (µs) are to stay under.
const START: f64 = 15.0;
const PEAK: f64 = 20.0;
const ZIP: f64 = 4.0;
const WAY: f64 = 20.0;

/// What recorder and pusher are to work through at least, in messages for each second of one core, on ports in memory.
const RATE: f64 = 1_000.0;

const ELSEWHERE: &str = "\
Counted by tests, not here: one request to SQS in webhook (a_delivery_is_stamped_and_queued_in_one_request), at most 5
write units in recorder (an_ordinary_event_costs_five_write_units_at_most) and in push-rule
(an_event_costs_five_write_units_at_most_and_one_call).";

/// Builds with this profile, measures, prints.
///
/// # Errors
/// The build fails, or a function does not do its work.
pub async fn bench(profile: &str, steps: &Steps) -> Result<()> {
    let template = build::functions_of(&paths::root().join("template.yaml"))?;
    let unknown = |name: &&String| !FUNCTIONS.contains(&name.as_str());
    if let Some(unknown) = template.iter().find(unknown) {
        return Err(Trouble::new(format!(
            "nobody told `cargo local bench` how to invoke {unknown}"
        )));
    }
    let step = steps.begin(&format!("building with profile {profile}"));
    let functions = Executables::functions(profile).await?;
    let mapping = Executables::mapping(profile).await?;
    let throughput = Executables::throughput(profile).await?;
    step.done();

    let folder = paths::local().join("bench");
    std::fs::create_dir_all(&folder).saying(format!("cannot make {}", folder.display()))?;
    let circumstances = report::circumstances(profile)?;
    let step = steps.begin("measuring");
    let rule = round::rule().await?;
    let site = Site::new(&functions, &folder, &rule)?;
    let rounds = tokio::task::spawn_blocking(move || -> Result<Vec<_>> {
        site.round()?;
        (0..ROUNDS).map(|_| site.round()).collect()
    });
    let rounds = rounds.await.saying("the measuring broke off")??;
    round::all_taken(&rule).await?;
    let (mut ways, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        rates.push(package::rates(throughput.of("throughput")?).await?);
        ways.push(package::ways(mapping.of("mapping")?).await?);
    }
    let mut zips = Vec::new();
    for name in FUNCTIONS {
        zips.push(package::zip(name, functions.of(name)?, &folder).await?);
    }
    step.done();

    for line in circumstances {
        say::line(line);
    }
    say::line(format_args!("median of {ROUNDS}, least to most\n"));
    for figure in figures(&rounds, &zips, (&ways, &rates)) {
        say::line(figure.line());
    }
    say::line("\nrequests to AWS in one round");
    for (name, measured) in FUNCTIONS.iter().zip(rounds.last().into_iter().flatten()) {
        say::line(measured.requests(name));
    }
    say::line(format_args!("\n{ELSEWHERE}"));
    Ok(())
}

fn figures(
    rounds: &[Vec<Measured>],
    zips: &[f64],
    (ways, rates): (&[[f64; 2]], &[[f64; 2]]),
) -> Vec<Figure> {
    let of = |place: usize, value: fn(&Run) -> f64| {
        let measured = rounds.iter().filter_map(|round| round.get(place));
        measured.map(|measured| value(&measured.run)).collect()
    };
    let mut figures = Vec::new();
    for (place, name) in FUNCTIONS.iter().enumerate() {
        let what = format!("{name}: start");
        let start = of(place, |run| run.start.as_secs_f64() * 1e3);
        figures.push(Figure::new(&what, "ms", start, Some(START)));
    }
    for (place, name) in FUNCTIONS.iter().enumerate() {
        let what = format!("{name}: peak memory");
        let peak = of(place, |run| f64::from(run.peak) / 1024.0);
        figures.push(Figure::new(&what, "MiB", peak, Some(PEAK)));
    }
    for (name, zip) in FUNCTIONS.iter().zip(zips) {
        let what = format!("{name}: zip");
        figures.push(Figure::new(&what, "MB", vec![*zip], Some(ZIP)));
    }
    let way = |place: usize| ways.iter().map(|both| both[place]).collect();
    let what = "body -> event -> request";
    figures.push(Figure::new(what, "µs", way(1), Some(WAY)));
    figures.push(Figure::new("webhook cuts the body", "µs", way(0), None));
    for (place, what) in ["recorder, in memory", "push-rule, in memory"]
        .iter()
        .enumerate()
    {
        let rate = rates.iter().map(|both| both[place]).collect();
        figures.push(Figure::new(what, "/s", rate, Some(RATE)).over());
    }
    figures
}
