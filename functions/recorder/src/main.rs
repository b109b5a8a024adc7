//! Takes deliveries from the inbox, keeps every member's current picture, and tells the destinations.
//!
//! Thin: [`recording`] does the work. Every record is reported by itself, so that one bad delivery never takes its
//! neighbours with it.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::future::join_all;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use platform::{
    Config, Stores,
    aws::{PortsConfig, give_back, receives},
    telemetry,
};
use recording::{Delivered, Failure, Recorder, Seen};
use vendors::registry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let mut config = Config::from_env();
    let ports = PortsConfig::read(&mut config);
    let inbox_url = config.required("INBOX_URL");
    let reads_url = config.required("READS_URL");
    let hash_key_secret = config.required("HASH_KEY_SECRET");
    let queues = config.queues();
    config.finish()?;

    let ports = ports.connect();
    let hash_key = ports.hash_key(&hash_key_secret).await?;
    let recorder = Recorder {
        stores: Stores::new(ports.table.clone(), ports.clock.clone()),
        table: ports.table,
        queue: ports.queue,
        clock: ports.clock,
        hash_key,
        queues,
        reads: reads_url,
        seen: Seen::default(),
        source: registry::source,
    };
    run(service_fn(|event| record(&recorder, &inbox_url, event))).await
}

async fn record(
    recorder: &Recorder,
    inbox_url: &str,
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
    let failed = records.iter().zip(&results);
    let failed = failed.filter_map(|(record, result)| Some((record, result.as_ref().err()?)));
    let failed: Vec<(&SqsMessage, &Failure)> = failed.collect();
    join_all(failed.iter().map(|(record, failure)| {
        let reason = failure.0.code();
        hide(recorder, inbox_url, record, reason)
    }))
    .await;
    Ok(give_back(failed.into_iter().map(|(record, _)| record))?)
}

/// Lets a delivery come again soon, and later each time. Without this the queue's own time applies, which is longer:
/// nothing is lost.
async fn hide(recorder: &Recorder, inbox_url: &str, record: &SqsMessage, reason: &'static str) {
    let seconds = wait(receives(record));
    tracing::warn!(reason, wait_s = seconds, "a delivery will come again");
    let Some(receipt) = record.receipt_handle.as_deref() else {
        return;
    };
    if let Err(error) = recorder.queue.hide(inbox_url, receipt, seconds).await {
        tracing::warn!(%error, "a delivery waits for the queue's own time instead of its own");
    }
}

/// From five seconds, doubling, to a quarter of an hour.
fn wait(receives: u32) -> u32 {
    (5_u32 << receives.saturating_sub(1).min(8)).min(900)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_waits_twice_as_long_each_time() {
        let waits: Vec<u32> = (1..=12).map(wait).collect();
        assert_eq!(
            waits,
            [5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900]
        );
        assert_eq!(wait(0), 5);
    }
}
