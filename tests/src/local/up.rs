//! `up` and `down`: a whole stack, running.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::emulator::{self, Deployed, Emulator};
use super::paths::StackDir;
use super::process::{self, Life, Started};
use super::stack::{Stack, VendorAt};
use super::{build, stores};
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::http;
use crate::say::Steps;
use crate::standins;
use crate::trouble::{Result, Saying, Trouble};

/// The vendors that have a stand-in.
pub const VENDORS: [&str; 1] = ["rule"];

/// What a stack is to be.
#[derive(Debug)]
pub struct Wanted {
    /// Where it keeps its files.
    pub dir: StackDir,
    /// How long it lives.
    pub life: Life,
    /// The program that runs a stand-in: `local` itself.
    pub program: PathBuf,
    /// Vendors that somebody else plays, with the address.
    pub vendors: BTreeMap<String, String>,
    /// Store documents to load.
    pub stores: Vec<PathBuf>,
    /// The emulator's port, if it matters.
    pub port: Option<u16>,
}

/// A stack that runs.
#[derive(Debug)]
pub struct Running {
    /// How to reach it.
    pub stack: Stack,
    processes: Processes,
}

/// What was started for one stack, each recorded the moment it runs, so that `down` finds it whatever happens to us.
#[derive(Debug)]
struct Processes {
    dir: StackDir,
    list: Vec<(Started, Child)>,
}

impl Processes {
    fn add(&mut self, started: Started, child: Child) -> Result<()> {
        self.list.push((started, child));
        let record: Vec<Started> = self
            .list
            .iter()
            .map(|(started, _)| started.clone())
            .collect();
        process::record(&self.dir.processes(), &record)
    }

    /// The emulator is the last that was started and ends first: its functions would call a vendor that is gone.
    fn end(&mut self) {
        for (started, child) in self.list.iter_mut().rev() {
            started.end(Some(child));
        }
        forget(&self.dir);
    }
}

/// Builds and starts everything.
///
/// # Errors
/// A sentence for the person at the keyboard. What was started by then is ended.
pub async fn up(wanted: &Wanted, steps: &Steps) -> Result<Running> {
    if let Some(unknown) = wanted
        .vendors
        .keys()
        .find(|name| !VENDORS.contains(&name.as_str()))
    {
        return Err(Trouble::new(format!(
            "there is no vendor {unknown:?}; there are: {}",
            VENDORS.join(", ")
        )));
    }
    let documents: Vec<_> = wanted
        .stores
        .iter()
        .map(|file| stores::document(file))
        .collect::<Result<_>>()?;
    build::everything(steps).await?;
    end_recorded(&wanted.dir)?;
    wanted.dir.make()?;
    std::fs::write(wanted.dir.clock(), "0").saying("cannot write the clock file")?;

    let mut processes = Processes {
        dir: wanted.dir.clone(),
        list: Vec::new(),
    };
    let loaded = match start(wanted, steps, &mut processes).await {
        Ok(mut stack) => load(&mut stack, wanted, &documents, steps)
            .await
            .map(|()| stack),
        Err(trouble) => Err(trouble),
    };
    match loaded {
        Ok(stack) => Ok(Running { stack, processes }),
        Err(trouble) => {
            processes.end();
            Err(trouble)
        }
    }
}

async fn start(wanted: &Wanted, steps: &Steps, processes: &mut Processes) -> Result<Stack> {
    let step = steps.begin("starting the stand-ins and the emulator");
    let mut vendors = BTreeMap::new();
    for vendor in VENDORS {
        let at = match wanted.vendors.get(vendor) {
            Some(url) => VendorAt {
                url: url.clone(),
                received_url: None,
                script_url: None,
                keys: BTreeMap::new(),
            },
            None => stand_in(vendor, wanted, processes).await?,
        };
        vendors.insert(vendor.to_owned(), at);
    }
    let inherited: Vec<(String, String)> = vendors
        .iter()
        .map(|(name, at)| {
            (
                format!("BRIDGE_{}_URL", name.to_uppercase()),
                at.url.clone(),
            )
        })
        .collect();
    let emulator = emulator::start(&wanted.dir, wanted.port, &inherited, wanted.life).await?;
    step.done();
    let Emulator {
        endpoint,
        credentials,
        started,
        child,
    } = emulator;
    processes.add(started, child)?;
    let Deployed {
        api_url,
        table,
        queues,
        functions,
        secret_prefix,
    } = emulator::deploy(&endpoint, &credentials, &wanted.dir, steps).await?;
    Ok(Stack {
        api_url,
        endpoint_url: endpoint,
        region: emulator::REGION.to_owned(),
        table,
        queues,
        functions,
        credentials,
        vendors,
        stores: BTreeMap::new(),
        secret_prefix,
        clock_file: wanted.dir.clock(),
    })
}

/// Starts a stand-in and waits until it has said where it listens.
async fn stand_in(vendor: &str, wanted: &Wanted, processes: &mut Processes) -> Result<VendorAt> {
    let address = wanted.dir.file(&format!("{vendor}.address"));
    let _ = std::fs::remove_file(&address);
    let mut command = Command::new(&wanted.program);
    command
        .arg("stand-in")
        .arg(vendor)
        .arg(&address)
        .arg(wanted.dir.clock());
    if wanted.life == Life::WithUs {
        command.arg("--with-parent");
    }
    let name = format!("the stand-in of {vendor}");
    let log = wanted.dir.log(vendor);
    let (started, child) = process::start(
        &name,
        &address.to_string_lossy(),
        command,
        &log,
        wanted.life,
    )?;
    processes.add(started, child)?;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(15) {
        if let Ok(url) = std::fs::read_to_string(&address) {
            let own = |path: &str| Some(format!("{url}{path}"));
            let (received_url, script_url) = (own("/received"), own("/script"));
            return Ok(VendorAt {
                url,
                received_url,
                script_url,
                keys: BTreeMap::new(),
            });
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(Trouble::new(format!(
        "{name} does not come up; see {}",
        log.display()
    )))
}

/// Runs a stand-in until somebody ends this process: what [`stand_in`] starts.
///
/// # Errors
/// There is no such vendor, or no port.
pub async fn run_stand_in(vendor: &str, address: &Path, clock: &Path) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).saying("no port is free on 127.0.0.1")?;
    let at = listener
        .local_addr()
        .saying("no port is free on 127.0.0.1")?;
    let fresh = address.with_extension("next");
    std::fs::write(&fresh, format!("http://{at}"))
        .saying(format!("cannot write {}", fresh.display()))?;
    std::fs::rename(&fresh, address).saying(format!("cannot write {}", address.display()))?;
    match vendor {
        "rule" => {
            standins::server::serve(
                standins::rule::Rule::default(),
                Clock::from_file(clock),
                listener,
            )
            .await
        }
        _ => Err(Trouble::new(format!("there is no stand-in of {vendor}"))),
    }
}

async fn load(
    stack: &mut Stack,
    wanted: &Wanted,
    documents: &[serde_json::Value],
    steps: &Steps,
) -> Result<()> {
    let step = steps.begin("loading the stores");
    let cloud = Cloud::of(stack);
    for document in documents {
        stores::load(stack, &cloud, document).await?;
    }
    stack.write(&wanted.dir.stack())?;
    step.done();
    Ok(())
}

impl Running {
    /// Ends everything that was started for it.
    pub fn end(mut self) {
        self.processes.end();
    }

    /// Leaves it running; `down` ends it.
    #[must_use]
    pub fn leave(self) -> Stack {
        self.stack
    }
}

/// The stack that runs in this folder, if one does.
pub async fn running(dir: &StackDir) -> Option<Stack> {
    let stack = Stack::read(&dir.stack()).ok()?;
    let recorded = process::recorded(&dir.processes());
    if recorded.is_empty() || !recorded.iter().all(Started::runs) {
        return None;
    }
    http::get(&emulator::health_of(&stack.endpoint_url))
        .send()
        .await
        .ok()
        .map(|_| stack)
}

/// `down`: ends what the record names. Returns the names of what it ended.
///
/// # Errors
/// Something does not end.
pub fn end_recorded(dir: &StackDir) -> Result<Vec<String>> {
    let mut ended = Vec::new();
    for started in process::recorded(&dir.processes())
        .iter()
        .rev()
        .filter(|started| started.runs())
    {
        started.end(None);
        if started.runs() {
            return Err(Trouble::new(format!(
                "{} (process {}) does not end",
                started.name, started.pid
            )));
        }
        ended.push(started.name.clone());
    }
    forget(dir);
    Ok(ended)
}

fn forget(dir: &StackDir) {
    for file in [dir.stack(), dir.processes()] {
        let _ = std::fs::remove_file(file);
    }
    let _ = std::fs::remove_dir_all(dir.temporary());
}
