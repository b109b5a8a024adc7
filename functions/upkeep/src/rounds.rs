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
        let (tended, error) = destination(pusher, deadline).await;
        if let Some(error) = error {
            tracing::error!(destination = name, %error, "a round could not be finished; the next one goes on");
            failed = Some(error);
        }
        // Told even then: a gauge that falls silent would silence its alarm.
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
    match failed {
        Some(error) => Err(error),
        None => Ok(serde_json::Value::Object(left)),
    }
}

/// Looks after each account, whatever happens with the others; gives the last error beside what is left to do.
async fn destination(pusher: &Pusher, deadline: Deadline) -> (Tended, Option<Error>) {
    let (mut sum, mut failed) = (Tended::default(), None);
    let ids = pusher.stores.all().await.unwrap_or_else(|error| {
        failed = Some(error.into());
        Vec::new()
    });
    let mut accounts: BTreeMap<Account, Vec<Arc<Store>>> = BTreeMap::new();
    for id in ids {
        match pusher.stores.get(&id).await {
            Ok(store) => accounts
                .entry(Account::of(pusher.destination, &store))
                .or_default()
                .push(store),
            Err(error) => {
                tracing::error!(store = %id, %error, "a store's parked work waits for its settings");
                add(&mut sum, pusher.count_parked(&id).await.unwrap_or_default());
                failed = Some(error.into());
            }
        }
    }
    for stores in in_turn(accounts.into_values().collect(), pusher.clock.now()) {
        let own = Deadline::after(share(deadline.remaining(&*pusher.clock)), &*pusher.clock);
        match pusher.tend(&stores, own).await {
            Ok(tended) => add(&mut sum, tended),
            Err(error) => failed = Some(error.into()),
        }
    }
    (sum, failed)
}

fn add(sum: &mut Tended, tended: Tended) {
    sum.closed += tended.closed;
    sum.parked += tended.parked;
    sum.oldest = sum.oldest.max(tended.oldest);
}

/// Another one goes first in each round, so that those with much to do do not always come before the same others.
pub(crate) fn in_turn<T>(mut accounts: Vec<T>, now: Timestamp) -> Vec<T> {
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
