//! Which command is asked for, and the form of every answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use loyalty::HashKey;
use platform::{Clock, Inbox, Queue, Secrets, Stores, Table};
use serde_json::{Value, json};
use vendors::{Fault, Section};

/// Carries commands out.
pub(crate) struct Operator {
    pub(crate) table: Arc<dyn Table>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) stores: Stores,
    pub(crate) inbox: Inbox,
    pub(crate) secrets: Arc<dyn Secrets>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) api_url: String,
    pub(crate) secret_prefix: String,
    /// The destinations that this stack was deployed with.
    pub(crate) deployed: BTreeSet<&'static str>,
    /// The queue of each of them: name to URL.
    pub(crate) queues: BTreeMap<String, String>,
    /// The stack's key for ids.
    pub(crate) hash_key: HashKey,
}

#[derive(Clone, Copy)]
enum Command {
    PutStore,
    Simulate,
}

impl Operator {
    /// Carries one command out: `{"ok": true, …}`, or `{"ok": false, "faults": [{"path", "message"}]}`.
    pub(crate) async fn answer(&self, mut asked: Value) -> Value {
        let result = match command(&mut asked) {
            Ok(Command::PutStore) => self.put_store(asked).await,
            Ok(Command::Simulate) => self.simulate(asked).await,
            Err(faults) => Err(faults),
        };
        result.unwrap_or_else(|faults| json!({"ok": false, "faults": faults}))
    }
}

/// Takes the command's name out of what was asked; the rest is the command's own.
fn command(asked: &mut Value) -> Result<Command, Vec<Fault>> {
    const COMMANDS: [(&str, Command); 2] = [
        ("put_store", Command::PutStore),
        ("simulate", Command::Simulate),
    ];
    let named = asked
        .as_object_mut()
        .and_then(|asked| asked.remove("command"));
    let mut faults = Vec::new();
    let mut section = Section::root(json!({"command": named}), &mut faults);
    let missing = named.is_none();
    let command = section.one_of("command", &COMMANDS, Command::PutStore);
    if missing {
        let all: Vec<_> = COMMANDS.iter().map(|(name, _)| *name).collect();
        section.fault(
            "command",
            format!("is missing; the commands are {}", all.join(", ")),
        );
    }
    if faults.is_empty() {
        Ok(command)
    } else {
        Err(faults)
    }
}

/// One fault that is not about a key of the command.
pub(crate) fn fault(path: &str, message: impl std::fmt::Display) -> Vec<Fault> {
    vec![Fault {
        path: path.to_owned(),
        message: message.to_string(),
    }]
}
