//! The ports on AWS.

mod batch;
mod http;
mod ports;
mod queue;
mod row;
mod secrets;
mod table;

pub use batch::{MissingId, give_back, receives};
pub use ports::{HashKeyError, Ports, PortsConfig};
pub use queue::SqsQueue;
pub use secrets::SecretsManager;
pub use table::DynamoTable;

use std::time::Duration;

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider,
    retry::RetryConfig, stalled_stream_protection::StalledStreamProtectionConfig,
    timeout::TimeoutConfig,
};
use aws_sdk_sqs::config::SharedCredentialsProvider;

use crate::config::variable;

/// The one configuration that every client of a process is made from. A request gives up after three seconds and is tried
/// three times, so that one stuck connection does not cost an invocation.
///
/// Credentials and region are those that Lambda puts into the environment: the SDK's own search for other places would
/// be a tenth of every binary. All clients share one HTTP client.
pub fn connect() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(9))
        .build();
    let credentials = EnvironmentVariableCredentialsProvider::new();
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .region(variable("AWS_REGION").map(Region::new))
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        // Every body is read whole within the attempt's time.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(http::Http::new());
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
    config.build()
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
        SdkError::DispatchFailure(_) => "no answer".to_owned(),
        SdkError::ResponseError(_) => "unreadable response".to_owned(),
        _ => "request could not be made".to_owned(),
    }
}
