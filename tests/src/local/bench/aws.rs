//! As much of AWS as the functions need, true to what is measured: the table checks every condition and keeps what is
//! written, messages that are sent can be taken, secrets exist; and every request is counted with the units that it costs.
//!
//! Not here: faults, permissions, time. Those are the emulator's business, and the end-to-end tests'.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::server::{self, Answer};
use super::size;
use super::table::{Refused, Table};
use super::usage::Usage;
use crate::trouble::Result;

/// The token that the events in `events/invoke/webhook` carry.
const TOKEN: &str = "example-webhook-token";

/// The key with which every store asks Yotpo's stand-in.
pub(super) const YOTPO_KEY: &str = "example-yotpo-key";

/// What Gorgias presents when it asks for a card.
pub(super) const DESK_TOKEN: &str = "example-gorgias-lookup-token";

/// Whose key every store's account with Gorgias has.
pub(super) const AGENT: &str = "admin@example.com";

/// What a store's key at Rule ends in, after its id.
const KEY: &str = "example-rule-key";

/// The service bills a hundred bytes for each row beside what it holds.
const ROW: usize = 100;

/// What stands there.
#[derive(Debug, Default)]
struct State {
    table: Table,
    messages: Vec<(String, String)>,
    usage: Usage,
}

/// The stand-in.
#[derive(Debug, Clone)]
pub(super) struct Aws {
    pub(super) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Aws {
    /// Starts it.
    ///
    /// # Errors
    /// No port is free.
    pub(super) fn start() -> Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let served = state.clone();
        let address = server::serve(move |asked| {
            let operation = asked.target.rsplit('.').next()?;
            let body = serde_json::from_slice(&asked.body).ok()?;
            let (status, answer) = match lock(&served).answer(operation, &body) {
                Ok(answer) => (200, answer),
                Err(Refused(why)) => (400, why),
            };
            Some(Answer {
                status,
                headers: Vec::new(),
                body: answer.to_string(),
            })
        })?;
        Ok(Self { address, state })
    }

    /// The messages of a queue, in order; they are gone from it then.
    pub(super) fn take(&self, queue: &str) -> Vec<String> {
        let mut state = lock(&self.state);
        let (taken, left) = std::mem::take(&mut state.messages)
            .into_iter()
            .partition(|(to, _)| to == queue);
        state.messages = left;
        let taken: Vec<(String, String)> = taken;
        taken.into_iter().map(|(_, message)| message).collect()
    }

    /// What was used since the last time this was asked.
    pub(super) fn used(&self) -> Usage {
        let mut state = lock(&self.state);
        let mut usage = std::mem::take(&mut state.usage);
        usage.write_units = std::mem::take(&mut state.table.written);
        usage.read_halves = std::mem::take(&mut state.table.read);
        usage
    }

    /// Rows and entries that were given back, and write units of the index, since the last time this was asked.
    pub(super) fn touched(&self) -> (usize, usize) {
        let table = &mut lock(&self.state).table;
        (
            std::mem::take(&mut table.items),
            std::mem::take(&mut table.indexed),
        )
    }

    /// Adds entries to the lists of the index whose names begin so: this many, on places that these numbers give.
    pub(super) fn list_others(
        &self,
        beginning: &str,
        count: usize,
        place: impl Fn(usize) -> String,
    ) {
        let table = &mut lock(&self.state).table;
        let lists: Vec<String> = table.lists(beginning).into_iter().collect();
        let entries = (0..count).map(|number| {
            let list = lists.get(number % lists.len().max(1));
            [list.cloned().unwrap_or_default(), place(number)]
        });
        table.list_others(entries);
    }

    /// What stands in the table now: the number of rows, and their bytes as they are billed, apart for those that stay and
    /// those that end by themselves.
    pub(super) fn stored(&self) -> Stored {
        let mut stored = Stored::default();
        for row in lock(&self.state).table.rows() {
            let bytes = size::bytes(row) + ROW;
            let kind = row.get("sk").and_then(|sk| sk["S"].as_str());
            let kind = kind
                .unwrap_or_default()
                .split('#')
                .next()
                .unwrap_or_default();
            match kind {
                "EVENT" => stored.events += bytes,
                "DELIVERY" => stored.deliveries += bytes,
                _ => stored.members += bytes,
            }
        }
        stored
    }

    /// The bytes of the rows whose second key is such a one, as they are billed.
    pub(super) fn bytes_of(&self, is_one: impl Fn(&str) -> bool) -> usize {
        let state = lock(&self.state);
        let own = state.table.rows().filter(|row| {
            let key = row.get("sk").and_then(|sk| sk["S"].as_str());
            key.is_some_and(&is_one)
        });
        own.map(|row| size::bytes(row) + ROW).sum()
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        *lock(&self.state) = State::default();
    }
}

/// Bytes in the table, by how long they stay.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stored {
    /// The events: 30 days.
    pub(super) events: usize,
    /// The deliveries: 90 days.
    pub(super) deliveries: usize,
    /// The rest: members, what destinations know of them, ids, stores.
    pub(super) members: usize,
}

/// A store's key at Rule.
pub(super) fn rule_key(store: &str) -> String {
    format!("{store}-{KEY}")
}

/// A store's key at Gorgias.
pub(super) fn gorgias_key(store: &str) -> String {
    format!("{store}-example-gorgias-key")
}

/// A store's secret with Annex Cloud.
pub(super) fn annexcloud_key(store: &str) -> String {
    format!("{store}-example-annexcloud-secret")
}

/// The id of a store's site at Annex Cloud.
pub(super) fn site(store: &str) -> String {
    format!("site-of-{store}")
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn answer(&mut self, operation: &str, body: &Value) -> std::result::Result<Value, Refused> {
        self.usage.request(operation);
        Ok(match operation {
            "GetItem" => self.table.get(body),
            "PutItem" => self.table.put(body)?,
            "UpdateItem" => self.table.update(body)?,
            "DeleteItem" => self.table.delete(body)?,
            "TransactWriteItems" => self.table.transact(body)?,
            "Query" => self.table.query(body)?,
            "ChangeMessageVisibility" => json!({}),
            "SendMessage" => {
                self.send(&body["QueueUrl"], &body["MessageBody"]);
                json!({"MessageId": "m"})
            }
            "SendMessageBatch" => {
                let entries = body["Entries"].as_array().map(Vec::as_slice);
                let entries = entries.unwrap_or_default();
                for entry in entries {
                    self.send(&body["QueueUrl"], &entry["MessageBody"]);
                }
                let taken = entries.iter().map(
                    |entry| json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": ""}),
                );
                json!({"Successful": taken.collect::<Vec<_>>(), "Failed": []})
            }
            "GetSecretValue" => {
                let name = body["SecretId"].as_str().unwrap_or_default();
                json!({"Name": name, "SecretString": secret(name)})
            }
            "DescribeSecret" => json!({"Name": body["SecretId"]}),
            _ => return Err(Refused(json!({"__type": "UnknownOperationException"}))),
        })
    }

    fn send(&mut self, url: &Value, message: &Value) {
        let queue = url.as_str().unwrap_or_default().rsplit('/').next();
        let message = message.as_str().unwrap_or_default();
        self.usage.message(message.len());
        self.messages
            .push((queue.unwrap_or_default().to_owned(), message.to_owned()));
    }
}

/// `<prefix>/<store>/<connection>`, or `<prefix>/hash-key`.
fn secret(name: &str) -> String {
    let parts: Vec<&str> = name.split('/').collect();
    match parts.as_slice() {
        [_, _, "yotpo-webhook"] => json!({"v": 1, "current": TOKEN}).to_string(),
        [_, store, "yotpo"] => json!({"v": 1, "guid": store, "api_key": YOTPO_KEY}).to_string(),
        [_, store, "rule"] => json!({"v": 1, "api_key": rule_key(store)}).to_string(),
        [_, _, "gorgias-lookup"] => json!({"v": 1, "current": DESK_TOKEN}).to_string(),
        [_, store, "gorgias"] => {
            let key = gorgias_key(store);
            json!({"v": 1, "account": store, "email": AGENT, "api_key": key}).to_string()
        }
        [_, store, "annexcloud"] => {
            let key = annexcloud_key(store);
            json!({"v": 1, "site": store, "site_id": site(store), "secret": key}).to_string()
        }
        _ => "an-example-of-a-hash-key".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_taken_once_and_counted() {
        let mut state = State::default();
        let sent = json!({"QueueUrl": "http://localhost/0/inbox", "MessageBody": "m"});
        state.answer("SendMessage", &sent).expect("an answer");
        let entries = [
            json!({"Id": "0", "MessageBody": "n"}),
            json!({"Id": "1", "MessageBody": "o"}),
        ];
        let sent = json!({"QueueUrl": "http://localhost/0/rule", "Entries": entries});
        state.answer("SendMessageBatch", &sent).expect("an answer");
        let aws = Aws {
            address: ([127, 0, 0, 1], 0).into(),
            state: Arc::new(Mutex::new(state)),
        };
        assert_eq!(aws.take("rule"), ["n", "o"]);
        assert_eq!(aws.take("inbox"), ["m"]);
        assert_eq!(aws.take("inbox"), Vec::<String>::new());
        assert_eq!(aws.used().requests(), 2);
        assert_eq!(aws.used().requests(), 0);
    }

    #[test]
    fn each_store_has_its_own_key() {
        let key =
            |name| serde_json::from_str::<Value>(&secret(name)).expect("JSON")["api_key"].clone();
        assert_ne!(key("bridge/one/rule"), key("bridge/two/rule"));
        assert_ne!(key("bridge/one/gorgias"), key("bridge/two/gorgias"));
        assert_ne!(
            secret("bridge/one/annexcloud"),
            secret("bridge/two/annexcloud")
        );
        assert_eq!(
            secret("bridge/one/yotpo-webhook"),
            secret("bridge/two/yotpo-webhook")
        );
        assert!(!secret("bridge/hash-key").starts_with('{'));
    }

    #[test]
    fn what_nobody_knows_is_refused() {
        let refused = State::default().answer("Scan", &json!({}));
        assert_eq!(
            refused,
            Err(Refused(json!({"__type": "UnknownOperationException"})))
        );
    }
}
