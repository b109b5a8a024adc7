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
        let Ok(body) = serde_json::to_string(envelope) else {
            return false;
        };
        let failed = self
            .queue
            .send(&self.url, vec![Outgoing { id: 0, body }])
            .await;
        failed.is_empty()
    }
}
