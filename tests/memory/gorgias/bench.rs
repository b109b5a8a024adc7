//! A world whose destination is Gorgias' stand-in.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use ::operator::Operator;
use async_trait::async_trait;
use bridge_tests::standins::{Request, Vendor as _, gorgias::Gorgias};
use delivery::{NoReply, Wire};
use jiff::SignedDuration;
use platform::{Clock as _, memory::MemoryClock};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use vendors::{Call, Method, Outcome, Reply, Way, registry};

use crate::{
    fuse::Fused,
    operator::operator,
    world::{Does, RULE_QUEUE, World},
};

pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const BOB: &str = "bob@example.com";

pub(crate) const QUEUE: &str = RULE_QUEUE;

const AGENT: &str = "agent@example.com";
const ADMIN: &str = "admin@example.com";

/// A call as it was made: method, path with query, body.
pub(crate) type Made = (Method, String, Value);

/// The way to Gorgias' stand-in, which may be disturbed.
pub(crate) struct ToGorgias {
    gorgias: Mutex<Gorgias>,
    clock: Arc<MemoryClock>,
    calls: Mutex<Vec<Made>>,
    script: Mutex<VecDeque<(Method, &'static str, Does)>>,
    always: Mutex<Option<Does>>,
}

impl ToGorgias {
    pub(crate) fn new(clock: Arc<MemoryClock>) -> Self {
        let gorgias = Self {
            gorgias: Mutex::default(),
            clock,
            calls: Mutex::default(),
            script: Mutex::default(),
            always: Mutex::default(),
        };
        for (email, role) in [(ADMIN, "admin"), (AGENT, "agent")] {
            let key = json!({"email": email, "api_key": "example-key", "role": role});
            gorgias.order("/accounts", key);
        }
        gorgias
    }

    pub(crate) fn order(&self, path: &str, mut body: Value) {
        body["account"] = json!("example");
        let mut gorgias = self.gorgias.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(gorgias.order(path, &body, self.clock.now()), Some(Ok(())));
    }

    pub(crate) fn show(&self, path: &str) -> Value {
        let gorgias = self.gorgias.lock().unwrap_or_else(PoisonError::into_inner);
        gorgias.show(path, Some("example")).unwrap()
    }

    /// The calls since they were last asked for.
    pub(crate) fn calls(&self) -> Vec<Made> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    /// The calls since they were last asked for that write.
    pub(crate) fn writes(&self) -> Vec<Made> {
        let mut calls = self.calls();
        calls.retain(|(method, ..)| *method != Method::Get);
        calls
    }

    /// What becomes of the next call with this method whose path has this in it.
    pub(crate) fn will(&self, method: Method, part: &'static str, does: Does) {
        self.script.lock().unwrap().push_back((method, part, does));
    }

    /// What becomes of every call from now on.
    pub(crate) fn always(&self, does: Option<Does>) {
        *self.always.lock().unwrap() = does;
    }

    fn told(&self, call: &Call) -> Option<Does> {
        let mut script = self.script.lock().unwrap();
        let place = script
            .iter()
            .position(|(method, part, _)| *method == call.method && call.path.contains(part));
        let told = place.and_then(|place| script.remove(place));
        told.map(|(.., does)| does)
            .or_else(|| self.always.lock().unwrap().clone())
    }

    fn handle(&self, request: &Request) -> Reply {
        let mut gorgias = self.gorgias.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wrong = Vec::new();
        let answer = gorgias.handle(request, self.clock.now(), &mut wrong);
        assert!(wrong.is_empty(), "{wrong:?}");
        let mut headers = answer.headers.into_iter();
        let retry_after = headers.find(|(name, _)| name == "retry-after");
        Reply {
            status: answer.status,
            retry_after: retry_after.map(|(_, value)| value),
            date: None,
            body: answer.body.into_bytes(),
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

fn request(call: &Call, way: &Way<'_>) -> Request {
    let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
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
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: call.body.clone().unwrap_or_default().into_bytes(),
    }
}

#[async_trait]
impl Wire for ToGorgias {
    async fn send(&self, call: &Call, way: &Way<'_>) -> Result<Reply, NoReply> {
        assert_eq!(way.base, "https://example.gorgias.com");
        let body = call.body.as_deref().unwrap_or("null");
        let body = serde_json::from_str(body).unwrap();
        let made = (call.method, call.path.clone(), body);
        self.calls.lock().unwrap().push(made);
        let request = request(call, way);
        match self.told(call) {
            None | Some(Does::Books) => Ok(self.handle(&request)),
            Some(Does::Answers(status, body)) => Ok(reply(status, &body)),
            Some(Does::Asks(status, after)) => Ok(Reply {
                retry_after: Some(after.to_owned()),
                ..reply(status, &json!({}))
            }),
            Some(Does::BooksInSilence) => {
                self.handle(&request);
                Err(NoReply::NotAnswered)
            }
            Some(Does::BooksAndFails) => {
                self.handle(&request);
                Ok(reply(500, &json!({"error": {"msg": "Internal error"}})))
            }
            Some(Does::Breaks) => Err(NoReply::NotAnswered),
            Some(Does::Unreachable) => Err(NoReply::NotSent),
        }
    }
}

/// One stack whose store `example` uses Gorgias.
pub(crate) struct Bench {
    pub(crate) world: World,
    pub(crate) gorgias: Arc<ToGorgias>,
}

impl Bench {
    /// A store that pushes and has these settings beside.
    pub(crate) async fn with(mut settings: Value) -> Self {
        let mut world = World::new().await;
        let gorgias = Arc::new(ToGorgias::new(world.clock.clone()));
        world.pusher.destination = registry::destination("gorgias").unwrap();
        world.pusher.wire = Arc::new(Fused {
            fuse: world.fuse.clone(),
            inner: gorgias.clone(),
        });
        world.recorder.queues = [("gorgias".to_owned(), QUEUE.to_owned())].into();
        let bench = Self { world, gorgias };
        if settings.get("push").is_none() {
            settings["push"] = json!(true);
        }
        bench.put_settings(settings).await;
        bench.key(ADMIN, "example-key");
        bench.token("example-token");
        bench
    }

    pub(crate) async fn new() -> Self {
        Self::with(json!({})).await
    }

    /// Settings of the store, known everywhere from now on.
    pub(crate) async fn put_settings(&self, settings: Value) {
        let destinations = json!({"gorgias": settings});
        self.world.put_destinations("example", destinations).await;
        self.world.clock.advance(SignedDuration::from_mins(2));
    }

    fn key(&self, email: &str, key: &str) {
        let secret = json!({"v": 1, "account": "example", "email": email, "api_key": key});
        let secret = secret.to_string();
        self.world.secrets.set("bridge/example/gorgias", &secret);
    }

    /// The store's key is an agent's from now on.
    pub(crate) fn agents_key(&self) {
        self.key(AGENT, "example-key");
    }

    /// Nobody has the store's key.
    pub(crate) fn wrong_key(&self) {
        self.key(ADMIN, "another-key");
    }

    /// The store's key is right again.
    pub(crate) fn right_key(&self) {
        self.key(ADMIN, "example-key");
    }

    /// What Gorgias is to present.
    pub(crate) fn token(&self, token: &str) {
        let secret = json!({"v": 1, "current": token}).to_string();
        let name = "bridge/example/gorgias-lookup";
        self.world.secrets.set(name, &secret);
    }

    /// What somebody else does there with the admin's key.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let call = Call {
            method,
            path: path.to_owned(),
            body: body.map(|body| body.to_string()),
        };
        let secret = json!({"account": "example", "email": ADMIN, "api_key": "example-key"});
        let key = self.world.pusher.destination.key(&secret).unwrap();
        let way = key.way(&call, self.world.clock.now());
        let reply = self.gorgias.send(&call, &way).await.unwrap();
        self.gorgias.calls.lock().unwrap().pop();
        reply
    }

    /// A customer with these addresses, the first of them the primary one.
    pub(crate) fn customer(&self, id: u64, addresses: &[&str]) {
        let (first, others) = addresses.split_first().unwrap();
        let customer = json!({"id": id, "email": first, "addresses": others, "name": "Example"});
        let order = json!({"customer": customer});
        self.gorgias.order("/customers-put", order);
    }

    /// A customer's record, with what the interface does not show.
    pub(crate) fn record(&self, id: u64) -> Value {
        self.gorgias.show("/customers-state")[id.to_string()].clone()
    }

    /// What was written into a customer's data: the points.
    pub(crate) fn points(&self, id: u64) -> Option<i64> {
        self.record(id)["data"]["loyalty"]["points"]["available"].as_i64()
    }

    /// Yotpo tells that somebody has so many points now.
    pub(crate) async fn hear(&self, email: &str, points: i64) {
        self.hear_of(email, points, &format!("id of {email}")).await;
    }

    /// The same of somebody whom Yotpo knows by this id.
    pub(crate) async fn hear_of(&self, email: &str, points: i64, id: &str) {
        let seen = self.world.clock.now().to_string();
        let customer = json!({
            "email": email, "first_name": "Ada", "last_name": "Example",
            "points_balance": points, "last_seen_at": seen, "third_party_id": id,
        });
        let body = json!({
            "topic": "swell/customer/birthday/captured", "email": email,
            "birthday": "1990-04-01", "customer": customer,
        });
        self.world.record(&body).await.unwrap();
        self.world.clock.advance(SignedDuration::from_secs(1));
    }

    /// The same, pushed at once; what became of it.
    pub(crate) async fn push(&self, email: &str, points: i64) -> Outcome {
        self.hear(email, points).await;
        let outcomes = self.world.push().await;
        assert_eq!(outcomes.len(), 1, "{outcomes:?}");
        outcomes[0]
    }

    /// An operator whose way to Gorgias is the pusher's.
    pub(crate) fn operator(&self) -> Operator {
        let mut operator = operator(&self.world);
        operator.queues = [("gorgias".to_owned(), QUEUE.to_owned())].into();
        let wire: Arc<dyn Wire> = self.gorgias.clone();
        operator.wires.insert("gorgias".to_owned(), wire);
        operator
    }
}

/// A store `example-helpdesk` beside the others, whose customers are Gorgias'.
pub(crate) async fn with_a_helpdesk(world: &World, operator: &mut Operator) {
    let pushes = json!({"gorgias": {"push": true}});
    world.put_destinations("example-helpdesk", pushes).await;
    let secret = json!({"v": 1, "account": "example", "email": ADMIN, "api_key": "example-key"});
    let name = "bridge/example-helpdesk/gorgias";
    world.secrets.set(name, &secret.to_string());
    let queue = "queue/gorgias".to_owned();
    operator.queues.insert("gorgias".to_owned(), queue);
    let wire = ToGorgias::new(world.clock.clone());
    operator.wires.insert("gorgias".to_owned(), Arc::new(wire));
}
