//! Takes vendors' webhooks in: checks who calls, stamps the arrival, puts the raw body on the inbox, answers.
//!
//! Promises: success is answered only after the queue has the delivery. Does not promise: that the body makes sense;
//! the recorder reads it.

mod answer;
mod door;
#[cfg(test)]
mod tests;

use lambda_http::{Error, run, service_fn};
use platform::{Config, Inbox, Received, SecretCache, aws::PortsConfig, telemetry};

use crate::door::Door;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let mut config = Config::from_env();
    let ports = PortsConfig::read(&mut config);
    let inbox_url = config.required("INBOX_URL");
    let secret_prefix = config.required("SECRET_PREFIX");
    config.finish()?;

    let ports = ports.connect();
    let door = Door {
        table: ports.table,
        inbox: Inbox::new(ports.queue, inbox_url),
        secrets: SecretCache::new(ports.secrets, ports.clock.clone()),
        clock: ports.clock,
        secret_prefix,
        received: Received::default(),
    };
    run(service_fn(|request| answer::answer(&door, request))).await
}
