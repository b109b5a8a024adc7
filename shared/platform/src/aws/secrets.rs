use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_secretsmanager::{
    Client,
    error::SdkError,
    operation::{describe_secret::DescribeSecretError, get_secret_value::GetSecretValueError},
};
use secrecy::SecretString;

use super::code;
use crate::{Secrets, SecretsError};

/// AWS Secrets Manager.
#[derive(Debug, Clone)]
pub struct SecretsManager {
    client: Client,
}

impl SecretsManager {
    /// The secrets of this account.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
        }
    }
}

#[async_trait]
impl Secrets for SecretsManager {
    async fn get(&self, name: &str) -> Result<Option<SecretString>, SecretsError> {
        match self.client.get_secret_value().secret_id(name).send().await {
            Ok(value) => Ok(value.secret_string.map(SecretString::from)),
            Err(SdkError::ServiceError(service))
                if matches!(
                    service.err(),
                    GetSecretValueError::ResourceNotFoundException(_)
                        // Marked for deletion: it is kept for some days more, and given to nobody.
                        | GetSecretValueError::InvalidRequestException(_)
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(SecretsError(code(&error))),
        }
    }

    async fn exists(&self, name: &str) -> Result<bool, SecretsError> {
        match self.client.describe_secret().secret_id(name).send().await {
            Ok(secret) => Ok(secret.deleted_date.is_none()),
            Err(SdkError::ServiceError(service))
                if matches!(
                    service.err(),
                    DescribeSecretError::ResourceNotFoundException(_)
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(SecretsError(code(&error))),
        }
    }
}
