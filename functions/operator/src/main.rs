//! What people ask of the bundle, invoked through IAM: `aws lambda invoke`.
//!
//! Takes a JSON object with a `command` and answers with one.

use std::collections::BTreeMap;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use loyalty::HashKey;
use operator::{DeadLetters, Operator};
use platform::{Config, Inbox, Secrets as _, Stores, aws::PortsConfig, telemetry};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use vendors::registry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let mut config = Config::from_env();
    let ports = PortsConfig::read(&mut config);
    let inbox_url = config.required("INBOX_URL");
    let inbox_dead_url = config.required("INBOX_DEAD_URL");
    let api_url = config.required("API_URL");
    let secret_prefix = config.required("SECRET_PREFIX");
    let hash_key_secret = config.required("HASH_KEY_SECRET");
    let mut queues = BTreeMap::new();
    let inbox_letters = DeadLetters {
        from: inbox_dead_url,
        to: inbox_url.clone(),
    };
    let mut dead_letters = BTreeMap::from([("inbox".to_owned(), inbox_letters)]);
    for name in registry::DESTINATIONS.iter().map(|one| one.name()) {
        let upper = name.to_uppercase();
        let Some(to) = config.optional(&format!("QUEUE_{upper}")) else {
            continue;
        };
        queues.insert(name, to.clone());
        let from = config.required(&format!("DEAD_{upper}"));
        dead_letters.insert(name.to_owned(), DeadLetters { from, to });
    }
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
        queues,
        dead_letters,
        hash_key: HashKey::new(hash_key.expose_secret().as_bytes()),
    };
    run(service_fn(|event: LambdaEvent<Value>| async {
        Ok::<_, Error>(operator.answer(event.payload).await)
    }))
    .await
}
