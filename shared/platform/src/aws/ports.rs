use std::sync::Arc;

use super::{DynamoTable, SecretsManager, SqsQueue, connect};
use crate::{Config, SystemClock};

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
