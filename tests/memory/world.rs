//! The product's core on ports in memory, with a vendor that does what it is told.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use bridge_tests::picture::told;
use delivery::{List, NoReply, Pusher, Received, Tended, Wire};
use jiff::{SignedDuration, Timestamp};
use loyalty::{HashKey, StoreId};
use platform::{
    Clock, Deadline, Item, StoreError, Stores, Table as _, TableError,
    memory::{MemoryClock, MemoryQueue, MemorySecrets, MemoryTable},
};
use recording::{
    Delivered, Failure, Recorded, Recorder,
    erase::{Eraser, Progress},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use vendors::{Call, Envelope, Message, Method, Outcome, Reply, Store, Way, registry, rule::Rule};

use crate::{
    fuse::{Fuse, Fused},
    heard,
};

pub(crate) const RULE_QUEUE: &str = "queue/rule";

pub(crate) const READS_QUEUE: &str = "queue/reads";

/// The queue's own time, as template.yaml sets it.
const VISIBILITY: Duration = Duration::from_mins(6);

/// What the vendor does with its next request.
#[derive(Clone)]
pub(crate) enum Does {
    /// Books it.
    Books,
    /// Answers so and books nothing.
    Answers(u16, Value),
    /// Answers so, with a `Retry-After`, and books nothing.
    Asks(u16, &'static str),
    /// Books it, and then the connection breaks.
    BooksInSilence,
    /// Books it, and answers with an error.
    BooksAndFails,
    /// The connection breaks before anything arrives at the vendor's books.
    Breaks,
    /// There is no connection.
    Unreachable,
}

/// A vendor as Rule describes itself, as far as delivery looks at it: it keeps fields by address.
#[derive(Default)]
pub(crate) struct Vendor(Mutex<Books>);

#[derive(Default)]
struct Books {
    requests: Vec<(Method, String, Value)>,
    fields: HashMap<String, BTreeMap<String, String>>,
    /// The id of each address.
    ids: HashMap<String, i64>,
    script: VecDeque<Does>,
    /// What happens to every write that is not scripted.
    always: Option<Does>,
    /// What happens to every write with this store's key.
    stores: HashMap<String, Does>,
    /// Whose writes always fail.
    fails_for: Option<String>,
    /// Whom the vendor refuses.
    refuses: Option<String>,
    /// The markers of all automations that were really started.
    started: Vec<String>,
    /// Chooses faults where nothing is scripted.
    random: Option<Random>,
    faults: usize,
    /// How often a balance was written that is lower than the one before.
    backwards: usize,
}

/// Numbers that look random and are the same for the same seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to below `limit`.
    pub(crate) fn below(&mut self, limit: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % limit
    }
}

impl Books {
    /// What happens to a write that nobody scripted: one in ten goes wrong.
    fn fault(&mut self) -> Option<Does> {
        let random = self.random.as_mut()?;
        if random.below(10) != 0 {
            return None;
        }
        self.faults += 1;
        Some(match random.below(6) {
            0 => Does::BooksInSilence,
            1 => Does::BooksAndFails,
            2 => Does::Breaks,
            3 => Does::Asks(429, "20"),
            4 => Does::Asks(503, "5"),
            _ => Does::Unreachable,
        })
    }

    /// Whether a look goes wrong: one in twenty, where faults are chosen at random.
    fn look_fails(&mut self) -> bool {
        self.random
            .as_mut()
            .is_some_and(|random| random.below(20) == 0)
    }
}

impl Vendor {
    /// The bodies of all writes so far, refused ones too.
    pub(crate) fn writes(&self) -> Vec<Value> {
        let books = self.books();
        let writes = books
            .requests
            .iter()
            .filter(|(method, ..)| *method == Method::Post);
        writes.map(|(.., body)| body.clone()).collect()
    }

    pub(crate) fn looks(&self) -> usize {
        self.books()
            .requests
            .iter()
            .filter(|(method, ..)| *method == Method::Get)
            .count()
    }

    /// A field as the vendor has it now.
    pub(crate) fn field(&self, email: &str, key: &str) -> Option<String> {
        self.books().fields.get(email)?.get(key).cloned()
    }

    /// Whether the vendor knows a person with this address.
    pub(crate) fn knows(&self, email: &str) -> bool {
        self.books().fields.contains_key(email)
    }

    /// Everything that the vendor knows of this person and that is not empty.
    pub(crate) fn fields(&self, email: &str) -> BTreeMap<String, String> {
        let mut fields = self.books().fields.get(email).cloned().unwrap_or_default();
        fields.retain(|_, value| !value.is_empty());
        fields
    }

    /// How many requests of this method there were so far.
    pub(crate) fn count(&self, method: Method) -> usize {
        let books = self.books();
        let own = books.requests.iter().filter(|(own, ..)| *own == method);
        own.count()
    }

    pub(crate) fn set_field(&self, email: &str, key: &str, value: &str) {
        let mut books = self.books();
        books
            .fields
            .entry(email.to_owned())
            .or_default()
            .insert(key.to_owned(), value.to_owned());
    }

    /// The markers of all automations that were really started, in order.
    pub(crate) fn started(&self) -> Vec<String> {
        self.books().started.clone()
    }

    /// Makes one write in ten go wrong, and one look in twenty.
    pub(crate) fn misbehave(&self, random: Random) {
        self.books().random = Some(random);
    }

    /// How many faults were chosen at random.
    pub(crate) fn faults(&self) -> usize {
        self.books().faults
    }

    /// How often a balance was written that is lower than the one before.
    pub(crate) fn backwards(&self) -> usize {
        self.books().backwards
    }

    /// Every write about this person fails.
    pub(crate) fn fails_for(&self, email: &str) {
        self.books().fails_for = Some(email.to_owned());
    }

    /// Whom the vendor refuses from now on.
    pub(crate) fn refuses(&self, email: Option<&str>) {
        self.books().refuses = email.map(ToOwned::to_owned);
    }

    /// What happens to every write from now on that is not scripted.
    pub(crate) fn always(&self, does: Option<Does>) {
        self.books().always = does;
    }

    /// What happens to every write with this store's own key.
    pub(crate) fn answers_to(&self, store: &str, does: Does) {
        self.books()
            .stores
            .insert(format!("Bearer {store}-key"), does);
    }

    pub(crate) fn will(&self, does: Does) {
        self.books().script.push_back(does);
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap()
    }
}

#[async_trait]
impl Wire for Vendor {
    async fn send(&self, call: &Call, way: &Way<'_>) -> Result<Reply, NoReply> {
        let mut books = self.books();
        let body: Value = call
            .body
            .as_deref()
            .map_or(Value::Null, |body| serde_json::from_str(body).unwrap());
        books
            .requests
            .push((call.method, call.path.clone(), body.clone()));
        if call.method == Method::Get {
            return if books.look_fails() {
                Err(NoReply::NotAnswered)
            } else {
                Ok(look(&books, &call.path))
            };
        }
        let key = way.headers[0].value.expose_secret();
        let fails = books.fails_for.as_deref() == body["subscribers"]["email"].as_str();
        let fails = fails && books.fails_for.is_some();
        let told = books.stores.get(key).cloned();
        let told = told.or_else(|| fails.then(|| Does::Answers(500, json!({}))));
        let told = told.or_else(|| books.script.pop_front());
        let does = told.or_else(|| books.always.clone());
        match does.or_else(|| books.fault()) {
            None | Some(Does::Books) => Ok(book(&mut books, call, &body)),
            Some(Does::Answers(status, body)) => Ok(reply(status, &body)),
            Some(Does::Asks(status, after)) => Ok(Reply {
                retry_after: Some(after.to_owned()),
                ..reply(status, &json!({}))
            }),
            Some(Does::BooksInSilence) => {
                book(&mut books, call, &body);
                Err(NoReply::NotAnswered)
            }
            Some(Does::BooksAndFails) => {
                book(&mut books, call, &body);
                Ok(reply(500, &json!({"error": "UnexpectedError"})))
            }
            Some(Does::Breaks) => Err(NoReply::NotAnswered),
            Some(Does::Unreachable) => Err(NoReply::NotSent),
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

fn book(books: &mut Books, call: &Call, body: &Value) -> Reply {
    match call.method {
        Method::Put => rename(books, &call.path, body),
        Method::Delete => {
            let known = books.fields.remove(&address(&call.path));
            books.ids.remove(&address(&call.path));
            known.map_or_else(unknown, |_| reply(200, &json!({"message": "Success"})))
        }
        Method::Get | Method::Post | Method::Patch => write(books, body),
    }
}

fn unknown() -> Reply {
    reply(404, &json!({"error": "SubscriberNotFound"}))
}

/// The address in a path.
fn address(path: &str) -> String {
    let email = path.split(['/', '?']).nth(4).unwrap_or_default();
    email
        .replace("%40", "@")
        .replace("%2E", ".")
        .replace("%2D", "-")
}

/// Gives the person with the id in the path another address, unless someone has it.
fn rename(books: &mut Books, path: &str, body: &Value) -> Reply {
    let id: i64 = address(path).parse().unwrap();
    let to = body["email"].as_str().unwrap().to_owned();
    let from = books.ids.iter().find(|(_, own)| **own == id);
    let Some(from) = from.map(|(from, _)| from.clone()) else {
        return unknown();
    };
    if from != to && books.fields.contains_key(&to) {
        return reply(409, &json!({"error": "DuplicateSubscriber"}));
    }
    let fields = books.fields.remove(&from).unwrap();
    books.ids.remove(&from);
    books.fields.insert(to.clone(), fields);
    books.ids.insert(to, id);
    reply(
        200,
        &json!({"message": "Success", "subscriber": {"id": id}}),
    )
}

/// One subscriber, or an array of them: with twenty or more no automation starts. One who is refused refuses all.
fn write(books: &mut Books, body: &Value) -> Reply {
    let many = body["subscribers"].as_array();
    let subscribers = many.map_or(vec![&body["subscribers"]], |many| many.iter().collect());
    let refused = |one: &&Value| one["email"].as_str() == books.refuses.as_deref();
    if books.refuses.is_some() && subscribers.iter().any(refused) {
        return reply(
            400,
            &json!({"error": "BadRequest", "fields": {"email": ["The email must be valid."]}}),
        );
    }
    assert!(subscribers.len() < 20, "automations would not start");
    let shown: Vec<Value> = subscribers
        .into_iter()
        .map(|one| json!({"id": write_one(books, body, one), "email": one["email"]}))
        .collect();
    let shown = match many {
        Some(_) => json!({"message": "Success", "subscribers": shown, "suppressed": []}),
        None => json!({"message": "Success", "subscriber": shown[0]}),
    };
    reply(200, &shown)
}

fn write_one(books: &mut Books, body: &Value, subscriber: &Value) -> i64 {
    let email = subscriber["email"].as_str().unwrap().to_owned();
    let next = 81_230 + i64::try_from(books.ids.len()).unwrap();
    let id = *books.ids.entry(email.clone()).or_insert(next);
    let person = books.fields.entry(email).or_default();
    for field in subscriber["fields"].as_array().unwrap() {
        let text = |key: &str| field[key].as_str().unwrap().to_owned();
        let before = person.insert(text("key"), text("value"));
        let number = |text: &str| text.parse::<i64>().unwrap_or_default();
        // What is emptied is erased, not older.
        let lower = !text("value").is_empty()
            && before.is_some_and(|before| number(&before) > number(&text("value")));
        books.backwards += usize::from(lower && text("key") == "Yotpo.PointsBalance");
    }
    if body["automation"] != false {
        books.started.push(person["Bridge.LastEvent"].clone());
    }
    id
}

fn look(books: &Books, path: &str) -> Reply {
    let Some(fields) = books.fields.get(&address(path)) else {
        return unknown();
    };
    let group = |name: &str| {
        let own = fields.iter().filter_map(|(key, value)| {
            let (group, field) = key.split_once('.')?;
            (group == name).then(|| json!({"name": field, "value": value}))
        });
        json!({"name": name, "historical": false, "fields": own.collect::<Vec<_>>()})
    };
    reply(
        200,
        &json!({"groups": [group("Subscriber"), group("Yotpo"), group("Bridge")]}),
    )
}

/// One stack.
pub(crate) struct World {
    pub(crate) fuse: Arc<Fuse>,
    pub(crate) table: Arc<MemoryTable>,
    pub(crate) queue: Arc<MemoryQueue>,
    pub(crate) secrets: Arc<MemorySecrets>,
    pub(crate) clock: Arc<MemoryClock>,
    pub(crate) vendor: Arc<Vendor>,
    pub(crate) recorder: Recorder,
    pub(crate) pusher: Pusher,
    /// What waits to be pushed, by when it is due and by number.
    waiting: Mutex<BTreeMap<(Timestamp, usize), String>>,
    numbers: AtomicUsize,
    /// How often the queue says that it has handed a message out.
    pub(crate) receives: AtomicU32,
    /// How many messages a batch has at most.
    pub(crate) batch: AtomicUsize,
}

impl World {
    /// A stack with a store `example` whose Rule settings are these.
    pub(crate) async fn with(rule: Value) -> Self {
        heard::write_down();
        let clock = Arc::new(MemoryClock::at("2026-03-20T12:00:00Z".parse().unwrap()));
        let table = Arc::new(MemoryTable::default());
        let queue = Arc::new(MemoryQueue::default());
        let secrets = Arc::new(MemorySecrets::default());
        let vendor = Arc::new(Vendor::default());
        secrets.set("bridge/example/rule", r#"{"v":1,"api_key":"example-key"}"#);
        let fuse = Arc::new(Fuse::default());
        let fused_table = Arc::new(Fused {
            fuse: fuse.clone(),
            inner: table.clone(),
        });
        let fused_queue = Arc::new(Fused {
            fuse: fuse.clone(),
            inner: queue.clone(),
        });
        let recorder = Recorder {
            table: fused_table.clone(),
            queue: fused_queue.clone(),
            clock: clock.clone(),
            stores: Stores::new(table.clone(), clock.clone()),
            hash_key: HashKey::new("example-hash-key"),
            queues: [("rule".to_owned(), RULE_QUEUE.to_owned())].into(),
            reads: READS_QUEUE.to_owned(),
            seen: recording::Seen::default(),
            source: registry::source,
        };
        let wire = Arc::new(Fused {
            fuse: fuse.clone(),
            inner: vendor.clone(),
        });
        let pusher = Pusher::new(
            &Rule,
            (fused_table, fused_queue),
            (secrets.clone(), "bridge".to_owned()),
            clock.clone(),
            wire,
            RULE_QUEUE.to_owned(),
        );
        let world = Self {
            fuse,
            table,
            queue,
            secrets,
            clock,
            vendor,
            recorder,
            pusher,
            waiting: Mutex::default(),
            numbers: AtomicUsize::default(),
            receives: AtomicU32::default(),
            batch: AtomicUsize::new(10),
        };
        world.put_store("example", rule).await;
        world
    }

    /// What erases people, on this world's ports.
    pub(crate) fn eraser(&self) -> Eraser {
        Eraser {
            table: self.recorder.table.clone(),
            queue: self.recorder.queue.clone(),
            clock: self.clock.clone(),
            hash_key: self.recorder.hash_key.clone(),
            queues: self.recorder.queues.clone(),
        }
    }

    /// A run of upkeep over a store's erasures, with time enough.
    pub(crate) async fn sweep(&self, store: &Store) -> Result<Vec<Progress>, TableError> {
        let until = Deadline::after(SignedDuration::from_mins(1), &*self.clock);
        self.eraser().sweep(store, until).await
    }

    /// The settings of a store.
    pub(crate) async fn store(&self, id: &str) -> Arc<Store> {
        let id = StoreId::parse(id).unwrap();
        self.recorder.stores.get(&id).await.unwrap()
    }

    pub(crate) async fn new() -> Self {
        Self::with(json!({})).await
    }

    pub(crate) async fn put_store(&self, id: &str, rule: Value) {
        self.put_destinations(id, json!({"rule": rule})).await;
    }

    /// The settings of a store with these destinations.
    pub(crate) async fn put_destinations(&self, id: &str, destinations: Value) {
        let document = json!({
            "v": 1, "store": id, "name": "Example Outdoor", "currency": "NOK", "locale": "nb-NO",
            "time_zone": "Europe/Oslo", "sources": {"yotpo": {}}, "destinations": destinations,
        });
        assert!(vendors::Store::read(document.clone()).is_ok());
        self.recorder
            .stores
            .put(&StoreId::parse(id).unwrap(), &document)
            .await
            .unwrap();
        self.secrets.set(
            &format!("bridge/{id}/rule"),
            &json!({"v": 1, "api_key": format!("{id}-key")}).to_string(),
        );
    }

    /// A delivery that arrives now.
    pub(crate) fn delivery(&self, store: &str, body: &[u8]) -> Delivered {
        let store = StoreId::parse(store).unwrap();
        let envelope = Envelope::seal(
            store,
            "yotpo",
            self.clock.now(),
            platform::nonce(),
            None,
            body,
        )
        .unwrap();
        Delivered {
            body: serde_json::to_string(&envelope).unwrap(),
        }
    }

    /// One body arrives now, and is recorded.
    pub(crate) async fn record(&self, body: &Value) -> Result<Recorded, Failure> {
        let delivery = self.delivery("example", body.to_string().as_bytes());
        // Two deliveries never arrive in the same microsecond.
        self.clock.advance(SignedDuration::from_millis(1));
        self.recorder.record(vec![delivery]).await.remove(0)
    }

    /// Pushes what is due on the destination's queue, in one batch; gives the outcomes.
    pub(crate) async fn push(&self) -> Vec<Outcome> {
        self.push_counted().await.0
    }

    /// As [`World::push`]; tells whether the program stopped on the way. Then nobody hears the outcomes, and the whole
    /// batch comes back when the queue's own time is over.
    pub(crate) async fn push_counted(&self) -> (Vec<Outcome>, bool) {
        let now = self.clock.now();
        for body in self.queue.take(RULE_QUEUE) {
            self.wait_until(now, body);
        }
        let due = self.take_due(now);
        let received: Vec<Received> = due
            .iter()
            .map(|body| Received {
                receipt: "r".to_owned(),
                body: body.clone(),
                receives: self.receives.load(SeqCst).max(1),
            })
            .collect();
        let deadline = Deadline::after(SignedDuration::from_secs(60), &*self.clock);
        let outcomes = self.pusher.push(&received, deadline).await;
        let crashed = self.fuse.mend();
        for (body, outcome) in due.into_iter().zip(&outcomes) {
            let wait = if crashed {
                Some(VISIBILITY)
            } else {
                outcome.wait()
            };
            if let Some(wait) = wait {
                let wait = SignedDuration::try_from(wait).unwrap();
                self.wait_until(now.checked_add(wait).unwrap(), body);
            }
        }
        (outcomes, crashed)
    }

    fn wait_until(&self, at: Timestamp, body: String) {
        let number = self.numbers.fetch_add(1, SeqCst);
        self.waiting.lock().unwrap().insert((at, number), body);
    }

    /// The next messages that are due, as many as a batch has.
    fn take_due(&self, now: Timestamp) -> Vec<String> {
        let mut waiting = self.waiting.lock().unwrap();
        let mut due = Vec::new();
        while due.len() < self.batch.load(SeqCst)
            && let Some(first) = waiting.first_entry().filter(|first| first.key().0 <= now)
        {
            due.push(first.remove());
        }
        due
    }

    /// Whether anything waits to be pushed.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.lock().unwrap().is_empty()
    }

    /// Now, µs since 1970.
    pub(crate) fn now_micros(&self) -> i64 {
        self.clock.now().as_microsecond()
    }

    /// Moves the clock to the next message that is due.
    pub(crate) fn wait_for_next(&self) {
        if let Some(next) = self.next_due() {
            let wait = next
                .duration_since(self.clock.now())
                .max(SignedDuration::ZERO);
            self.clock.advance(wait);
        }
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.waiting
            .lock()
            .unwrap()
            .keys()
            .next()
            .map(|(at, _)| *at)
    }

    /// The instant this many seconds after the world's beginning, as Yotpo writes it.
    pub(crate) fn clock_text(&self, seconds: i64) -> String {
        let at = self
            .clock
            .now()
            .checked_sub(SignedDuration::from_hours(24))
            .unwrap();
        (at + SignedDuration::from_secs(seconds)).to_string()
    }

    /// Takes away what waits, as if the queue kept it longer; [`World::bring_back`] returns it.
    pub(crate) fn hold(&self) -> Vec<String> {
        std::mem::take(&mut *self.waiting.lock().unwrap())
            .into_values()
            .collect()
    }

    pub(crate) fn bring_back(&self, held: Vec<String>) {
        for body in held {
            self.wait_until(self.clock.now(), body);
        }
    }

    /// Messages that wait, read.
    pub(crate) fn waiting(&self) -> Vec<Message> {
        let waiting = self.waiting.lock().unwrap();
        waiting
            .values()
            .map(|body| serde_json::from_str(body).unwrap())
            .collect()
    }

    /// What upkeep does every five minutes, for these stores of one account.
    pub(crate) async fn tend(&self, stores: &[&str]) -> Tended {
        self.try_tend(stores).await.unwrap()
    }

    /// As [`World::tend`], where a crash may come in between.
    pub(crate) async fn try_tend(&self, stores: &[&str]) -> Result<Tended, TableError> {
        let mut settings = Vec::new();
        for store in stores {
            let store = StoreId::parse(store).unwrap();
            match self.pusher.stores.get(&store).await {
                Ok(store) => settings.push(store),
                Err(StoreError::Table(error)) => return Err(error),
                Err(error) => panic!("{error}"),
            }
        }
        let deadline = Deadline::after(SignedDuration::from_secs(290), &*self.clock);
        self.pusher.tend(&settings, deadline).await
    }

    /// Moves the clock until nothing waits on the queue any more.
    pub(crate) async fn settle_queue(&self) {
        for _ in 0..50 {
            let Some(next) = self.next_due() else {
                return;
            };
            let wait = next.duration_since(self.clock.now());
            self.clock
                .advance(wait.max(SignedDuration::ZERO) + SignedDuration::from_millis(1));
            self.push().await;
        }
        panic!("messages still wait after fifty rounds");
    }

    /// The parked messages of a store, oldest first.
    pub(crate) async fn parked(&self, store: &str) -> Vec<Value> {
        let store = StoreId::parse(store).unwrap();
        let list = List::Parked.of(&store, self.pusher.destination.name());
        let listed = self.table.work(&list, "", "~", 1_000).await.unwrap();
        let mut rows = Vec::new();
        for listed in listed {
            rows.push(as_json(
                self.table.get(&listed.key, true).await.unwrap().unwrap(),
            ));
        }
        rows
    }

    /// Moves the clock until nothing waits any more, neither on the queue nor in the table, with upkeep every five
    /// minutes; gives every outcome on the way.
    pub(crate) async fn settle(&self) -> Vec<Outcome> {
        let mut outcomes = self.push().await;
        for _ in 0..80 {
            let parked = !self.parked("example").await.is_empty();
            let run = self.clock.now() + SignedDuration::from_mins(5);
            let next = match self.next_due() {
                None if !parked => return outcomes,
                Some(next) if !parked || next < run => next,
                _ => {
                    self.clock.advance(SignedDuration::from_mins(5));
                    self.tend(&["example"]).await;
                    continue;
                }
            };
            let wait = next
                .duration_since(self.clock.now())
                .max(SignedDuration::ZERO);
            self.clock.advance(wait + SignedDuration::from_millis(1));
            outcomes.extend(self.push().await);
        }
        panic!("messages still wait after eighty rounds: {outcomes:?}");
    }

    pub(crate) fn rows(&self, email: &str) -> Vec<Value> {
        self.partition(&format!("MEMBER#example#{email}"))
    }

    pub(crate) fn partition(&self, pk: &str) -> Vec<Value> {
        self.table.partition(pk).into_iter().map(as_json).collect()
    }

    /// The one row of a member whose sort key begins so.
    pub(crate) fn row(&self, email: &str, sk: &str) -> Value {
        let mut rows = self.rows(email);
        rows.retain(|row| row["sk"].as_str().unwrap().starts_with(sk));
        assert_eq!(rows.len(), 1, "rows {sk}");
        rows.remove(0)
    }

    /// A key of a member's picture; null while unknown.
    pub(crate) fn key(&self, email: &str, key: &str) -> Value {
        told(&self.row(email, "STATE"), key)
    }
}

/// A row as JSON; binary values become lists of bytes.
pub(crate) fn as_json(item: Item) -> Value {
    let plain = |value: platform::Value| match value {
        platform::Value::B(bytes) => json!(bytes),
        value => serde_dynamo::from_attribute_value(value).unwrap(),
    };
    let attributes = std::collections::HashMap::<String, platform::Value>::from(item);
    attributes
        .into_iter()
        .map(|(name, value)| (name, plain(value)))
        .collect()
}

/// The body of one of the files in `events/yotpo`.
pub(crate) fn body(file: &str) -> Value {
    serde_json::from_slice(&bytes(file)).unwrap()
}

pub(crate) fn bytes(file: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    std::fs::read(format!("{root}/events/yotpo/{file}")).unwrap()
}

/// A field of a written request.
pub(crate) fn value<'a>(write: &'a Value, key: &str) -> Option<&'a str> {
    let fields = write["subscribers"]["fields"].as_array().unwrap();
    fields
        .iter()
        .find(|field| field["key"] == key)
        .and_then(|field| field["value"].as_str())
}
