//! Tells the destinations.

use std::collections::BTreeMap;

use platform::Outgoing;
use vendors::{Fetch, Message, Reason, Wanted, Whom, registry};

use crate::{
    Failure, Recorder,
    member::{Entry, Group},
};

/// Puts every message on its destination's queue: one sending a queue for the whole batch. An entry whose message was
/// not taken must come again.
pub(crate) async fn send(recorder: &Recorder, groups: &mut [Group]) {
    let mut sendings: BTreeMap<&str, Vec<Outgoing>> = BTreeMap::new();
    for group in &*groups {
        let hash = recorder.hash_key.member(&group.store.id, &group.key);
        for entry in group.entries.iter().filter(|entry| entry.is_open()) {
            for (destination, note) in &entry.messages {
                let Some(url) = recorder.queues.get(destination) else {
                    continue;
                };
                let message = Message {
                    v: 1,
                    store: group.store.id.clone(),
                    member: group.key.clone(),
                    version: group.version,
                    lane: entry.lane,
                    note: note.clone(),
                    hash: Some(hash.clone()),
                    erase: None,
                };
                let Ok(body) = message.to_text() else {
                    continue;
                };
                sendings.entry(url).or_default().push(Outgoing {
                    id: entry.place,
                    body,
                });
            }
        }
    }
    for group in &*groups {
        if let Some(message) = read_of(group, recorder.clock.now().as_microsecond()) {
            sendings.entry(&recorder.reads).or_default().push(message);
        }
    }
    for (url, messages) in sendings {
        for place in recorder.queue.send(url, messages).await {
            let entries = groups.iter_mut().flat_map(|group| &mut group.entries);
            for entry in entries.filter(|entry| entry.place == place) {
                entry.failure = Some(Failure(Reason::QueueUnavailable));
            }
        }
    }
}

/// A message that has the member read from their source, where one of the entries tells of a gap: one for all of them,
/// under the last one's place.
fn read_of(group: &Group, now: i64) -> Option<Outgoing> {
    let tells = |entry: &&Entry| entry.is_open() && entry.gap;
    let entry = group.entries.iter().rfind(tells)?;
    let source = registry::source(&entry.event.stamp.source)?;
    if !source.api()?.is_used(&group.store) {
        return None;
    }
    let fetch = Fetch {
        v: 1,
        store: group.store.id.clone(),
        source: source.name().to_owned(),
        what: Wanted::Member {
            whom: Whom::from(&entry.event.who),
            asked: now,
        },
    };
    let body = fetch.to_text().ok()?;
    let id = entry.place;
    tracing::info!(store = %group.store.id, event = %entry.event.id, "news is missing; the member is read");
    Some(Outgoing { id, body })
}
