//! One round: every destination, every account.

use std::{collections::BTreeMap, sync::Arc};

use delivery::{Account, Pusher, Tended};
use lambda_runtime::Error;
use platform::{Deadline, telemetry};
use vendors::Store;

/// Looks after every destination. Answers with what is left to do; the schedule does not read it, a person may.
///
/// # Errors
/// When the table failed for any of them, after the others had their turn: then Lambda counts the round as failed.
pub(crate) async fn all(
    pushers: &[Pusher],
    deadline: Deadline,
) -> Result<serde_json::Value, Error> {
    let mut left = serde_json::Map::new();
    let mut failed = None;
    for pusher in pushers {
        let name = pusher.destination.name();
        match destination(pusher, deadline).await {
            Ok(tended) => {
                tell(pusher, tended);
                left.insert(
                    name.to_owned(),
                    serde_json::json!({
                        "closed_lines": tended.closed,
                        "parked": tended.parked,
                        "oldest_s": tended.oldest.as_secs(),
                    }),
                );
            }
            Err(error) => {
                tracing::error!(destination = name, %error, "a round could not be finished; the next one goes on");
                failed = Some(error);
            }
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(serde_json::Value::Object(left)),
    }
}

async fn destination(pusher: &Pusher, deadline: Deadline) -> Result<Tended, Error> {
    let mut accounts: BTreeMap<Account, Vec<Arc<Store>>> = BTreeMap::new();
    for id in pusher.stores.all().await? {
        match pusher.stores.get(&id).await {
            Ok(store) => accounts
                .entry(Account::of(pusher.destination, &store))
                .or_default()
                .push(store),
            Err(error) => {
                tracing::error!(store = %id, %error, "a store's parked work waits for its settings");
            }
        }
    }
    let mut sum = Tended::default();
    let many = u32::try_from(accounts.len().max(1)).unwrap_or(u32::MAX);
    for (turn, (_, stores)) in (0_u32..).zip(accounts) {
        // What one account has to send must not use up the others' time.
        let share = deadline.remaining(&*pusher.clock) / (many - turn).max(1);
        let own = Deadline::after(share.try_into().unwrap_or_default(), &*pusher.clock);
        let tended = pusher.tend(&stores, own).await?;
        sum.closed += tended.closed;
        sum.parked += tended.parked;
        sum.oldest = sum.oldest.max(tended.oldest);
    }
    Ok(sum)
}

/// Gauges, so that an alarm sounds while anything waits and falls silent when nothing does.
fn tell(pusher: &Pusher, tended: Tended) {
    let now = pusher.clock.now();
    let dimensions = [("Destination", pusher.destination.name())];
    for (metric, value) in [
        ("LinesClosed", tended.closed),
        ("Parked", tended.parked),
        ("OldestParkedSeconds", tended.oldest.as_secs()),
    ] {
        telemetry::count(now, metric, &dimensions, value);
    }
    let (destination, closed, parked) = (pusher.destination.name(), tended.closed, tended.parked);
    tracing::info!(destination, closed, parked, "upkeep.round");
}
