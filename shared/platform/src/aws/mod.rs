//! The ports on AWS.

mod batch;
mod ports;
mod queue;
mod secrets;
mod table;

pub use batch::{MissingId, give_back};
pub use ports::{Ports, PortsConfig};
pub use queue::SqsQueue;
pub use secrets::SecretsManager;
pub use table::DynamoTable;

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};

/// The one configuration that every client of a process is made from. A request gives up after three seconds and is tried
/// three times, so that one stuck connection does not cost an invocation.
pub async fn connect() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(9))
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .load()
        .await
}

/// An error's code, such as `ThrottlingException`, and never its message: a refused condition's prints the row.
fn code<E, R>(error: &aws_sdk_dynamodb::error::SdkError<E, R>) -> String
where
    E: aws_sdk_dynamodb::error::ProvideErrorMetadata,
{
    use aws_sdk_dynamodb::error::SdkError;
    match error {
        SdkError::ServiceError(service) => service
            .err()
            .code()
            .unwrap_or("unknown service error")
            .to_owned(),
        SdkError::TimeoutError(_) => "timeout".to_owned(),
        SdkError::DispatchFailure(_) => "no connection".to_owned(),
        SdkError::ResponseError(_) => "unreadable response".to_owned(),
        _ => "request could not be made".to_owned(),
    }
}
