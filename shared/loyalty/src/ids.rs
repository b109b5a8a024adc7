//! Names of stores, members and events.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::Email;

/// A store's id: 1 to 40 of `a-z`, `0-9` and `-`. It stands in URLs, secret names and keys, so nothing else fits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StoreId(String);

/// Text that is no store id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreIdError;

impl fmt::Display for StoreIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a store id is 1 to 40 characters of a-z, 0-9 and -")
    }
}

impl std::error::Error for StoreIdError {}

impl StoreId {
    /// Reads a store id.
    ///
    /// # Errors
    /// [`StoreIdError`] when the text has another form.
    pub fn parse(text: &str) -> Result<Self, StoreIdError> {
        let fits = (1..=40).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(StoreIdError)
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for StoreId {
    type Error = StoreIdError;

    fn try_from(text: String) -> Result<Self, StoreIdError> {
        Self::parse(&text)
    }
}

impl From<StoreId> for String {
    fn from(id: StoreId) -> Self {
        id.0
    }
}

/// What names a member within a store: the email, or `<source>:<external id>` until an email is known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MemberKey(String);

impl MemberKey {
    /// The key of a member whose email is known.
    #[must_use]
    pub fn of_email(email: &Email) -> Self {
        Self(email.expose().to_owned())
    }

    /// The key of a member known only by a source's own id.
    #[must_use]
    pub fn of_external(source: &str, external_id: &str) -> Self {
        Self(format!("{source}:{external_id}"))
    }

    /// The key itself, for a table key.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MemberKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemberKey(…)")
    }
}

/// The stack's secret for keyed hashes, so that an id never tells whose it is.
#[derive(Clone)]
pub struct HashKey(Vec<u8>);

impl HashKey {
    /// A key from the stack secret's bytes.
    #[must_use]
    pub fn new(secret: impl Into<Vec<u8>>) -> Self {
        Self(secret.into())
    }

    /// The keyed hash (HMAC-SHA-256, first 16 bytes, URL-safe base64: 22 characters) over parts, told apart by their
    /// lengths.
    #[must_use]
    pub fn digest(&self, parts: &[&[u8]]) -> String {
        // HMAC takes a key of any length, so this never falls back.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return String::new();
        };
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..16])
    }

    /// A member's name for logs: the same person gives the same text, and nobody can tell who it is.
    #[must_use]
    pub fn member(&self, store: &StoreId, member: &MemberKey) -> String {
        self.digest(&[
            b"member",
            store.as_str().as_bytes(),
            member.expose().as_bytes(),
        ])
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(…)")
    }
}

/// An event's id: the keyed hash of its store and natural key. Two deliveries of the same news have the same id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(String);

impl EventId {
    /// The id of the event that `natural` names within `store`.
    #[must_use]
    pub fn new(key: &HashKey, store: &StoreId, natural: &[&str]) -> Self {
        let mut parts: Vec<&[u8]> = vec![b"event", store.as_str().as_bytes()];
        parts.extend(natural.iter().map(|part| part.as_bytes()));
        Self(key.digest(&parts))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first arrival (µs since 1970) of the event that won, which tells next day's identical reminder from a repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Occurrence(i64);

impl From<Timestamp> for Occurrence {
    fn from(first_arrival: Timestamp) -> Self {
        Self(first_arrival.as_microsecond())
    }
}

impl fmt::Display for Occurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_id_cannot_name_anything_else() {
        assert!(StoreId::parse("example-outdoor-2").is_ok());
        let long = "a".repeat(41);
        for text in [
            "",
            "a/b",
            "../x",
            "Abc",
            "a b",
            "a_b",
            "å",
            "a\n",
            long.as_str(),
        ] {
            assert_eq!(StoreId::parse(text), Err(StoreIdError), "{text:?}");
        }
    }

    #[test]
    fn an_event_id_depends_on_key_store_and_every_part() {
        let (a, b) = (HashKey::new("one"), HashKey::new("two"));
        let (x, y) = (StoreId::parse("x").unwrap(), StoreId::parse("y").unwrap());
        let id = EventId::new(&a, &x, &["coupon", "9001"]);
        assert_eq!(id, EventId::new(&a, &x, &["coupon", "9001"]));
        assert_eq!(id.as_str().len(), 22);
        for other in [
            EventId::new(&b, &x, &["coupon", "9001"]),
            EventId::new(&a, &y, &["coupon", "9001"]),
            EventId::new(&a, &x, &["coupon9", "001"]),
            EventId::new(&a, &x, &["coupon", "9001", ""]),
        ] {
            assert_ne!(id, other);
        }
    }
}
