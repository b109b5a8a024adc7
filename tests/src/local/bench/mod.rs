//! `bench` and `cost`: how quick, how large and how dear the functions are, beside what they are to be.
//!
//! The functions are built for this machine with the profiles of the deployed ones, and run under a runtime API and an
//! AWS of our own, so that only their own work counts. One [`round`] is a small life of the product; every answer must be
//! a good one, and Rule's strict stand-in must take every request.
//!
//! Not in the figures: TLS (everything is plain HTTP on this machine), AWS's own time, and reading the binary from a
//! disk. No test asserts a time.

mod aws;
mod beside;
mod bill;
mod cards;
mod cost;
mod counts;
mod desk;
mod due;
mod expression;
mod kinds;
mod others;
mod package;
mod peers;
mod prices;
mod report;
mod resources;
mod round;
mod runtime;
mod server;
mod size;
mod stream;
mod table;
mod tools;
mod usage;
mod vendors;

use std::path::{Path, PathBuf};

use self::beside::Beside;
use self::due::Due;
use self::package::Executables;
use self::report::Figure;
use self::round::{Round, Site, Spent, Vendors};
use self::stream::Stream;
use super::{build, paths};
use crate::say::{self, Steps};
use crate::trouble::{Result, Saying, Trouble};

pub use self::cost::{Question, cost};

/// Every function of the template. What each is handed stands in [`round`], [`beside`] and [`desk`].
const FUNCTIONS: &[&str] = &[
    "operator",
    "webhook",
    "recorder",
    "push-rule",
    "push-gorgias",
    "push-annexcloud",
    "lookup",
    "upkeep",
    "reader",
    "emit-anniversaries",
    "emit-birthdays",
    "emit-reminders",
];

/// How often everything is measured; the median counts. One round goes before, uncounted, so that every binary comes
/// from memory.
const ROUNDS: usize = 5;

/// What start (ms), peak memory (MiB), package (MB) and the processor time of one event in pure code (µs) are to stay
/// under.
const START: f64 = 15.0;
const PEAK: f64 = 20.0;
const ZIP: f64 = 4.0;
const WAY: f64 = 20.0;

/// What the processor time of one card of a known member (µs), the first answer after a start (ms), and a card with ten
/// activities (KB) are to stay under.
const HIT: f64 = 500.0;
const FIRST: f64 = 50.0;
const CARD: f64 = 8.0;

/// What recorder and pusher are to work through at least, in messages for each second of one core, on ports in memory.
const RATE: f64 = 1_000.0;

/// What is deployed, and what is built while working.
const DEPLOYED: &str = "dist";
const QUICK: &str = "release";

/// What a person wants measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The build that is quick to make in place of the deployed one.
    pub quick: bool,
    /// The same job in Python and Node too.
    pub peers: bool,
}

/// Builds, measures, prints.
///
/// # Errors
/// A build fails, or a function does not do its work.
pub async fn bench(wanted: Wanted, steps: &Steps) -> Result<()> {
    let profile = if wanted.quick { QUICK } else { DEPLOYED };
    let built = Built::new(profile, steps).await?;
    let step = steps.begin("building the two examples");
    let mapping = Executables::mapping(profile).await?;
    let throughput = Executables::throughput(profile).await?;
    step.done();
    let other = if wanted.quick {
        None
    } else {
        let step = steps.begin("building with profile release, for its packages");
        let other = Executables::functions(QUICK).await?;
        step.done();
        Some(other)
    };

    let circumstances = report::circumstances(profile)?;
    let rounds = built.rounds(ROUNDS, steps).await?;
    let peers = match rounds.last() {
        Some((round, _)) if wanted.peers => {
            let reaches = round.kinds.iter().map(|kind| kind.calls > 0).collect();
            Some(peers::measure(&built.folder, reaches, steps).await?)
        }
        _ => None,
    };
    let step = steps.begin("a thousand who are due among a million");
    let due = built.due().await?;
    step.done();
    let step = steps.begin("measuring the pure code and packing");
    let (mut ways, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        rates.push(package::rates(throughput.of("throughput")?).await?);
        ways.push(package::ways(mapping.of("mapping")?).await?);
    }
    let mut zips = vec![(profile, built.zips(&built.functions).await?)];
    if let Some(other) = &other {
        zips.insert(0, (QUICK, built.zips(other).await?));
    }
    step.done();

    for line in circumstances {
        say::line(line);
    }
    say::line(format_args!("median of {ROUNDS}, least to most\n"));
    for figure in figures(&rounds, &zips, (&ways, &rates)) {
        say::line(figure.line());
    }
    if wanted.quick {
        say::line("zip with profile dist           not built: leave out --quick");
    }
    if let Some((round, beside)) = rounds.last() {
        kinds::print(round);
        others::print(beside);
        cards::print(beside);
    }
    for line in due.lines() {
        say::line(line);
    }
    if let Some(peers) = peers {
        peers::print(&peers, &rounds);
    }
    Ok(())
}

/// The functions as one profile makes them, and where they are measured.
struct Built {
    functions: Executables,
    folder: PathBuf,
}

impl Built {
    async fn new(profile: &str, steps: &Steps) -> Result<Self> {
        let template = build::functions_of(&paths::root().join("template.yaml"))?;
        let unknown = |name: &&String| !FUNCTIONS.contains(&name.as_str());
        if let Some(unknown) = template.iter().find(unknown) {
            return Err(Trouble::new(format!(
                "nobody told `cargo local bench` how to invoke {unknown}"
            )));
        }
        let step = steps.begin(&format!("building with profile {profile}"));
        let functions = Executables::functions(profile).await?;
        step.done();
        let folder = paths::local().join("bench");
        std::fs::create_dir_all(&folder).saying(format!("cannot make {}", folder.display()))?;
        Ok(Self { functions, folder })
    }

    /// Runs that many rounds, after one that does not count.
    async fn rounds(&self, count: usize, steps: &Steps) -> Result<Vec<(Round, Beside)>> {
        let step = steps.begin("measuring");
        let mut rounds = Vec::new();
        for number in 0..=count {
            step.note(&format!("round {number} of {count}"));
            rounds.push(self.one_round().await?);
        }
        step.done();
        Ok(rounds.split_off(1))
    }

    /// One round with Rule alone, and what every other tool costs beside it.
    async fn one_round(&self) -> Result<(Round, Beside)> {
        let stream = Stream::read()?;
        let alone = Vendors::rule(&stream.stores()).await?;
        let alone = Site::new(&self.functions, &self.folder, alone)?;
        let all = Vendors::all(&stream).await?;
        let all = Site::new(&self.functions, &self.folder, all)?;
        let round = tokio::task::spawn_blocking(move || {
            let (round, inbox) = alone.round(&stream)?;
            let beside = all.beside(&stream, &inbox)?;
            Ok((round, beside))
        });
        round.await.saying("the measuring broke off")?
    }

    /// What the clock costs where few of many are due.
    async fn due(&self) -> Result<Due> {
        let vendors = Vendors::rule(&[due::STORE.to_owned()]).await?;
        let site = Site::new(&self.functions, &self.folder, vendors)?;
        let due = tokio::task::spawn_blocking(move || site.due());
        due.await.saying("the measuring broke off")?
    }

    async fn zips(&self, functions: &Executables) -> Result<Vec<f64>> {
        let mut zips = Vec::new();
        for name in FUNCTIONS {
            zips.push(package::zip(name, functions.of(name)?, &self.folder).await?);
        }
        Ok(zips)
    }
}

/// What one function cost.
fn spent<'a>((round, beside): &'a (Round, Beside), function: &str) -> Option<&'a Spent> {
    let pushers = tools::OTHERS.iter().zip(&beside.pushers);
    let mut pushers = pushers.filter(|(other, _)| other.function == function);
    let own = pushers.next().map(|(_, spent)| spent);
    let desk = (function == desk::FUNCTION).then_some(&beside.desk.spent);
    round.spent.get(function).or(own).or(desk)
}

/// A value of one function in every round.
fn of(rounds: &[(Round, Beside)], function: &str, value: impl Fn(&Spent) -> f64) -> Vec<f64> {
    let spent = rounds.iter().filter_map(|round| spent(round, function));
    spent.map(value).collect()
}

fn figures(
    rounds: &[(Round, Beside)],
    zips: &[(&str, Vec<f64>)],
    (ways, rates): (&[[f64; 2]], &[[f64; 2]]),
) -> Vec<Figure> {
    let mut figures = Vec::new();
    for name in FUNCTIONS {
        let what = format!("{name}: start");
        let start = of(rounds, name, |spent| spent.start.as_secs_f64() * 1e3);
        figures.push(Figure::new(&what, "ms", start, Some(START)));
    }
    for name in FUNCTIONS {
        let what = format!("{name}: peak memory");
        let peak = of(rounds, name, |spent| f64::from(spent.peak) / 1024.0);
        figures.push(Figure::new(&what, "MiB", peak, Some(PEAK)));
    }
    for name in FUNCTIONS {
        let (one, target) = unit_of(name);
        let what = format!("{name}: CPU per {one}");
        let on_cpu = of(rounds, name, |spent| spent.on_cpu.as_secs_f64() * 1e6);
        figures.push(Figure::new(&what, "µs", on_cpu, target));
    }
    figures.extend(cards::figures(rounds));
    for (profile, zips) in zips {
        for (name, zip) in FUNCTIONS.iter().zip(zips) {
            let what = format!("{name}: zip, {profile}");
            figures.push(Figure::new(&what, "MB", vec![*zip], Some(ZIP)));
        }
    }
    figures.extend(pure(ways, rates));
    figures
}

/// What a function's processor time is counted for, and what it is to stay under.
fn unit_of(function: &str) -> (&'static str, Option<f64>) {
    match function {
        "operator" => ("command", None),
        "upkeep" => ("round", None),
        "reader" => ("member", None),
        desk::FUNCTION => ("hit", Some(HIT)),
        name if name.starts_with("emit-") => ("day", None),
        _ => ("event", None),
    }
}

/// The figures of pure code, without processes.
fn pure(ways: &[[f64; 2]], rates: &[[f64; 2]]) -> Vec<Figure> {
    let way = |place: usize| ways.iter().map(|both| both[place]).collect();
    let rate = |place: usize| rates.iter().map(|both| both[place]).collect();
    vec![
        Figure::new("body -> event -> request", "µs", way(1), Some(WAY)),
        Figure::new("webhook cuts the body", "µs", way(0), None),
        Figure::new("recorder, in memory", "/s", rate(0), Some(RATE)).over(),
        Figure::new("push-rule, in memory", "/s", rate(1), Some(RATE)).over(),
    ]
}

/// A file's text.
fn text(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).saying(format!("cannot read {}", file.display()))
}
