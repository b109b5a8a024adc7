//! One round: every destination, every account.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use delivery::{Account, Pusher, Tended};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Error;
use platform::{
    Deadline,
    telemetry::{self, Metric},
};
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
    for stores in in_turn(accounts.into_values().collect(), pusher.clock.now()) {
        let own = Deadline::after(share(deadline.remaining(&*pusher.clock)), &*pusher.clock);
        let tended = pusher.tend(&stores, own).await?;
        sum.closed += tended.closed;
        sum.parked += tended.parked;
        sum.oldest = sum.oldest.max(tended.oldest);
    }
    Ok(sum)
}

/// Another account goes first in each round, so that those with much to send do not always come before the same others.
fn in_turn<T>(mut accounts: Vec<T>, now: Timestamp) -> Vec<T> {
    if !accounts.is_empty() {
        let round = usize::try_from(now.as_second() / 300).unwrap_or_default();
        let first = round % accounts.len();
        accounts.rotate_left(first);
    }
    accounts
}

/// What one account may use of the time that is left: half of it, and never so little that it could not send anything.
fn share(left: Duration) -> SignedDuration {
    const LEAST: Duration = Duration::from_secs(90);
    let share = (left / 2).max(LEAST).min(left);
    share.try_into().unwrap_or_default()
}

/// Gauges, so that an alarm sounds while anything waits and falls silent when nothing does.
fn tell(pusher: &Pusher, tended: Tended) {
    let now = pusher.clock.now();
    let destination = pusher.destination.name();
    for (metric, value) in [
        (Metric::LinesClosed, tended.closed),
        (Metric::Parked, tended.parked),
        (Metric::OldestParkedSeconds, tended.oldest.as_secs()),
    ] {
        telemetry::count_for(now, metric, destination, value);
    }
    let (destination, closed, parked) = (pusher.destination.name(), tended.closed, tended.parked);
    tracing::info!(destination, closed, parked, "upkeep.round");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_goes_first_in_its_turn_and_none_is_left_out() {
        let begin = Timestamp::UNIX_EPOCH;
        let firsts: Vec<i32> = (0..3)
            .map(|round| {
                let now = begin + SignedDuration::from_mins(5 * round);
                let mut accounts = in_turn(vec![1, 2, 3], now);
                let first = accounts[0];
                accounts.sort_unstable();
                assert_eq!(accounts, [1, 2, 3]);
                first
            })
            .collect();
        assert_eq!(firsts, [1, 2, 3]);
        assert!(in_turn(Vec::<i32>::new(), begin).is_empty());
    }

    #[test]
    fn a_share_is_enough_for_a_call_whatever_the_number_of_accounts() {
        let seconds = |left| share(Duration::from_secs(left)).as_secs();
        assert_eq!([seconds(290), seconds(100), seconds(40)], [145, 90, 40]);
    }
}
