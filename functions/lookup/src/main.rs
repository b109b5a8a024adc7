//! Answers Gorgias' HTTP integration: `GET` and `POST /gorgias/{store}/member`.

mod request;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use delivery::{Asker, Http, LIMITS, Limits};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use lookup::{Lookup, Through};
use platform::{
    Config, Inbox, SecretCache, Stores,
    aws::{Ports, PortsConfig},
    telemetry,
};
use vendors::{Api, registry};

/// How long a source is asked: the ticket waits.
const HURRY: Limits = Limits {
    connect: Duration::from_millis(700),
    total: Duration::from_millis(1_500),
    body: LIMITS.body,
};

/// A source that answers at once.
struct Way {
    name: &'static str,
    api: &'static dyn Api,
    stand_in: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let mut config = Config::from_env();
    let ports = PortsConfig::read(&mut config);
    let secret_prefix = config.required("SECRET_PREFIX");
    let inbox_url = config.required("INBOX_URL");
    let reads_url = config.required("READS_URL");
    let hash_key_secret = config.required("HASH_KEY_SECRET");
    let ways: Vec<Way> = registry::SOURCES
        .iter()
        .filter_map(|source| {
            let api = source.api().filter(|api| api.answers_at_once())?;
            Some(Way {
                name: source.name(),
                api,
                stand_in: config.stand_in(source.name()),
            })
        })
        .collect();
    config.finish()?;

    let ports = ports.connect();
    // The first ticket after a start waits for no connection: both are made before it comes.
    let (hash_key, ()) = futures_util::join!(ports.hash_key(&hash_key_secret), warm(&ports));
    let hash_key = hash_key?;
    let mut through = BTreeMap::new();
    for way in ways {
        let wire = Http::within(HURRY, way.stand_in.as_deref())?;
        let asker = Asker::new(
            (way.name, way.api),
            ports.table.clone(),
            (ports.secrets.clone(), secret_prefix.clone()),
            ports.clock.clone(),
            Arc::new(wire),
        );
        let own = Through {
            asker: asker.hurried(),
            inbox: Inbox::new(ports.queue.clone(), inbox_url.clone()),
            queue: ports.queue.clone(),
            reads: reads_url.clone(),
            hash_key: hash_key.clone(),
        };
        through.insert(way.name, own);
    }
    let lookup = Lookup::new(
        ports.table.clone(),
        ports.clock.clone(),
        Stores::new(ports.table.clone(), ports.clock.clone()),
        SecretCache::new(ports.secrets, ports.clock),
        secret_prefix,
        through,
    );
    run(service_fn(|event| answer(&lookup, event))).await
}

/// Opens the way to the table. Whatever comes of it, the first request finds out for itself.
async fn warm(ports: &Ports) {
    use platform::{RowKey, Table as _};
    let _ = ports.table.get(&RowKey::new("STORES", "-"), false).await;
}

async fn answer(
    lookup: &Lookup,
    event: LambdaEvent<ApiGatewayV2httpRequest>,
) -> Result<ApiGatewayV2httpResponse, Error> {
    let (store, ticket) = request::read(event.payload);
    Ok(request::response(&lookup.answer(&store, &ticket).await))
}
