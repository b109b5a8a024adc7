//! People who are being erased: every store's erasures that are due go on.

use lambda_runtime::Error;
use platform::{Deadline, Stores};
use recording::erase::Eraser;

/// Seconds from one round to the next.
const ROUND: i64 = 300;

/// Goes on with every erasure that is due, for a third of what is left of the round: what people wait for has the rest.
/// One store's trouble never keeps another from its turn.
///
/// # Errors
/// When the table failed for any of them, after the others had their turn.
pub(crate) async fn all(eraser: &Eraser, stores: &Stores, deadline: Deadline) -> Result<(), Error> {
    let third = deadline.remaining(&*eraser.clock) / 3;
    let until = Deadline::after(third.try_into().unwrap_or_default(), &*eraser.clock);
    let mut failed = None;
    let mut ids = stores.all().await?;
    // Another store is the first in each round, so that one with much to do cannot use up the time of the same others.
    let round = usize::try_from(eraser.clock.now().as_second() / ROUND).unwrap_or_default();
    let first = round % ids.len().max(1);
    ids.rotate_left(first);
    for id in ids {
        let swept = match stores.get(&id).await {
            Ok(store) => eraser
                .sweep(&store, until)
                .await
                .map(drop)
                .map_err(Error::from),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = swept {
            tracing::error!(store = %id, %error, "a store's erasures could not go on; the next round does");
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), Err)
}
