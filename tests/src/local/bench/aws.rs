//! As much of AWS as the functions need to work through a few events: rows that are put can be read, messages that are
//! sent can be taken, every secret exists.
//!
//! No condition is ever checked and no update is kept: everything counts as new. What AWS really does is the emulator's
//! business; here only the functions' own time and memory count.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::server::{self, Answer};
use crate::trouble::Result;

/// The token that the events in `events/invoke/webhook` carry.
const TOKEN: &str = "example-webhook-token";

/// The store's key at Rule.
pub(super) const RULE_KEY: &str = "example-rule-key";

/// What stands there.
#[derive(Debug, Default)]
struct State {
    rows: BTreeMap<[String; 2], Value>,
    messages: BTreeMap<String, Vec<String>>,
    calls: BTreeMap<String, u32>,
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
            let answer = lock(&served).answer(operation, &body);
            let status = if answer.is_some() { 200 } else { 400 };
            let unknown = || json!({"__type": "UnknownOperationException"});
            Some(Answer {
                status,
                headers: Vec::new(),
                body: answer.unwrap_or_else(unknown).to_string(),
            })
        })?;
        Ok(Self { address, state })
    }

    /// The messages of a queue, in order; they are gone from it then.
    pub(super) fn take(&self, queue: &str) -> Vec<String> {
        lock(&self.state).messages.remove(queue).unwrap_or_default()
    }

    /// How often each operation was called since the last time this was asked.
    pub(super) fn calls(&self) -> BTreeMap<String, u32> {
        std::mem::take(&mut lock(&self.state).calls)
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        *lock(&self.state) = State::default();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn answer(&mut self, operation: &str, body: &Value) -> Option<Value> {
        *self.calls.entry(operation.to_owned()).or_default() += 1;
        Some(match operation {
            "GetItem" => match self.rows.get(&key(&body["Key"])) {
                Some(item) => json!({"Item": item}),
                None => json!({}),
            },
            "PutItem" => {
                self.rows.insert(key(&body["Item"]), body["Item"].clone());
                json!({})
            }
            "DeleteItem" => {
                self.rows.remove(&key(&body["Key"]));
                json!({})
            }
            "TransactWriteItems" => {
                for put in body["TransactItems"]
                    .as_array()?
                    .iter()
                    .map(|item| &item["Put"]["Item"])
                {
                    if put.is_object() {
                        self.rows.insert(key(put), put.clone());
                    }
                }
                json!({})
            }
            // Nothing is ever listed in the index; a partition has what was put into it.
            "Query" => {
                let pk = &body["ExpressionAttributeValues"][":pk"]["S"];
                let own = self.rows.iter().filter(|([of, _], _)| pk == of.as_str());
                let items: Vec<&Value> = own.map(|(_, item)| item).collect();
                json!({"Count": items.len(), "Items": items})
            }
            "UpdateItem" | "ChangeMessageVisibility" => json!({}),
            "SendMessage" => {
                self.send(&body["QueueUrl"], &body["MessageBody"]);
                json!({"MessageId": "m"})
            }
            "SendMessageBatch" => {
                let entries = body["Entries"].as_array()?;
                for entry in entries {
                    self.send(&body["QueueUrl"], &entry["MessageBody"]);
                }
                let taken = entries.iter().map(
                    |entry| json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": ""}),
                );
                json!({"Successful": taken.collect::<Vec<_>>(), "Failed": []})
            }
            "GetSecretValue" => {
                let name = body["SecretId"].as_str()?;
                json!({"Name": name, "SecretString": secret(name)})
            }
            "DescribeSecret" => json!({"Name": body["SecretId"]}),
            _ => return None,
        })
    }

    fn send(&mut self, url: &Value, message: &Value) {
        let queue = url.as_str().unwrap_or_default().rsplit('/').next();
        let messages = self
            .messages
            .entry(queue.unwrap_or_default().to_owned())
            .or_default();
        messages.extend(message.as_str().map(str::to_owned));
    }
}

fn key(item: &Value) -> [String; 2] {
    ["pk", "sk"].map(|part| item[part]["S"].as_str().unwrap_or_default().to_owned())
}

fn secret(name: &str) -> String {
    if name.ends_with("-webhook") {
        json!({"v": 1, "current": TOKEN}).to_string()
    } else if name.ends_with("/rule") {
        json!({"v": 1, "api_key": RULE_KEY}).to_string()
    } else {
        "an-example-of-a-hash-key".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_read_and_what_is_sent_is_taken() {
        let mut state = State::default();
        let item = json!({"pk": {"S": "a"}, "sk": {"S": "b"}, "n": {"N": "1"}});
        assert_eq!(
            state.answer("PutItem", &json!({"Item": item})),
            Some(json!({}))
        );
        let asked = json!({"Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}});
        assert_eq!(state.answer("GetItem", &asked), Some(json!({"Item": item})));
        let other = json!({"Key": {"pk": {"S": "a"}, "sk": {"S": "c"}}});
        assert_eq!(state.answer("GetItem", &other), Some(json!({})));
        let sent = json!({"QueueUrl": "http://localhost/0/inbox", "MessageBody": "m"});
        state.answer("SendMessage", &sent);
        assert_eq!(state.messages["inbox"], ["m"]);
        assert_eq!(state.answer("Scan", &json!({})), None);
        assert_eq!(state.calls["GetItem"], 2);
    }
}
