//! Values about a person, which must never reach a log, a metric, an error or a panic.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Text about a person (a name, a coupon code, a personal link). `{:?}` prints its length only and there is no
/// `Display`, so that it cannot slip into a log by accident.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Private(String);

impl Private {
    /// The text itself, for a request body or a table row.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Private {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Private({} bytes)", self.0.len())
    }
}

/// An email address, trimmed and lower-cased, as it names a member and a subscriber.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

/// Text that cannot be an email address. The text itself is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmailError;

impl fmt::Display for EmailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an email address: expected text@domain without spaces, at most 254 bytes")
    }
}

impl std::error::Error for EmailError {}

impl Email {
    /// Reads an address: trimmed, lower-cased, one `@` with text on both sides.
    ///
    /// # Errors
    /// [`EmailError`] when the text cannot be an address.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.trim().to_lowercase();
        let whole = text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control());
        let parts = text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        });
        if whole && parts {
            Ok(Self(text))
        } else {
            Err(EmailError)
        }
    }

    /// The address itself, for a request body or a table key.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Email {
    type Error = EmailError;

    fn try_from(text: String) -> Result<Self, EmailError> {
        Self::parse(&text)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_trimmed_and_lower_cased() {
        assert_eq!(
            Email::parse("  Kari@Example.COM ").unwrap().expose(),
            "kari@example.com"
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "k".repeat(250));
        for text in [
            "",
            "kari",
            "@example.com",
            "kari@",
            "ka ri@example.com",
            "a@b@example.com",
            "k\0@example.com",
            &long,
        ] {
            assert_eq!(Email::parse(text), Err(EmailError), "{text:?}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_a_person() {
        let email = Email::parse("kari@example.com").unwrap();
        let shown = format!("{email:?} {:?}", Private::from("Nordmann"));
        assert!(
            !shown.contains("kari") && !shown.contains("Nordmann"),
            "{shown}"
        );
    }
}
