//! Lambda's runtime API, for one function at a time: starts the function, hands it events, looks at its memory.

use std::ffi::OsString;
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

/// How many times a function is started to tell how long that takes.
const STARTS: usize = 9;

/// A function as it was built.
#[derive(Debug)]
pub(super) struct Function {
    /// Its name in the template.
    pub(super) name: &'static str,
    /// What is run: the binary itself, or what interprets it.
    pub(super) program: PathBuf,
    /// What it is started with.
    pub(super) arguments: Vec<OsString>,
    /// What it is told beside what Lambda tells.
    pub(super) environment: Vec<(&'static str, String)>,
    /// Where it writes.
    pub(super) log: PathBuf,
}

/// A function that runs, and waits for its next event.
#[derive(Debug)]
pub(super) struct Life<'a> {
    runtime: &'a Runtime,
    function: &'a Function,
    process: Process,
    poll: Turn,
    invocations: usize,
    /// From before the process was made to its first poll; of a measured life that of [`Runtime::start_of`].
    pub(super) start: Duration,
    /// From handing it the last event to the arrival of its answer.
    pub(super) took: Duration,
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

    /// Starts a function. It ends with what is given back.
    ///
    /// # Errors
    /// It does not start, or takes too long.
    pub(super) fn start_one<'a>(&'a self, function: &'a Function) -> Result<Life<'a>> {
        let mut command = self.command(function)?;
        let began = Instant::now();
        let process = Process(
            command
                .spawn()
                .saying(format!("cannot start {}", function.name))?,
        );
        let poll = self.turn(function, "/next")?;
        Ok(Life {
            start: poll.asked.at.duration_since(began),
            took: Duration::ZERO,
            runtime: self,
            function,
            process,
            poll,
            invocations: 0,
        })
    }

    /// How long the function takes to start: the median of several times in a row, because one after other work finds every
    /// cache of the machine cold.
    ///
    /// # Errors
    /// It does not start, or takes too long.
    pub(super) fn start_of(&self, function: &Function) -> Result<Duration> {
        let starts = (0..STARTS).map(|_| Ok(self.start_one(function)?.start));
        let mut starts = starts.collect::<Result<Vec<_>>>()?;
        starts.sort();
        Ok(starts[STARTS / 2])
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
        let mut command = Command::new(&function.program);
        command
            .args(&function.arguments)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", self.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", function.name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_REGION", REGION)
            .env("AWS_DEFAULT_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .envs(function.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone().saying(unwritable())?)
            .stderr(log);
        Ok(command)
    }
}

impl Life<'_> {
    /// Hands it an event; gives its answer, once it asks for the next.
    ///
    /// # Errors
    /// It reports an error, or takes too long.
    pub(super) fn invoke(&mut self, event: &Value) -> Result<Value> {
        self.invocations += 1;
        let headers = invocation(self.function, self.invocations);
        let event = event.to_string();
        let handed = Instant::now();
        self.poll.reply(200, headers, event);
        let response = self.runtime.turn(self.function, "/response")?;
        self.took = response.asked.at.duration_since(handed);
        let answer = serde_json::from_slice(&response.asked.body).unwrap_or_default();
        response.reply(202, Vec::new(), String::new());
        self.poll = self.runtime.turn(self.function, "/next")?;
        Ok(answer)
    }

    /// The function's name.
    pub(super) fn name(&self) -> &'static str {
        self.function.name
    }

    /// The processor time that it took so far, all its threads together.
    ///
    /// # Errors
    /// This is no Linux.
    pub(super) fn on_cpu(&self) -> Result<Duration> {
        self.process.on_cpu()
    }

    /// The most memory that it ever held, in KiB.
    ///
    /// # Errors
    /// This is no Linux.
    pub(super) fn peak(&self) -> Result<u32> {
        self.process.peak()
    }

    /// How many bytes it has written to its log.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(super) fn logged(&self) -> Result<u64> {
        let log = &self.function.log;
        let about = std::fs::metadata(log).saying(format!("cannot read {}", log.display()))?;
        Ok(about.len())
    }
}

impl Turn {
    /// A function that is gone hears nothing; the next wait shows it.
    fn reply(&self, status: u16, headers: Vec<(&'static str, String)>, body: String) {
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
#[derive(Debug)]
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

    /// Each thread's own account is in nanoseconds, but goes with the thread; the process's keeps all, in ticks of 10 ms.
    fn on_cpu(&self) -> Result<Duration> {
        let folder = format!("/proc/{}", self.0.id());
        let unreadable = || format!("cannot read {folder}; measuring needs Linux");
        let mut threads = Duration::ZERO;
        for thread in std::fs::read_dir(format!("{folder}/task")).saying(unreadable())? {
            let file = thread.saying(unreadable())?.path().join("schedstat");
            // A thread that just ended has none.
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let nanos = text.split_whitespace().next().map(str::parse);
            threads += Duration::from_nanos(nanos.and_then(Result::ok).unwrap_or_default());
        }
        let stat = std::fs::read_to_string(format!("{folder}/stat")).saying(unreadable())?;
        Ok(threads.max(ticks(&stat)))
    }
}

/// `utime` and `stime` in a line of `/proc/<pid>/stat`, in ticks of 10 ms. The program's name before them may hold
/// anything, spaces too.
fn ticks(stat: &str) -> Duration {
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let both = after.split_whitespace().skip(11).take(2);
    let ticks: u64 = both.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stand_behind_the_programs_name() {
        let stat = "77 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 31 11 0 0 20 0";
        assert_eq!(ticks(stat), Duration::from_millis(420));
        assert_eq!(ticks(""), Duration::ZERO);
    }
}
