//! What an end-to-end test works with: one stack for the whole test binary, and a store of its own for each test.
//!
//! Tests run beside each other and stay apart because each makes its own store, and each store has its own account at
//! every vendor. A test that moves the clock or holds a function back takes the world alone.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::{OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::cloud::Cloud;
use crate::http::{self, Call, Reply};
use crate::local::paths::StackDir;
use crate::local::process::Life;
use crate::local::proxy::{End, Order};
use crate::local::stack::{Stack, VendorAt};
use crate::local::stores;
use crate::local::up::{self, Running, Wanted};
use crate::say::Steps;
use crate::trouble::{Result, Saying, Trouble};

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(45);

/// Ten times the length of a way from the HTTP API to a vendor.
const SETTLED: Duration = Duration::from_secs(3);

static RUNNING: OnceCell<Result<Running>> = OnceCell::const_new();
static ORDER: RwLock<()> = RwLock::const_new(());
static STORES: AtomicU32 = AtomicU32::new(0);

enum Held {
    Shared {
        _guard: RwLockReadGuard<'static, ()>,
    },
    Alone {
        _guard: RwLockWriteGuard<'static, ()>,
    },
}

/// The shared stack, held by one test.
pub struct World {
    /// How to reach it.
    pub stack: &'static Stack,
    /// Signed calls to the emulator.
    pub cloud: Cloud,
    held: Held,
}

impl World {
    /// The world beside other tests. `program` is the binary `local`.
    ///
    /// # Errors
    /// The stack does not come up; every test then hears the same reason.
    pub async fn shared(program: &str) -> Result<Self> {
        Self::held(
            program,
            Held::Shared {
                _guard: ORDER.read().await,
            },
        )
        .await
    }

    /// The world for this test alone: it may move the clock.
    ///
    /// # Errors
    /// The stack does not come up.
    pub async fn alone(program: &str) -> Result<Self> {
        Self::held(
            program,
            Held::Alone {
                _guard: ORDER.write().await,
            },
        )
        .await
    }

    async fn held(program: &str, held: Held) -> Result<Self> {
        let running = RUNNING
            .get_or_init(|| start(program))
            .await
            .as_ref()
            .map_err(Clone::clone)?;
        let stack = &running.stack;
        note_who_takes_part()?;
        let world = Self {
            stack,
            cloud: Cloud::of(stack),
            held,
        };
        // A test that ended early may have left its orders.
        world.mend().await?;
        Ok(world)
    }

    /// Makes requests of the functions to AWS fail: those whose `X-Amz-Target` begins so.
    ///
    /// # Errors
    /// Other tests share the world and would feel it.
    pub async fn fail(&self, target: &str, ends: End, times: u32) -> Result<()> {
        if matches!(self.held, Held::Shared { .. }) {
            return Err(Trouble::new(
                "only a test that has the world alone may break the way to AWS",
            ));
        }
        let order = Order {
            target: target.to_owned(),
            ends,
            times,
        };
        let call = http::post(self.faults()?).body(json!(order).to_string());
        let reply = call.send().await?;
        if reply.is_success() {
            Ok(())
        } else {
            Err(Trouble::new(reply.text))
        }
    }

    /// How many requests are still to fail.
    ///
    /// # Errors
    /// The way to AWS does not answer.
    pub async fn left_to_fail(&self) -> Result<u64> {
        let orders = http::get(self.faults()?).send().await?.json()?;
        let orders = orders.as_array().into_iter().flatten();
        Ok(orders.filter_map(|order| order["times"].as_u64()).sum())
    }

    /// Ends every order to fail.
    ///
    /// # Errors
    /// The way to AWS does not answer.
    pub async fn mend(&self) -> Result<()> {
        http::call("DELETE", self.faults()?).send().await.map(drop)
    }

    fn faults(&self) -> Result<&str> {
        let url = self.stack.faults_url.as_deref();
        url.saying("the stack has no way to AWS that can fail")
    }

    /// A store like the example store, under a fresh id that begins with `name`.
    ///
    /// # Errors
    /// The store cannot be loaded.
    pub async fn store(&self, name: &str) -> Result<Shop<'_>> {
        self.store_with(name, |_| ()).await
    }

    /// The same with its document changed first. The id is set after the change.
    ///
    /// # Errors
    /// The store cannot be loaded.
    pub async fn store_with(
        &self,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) -> Result<Shop<'_>> {
        let mut document = stores::document(&stores::example())?;
        change(&mut document);
        let number = STORES.fetch_add(1, Ordering::Relaxed);
        document["store"] = format!("{name}-{number}").into();
        let mut stack = self.stack.clone();
        let id = stores::load(&mut stack, &self.cloud, &document).await?;
        let inlet = stack
            .stores
            .get(&id)
            .and_then(|sources| sources.get("yotpo"));
        let url = inlet
            .saying("the store takes nothing from yotpo")?
            .url
            .clone();
        Ok(Shop {
            world: self,
            id,
            url,
        })
    }

    /// A request to a path of the HTTP API.
    #[must_use]
    pub fn post(&self, path: &str) -> Call {
        http::post(&format!("{}{path}", self.stack.api_url))
    }

    /// Asks the operator function.
    ///
    /// # Errors
    /// The function failed.
    pub async fn operator(&self, command: &Value) -> Result<Value> {
        let operator = self
            .stack
            .functions
            .get("operator")
            .saying("the stack has no operator")?;
        self.cloud.invoke(operator, command).await
    }

    /// One round of upkeep, as its schedule starts it every five minutes. Gives what it says is left to do.
    ///
    /// # Errors
    /// The function failed.
    pub async fn upkeep(&self) -> Result<Value> {
        let upkeep = self.stack.functions.get("upkeep");
        let upkeep = upkeep.saying("the stack has no upkeep")?;
        self.cloud.invoke(upkeep, &serde_json::json!({})).await
    }

    /// Moves the clock forward.
    ///
    /// # Errors
    /// The clock file cannot be written, or other tests share the world and would feel it.
    pub fn forward(&self, by: Duration) -> Result<()> {
        match self.held {
            Held::Alone { .. } => self.stack.clock().forward(by),
            Held::Shared { .. } => Err(Trouble::new(
                "only a test that has the world alone may move the clock",
            )),
        }
    }

    /// Lets the mapping that feeds a function run or rest.
    ///
    /// # Errors
    /// The function has no mapping, or other tests share the world and would feel it.
    pub async fn feed(&self, function: &str, enabled: bool) -> Result<()> {
        if matches!(self.held, Held::Shared { .. }) {
            return Err(Trouble::new(
                "only a test that has the world alone may hold a function back",
            ));
        }
        let name = self
            .stack
            .functions
            .get(function)
            .saying(format!("there is no function {function}"))?;
        let path = "/2015-03-31/event-source-mappings";
        let all = self.cloud.rest("lambda", "GET", path, &Value::Null).await?;
        let own = |mapping: &&Value| {
            mapping["FunctionArn"]
                .as_str()
                .is_some_and(|arn| arn.ends_with(name.as_str()))
        };
        let mapping = all["EventSourceMappings"]
            .as_array()
            .into_iter()
            .flatten()
            .find(own);
        let id = mapping
            .and_then(|mapping| mapping["UUID"].as_str())
            .saying(format!("{function} has no mapping"))?;
        let change = json!({"Enabled": enabled});
        self.cloud
            .rest("lambda", "PUT", &format!("{path}/{id}"), &change)
            .await
            .map(drop)
    }

    /// The URL of a queue by its name, as `inbox`.
    ///
    /// # Errors
    /// There is none.
    pub fn queue(&self, name: &str) -> Result<&str> {
        self.stack
            .queues
            .get(name)
            .map(String::as_str)
            .saying(format!("there is no queue {name}"))
    }

    /// Waits until no message is waiting or under way in the queues that are not dead-letter queues. Only for a test that
    /// has the world alone: another's message may wait for its vendor.
    ///
    /// # Errors
    /// They do not become empty in time.
    pub async fn quiet(&self) -> Result<()> {
        wait_until("the queues are empty", async || {
            Ok(self.queues_are_empty().await?.then_some(()))
        })
        .await
    }

    async fn queues_are_empty(&self) -> Result<bool> {
        for (name, url) in &self.stack.queues {
            if !name.ends_with("-dead") && !self.cloud.depth(url).await?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Everything in the table that belongs to this store, or names it.
    ///
    /// # Errors
    /// The emulator does not answer.
    pub async fn items(&self, store: &str) -> Result<Vec<Value>> {
        let all = self.cloud.scan(&self.stack.table).await?;
        let names = |part: &Value| {
            part.as_str()
                .is_some_and(|text| text.split('#').any(|part| part == store))
        };
        Ok(all
            .into_iter()
            .filter(|item| names(&item["pk"]) || names(&item["sk"]))
            .collect())
    }

    async fn vendor(&self, (vendor, path): (&str, &str), account: &str) -> Result<Value> {
        let url = &self.stand_in(vendor)?.url;
        http::get(&format!("{url}/{path}?account={account}"))
            .send()
            .await?
            .json()
    }

    async fn order(&self, (vendor, path): (&str, &str), body: &Value) -> Result<()> {
        let url = &self.stand_in(vendor)?.url;
        let reply = http::post(&format!("{url}/{path}"))
            .body(body.to_string())
            .send()
            .await?;
        if reply.is_success() {
            Ok(())
        } else {
            Err(Trouble::new(reply.text))
        }
    }

    fn stand_in(&self, vendor: &str) -> Result<&VendorAt> {
        let at = self.stack.vendors.get(vendor);
        at.saying(format!("the stack has no vendor {vendor}"))
    }
}

/// Where the stack of the tests keeps its files.
#[must_use]
pub fn dir() -> StackDir {
    StackDir::private("e2e")
}

/// The file with the name of every test that took part, one to a line: what was recorded is judged only of a whole run.
#[must_use]
pub fn who_took_part() -> PathBuf {
    dir().file("tests")
}

fn note_who_takes_part() -> Result<()> {
    let file = who_took_part();
    let name = std::thread::current().name().unwrap_or_default().to_owned() + "\n";
    let mut open = std::fs::OpenOptions::new();
    let written = open.create(true).append(true).open(&file);
    let written = written.and_then(|mut file| file.write_all(name.as_bytes()));
    written.saying(format!("cannot write {}", file.display()))
}

/// Starts the stack of the tests. It ends with the test binary, because its processes watch a pipe to it.
async fn start(program: &str) -> Result<Running> {
    let _ = std::fs::remove_file(who_took_part());
    let wanted = Wanted {
        dir: dir(),
        life: Life::WithUs,
        program: program.into(),
        vendors: std::collections::BTreeMap::new(),
        stores: Vec::new(),
        port: None,
        can_fail: true,
    };
    up::up(&wanted, &Steps::silent()).await
}

/// One test's store.
pub struct Shop<'w> {
    /// The world it stands in.
    pub world: &'w World,
    /// Its id, which is the name of its account at Rule too.
    pub id: String,
    /// Where it takes Yotpo's webhooks.
    pub url: String,
}

impl Shop<'_> {
    /// The token that Yotpo presents.
    #[must_use]
    pub fn token(&self) -> String {
        stores::token(&self.id, "yotpo")
    }

    /// A request to this store without any credential.
    #[must_use]
    pub fn request(&self, body: impl Into<Vec<u8>>) -> Call {
        http::post(&self.url)
            .header("content-type", "application/json")
            .body(body)
    }

    /// Sends a body as Yotpo would.
    ///
    /// # Errors
    /// Nobody answers.
    pub async fn send(&self, body: impl Into<Vec<u8>>) -> Result<Reply> {
        self.request(body)
            .header("authorization", format!("Bearer {}", self.token()))
            .send()
            .await
    }

    /// Sends JSON as Yotpo would and expects it to be taken.
    ///
    /// # Errors
    /// It is not taken.
    pub async fn take(&self, body: &Value) -> Result<()> {
        let reply = self.send(body.to_string()).await?;
        if reply.status == 200 {
            Ok(())
        } else {
            Err(Trouble::new(format!("{reply:?} instead of 200")))
        }
    }

    /// What Rule received of this store, in order.
    ///
    /// # Errors
    /// The stand-in does not answer.
    pub async fn received(&self) -> Result<Vec<Value>> {
        let received = self.world.vendor(("rule", "received"), &self.id).await?;
        Ok(received.as_array().cloned().unwrap_or_default())
    }

    /// The bodies of the writes that Rule received of this store, in order.
    ///
    /// # Errors
    /// The stand-in does not answer.
    pub async fn writes(&self) -> Result<Vec<Value>> {
        let received = self.received().await?.into_iter();
        Ok(received
            .filter(|entry| entry["method"] == "POST")
            .map(|mut entry| entry["body"].take())
            .collect())
    }

    /// The bodies of the writes about one person, in order.
    ///
    /// # Errors
    /// The stand-in does not answer.
    pub async fn writes_to(&self, email: &str) -> Result<Vec<Value>> {
        let writes = self.writes().await?.into_iter();
        Ok(writes
            .filter(|body| body["subscribers"]["email"] == email)
            .collect())
    }

    /// Waits until Rule has received this many writes, or more.
    ///
    /// # Errors
    /// They do not come.
    pub async fn wrote_at_least(&self, count: usize) -> Result<Vec<Value>> {
        wait_until(
            &format!("{count} writes of {} are at Rule", self.id),
            async || Ok(Some(self.writes().await?).filter(|writes| writes.len() >= count)),
        )
        .await
    }

    /// Waits until Rule has received this many writes and nothing more comes.
    ///
    /// # Errors
    /// They do not come, or more come.
    pub async fn wrote(&self, count: usize) -> Result<Vec<Value>> {
        self.wrote_at_least(count).await?;
        self.settled().await?;
        let writes = self.writes().await?;
        if writes.len() == count {
            return Ok(writes);
        }
        Err(Trouble::new(format!(
            "{} writes of {} are at Rule instead of {count}",
            writes.len(),
            self.id
        )))
    }

    /// Waits until nothing of this store is under way: the queues are empty, or, where others' messages wait in them,
    /// nothing of this store has arrived at Rule for many times the length of a way.
    ///
    /// # Errors
    /// The emulator or the stand-in does not answer.
    pub async fn settled(&self) -> Result<()> {
        let mut seen = (self.received().await?.len(), Instant::now());
        wait_until("nothing is under way", async || {
            let count = self.received().await?.len();
            if count != seen.0 {
                seen = (count, Instant::now());
            }
            let settled = self.world.queues_are_empty().await? || seen.1.elapsed() > SETTLED;
            Ok(settled.then_some(()))
        })
        .await
    }

    /// The automations that started in this store's account.
    ///
    /// # Errors
    /// The stand-in does not answer.
    pub async fn automations(&self) -> Result<Vec<Value>> {
        let started = self.world.vendor(("rule", "automations"), &self.id).await?;
        Ok(started.as_array().cloned().unwrap_or_default())
    }

    /// The people in this store's account.
    ///
    /// # Errors
    /// The stand-in does not answer.
    pub async fn people(&self) -> Result<Value> {
        Ok(self
            .world
            .vendor(("rule", "subscribers-state"), &self.id)
            .await?[&self.id]
            .take())
    }

    /// What this store's account was sent that must never be sent.
    ///
    /// # Errors
    /// The stand-in does not answer.
    pub async fn faults(&self) -> Result<Vec<Value>> {
        Ok(self
            .world
            .vendor(("rule", "faults"), &self.id)
            .await?
            .as_array()
            .cloned()
            .unwrap_or_default())
    }

    /// Adds an order to Rule's fault script, for this store's account alone.
    ///
    /// # Errors
    /// It is no order.
    pub async fn script(&self, mut order: Value) -> Result<()> {
        order["match"]["account"] = self.id.clone().into();
        self.world.order(("rule", "script"), &order).await
    }

    /// What Yotpo's REST interface was asked for this store, in order.
    ///
    /// # Errors
    /// The stand-in does not answer.
    pub async fn asked(&self) -> Result<Vec<Value>> {
        let received = self.world.vendor(("yotpo", "received"), &self.id).await?;
        Ok(received.as_array().cloned().unwrap_or_default())
    }

    /// What Yotpo's REST interface was sent for this store that must never be sent.
    ///
    /// # Errors
    /// The stand-in does not answer.
    pub async fn asking_faults(&self) -> Result<Value> {
        self.world.vendor(("yotpo", "faults"), &self.id).await
    }

    /// Tells Yotpo's stand-in something about this store's account there: `customers`, `page-size`, or `script`.
    ///
    /// # Errors
    /// It is no order.
    pub async fn yotpo(&self, path: &str, mut order: Value) -> Result<()> {
        if path == "script" {
            order["match"]["account"] = self.id.clone().into();
        } else {
            order["account"] = self.id.clone().into();
        }
        self.world.order(("yotpo", path), &order).await
    }

    /// Every row of one of its members.
    ///
    /// # Errors
    /// The emulator does not answer.
    pub async fn member(&self, email: &str) -> Result<Vec<Value>> {
        let pk = format!("MEMBER#{}#{email}", self.id);
        self.world.cloud.query(&self.world.stack.table, &pk).await
    }

    /// Every row of this store.
    ///
    /// # Errors
    /// The emulator does not answer.
    pub async fn items(&self) -> Result<Vec<Value>> {
        self.world.items(&self.id).await
    }

    /// The name of one of its secrets.
    #[must_use]
    pub fn secret(&self, connection: &str) -> String {
        format!(
            "{}/{}/{connection}",
            self.world.stack.secret_prefix, self.id
        )
    }
}

/// Asks again and again until there is an answer, and says what was waited for when there is none.
///
/// # Errors
/// There is none in time, or asking fails.
pub async fn wait_until<T>(
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if begun.elapsed() > PATIENCE {
            return Err(Trouble::new(format!(
                "waited {} s in vain until {what}",
                PATIENCE.as_secs()
            )));
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

/// The text of an event file, by its name in `events/yotpo/`.
///
/// # Errors
/// There is none.
pub fn event(name: &str) -> Result<Value> {
    stores::document(&crate::local::paths::root().join("events/yotpo").join(name))
}
