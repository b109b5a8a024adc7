//! Queues, as a port.

use std::fmt;

use async_trait::async_trait;

/// A message to send.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Names the message within one sending, so that the caller can tell which one failed.
    pub id: usize,
    /// The body.
    pub body: String,
}

/// Bodies name people.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The queue did not do what was asked. Carries AWS's error code and nothing of the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the queue did not answer as it should: {0}")]
pub struct QueueError(pub String);

/// The queues.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends messages, in as few requests as the service allows. Gives back the ids of those that were not taken.
    async fn send(&self, url: &str, messages: Vec<Outgoing>) -> Vec<usize>;

    /// Keeps a received message hidden for this many seconds from now (at most 12 hours).
    ///
    /// # Errors
    /// [`QueueError`] when the service refuses.
    async fn hide(&self, url: &str, receipt: &str, seconds: u32) -> Result<(), QueueError>;
}
