//! People who are being erased: every store's erasures that are due go on.

use lambda_runtime::Error;
use platform::{Deadline, Stores};
use recording::erase::Eraser;

use crate::rounds::in_turn;

/// Goes on with every erasure that is due, for a third of what is left of the round: what people wait for has the rest.
/// One store's trouble never keeps another from its turn.
///
/// # Errors
/// When the table failed for any of them, after the others had their turn.
pub(crate) async fn all(eraser: &Eraser, stores: &Stores, deadline: Deadline) -> Result<(), Error> {
    let third = deadline.remaining(&*eraser.clock) / 3;
    let until = Deadline::after(third.try_into().unwrap_or_default(), &*eraser.clock);
    let mut failed = None;
    for id in in_turn(stores.all().await?, eraser.clock.now()) {
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
