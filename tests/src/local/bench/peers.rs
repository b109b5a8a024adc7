//! The same job as one plain handler in Python and in Node, under the same runtime API, AWS and stand-in for Rule, in the
//! same run: as ratios.
//!
//! Theirs is what `tests/peers` holds: clients kept, connections reused, secrets cached, Node bundled and minified. They
//! verify, map, claim in the table, POST to Rule and note the outcome, all in one function, with no queue, no picture of the
//! member, no lease and no pace. Ours is webhook, recorder and push-rule together: processor time is their sum; start and
//! memory are those of the largest, because each has a process of its own.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use tokio::runtime::Handle;

use super::aws::Aws;
use super::beside::Beside;
use super::report::Figure;
use super::round::{self, Round, WAY};
use super::runtime::{Function, Life, Runtime};
use super::stream::Stream;
use super::{ROUNDS, of, runtime, vendors};
use crate::local::tools::Tool;
use crate::local::{compare, paths};
use crate::say::{self, Steps};
use crate::trouble::{Result, Saying, Trouble};

/// How many times more a peer is to take at least: to start, in memory, in processor time of one event.
const QUICKER: f64 = 30.0;
const SMALLER: f64 = 4.0;
const LIGHTER: f64 = 10.0;

/// Events that go before those that are measured, so that everything is warm.
const WARM: usize = 100;

/// Every version that is installed, so that a later run measures the same.
const PYTHON: Tool = Tool {
    folder: "peer-python",
    what: "boto3, to compare with",
    packages: &[
        "boto3==1.44.5",
        "botocore==1.44.5",
        "jmespath==1.1.0",
        "python-dateutil==2.9.0.post0",
        "s3transfer==0.19.3",
        "six==1.17.0",
        "urllib3==2.8.0",
    ],
};

/// One handler, as it is run.
#[derive(Debug)]
struct Peer {
    name: &'static str,
    shown: String,
    program: PathBuf,
    arguments: Vec<OsString>,
}

/// What one handler took in each round.
#[derive(Debug)]
pub(super) struct Measured {
    shown: String,
    /// ms.
    start: Vec<f64>,
    /// MiB.
    peak: Vec<f64>,
    /// µs.
    on_cpu: Vec<f64>,
}

/// The handlers that were measured, and what could not be.
#[derive(Debug)]
pub(super) struct Compared {
    measured: Vec<Measured>,
    missing: Option<String>,
}

/// Installs, makes sure that they do the same job, and measures. `reaches` tells of each kind of the stream whether it
/// reaches Rule.
///
/// # Errors
/// Something cannot be installed, or a handler does not do its work.
pub(super) async fn measure(folder: &Path, reaches: Vec<bool>, steps: &Steps) -> Result<Compared> {
    let mut peers = vec![python(folder, steps).await?];
    let missing = match node(folder, steps).await? {
        Ok(node) => {
            peers.push(node);
            None
        }
        Err(missing) => Some(missing),
    };
    let mut measured = Vec::new();
    for peer in peers {
        let step = steps.begin(&format!("measuring {}", peer.name));
        let mut taken = Measured {
            shown: peer.shown.clone(),
            start: Vec::new(),
            peak: Vec::new(),
            on_cpu: Vec::new(),
        };
        for number in 0..=ROUNDS {
            step.note(&format!("round {number} of {ROUNDS}"));
            let stream = Stream::read()?;
            let site = Site::new(&peer, folder, &stream.stores()).await?;
            let reaches = reaches.clone();
            let spent = tokio::task::spawn_blocking(move || match number {
                // Every binary comes from memory then, and what it sends is known to be right.
                0 => site.does_the_same().map(|()| None),
                _ => site.round(&stream, &reaches).map(Some),
            });
            if let Some(spent) = spent.await.saying("the measuring broke off")?? {
                taken.start.push(spent.start.as_secs_f64() * 1e3);
                taken.peak.push(f64::from(spent.peak) / 1024.0);
                taken.on_cpu.push(spent.on_cpu.as_secs_f64() * 1e6);
            }
        }
        step.done();
        measured.push(taken);
    }
    Ok(Compared { measured, missing })
}

/// Prints what they took, and each as so many times ours.
pub(super) fn print(compared: &Compared, rounds: &[(Round, Beside)]) {
    let ours = ours(rounds);
    say::line(
        "\nthe same job as one plain handler: verify, map, claim, POST to Rule, note the outcome",
    );
    for line in compared.measured.iter().flat_map(|peer| lines(peer, ours)) {
        say::line(line);
    }
    let [start, peak, on_cpu] = ours;
    say::line(format_args!(
        "\nours: start {start:.2} ms and peak {peak:.2} MiB of the largest of {}, {on_cpu:.0} µs of processor time for one event\n\
         in all three. The handlers run in a bare loop over the runtime API, lighter than AWS's own; Node's is bundled.",
        WAY.join(", ")
    ));
    if let Some(missing) = &compared.missing {
        say::line(format_args!("\nNOT COMPARED WITH NODE: {missing}"));
    }
}

/// Our start (ms) and memory (MiB), of the largest function, and our processor time (µs), of all.
fn ours(rounds: &[(Round, Beside)]) -> [f64; 3] {
    let mut ours = [0.0_f64; 3];
    for place in WAY {
        let median = |values: Vec<f64>| Figure::new("", "", values, None).median();
        let start = median(of(rounds, place, |spent| spent.start.as_secs_f64() * 1e3));
        let peak = median(of(rounds, place, |spent| f64::from(spent.peak) / 1024.0));
        let on_cpu = median(of(rounds, place, |spent| spent.on_cpu.as_secs_f64() * 1e6));
        ours = [ours[0].max(start), ours[1].max(peak), ours[2] + on_cpu];
    }
    ours
}

/// The lines of one handler: what it took, and how many times ours that is.
fn lines(peer: &Measured, [start, peak, on_cpu]: [f64; 3]) -> Vec<String> {
    let times = |what: &str, values: &[f64], ours: f64, target| {
        let ratios = values.iter().map(|value| value / ours).collect();
        Figure::new(what, "x", ratios, Some(target)).over().line()
    };
    vec![
        format!("\n{}", peer.shown),
        Figure::new("start", "ms", peer.start.clone(), None).line(),
        Figure::new("peak memory", "MiB", peer.peak.clone(), None).line(),
        Figure::new("CPU per event", "µs", peer.on_cpu.clone(), None).line(),
        times("start, in ours", &peer.start, start, QUICKER),
        times("peak memory, in ours", &peer.peak, peak, SMALLER),
        times("CPU per event, in ours", &peer.on_cpu, on_cpu, LIGHTER),
    ]
}

/// Where one handler works.
struct Site {
    aws: Aws,
    runtime: Runtime,
    rule: String,
    function: Function,
    tokio: Handle,
}

/// What one life of a handler took.
struct Spent {
    start: Duration,
    peak: u32,
    on_cpu: Duration,
}

impl Site {
    async fn new(peer: &Peer, folder: &Path, stores: &[String]) -> Result<Self> {
        let rule = vendors::rule(stores).await?;
        let aws = Aws::start()?;
        let function = Function {
            name: peer.name,
            program: peer.program.clone(),
            arguments: peer.arguments.clone(),
            environment: round::environment(&aws, &rule),
            log: folder.join(format!("{}.log", peer.name)),
        };
        Ok(Self {
            aws,
            runtime: runtime::Runtime::start()?,
            rule,
            function,
            tokio: Handle::current(),
        })
    }

    /// Sends the examples as they are, and compares what arrives with the table that the product is measured by.
    fn does_the_same(&self) -> Result<()> {
        let mut life = self.runtime.start_one(&self.function)?;
        let table = compare::table()?;
        for (posted, file) in Stream::examples()? {
            let row = table.iter().find(|row| row.file == file);
            let row = row.saying(format!("{file} is not in tests/expect/rule.json"))?;
            let before = self.received()?.len();
            round::good(&mut life, &posted.event)?;
            let arrived: Vec<Value> = self.received()?.split_off(before);
            vendors::all_taken(&arrived).or_else(|trouble| {
                if row.requests.is_empty() && arrived.is_empty() {
                    Ok(())
                } else {
                    Err(trouble)
                }
            })?;
            let bodies: Vec<Value> = arrived
                .iter()
                .map(|request| request["body"].clone())
                .collect();
            let differences = compare::differences(&row.requests, &bodies, &mut BTreeSet::new());
            if !differences.is_empty() {
                return Err(Trouble::new(format!(
                    "{} does not do the same job, so it cannot be compared; {file}: {}",
                    self.function.name,
                    differences.join("; ")
                )));
            }
        }
        Ok(())
    }

    fn round(&self, stream: &Stream, reaches: &[bool]) -> Result<Spent> {
        let start = self.runtime.start_of(&self.function)?;
        let mut life = self.runtime.start_one(&self.function)?;
        for posted in stream.past.iter().take(WARM) {
            round::good(&mut life, &posted.event)?;
        }
        let warm = self.received()?.len();
        let before = life.on_cpu()?;
        let kinds = stream.kinds.iter().zip(reaches);
        let events: Vec<_> = kinds
            .filter(|(_, reaches)| **reaches)
            .flat_map(|(kind, _)| &kind.events)
            .collect();
        for posted in &events {
            round::good(&mut life, &posted.event)?;
        }
        let on_cpu = life.on_cpu()?.saturating_sub(before);
        let arrived = self.received()?.split_off(warm);
        vendors::all_taken(&arrived)?;
        if arrived.len() != events.len() {
            let (sent, arrived) = (events.len(), arrived.len());
            return Err(Trouble::new(format!(
                "{} got {sent} events and sent {arrived} requests",
                self.function.name
            )));
        }
        drop(self.aws.used());
        Ok(Spent {
            start,
            peak: Life::peak(&life)?,
            on_cpu: on_cpu / u32::try_from(events.len().max(1)).unwrap_or(u32::MAX),
        })
    }

    fn received(&self) -> Result<Vec<Value>> {
        vendors::received(&self.tokio, &self.rule)
    }
}

async fn python(folder: &Path, steps: &Steps) -> Result<Peer> {
    PYTHON.ready(steps).await?;
    let own = copied("python", &["handler.py", "runtime.py"], folder)?;
    let program = PYTHON.program("python");
    let version = said(Command::new(&program).arg("--version")).await?;
    Ok(Peer {
        name: "python",
        shown: format!("{version}, {}", PYTHON.packages[0].replace("==", " ")),
        program,
        arguments: vec![own.join("runtime.py").into()],
    })
}

/// Node is the machine's own. Without it there is a reason instead.
async fn node(folder: &Path, steps: &Steps) -> Result<std::result::Result<Peer, String>> {
    let (Ok(version), Ok(_)) = (
        said(Command::new("node").arg("--version")).await,
        said(Command::new("npm").arg("--version")).await,
    ) else {
        let missing = "node and npm are not on this machine; install Node 20 or later";
        return Ok(Err(missing.to_owned()));
    };
    let files = [
        "handler.js",
        "runtime.js",
        "package.json",
        "package-lock.json",
    ];
    let own = copied("node", &files, folder)?;
    let wanted =
        fs::read_to_string(own.join("package-lock.json")).saying("cannot read the lock file")?;
    let stamp = own.join("installed");
    if !fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        let step = steps.begin("installing the SDK for Node, to compare with (once)");
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
        said(npm.current_dir(&own)).await?;
        fs::write(&stamp, &wanted).saying(format!("cannot write {}", stamp.display()))?;
        step.done();
    }
    let mut esbuild = Command::new(own.join("node_modules/.bin/esbuild"));
    esbuild.args([
        "runtime.js",
        "--bundle",
        "--minify",
        "--platform=node",
        "--target=node20",
    ]);
    said(esbuild.arg("--outfile=bundle.cjs").current_dir(&own)).await?;
    let package: Value =
        serde_json::from_str(&crate::local::bench::text(&own.join("package.json"))?)
            .saying("package.json is no JSON")?;
    let sdk = package["dependencies"]["@aws-sdk/client-dynamodb"].as_str();
    let program = said(Command::new("node").args(["--print", "process.execPath"])).await?;
    Ok(Ok(Peer {
        name: "node",
        shown: format!("Node {version}, AWS SDK {}", sdk.unwrap_or_default()),
        program: program.into(),
        arguments: vec![own.join("bundle.cjs").into()],
    }))
}

/// Copies a handler to where its language may write beside it.
fn copied(name: &str, files: &[&str], folder: &Path) -> Result<PathBuf> {
    let to = folder.join("peers").join(name);
    fs::create_dir_all(&to).saying(format!("cannot make {}", to.display()))?;
    for file in files {
        let from = paths::root().join("tests/peers").join(name).join(file);
        let text = super::text(&from)?;
        let target = to.join(file);
        // What did not change keeps its age, and with it what was compiled from it.
        if !fs::read_to_string(&target).is_ok_and(|there| there == text) {
            fs::write(&target, text).saying(format!("cannot write {}", target.display()))?;
        }
    }
    Ok(to)
}

/// What a program says when all goes well.
async fn said(command: &mut Command) -> Result<String> {
    let name = command
        .as_std()
        .get_program()
        .to_string_lossy()
        .into_owned();
    let output = command.kill_on_drop(true).output().await;
    let output = output.saying(format!("cannot run {name}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(Trouble::new(format!("{name} failed:\n{}", errors.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_that_is_not_reached_is_said() {
        let peer = Measured {
            shown: "Some language".to_owned(),
            start: vec![310.0],
            peak: vec![45.0],
            on_cpu: vec![5_000.0],
        };
        let lines = lines(&peer, [10.0, 10.0, 1_000.0]);
        let of = |what: &str| {
            let line = lines.iter().find(|line| line.starts_with(what));
            line.cloned().unwrap_or_default()
        };
        assert!(of("start, in ours").contains("31.00 x"), "{lines:?}");
        assert!(!of("start, in ours").contains("MISSED"));
        assert!(of("peak memory, in ours").contains("4.50 x"));
        assert!(!of("peak memory, in ours").contains("MISSED"));
        assert!(of("CPU per event, in ours").ends_with("over 10 x  MISSED"));
    }
}
