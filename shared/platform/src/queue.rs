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

/// A message that was handed out. It comes back by itself unless it is deleted.
#[derive(Clone, PartialEq, Eq)]
pub struct Handed {
    /// Deletes it.
    pub receipt: String,
    /// The body.
    pub body: String,
}

/// Bodies name people.
impl fmt::Debug for Handed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handed(…)")
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

    /// Hands out at most `limit` messages (never more than 10) and hides them for this many seconds. Waits a moment for
    /// them, so that none at all means an empty queue, or one whose messages are all hidden.
    ///
    /// # Errors
    /// [`QueueError`] when the service refuses.
    async fn receive(
        &self,
        url: &str,
        limit: usize,
        hidden_seconds: u32,
    ) -> Result<Vec<Handed>, QueueError>;

    /// Deletes messages that were handed out, at most 10. Gives back the receipts of those that are still there.
    ///
    /// # Errors
    /// [`QueueError`] when the service refuses.
    async fn delete(&self, url: &str, receipts: Vec<String>) -> Result<Vec<String>, QueueError>;
}
