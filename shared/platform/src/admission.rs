//! Whether a caller presents a store's secret.

use loyalty::StoreId;
use secrecy::SecretString;

use crate::SecretCache;

/// Whether a caller may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// They present the secret.
    Granted,
    /// They do not.
    Refused,
    /// Nobody has made a secret for this store.
    NoStore,
    /// The secret cannot be read, so nobody can tell.
    Unclear,
}

/// From what a secret says of a caller; none when it is not of its form.
impl From<Option<bool>> for Admission {
    fn from(admitted: Option<bool>) -> Self {
        match admitted {
            Some(true) => Self::Granted,
            Some(false) => Self::Refused,
            None => Self::Unclear,
        }
    }
}

impl SecretCache {
    /// Whether a caller is admitted by the secret of this name, `admits` being what a secret says of them. A refused caller
    /// may know a newer secret than we do, and one that cannot be read may have been mended, so it is read once more.
    pub async fn admission(
        &self,
        store: &StoreId,
        name: &str,
        admits: impl Fn(&SecretString) -> Option<bool>,
    ) -> Admission {
        let secret = match self.get(name).await {
            Ok(Some(secret)) => secret,
            Ok(None) => return Admission::NoStore,
            Err(error) => {
                tracing::error!(%store, %error, "the inbound secret could not be read");
                return Admission::Unclear;
            }
        };
        let admits = |secret: &SecretString| {
            let admitted = admits(secret);
            if admitted.is_none() {
                // serde's message could quote the secret.
                tracing::error!(%store, "the inbound secret is not of the form {{\"v\":1,\"current\":\"…\"}}");
            }
            admitted
        };
        let first = admits(&secret);
        if first == Some(true) || !matches!(self.renewed(name, &secret).await, Ok(true)) {
            return Admission::from(first);
        }
        match self.get(name).await {
            Ok(Some(newer)) => Admission::from(admits(&newer)),
            Ok(None) | Err(_) => Admission::Refused,
        }
    }
}
