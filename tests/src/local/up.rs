//! `up` and `down`: a whole stack, running.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::net::{SocketAddr, TcpListener};
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
pub const VENDORS: [&str; 4] = ["annexcloud", "gorgias", "rule", "yotpo"];

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
    /// Whether this is for tests: then the functions' way to the emulator can be told to fail, and what they do is recorded.
    pub can_fail: bool,
}

/// A stack that runs.
#[derive(Debug)]
pub struct Running {
    /// How to reach it.
    pub stack: Stack,
    processes: Processes,
}

/// What was started for one stack, each recorded the moment it runs, so that `down` finds it whatever happens to us. It ends
/// with this value, unless it is left.
#[derive(Debug)]
struct Processes {
    dir: StackDir,
    list: Vec<(Started, Child)>,
    left: bool,
    /// While it is held, nobody else starts a stack in this folder.
    _alone: File,
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

    /// What was started last.
    fn last(&mut self) -> Option<&mut Child> {
        self.list.last_mut().map(|(_, child)| child)
    }
}

impl Drop for Processes {
    /// The emulator is the last that was started and ends first: its functions would call a vendor that is gone.
    fn drop(&mut self) {
        if self.left {
            return;
        }
        for (started, child) in self.list.iter_mut().rev() {
            started.end(Some(child));
        }
        forget(&self.dir);
    }
}

/// The right to start a stack in a folder.
fn alone(dir: &StackDir) -> Result<File> {
    let file = dir.lock();
    let lock = File::create(&file).saying(format!("cannot write {}", file.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Trouble::new(
            "another `cargo local` is at work on the same cloud; wait until it is done, or end it",
        )),
        Err(TryLockError::Error(error)) => {
            Err(error).saying(format!("cannot lock {}", file.display()))
        }
    }
}

/// Builds and starts everything.
///
/// # Errors
/// A sentence for the person at the keyboard. What was started by then is ended.
pub async fn up(wanted: &Wanted, steps: &Steps) -> Result<Running> {
    check(&wanted.vendors)?;
    let documents: Vec<_> = wanted
        .stores
        .iter()
        .map(|file| stores::document(file))
        .collect::<Result<_>>()?;
    wanted.dir.make()?;
    let alone = alone(&wanted.dir)?;
    build::everything(steps).await?;
    end_recorded(&wanted.dir)?;
    wanted.dir.make()?;
    std::fs::write(wanted.dir.clock(), "0").saying("cannot write the clock file")?;

    let mut processes = Processes {
        dir: wanted.dir.clone(),
        list: Vec::new(),
        left: false,
        _alone: alone,
    };
    let mut stack = start(wanted, steps, &mut processes).await?;
    load(&mut stack, wanted, &documents, steps).await?;
    Ok(Running { stack, processes })
}

/// The vendors that somebody else plays: known ones, and on this machine. The functions refuse any other address, which
/// nobody would see before the first event.
fn check(vendors: &BTreeMap<String, String>) -> Result<()> {
    for (name, url) in vendors {
        if !VENDORS.contains(&name.as_str()) {
            return Err(Trouble::new(format!(
                "there is no vendor {name:?}; there are: {}",
                VENDORS.join(", ")
            )));
        }
        if !is_on_this_machine(url) {
            return Err(Trouble::new(format!(
                "--vendor {name}={url}: only a server on this machine may take a vendor's place, as {name}=http://127.0.0.1:4010 \
                 (hosts: 127.0.0.1, localhost, [::1])"
            )));
        }
    }
    Ok(())
}

fn is_on_this_machine(url: &str) -> bool {
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"));
    let authority = rest
        .and_then(|rest| rest.split(['/', '?', '#']).next())
        .unwrap_or_default();
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').unwrap_or_default(),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port_fits = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|number| number.parse::<u16>().is_ok());
    let host_fits = host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    port_fits && host_fits
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
    let mut inherited: Vec<(String, String)> = vendors
        .iter()
        .map(|(name, at)| {
            (
                format!("BRIDGE_{}_URL", name.to_uppercase()),
                at.url.clone(),
            )
        })
        .collect();
    let mut port = wanted.port;
    let mut faults_url = None;
    if wanted.can_fail {
        let own = port.map_or_else(emulator::free_port, Ok)?;
        let url = proxy(own, wanted, processes).await?;
        inherited.push(("AWS_ENDPOINT_URL".to_owned(), url.clone()));
        let record = wanted.dir.record();
        let _ = std::fs::remove_file(&record);
        let record = record.to_string_lossy().into_owned();
        inherited.push(("BRIDGE_RECORD".to_owned(), record));
        (port, faults_url) = (Some(own), Some(format!("{url}/_faults")));
    }
    let Emulator {
        endpoint,
        credentials,
        started,
        child,
    } = emulator::start(&wanted.dir, port, &inherited, wanted.life)?;
    processes.add(started, child)?;
    emulator::answers(&endpoint, &wanted.dir, processes.last()).await?;
    step.done();
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
        faults_url,
    })
}

/// Starts a stand-in.
async fn stand_in(vendor: &str, wanted: &Wanted, processes: &mut Processes) -> Result<VendorAt> {
    let clock = wanted.dir.clock();
    let name = format!("the stand-in of {vendor}");
    let arguments = |address: &Path| {
        let arguments = ["stand-in".as_ref(), vendor.as_ref(), address.as_os_str()];
        [arguments.as_slice(), &[clock.as_os_str()]]
            .concat()
            .into_iter()
            .map(OsString::from)
            .collect()
    };
    let url = helper(&name, vendor, arguments, wanted, processes).await?;
    let own = |path: &str| Some(format!("{url}{path}"));
    let (received_url, script_url) = (own("/received"), own("/script"));
    Ok(VendorAt {
        url,
        received_url,
        script_url,
        keys: BTreeMap::new(),
    })
}

/// Starts the way to the emulator that can be told to fail.
async fn proxy(port: u16, wanted: &Wanted, processes: &mut Processes) -> Result<String> {
    let name = "the way to the emulator";
    let arguments = |address: &Path| vec!["proxy".into(), address.into(), port.to_string().into()];
    helper(name, "proxy", arguments, wanted, processes).await
}

/// Starts `local` in one of its other parts and waits until it has said where it listens.
async fn helper(
    name: &str,
    short: &str,
    arguments: impl FnOnce(&Path) -> Vec<OsString>,
    wanted: &Wanted,
    processes: &mut Processes,
) -> Result<String> {
    let address = wanted.dir.file(&format!("{short}.address"));
    let _ = std::fs::remove_file(&address);
    let mut command = Command::new(&wanted.program);
    command.args(arguments(&address));
    if wanted.life == Life::WithUs {
        command.arg("--with-parent");
    }
    let log = wanted.dir.log(short);
    let mark = address.to_string_lossy();
    let (started, child) = process::start(name, &mark, command, &log, wanted.life)?;
    processes.add(started, child)?;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(15) {
        if let Ok(url) = std::fs::read_to_string(&address) {
            return Ok(url);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let log = log.display();
    Err(Trouble::new(format!("{name} does not come up; see {log}")))
}

/// Says in a file where a process listens, whole or not at all.
pub(super) fn write_address(file: &Path, at: SocketAddr) -> Result<()> {
    let fresh = file.with_extension("next");
    std::fs::write(&fresh, format!("http://{at}"))
        .saying(format!("cannot write {}", fresh.display()))?;
    std::fs::rename(&fresh, file).saying(format!("cannot write {}", file.display()))
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
    write_address(address, at)?;
    let clock = Clock::from_file(clock);
    match vendor {
        "annexcloud" => {
            let annexcloud = standins::annexcloud::AnnexCloud::default();
            standins::server::serve(annexcloud, clock, listener).await
        }
        "gorgias" => {
            let gorgias = standins::gorgias::Gorgias::default();
            standins::server::serve(gorgias, clock, listener).await
        }
        "rule" => {
            let rule = standins::rule::Rule::default();
            standins::server::serve(rule, clock, listener).await
        }
        "yotpo" => {
            let yotpo = standins::yotpo::Yotpo::default();
            standins::server::serve(yotpo, clock, listener).await
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
    pub fn end(self) {
        drop(self.processes);
    }

    /// Leaves it running; `down` ends it.
    #[must_use]
    pub fn leave(mut self) -> Stack {
        self.processes.left = true;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_take_a_vendors_place() {
        for url in [
            "http://127.0.0.1:4010",
            "http://127.3.2.1",
            "http://localhost:1/base",
            "https://LOCALHOST",
            "http://[::1]:9",
        ] {
            assert!(is_on_this_machine(url), "{url}");
        }
        for url in [
            "",
            "127.0.0.1:4010",
            "ftp://127.0.0.1",
            "http://10.0.0.1:80",
            "http://0.0.0.0:80",
            "https://app.rule.example.com",
            "http://localhost.example.com",
            "http://localhost@example.com",
            "http://127.0.0.1@example.com",
            "http://127.0.0.1:x",
            "http://[::2]:9",
            "http://[::1",
        ] {
            assert!(!is_on_this_machine(url), "{url}");
        }
    }

    #[tokio::test]
    async fn another_machine_is_refused_before_anything_starts() {
        let dir = StackDir::private("refused");
        let wanted = |vendor: &str, url: &str| Wanted {
            dir: dir.clone(),
            life: Life::WithUs,
            program: "nowhere".into(),
            vendors: [(vendor.to_owned(), url.to_owned())].into(),
            stores: Vec::new(),
            port: None,
            can_fail: false,
        };
        let strange = wanted("rule", "https://rule.example.com");
        let refused = up(&strange, &Steps::silent()).await.expect_err("a refusal");
        assert!(
            refused
                .to_string()
                .contains("only a server on this machine"),
            "{refused}"
        );
        let unknown = wanted("nobody", "http://127.0.0.1:1");
        let refused = up(&unknown, &Steps::silent()).await.expect_err("a refusal");
        assert!(
            refused
                .to_string()
                .contains("there are: annexcloud, gorgias, rule, yotpo"),
            "{refused}"
        );
        assert!(!dir.stack().exists() && !dir.processes().exists());
    }
}
