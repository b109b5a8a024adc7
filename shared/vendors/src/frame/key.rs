//! What a store's secret for a vendor opens: where its calls go, and what they carry.

use std::{borrow::Cow, fmt, sync::Arc};

use jiff::Timestamp;
use secrecy::SecretString;

use crate::Call;

/// A header that carries a credential.
#[derive(Debug, Clone)]
pub struct Header {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: SecretString,
}

/// Proves each call by itself: what it carries depends on the call and on the time.
pub trait Sign: Send + Sync {
    /// The headers of one call that is made now.
    fn headers(&self, call: &Call, now: Timestamp) -> Vec<Header>;
}

/// A store's credential for a vendor, read from its secret.
#[derive(Clone)]
pub struct Key {
    base: Cow<'static, str>,
    proof: Proof,
}

#[derive(Clone)]
enum Proof {
    Headers(Vec<Header>),
    Signed(Arc<dyn Sign>),
}

/// A credential is nobody's to read.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

/// Where one call goes, and what it carries beside its body.
#[derive(Debug, Clone)]
pub struct Way<'a> {
    /// Scheme and host, perhaps with the beginning of the path; no slash at the end.
    pub base: &'a str,
    /// The headers of the credential.
    pub headers: Vec<Header>,
}

impl Key {
    /// The same headers for every call. `base` is scheme and host, perhaps with the beginning of the path.
    pub fn fixed(base: impl Into<Cow<'static, str>>, headers: Vec<Header>) -> Self {
        Self {
            base: base.into(),
            proof: Proof::Headers(headers),
        }
    }

    /// Every call signed by itself.
    pub fn signing(base: impl Into<Cow<'static, str>>, sign: Arc<dyn Sign>) -> Self {
        Self {
            base: base.into(),
            proof: Proof::Signed(sign),
        }
    }

    /// Whether each call is proved anew: then a refused one may do when it is made once more.
    #[must_use]
    pub const fn is_signing(&self) -> bool {
        matches!(self.proof, Proof::Signed(_))
    }

    /// Where a call goes that is made now, and what it carries.
    #[must_use]
    pub fn way(&self, call: &Call, now: Timestamp) -> Way<'_> {
        let headers = match &self.proof {
            Proof::Headers(headers) => headers.clone(),
            Proof::Signed(sign) => sign.headers(call, now),
        };
        Way {
            base: self.base.trim_end_matches('/'),
            headers,
        }
    }
}
