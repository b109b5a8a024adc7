//! Keyed hashes, as several vendors sign with them.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// HMAC-SHA256 of these bytes.
pub(super) fn sha256(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(bytes);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second test case of RFC 4231.
    #[test]
    fn agrees_with_the_published_case() {
        let mac = sha256(b"Jefe", b"what do ya want for nothing?");
        assert_eq!((mac[0], mac[1], mac[31]), (0x5b, 0xdc, 0x43));
    }
}
