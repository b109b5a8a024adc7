//! A delivery on its way from webhook to recorder.

use std::io::{Read as _, Write as _};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use jiff::Timestamp;
use loyalty::StoreId;
use serde::{Deserialize, Serialize};

use crate::Lane;

/// The largest encoded body that is queued, in bytes.
pub const TOO_LARGE: usize = 768 * 1024;

/// The largest body that is unpacked, in bytes: a small body must not unpack to a full memory.
const UNPACKED: u64 = 64 * 1024 * 1024;

/// A delivery on the inbox queue: who sent what, when. The body travels as gzip in base64, because SQS refuses some
/// characters that JSON allows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Version of this form: 1.
    #[serde(deserialize_with = "super::version::known")]
    pub v: u8,
    /// The store.
    pub store: StoreId,
    /// The source's name.
    pub source: String,
    /// When the webhook took it in, in µs since 1970. A replay keeps it.
    pub arrived: i64,
    /// Told apart from every other delivery by this.
    pub nonce: String,
    /// The source's own id of the delivery, where it sends one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// Which work goes first on its way to the destinations. What just happened, unless it says otherwise.
    #[serde(default, skip_serializing_if = "Lane::is_live")]
    pub lane: Lane,
    /// Whether a person tried out what the source would send: then it says nothing of what the source does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// The body: gzip, base64.
    pub body: String,
}

/// A body names people.
impl std::fmt::Debug for Envelope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Envelope")
            .field("store", &self.store)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// An envelope that cannot be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// The encoded body is over [`TOO_LARGE`].
    #[error("the encoded body is {0} bytes; at most {TOO_LARGE} are queued")]
    TooLarge(usize),
    /// The body does not unpack.
    #[error("the body does not unpack: {0}")]
    Unpack(String),
}

impl Envelope {
    /// Packs a body.
    ///
    /// # Errors
    /// [`EnvelopeError::TooLarge`] when it is too large for the queue.
    pub fn seal(
        store: StoreId,
        source: &str,
        arrived: Timestamp,
        nonce: String,
        delivery: Option<String>,
        body: &[u8],
    ) -> Result<Self, EnvelopeError> {
        let body = STANDARD.encode(pack(body));
        if body.len() > TOO_LARGE {
            return Err(EnvelopeError::TooLarge(body.len()));
        }
        Ok(Self {
            v: 1,
            store,
            source: source.to_owned(),
            arrived: arrived.as_microsecond(),
            nonce,
            delivery,
            lane: Lane::Live,
            simulated: false,
            body,
        })
    }

    /// The body as gzip.
    ///
    /// # Errors
    /// [`EnvelopeError::Unpack`] when it is not base64.
    pub fn packed(&self) -> Result<Vec<u8>, EnvelopeError> {
        STANDARD
            .decode(&self.body)
            .map_err(|error| EnvelopeError::Unpack(error.to_string()))
    }

    /// Unpacks the body.
    ///
    /// # Errors
    /// [`EnvelopeError::Unpack`] when it is not gzip in base64, or unpacks to more than 64 MiB.
    pub fn open(&self) -> Result<Vec<u8>, EnvelopeError> {
        unpack(&self.packed()?)
    }

    /// When the webhook took it in.
    #[must_use]
    pub fn arrived(&self) -> Timestamp {
        Timestamp::from_microsecond(self.arrived).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// Unpacks gzip.
///
/// # Errors
/// [`EnvelopeError::Unpack`] when it is not gzip, or unpacks to more than 64 MiB.
pub fn unpack(packed: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    let failed = |error: &dyn std::fmt::Display| EnvelopeError::Unpack(error.to_string());
    let mut body = Vec::new();
    GzDecoder::new(packed)
        .take(UNPACKED + 1)
        .read_to_end(&mut body)
        .map_err(|error| failed(&error))?;
    if body.len() as u64 > UNPACKED {
        return Err(failed(&"more than 64 MiB"));
    }
    Ok(body)
}

fn pack(body: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing into memory cannot fail; an unfinished stream would be refused by `open`.
    let _ = packer.write_all(body);
    packer.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(body: &[u8]) -> Result<Envelope, EnvelopeError> {
        let store = StoreId::parse("example").unwrap();
        Envelope::seal(
            store,
            "yotpo",
            Timestamp::UNIX_EPOCH,
            "n".into(),
            None,
            body,
        )
    }

    #[test]
    fn any_body_comes_back_as_it_was() {
        let body = "{\"first_name\":\"K\u{0}ri\u{fffe}\"}".as_bytes();
        let envelope = sealed(body).unwrap();
        assert!(envelope.body.is_ascii());
        let wire = serde_json::to_string(&envelope).unwrap();
        let back: Envelope = serde_json::from_str(&wire).unwrap();
        assert_eq!(back.open().unwrap(), body);
    }

    #[test]
    fn what_the_queue_would_refuse_is_refused_here() {
        // Noise does not compress: 768 KiB of base64 hold 576 KiB.
        let mut state = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(600 * 1024)
        .collect();
        assert!(matches!(sealed(&noise), Err(EnvelopeError::TooLarge(_))));
        assert!(sealed(&noise[..500 * 1024]).is_ok());
    }

    #[test]
    fn a_damaged_body_is_an_error_and_not_a_panic() {
        let mut envelope = sealed(b"{}").unwrap();
        envelope.body = "bm90IGd6aXA=".into();
        assert!(envelope.open().is_err());
        envelope.body = "***".into();
        assert!(envelope.open().is_err());
    }
}
