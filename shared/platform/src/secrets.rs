//! Secrets, as a port; and the cache in front of it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use crate::Clock;

/// Secrets could not be read. Carries AWS's error code and nothing of a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the secret could not be read: {0}")]
pub struct SecretsError(pub String);

/// The store of secrets.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The secret of this name; none when there is none.
    ///
    /// # Errors
    /// [`SecretsError`] when the service does not answer.
    async fn get(&self, name: &str) -> Result<Option<SecretString>, SecretsError>;

    /// Whether there is a secret of this name; it is not read.
    ///
    /// # Errors
    /// [`SecretsError`] when the service does not answer.
    async fn exists(&self, name: &str) -> Result<bool, SecretsError>;
}

/// How long a secret is used without asking again.
const FRESH: SignedDuration = SignedDuration::from_mins(5);

/// How long it is remembered that there is no such secret: a new store must not wait long for its first delivery.
const ABSENT: SignedDuration = SignedDuration::from_secs(30);

/// How often a refused secret is asked for again.
const RENEWED: SignedDuration = SignedDuration::from_secs(10);

/// More names than this are not remembered, so that made-up store ids cannot fill the memory.
const MOST: usize = 1_000;

/// Secrets as JSON, remembered for five minutes. When the service is down, the last known value goes on being used.
/// After a refusal by a vendor, [`SecretCache::renewed`] asks once more, because the secret may have been rotated.
pub struct SecretCache {
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<String, Known>>,
    /// When each secret was asked for again after a refusal.
    renewed: Mutex<HashMap<String, Timestamp>>,
    /// Held while one is asked for again: who is refused meanwhile waits for the answer and shares it.
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Known {
    value: Option<Arc<SecretString>>,
    read: Timestamp,
}

impl SecretCache {
    /// A cache before the store of secrets.
    #[must_use]
    pub fn new(secrets: Arc<dyn Secrets>, clock: Arc<dyn Clock>) -> Self {
        Self {
            secrets,
            clock,
            known: Mutex::default(),
            renewed: Mutex::default(),
            renewing: tokio::sync::Mutex::default(),
        }
    }

    /// The secret's text; none when there is no such secret.
    ///
    /// # Errors
    /// [`SecretsError`] when the service does not answer and nothing is remembered.
    pub async fn get(&self, name: &str) -> Result<Option<Arc<SecretString>>, SecretsError> {
        let known = self.remembered(name);
        if let Some(known) = &known {
            let limit = if known.value.is_some() { FRESH } else { ABSENT };
            if self.clock.now().duration_since(known.read) < limit {
                return Ok(known.value.clone());
            }
        }
        match (self.read(name).await, known) {
            (Ok(value), _) => Ok(value),
            (
                Err(error),
                Some(Known {
                    value: Some(value), ..
                }),
            ) => {
                tracing::warn!(%error, "secrets are unavailable; the last known value is used");
                self.use_on(name, &value);
                Ok(Some(value))
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Tells whether the secret differs from the one that was refused, and asks the service again if it is not known to.
    /// Asks at most every ten seconds, so that wrong callers cannot make it ask for each of their calls.
    ///
    /// # Errors
    /// [`SecretsError`] when the service does not answer.
    pub async fn renewed(&self, name: &str, refused: &SecretString) -> Result<bool, SecretsError> {
        let differs = |value: Option<Arc<SecretString>>| {
            value.is_some_and(|value| value.expose_secret() != refused.expose_secret())
        };
        let _renewing = self.renewing.lock().await;
        if differs(self.remembered(name).and_then(|known| known.value)) {
            return Ok(true);
        }
        if !self.may_renew(name) {
            return Ok(false);
        }
        self.read(name).await.map(differs)
    }

    fn may_renew(&self, name: &str) -> bool {
        let now = self.clock.now();
        let mut renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        let due = renewed
            .get(name)
            .is_none_or(|last| now.duration_since(*last) >= RENEWED);
        if due {
            if renewed.len() >= MOST {
                renewed.clear();
            }
            renewed.insert(name.to_owned(), now);
        }
        due
    }

    async fn read(&self, name: &str) -> Result<Option<Arc<SecretString>>, SecretsError> {
        let value = self.secrets.get(name).await?.map(Arc::new);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(
            name.to_owned(),
            Known {
                value: value.clone(),
                read: self.clock.now(),
            },
        );
        Ok(value)
    }

    /// Goes on with a value for half a minute before the service is asked again: it may take long to fail.
    fn use_on(&self, name: &str, value: &Arc<SecretString>) {
        let now = self.clock.now();
        let read = now
            .checked_sub(FRESH)
            .and_then(|old| old.checked_add(SignedDuration::from_secs(30)));
        let known = Known {
            value: Some(value.clone()),
            read: read.unwrap_or(now),
        };
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(name.to_owned(), known);
    }

    fn remembered(&self, name: &str) -> Option<Known> {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }
}
