use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsMessage};

/// SQS handed out a message without an id.
#[derive(Debug, thiserror::Error)]
#[error("SQS handed out a message without an id, so it cannot be given back alone")]
pub struct MissingId;

/// What Lambda is told of a batch: the messages that must come again.
///
/// # Errors
/// [`MissingId`]: with an empty or unknown id SQS would delete or repeat the whole batch, so the invocation fails
/// instead.
pub fn give_back<'a>(
    failed: impl IntoIterator<Item = &'a SqsMessage>,
) -> Result<SqsBatchResponse, MissingId> {
    let mut response = SqsBatchResponse::default();
    for message in failed {
        let mut item = BatchItemFailure::default();
        item.item_identifier = message
            .message_id
            .clone()
            .filter(|id| !id.is_empty())
            .ok_or(MissingId)?;
        response.batch_item_failures.push(item);
    }
    Ok(response)
}

/// How often SQS has handed a message out, this time included.
#[must_use]
pub fn receives(message: &SqsMessage) -> u32 {
    let count = message.attributes.get("ApproximateReceiveCount");
    count.and_then(|count| count.parse().ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: Option<&str>) -> SqsMessage {
        let mut message = SqsMessage::default();
        message.message_id = id.map(ToOwned::to_owned);
        message
    }

    #[test]
    fn each_failed_message_is_named_and_none_without_a_name() {
        let response = give_back([&message(Some("a")), &message(Some("b"))]).unwrap();
        let told = serde_json::to_value(&response).unwrap();
        let expected = serde_json::json!({
            "batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "b"}]
        });
        assert_eq!(told, expected);
        for id in [None, Some("")] {
            assert!(give_back([&message(id)]).is_err());
        }
    }
}
