//! The functions, built for this machine.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::paths;
use super::tools::{DEPLOYER, EMULATOR};
use crate::say::{Step, Steps};
use crate::trouble::{Result, Saying, Trouble};

/// Where the template looks for the functions, below the folder that holds the template.
const FUNCTIONS: &str = "target/lambda";

/// Sets up the tools and builds the functions, beside each other; then puts template and functions under `target/local`,
/// where no real deploy will ever look.
///
/// # Errors
/// A tool cannot be installed, or the code does not compile.
pub async fn everything(steps: &Steps) -> Result<()> {
    let local = paths::local();
    std::fs::create_dir_all(&local).saying(format!("cannot make {}", local.display()))?;
    // Two of us at once would install into the same folders.
    let lock =
        std::fs::File::create(local.join("lock")).saying("cannot write target/local/lock")?;
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await;
    let lock = lock
        .saying("cannot wait for target/local/lock")?
        .saying("cannot lock target/local/lock")?;

    let job = Job {
        host: host().await?,
        functions: functions_of(&paths::root().join("template.yaml"))?,
    };
    let (emulator, deployer, compiled) = tokio::join!(
        EMULATOR.ready(steps),
        DEPLOYER.ready(steps),
        job.compile(steps)
    );
    compiled?;
    emulator?;
    deployer?;
    job.package(steps).await?;
    drop(lock);
    Ok(())
}

/// What is built, and for which machine.
struct Job {
    host: String,
    functions: Vec<String>,
}

impl Job {
    /// Every package is selected and only the functions are built: so the packages they share have the features that
    /// `cargo test --workspace` gives them, and are compiled once for both.
    fn arguments(&self) -> Vec<&str> {
        let functions = self
            .functions
            .iter()
            .flat_map(|function| ["--bin", function.as_str()]);
        ["--target", self.host.as_str()]
            .into_iter()
            .chain(functions)
            .collect()
    }

    /// The compiling, begun before the tool that packages is there: it runs the same command, so nothing is done twice.
    async fn compile(&self, steps: &Steps) -> Result<()> {
        let step = steps.begin("compiling the functions");
        let mut cargo = Command::new(cargo());
        cargo
            .current_dir(paths::root())
            .args(["build", "--color", "never"])
            .args(self.arguments());
        run(cargo, &step, "cargo build").await?;
        step.done();
        Ok(())
    }

    async fn package(&self, steps: &Steps) -> Result<()> {
        let step = steps.begin("packaging the functions");
        let folder = paths::local().join(FUNCTIONS);
        let mut lambda = Command::new(DEPLOYER.program("cargo-lambda"));
        lambda.current_dir(paths::root()).args([
            "lambda",
            "build",
            "--compiler",
            "cargo",
            "--lambda-dir",
        ]);
        lambda.arg(&folder).args(self.arguments());
        run(lambda, &step, "cargo lambda build").await?;
        for name in ["template.yaml", "samconfig.toml"] {
            let copied = std::fs::copy(paths::root().join(name), paths::local().join(name));
            copied.saying(format!("cannot copy {name} to target/local"))?;
        }
        for function in &self.functions {
            strip(&folder.join(function).join("bootstrap")).await?;
        }
        step.done();
        Ok(())
    }
}

/// The functions that a template packages, by the folder names in its `CodeUri` lines.
///
/// # Errors
/// The template cannot be read.
pub fn functions_of(template: &Path) -> Result<Vec<String>> {
    let text =
        std::fs::read_to_string(template).saying(format!("cannot read {}", template.display()))?;
    let folders = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("CodeUri:"))
        .map(str::trim);
    Ok(folders
        .filter_map(|path| path.trim_matches('/').rsplit('/').next().map(str::to_owned))
        .collect())
}

/// A debug binary is ten times the size of its code; the emulator copies it for every process it starts.
async fn strip(binary: &Path) -> Result<()> {
    if !binary.exists() {
        return Err(Trouble::new(format!(
            "the build made no {}; the template names a function that does not exist",
            binary.display()
        )));
    }
    // Without the program the stack works too, only slower.
    let _ = Command::new("strip")
        .arg(binary)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    Ok(())
}

/// The triple of this machine.
async fn host() -> Result<String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .current_dir(paths::root())
        .output()
        .await;
    let output = output
        .map_err(|_| Trouble::new("rustc is missing; install Rust from https://rustup.rs."))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .saying("rustc does not say which machine this is")
}

/// The cargo that runs us, or the one on the path.
#[must_use]
pub fn cargo() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from)
}

/// Runs a program, shows what it is at, and on failure tells everything it said.
async fn run(mut command: Command, step: &Step, name: &str) -> Result<()> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().saying(format!("cannot run {name}"))?;
    let mut said = Vec::new();
    if let Some(errors) = child.stderr.take() {
        let mut lines = BufReader::new(errors).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            step.note(line.trim());
            said.push(line);
        }
    }
    let status = child
        .wait()
        .await
        .saying(format!("cannot wait for {name}"))?;
    if status.success() {
        return Ok(());
    }
    let said = said
        .into_iter()
        .filter(|line| !line.trim_start().starts_with("Compiling "))
        .collect::<Vec<_>>();
    Err(Trouble::new(format!("{name} failed:\n{}", said.join("\n"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_functions_are_found() {
        let file = std::env::temp_dir().join(format!("bridge-template-{}", std::process::id()));
        let text = "Resources:\n  A:\n    Properties:\n      CodeUri: target/lambda/webhook/\n  B:\n      CodeUri: target/lambda/push-rule\n";
        std::fs::write(&file, text).expect("written");
        assert_eq!(functions_of(&file).expect("read"), ["webhook", "push-rule"]);
        std::fs::remove_file(file).expect("ends");
    }
}
