//! What vendors may have switched off: every store's is looked at once a day, and told of in every round.

use delivery::Watcher;
use jiff::SignedDuration;
use lambda_runtime::Error;
use platform::{
    Clock, Deadline, Stores,
    telemetry::{self, Metric},
};

use crate::rounds::in_turn;

/// After this long nobody is looked at any more in this round: parked work must not wait for vendors that hang.
const WITHIN: SignedDuration = SignedDuration::from_secs(40);

/// Looks after every watched destination of every store. One store's trouble never keeps another from its turn.
///
/// # Errors
/// When the table failed for any of them, after the others had their turn.
pub(crate) async fn all(
    watchers: &[Watcher],
    (stores, clock): (&Stores, &dyn Clock),
) -> Result<(), Error> {
    let deadline = Deadline::after(WITHIN, clock);
    let (mut watched, mut stopped, mut failed) = (0_u64, 0, None);
    for id in in_turn(stores.all().await?, clock.now()) {
        for watcher in watchers {
            let store = match stores.get(&id).await {
                Ok(store) => store,
                Err(error) => {
                    failed = Some(error.into());
                    continue;
                }
            };
            if !store.destinations.has(watcher.destination.name()) {
                continue;
            }
            let may_look = !deadline.remaining(clock).is_zero();
            match watcher.round(&store, may_look).await {
                Ok(is_stopped) => {
                    watched += 1;
                    stopped += u64::from(is_stopped);
                }
                Err(error) => {
                    tracing::error!(store = %id, %error, "a store's integration could not be looked at; the next round does");
                    failed = Some(error.into());
                }
            }
        }
    }
    // A gauge, so that an alarm sounds while any is disabled. Where nothing is watched there is nothing to tell.
    if watched > 0 {
        telemetry::count(clock.now(), Metric::IntegrationsDisabled, stopped);
    }
    failed.map_or(Ok(()), Err)
}
