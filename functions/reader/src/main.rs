//! Reads members and rewards from sources' own interfaces, as the queue of reads asks for it.

use std::{collections::BTreeMap, sync::Arc};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use delivery::{Asker, Http, PAGES, Received};
use futures_util::future::join_all;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use platform::{
    Config, Deadline, Inbox, Stores,
    aws::{Ports, PortsConfig, give_back, receives},
    telemetry,
};
use reader::Reader;
use recording::repair::Repairs;
use vendors::{Api, Outcome, registry};

/// A source that can be asked.
struct Source {
    name: &'static str,
    api: &'static dyn Api,
    stand_in: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let mut config = Config::from_env();
    let ports = PortsConfig::read(&mut config);
    let inbox_url = config.required("INBOX_URL");
    let queue_url = config.required("READS_URL");
    let secret_prefix = config.required("SECRET_PREFIX");
    let hash_key_secret = config.required("HASH_KEY_SECRET");
    let sources: Vec<Source> = registry::SOURCES
        .iter()
        .filter_map(|source| {
            Some(Source {
                name: source.name(),
                api: source.api()?,
                stand_in: config.stand_in(source.name()),
            })
        })
        .collect();
    config.finish()?;

    let ports = ports.connect();
    let hash_key = ports.hash_key(&hash_key_secret).await?;
    let mut askers = BTreeMap::new();
    for source in sources {
        askers.insert(source.name, asker(&source, &ports, &secret_prefix)?);
    }
    let reader = Reader {
        repairs: Repairs {
            table: ports.table.clone(),
            queue: ports.queue.clone(),
            clock: ports.clock.clone(),
            url: queue_url,
        },
        stores: Stores::new(ports.table.clone(), ports.clock.clone()),
        inbox: Inbox::new(ports.queue, inbox_url),
        table: ports.table,
        clock: ports.clock,
        hash_key,
        askers,
    };
    run(service_fn(|event| read(&reader, event))).await
}

fn asker(source: &Source, ports: &Ports, secret_prefix: &str) -> Result<Asker, Error> {
    let wire = Http::within(PAGES, source.stand_in.as_deref())?;
    Ok(Asker::new(
        (source.name, source.api),
        ports.table.clone(),
        (ports.secrets.clone(), secret_prefix.to_owned()),
        ports.clock.clone(),
        Arc::new(wire),
    ))
}

async fn read(reader: &Reader, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
    let records = event.payload.records;
    let received: Vec<Received> = records.iter().map(received).collect();
    let deadline = Deadline::from_lambda(event.context.deadline, &*reader.clock);
    let outcomes = reader.read(&received, deadline).await;
    let waits = records.iter().zip(&outcomes);
    let failed = waits.filter(|(_, outcome)| outcome.wait().is_some());
    let failed: Vec<(&SqsMessage, &Outcome)> = failed.collect();
    join_all(
        failed
            .iter()
            .map(|(record, outcome)| hide(reader, record, outcome)),
    )
    .await;
    Ok(give_back(failed.into_iter().map(|(record, _)| record))?)
}

fn received(record: &SqsMessage) -> Received {
    Received {
        receipt: record.receipt_handle.clone().unwrap_or_default(),
        body: record.body.clone().unwrap_or_default(),
        receives: receives(record),
    }
}

/// Lets a message come again when its time has come. Without this the queue's own time applies: nothing is lost.
async fn hide(reader: &Reader, record: &SqsMessage, outcome: &Outcome) {
    let (Some(receipt), Some(wait)) = (record.receipt_handle.as_deref(), outcome.wait()) else {
        return;
    };
    let seconds = u32::try_from(wait.as_secs().max(1)).unwrap_or(u32::MAX);
    let Repairs { queue, url, .. } = &reader.repairs;
    if let Err(error) = queue.hide(url, receipt, seconds).await {
        tracing::warn!(%error, "a message waits for the queue's own time instead of its own");
    }
}
