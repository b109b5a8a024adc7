//! Lambda's runtime API, for one function at a time: starts the function, hands it events, looks at its memory.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::server::{self, Answer, Asked};
use crate::local::emulator::REGION;
use crate::trouble::{Result, Saying, Trouble};

/// How long a function may take for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is left of an invocation when it begins: the longest timeout in the template.
const TIMEOUT: Duration = Duration::from_mins(2);

/// A function as it was built.
#[derive(Debug)]
pub(super) struct Function {
    /// Its name in the template.
    pub(super) name: &'static str,
    /// The binary.
    pub(super) binary: PathBuf,
    /// What it is told beside what Lambda tells.
    pub(super) environment: Vec<(&'static str, String)>,
    /// Where it writes.
    pub(super) log: PathBuf,
}

/// One life of a function.
#[derive(Debug)]
pub(super) struct Run {
    /// From before the process was made to its first poll.
    pub(super) start: Duration,
    /// The most memory that it ever held, in KiB.
    pub(super) peak: u32,
    /// What it answered, in order.
    pub(super) answers: Vec<Value>,
}

/// The runtime API.
#[derive(Debug)]
pub(super) struct Runtime {
    address: SocketAddr,
    turns: Receiver<Turn>,
}

/// A request of the function that waits for its answer.
#[derive(Debug)]
struct Turn {
    asked: Asked,
    answer: Sender<Answer>,
}

impl Runtime {
    /// Starts it.
    ///
    /// # Errors
    /// No port is free.
    pub(super) fn start() -> Result<Self> {
        let (sender, turns) = mpsc::channel();
        let address = server::serve(move |asked| {
            let (answer, answered) = mpsc::channel();
            sender.send(Turn { asked, answer }).ok()?;
            answered.recv().ok()
        })?;
        Ok(Self { address, turns })
    }

    /// Starts a function, lets it answer these events one after the other, and ends it.
    ///
    /// # Errors
    /// It does not start, reports an error, or takes too long.
    pub(super) fn run(&self, function: &Function, events: &[Value]) -> Result<Run> {
        let mut command = self.command(function)?;
        let began = Instant::now();
        let process = Process(
            command
                .spawn()
                .saying(format!("cannot start {}", function.name))?,
        );
        let mut poll = self.turn(function, "/next")?;
        let start = poll.asked.at.duration_since(began);
        let mut answers = Vec::new();
        for (number, event) in events.iter().enumerate() {
            poll.reply(200, invocation(function, number), event.to_string());
            let response = self.turn(function, "/response")?;
            answers.push(serde_json::from_slice(&response.asked.body).unwrap_or_default());
            response.reply(202, Vec::new(), String::new());
            poll = self.turn(function, "/next")?;
        }
        let peak = process.peak()?;
        Ok(Run {
            start,
            peak,
            answers,
        })
    }

    /// The function's next request, which must be this one.
    fn turn(&self, function: &Function, path: &str) -> Result<Turn> {
        let turn = self.turns.recv_timeout(PATIENCE).map_err(|_| {
            Trouble::new(format!(
                "{} says nothing; see {}",
                function.name,
                function.log.display()
            ))
        })?;
        if turn.asked.path.ends_with(path) {
            return Ok(turn);
        }
        Err(Trouble::new(format!(
            "{} calls {} with {}; see {}",
            function.name,
            turn.asked.path,
            String::from_utf8_lossy(&turn.asked.body),
            function.log.display()
        )))
    }

    /// The environment that Lambda gives, and nothing of this shell: without a home no file of the user is read.
    fn command(&self, function: &Function) -> Result<Command> {
        let unwritable = || format!("cannot write {}", function.log.display());
        let log = File::create(&function.log).saying(unwritable())?;
        let mut command = Command::new(&function.binary);
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", self.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", function.name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .envs(function.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone().saying(unwritable())?)
            .stderr(log);
        Ok(command)
    }
}

impl Turn {
    /// A function that is gone hears nothing; the next wait shows it.
    fn reply(self, status: u16, headers: Vec<(&'static str, String)>, body: String) {
        let _ = self.answer.send(Answer {
            status,
            headers,
            body,
        });
    }
}

fn invocation(function: &Function, number: usize) -> Vec<(&'static str, String)> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let deadline = now.unwrap_or_default() + TIMEOUT;
    let arn = format!(
        "arn:aws:lambda:{REGION}:000000000000:function:{}",
        function.name
    );
    vec![
        ("lambda-runtime-aws-request-id", format!("bench-{number}")),
        (
            "lambda-runtime-deadline-ms",
            deadline.as_millis().to_string(),
        ),
        ("lambda-runtime-invoked-function-arn", arn),
    ]
}

/// A running function. Ends with us.
struct Process(Child);

impl Process {
    /// The kernel's own high-water mark.
    fn peak(&self) -> Result<u32> {
        let file = format!("/proc/{}/status", self.0.id());
        let text = std::fs::read_to_string(&file).saying("memory can only be read on Linux")?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.saying(format!("{file} does not name the peak"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
