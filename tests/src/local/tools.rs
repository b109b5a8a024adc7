//! The pinned tools, in virtual environments of their own because their versions of one AWS library differ.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::paths;
use crate::say::Steps;
use crate::trouble::{Result, Saying, Trouble};

/// One virtual environment.
#[derive(Debug)]
pub struct Tool {
    /// Its folder below `target/local/tools`.
    pub(super) folder: &'static str,
    /// What it is, for a person who waits for it.
    pub(super) what: &'static str,
    /// Its packages, with their versions.
    pub(super) packages: &'static [&'static str],
}

/// The emulator of AWS.
pub const EMULATOR: Tool = Tool {
    folder: "ministack",
    what: "the emulator of AWS",
    packages: &["ministack[full]==1.5.33"],
};

/// What builds and deploys.
pub const DEPLOYER: Tool = Tool {
    folder: "sam",
    what: "the tools that build and deploy",
    packages: &["aws-sam-cli==1.170.0", "cargo-lambda==1.9.2"],
};

/// The oldest Python that works.
pub const PYTHON: (u32, u32) = (3, 10);

impl Tool {
    fn home(&self) -> PathBuf {
        paths::local().join("tools").join(self.folder)
    }

    /// A program of this environment.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.home().join("bin").join(name)
    }

    /// A search path on which the programs of this environment come first: one of them looks for another.
    #[must_use]
    pub fn path(&self) -> std::ffi::OsString {
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let folders =
            std::iter::once(self.home().join("bin")).chain(std::env::split_paths(&inherited));
        std::env::join_paths(folders).unwrap_or(inherited)
    }

    /// Makes sure that it is installed. Quick if it is.
    ///
    /// # Errors
    /// Python is missing or too old, or the packages cannot be installed.
    pub async fn ready(&self, steps: &Steps) -> Result<()> {
        let stamp = self.home().join("installed");
        let wanted = self.packages.join(" ");
        if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        let step = steps.begin(&format!("installing {} (once)", self.what));
        let python = python().await?;
        let home = self.home();
        if home.exists() {
            std::fs::remove_dir_all(&home).saying(format!("cannot clear {}", home.display()))?;
        }
        let log = |output: &std::process::Output| {
            String::from_utf8_lossy(&output.stderr).trim().to_owned()
        };
        let made = Command::new(&python)
            .args(["-m", "venv"])
            .arg(&home)
            .output()
            .await;
        let made = made.saying("cannot run Python")?;
        if !made.status.success() {
            return Err(Trouble::new(format!(
                "Python cannot make a virtual environment: {}",
                log(&made)
            )));
        }
        // Compiling every module ahead takes longer than compiling the few that are ever loaded.
        let mut pip = Command::new(self.program("python"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-input",
            "--no-compile",
            "--disable-pip-version-check",
        ]);
        let installed = pip
            .args(self.packages)
            .output()
            .await
            .saying("cannot run pip")?;
        if !installed.status.success() {
            return Err(Trouble::new(install_failed(&wanted, &log(&installed))));
        }
        std::fs::write(&stamp, &wanted).saying(format!("cannot write {}", stamp.display()))?;
        step.done();
        Ok(())
    }
}

fn install_failed(packages: &str, log: &str) -> String {
    let why = if log.contains("No space left") {
        "the disk is full; about 1.5 GB are needed under target/"
    } else {
        "pip needs the network the first time"
    };
    format!("cannot install {packages}: {why}.\n{log}")
}

/// The Python to use: new enough, and able to make virtual environments.
async fn python() -> Result<PathBuf> {
    let mut seen = None;
    for name in ["python3", "python"] {
        let ask = "import sys; print(*sys.version_info[:2])";
        let Ok(output) = Command::new(name).args(["-c", ask]).output().await else {
            continue;
        };
        let text = String::from_utf8_lossy(&output.stdout);
        let mut numbers = text
            .split_whitespace()
            .filter_map(|number| number.parse::<u32>().ok());
        let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) else {
            continue;
        };
        if (major, minor) >= PYTHON {
            return with_venv(Path::new(name)).await;
        }
        seen = Some(format!("{major}.{minor}"));
    }
    let (major, minor) = PYTHON;
    Err(Trouble::new(match seen {
        Some(version) => {
            format!("Python {version} is too old; Python {major}.{minor} or newer is needed.")
        }
        None => format!("python3 is missing; install Python {major}.{minor} or newer."),
    }))
}

async fn with_venv(python: &Path) -> Result<PathBuf> {
    let checked = Command::new(python)
        .args(["-c", "import venv, ensurepip"])
        .output()
        .await
        .saying("cannot run Python")?;
    if checked.status.success() {
        Ok(python.to_owned())
    } else {
        Err(Trouble::new(
            "Python has no venv module; install it (Debian and Ubuntu: the package python3-venv).",
        ))
    }
}
