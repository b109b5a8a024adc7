//! The emulator of AWS: start it, deploy into it, ask it what came of it.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::paths::{self, StackDir};
use super::process::{self, Life, Started};
use super::stack::Credentials;
use super::tools::{DEPLOYER, EMULATOR};
use crate::cloud::{Caller, Cloud};
use crate::http;
use crate::say::Steps;
use crate::trouble::{Result, Saying, Trouble};

const SHIM: &str = include_str!("emulator.py");
/// The region it plays.
pub const REGION: &str = "eu-north-1";
/// As in samconfig.toml, section `local`.
const STACK_NAME: &str = "loyalty-bridge-local";
const PATIENCE: Duration = Duration::from_mins(1);

/// A running emulator.
#[derive(Debug)]
pub struct Emulator {
    /// Where it answers.
    pub endpoint: String,
    /// Its process.
    pub started: Started,
    /// Its process, as our child.
    pub child: Child,
    /// The caller that may do everything.
    pub credentials: Credentials,
}

/// What came of a deploy: names that only the emulator knows.
#[derive(Debug)]
pub struct Deployed {
    /// Base of the HTTP API.
    pub api_url: String,
    /// The table.
    pub table: String,
    /// Queue name to URL.
    pub queues: BTreeMap<String, String>,
    /// Function name to deployed name.
    pub functions: BTreeMap<String, String>,
    /// First part of every secret's name.
    pub secret_prefix: String,
}

/// A port that nobody uses right now.
///
/// # Errors
/// There is none.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).saying("no port is free on 127.0.0.1")?;
    Ok(listener
        .local_addr()
        .saying("no port is free on 127.0.0.1")?
        .port())
}

/// Starts it; [`answers`] waits for it. `inherited` is what the functions find in their environment beside what the template
/// gives them.
///
/// # Errors
/// The port is taken.
pub fn start(
    dir: &StackDir,
    port: Option<u16>,
    inherited: &[(String, String)],
    life: Life,
) -> Result<Emulator> {
    let port = match port {
        Some(port) => {
            let taken =
                format!("port {port} is in use; choose another with --port, or leave it out");
            TcpListener::bind(("127.0.0.1", port)).map_err(|_| Trouble::new(taken))?;
            port
        }
        None => free_port()?,
    };
    let shim = dir.file("emulator.py");
    std::fs::write(&shim, SHIM).saying(format!("cannot write {}", shim.display()))?;
    let endpoint = format!("http://127.0.0.1:{port}");
    let mut command = Command::new(EMULATOR.program("python"));
    command.arg(&shim);
    if life == Life::WithUs {
        command.arg("--with-parent");
    }
    // Nothing of this shell but what programs need: no proxy, no profile, no real credential reaches a function.
    clean(&mut command, &dir.temporary());
    command
        .env("GATEWAY_PORT", port.to_string())
        .env("BIND_HOST", "127.0.0.1")
        .env("AWS_ENDPOINT_URL", &endpoint)
        .env("STATE_DIR", dir.temporary().join("state"))
        .env("AUTH", "true")
        .env("MINISTACK_REGION", REGION)
        .env("SFTP_ENABLED", "0")
        .env("IOT_MTLS_ENABLED", "0")
        .env("BRIDGE_CLOCK_FILE", dir.clock())
        .envs(inherited.iter().cloned());
    let log = dir.log("emulator");
    let mark = shim.to_string_lossy();
    let (started, child) = process::start("the emulator", &mark, command, &log, life)?;
    let credentials = Credentials {
        aws_access_key_id: "test".into(),
        aws_secret_access_key: "test".into(),
    };
    Ok(Emulator {
        endpoint,
        started,
        child,
        credentials,
    })
}

/// Where an emulator says that it is well.
#[must_use]
pub fn health_of(endpoint: &str) -> String {
    format!("{endpoint}/_ministack/health")
}

/// Waits until it is well.
///
/// # Errors
/// The emulator does not come up.
pub async fn answers(endpoint: &str, dir: &StackDir, mut child: Option<&mut Child>) -> Result<()> {
    let log = dir.log("emulator");
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if http::get(&health_of(endpoint)).send().await.is_ok() {
            return Ok(());
        }
        let ended = child.as_mut().map(|child| child.try_wait());
        if ended.is_some_and(|ended| ended.is_ok_and(|ended| ended.is_some())) {
            return Err(Trouble::new(format!(
                "the emulator ended at once; see {}",
                log.display()
            )));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(Trouble::new(format!(
        "the emulator does not answer after {} s; see {}",
        PATIENCE.as_secs(),
        log.display()
    )))
}

fn clean(command: &mut Command, temporary: &Path) {
    command
        .env_clear()
        .env("TMPDIR", temporary)
        .env("PYTHONUNBUFFERED", "1");
    for name in ["PATH", "HOME", "LANG", "LC_ALL"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
}

/// A real `sam deploy` of `target/local/template.yaml`.
///
/// # Errors
/// The deploy fails; the error says what sam said.
pub async fn deploy(
    endpoint: &str,
    credentials: &Credentials,
    dir: &StackDir,
    steps: &Steps,
) -> Result<Deployed> {
    let step = steps.begin("sam deploy");
    let home = dir.file("sam-home");
    std::fs::create_dir_all(&home).saying(format!("cannot make {}", home.display()))?;
    let mut sam = Command::new(DEPLOYER.program("sam"));
    clean(&mut sam, &dir.temporary());
    // No profile of the user's is read: this deploy must never reach a real account.
    sam.args([
        "deploy",
        "--config-env",
        "local",
        "--template-file",
        "template.yaml",
    ])
    .current_dir(paths::local())
    .env("AWS_ENDPOINT_URL", endpoint)
    .env("AWS_ACCESS_KEY_ID", &credentials.aws_access_key_id)
    .env("AWS_SECRET_ACCESS_KEY", &credentials.aws_secret_access_key)
    .env("AWS_CONFIG_FILE", home.join("none"))
    .env("AWS_SHARED_CREDENTIALS_FILE", home.join("none"))
    .env("AWS_DEFAULT_REGION", REGION)
    .env("SAM_CLI_TELEMETRY", "0")
    .env("SAM_CLI_POLL_DELAY", "0.3")
    .env("__SAM_CLI_APP_DIR", &home)
    .stdin(Stdio::null());
    let output = tokio::process::Command::from(sam)
        .kill_on_drop(true)
        .output()
        .await
        .saying("cannot run sam")?;
    let said = [output.stdout, output.stderr].concat();
    let log = dir.log("sam");
    std::fs::write(&log, &said).saying(format!("cannot write {}", log.display()))?;
    if !output.status.success() {
        let end = tail(&String::from_utf8_lossy(&said), 40);
        return Err(Trouble::new(format!(
            "sam deploy failed; all of it is in {}:\n{end}",
            log.display()
        )));
    }
    let caller = Caller {
        key: credentials.aws_access_key_id.clone(),
        secret: credentials.aws_secret_access_key.clone(),
        region: REGION.to_owned(),
    };
    let deployed = look_up(&Cloud::new(endpoint, caller), endpoint).await?;
    step.done();
    Ok(deployed)
}

async fn look_up(client: &Cloud, endpoint: &str) -> Result<Deployed> {
    let prefix = format!("{STACK_NAME}-");
    let named = |name: &str| name.strip_prefix(&prefix).map(str::to_owned);
    let queues = client
        .call(
            "sqs",
            "AmazonSQS.ListQueues",
            &json!({"QueueNamePrefix": prefix}),
        )
        .await?;
    let queues = texts(&queues["QueueUrls"], None).into_iter();
    let functions = client
        .rest("lambda", "GET", "/2015-03-31/functions", &Value::Null)
        .await?;
    let functions = &functions["Functions"];
    let secret_prefix = functions
        .as_array()
        .and_then(|all| {
            all.iter()
                .find_map(|one| one["Environment"]["Variables"]["SECRET_PREFIX"].as_str())
        })
        .saying("no deployed function names a SECRET_PREFIX")?;
    let tables = client
        .call("dynamodb", "DynamoDB_20120810.ListTables", &json!({}))
        .await?;
    let table = texts(&tables["TableNames"], None)
        .into_iter()
        .find(|name| name.starts_with(STACK_NAME));
    let apis = client
        .rest("apigateway", "GET", "/v2/apis", &Value::Null)
        .await?;
    let api = texts(&apis["items"], Some("apiId"))
        .into_iter()
        .next()
        .saying("the stack has no HTTP API")?;
    Ok(Deployed {
        // Not every machine resolves `<id>.execute-api.localhost`; this form of the address routes the same.
        api_url: format!("{endpoint}/_aws/execute-api/{api}"),
        table: table.saying("the stack has no table")?,
        queues: queues
            .filter_map(|url| Some((named(url.rsplit('/').next()?)?, url)))
            .collect(),
        secret_prefix: secret_prefix.to_owned(),
        functions: texts(functions, Some("FunctionName"))
            .into_iter()
            .filter_map(|name| Some((named(&name)?, name)))
            .collect(),
    })
}

fn texts(list: &Value, key: Option<&str>) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items
        .filter_map(|item| {
            key.map_or(item, |key| &item[key])
                .as_str()
                .map(str::to_owned)
        })
        .collect()
}

fn tail(text: &str, lines: usize) -> String {
    // A line that is written over and over is its last state, and how far an upload is explains nothing.
    let last = |line: &'_ str| line.rsplit('\r').next().unwrap_or(line).to_owned();
    let all = text.lines().map(last);
    let all: Vec<String> = all.filter(|line| !line.contains("Uploading")).collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
