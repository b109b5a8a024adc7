//! Which command is asked for, and the form of every answer.

use std::{collections::BTreeMap, sync::Arc};

use delivery::{List, Wire};
use loyalty::HashKey;
use platform::{Clock, Inbox, Queue, Secrets, Stores, Table};
use serde_json::{Value, json};
use vendors::{Fault, Section};

/// Where dead letters stand, and where they came from.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    /// URL of the dead-letter queue.
    pub from: String,
    /// URL of the queue that they go back to.
    pub to: String,
}

/// Carries commands out.
pub struct Operator {
    /// The table.
    pub table: Arc<dyn Table>,
    /// The queues.
    pub queue: Arc<dyn Queue>,
    /// Store settings.
    pub stores: Stores,
    /// The inbox.
    pub inbox: Inbox,
    /// The secrets: whether they exist.
    pub secrets: Arc<dyn Secrets>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Base of the webhooks' URLs.
    pub api_url: String,
    /// The first part of every secret's name.
    pub secret_prefix: String,
    /// The queue of each destination that this stack was deployed with: name to URL.
    pub queues: BTreeMap<String, String>,
    /// The dead letters of the inbox and of each destination, by name.
    pub dead_letters: BTreeMap<String, DeadLetters>,
    /// The way to each vendor that a person may look at, by the connection's name.
    pub wires: BTreeMap<String, Arc<dyn Wire>>,
    /// The stack's key for ids.
    pub hash_key: HashKey,
}

#[derive(Clone, Copy)]
enum Command {
    AdjustPoints,
    Check,
    Emit,
    Erase,
    Export,
    Lines,
    List(List),
    Member,
    Pause,
    Provision,
    PutStore,
    Redrive,
    RefreshRewards,
    Repairs,
    Replay,
    Resume,
    Simulate,
    SyncGorgias,
}

/// Every command by its name.
const COMMANDS: [(&str, Command); 20] = [
    ("put_store", Command::PutStore),
    ("check", Command::Check),
    ("provision", Command::Provision),
    ("simulate", Command::Simulate),
    ("rejected", Command::List(List::Rejected)),
    ("unconfirmed", Command::List(List::Unconfirmed)),
    ("parked", Command::List(List::Parked)),
    ("member", Command::Member),
    ("replay", Command::Replay),
    ("redrive", Command::Redrive),
    ("lines", Command::Lines),
    ("repairs", Command::Repairs),
    ("refresh_rewards", Command::RefreshRewards),
    ("emit", Command::Emit),
    ("sync_gorgias", Command::SyncGorgias),
    ("adjust_points", Command::AdjustPoints),
    ("pause", Command::Pause),
    ("resume", Command::Resume),
    ("erase", Command::Erase),
    ("export", Command::Export),
];

impl Operator {
    /// The name of every command.
    pub fn commands() -> impl Iterator<Item = &'static str> {
        COMMANDS.iter().map(|(name, _)| *name)
    }

    /// Carries one command out: `{"ok": true, …}`, or `{"ok": false, "faults": [{"path", "message"}]}`.
    pub async fn answer(&self, mut asked: Value) -> Value {
        let result = match command(&mut asked) {
            Ok(Command::PutStore) => self.put_store(asked).await,
            Ok(Command::Check) => Box::pin(self.check(asked)).await,
            Ok(Command::Provision) => Box::pin(self.provision(asked)).await,
            Ok(Command::Simulate) => self.simulate(asked).await,
            Ok(Command::List(list)) => self.list(list, asked).await,
            Ok(Command::Member) => self.member(asked).await,
            Ok(Command::Replay) => Box::pin(self.replay(asked)).await,
            Ok(Command::Redrive) => self.redrive(asked).await,
            Ok(Command::Lines) => self.all_lines(asked).await,
            Ok(Command::Repairs) => self.repairs(asked).await,
            Ok(Command::RefreshRewards) => Box::pin(self.refresh_rewards(asked)).await,
            Ok(Command::Emit) => Box::pin(self.emit(asked)).await,
            Ok(Command::SyncGorgias) => Box::pin(self.sync_gorgias(asked)).await,
            Ok(Command::AdjustPoints) => self.adjust_points(asked).await,
            Ok(Command::Pause) => self.pause(asked).await,
            Ok(Command::Resume) => self.resume(asked).await,
            Ok(Command::Erase) => Box::pin(self.erase(asked)).await,
            Ok(Command::Export) => self.export(asked).await,
            Err(faults) => Err(faults),
        };
        result.unwrap_or_else(|faults| json!({"ok": false, "faults": faults}))
    }

    /// The destinations that this stack was deployed with.
    pub(crate) fn deployed(&self) -> impl Iterator<Item = &str> {
        self.queues.keys().map(String::as_str)
    }
}

/// Takes the command's name out of what was asked; the rest is the command's own.
fn command(asked: &mut Value) -> Result<Command, Vec<Fault>> {
    let named = asked
        .as_object_mut()
        .and_then(|asked| asked.remove("command"));
    let mut faults = Vec::new();
    let mut section = Section::root(json!({"command": named}), &mut faults);
    let missing = named.is_none();
    let command = section.one_of("command", &COMMANDS, Command::PutStore);
    if missing {
        let all: Vec<_> = Operator::commands().collect();
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
