//! What is measured, built for this machine: the functions, their packages, and the example that times the pure code.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::local::{build, paths};
use crate::trouble::{Result, Saying, Trouble};

/// What a build made, by name.
#[derive(Debug)]
pub(super) struct Executables(BTreeMap<String, PathBuf>);

impl Executables {
    /// The functions as `deploy` selects them: what only the tests ask of a dependency stays out.
    ///
    /// # Errors
    /// The build fails.
    pub(super) async fn functions(profile: &str) -> Result<Self> {
        let functions = ["--workspace", "--exclude", "bridge-tests", "--bins"];
        Self::built(profile, &functions).await
    }

    /// The example that times a body's way to a request.
    ///
    /// # Errors
    /// The build fails.
    pub(super) async fn mapping(profile: &str) -> Result<Self> {
        Self::built(profile, &["--package", "vendors", "--example", "mapping"]).await
    }

    /// The example that counts what recorder and pusher do in a second.
    ///
    /// # Errors
    /// The build fails.
    pub(super) async fn throughput(profile: &str) -> Result<Self> {
        let example = ["--package", "bridge-tests", "--example", "throughput"];
        Self::built(profile, &example).await
    }

    async fn built(profile: &str, what: &[&str]) -> Result<Self> {
        let mut cargo = Command::new(build::cargo());
        cargo
            .current_dir(paths::root())
            .args(["build", "--locked", "--quiet", "--profile", profile])
            .arg("--message-format=json-render-diagnostics")
            .args(what)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = cargo.output().await.saying("cannot run cargo build")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Trouble::new(format!("cargo build failed:\n{said}")));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(Self(text.lines().filter_map(executable).collect()))
    }

    /// The file of this name.
    ///
    /// # Errors
    /// The build made none.
    pub(super) fn of(&self, name: &str) -> Result<&Path> {
        let file = self.0.get(name).map(PathBuf::as_path);
        file.saying(format!("the build made no {name}"))
    }
}

/// The name and the file in one of cargo's messages, whether the file is new or was fresh already.
fn executable(message: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(message).ok()?;
    let name = message["target"]["name"].as_str()?;
    let file = message["executable"].as_str()?;
    Some((name.to_owned(), file.into()))
}

/// The size of the package that AWS gets, in MB: made by the same library that `sam deploy` packs with.
///
/// # Errors
/// It cannot be made.
pub(super) async fn zip(name: &str, binary: &Path, folder: &Path) -> Result<f64> {
    let folder = folder.join(name);
    fs::create_dir_all(&folder).saying(format!("cannot make {}", folder.display()))?;
    fs::copy(binary, folder.join("bootstrap")).saying(format!("cannot copy {name}"))?;
    let packed = Command::new("python3")
        .args(["-m", "zipfile", "-c", "function.zip", "bootstrap"])
        .current_dir(&folder)
        .status();
    if !packed.await.saying("cannot run python3")?.success() {
        return Err(Trouble::new(format!("cannot pack {name}")));
    }
    let package = fs::metadata(folder.join("function.zip"));
    let size = package.saying("cannot read the package's size")?.len();
    let size = u32::try_from(size).saying("the package is too large for any function")?;
    Ok(f64::from(size) / 1e6)
}

/// The processor time of one event in pure code, in µs: what webhook cuts, and the way from the rest to Rule's request.
/// Each is the median over all bodies in `events/yotpo`.
///
/// # Errors
/// The example does not run.
pub(super) async fn ways(mapping: &Path) -> Result<[f64; 2]> {
    let output = Command::new(mapping).output().await;
    let output = output.saying("cannot run the example `mapping`")?;
    let text = String::from_utf8_lossy(&output.stdout);
    medians(&text).saying("the example `mapping` ends without its medians")
}

/// Messages that recorder and pusher work through in a second of processor time, on ports in memory.
///
/// # Errors
/// The example does not run.
pub(super) async fn rates(throughput: &Path) -> Result<[f64; 2]> {
    let output = Command::new(throughput).output().await;
    let output = output.saying("cannot run the example `throughput`")?;
    let text = String::from_utf8_lossy(&output.stdout);
    both(&text).saying("the example `throughput` ends without its rates")
}

fn both(text: &str) -> Option<[f64; 2]> {
    let rate = |name: &str| text.lines().find_map(|line| line.strip_suffix(name));
    let number = |name: &str| rate(name)?.trim().parse().ok();
    Some([number("recorder")?, number("pusher")?])
}

fn medians(text: &str) -> Option<[f64; 2]> {
    let last = text.lines().last()?.strip_suffix("median")?;
    let mut numbers = last.split_whitespace().map(str::parse);
    Some([numbers.next()?.ok()?, numbers.next()?.ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_messages_name_executables() {
        let made = r#"{"reason":"compiler-artifact","target":{"name":"webhook"},"executable":"/t/webhook"}"#;
        let library =
            r#"{"reason":"compiler-artifact","target":{"name":"vendors"},"executable":null}"#;
        assert_eq!(
            executable(made),
            Some(("webhook".to_owned(), "/t/webhook".into()))
        );
        assert_eq!(executable(library), None);
        assert_eq!(executable("not json"), None);
    }

    #[test]
    fn the_rates_are_read_by_name() {
        assert_eq!(both("7100 recorder\n5200 pusher\n"), Some([7100.0, 5200.0]));
        assert_eq!(both("7100 recorder\n"), None);
    }

    #[test]
    fn the_examples_last_line_holds_the_medians() {
        let text = "  trim µs    way µs  bytes\n     1.00      2.00    900 a.json\n     1.50      7.25 median\n";
        assert_eq!(medians(text), Some([1.5, 7.25]));
        assert_eq!(medians("nothing"), None);
    }
}
