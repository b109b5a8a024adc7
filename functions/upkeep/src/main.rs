//! Looks after what waits, every five minutes: goes on with erasures, begins each day's repairs, probes lines that are
//! closed, sends what is parked, tells how much still waits, and looks once a day whether vendors still ask us.
//!
//! Thin: [`recording`] and [`delivery`] do the work. One destination's trouble never keeps another from its turn.

mod erasures;
mod repairs;
mod rounds;
mod watches;

use std::sync::Arc;

use delivery::{Http, Limits, Lines, PAGES, Pusher, VISITS, Watcher};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use platform::{
    Config, Deadline, Stores,
    aws::{Ports, PortsConfig},
    telemetry,
};
use recording::{erase::Eraser, repair::Repairs};
use serde_json::Value;
use vendors::{Destination, registry};

/// A destination that this stack was deployed with.
struct Deployed {
    destination: &'static dyn Destination,
    queue_url: String,
    stand_in: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let mut config = Config::from_env();
    let ports = PortsConfig::read(&mut config);
    let secret_prefix = config.required("SECRET_PREFIX");
    let reads_url = config.required("READS_URL");
    let hash_key_secret = config.required("HASH_KEY_SECRET");
    let api_url = config.required("API_URL");
    let queues = config.queues();
    let deployed: Vec<Deployed> = registry::DESTINATIONS
        .iter()
        .filter_map(|destination| {
            let name = destination.name();
            Some(Deployed {
                destination: *destination,
                queue_url: queues.get(name)?.clone(),
                stand_in: config.stand_in(name),
            })
        })
        .collect();
    config.finish()?;

    let ports = ports.connect();
    let hash_key = ports.hash_key(&hash_key_secret).await?;
    let eraser = Eraser {
        table: ports.table.clone(),
        queue: ports.queue.clone(),
        clock: ports.clock.clone(),
        hash_key,
        queues,
    };
    let stores = Stores::new(ports.table.clone(), ports.clock.clone());
    let repairs = Repairs {
        table: ports.table.clone(),
        queue: ports.queue.clone(),
        clock: ports.clock.clone(),
        url: reads_url.clone(),
    };
    let lines = Lines::new(ports.table.clone(), ports.clock.clone());
    let (mut pushers, mut watchers) = (Vec::new(), Vec::new());
    for deployed in deployed {
        if deployed.destination.watches() {
            watchers.push(watcher(&deployed, &ports, (&secret_prefix, &api_url))?);
        }
        pushers.push(pusher(deployed, &ports, (&secret_prefix, &reads_url))?);
    }
    let (clock, pushers, eraser, stores) = (&ports.clock, &pushers, &eraser, &stores);
    let (repairs, lines, watchers) = (&repairs, &lines, &watchers);
    run(service_fn(move |event: LambdaEvent<Value>| async move {
        let deadline = Deadline::from_lambda(event.context.deadline, &**clock);
        // First, and for a part of the round: an erasure must not wait for an hour of parked work.
        let swept = erasures::all(eraser, stores, deadline).await;
        let begun = repairs::all(repairs, lines, (stores, &**clock)).await;
        let watched = watches::all(watchers, (stores, &**clock)).await;
        let left = rounds::all(pushers, deadline).await?;
        swept?;
        begun?;
        watched?;
        Ok::<_, Error>(left)
    }))
    .await
}

fn pusher(
    deployed: Deployed,
    ports: &Ports,
    (secret_prefix, reads_url): (&str, &str),
) -> Result<Pusher, Error> {
    let wire = Http::new(deployed.stand_in.as_deref())?;
    let mut pusher = Pusher::new(
        deployed.destination,
        (ports.table.clone(), ports.queue.clone()),
        (ports.secrets.clone(), secret_prefix.to_owned()),
        ports.clock.clone(),
        Arc::new(wire),
        deployed.queue_url,
    );
    pusher.reads = Some(reads_url.to_owned());
    Ok(pusher)
}

fn watcher(
    deployed: &Deployed,
    ports: &Ports,
    (secret_prefix, api_url): (&str, &str),
) -> Result<Watcher, Error> {
    let lists = Limits {
        body: PAGES.body,
        ..VISITS
    };
    Ok(Watcher {
        destination: deployed.destination,
        table: ports.table.clone(),
        secrets: ports.secrets.clone(),
        secret_prefix: secret_prefix.to_owned(),
        clock: ports.clock.clone(),
        wire: Arc::new(Http::within(lists, deployed.stand_in.as_deref())?),
        home: Arc::new(Http::home(api_url)?),
        api_url: api_url.to_owned(),
    })
}
