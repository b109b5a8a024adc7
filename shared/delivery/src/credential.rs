//! A store's credential for one vendor, and its renewal after a refusal.

use std::{sync::Arc, time::Duration};

use loyalty::StoreId;
use platform::SecretCache;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use vendors::{Key, Outcome, Reason};

/// A store's credential for one vendor.
#[derive(Clone)]
pub(crate) struct Credential {
    name: String,
    secret: Arc<SecretString>,
    pub(crate) key: Key,
}

/// Where the credentials for one vendor are found, and how its secret is read.
pub(crate) struct Keys<'a> {
    pub(crate) secrets: &'a SecretCache,
    /// The first part of every secret's name.
    pub(crate) prefix: &'a str,
    pub(crate) vendor: &'a str,
    pub(crate) read: &'a (dyn Fn(&Value) -> Option<Key> + Sync),
}

impl Keys<'_> {
    /// The store's credential.
    pub(crate) async fn of(&self, store: &StoreId) -> Result<Credential, Outcome> {
        let name = format!("{}/{store}/{}", self.prefix, self.vendor);
        let secret = self.secrets.get(&name).await.map_err(|error| {
            tracing::error!(%store, %error, "the credential could not be read");
            Outcome::Retry {
                after: Duration::from_mins(1),
                reason: Reason::SecretsUnavailable,
            }
        })?;
        let missing = Outcome::Misconfigured(Reason::SecretMissing);
        let secret = secret.ok_or(missing)?;
        let key = self.key(&secret).ok_or(missing)?;
        Ok(Credential { name, secret, key })
    }

    fn key(&self, secret: &SecretString) -> Option<Key> {
        (self.read)(&serde_json::from_str(secret.expose_secret()).ok()?)
    }

    /// Reads the credential once more after a refusal; true when the call may do now: the credential was rotated, or what
    /// it signs is signed by a clock that has gone on.
    pub(crate) async fn renew(&self, credential: &mut Credential) -> bool {
        self.rotated(credential).await || credential.key.is_signing()
    }

    async fn rotated(&self, credential: &mut Credential) -> bool {
        if !matches!(
            self.secrets
                .renewed(&credential.name, &credential.secret)
                .await,
            Ok(true)
        ) {
            return false;
        }
        let Ok(Some(secret)) = self.secrets.get(&credential.name).await else {
            return false;
        };
        let Some(key) = self.key(&secret) else {
            return false;
        };
        credential.secret = secret;
        credential.key = key;
        true
    }
}
