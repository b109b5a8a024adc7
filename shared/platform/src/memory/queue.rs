use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::{Handed, Outgoing, Queue, QueueError};

/// Queues that remember what they were given, and hand it out in order.
#[derive(Debug, Default)]
pub struct MemoryQueue(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    sent: Vec<(String, Outgoing)>,
    /// What was handed out: queue, receipt, message.
    handed: Vec<(String, String, Outgoing)>,
    receipts: usize,
    hidden: Vec<(String, u32)>,
    requests: usize,
    refuses: bool,
}

impl MemoryQueue {
    /// Takes the bodies sent to one queue since the last call.
    pub fn take(&self, url: &str) -> Vec<String> {
        let mut state = self.state();
        let (taken, left) = std::mem::take(&mut state.sent)
            .into_iter()
            .partition(|(to, _)| to == url);
        state.sent = left;
        let taken: Vec<(String, Outgoing)> = taken;
        taken.into_iter().map(|(_, message)| message.body).collect()
    }

    /// Every change of visibility: receipt and seconds.
    #[must_use]
    pub fn hidden(&self) -> Vec<(String, u32)> {
        self.state().hidden.clone()
    }

    /// Brings everything back that was handed out and not deleted, as when its time is over.
    pub fn time_is_over(&self) {
        let mut state = self.state();
        let handed = std::mem::take(&mut state.handed);
        let back = handed.into_iter().map(|(url, _, message)| (url, message));
        state.sent.extend(back);
    }

    /// How many requests AWS would have seen.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.state().requests
    }

    /// Makes the queues refuse every message, or take them again.
    pub fn refuse(&self, refuses: bool) {
        self.state().refuses = refuses;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn send(&self, url: &str, messages: Vec<Outgoing>) -> Vec<usize> {
        let mut state = self.state();
        state.requests += messages.len().div_ceil(10);
        // The service takes a megabyte, and refuses these characters.
        let refused = |message: &Outgoing| {
            message.body.len() > 1_048_576
                || message.body.contains(['\u{0}', '\u{fffe}', '\u{ffff}'])
        };
        if state.refuses || messages.iter().any(refused) {
            return messages.iter().map(|message| message.id).collect();
        }
        state.sent.extend(
            messages
                .into_iter()
                .map(|message| (url.to_owned(), message)),
        );
        Vec::new()
    }

    async fn hide(&self, _url: &str, receipt: &str, seconds: u32) -> Result<(), QueueError> {
        let mut state = self.state();
        state.requests += 1;
        state.hidden.push((receipt.to_owned(), seconds));
        Ok(())
    }

    async fn receive(
        &self,
        url: &str,
        limit: usize,
        _hidden_seconds: u32,
    ) -> Result<Vec<Handed>, QueueError> {
        let mut state = self.state();
        state.requests += 1;
        let mut handed = Vec::new();
        while handed.len() < limit.clamp(1, 10)
            && let Some(place) = state.sent.iter().position(|(to, _)| to == url)
        {
            let (to, message) = state.sent.remove(place);
            state.receipts += 1;
            let receipt = format!("receipt-{}", state.receipts);
            handed.push(Handed {
                receipt: receipt.clone(),
                body: message.body.clone(),
            });
            state.handed.push((to, receipt, message));
        }
        Ok(handed)
    }

    async fn delete(&self, url: &str, receipts: Vec<String>) -> Result<Vec<String>, QueueError> {
        let mut state = self.state();
        state.requests += 1;
        state
            .handed
            .retain(|(from, receipt, _)| from != url || !receipts.contains(receipt));
        Ok(Vec::new())
    }
}
