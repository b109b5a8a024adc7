//! One kind of error: a sentence for the person at the keyboard.

use std::fmt;

/// What went wrong, said so that the reader knows what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble(String);

/// A result whose error is a sentence.
pub type Result<T, E = Trouble> = std::result::Result<T, E>;

impl Trouble {
    /// Trouble with this sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Trouble {}

/// Puts words before a technical error.
pub trait Saying<T> {
    /// The value, or trouble that begins with `what` and ends with the cause.
    ///
    /// # Errors
    /// The error it was called on, in words.
    fn saying(self, what: impl fmt::Display) -> Result<T>;
}

impl<T, E: fmt::Display> Saying<T> for Result<T, E> {
    fn saying(self, what: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Trouble(format!("{what}: {error}")))
    }
}

impl<T> Saying<T> for Option<T> {
    fn saying(self, what: impl fmt::Display) -> Result<T> {
        self.ok_or_else(|| Trouble(what.to_string()))
    }
}
