//! One round: a small life of the product, each part of it measured.
//!
//! operator puts a store for each kind; webhook takes the whole stream; recorder works through the inbox, and push-rule
//! through what recorder sent it. What only makes the people known goes in full batches, what is counted goes event by
//! event. Then each of the three starts anew for one event, with nothing cached. Then upkeep finds nothing to do in a stack
//! with one store, reader reads one member of each store, and the emitters bring what is due a month later. Every answer must
//! be a good one, and Rule's strict stand-in must take every request.
//!
//! What the destinations beside Rule cost is measured after that, see [`super::beside`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::FUNCTIONS;
use super::aws::{Aws, Stored};
use super::due;
use super::package::Executables;
use super::runtime::{Function, Life, Runtime};
use super::stream::{self, EACH, Posted, Stream};
use super::tools::{OTHERS, Tools};
use super::usage::Usage;
use super::vendors;
use crate::trouble::{Result, Saying, Trouble};

/// Messages in one batch of a queue, as the template has it.
pub(super) const BATCH: usize = 10;

/// Rounds of upkeep that are measured in a row.
const TURNS: u32 = 20;

/// What an event passes through, in order.
pub(super) const WAY: [&str; 3] = ["webhook", "recorder", "push-rule"];

/// What one function cost.
#[derive(Debug)]
pub(super) struct Spent {
    /// From before the process was made to its first poll, by [`Runtime::start_of`].
    pub(super) start: Duration,
    /// The most memory that it ever held, in KiB.
    pub(super) peak: u32,
    /// The processor time of one event; of one command or one round for those that take no events.
    pub(super) on_cpu: Duration,
    /// What was asked of AWS before the first event.
    pub(super) before: Usage,
    /// What it wrote into its log for what was counted, in bytes for each event, command or round.
    pub(super) logged: u64,
}

/// What one kind of event cost on its way, all its events together.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    /// The kind.
    pub(super) name: &'static str,
    /// What each of [`WAY`] asked of AWS.
    pub(super) used: [Usage; 3],
    /// Messages that came to push-rule.
    pub(super) messages: usize,
    /// Requests to Rule.
    pub(super) calls: usize,
    /// Their bodies, in bytes.
    pub(super) sent: usize,
}

/// Everything that was measured in a round.
#[derive(Debug)]
pub(super) struct Round {
    /// By the function's name.
    pub(super) spent: BTreeMap<&'static str, Spent>,
    /// In the order of the stream.
    pub(super) kinds: Vec<Counted>,
    /// What each of [`WAY`] asked of AWS for one event with nothing cached, its start left out.
    pub(super) fresh: [Usage; 3],
    /// One round of upkeep with nothing to do and one store.
    pub(super) idle: Usage,
    /// The series of metrics that such a round keeps alive.
    pub(super) series: usize,
    /// What the counted events and their deliveries added to the table; and all that is there of members.
    pub(super) stored: Stored,
}

/// What webhook put on the inbox in a round.
#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) past: Vec<String>,
    /// In the order of the stream.
    pub(super) news: Vec<Vec<String>>,
    /// The ordinary event for processes that have nothing cached.
    pub(super) late: Vec<String>,
}

/// Where the vendors' stand-ins are.
#[derive(Debug)]
pub(super) struct Vendors {
    pub(super) rule: String,
    yotpo: String,
    /// In the order of [`OTHERS`]; none where a store uses Rule alone.
    pub(super) others: Vec<String>,
}

impl Vendors {
    /// Those that stores with Rule alone need.
    ///
    /// # Errors
    /// No port is free.
    pub(super) async fn rule(stores: &[String]) -> Result<Self> {
        Ok(Self {
            rule: vendors::rule(stores).await?,
            yotpo: vendors::yotpo(stores).await?,
            others: Vec::new(),
        })
    }

    /// All of them.
    ///
    /// # Errors
    /// No port is free, or a stand-in does not take an order.
    pub(super) async fn all(stream: &Stream) -> Result<Self> {
        let others = vec![
            vendors::gorgias(stream).await?,
            vendors::annexcloud(stream).await?,
        ];
        Ok(Self {
            others,
            ..Self::rule(&stream.stores()).await?
        })
    }
}

/// Everything that a round needs.
pub(super) struct Site {
    pub(super) aws: Aws,
    runtime: Runtime,
    /// For pushers that run while recorder does, in the order of [`OTHERS`].
    pub(super) pushing: [Runtime; 2],
    pub(super) vendors: Vendors,
    tools: Tools,
    folder: PathBuf,
    functions: Vec<Function>,
    pub(super) tokio: Handle,
}

impl Site {
    /// The functions, told where their stand-ins are.
    ///
    /// # Errors
    /// No port is free.
    pub(super) fn new(executables: &Executables, folder: &Path, vendors: Vendors) -> Result<Self> {
        let aws = Aws::start()?;
        let clock = due::clock(folder)?;
        let functions = FUNCTIONS.iter().map(|name| {
            let mut environment = environment(&aws, &vendors.rule);
            environment.push(("BRIDGE_YOTPO_URL", vendors.yotpo.clone()));
            environment.extend(others(&aws, &vendors.others, name));
            if name.starts_with("emit-") {
                environment.push(("BRIDGE_CLOCK_FILE", clock.clone()));
            }
            Ok::<_, Trouble>(Function {
                name,
                program: executables.of(name)?.to_owned(),
                arguments: Vec::new(),
                environment,
                log: folder.join(format!("{name}.log")),
            })
        });
        Ok(Self {
            functions: functions.collect::<Result<_>>()?,
            aws,
            runtime: Runtime::start()?,
            pushing: [Runtime::start()?, Runtime::start()?],
            tools: if vendors.others.is_empty() {
                Tools::Rule
            } else {
                Tools::All
            },
            vendors,
            folder: folder.to_owned(),
            tokio: Handle::current(),
        })
    }

    /// Runs one round. Gives beside it what webhook put on the inbox.
    ///
    /// # Errors
    /// A function does not do its work.
    pub(super) fn round(&self, stream: &Stream) -> Result<(Round, Inbox)> {
        let operator = self.stores(&stream.stores())?;
        let mut kinds: Vec<Counted> = stream.kinds.iter().map(counted).collect();
        let (webhook, past, news) = self.webhook(stream, &mut kinds)?;
        let mut inbox = Inbox {
            past,
            news,
            late: Vec::new(),
        };
        let ((recorder, past, news), before) = self.recorder(&inbox, &mut kinds)?;
        let (push_rule, between) = self.push_rule(&past, &news, &mut kinds)?;
        let after = self.aws.stored();
        let fresh = self.fresh(&stream.late, &mut inbox)?;
        let (upkeep, idle, series) = self.upkeep()?;
        let reader = self.reader(&stream.stores())?;
        self.all_taken()?;
        let mut spent = self.emitters()?;
        spent.extend([
            ("operator", operator),
            ("webhook", webhook),
            ("recorder", recorder),
            ("push-rule", push_rule),
            ("upkeep", upkeep),
            ("reader", reader),
        ]);
        let round = Round {
            spent,
            kinds,
            fresh,
            idle,
            series,
            stored: Stored {
                events: after.events - before.events,
                deliveries: after.deliveries - between.deliveries,
                members: after.members,
            },
        };
        Ok((round, inbox))
    }

    pub(super) fn begin(&self, name: &str) -> Result<(Life<'_>, Usage)> {
        self.begin_on(&self.runtime, name)
    }

    /// Starts a function beside others. Gives what it asked of AWS before its first event.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn begin_on<'a>(
        &'a self,
        runtime: &'a Runtime,
        name: &str,
    ) -> Result<(Life<'a>, Usage)> {
        let function = self.functions.iter().find(|function| function.name == name);
        let function = function.saying(format!("{name} was not built"))?;
        let start = runtime.start_of(function)?;
        self.aws.used();
        let mut life = runtime.start_one(function)?;
        life.start = start;
        Ok((life, self.aws.used()))
    }

    /// operator, with one command for each store.
    pub(super) fn stores(&self, stores: &[String]) -> Result<Spent> {
        let (mut life, before) = self.begin("operator")?;
        let meter = Meter::new(&life)?;
        for store in stores {
            let document = self.tools.document(store)?;
            good(
                &mut life,
                &json!({"command": "put_store", "store": document}),
            )?;
        }
        self.aws.used();
        meter.read(&life, before, stores.len())
    }

    /// Gives the inbox's messages: of the past, and of each kind.
    fn webhook(&self, stream: &Stream, kinds: &mut [Counted]) -> Result<Passed> {
        let (mut life, before) = self.begin("webhook")?;
        for posted in &stream.past {
            good(&mut life, &posted.event)?;
        }
        // So that the note of a store's last call falls on nobody, as it does wherever calls come closely.
        for kind in stream
            .kinds
            .iter()
            .filter(|kind| is_new(stream, &kind.store))
        {
            good(&mut life, &kind.events[0].event)?;
        }
        let past = self.aws.take("inbox");
        self.aws.used();
        let past = past.into_iter().take(stream.past.len()).collect();
        let meter = Meter::new(&life)?;
        let mut news = Vec::new();
        for (kind, counted) in stream.kinds.iter().zip(kinds) {
            for posted in &kind.events {
                good(&mut life, &posted.event)?;
            }
            counted.used[0] = self.aws.used();
            news.push(self.aws.take("inbox"));
        }
        let spent = meter.read(&life, before, stream.kinds.len() * EACH)?;
        Ok((spent, past, news))
    }

    /// Gives Rule's messages in the same way, and what stood in the table before what is counted.
    fn recorder(&self, inbox: &Inbox, kinds: &mut [Counted]) -> Result<(Passed, Stored)> {
        let news = &inbox.news;
        let (mut life, before) = self.begin("recorder")?;
        batches(&mut life, &inbox.past, BATCH)?;
        let past = self.aws.take("rule");
        self.aws.used();
        let stored = self.aws.stored();
        let meter = Meter::new(&life)?;
        let mut passed_on = Vec::new();
        for (messages, counted) in news.iter().zip(kinds) {
            batches(&mut life, messages, 1)?;
            counted.used[1] = self.aws.used();
            passed_on.push(self.aws.take("rule"));
            counted.messages = passed_on.last().map_or(0, Vec::len);
        }
        let spent = meter.read(&life, before, news.iter().map(Vec::len).sum())?;
        Ok(((spent, past, passed_on), stored))
    }

    /// Gives beside it what stood in the table before what is counted.
    fn push_rule(
        &self,
        past: &[String],
        news: &[Vec<String>],
        kinds: &mut [Counted],
    ) -> Result<(Spent, Stored)> {
        let (mut life, before) = self.begin("push-rule")?;
        batches(&mut life, past, BATCH)?;
        self.aws.used();
        let known = self.received()?.len();
        let stored = self.aws.stored();
        let meter = Meter::new(&life)?;
        for (messages, counted) in news.iter().zip(&mut *kinds) {
            batches(&mut life, messages, 1)?;
            counted.used[2] = self.aws.used();
        }
        let spent = meter.read(&life, before, news.iter().map(Vec::len).sum())?;
        let received = self.received()?;
        for (place, counted) in kinds.iter_mut().enumerate() {
            let store = stream::store(place);
            let own = received.iter().skip(known);
            for request in own.filter(|request| request["account"] == store.as_str()) {
                counted.calls += 1;
                counted.sent += request["body"].to_string().len();
            }
        }
        Ok((spent, stored))
    }

    /// One event through processes that have nothing cached.
    fn fresh(&self, late: &Posted, inbox: &mut Inbox) -> Result<[Usage; 3]> {
        let mut used = [Usage::default(), Usage::default(), Usage::default()];
        let (mut life, _) = self.begin("webhook")?;
        good(&mut life, &late.event)?;
        used[0] = self.aws.used();
        for (place, (name, queue)) in [("recorder", "inbox"), ("push-rule", "rule")]
            .into_iter()
            .enumerate()
        {
            let messages = self.aws.take(queue);
            if queue == "inbox" {
                inbox.late.clone_from(&messages);
            }
            let (mut life, _) = self.begin(name)?;
            batches(&mut life, &messages, 1)?;
            used[place + 1] = self.aws.used();
        }
        Ok(used)
    }

    /// A stack with one store and nothing to do.
    pub(super) fn upkeep(&self) -> Result<(Spent, Usage, usize)> {
        self.aws.clear();
        let operator = self.stores(&[stream::store(0)]);
        drop(operator?);
        let (mut life, before) = self.begin("upkeep")?;
        let event = stream::document("events/invoke/upkeep/round.json")?;
        good(&mut life, &event)?;
        self.aws.used();
        let meter = Meter::new(&life)?;
        let mut used = Usage::default();
        for _ in 0..TURNS {
            good(&mut life, &event)?;
            used = self.aws.used();
        }
        let spent = meter.read(&life, before, TURNS as usize)?;
        let log = fs::read_to_string(self.folder.join("upkeep.log"));
        Ok((
            spent,
            used,
            series(&log.saying("cannot read upkeep's log")?),
        ))
    }

    /// reader, with one member to read for each store: a store asks Yotpo twice a second at most.
    fn reader(&self, stores: &[String]) -> Result<Spent> {
        self.aws.clear();
        let (mut operator, _) = self.begin("operator")?;
        for store in stores {
            let mut document = self.tools.document(store)?;
            document["sources"]["yotpo"]["rest"] = json!(true);
            good(
                &mut operator,
                &json!({"command": "put_store", "store": document}),
            )?;
        }
        drop(operator);
        self.aws.used();
        let reads: Vec<String> = stores.iter().map(|store| read_of(store)).collect();
        let (mut life, before) = self.begin("reader")?;
        let meter = Meter::new(&life)?;
        batches(&mut life, &reads, 1)?;
        meter.read(&life, before, reads.len())
    }

    pub(super) fn received(&self) -> Result<Vec<Value>> {
        vendors::received(&self.tokio, &self.vendors.rule)
    }

    /// Makes sure that Rule's stand-in got something, and took all of it.
    fn all_taken(&self) -> Result<()> {
        vendors::all_taken(&self.received()?)
    }
}

/// What a function cost, the messages that came before what is counted, and those of each kind.
type Passed = (Spent, Vec<String>, Vec<Vec<String>>);

/// Reads a function's meters at the beginning and at the end of what is counted.
pub(super) struct Meter {
    on_cpu: Duration,
    logged: u64,
}

impl Meter {
    pub(super) fn new(life: &Life) -> Result<Self> {
        Ok(Self {
            on_cpu: life.on_cpu()?,
            logged: life.logged()?,
        })
    }

    pub(super) fn read(self, life: &Life, before: Usage, events: usize) -> Result<Spent> {
        let events = u32::try_from(events.max(1)).unwrap_or(u32::MAX);
        Ok(Spent {
            start: life.start,
            peak: life.peak()?,
            on_cpu: life.on_cpu()?.saturating_sub(self.on_cpu) / events,
            before,
            logged: (life.logged()? - self.logged) / u64::from(events),
        })
    }
}

/// What each function is told: everything; what is not its own it does not read.
pub(super) fn environment(aws: &Aws, rule: &str) -> Vec<(&'static str, String)> {
    let endpoint = format!("http://{}", aws.address);
    let queue = |name: &str| format!("{endpoint}/000000000000/{name}");
    vec![
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
    ]
}

/// What those functions are told beside it that are deployed with the destinations beside Rule.
fn others(aws: &Aws, urls: &[String], function: &str) -> Vec<(&'static str, String)> {
    let names = [
        ["QUEUE_GORGIAS", "DEAD_GORGIAS", "BRIDGE_GORGIAS_URL"],
        [
            "QUEUE_ANNEXCLOUD",
            "DEAD_ANNEXCLOUD",
            "BRIDGE_ANNEXCLOUD_URL",
        ],
    ];
    let mut told = Vec::new();
    for ((other, [queue, dead, stand_in]), url) in OTHERS.iter().zip(names).zip(urls) {
        let at = |name: &str| format!("http://{}/000000000000/{name}", aws.address);
        told.push((queue, at(other.name)));
        told.push((dead, at(&format!("{}-dead", other.name))));
        told.push((stand_in, url.clone()));
        if other.function == function {
            told.push(("QUEUE_URL", at(other.name)));
        }
    }
    told
}

fn counted(kind: &stream::Kind) -> Counted {
    Counted {
        name: kind.name,
        used: [Usage::default(), Usage::default(), Usage::default()],
        messages: 0,
        calls: 0,
        sent: 0,
    }
}

/// Whether nothing of the past was about this store.
fn is_new(stream: &Stream, store: &str) -> bool {
    stream.past.iter().all(|posted| posted.store != store)
}

/// Hands a function an event, which it must do well with.
///
/// # Errors
/// It did not.
pub(super) fn good(life: &mut Life, event: &Value) -> Result<()> {
    let answer = life.invoke(event)?;
    if is_good(&answer) {
        Ok(())
    } else {
        Err(Trouble::new(format!(
            "{} answered {answer}; see its log under target/local/bench",
            life.name()
        )))
    }
}

/// Hands a function the messages of its queue, in batches of this size.
///
/// # Errors
/// It does not take all of them.
pub(super) fn batches(life: &mut Life, messages: &[String], size: usize) -> Result<()> {
    for batch in messages.chunks(size) {
        let records: Vec<_> = batch.iter().enumerate().map(record).collect();
        good(life, &json!({"Records": records}))?;
    }
    Ok(())
}

/// Whether a function did what it was asked: operator, webhook, upkeep, the emitters, and those with a queue say it each in
/// their way.
pub(super) fn is_good(answer: &Value) -> bool {
    let all_taken = answer["batchItemFailures"]
        .as_array()
        .is_some_and(Vec::is_empty);
    let nothing_parked = answer["rule"]["parked"] == 0;
    let told = answer["told"].is_u64();
    answer["ok"] == true || answer["statusCode"] == 200 || all_taken || nothing_parked || told
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

/// The series of metrics in a log: each name with each set of dimensions is one, and is billed.
fn series(log: &str) -> usize {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let told: BTreeSet<String> = lines
        .filter(|line: &Value| line["_aws"].is_object())
        .map(|line| {
            let metrics = &line["_aws"]["CloudWatchMetrics"][0];
            let dimensions = metrics["Dimensions"][0].as_array().into_iter().flatten();
            let values: Vec<String> = dimensions
                .filter_map(|name| Some(line[name.as_str()?].to_string()))
                .collect();
            format!("{} {values:?}", metrics["Metrics"][0]["Name"])
        })
        .collect();
    told.len()
}

/// The message that has this member read.
fn read_of(store: &str) -> String {
    json!({
        "v": 1, "store": store, "source": "yotpo",
        "what": {"member": {"whom": {"email": vendors::READ}, "asked": 1_772_620_830_412_000_i64}},
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_given_back_is_no_good_answer() {
        let given_back = json!({"batchItemFailures": [{"itemIdentifier": "a"}]});
        assert!(is_good(&json!({"batchItemFailures": []})));
        assert!(!is_good(&given_back));
        assert!(is_good(&json!({"statusCode": 200})));
        assert!(!is_good(&json!({"statusCode": 503})));
        assert!(!is_good(&Value::Null));
    }

    #[test]
    fn a_series_is_a_name_with_its_dimensions() {
        let line = |name: &str, destination: &str| {
            json!({
                "_aws": {"CloudWatchMetrics": [{"Dimensions": [["Destination"]], "Metrics": [{"Name": name}]}]},
                "Destination": destination,
            })
            .to_string()
        };
        let log = [
            line("Parked", "rule"),
            line("Parked", "rule"),
            line("Parked", "other"),
            line("LinesClosed", "rule"),
            "{\"level\":\"INFO\"}".to_owned(),
            "no JSON".to_owned(),
        ];
        assert_eq!(series(&log.join("\n")), 3);
    }
}
