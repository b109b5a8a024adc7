//! `bench`: how quick and how large the functions are, beside what they are to be.
//!
//! The functions run as built for deploying, under a runtime API and an AWS of our own, so that only their own work
//! counts. One round is a small life of the product: operator puts the example store and simulates an event, webhook
//! takes the events in `events/invoke/webhook`, recorder what they put on the inbox, push-rule what recorder sent it; and
//! Rule's strict stand-in takes what push-rule sends. Every answer must be a good one.
//!
//! Not in the figures: TLS (everything is plain HTTP on this machine), AWS's own time, and reading the binary from a
//! disk. No test asserts a time.

mod aws;
mod report;
mod runtime;
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;

use self::aws::{Aws, RULE_KEY};
use self::report::Figure;
use self::runtime::{Function, Run, Runtime};
use super::{build, paths};
use crate::clock::Clock;
use crate::http;
use crate::say::{self, Steps};
use crate::standins::{self, rule::Rule};
use crate::trouble::{Result, Saying, Trouble};

/// In the order of a round.
const FUNCTIONS: [&str; 4] = ["operator", "webhook", "recorder", "push-rule"];

/// How often everything is measured; the median counts. One round goes before, uncounted, so that every binary is read
/// from memory.
const ROUNDS: usize = 5;

/// Messages in one batch of a queue, as the template has it.
const BATCH: usize = 10;

/// What start (ms), peak memory (MiB), package (MB) and the way of one event (µs) are to stay under.
const START: f64 = 15.0;
const PEAK: f64 = 20.0;
const ZIP: f64 = 4.0;
const WAY: f64 = 20.0;

const ELSEWHERE: &str = "\
Counted by tests, not here: one request to SQS in webhook (a_delivery_is_stamped_and_queued_in_one_request), at most 5
write units in recorder (an_ordinary_event_costs_five_write_units_at_most) and in push-rule
(an_event_costs_four_write_units_and_one_call).";

/// Builds with this profile, measures, prints.
///
/// # Errors
/// The build fails, or a function does not do its work.
pub async fn bench(profile: &str, steps: &Steps) -> Result<()> {
    let template = build::functions_of(&paths::root().join("template.yaml"))?;
    if let Some(unknown) = template
        .iter()
        .find(|name| !FUNCTIONS.contains(&name.as_str()))
    {
        return Err(Trouble::new(format!(
            "nobody told `cargo local bench` how to invoke {unknown}"
        )));
    }
    let step = steps.begin(&format!("building with profile {profile}"));
    // As `deploy` builds them: what only the tests ask of a dependency stays out.
    let binaries = built(
        profile,
        &["--workspace", "--exclude", "bridge-tests", "--bins"],
    )
    .await?;
    let mapping = built(profile, &["--package", "vendors", "--example", "mapping"]).await?;
    step.done();

    let folder = paths::local().join("bench");
    fs::create_dir_all(&folder).saying(format!("cannot make {}", folder.display()))?;
    let circumstances = report::circumstances(profile)?;
    let step = steps.begin("measuring");
    let rule = rule().await?;
    let site = Site::new(&binaries, &folder, &rule)?;
    let rounds = tokio::task::spawn_blocking(move || site.rounds());
    let rounds = rounds.await.saying("the measuring broke off")??;
    no_fault(&rule).await?;
    let ways = ways(found(&mapping, "mapping")?).await?;
    let mut zips = Vec::new();
    for name in FUNCTIONS {
        zips.push(zip(name, found(&binaries, name)?, &folder).await?);
    }
    step.done();

    for line in circumstances {
        say::line(line);
    }
    say::line(format_args!("median of {ROUNDS}, least to most\n"));
    for figure in figures(&rounds, &zips, ways) {
        say::line(figure.line());
    }
    say::line("\nrequests to AWS in one round");
    if let Some(last) = rounds.last() {
        for (name, measured) in FUNCTIONS.iter().zip(last) {
            say::line(measured.requests(name));
        }
    }
    say::line(format_args!("\n{ELSEWHERE}"));
    Ok(())
}

fn figures(rounds: &[Vec<Measured>], zips: &[f64], [cut, way]: [Vec<f64>; 2]) -> Vec<Figure> {
    let of = |place: usize, value: fn(&Run) -> f64| {
        rounds
            .iter()
            .filter_map(|round| round.get(place))
            .map(|measured| value(&measured.run))
            .collect::<Vec<_>>()
    };
    let mut figures = Vec::new();
    for (place, name) in FUNCTIONS.iter().enumerate() {
        let start = of(place, |run| run.start.as_secs_f64() * 1e3);
        figures.push(Figure::new(format!("{name}: start"), "ms", start, START));
    }
    for (place, name) in FUNCTIONS.iter().enumerate() {
        let peak = of(place, |run| f64::from(run.peak) / 1024.0);
        figures.push(Figure::new(
            format!("{name}: peak memory"),
            "MiB",
            peak,
            PEAK,
        ));
    }
    for (name, zip) in FUNCTIONS.iter().zip(zips) {
        figures.push(Figure::new(format!("{name}: zip"), "MB", vec![*zip], ZIP));
    }
    figures.push(Figure::new("body as webhook cuts it", "µs", cut, WAY));
    figures.push(Figure::new("body -> event -> request", "µs", way, WAY));
    figures
}

/// One function's part of a round.
struct Measured {
    run: Run,
    calls: BTreeMap<String, u32>,
}

impl Measured {
    fn requests(&self, name: &str) -> String {
        let calls = self.calls.iter();
        let calls: Vec<_> = calls
            .map(|(operation, times)| format!("{times} {operation}"))
            .collect();
        let events = self.run.answers.len();
        format!("{name:<10} {events} invocations: {}", calls.join(", "))
    }
}

/// Everything that a round needs.
struct Site {
    aws: Aws,
    runtime: Runtime,
    functions: [Function; 4],
    operator: Vec<Value>,
    webhook: Vec<Value>,
}

impl Site {
    fn new(binaries: &BTreeMap<String, PathBuf>, folder: &Path, rule: &str) -> Result<Self> {
        let aws = Aws::start()?;
        let endpoint = format!("http://{}", aws.address);
        let queue = |name: &str| format!("{endpoint}/000000000000/{name}");
        // Each is told everything: what is not its own it does not read.
        let environment = vec![
            ("AWS_ENDPOINT_URL", endpoint.clone()),
            ("TABLE", "bridge".to_owned()),
            ("STACK", "bridge".to_owned()),
            ("SECRET_PREFIX", "bridge".to_owned()),
            ("HASH_KEY_SECRET", "bridge/hash-key".to_owned()),
            ("INBOX_URL", queue("inbox")),
            ("QUEUE_RULE", queue("rule")),
            ("QUEUE_URL", queue("rule")),
            ("API_URL", "https://api.example.com".to_owned()),
            ("BRIDGE_RULE_URL", rule.to_owned()),
        ];
        let mut functions = Vec::new();
        for name in FUNCTIONS {
            functions.push(Function {
                name,
                binary: found(binaries, name)?.to_owned(),
                environment: environment.clone(),
                log: folder.join(format!("{name}.log")),
            });
        }
        let functions = functions.try_into();
        let events = |files: &[&str]| files.iter().map(|file| event(file)).collect::<Result<_>>();
        Ok(Self {
            aws,
            runtime: Runtime::start()?,
            functions: functions.map_err(|_| Trouble::new("there are four functions"))?,
            operator: events(&["operator/put_store", "operator/simulate"])?,
            webhook: events(&[
                "webhook/coupon_awarded",
                "webhook/points_earned.base64",
                "webhook/referral_completed",
                "webhook/tier_earned.token",
            ])?,
        })
    }

    fn rounds(&self) -> Result<Vec<Vec<Measured>>> {
        self.round()?;
        (0..ROUNDS).map(|_| self.round()).collect()
    }

    fn round(&self) -> Result<Vec<Measured>> {
        self.aws.clear();
        let [operator, webhook, recorder, push_rule] = &self.functions;
        let mut measured = vec![
            self.measure(operator, &self.operator)?,
            self.measure(webhook, &self.webhook)?,
        ];
        for (function, queue) in [(recorder, "inbox"), (push_rule, "rule")] {
            let messages = self.aws.take(queue);
            measured.push(self.measure(function, &deliveries(&messages))?);
        }
        Ok(measured)
    }

    fn measure(&self, function: &Function, events: &[Value]) -> Result<Measured> {
        let run = self.runtime.run(function, events)?;
        if let Some(bad) = run.answers.iter().find(|answer| !is_good(answer)) {
            return Err(Trouble::new(format!(
                "{} answered {bad}; see {}",
                function.name,
                function.log.display()
            )));
        }
        let calls = self.aws.calls();
        Ok(Measured { run, calls })
    }
}

/// Whether a function did what it was asked: operator, webhook, and those with a queue say it each in their way.
fn is_good(answer: &Value) -> bool {
    let all_taken = answer["batchItemFailures"]
        .as_array()
        .is_some_and(Vec::is_empty);
    answer["ok"] == true || answer["statusCode"] == 200 || all_taken
}

/// What Lambda makes of messages: each alone, and then once more in full batches.
fn deliveries(messages: &[String]) -> Vec<Value> {
    messages
        .chunks(1)
        .chain(messages.chunks(BATCH))
        .map(|batch| json!({"Records": batch.iter().enumerate().map(record).collect::<Vec<_>>()}))
        .collect()
}

fn record((place, body): (usize, &String)) -> Value {
    json!({
        "messageId": format!("message-{place}"),
        "receiptHandle": format!("receipt-{place}"),
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    })
}

fn event(file: &str) -> Result<Value> {
    let file = paths::root().join(format!("events/invoke/{file}.json"));
    let text = fs::read_to_string(&file).saying(format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).saying(format!("{} is no JSON", file.display()))
}

/// Starts Rule's stand-in with one account. Gives its address.
async fn rule() -> Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).saying("no port is free on 127.0.0.1")?;
    let address = listener
        .local_addr()
        .saying("no port is free on 127.0.0.1")?;
    tokio::spawn(standins::server::serve(
        Rule::default(),
        Clock::real(),
        listener,
    ));
    let url = format!("http://{address}");
    let account = json!({"key": RULE_KEY, "account": "bench"}).to_string();
    let made = http::post(&format!("{url}/accounts")).body(account);
    made.send().await?;
    Ok(url)
}

/// Rule must have got something, and taken all of it.
async fn no_fault(rule: &str) -> Result<()> {
    let received = http::get(&format!("{rule}/received"))
        .send()
        .await?
        .json()?;
    let received = received.as_array().cloned().unwrap_or_default();
    match received.iter().find(|request| request["status"] != 200) {
        None if !received.is_empty() => Ok(()),
        None => Err(Trouble::new("nothing arrived at Rule's stand-in")),
        Some(bad) => Err(Trouble::new(format!("Rule's stand-in did not take {bad}"))),
    }
}

/// Runs cargo. Gives each executable that it made or found fresh, by the name of its target.
async fn built(profile: &str, what: &[&str]) -> Result<BTreeMap<String, PathBuf>> {
    let mut cargo = Command::new(build::cargo());
    cargo
        .current_dir(paths::root())
        .args(["build", "--locked", "--quiet", "--profile", profile])
        .arg("--message-format=json-render-diagnostics")
        .args(what)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = cargo.output().await.saying("cannot run cargo build")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Trouble::new(format!("cargo build failed:\n{said}")));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(messages
        .filter_map(|message| executable(&message))
        .collect())
}

fn executable(message: &Value) -> Option<(String, PathBuf)> {
    let name = message["target"]["name"].as_str()?;
    let file = message["executable"].as_str()?;
    Some((name.to_owned(), file.into()))
}

fn found<'a>(binaries: &'a BTreeMap<String, PathBuf>, name: &str) -> Result<&'a Path> {
    let binary = binaries.get(name).map(PathBuf::as_path);
    binary.saying(format!("the build made no {name}"))
}

/// The size of the package that AWS gets, in MB: made by the same library that `sam deploy` packs with.
async fn zip(name: &str, binary: &Path, folder: &Path) -> Result<f64> {
    let folder = folder.join(name);
    fs::create_dir_all(&folder).saying(format!("cannot make {}", folder.display()))?;
    fs::copy(binary, folder.join("bootstrap")).saying(format!("cannot copy {name}"))?;
    let packed = Command::new("python3")
        .args(["-m", "zipfile", "-c", "function.zip", "bootstrap"])
        .current_dir(&folder)
        .status()
        .await
        .saying("cannot run python3")?;
    if !packed.success() {
        return Err(Trouble::new(format!("cannot pack {name}")));
    }
    let size =
        fs::metadata(folder.join("function.zip")).saying("cannot read the package's size")?;
    let size = u32::try_from(size.len()).saying("the package is too large for any function")?;
    Ok(f64::from(size) / 1e6)
}

/// The processor time of one event in pure code, in µs: what webhook cuts, and the way from the rest to Rule's request.
/// Each value is the median over all bodies in `events/yotpo`.
async fn ways(mapping: &Path) -> Result<[Vec<f64>; 2]> {
    let mut ways = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        let output = Command::new(mapping).output().await;
        let output = output.saying("cannot run the example `mapping`")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let [cut, way] = medians(&text).saying("the example `mapping` ends without its medians")?;
        ways[0].push(cut);
        ways[1].push(way);
    }
    Ok(ways)
}

fn medians(text: &str) -> Option<[f64; 2]> {
    let last = text.lines().last()?.strip_suffix("median")?;
    let mut numbers = last.split_whitespace().map(str::parse);
    Some([numbers.next()?.ok()?, numbers.next()?.ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_alone_and_then_together() {
        let messages: Vec<String> = (0..12).map(|number| number.to_string()).collect();
        let sizes: Vec<usize> = deliveries(&messages)
            .iter()
            .filter_map(|event| event["Records"].as_array().map(Vec::len))
            .collect();
        assert_eq!(sizes, [&[1; 12][..], &[10, 2]].concat());
    }

    #[test]
    fn the_examples_last_line_holds_the_medians() {
        let text = "  trim µs    way µs  bytes\n     1.00      2.00    900 a.json\n     1.50      7.25 median\n";
        assert_eq!(medians(text), Some([1.5, 7.25]));
        assert_eq!(medians("nothing"), None);
    }

    #[test]
    fn a_message_given_back_is_no_good_answer() {
        assert!(is_good(&json!({"batchItemFailures": []})));
        assert!(!is_good(
            &json!({"batchItemFailures": [{"itemIdentifier": "a"}]})
        ));
        assert!(is_good(&json!({"statusCode": 200})));
        assert!(!is_good(&json!({"statusCode": 503})));
        assert!(!is_good(&Value::Null));
    }
}
