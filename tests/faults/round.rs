//! One event and its neighbour through one fault, and on until nothing waits.

use std::{sync::Arc, time::Duration};

use bridge_tests::rough::{Does, Server, answer};
use delivery::{Http, LIMITS, Limits, NoReply, Received, Wire};
use jiff::SignedDuration;
use loyalty::StoreId;
use platform::{Deadline, SecretCache};
use serde_json::{Value, json};
use vendors::{Call, Message, Outcome, Reply};

use crate::{
    faults::{Fault, Ours, Way},
    subject::{Brought, Example, Subject},
    vendor::{Order, Vendor, What},
    world::{RULE_QUEUE, World, body},
};

/// Silence is waited out for real, so the client's patience is short; a machine at work still answers within it.
const PATIENCE: Duration = Duration::from_millis(700);

/// What came of a fault.
#[derive(Default)]
pub(crate) struct Seen {
    /// The requests of the person at the first try.
    pub(crate) saw: String,
    /// The outcome of the first try.
    pub(crate) outcome: String,
    /// Where the event stands in the table then.
    pub(crate) stands: String,
    /// Where it stands once the fault is gone and nothing waits.
    pub(crate) ends: String,
    /// What a person sees of the first try.
    pub(crate) shown: String,
    /// What must never be, and is.
    pub(crate) wrong: Vec<String>,
}

/// Puts the subject's person and neighbour, in one batch, through one fault.
pub(crate) async fn run(subject: &Subject, fault: &Fault) -> Seen {
    let mut stage = Stage::set(subject).await;
    stage.break_it(fault).await;
    let mut seen = stage.first_try(fault).await;
    stage.mend();
    stage.world.settle().await;
    stage.end(&mut seen);
    if !stage.elsewhere.is_empty() {
        seen.wrong.push("the redirect was followed".to_owned());
    }
    seen
}

struct Stage<'a> {
    subject: &'a Subject,
    world: World,
    vendor: Vendor,
    /// When the events came, µs since 1970.
    begun: i64,
    /// Where redirects lead, and what arrived there.
    elsewhere: Elsewhere,
    wire: Arc<Http>,
}

/// A host that must never be called.
struct Elsewhere {
    server: Server,
    calls: Arc<std::sync::atomic::AtomicUsize>,
}

impl Elsewhere {
    async fn start() -> Self {
        let calls = Arc::new(std::sync::atomic::AtomicUsize::default());
        let own = calls.clone();
        let server = Server::start(move |_| {
            own.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Does::Answers(answer(200, &[], "{}"))
        });
        Self {
            server: server.await.unwrap(),
            calls,
        }
    }

    fn is_empty(&self) -> bool {
        self.calls.load(std::sync::atomic::Ordering::SeqCst) == 0
    }
}

/// The way to a host whose name nobody knows.
struct Nowhere(Arc<Http>);

#[async_trait::async_trait]
impl Wire for Nowhere {
    async fn send(&self, call: &Call, way: &vendors::Way<'_>) -> Result<Reply, NoReply> {
        let base = "https://vendor.invalid";
        self.0
            .send(
                call,
                &vendors::Way {
                    base,
                    ..way.clone()
                },
            )
            .await
    }
}

fn limits(total: Duration) -> Limits {
    Limits {
        body: delivery::LIMITS.body,
        connect: total,
        total,
    }
}

impl<'a> Stage<'a> {
    async fn set(subject: &'a Subject) -> Self {
        let mut world = World::new().await;
        let name = subject.destination.name();
        let vendor = Vendor::start(subject).await;
        let wire = Http::within(LIMITS, Some(vendor.url()));
        let wire = Arc::new(wire.unwrap());
        world.pusher.destination = subject.destination;
        world.pusher.wire = wire.clone();
        world.recorder.queues = [(name.to_owned(), RULE_QUEUE.to_owned())].into();
        let store = StoreId::parse("example").unwrap();
        let document = (subject.store)();
        world.recorder.stores.put(&store, &document).await.unwrap();
        world
            .secrets
            .set(&secret(subject), subject.credentials[0].secret);
        let people = [&subject.person, &subject.neighbour];
        if subject.brought == Brought::Pictures {
            for example in people {
                world.record(&earlier(body(example.file))).await.unwrap();
            }
            world.settle().await;
            vendor.forget();
            world.clock.advance(SignedDuration::from_secs(1));
        }
        let begun = world.now_micros();
        for example in people {
            world.record(&body(example.file)).await.unwrap();
        }
        // What is remembered for minutes is not what is tested here.
        world.pusher.stores.get(&store).await.unwrap();
        Self {
            subject,
            world,
            vendor,
            begun,
            elsewhere: Elsewhere::start().await,
            wire,
        }
    }

    async fn break_it(&mut self, fault: &Fault) {
        let at = |stand_in| Arc::new(Http::within(limits(PATIENCE), stand_in).unwrap());
        match fault {
            Fault::Vendor(orders) => {
                let patient = !orders.iter().any(Order::is_endless);
                if !patient {
                    self.world.pusher.wire = at(Some(self.vendor.url()));
                }
                self.vendor.will(orders.iter().cloned());
            }
            Fault::Redirects(status) => {
                let target = format!("{}/stolen", self.elsewhere.server.url);
                let bytes = answer(*status, &[("location", &target)], "");
                self.vendor.will([Order::refuses(Does::Answers(bytes))]);
            }
            Fault::Way(Way::Refused) => {
                let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
                let port = free.local_addr().unwrap().port();
                drop(free);
                let nobody = format!("http://127.0.0.1:{port}");
                self.world.pusher.wire = at(Some(&nobody));
            }
            Fault::Way(Way::UnknownName) => {
                self.world.pusher.wire = Arc::new(Nowhere(at(None)));
            }
            Fault::Way(Way::NoTls) => {
                let plain = self.vendor.url().replace("http://", "https://");
                self.world.pusher.wire = at(Some(&plain));
            }
            Fault::Ours(ours) => self.break_ours(ours).await,
        }
    }

    async fn break_ours(&mut self, ours: &Ours) {
        let name = secret(self.subject);
        let remember = async |world: &World| drop(world.pusher.secrets.get(&name).await.unwrap());
        match ours {
            Ours::LedgerAfterBooking => {
                let table = self.world.table.clone();
                self.vendor.on_booking(move || table.down(true));
            }
            Ours::Deadline => {}
            Ours::Rotated => {
                remember(&self.world).await;
                self.vendor.refuse(self.subject.credentials[0].mark);
                self.world
                    .secrets
                    .set(&name, self.subject.credentials[1].secret);
            }
            Ours::SecretsDown => {
                remember(&self.world).await;
                self.world.clock.advance(SignedDuration::from_mins(10));
                self.world.secrets.down(true);
            }
            Ours::SecretsNeverRead => {
                let world = &mut self.world;
                world.pusher.secrets = SecretCache::new(world.secrets.clone(), world.clock.clone());
                world.secrets.down(true);
            }
            Ours::Throttled => self.world.table.down(true),
        }
    }

    async fn first_try(&mut self, fault: &Fault) -> Seen {
        let bodies = self.world.queue.take(RULE_QUEUE);
        let received: Vec<Received> = bodies
            .iter()
            .map(|body| Received {
                receipt: "r".to_owned(),
                body: body.clone(),
                receives: 1,
            })
            .collect();
        let seconds = match fault {
            Fault::Ours(Ours::Deadline) => 1,
            _ => 60,
        };
        let deadline = Deadline::after(SignedDuration::from_secs(seconds), &*self.world.clock);
        let outcomes = self.world.pusher.push(&received, deadline).await;
        let is_of = |body: &String, example: &Example| {
            let message: Message = serde_json::from_str(body).unwrap();
            message.member.expose() == example.email
        };
        let of = |example: &Example| {
            let place = bodies.iter().position(|body| is_of(body, example)).unwrap();
            outcomes[place]
        };
        let outcome = of(&self.subject.person);
        let mut wrong = Vec::new();
        let neighbour = of(&self.subject.neighbour);
        if !fault.is_everybodys() && neighbour != Outcome::Sent {
            wrong.push(format!("the neighbour's outcome is {}", told(neighbour)));
        }
        let delivery = self.delivery(&self.subject.person);
        let seen = Seen {
            saw: requests(&self.vendor.seen(self.subject.person.email)),
            outcome: told(outcome),
            stands: if self.is_parked(&self.subject.person) {
                "parked".to_owned()
            } else {
                self.stands(&self.subject.person)
            },
            ends: String::new(),
            shown: shown(outcome, &delivery),
            wrong,
        };
        // What waits comes back when its time is over.
        let waiting = bodies.into_iter().zip(&outcomes);
        let waiting = waiting.filter(|(_, outcome)| outcome.wait().is_some());
        let waiting: Vec<String> = waiting.map(|(body, _)| body).collect();
        let longest = outcomes.iter().filter_map(|outcome| outcome.wait()).max();
        let longest = SignedDuration::try_from(longest.unwrap_or_default()).unwrap();
        self.world.clock.advance(longest);
        self.world.bring_back(waiting);
        seen
    }

    fn mend(&mut self) {
        self.world.pusher.wire = self.wire.clone();
        self.world.table.down(false);
        self.world.secrets.down(false);
    }

    /// What must be true of every fault.
    fn end(&self, seen: &mut Seen) {
        for example in [&self.subject.person, &self.subject.neighbour] {
            let ends = self.stands(example);
            let requests = self.vendor.seen(example.email);
            let mut wrong = |what: &str| seen.wrong.push(format!("{}: {what}", example.email));
            let booked = booked(&requests, self.subject.brought);
            if self.is_parked(example) {
                wrong("it is still parked");
            }
            if ends == "sent" && booked == 0 {
                wrong("it stands as sent, and nothing was booked");
            }
            if ends == "rejected" && booked != 0 {
                wrong("it stands as rejected, and was booked");
            }
            match self.subject.brought {
                Brought::Events => {
                    if booked > 1 {
                        wrong("it started more than once");
                    }
                    let listed = self.delivery(example)["wp"].is_string();
                    if ends != "sent" && !listed {
                        wrong("it is neither sent nor listed for a person");
                    }
                    if sent_blindly(&requests) {
                        wrong("it was sent again without a look");
                    }
                }
                Brought::Pictures => {
                    let told = self.sync(example)["refused"].is_string();
                    if ends != "sent" && !told {
                        wrong("it is neither sent nor told in the member's story");
                    }
                }
            }
            if example.email == self.subject.person.email {
                seen.ends = match self.subject.brought {
                    Brought::Events => format!("{ends}, started {booked}"),
                    Brought::Pictures if booked > 1 => format!("{ends}, written {booked} times"),
                    Brought::Pictures => ends,
                };
            } else if ends != "sent" {
                seen.wrong
                    .push(format!("the neighbour's event ends as {ends}"));
            }
        }
        if self.world.is_waiting() {
            seen.wrong.push("something still waits".to_owned());
        }
    }

    /// The event's row in the book of deliveries.
    fn delivery(&self, example: &Example) -> Value {
        let rows = self.world.rows(example.email).into_iter();
        let mut own = rows.filter(|row| row["sk"].as_str().unwrap().starts_with("DELIVERY#"));
        own.next().unwrap_or_else(|| json!({}))
    }

    /// What is known of the person's picture at the vendor.
    fn sync(&self, example: &Example) -> Value {
        let name = self.subject.destination.name();
        self.world.row(example.email, &format!("SYNC#{name}"))
    }

    /// How far the person's event, or the picture that it changed, has come.
    fn stands(&self, example: &Example) -> String {
        if self.subject.brought == Brought::Events {
            return stands(&self.delivery(example));
        }
        let sync = self.sync(example);
        let written = sync["written"].as_i64().unwrap_or_default();
        let begun = sync["intent"]
            .as_array()
            .is_some_and(|intent| !intent.is_empty());
        let stands = if sync["refused"].is_string() {
            "rejected"
        } else if begun {
            "claimed"
        } else if written >= self.begun {
            "sent"
        } else {
            "in the queue"
        };
        stands.to_owned()
    }

    fn is_parked(&self, example: &Example) -> bool {
        let mut rows = self.world.rows(example.email).into_iter();
        rows.any(|row| row["sk"].as_str().unwrap().starts_with("PARKED#"))
    }
}

fn secret(subject: &Subject) -> String {
    format!("bridge/example/{}", subject.destination.name())
}

/// News of the same person from some days before.
fn earlier(mut body: Value) -> Value {
    for part in ["redemption", "perk"] {
        if body[part].is_object() {
            body[part]["id"] = json!(1);
            body[part]["created_at"] = json!("2026-03-01T10:20:30.412Z");
        }
    }
    body["customer"]["last_seen_at"] = json!("2026-03-01T10:19:00.999Z");
    body["customer"]["points_balance"] = json!(1);
    body
}

/// How often something was started; of pictures, how often one was written.
fn booked(requests: &[What], brought: Brought) -> usize {
    let booked = |what: &&What| match what {
        What::Loud { booked, .. } => *booked,
        What::Quiet { booked } => *booked && brought == Brought::Pictures,
        What::Look => false,
    };
    requests.iter().filter(booked).count()
}

/// Whether something that had been booked was sent once more before anybody looked.
fn sent_blindly(requests: &[What]) -> bool {
    let mut booked_unseen = false;
    for what in requests {
        match what {
            What::Loud { .. } if booked_unseen => return true,
            What::Loud { booked, .. } => booked_unseen = *booked,
            What::Look => booked_unseen = false,
            What::Quiet { .. } => {}
        }
    }
    false
}

fn requests(all: &[What]) -> String {
    let count = |what: &str, number: usize| match number {
        0 => None,
        1 => Some(format!("1 {what}")),
        more => Some(format!("{more} {what}s")),
    };
    let loud = |what: &&What| matches!(what, What::Loud { .. });
    let parts = [
        count("event", all.iter().filter(loud).count()),
        count(
            "picture",
            all.iter()
                .filter(|what| matches!(what, What::Quiet { .. }))
                .count(),
        ),
        count(
            "look",
            all.iter().filter(|what| **what == What::Look).count(),
        ),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "nothing".to_owned()
    } else {
        parts.join(", ")
    }
}

fn told(outcome: Outcome) -> String {
    let mut text = outcome.name().to_owned();
    if let Some(reason) = outcome
        .reason()
        .map(vendors::Reason::code)
        .filter(|code| *code != text)
    {
        text = format!("{text}: {reason}");
    }
    // Jitter changes short waits of our own, and none that somebody asks for.
    let wait = match outcome {
        Outcome::Throttled { after } | Outcome::Retry { after, .. } => after,
        _ => Duration::ZERO,
    };
    if wait < Duration::from_secs(30) {
        return text;
    }
    format!("{text}, {} s", wait.as_secs())
}

fn stands(delivery: &Value) -> String {
    delivery["status"]
        .as_str()
        .unwrap_or("in the queue")
        .to_owned()
}

fn shown(outcome: Outcome, delivery: &Value) -> String {
    let list = delivery["wp"]
        .as_str()
        .and_then(|list| list.split('#').next());
    match (outcome, list) {
        (_, Some(list)) => format!("alarm, list {list}"),
        (Outcome::Parked(_), None) => "alarm, list parked".to_owned(),
        (Outcome::Rejected(_), None) => "alarm, the member's story".to_owned(),
        (Outcome::Sent | Outcome::Skipped(_), None) => "nothing".to_owned(),
        _ => "a line in the log".to_owned(),
    }
}
