//! A short fingerprint of what a call says, to know the same content again.

use sha2::{Digest, Sha256};

/// Gathers texts into 16 hexadecimal digits of SHA-256. It compares our own content with itself.
#[derive(Default)]
pub(crate) struct Fingerprint(Sha256);

impl Fingerprint {
    /// Adds a text, told apart from its neighbours by its length.
    pub(crate) fn add(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text);
    }

    pub(crate) fn finish(self) -> String {
        let hash = self.0.finalize();
        let first = hash.first_chunk().copied().map_or(0, u64::from_be_bytes);
        format!("{first:016x}")
    }
}
