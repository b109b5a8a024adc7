//! What people ask of the bundle, invoked through IAM: `aws lambda invoke`.
//!
//! Takes a JSON object with a `command` and answers with one. Never takes a secret and never answers with one.

mod audit;
mod command;
mod put_store;
mod simulate;

use std::collections::BTreeMap;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use loyalty::HashKey;
use platform::{Config, Inbox, Secrets as _, Stores, aws::PortsConfig, telemetry};
use secrecy::ExposeSecret as _;
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
    let hash_key_secret = config.required("HASH_KEY_SECRET");
    let deployed: BTreeMap<&'static str, String> = registry::DESTINATIONS
        .iter()
        .filter_map(|destination| {
            let variable = format!("QUEUE_{}", destination.name().to_uppercase());
            Some((destination.name(), config.optional(&variable)?))
        })
        .collect();
    config.finish()?;

    let ports = ports.connect();
    let hash_key = ports.secrets.get(&hash_key_secret).await?;
    let hash_key =
        hash_key.ok_or("the secret named by HASH_KEY_SECRET is missing: the template makes it")?;
    let operator = Operator {
        stores: Stores::new(ports.table.clone(), ports.clock.clone()),
        inbox: Inbox::new(ports.queue.clone(), inbox_url),
        table: ports.table,
        queue: ports.queue,
        secrets: ports.secrets,
        clock: ports.clock,
        api_url,
        secret_prefix,
        deployed: deployed.keys().copied().collect(),
        queues: deployed
            .into_iter()
            .map(|(name, url)| (name.to_owned(), url))
            .collect(),
        hash_key: HashKey::new(hash_key.expose_secret().as_bytes()),
    };
    run(service_fn(|event: LambdaEvent<Value>| async {
        Ok::<_, Error>(operator.answer(event.payload).await)
    }))
    .await
}
