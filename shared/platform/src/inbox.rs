//! The queue that every delivery waits on for the recorder.

use std::sync::Arc;

use vendors::Envelope;

use crate::{Outgoing, Queue};

/// The inbox.
#[derive(Clone)]
pub struct Inbox {
    queue: Arc<dyn Queue>,
    url: String,
}

impl Inbox {
    /// The inbox at this URL.
    #[must_use]
    pub fn new(queue: Arc<dyn Queue>, url: String) -> Self {
        Self { queue, url }
    }

    /// Puts a delivery on the queue; tells whether the queue has it.
    pub async fn put(&self, envelope: &Envelope) -> bool {
        self.put_all(std::slice::from_ref(envelope)).await
    }

    /// Puts deliveries on the queue; tells whether the queue has all of them.
    pub async fn put_all(&self, envelopes: &[Envelope]) -> bool {
        let bodies = envelopes.iter().map(serde_json::to_string);
        let Ok(bodies) = bodies.collect::<Result<Vec<_>, _>>() else {
            return false;
        };
        let messages = bodies.into_iter().enumerate();
        let messages = messages.map(|(id, body)| Outgoing { id, body });
        let messages: Vec<Outgoing> = messages.collect();
        messages.is_empty() || self.queue.send(&self.url, messages).await.is_empty()
    }
}
