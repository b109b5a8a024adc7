//! Nightly repairs: each store's run of the day is begun, and stores whose source is not asked are told of.

use delivery::{Account, Lines};
use lambda_runtime::Error;
use platform::{
    Clock, Stores,
    telemetry::{self, Metric},
};
use recording::repair::Repairs;
use vendors::{Store, registry};

/// Begins what is due. One store's trouble never keeps another from its turn.
///
/// # Errors
/// When the table failed for any of them, after the others had their turn.
pub(crate) async fn all(
    repairs: &Repairs,
    lines: &Lines,
    (stores, clock): (&Stores, &dyn Clock),
) -> Result<(), Error> {
    let (mut read, mut stopped, mut failed) = (0_u64, 0, None);
    for id in stores.all().await? {
        let begun = match stores.get(&id).await {
            Ok(store) => begin(repairs, lines, (&store, clock)).await,
            Err(error) => Err(error.into()),
        };
        match begun {
            Ok(Some(shut)) => {
                read += 1;
                stopped += u64::from(shut);
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(store = %id, %error, "a store's repair could not be begun; the next round does it");
                failed = Some(error);
            }
        }
    }
    // A gauge, so that an alarm sounds while any is stopped. Where nobody is read there is nothing to tell.
    if read > 0 {
        telemetry::count(clock.now(), Metric::ReadsStopped, stopped);
    }
    failed.map_or(Ok(()), Err)
}

/// Begins one store's run. Tells whether any of its sources is not asked; none where it has no source that is.
async fn begin(
    repairs: &Repairs,
    lines: &Lines,
    (store, clock): (&Store, &dyn Clock),
) -> Result<Option<bool>, Error> {
    let mut shut = None;
    for source in registry::SOURCES {
        if !source.api().is_some_and(|api| api.is_used(store)) {
            continue;
        }
        let line = lines
            .get(&Account::of_source(source.name(), &store.id))
            .await?;
        let reason = line.shut(clock.now());
        if let Some(reason) = reason {
            tracing::warn!(store = %store.id, source = source.name(), reason = reason.code(), "a source is not asked");
        }
        shut = Some(shut.unwrap_or(false) || reason.is_some());
    }
    if shut.is_some() && !repairs.start(store).await? {
        tracing::warn!(store = %store.id, "the queue of reads took nothing; the next round tries again");
    }
    Ok(shut)
}
