//! Yotpo's REST interface in memory: rows, newest first, on pages of three; and the rewards.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
};

use async_trait::async_trait;
use delivery::{NoReply, Wire};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use vendors::{Call, Header, Reply, Way};

const PAGE: usize = 3;

const REWARDS: &str = "/api/v2/redemption_options";

/// The key that it accepts.
const KEY: &str = "rest-key";

pub(crate) enum Does {
    Answers(u16),
    Asks(u16, &'static str),
    /// Answers with success and this body.
    Says(&'static str),
    Breaks,
    /// Answers with what it knew when it was asked, once it is let go.
    Waits,
}

pub(crate) struct Yotpo {
    rows: Mutex<Vec<Value>>,
    rewards: Mutex<Vec<Value>>,
    calls: Mutex<Vec<String>>,
    script: Mutex<VecDeque<Does>>,
    always: Mutex<Option<u16>>,
    pub(crate) asked: Semaphore,
    pub(crate) let_go: Semaphore,
}

impl Default for Yotpo {
    fn default() -> Self {
        Self {
            rows: Mutex::default(),
            rewards: Mutex::default(),
            calls: Mutex::default(),
            script: Mutex::default(),
            always: Mutex::default(),
            asked: Semaphore::new(0),
            let_go: Semaphore::new(0),
        }
    }
}

impl Yotpo {
    /// Puts a row in the place of the person's earlier one, and at the top of the list.
    pub(crate) fn knows(&self, row: Value) {
        let mut rows = self.rows.lock().unwrap();
        rows.retain(|known| known["third_party_id"] != row["third_party_id"]);
        rows.insert(0, row);
    }

    /// What points can be exchanged for from now on: names and prices.
    pub(crate) fn offers(&self, rewards: &[(&str, i64)]) {
        let options = rewards.iter();
        let options = options.map(|(name, amount)| json!({"name": name, "amount": amount}));
        *self.rewards.lock().unwrap() = options.collect();
    }

    pub(crate) fn will(&self, does: Does) {
        self.script.lock().unwrap().push_back(does);
    }

    /// The status of every answer from now on.
    pub(crate) fn always(&self, status: Option<u16>) {
        *self.always.lock().unwrap() = status;
    }

    /// The paths that were asked for so far.
    pub(crate) fn calls(&self) -> MutexGuard<'_, Vec<String>> {
        self.calls.lock().unwrap()
    }

    /// How often members were asked for so far.
    pub(crate) fn read_members(&self) -> usize {
        self.count(|path| path != REWARDS)
    }

    /// How often rewards were asked for so far.
    pub(crate) fn read_rewards(&self) -> usize {
        self.count(|path| path == REWARDS)
    }

    fn count(&self, counts: impl Fn(&str) -> bool) -> usize {
        self.calls().iter().filter(|path| counts(path)).count()
    }

    fn answer(&self, call: &Call, credential: &[Header]) -> Reply {
        let key = credential.iter().find(|header| header.name == "x-api-key");
        let key = key.unwrap().value.expose_secret();
        if key != KEY {
            return reply(401, &json!({"error": "unauthorized"}));
        }
        if call.path == REWARDS {
            return reply(200, &json!(*self.rewards.lock().unwrap()));
        }
        let (path, query) = call.path.split_once('?').unwrap();
        let parameter = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let own = pairs
                .filter(|(key, _)| *key == name)
                .map(|(_, value)| value);
            own.map(|value| {
                value
                    .replace("%40", "@")
                    .replace("%2E", ".")
                    .replace("%2D", "-")
            })
            .next()
        };
        let rows = self.rows.lock().unwrap();
        match path {
            "/api/v2/customers/recent" => {
                let from: usize = parameter("page_info").map_or(0, |at| at.parse().unwrap());
                let page: Vec<&Value> = rows.iter().skip(from).take(PAGE).collect();
                let next = (from + PAGE < rows.len()).then(|| (from + PAGE).to_string());
                reply(
                    200,
                    &json!({"customers": page, "metadata": {"next_page_info": next}}),
                )
            }
            "/api/v2/customers" => {
                let is = |key: &str, wanted: Option<String>| {
                    rows.iter()
                        .find(|row| wanted.is_some() && row[key].as_str() == wanted.as_deref())
                };
                let row = is("email", parameter("customer_email"))
                    .or_else(|| is("third_party_id", parameter("customer_id")));
                row.map_or_else(|| reply(404, &json!({})), |row| reply(200, row))
            }
            path => panic!("{path}"),
        }
    }
}

fn reply(status: u16, body: &Value) -> Reply {
    Reply {
        status,
        retry_after: None,
        date: None,
        body: body.to_string().into_bytes(),
    }
}

#[async_trait]
impl Wire for Yotpo {
    async fn send(&self, call: &Call, way: &Way<'_>) -> Result<Reply, NoReply> {
        self.calls().push(call.path.clone());
        let does = self.script.lock().unwrap().pop_front();
        let always = *self.always.lock().unwrap();
        match does.or(always.map(Does::Answers)) {
            None => Ok(self.answer(call, &way.headers)),
            Some(Does::Answers(status)) => Ok(reply(status, &json!({}))),
            Some(Does::Asks(status, after)) => Ok(Reply {
                retry_after: Some(after.to_owned()),
                ..reply(status, &json!({}))
            }),
            Some(Does::Says(body)) => Ok(Reply {
                body: body.as_bytes().to_vec(),
                ..reply(200, &Value::Null)
            }),
            Some(Does::Breaks) => Err(NoReply::NotAnswered),
            Some(Does::Waits) => {
                let told = self.answer(call, &way.headers);
                self.asked.add_permits(1);
                self.let_go.acquire().await.unwrap().forget();
                Ok(told)
            }
        }
    }
}
