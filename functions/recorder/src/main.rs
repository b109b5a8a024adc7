//! Takes deliveries from the inbox, keeps every member's current picture, and tells the destinations.
//!
//! Thin: [`recording`] does the work. Every record is reported by itself, so that one bad delivery never takes its
//! neighbours with it.

use std::collections::BTreeMap;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use loyalty::HashKey;
use platform::{
    Config, Secrets as _, Stores,
    aws::{PortsConfig, give_back},
    telemetry,
};
use recording::{Delivered, Recorder};
use secrecy::ExposeSecret as _;
use vendors::registry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let mut config = Config::from_env();
    let ports = PortsConfig::read(&mut config);
    let hash_key_secret = config.required("HASH_KEY_SECRET");
    let queues: BTreeMap<String, String> = registry::DESTINATIONS
        .iter()
        .filter_map(|destination| {
            let variable = format!("QUEUE_{}", destination.name().to_uppercase());
            Some((destination.name().to_owned(), config.optional(&variable)?))
        })
        .collect();
    config.finish()?;

    let ports = ports.connect();
    let hash_key = ports.secrets.get(&hash_key_secret).await?;
    let hash_key =
        hash_key.ok_or("the secret named by HASH_KEY_SECRET is missing: the template makes it")?;
    let recorder = Recorder {
        stores: Stores::new(ports.table.clone(), ports.clock.clone()),
        table: ports.table,
        queue: ports.queue,
        clock: ports.clock,
        hash_key: HashKey::new(hash_key.expose_secret().as_bytes()),
        queues,
        source: registry::source,
    };
    run(service_fn(|event| record(&recorder, event))).await
}

async fn record(
    recorder: &Recorder,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, Error> {
    let records = event.payload.records;
    let deliveries = records
        .iter()
        .map(|record| Delivered {
            body: record.body.clone().unwrap_or_default(),
        })
        .collect();
    let results = recorder.record(deliveries).await;
    let failed = records.iter().zip(&results).filter_map(|(record, result)| {
        let failure = result.as_ref().err()?;
        tracing::warn!(reason = failure.0.code(), "a delivery will come again");
        Some(record)
    });
    Ok(give_back(failed)?)
}
