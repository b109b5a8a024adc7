//! A short fingerprint of what a call says, to know the same content again.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The fingerprint of JSON values: 16 hexadecimal digits of SHA-256. It compares our own content with itself.
pub(crate) fn digest(values: &[Value]) -> String {
    let mut hasher = Sha256::new();
    for value in values {
        hasher.update(value.to_string());
        hasher.update([0]);
    }
    let hash = hasher.finalize();
    let first = hash.first_chunk().copied().map_or(0, u64::from_be_bytes);
    format!("{first:016x}")
}
