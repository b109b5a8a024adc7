use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sqs::{
    Client,
    error::ProvideErrorMetadata as _,
    types::{DeleteMessageBatchRequestEntry, SendMessageBatchRequestEntry},
};

use crate::{Handed, Outgoing, Queue, QueueError};

/// SQS.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
}

/// The most that one request may carry, in messages and in bytes.
const MOST_MESSAGES: usize = 10;
const MOST_BYTES: usize = 1_000_000;

impl SqsQueue {
    /// The queues of this account.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
        }
    }

    async fn send_one(&self, url: &str, message: Outgoing) -> Vec<usize> {
        let sent = self
            .client
            .send_message()
            .queue_url(url)
            .message_body(message.body)
            .send()
            .await;
        match sent {
            Ok(_) => Vec::new(),
            Err(error) => {
                tracing::error!(
                    code = error.code().unwrap_or("no answer"),
                    "a message could not be queued"
                );
                vec![message.id]
            }
        }
    }

    async fn send_batch(&self, url: &str, messages: Vec<Outgoing>) -> Vec<usize> {
        let ids: Vec<usize> = messages.iter().map(|message| message.id).collect();
        let mut request = self.client.send_message_batch().queue_url(url);
        for message in messages {
            // Both required parts are set, so this builds.
            if let Ok(entry) = SendMessageBatchRequestEntry::builder()
                .id(message.id.to_string())
                .message_body(message.body)
                .build()
            {
                request = request.entries(entry);
            }
        }
        match request.send().await {
            // A 200 may still list messages that were not taken.
            Ok(done) => {
                for failed in done.failed() {
                    tracing::error!(code = failed.code(), "a message could not be queued");
                }
                let taken: Vec<&str> = done
                    .successful()
                    .iter()
                    .map(aws_sdk_sqs::types::SendMessageBatchResultEntry::id)
                    .collect();
                ids.into_iter()
                    .filter(|id| !taken.contains(&id.to_string().as_str()))
                    .collect()
            }
            Err(error) => {
                tracing::error!(
                    code = error.code().unwrap_or("no answer"),
                    "messages could not be queued"
                );
                ids
            }
        }
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, url: &str, messages: Vec<Outgoing>) -> Vec<usize> {
        let mut failed = Vec::new();
        for mut batch in batches(messages) {
            failed.extend(match batch.len() {
                1 => self.send_one(url, batch.remove(0)).await,
                _ => self.send_batch(url, batch).await,
            });
        }
        failed
    }

    async fn hide(&self, url: &str, receipt: &str, seconds: u32) -> Result<(), QueueError> {
        self.client
            .change_message_visibility()
            .queue_url(url)
            .receipt_handle(receipt)
            .visibility_timeout(i32::try_from(seconds.min(43_200)).unwrap_or(43_200))
            .send()
            .await
            .map(drop)
            .map_err(|error| QueueError(error.code().unwrap_or("no answer").to_owned()))
    }

    async fn receive(
        &self,
        url: &str,
        limit: usize,
        hidden_seconds: u32,
    ) -> Result<Vec<Handed>, QueueError> {
        let limit = i32::try_from(limit.clamp(1, MOST_MESSAGES)).unwrap_or(1);
        let received = self
            .client
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(limit)
            .visibility_timeout(i32::try_from(hidden_seconds.min(43_200)).unwrap_or(43_200))
            // Without a wait only some of the service's servers are asked, and an empty answer means little.
            .wait_time_seconds(1)
            .send()
            .await
            .map_err(|error| QueueError(error.code().unwrap_or("no answer").to_owned()))?;
        let messages = received.messages.unwrap_or_default().into_iter();
        let handed = messages.filter_map(|message| {
            Some(Handed {
                receipt: message.receipt_handle?,
                body: message.body?,
            })
        });
        Ok(handed.collect())
    }

    async fn delete(&self, url: &str, receipts: Vec<String>) -> Result<Vec<String>, QueueError> {
        let mut request = self.client.delete_message_batch().queue_url(url);
        for (id, receipt) in receipts.iter().enumerate() {
            // Both required parts are set, so this builds.
            if let Ok(entry) = DeleteMessageBatchRequestEntry::builder()
                .id(id.to_string())
                .receipt_handle(receipt)
                .build()
            {
                request = request.entries(entry);
            }
        }
        let done = request
            .send()
            .await
            .map_err(|error| QueueError(error.code().unwrap_or("no answer").to_owned()))?;
        let gone: Vec<&str> = done
            .successful()
            .iter()
            .map(aws_sdk_sqs::types::DeleteMessageBatchResultEntry::id)
            .collect();
        let left = receipts
            .into_iter()
            .enumerate()
            .filter(|(id, _)| !gone.contains(&id.to_string().as_str()));
        Ok(left.map(|(_, receipt)| receipt).collect())
    }
}

fn batches(messages: Vec<Outgoing>) -> Vec<Vec<Outgoing>> {
    let mut batches: Vec<Vec<Outgoing>> = Vec::new();
    let mut bytes = 0;
    for message in messages {
        let fits = bytes + message.body.len() <= MOST_BYTES;
        match batches.last_mut() {
            Some(batch) if fits && batch.len() < MOST_MESSAGES => {
                bytes += message.body.len();
                batch.push(message);
            }
            _ => {
                bytes = message.body.len();
                batches.push(vec![message]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_holds_ten_messages_and_a_megabyte() {
        let message = |id, size: usize| Outgoing {
            id,
            body: "x".repeat(size),
        };
        let small = batches((0..21).map(|id| message(id, 10)).collect());
        assert_eq!(small.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 1]);
        let large = batches((0..3).map(|id| message(id, 600_000)).collect());
        assert_eq!(large.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
        assert!(batches(Vec::new()).is_empty());
    }
}
