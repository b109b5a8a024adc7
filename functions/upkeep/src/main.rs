//! Looks after what waits, every five minutes: probes lines that are closed, sends what is parked, and tells how much
//! still waits.
//!
//! Thin: [`delivery`] does the work. One destination's trouble never keeps another from its turn.

mod rounds;

use std::sync::Arc;

use delivery::{Http, Pusher};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use platform::{
    Config, Deadline,
    aws::{Ports, PortsConfig},
    telemetry,
};
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
    let deployed: Vec<Deployed> = registry::DESTINATIONS
        .iter()
        .filter_map(|destination| {
            let name = destination.name().to_uppercase();
            Some(Deployed {
                destination: *destination,
                queue_url: config.optional(&format!("QUEUE_{name}"))?,
                stand_in: config.optional(&format!("BRIDGE_{name}_URL")),
            })
        })
        .collect();
    config.finish()?;

    let ports = ports.connect();
    let mut pushers = Vec::new();
    for deployed in deployed {
        pushers.push(pusher(deployed, &ports, &secret_prefix)?);
    }
    run(service_fn(|event: LambdaEvent<Value>| {
        let deadline = Deadline::from_lambda(event.context.deadline, &*ports.clock);
        rounds::all(&pushers, deadline)
    }))
    .await
}

fn pusher(deployed: Deployed, ports: &Ports, secret_prefix: &str) -> Result<Pusher, Error> {
    let base = deployed.destination.base();
    let wire = Http::new(base, deployed.stand_in.as_deref())?;
    Ok(Pusher::new(
        deployed.destination,
        (ports.table.clone(), ports.queue.clone()),
        (ports.secrets.clone(), secret_prefix.to_owned()),
        ports.clock.clone(),
        Arc::new(wire),
        deployed.queue_url,
    ))
}
