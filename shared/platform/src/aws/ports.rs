use std::sync::Arc;

use loyalty::HashKey;
use secrecy::ExposeSecret as _;

use super::{DynamoTable, SecretsManager, SqsQueue, connect};
use crate::{Config, Secrets as _, SecretsError, SystemClock};

/// All ports of one process, on one configuration.
#[derive(Clone)]
pub struct Ports {
    /// The table that the variable `TABLE` names.
    pub table: Arc<DynamoTable>,
    /// The queues.
    pub queue: Arc<SqsQueue>,
    /// The secrets.
    pub secrets: Arc<SecretsManager>,
    /// The clock.
    pub clock: Arc<SystemClock>,
}

/// What the ports need to know of the environment.
pub struct PortsConfig {
    table: String,
    clock_file: Option<String>,
}

impl PortsConfig {
    /// Reads `TABLE`, and on the local cloud `BRIDGE_CLOCK_FILE`.
    pub fn read(config: &mut Config) -> Self {
        Self {
            table: config.required("TABLE"),
            clock_file: config.optional("BRIDGE_CLOCK_FILE"),
        }
    }

    /// Makes the ports.
    #[must_use]
    pub fn connect(self) -> Ports {
        let sdk = connect();
        Ports {
            table: Arc::new(DynamoTable::new(&sdk, self.table)),
            queue: Arc::new(SqsQueue::new(&sdk)),
            secrets: Arc::new(SecretsManager::new(&sdk)),
            clock: Arc::new(SystemClock::moved_by(self.clock_file.map(Into::into))),
        }
    }
}

/// Why the stack's hash key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum HashKeyError {
    /// There is no such secret.
    #[error("the secret named by HASH_KEY_SECRET is missing: the template makes it")]
    Missing,
    /// The secret cannot be read.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

impl Ports {
    /// The key of the stack's keyed hashes, from the secret of this name.
    ///
    /// # Errors
    /// [`HashKeyError`].
    pub async fn hash_key(&self, secret: &str) -> Result<HashKey, HashKeyError> {
        let key = self.secrets.get(secret).await?;
        let key = key.ok_or(HashKeyError::Missing)?;
        Ok(HashKey::new(key.expose_secret().as_bytes()))
    }
}
