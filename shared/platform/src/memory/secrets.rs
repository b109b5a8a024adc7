use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use secrecy::SecretString;

use crate::{Secrets, SecretsError};

/// Secrets in memory.
#[derive(Debug, Default)]
pub struct MemorySecrets {
    secrets: Mutex<HashMap<String, SecretString>>,
    down: Mutex<bool>,
}

impl MemorySecrets {
    /// Sets a secret.
    pub fn set(&self, name: &str, value: &str) {
        self.secrets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), value.into());
    }

    /// Removes a secret.
    pub fn remove(&self, name: &str) {
        self.secrets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
    }

    /// Makes the service unavailable, or available again.
    pub fn down(&self, down: bool) {
        *self.down.lock().unwrap_or_else(PoisonError::into_inner) = down;
    }

    fn look(&self, name: &str) -> Result<Option<SecretString>, SecretsError> {
        if *self.down.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(SecretsError("down".to_owned()));
        }
        Ok(self
            .secrets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned())
    }
}

#[async_trait]
impl Secrets for MemorySecrets {
    async fn get(&self, name: &str) -> Result<Option<SecretString>, SecretsError> {
        self.look(name)
    }

    async fn exists(&self, name: &str) -> Result<bool, SecretsError> {
        Ok(self.look(name)?.is_some())
    }
}
