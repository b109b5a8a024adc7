//! What the emulator wrote down while the end-to-end tests ran.

use std::{collections::BTreeSet, path::Path, sync::LazyLock};

use bridge_tests::{local::paths, world};
use serde::Deserialize;
use serde_json::{Map, Value};

/// One line of the record.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Grant(Grant),
    Use(Use),
    Invocation(Invocation),
    Secret { secret: String },
}

/// A statement of a deployed role's policies.
#[derive(Debug, Deserialize)]
pub(crate) struct Grant {
    pub(crate) role: String,
    pub(crate) effect: String,
    pub(crate) may: Vec<String>,
    pub(crate) on: Vec<String>,
    #[serde(rename = "where")]
    pub(crate) conditions: Map<String, Value>,
}

/// A call under a role. Repeats are left out.
#[derive(Debug, Deserialize)]
pub(crate) struct Use {
    pub(crate) role: String,
    pub(crate) did: String,
    pub(crate) to: String,
    /// What the partition keys began with, up to the first `#`.
    pub(crate) rows: BTreeSet<String>,
    pub(crate) allowed: bool,
}

/// One run of a function.
#[derive(Debug, Deserialize)]
pub(crate) struct Invocation {
    pub(crate) function: String,
    pub(crate) role: String,
    pub(crate) event: Value,
    pub(crate) answer: Value,
    pub(crate) log: Option<String>,
}

/// Everything that was written down.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) grants: Vec<Grant>,
    pub(crate) uses: Vec<Use>,
    pub(crate) invocations: Vec<Invocation>,
    pub(crate) secrets: Vec<String>,
}

static RECORD: LazyLock<Result<Record, String>> = LazyLock::new(read);

/// The record of a whole run.
pub(crate) fn whole() -> &'static Record {
    RECORD.as_ref().unwrap_or_else(|why| {
        panic!(
            "{why}; `cargo test --package bridge-tests --test e2e` makes a record of a whole run"
        )
    })
}

fn read() -> Result<Record, String> {
    let taken = std::fs::read_to_string(world::who_took_part()).unwrap_or_default();
    let taken: BTreeSet<&str> = taken.lines().collect();
    let absent: Vec<String> = tests()
        .into_iter()
        .filter(|name| !taken.contains(name.as_str()))
        .collect();
    if !absent.is_empty() {
        let (count, first) = (absent.len(), &absent[0]);
        return Err(format!(
            "the last end-to-end run was not a whole one: {count} tests took no part, {first} among them"
        ));
    }
    let file = world::dir().record();
    let text =
        std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut record = Record::default();
    for line in text.lines() {
        match serde_json::from_str(line).map_err(|error| format!("{}: {error}", file.display()))? {
            Line::Grant(grant) => record.grants.push(grant),
            Line::Use(used) => record.uses.push(used),
            Line::Invocation(run) => record.invocations.push(run),
            Line::Secret { secret } => record.secrets.push(secret),
        }
    }
    Ok(record)
}

/// The names of all end-to-end tests, from their sources.
fn tests() -> BTreeSet<String> {
    let folder = paths::root().join("tests/e2e");
    let files = std::fs::read_dir(folder).unwrap();
    files
        .flat_map(|file| tests_of(&file.unwrap().path()))
        .collect()
}

fn tests_of(file: &Path) -> Vec<String> {
    let module = file.file_stem().unwrap().to_str().unwrap().to_owned();
    let text = std::fs::read_to_string(file).unwrap();
    let tests = text.split("#[tokio::test]\nasync fn ").skip(1);
    tests
        .map(|rest| format!("{module}::{}", rest.split('(').next().unwrap()))
        .collect()
}

impl Record {
    /// The runs of a function, by the name that follows the stack's.
    pub(crate) fn runs_of<'a>(&'a self, function: &str) -> impl Iterator<Item = &'a Invocation> {
        self.invocations
            .iter()
            .filter(move |run| short(&run.function) == function)
    }
}

/// What follows the stack's name.
pub(crate) fn short(name: &str) -> &str {
    name.strip_prefix("loyalty-bridge-local-").unwrap_or(name)
}
