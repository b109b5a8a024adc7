//! What every emitter binary does: once a day, look at who is due and put their day on the inbox.
//!
//! Thin: [`recording::emit`] does the work. A run that comes near its end goes on through a queue of its own.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use loyalty::due::Due;
use platform::{Config, Deadline, Inbox, Outgoing, Queue, Stores, aws::PortsConfig, telemetry};
use recording::emit::{Emitter, Rest, Tally};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How often one day's run goes on at most: more than a hundred million people need.
const ROUNDS: u32 = 500;

/// A run that goes on: the message on the emitter's own queue.
#[derive(Serialize, Deserialize)]
struct GoesOn {
    /// Version of this form: 1.
    v: u8,
    /// How often it went on before.
    round: u32,
    /// Where.
    rest: Rest,
}

/// Serves one schedule until Lambda ends the process.
///
/// # Errors
/// When the environment lacks a variable: then the deployment fails visibly.
pub async fn serve(dues: &'static [Due]) -> Result<(), Error> {
    telemetry::start();
    let mut config = Config::from_env();
    let ports = PortsConfig::read(&mut config);
    let inbox_url = config.required("INBOX_URL");
    let queue_url = config.required("QUEUE_URL");
    let hash_key_secret = config.required("HASH_KEY_SECRET");
    config.finish()?;

    let ports = ports.connect();
    let hash_key = ports.hash_key(&hash_key_secret).await?;
    let emitter = Emitter {
        stores: Stores::new(ports.table.clone(), ports.clock.clone()),
        table: ports.table,
        clock: ports.clock,
        inbox: Inbox::new(ports.queue.clone(), inbox_url),
        hash_key,
    };
    let (emitter, queue, url) = (&emitter, &*ports.queue, queue_url.as_str());
    run(service_fn(move |event: LambdaEvent<Value>| async move {
        emit(emitter, dues, (queue, url), event).await
    }))
    .await
}

/// One run. What it could not do stays due, so that Lambda's own retries and the next day's run complete it.
async fn emit(
    emitter: &Emitter,
    dues: &[Due],
    (queue, url): (&dyn Queue, &str),
    event: LambdaEvent<Value>,
) -> Result<Tally, Error> {
    let deadline = Deadline::from_lambda(event.context.deadline, &*emitter.clock);
    let begun = goes_on(&event.payload)?;
    let round = begun.as_ref().map_or(0, |begun| begun.round + 1);
    let rest = begun.map(|begun| begun.rest);
    let ran = emitter.run(dues, rest, deadline).await?;
    if let Some(rest) = ran.rest {
        if round >= ROUNDS {
            return Err("the run has gone on too often; the next day's run begins anew".into());
        }
        let body = serde_json::to_string(&GoesOn { v: 1, round, rest })?;
        let message = Outgoing { id: 0, body };
        if !queue.send(url, vec![message]).await.is_empty() {
            return Err("the run could not go on: its queue did not take the message".into());
        }
        tracing::info!(round, "emit.goes_on");
    }
    // Told last: what goes on does so in any case, and a store that failed is tried again.
    ran.failed
        .map_or(Ok(ran.tally), |failed| Err(failed.into()))
}

/// Where an earlier run stopped; none of what the schedule sends.
fn goes_on(event: &Value) -> Result<Option<GoesOn>, Error> {
    let body = event["Records"][0]["body"].as_str();
    let read = body.map(serde_json::from_str::<GoesOn>).transpose();
    read.map_err(|_| "a message on the emitter's own queue cannot be read".into())
}
