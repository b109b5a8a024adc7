//! Tells the destinations.

use std::collections::BTreeMap;

use platform::Outgoing;
use vendors::{Lane, Message, Reason};

use crate::{Failure, Recorder, member::Group};

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
                    lane: Lane::Live,
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
    for (url, messages) in sendings {
        for place in recorder.queue.send(url, messages).await {
            let entries = groups.iter_mut().flat_map(|group| &mut group.entries);
            for entry in entries.filter(|entry| entry.place == place) {
                entry.failure = Some(Failure(Reason::QueueUnavailable));
            }
        }
    }
}
