//! Keeps what is about no member, or what nobody can use yet, so that it can be replayed.

use platform::{
    TableError,
    telemetry::{self, Metric},
    to_item,
};
use vendors::{Envelope, Read, Reason};

use crate::{
    Failure, Recorded, Recorder,
    rows::{self, OrphanRow},
};

/// The most bytes of a body that one row of the table holds beside the rest.
const ROW: usize = 300_000;

pub(crate) async fn put(
    recorder: &Recorder,
    envelope: &Envelope,
    read: Read,
) -> Result<Recorded, Failure> {
    let (topic, reason, notice) = match read {
        Read::Kept { topic, reason } => (topic, Some(reason), None),
        Read::Notice { topic, text } => (Some(topic), None, Some(text)),
        Read::Event(_) | Read::Hint { .. } => return Err(Failure(Reason::Panicked)),
    };
    let row = OrphanRow {
        v: 1,
        source: envelope.source.clone(),
        topic: topic.clone(),
        reason,
        notice: notice.clone(),
        arrived: envelope.arrived,
        delivery: envelope.delivery.clone(),
        part: 0,
        body: Vec::new(),
        ttl: rows::ttl(envelope.arrived(), rows::KEPT_DAYS),
    };
    let body = envelope.packed().unwrap_or_default();
    write(recorder, envelope, &row, &body)
        .await
        .map_err(|error| {
            tracing::error!(store = %envelope.store, %error, "a delivery could not be kept");
            Failure(Reason::TableUnavailable)
        })?;
    let (store, now) = (&envelope.store, recorder.clock.now());
    if let Some(notice) = notice {
        tracing::warn!(%store, topic, notice, "a person at the merchant should know this");
        telemetry::count(now, Metric::Notices, 1);
        return Ok(Recorded::Notice);
    }
    let reason = reason.unwrap_or(Reason::UnknownTopic);
    tracing::warn!(%store, topic, reason = reason.code(), "a delivery was kept and not used");
    telemetry::count(now, Metric::Kept, 1);
    Ok(Recorded::Kept(reason))
}

/// A body that is larger than a row stands in several, told apart by their part. When the delivery comes again, the same
/// rows are written again.
async fn write(
    recorder: &Recorder,
    envelope: &Envelope,
    row: &OrphanRow,
    body: &[u8],
) -> Result<(), TableError> {
    for (part, bytes) in (0..).zip(body.chunks(ROW)) {
        let key = rows::orphan_key(&envelope.store, envelope.arrived, &envelope.nonce, part);
        let row = OrphanRow {
            part,
            body: bytes.to_vec(),
            ..row.clone()
        };
        recorder.table.put(to_item(&key, &row)?, None).await?;
    }
    Ok(())
}
