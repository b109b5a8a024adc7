//! Processes that we start, and end by their id: only these, and only while they are still what we started.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::trouble::{Result, Saying};

const PATIENCE: Duration = Duration::from_secs(15);

/// A process as the record names it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Started {
    /// Our name for it.
    pub name: String,
    /// Its id.
    pub pid: u32,
    /// A part of its command line, by which we know it again: ids are used anew.
    pub mark: String,
}

/// How long a process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Until `down`.
    UntilDown,
    /// No longer than us: it watches a pipe that closes when we end, however we end.
    WithUs,
}

/// Starts a process beside us, in its own group, with its output in a log file.
///
/// # Errors
/// It cannot be started.
pub fn start(
    name: &str,
    mark: &str,
    mut command: Command,
    log: &Path,
    life: Life,
) -> Result<(Started, Child)> {
    let output = File::create(log).saying(format!("cannot write {}", log.display()))?;
    let errors = output
        .try_clone()
        .saying(format!("cannot write {}", log.display()))?;
    command.stdout(output).stderr(errors).process_group(0);
    command.stdin(if life == Life::WithUs {
        Stdio::piped()
    } else {
        Stdio::null()
    });
    let mut child = command.spawn().saying(format!("cannot start {name}"))?;
    let started = Started {
        name: name.to_owned(),
        pid: child.id(),
        mark: mark.to_owned(),
    };
    // For an instant a fresh process has no command line yet, and could not be told from a foreign one.
    let begun = Instant::now();
    while !started.runs()
        && begun.elapsed() < PATIENCE
        && child.try_wait().is_ok_and(|ended| ended.is_none())
    {
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok((started, child))
}

impl Started {
    /// Whether it still runs and still is what we started.
    #[must_use]
    pub fn runs(&self) -> bool {
        command_line(self.pid).is_some_and(|line| line.contains(&self.mark))
    }

    /// Ends it: kindly, then not.
    pub fn end(&self, child: Option<&mut Child>) {
        let mut child = child;
        for signal in ["-TERM", "-KILL"] {
            if !self.runs() {
                break;
            }
            // `kill` is a part of every shell; the library has no safe way to signal a process that is not our child.
            let _ = Command::new("sh")
                .args(["-c", "kill \"$0\" \"$1\"", signal, &self.pid.to_string()])
                .status();
            let begun = Instant::now();
            while self.runs() && begun.elapsed() < PATIENCE {
                // A child that ended still has an id until somebody asks how it ended.
                if let Some(child) = child.as_mut() {
                    let _ = child.try_wait();
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

/// The command line of a process, or `None` if there is no such process.
fn command_line(pid: u32) -> Option<String> {
    let file = PathBuf::from(format!("/proc/{pid}/cmdline"));
    let line = if Path::new("/proc/self").exists() {
        std::fs::read(file)
            .ok()
            .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
    } else {
        let listed = Command::new("ps")
            .args(["-o", "command=", "-p", &pid.to_string()])
            .output()
            .ok();
        listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    line.filter(|line| !line.trim().is_empty())
}

/// What stands in a record; nothing if there is none.
#[must_use]
pub fn recorded(file: &Path) -> Vec<Started> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Writes the record.
///
/// # Errors
/// The file cannot be written.
pub fn record(file: &Path, started: &[Started]) -> Result<()> {
    let text = serde_json::to_string_pretty(started)
        .saying("the record of processes cannot be written")?;
    std::fs::write(file, text).saying(format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_what_it_started_and_nothing_else() {
        let log = std::env::temp_dir().join(format!("bridge-process-{}", std::process::id()));
        let mut sleep = Command::new("sleep");
        sleep.arg("600");
        let (started, mut child) =
            start("a sleeper", "sleep 600", sleep, &log, Life::UntilDown).expect("starts");
        assert!(started.runs());
        let other = Started {
            mark: "another program".into(),
            ..started.clone()
        };
        assert!(!other.runs(), "an id that is used anew is not ours");
        other.end(None);
        assert!(started.runs());
        started.end(Some(&mut child));
        assert!(!started.runs());
        std::fs::remove_file(log).expect("ends");
    }
}
