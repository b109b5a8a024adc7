//! What a stand-in remembers of the requests it got.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Key, Request};

/// Headers that carry a credential.
const CREDENTIALS: [&str; 4] = ["authorization", "x-annexcloud-site", "x-api-key", "x-guid"];

/// One request and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Its number, from 1.
    pub n: usize,
    /// When it came, on the test clock.
    pub at: String,
    /// The method.
    pub method: String,
    /// The path, as it came.
    pub path: String,
    /// The query, as it came.
    pub query: String,
    /// The account whose credential it carried.
    pub account: Option<String>,
    /// `right`, `wrong` or `absent`. The credential itself is not kept.
    pub key: &'static str,
    /// The headers but the credential.
    pub headers: Map<String, Value>,
    /// The body: JSON if it is JSON, else text.
    pub body: Value,
    /// The status it was answered with; absent if it never was.
    pub status: Option<u16>,
    /// What the script made of it: `hang` or `reset`.
    pub ended: Option<&'static str>,
}

/// All requests and all faults, in order.
#[derive(Debug, Default)]
pub struct Record {
    entries: Vec<Entry>,
    faults: Vec<Fault>,
}

/// Something that should never have been sent.
#[derive(Debug, Clone, Serialize)]
pub struct Fault {
    /// The number of its request.
    pub n: usize,
    /// The account.
    pub account: Option<String>,
    /// What is wrong with it.
    #[serde(rename = "fault")]
    pub what: String,
}

impl Record {
    /// Adds a request; the returned entry waits for its answer.
    pub fn add(
        &mut self,
        request: &Request,
        key: &Key,
        now: Timestamp,
        faults: Vec<String>,
    ) -> &mut Entry {
        let n = self.entries.len() + 1;
        let account = key.account().map(str::to_owned);
        self.faults.extend(faults.into_iter().map(|what| Fault {
            n,
            account: account.clone(),
            what,
        }));
        let headers = request
            .headers
            .iter()
            .filter(|(name, _)| !CREDENTIALS.contains(&name.as_str()));
        self.entries.push(Entry {
            n,
            at: now.to_string(),
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            account,
            key: key.word(),
            headers: headers
                .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
                .collect(),
            body: body(&request.body),
            status: None,
            ended: None,
        });
        let last = self.entries.len() - 1;
        &mut self.entries[last]
    }

    /// The requests of one account, or all.
    #[must_use]
    pub fn received(&self, account: Option<&str>) -> Vec<&Entry> {
        self.entries
            .iter()
            .filter(|entry| account.is_none() || entry.account.as_deref() == account)
            .collect()
    }

    /// The faults of one account, or all.
    #[must_use]
    pub fn faults(&self, account: Option<&str>) -> Vec<&Fault> {
        self.faults
            .iter()
            .filter(|fault| account.is_none() || fault.account.as_deref() == account)
            .collect()
    }
}

fn body(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(bytes)))
}
