//! What every pusher binary does: wire the engine to one destination and serve its queue.

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use delivery::{Http, Pusher, Received};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use platform::{
    Config, Deadline,
    aws::{PortsConfig, give_back, receives},
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
    let ports = PortsConfig::read(&mut config);
    let queue_url = config.required("QUEUE_URL");
    let secret_prefix = config.required("SECRET_PREFIX");
    let reads_url = config.optional("READS_URL");
    let stand_in = config.stand_in(destination.name());
    config.finish()?;

    let ports = ports.connect();
    let wire = Arc::new(Http::new(stand_in.as_deref())?);
    let mut pusher = Pusher::new(
        destination,
        (ports.table, ports.queue),
        (ports.secrets, secret_prefix),
        ports.clock,
        wire,
        queue_url,
    );
    pusher.reads = reads_url;
    run(service_fn(|event| push(&pusher, event))).await
}

async fn push(pusher: &Pusher, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
    let records = event.payload.records;
    let received: Vec<Received> = records.iter().map(received).collect();
    let deadline = Deadline::from_lambda(event.context.deadline, &*pusher.clock);
    let outcomes = pusher.push(&received, deadline).await;
    let failed = records
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| outcome.wait().is_some());
    Ok(give_back(failed.map(|(record, _)| record))?)
}

fn received(record: &SqsMessage) -> Received {
    Received {
        receipt: record.receipt_handle.clone().unwrap_or_default(),
        body: record.body.clone().unwrap_or_default(),
        receives: receives(record),
    }
}
