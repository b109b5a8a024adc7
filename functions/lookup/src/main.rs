//! Answers Gorgias' HTTP integration: `GET` and `POST /gorgias/{store}/member`.

mod request;

use std::{sync::Arc, time::Duration};

use delivery::{Asker, Http, LIMITS, Limits};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use lookup::{Lookup, Through, unclear};
use loyalty::HashKey;
use platform::{
    Clock as _, Config, Inbox, SecretCache, Stores,
    aws::{Ports, PortsConfig},
    telemetry,
};
use tokio::sync::OnceCell;
use vendors::{Api, registry};

use request::{Request, Response};

/// How long a source is asked: the ticket waits.
const HURRY: Limits = Limits {
    connect: Duration::from_millis(700),
    total: Duration::from_millis(1_500),
    body: LIMITS.body,
};

/// How long the stack's key may take.
const KEY: Duration = Duration::from_millis(1_500);

/// When an answer is out in any case: a little after lookup's own patience.
const WHOLE: Duration = Duration::from_millis(1_950);

/// A source that answers at once, and the way to it.
struct Way {
    name: &'static str,
    api: &'static dyn Api,
    wire: Arc<Http>,
}

/// What a start needs.
struct Start {
    ports: Ports,
    secret_prefix: String,
    inbox_url: String,
    reads_url: String,
    hash_key_secret: String,
    ways: Vec<Way>,
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
    let sources = registry::SOURCES.iter();
    let at_once = sources.filter_map(|source| {
        let api = source.api().filter(|api| api.answers_at_once())?;
        Some((source.name(), api, config.stand_in(source.name())))
    });
    let at_once: Vec<_> = at_once.collect();
    config.finish()?;

    let mut ways = Vec::new();
    for (name, api, stand_in) in at_once {
        let wire = Arc::new(Http::within(HURRY, stand_in.as_deref())?);
        ways.push(Way { name, api, wire });
    }
    let start = Start {
        ports: ports.connect(),
        secret_prefix,
        inbox_url,
        reads_url,
        hash_key_secret,
        ways,
    };
    let lookup = OnceCell::new();
    // The first ticket after a start waits for no connection: both are made before it comes.
    let (_, ()) = futures_util::join!(started(&lookup, &start), warm(&start.ports));
    run(service_fn(|event| answer(&lookup, &start, event))).await
}

impl Start {
    fn lookup(&self, hash_key: &HashKey) -> Lookup {
        let ports = &self.ports;
        let through = self.ways.iter().map(|way| {
            let asker = Asker::new(
                (way.name, way.api),
                ports.table.clone(),
                (ports.secrets.clone(), self.secret_prefix.clone()),
                ports.clock.clone(),
                way.wire.clone(),
            );
            let own = Through {
                asker: asker.hurried(),
                inbox: Inbox::new(ports.queue.clone(), self.inbox_url.clone()),
                queue: ports.queue.clone(),
                reads: self.reads_url.clone(),
                hash_key: hash_key.clone(),
            };
            (way.name, own)
        });
        Lookup::new(
            ports.table.clone(),
            ports.clock.clone(),
            Stores::new(ports.table.clone(), ports.clock.clone()),
            SecretCache::new(ports.secrets.clone(), ports.clock.clone()),
            self.secret_prefix.clone(),
            through.collect(),
        )
    }
}

/// None while the stack's key cannot be read: a request that were answered with an error would be one of the hundred after
/// which the integration is disabled. The next one tries again.
async fn started<'a>(lookup: &'a OnceCell<Lookup>, start: &Start) -> Option<&'a Lookup> {
    let make = async || {
        let key = start.ports.hash_key(&start.hash_key_secret);
        match tokio::time::timeout(KEY, key).await {
            Ok(Ok(key)) => Ok(start.lookup(&key)),
            Ok(Err(error)) => {
                tracing::error!(%error, "the stack's key cannot be read, so every card says that there is none now");
                Err(())
            }
            Err(_) => {
                tracing::error!("the stack's key could not be read in time");
                Err(())
            }
        }
    };
    lookup.get_or_try_init(make).await.ok()
}

/// Opens the way to the table. Whatever comes of it, the first request finds out for itself.
async fn warm(ports: &Ports) {
    use platform::{RowKey, Table as _};
    let row = RowKey::new("STORES", "-");
    let _ = tokio::time::timeout(KEY, ports.table.get(&row, false)).await;
}

async fn answer(
    lookup: &OnceCell<Lookup>,
    start: &Start,
    event: LambdaEvent<Request>,
) -> Result<Response, Error> {
    let (store, ticket) = event.payload.read();
    let answer = async {
        match started(lookup, start).await {
            Some(lookup) => lookup.answer(&store, &ticket).await,
            None => unclear(&ticket, start.ports.clock.now()),
        }
    };
    // A start that is made up for takes from the same two seconds.
    let answered = tokio::time::timeout(WHOLE, answer).await;
    let answered = answered.unwrap_or_else(|_| unclear(&ticket, start.ports.clock.now()));
    Ok(Response::of(answered))
}
