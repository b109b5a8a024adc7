//! Takes vendors' webhooks in: checks who calls, stamps the arrival, puts the raw body on the inbox, answers.
//!
//! Promises: success is answered only after the queue has the delivery. Does not promise: that the body makes sense;
//! the recorder reads it.

mod answer;
mod door;
mod received;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use lambda_http::{Error, run, service_fn};
use platform::{
    Config, SecretCache, SystemClock,
    aws::{self, DynamoTable, SecretsManager, SqsQueue},
    telemetry,
};

use crate::door::Door;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let mut config = Config::from_env();
    let table = config.required("TABLE");
    let inbox_url = config.required("INBOX_URL");
    let secret_prefix = config.required("SECRET_PREFIX");
    let clock = Arc::new(SystemClock::moved_by(
        config.optional("BRIDGE_CLOCK_FILE").map(Into::into),
    ));
    config.finish()?;

    let sdk = aws::connect().await;
    let door = Door {
        table: Arc::new(DynamoTable::new(&sdk, table)),
        queue: Arc::new(SqsQueue::new(&sdk)),
        secrets: SecretCache::new(Arc::new(SecretsManager::new(&sdk)), clock.clone()),
        clock,
        inbox_url,
        secret_prefix,
        received: received::Received::default(),
    };
    run(service_fn(|request| answer::answer(&door, request))).await
}
