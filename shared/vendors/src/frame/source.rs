//! What a source of loyalty news must be able to do.

use jiff::Timestamp;
use loyalty::{Email, Event, HashKey, Kind};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use crate::{Api, Envelope, Reason, Store, Whom};

/// A webhook call as it came in, before anything is believed.
#[derive(Default)]
pub struct Inbound {
    /// Header names (lower case) and values.
    pub headers: Vec<(String, String)>,
    /// Query parameters, decoded.
    pub query: Vec<(String, String)>,
    /// The secret segment at the end of the path, where the URL has one.
    pub path_token: Option<String>,
    /// The raw body, after API Gateway's base64 flag was undone.
    pub body: Vec<u8>,
}

impl Inbound {
    /// The values of one header.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The secret that a source must present: `<prefix>/<store>/<source>-webhook`, a JSON object
/// `{"v": 1, "current": "…", "previous": "…"}`. Both are valid while a rotation is under way; `previous` is optional.
#[derive(Debug, Deserialize)]
pub struct Inlet {
    /// The secret now.
    pub current: SecretString,
    /// The secret before, still accepted.
    #[serde(default)]
    pub previous: Option<SecretString>,
}

impl Inlet {
    /// Reads the secret's text; none when it has another form, is empty and would admit nobody, or still has the words in it
    /// that stand for a token where its form is shown: everybody knows those.
    #[must_use]
    pub fn read(secret: &str) -> Option<Self> {
        let inlet: Self = serde_json::from_str(secret).ok()?;
        inlet.is_set().then_some(inlet)
    }

    /// Whether a token stands in it, as [`Inlet::read`] asks for.
    pub(crate) fn is_set(&self) -> bool {
        let current = self.current.expose_secret();
        !current.is_empty() && !current.starts_with('<')
    }

    /// Whether the presented text is one of the two secrets. Takes the same time wherever the texts differ. An empty
    /// secret admits nobody.
    #[must_use]
    pub fn admits(&self, presented: &str) -> bool {
        let matches = |secret: &SecretString| {
            let secret = secret.expose_secret().as_bytes();
            !secret.is_empty() && bool::from(secret.ct_eq(presented.as_bytes()))
        };
        let current = matches(&self.current);
        let previous = self.previous.as_ref().is_some_and(matches);
        current | previous
    }
}

/// Why a delivery is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No secret, or a wrong one, or no such store.
    #[error("the secret is missing or wrong, or the store is unknown")]
    Unauthorized,
    /// The body is empty.
    #[error("the body is empty")]
    Empty,
    /// The body is not JSON.
    #[error("the body is not JSON")]
    NotJson,
    /// The body is JSON but no object.
    #[error("the body is JSON, but not an object")]
    NotAnObject,
    /// The body is too large to be queued, after what need not be stored was cut.
    #[error("the body is too large")]
    TooLarge,
}

/// How a delivery was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reception {
    /// It stands on the queue.
    Stored,
    /// It was refused.
    Refused(Refusal),
    /// We could not store it: the only case in which the source should try again.
    Unavailable,
}

/// What one delivery turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// An event of a person.
    Event(Box<Event>),
    /// A sign that something about somebody changed, which says nothing by itself: they are to be read from the source's own
    /// interface.
    Hint {
        /// The source's name for it.
        topic: String,
        /// Who.
        whom: Whom,
    },
    /// Nothing this product knows how to use; kept so that it can be replayed once it does.
    Kept {
        /// The source's name for it.
        topic: Option<String>,
        /// Why it is only kept.
        reason: Reason,
    },
    /// Something that a person at the merchant should know; about no member.
    Notice {
        /// The source's name for it.
        topic: String,
        /// What it says, without anything about a person.
        text: String,
    },
}

/// A source of loyalty news.
pub trait Source: Sync {
    /// Its name in URLs, settings, stamps and secret names.
    fn name(&self) -> &'static str;

    /// Whether the caller is who it says, by the raw request.
    ///
    /// # Errors
    /// [`Refusal::Unauthorized`] when no presented secret is one of the store's.
    fn authenticate(&self, inbound: &Inbound, inlet: &Inlet) -> Result<(), Refusal>;

    /// The body as it may be stored: checked to be a JSON object, without what must not be kept.
    ///
    /// # Errors
    /// A [`Refusal`] when the body is no JSON object.
    fn trim(&self, body: &[u8]) -> Result<Vec<u8>, Refusal>;

    /// The delivery's own id, where the source sends one.
    fn delivery_id(&self, inbound: &Inbound) -> Option<String>;

    /// What a stored delivery says. `body` is what [`Source::trim`] left.
    fn read(&self, envelope: &Envelope, body: &[u8], store: &Store, key: &HashKey) -> Read;

    /// The HTTP status that the source's own rules ask for.
    fn reply(&self, reception: Reception) -> u16;

    /// Its own interface, where it has one that can be asked about members.
    fn api(&self) -> Option<&'static dyn Api> {
        None
    }

    /// A body as the source would send it for this kind of event, about an invented person of this address; none for
    /// kinds that the source does not send. `number` tells it apart from earlier ones.
    fn example(
        &self,
        kind: Kind,
        email: &Email,
        now: Timestamp,
        number: i64,
    ) -> Option<serde_json::Value>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_secrets_admit_and_empty_ones_do_not() {
        let inlet: Inlet =
            serde_json::from_str(r#"{"v":1,"current":"new","previous":"old"}"#).unwrap();
        assert!(inlet.admits("new") && inlet.admits("old"));
        assert!(!inlet.admits("ne") && !inlet.admits("") && !inlet.admits("newer"));
        let empty: Inlet = serde_json::from_str(r#"{"v":1,"current":"","previous":""}"#).unwrap();
        assert!(!empty.admits(""));
    }

    #[test]
    fn what_has_another_form_is_no_secret() {
        assert!(Inlet::read(r#"{"v":1,"current":"new"}"#).is_some_and(|inlet| inlet.admits("new")));
        for other in [
            "",
            "new",
            r#""new""#,
            r#"{"v":1,"token":"new"}"#,
            r#"{"v":1,"current":""}"#,
            r#"{"v":1,"current":"<token>"}"#,
        ] {
            assert!(Inlet::read(other).is_none(), "{other}");
        }
    }
}
