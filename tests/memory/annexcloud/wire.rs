//! The way to Annex Cloud's strict stand-in, without a socket between; it goes wrong as it is told.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bridge_tests::standins::{Request, Vendor as _, annexcloud::AnnexCloud};
use delivery::{NoReply, Wire};
use platform::{Clock as _, memory::MemoryClock};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use vendors::{Call, Method, Reply, Way};

use crate::world::Does;

/// The way, and who stands at its end.
pub(crate) struct ToAnnex {
    vendor: Mutex<AnnexCloud>,
    clock: Arc<MemoryClock>,
    /// What happens to the next call of this method whose path has this in it.
    script: Mutex<Vec<(Method, &'static str, Does)>>,
    calls: Mutex<Vec<(Method, String)>>,
    bodies: Mutex<Vec<Value>>,
    /// The balances before anything was booked.
    began: Mutex<BTreeMap<String, i64>>,
}

impl ToAnnex {
    pub(crate) fn new(clock: Arc<MemoryClock>) -> Self {
        let way = Self {
            vendor: Mutex::default(),
            clock,
            script: Mutex::default(),
            calls: Mutex::default(),
            bodies: Mutex::default(),
            began: Mutex::default(),
        };
        way.credential("s");
        for (action, credit) in [("100", 50), ("7", 20)] {
            way.order("/actions", json!({"actionId": action, "credit": credit}));
        }
        way.order("/rewards", json!({"rewardId": "31", "debit": 40}));
        way
    }

    /// From now on this secret signs for the tenant.
    pub(crate) fn credential(&self, secret: &str) {
        let account = json!({"site": "example-shop", "site_id": "5550001", "secret": secret});
        self.order("/accounts", account);
    }

    pub(crate) fn order(&self, path: &str, mut body: Value) {
        body["account"] = json!("example");
        let ordered = self
            .vendor
            .lock()
            .unwrap()
            .order(path, &body, self.clock.now());
        assert_eq!(ordered, Some(Ok(())), "{path} {body}");
    }

    /// This is known of a person from now on.
    pub(crate) fn person(&self, id: &str, user: Value, points: &Value, tiers: &Value) {
        let mut user = user;
        user["id"] = json!(id);
        let member = json!({"user": user, "points": points, "tiers": tiers});
        self.order("/members", member);
        let began = points["availablePoints"].as_str().unwrap_or("0");
        let began = began.parse().unwrap();
        self.began.lock().unwrap().insert(id.to_owned(), began);
    }

    fn show(&self, path: &str) -> Value {
        let vendor = self.vendor.lock().unwrap();
        vendor.show(path, Some("example")).unwrap()
    }

    /// What is known of a person: `user`, `points`, `tiers`.
    pub(crate) fn known(&self, id: &str) -> Value {
        self.show("/members-state")[id].clone()
    }

    /// Everyone whom it knows.
    pub(crate) fn people(&self) -> Vec<String> {
        let known = self.show("/members-state");
        known.as_object().unwrap().keys().cloned().collect()
    }

    /// The bookings of a person, newest first.
    pub(crate) fn activity(&self, id: &str) -> Vec<Value> {
        let rows = self.show("/activity-state")[id].as_array().cloned();
        rows.unwrap_or_default()
    }

    /// Whatever happens: no order is booked twice, and every balance is what was booked.
    pub(crate) fn check(&self, place: &str) {
        let mut orders = Vec::new();
        for id in self.people() {
            let amount = |row: &Value, key: &str| row[key].as_str().unwrap().parse().unwrap_or(0);
            let mut sum = *self.began.lock().unwrap().get(&id).unwrap_or(&0);
            for row in self.activity(&id) {
                sum += amount(&row, "credit") - amount(&row, "debit");
                orders.push(row["orderId"].as_str().unwrap().to_owned());
            }
            let balance = self.known(&id)["points"]["availablePoints"].clone();
            let balance = balance.as_str().unwrap_or("0").parse::<i64>().unwrap();
            assert_eq!(balance, sum, "{place}: {id}");
        }
        let all = orders.len();
        orders.sort();
        orders.dedup();
        assert_eq!(all, orders.len(), "{place}: an order is booked twice");
    }

    /// What happens to the next call of this method whose path has this in it.
    pub(crate) fn will(&self, method: Method, path: &'static str, does: Does) {
        self.script.lock().unwrap().push((method, path, does));
    }

    /// The calls since this was last asked.
    pub(crate) fn calls(&self) -> Vec<(Method, String)> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    /// The bodies of all bookings so far, refused ones too.
    pub(crate) fn bookings(&self) -> Vec<Value> {
        let bodies = self.bodies.lock().unwrap();
        let own = bodies.iter().filter(|body| !body["activity"].is_null());
        own.cloned().collect()
    }

    fn told(&self, call: &Call) -> Option<Does> {
        let mut script = self.script.lock().unwrap();
        let fits = |(method, path, _): &(Method, &str, Does)| {
            *method == call.method && call.path.contains(path)
        };
        let place = script.iter().position(fits)?;
        Some(script.remove(place).2)
    }

    fn arrive(&self, call: &Call, way: &Way<'_>) -> Reply {
        let mut faults = Vec::new();
        let answer =
            self.vendor
                .lock()
                .unwrap()
                .handle(&request(call, way), self.clock.now(), &mut faults);
        assert!(faults.is_empty(), "{faults:?}");
        reply(answer.status, answer.body.into_bytes())
    }
}

fn request(call: &Call, way: &Way<'_>) -> Request {
    let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
    let host = way.base.find("://").map_or(0, |place| place + 3);
    let base = way.base[host..]
        .find('/')
        .map_or("", |slash| &way.base[host + slash..]);
    let headers = way.headers.iter().map(|header| {
        let value = header.value.expose_secret().to_owned();
        (header.name.to_owned(), value)
    });
    let mut headers: Vec<(String, String)> = headers.collect();
    if call.body.is_some() {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let method = match call.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    };
    Request {
        method: method.to_owned(),
        path: format!("{base}{path}"),
        query: query.to_owned(),
        headers,
        body: call.body.clone().unwrap_or_default().into_bytes(),
    }
}

fn reply(status: u16, body: Vec<u8>) -> Reply {
    Reply {
        status,
        retry_after: None,
        date: None,
        body,
    }
}

#[async_trait]
impl Wire for ToAnnex {
    async fn send(&self, call: &Call, way: &Way<'_>) -> Result<Reply, NoReply> {
        let seen = (call.method, call.path.clone());
        self.calls.lock().unwrap().push(seen);
        let body = call.body.as_deref().map(serde_json::from_str);
        self.bodies
            .lock()
            .unwrap()
            .extend(body.map(Result::<Value, _>::unwrap));
        let plain = |status, body: &Value| reply(status, body.to_string().into_bytes());
        match self.told(call) {
            None | Some(Does::Books) => Ok(self.arrive(call, way)),
            Some(Does::Answers(status, Value::String(page))) => {
                Ok(reply(status, page.into_bytes()))
            }
            Some(Does::Answers(status, body)) => Ok(plain(status, &body)),
            Some(Does::Asks(status, after)) => Ok(Reply {
                retry_after: Some(after.to_owned()),
                ..plain(status, &json!({}))
            }),
            Some(Does::BooksInSilence) => {
                self.arrive(call, way);
                Err(NoReply::NotAnswered)
            }
            Some(Does::BooksAndFails) => {
                self.arrive(call, way);
                Ok(plain(500, &json!({})))
            }
            Some(Does::Breaks) => Err(NoReply::NotAnswered),
            Some(Does::Unreachable) => Err(NoReply::NotSent),
        }
    }
}
