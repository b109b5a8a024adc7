//! Strict servers in the vendors' place, written from the vendors' documents alone.
//!
//! What the vendor refuses they refuse, what it drops in silence they drop. What no sender of ours may ever do (an unknown
//! path, header or key, a value of the wrong form) is refused *and* remembered as a fault, and a fault fails the test.
//! They share one clock with the functions, and nothing else.
//!
//! Beside the vendor's own paths each answers:
//! - `GET /received[?account=…]`: the requests it got, in order, with what they were answered.
//! - `GET /faults[?account=…]`: what should never have been sent.
//! - `POST /script`: what to do with the next requests, see [`script::Order`].
//!
//! A vendor may also call others by itself, see [`outgoing`], and show pages to people.

pub mod annexcloud;
pub mod gorgias;
mod mac;
pub mod outgoing;
pub mod record;
pub mod rule;
pub mod script;
pub mod server;
pub mod yotpo;

use jiff::Timestamp;
use serde_json::Value;

use self::outgoing::{Ended, Outgoing};

/// One request as it came, nothing decoded.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path, still percent-encoded.
    pub path: String,
    /// The query, still percent-encoded, without the question mark.
    pub query: String,
    /// Headers with lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The value of a header, by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }

    /// A parameter of the query, decoded.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        pairs
            .into_iter()
            .find(|(key, _)| *key == name)
            .and_then(|(_, value)| decoded(value))
    }
}

/// Percent-encoding undone; `None` if it is no valid encoding of text.
#[must_use]
pub fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (pair, after) = after.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// What a stand-in answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers beside `date` and the content type.
    pub headers: Vec<(String, String)>,
    /// The content type.
    pub kind: &'static str,
    /// The body.
    pub body: String,
}

impl Answer {
    /// JSON with this status.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            kind: "application/json",
            body: body.to_string(),
        }
    }

    /// Text with this status.
    #[must_use]
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            kind: "text/plain; charset=UTF-8",
            body: body.into(),
        }
    }

    /// A page with this status.
    #[must_use]
    pub fn html(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            kind: "text/html; charset=UTF-8",
            body: body.into(),
        }
    }

    /// The same with one header more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// Whose credential a request carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// That of this account.
    Right(String),
    /// One that no account has.
    Wrong,
    /// None.
    Absent,
}

impl Key {
    /// The account, if the credential is good.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Right(account) => Some(account),
            Self::Wrong | Self::Absent => None,
        }
    }

    /// `right`, `wrong` or `absent`: all that the record says of a credential.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Right(_) => "right",
            Self::Wrong => "wrong",
            Self::Absent => "absent",
        }
    }
}

/// One vendor: pure behaviour, no sockets.
pub trait Vendor: Send + 'static {
    /// Where the vendor's own paths begin; everything else is ours.
    fn prefix(&self) -> &'static str;

    /// Whose credential the request carries.
    fn key(&self, request: &Request) -> Key;

    /// Answers as the vendor would. What should never have been sent is added to `faults`.
    fn handle(&mut self, request: &Request, now: Timestamp, faults: &mut Vec<String>) -> Answer;

    /// Hears what was answered, for limits that count answers.
    fn answered(&mut self, key: &Key, status: u16, now: Timestamp);

    /// The vendor's own way to write a point in time into `Retry-After`.
    fn retry_after(&self, until: Timestamp) -> String;

    /// What `GET <path>` shows of its memory, for one account or all.
    fn show(&self, path: &str, account: Option<&str>) -> Option<Value>;

    /// What `POST <path>` changes in its memory.
    ///
    /// # Errors
    /// The order does not make sense.
    fn order(&mut self, path: &str, body: &Value, now: Timestamp) -> Option<Result<(), String>>;

    /// The calls that the order just followed makes the vendor owe somebody else; they are taken once. They are made after
    /// the lock is released, and the order is answered when all of them have ended.
    fn calls(&mut self) -> Option<Vec<Outgoing>> {
        None
    }

    /// Hears what became of those calls, and says what their order is answered.
    fn called(&mut self, _ended: &[(Outgoing, Ended)], _now: Timestamp) -> Value {
        Value::Null
    }

    /// The page that `GET <path>` shows to a person.
    fn page(&self, _path: &str) -> Option<Answer> {
        None
    }
}
