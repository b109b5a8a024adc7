//! What people ask of the bundle, invoked through IAM: `aws lambda invoke`.
//!
//! Takes a JSON object with a `command` and answers with one.

use std::{collections::BTreeMap, sync::Arc};

use delivery::{Http, Limits, PAGES, VISITS, Wire};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use operator::{DeadLetters, Operator};
use platform::{Config, Inbox, Stores, aws::PortsConfig, telemetry, variable_of};
use serde_json::Value;
use vendors::registry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let mut config = Config::from_env();
    let ports = PortsConfig::read(&mut config);
    let inbox_url = config.required("INBOX_URL");
    let inbox_dead_url = config.required("INBOX_DEAD_URL");
    let reads_url = config.required("READS_URL");
    let reads_dead_url = config.required("READS_DEAD_URL");
    let api_url = config.required("API_URL");
    let secret_prefix = config.required("SECRET_PREFIX");
    let hash_key_secret = config.required("HASH_KEY_SECRET");
    let queues = config.queues();
    let inbox_letters = DeadLetters {
        from: inbox_dead_url,
        to: inbox_url.clone(),
    };
    let reads_letters = DeadLetters {
        from: reads_dead_url,
        to: reads_url,
    };
    let mut dead_letters = BTreeMap::from([
        ("inbox".to_owned(), inbox_letters),
        ("reads".to_owned(), reads_letters),
    ]);
    for (name, to) in queues.clone() {
        let from = config.required(&variable_of("DEAD", &name));
        dead_letters.insert(name, DeadLetters { from, to });
    }
    let ways: Vec<_> = ways(&queues)
        .map(|(name, limits)| (name, limits, config.stand_in(name)))
        .collect();
    config.finish()?;

    let ports = ports.connect();
    let hash_key = ports.hash_key(&hash_key_secret).await?;
    let mut wires = BTreeMap::<String, Arc<dyn Wire>>::new();
    for (name, limits, stand_in) in ways {
        let wire = Http::within(limits, stand_in.as_deref())?;
        wires.insert(name.to_owned(), Arc::new(wire));
    }
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
        wires,
        hash_key,
    };
    run(service_fn(|event: LambdaEvent<Value>| async {
        Ok::<_, Error>(operator.answer(event.payload).await)
    }))
    .await
}

/// The vendors that a person may look at, by name, with how much is read of each: destinations that
/// the stack was deployed with, and sources with an interface of their own.
fn ways(queues: &BTreeMap<String, String>) -> impl Iterator<Item = (&'static str, Limits)> {
    // A page of a hundred customers has all their data in it.
    let lists = Limits {
        body: PAGES.body,
        ..VISITS
    };
    let destinations = registry::DESTINATIONS
        .iter()
        .filter(|destination| queues.contains_key(destination.name()))
        .map(move |destination| (destination.name(), lists));
    let sources = registry::SOURCES
        .iter()
        .filter(|source| source.api().is_some())
        .map(move |source| (source.name(), lists));
    destinations.chain(sources)
}
