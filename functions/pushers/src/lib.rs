//! What every pusher binary does: wire the engine to one destination and serve its queue.

use std::sync::Arc;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use delivery::{Http, Pauses, Pusher, Received};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use platform::{
    Config, Deadline, SecretCache, Stores, SystemClock,
    aws::{self, DynamoTable, SecretsManager, SqsQueue},
    telemetry,
};
use vendors::Destination;

/// Serves one destination's queue until Lambda ends the process.
///
/// # Errors
/// When the environment lacks a variable, or the HTTP client cannot be made: then the deployment fails visibly.
pub async fn serve(destination: &'static dyn Destination) -> Result<(), Error> {
    telemetry::start();
    let mut config = Config::from_env();
    let table = config.required("TABLE");
    let queue_url = config.required("QUEUE_URL");
    let secret_prefix = config.required("SECRET_PREFIX");
    let stand_in = config.optional(&format!("BRIDGE_{}_URL", destination.name().to_uppercase()));
    let clock = Arc::new(SystemClock::moved_by(
        config.optional("BRIDGE_CLOCK_FILE").map(Into::into),
    ));
    config.finish()?;

    let sdk = aws::connect().await;
    let table = Arc::new(DynamoTable::new(&sdk, table));
    let pusher = Pusher {
        destination,
        stores: Stores::new(table.clone(), clock.clone()),
        table,
        queue: Arc::new(SqsQueue::new(&sdk)),
        secrets: SecretCache::new(Arc::new(SecretsManager::new(&sdk)), clock.clone()),
        clock,
        secret_prefix,
        wire: Arc::new(Http::new(destination.base(), stand_in.as_deref())?),
        queue_url,
        pauses: Pauses::default(),
    };
    run(service_fn(|event| push(&pusher, event))).await
}

async fn push(pusher: &Pusher, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
    let records = event.payload.records;
    let received: Vec<Received> = records.iter().map(received).collect();
    let deadline = Deadline::from_lambda(event.context.deadline, &*pusher.clock);
    let outcomes = pusher.push(&received, deadline).await;
    let mut response = SqsBatchResponse::default();
    for (record, outcome) in records.into_iter().zip(outcomes) {
        if outcome.wait().is_some() {
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

fn received(record: &SqsMessage) -> Received {
    let receives = record
        .attributes
        .get("ApproximateReceiveCount")
        .and_then(|count| count.parse().ok());
    Received {
        receipt: record.receipt_handle.clone().unwrap_or_default(),
        body: record.body.clone().unwrap_or_default(),
        receives: receives.unwrap_or(1),
    }
}
