//! What people ask of the bundle, invoked through IAM: `aws lambda invoke`.
//!
//! Takes a JSON object with a `command` and answers with one. Never takes a secret and never answers with one.

mod command;
mod put_store;
mod simulate;

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use platform::{
    Config, Stores, SystemClock,
    aws::{self, DynamoTable, SecretsManager, SqsQueue},
    telemetry,
};
use serde_json::Value;
use vendors::registry;

use crate::command::Operator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let mut config = Config::from_env();
    let table = config.required("TABLE");
    let inbox_url = config.required("INBOX_URL");
    let api_url = config.required("API_URL");
    let secret_prefix = config.required("SECRET_PREFIX");
    let deployed = registry::DESTINATIONS
        .iter()
        .map(|destination| destination.name())
        .filter(|name| {
            config
                .optional(&format!("QUEUE_{}", name.to_uppercase()))
                .is_some()
        })
        .collect();
    let clock = Arc::new(SystemClock::moved_by(
        config.optional("BRIDGE_CLOCK_FILE").map(Into::into),
    ));
    config.finish()?;

    let sdk = aws::connect().await;
    let table = Arc::new(DynamoTable::new(&sdk, table));
    let operator = Operator {
        stores: Stores::new(table, clock.clone()),
        queue: Arc::new(SqsQueue::new(&sdk)),
        secrets: Arc::new(SecretsManager::new(&sdk)),
        clock,
        inbox_url,
        api_url,
        secret_prefix,
        deployed,
    };
    run(service_fn(|event: LambdaEvent<Value>| async {
        Ok::<_, Error>(operator.answer(event.payload).await)
    }))
    .await
}
