//! Takes deliveries from the inbox, keeps every member's current picture, and tells the destinations.
//!
//! Thin: [`recording`] does the work. Every record is reported by itself, so that one bad delivery never takes its
//! neighbours with it.

use std::{collections::BTreeMap, sync::Arc};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use loyalty::HashKey;
use platform::{
    Config, Secrets as _, Stores, SystemClock,
    aws::{self, DynamoTable, SecretsManager, SqsQueue},
    telemetry,
};
use recording::{Delivered, Recorder};
use secrecy::ExposeSecret as _;
use vendors::registry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let mut config = Config::from_env();
    let table = config.required("TABLE");
    let hash_key_secret = config.required("HASH_KEY_SECRET");
    let queues: BTreeMap<String, String> = registry::DESTINATIONS
        .iter()
        .filter_map(|destination| {
            let variable = format!("QUEUE_{}", destination.name().to_uppercase());
            Some((destination.name().to_owned(), config.optional(&variable)?))
        })
        .collect();
    let clock = Arc::new(SystemClock::moved_by(
        config.optional("BRIDGE_CLOCK_FILE").map(Into::into),
    ));
    config.finish()?;

    let sdk = aws::connect().await;
    let table = Arc::new(DynamoTable::new(&sdk, table));
    let hash_key = SecretsManager::new(&sdk).get(&hash_key_secret).await?;
    let hash_key =
        hash_key.ok_or("the secret named by HASH_KEY_SECRET is missing: the template makes it")?;
    let recorder = Recorder {
        stores: Stores::new(table.clone(), clock.clone()),
        table,
        queue: Arc::new(SqsQueue::new(&sdk)),
        clock,
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
    let mut response = SqsBatchResponse::default();
    for (record, result) in records.into_iter().zip(results) {
        if let Err(failure) = result {
            tracing::warn!(reason = failure.0.code(), "a delivery will come again");
            // With an empty or unknown id SQS would delete or repeat the whole batch.
            let id = record
                .message_id
                .ok_or("SQS handed out a message without an id")?;
            let mut item = BatchItemFailure::default();
            item.item_identifier = id;
            response.batch_item_failures.push(item);
        }
    }
    Ok(response)
}
