//! A sign that something about somebody changed: they are read from their source.

use platform::Outgoing;
use vendors::{Envelope, Fetch, Read, Reason, Source, Store, Wanted, Whom, registry};

use crate::{Failure, Recorded, Recorder, aside};

/// Has the person read. Where their source cannot be asked, the delivery is kept.
pub(crate) async fn take(
    recorder: &Recorder,
    envelope: &Envelope,
    store: &Store,
    (topic, whom): (String, Whom),
) -> Result<Recorded, Failure> {
    let api = registry::source(&envelope.source).and_then(Source::api);
    if !api.is_some_and(|api| api.is_used(store)) {
        let read = Read::Kept {
            topic: Some(topic),
            reason: Reason::SourceOff,
        };
        return aside::put(recorder, envelope, read).await;
    }
    let fetch = Fetch {
        v: 1,
        store: store.id.clone(),
        source: envelope.source.clone(),
        what: Wanted::Member {
            whom,
            asked: envelope.arrived,
        },
    };
    let unavailable = Failure(Reason::QueueUnavailable);
    let body = fetch.to_text().map_err(|_| unavailable)?;
    let message = Outgoing { id: 0, body };
    if recorder
        .queue
        .send(&recorder.reads, vec![message])
        .await
        .is_empty()
    {
        tracing::info!(store = %store.id, source = envelope.source, topic, "a member is read because of a hint");
        Ok(Recorded::Hint)
    } else {
        Err(unavailable)
    }
}
