//! One round: a small life of the product, each part of it measured.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;

use serde_json::{Value, json};

use super::FUNCTIONS;
use super::aws::{Aws, RULE_KEY};
use super::package::Executables;
use super::runtime::{Function, Run, Runtime};
use crate::clock::Clock;
use crate::http;
use crate::local::paths;
use crate::standins::{self, rule::Rule};
use crate::trouble::{Result, Saying, Trouble};

/// Messages in one batch of a queue, as the template has it.
const BATCH: usize = 10;

/// One function's part of a round.
#[derive(Debug)]
pub(super) struct Measured {
    /// The function's life.
    pub(super) run: Run,
    /// What it asked of AWS.
    calls: BTreeMap<String, u32>,
}

impl Measured {
    /// A line that tells its requests to AWS.
    pub(super) fn requests(&self, name: &str) -> String {
        let calls: Vec<_> = self
            .calls
            .iter()
            .map(|(operation, times)| format!("{times} {operation}"))
            .collect();
        let events = self.run.answers.len();
        format!("{name:<10} {events:>2} invocations: {}", calls.join(", "))
    }
}

/// Everything that a round needs.
pub(super) struct Site {
    aws: Aws,
    runtime: Runtime,
    functions: [Function; 6],
    operator: Vec<Value>,
    webhook: Vec<Value>,
    upkeep: Vec<Value>,
    reader: Vec<Value>,
}

impl Site {
    /// The functions, told where their stand-ins are.
    ///
    /// # Errors
    /// An example event cannot be read, or no port is free.
    pub(super) fn new(executables: &Executables, folder: &Path, rule: &str) -> Result<Self> {
        let aws = Aws::start()?;
        let endpoint = format!("http://{}", aws.address);
        let queue = |name: &str| format!("{endpoint}/000000000000/{name}");
        // Each is told everything: what is not its own it does not read.
        let environment = [
            ("AWS_ENDPOINT_URL", endpoint.clone()),
            ("TABLE", "bridge".to_owned()),
            ("STACK", "bridge".to_owned()),
            ("SECRET_PREFIX", "bridge".to_owned()),
            ("HASH_KEY_SECRET", "bridge/hash-key".to_owned()),
            ("INBOX_URL", queue("inbox")),
            ("INBOX_DEAD_URL", queue("inbox-dead")),
            ("READS_URL", queue("reads")),
            ("READS_DEAD_URL", queue("reads-dead")),
            ("QUEUE_RULE", queue("rule")),
            ("DEAD_RULE", queue("rule-dead")),
            ("QUEUE_URL", queue("rule")),
            ("API_URL", "https://api.example.com".to_owned()),
            ("BRIDGE_RULE_URL", rule.to_owned()),
        ];
        let function = |name: &'static str| {
            Ok::<_, Trouble>(Function {
                name,
                binary: executables.of(name)?.to_owned(),
                environment: environment.to_vec(),
                log: folder.join(format!("{name}.log")),
            })
        };
        let [operator, webhook, recorder, push_rule, upkeep, reader] = FUNCTIONS.map(function);
        let events = |files: &[&str]| files.iter().map(|file| event(file)).collect::<Result<_>>();
        Ok(Self {
            aws,
            runtime: Runtime::start()?,
            functions: [operator?, webhook?, recorder?, push_rule?, upkeep?, reader?],
            operator: events(&["operator/put_store", "operator/simulate"])?,
            webhook: events(&[
                "webhook/coupon_awarded",
                "webhook/points_earned.base64",
                "webhook/referral_completed",
                "webhook/tier_earned.token",
            ])?,
            upkeep: events(&["upkeep/round"])?,
            reader: events(&["reader/two_reads"])?,
        })
    }

    /// Runs one round. Gives what was measured, in the order of [`FUNCTIONS`].
    ///
    /// # Errors
    /// A function does not do its work.
    pub(super) fn round(&self) -> Result<Vec<Measured>> {
        self.aws.clear();
        let [operator, webhook, recorder, push_rule, upkeep, reader] = &self.functions;
        let mut measured = vec![
            self.measure(operator, &self.operator)?,
            self.measure(webhook, &self.webhook)?,
        ];
        for (function, queue) in [(recorder, "inbox"), (push_rule, "rule")] {
            let messages = self.aws.take(queue);
            measured.push(self.measure(function, &deliveries(&messages))?);
        }
        measured.push(self.measure(upkeep, &self.upkeep)?);
        measured.push(self.measure(reader, &self.reader)?);
        Ok(measured)
    }

    fn measure(&self, function: &Function, events: &[Value]) -> Result<Measured> {
        let run = self.runtime.run(function, events)?;
        if let Some(bad) = run.answers.iter().find(|answer| !is_good(answer)) {
            let (name, log) = (function.name, function.log.display());
            return Err(Trouble::new(format!("{name} answered {bad}; see {log}")));
        }
        let calls = self.aws.calls();
        Ok(Measured { run, calls })
    }
}

/// Whether a function did what it was asked: operator, webhook, upkeep, and those with a queue say it each in their way.
fn is_good(answer: &Value) -> bool {
    let all_taken = answer["batchItemFailures"]
        .as_array()
        .is_some_and(Vec::is_empty);
    let nothing_parked = answer["rule"]["parked"] == 0;
    answer["ok"] == true || answer["statusCode"] == 200 || all_taken || nothing_parked
}

/// What Lambda makes of messages: here each alone, and then all once more in full batches.
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
///
/// # Errors
/// No port is free.
pub(super) async fn rule() -> Result<String> {
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

/// Makes sure that Rule's stand-in got something, and took all of it.
///
/// # Errors
/// It did not.
pub(super) async fn all_taken(rule: &str) -> Result<()> {
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
    fn a_message_given_back_is_no_good_answer() {
        let given_back = json!({"batchItemFailures": [{"itemIdentifier": "a"}]});
        assert!(is_good(&json!({"batchItemFailures": []})));
        assert!(!is_good(&given_back));
        assert!(is_good(&json!({"statusCode": 200})));
        assert!(!is_good(&json!({"statusCode": 503})));
        assert!(!is_good(&Value::Null));
    }
}
