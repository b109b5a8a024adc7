//! What people ask of the bundle, invoked through IAM: `aws lambda invoke`.
//!
//! Takes a JSON object with a `command` and answers with one. Never takes a secret and never answers with one.

mod command;
mod put_store;
mod simulate;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use platform::{Config, Inbox, Stores, aws::PortsConfig, telemetry};
use serde_json::Value;
use vendors::registry;

use crate::command::Operator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let mut config = Config::from_env();
    let ports = PortsConfig::read(&mut config);
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
    config.finish()?;

    let ports = ports.connect();
    let operator = Operator {
        stores: Stores::new(ports.table, ports.clock.clone()),
        inbox: Inbox::new(ports.queue, inbox_url),
        secrets: ports.secrets,
        clock: ports.clock,
        api_url,
        secret_prefix,
        deployed,
    };
    run(service_fn(|event: LambdaEvent<Value>| async {
        Ok::<_, Error>(operator.answer(event.payload).await)
    }))
    .await
}
