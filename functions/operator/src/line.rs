//! `pause`, `resume`, `lines`: whether a vendor is called, and a person's say in it.

use std::sync::Arc;

use delivery::{Account, Line, Lines, List, Pause, State, Then};
use jiff::Timestamp;
use loyalty::StoreId;
use serde_json::{Value, json};
use vendors::{Destination, Fault, Store, registry};

use crate::{
    asked,
    command::{Operator, fault},
};

/// How many parked rows are counted.
pub(crate) const COUNTED: usize = 1_000;

struct Asked {
    store: StoreId,
    destination: &'static str,
    by: String,
    why: String,
}

impl Operator {
    /// `{"command": "pause", "store", "destination", "by", "why", "until"}` answers `{"ok", "destination", "account",
    /// "line", "parked"}`. The first pause stands until it has ended.
    pub(crate) async fn pause(&self, asked: Value) -> Result<Value, Vec<Fault>> {
        let now = self.clock.now();
        let (asked, until) = asked::read(asked, |section| {
            let read = self.line_asked(section);
            let until = asked::instant(section, "until");
            if until.is_some_and(|until| until <= now) {
                section.fault("until", "must be in the future");
            }
            Some((read?, until))
        })?;
        let (store, destination) = self.used(&asked.store, asked.destination).await?;
        let what =
            json!({"destination": asked.destination, "until": until.map(|at| at.to_string())});
        self.audit(&asked.store, &asked.by, "pause", &asked.why, &what)
            .await?;
        let pause = Pause {
            by: asked.by,
            why: asked.why,
            since: now.as_microsecond(),
            until: until.map(Timestamp::as_microsecond),
        };
        let paused = self
            .lines()
            .pause(&Account::of(destination, &store), pause)
            .await;
        let line = paused.map_err(|error| fault("table", error))?;
        tracing::info!(store = %asked.store, destination = asked.destination, "a destination was paused");
        self.told(&store, destination, &line).await
    }

    /// `{"command": "resume", "store", "destination", "by", "why", "then", "confirm"}` answers as `pause` does, and with
    /// `"was_paused"`.
    pub(crate) async fn resume(&self, asked: Value) -> Result<Value, Vec<Fault>> {
        let (asked, then) = asked::read(asked, |section| {
            let read = self.line_asked(section);
            let words = [
                ("send", Some(Then::Send)),
                ("quiet", Some(Then::Quiet)),
                ("drop", Some(Then::Drop)),
            ];
            let named = section.required_text("then");
            let then = words.iter().find(|(word, _)| *word == named);
            if then.is_none() && !named.is_empty() {
                section.fault("then", format!("`{named}` is none of send, quiet, drop"));
            }
            let then = then.and_then(|(_, then)| *then);
            if !section.flag("confirm", false) && then == Some(Then::Drop) {
                section.fault(
                    "confirm",
                    "must be true: what the pause has parked is forgotten and never sent",
                );
            }
            Some((read?, then?))
        })?;
        let (store, destination) = self.used(&asked.store, asked.destination).await?;
        let what = json!({"destination": asked.destination, "then": then});
        self.audit(&asked.store, &asked.by, "resume", &asked.why, &what)
            .await?;
        let resumed = self
            .lines()
            .resume(&Account::of(destination, &store), then)
            .await;
        let (was_paused, line) = resumed.map_err(|error| fault("table", error))?;
        tracing::info!(store = %asked.store, destination = asked.destination, was_paused, "a destination was resumed");
        let mut answer = self.told(&store, destination, &line).await?;
        answer["was_paused"] = was_paused.into();
        Ok(answer)
    }

    /// `{"command": "lines", "store"}` answers `{"ok", "lines": [{"destination", "account", "line", "parked"}]}`.
    pub(crate) async fn all_lines(&self, asked: Value) -> Result<Value, Vec<Fault>> {
        let store = asked::read(asked, asked::store)?;
        let store = self.settings(&store).await?;
        let mut told = Vec::new();
        for destination in registry::DESTINATIONS.iter().copied() {
            let name = destination.name();
            if !store.destinations.has(name) || !self.queues.contains_key(name) {
                continue;
            }
            let line = self.line_at(&Account::of(destination, &store)).await?;
            told.push(self.told(&store, destination, &line).await?);
        }
        Ok(json!({"ok": true, "lines": told}))
    }

    fn line_asked(&self, section: &mut vendors::Section) -> Option<Asked> {
        let store = asked::store(section);
        let destination = asked::destination(section, self.deployed());
        let by = asked::by(section);
        let why = asked::why(section);
        if why.is_empty() {
            section.fault("why", "is missing: it is written down, for others to know");
        }
        Some(Asked {
            store: store?,
            destination: destination?,
            by,
            why,
        })
    }

    fn lines(&self) -> Lines {
        Lines::new(self.table.clone(), self.clock.clone())
    }

    pub(crate) async fn settings(&self, store: &StoreId) -> Result<Arc<Store>, Vec<Fault>> {
        let settings = self.stores.get(store).await;
        settings.map_err(|error| fault("store", error))
    }

    /// The line to an account.
    pub(crate) async fn line_at(&self, account: &Account) -> Result<Line, Vec<Fault>> {
        let line = self.lines().get(account).await;
        line.map_err(|error| fault("table", error))
    }

    /// A store's settings, and a destination that it uses.
    pub(crate) async fn used(
        &self,
        store: &StoreId,
        destination: &str,
    ) -> Result<(Arc<Store>, &'static dyn Destination), Vec<Fault>> {
        let store = self.settings(store).await?;
        let destination = registry::destination(destination)
            .filter(|destination| store.destinations.has(destination.name()))
            .ok_or_else(|| fault("destination", "the store does not use it"))?;
        Ok((store, destination))
    }

    /// What stands with a line. Stores that share an account share its line.
    pub(crate) async fn told(
        &self,
        store: &Store,
        destination: &dyn Destination,
        line: &Line,
    ) -> Result<Value, Vec<Fault>> {
        let desk = self.desk(&store.id, destination.name());
        let parked = desk.count(List::Parked, COUNTED).await;
        let parked = parked.map_err(|error| fault("table", error))?;
        let pace = destination.pace();
        let now = self.clock.now();
        Ok(json!({
            "ok": true,
            "destination": destination.name(),
            "account": destination.account(store),
            "line": line_story(line, now),
            "parked": counted(parked),
            "pace": {"interval_ms": pace.interval.as_millis(), "burst": pace.burst},
        }))
    }
}

/// A count, as far as it was counted.
pub(crate) fn counted(count: usize) -> Value {
    if count < COUNTED {
        json!(count)
    } else {
        json!(format!("{COUNTED} or more"))
    }
}

pub(crate) fn line_story(line: &Line, now: Timestamp) -> Value {
    let (state, cause, since, next_probe) = match &line.state {
        State::Open => ("open", None, None, None),
        State::Closed {
            cause,
            since,
            probe_at,
            ..
        } => ("closed", Some(cause), Some(*since), Some(*probe_at)),
        State::Probing { cause, since, .. } => ("probing", Some(cause), Some(*since), None),
    };
    let paused = line.paused.as_ref().filter(|_| line.is_paused(now));
    let leftover = line.leftovers.last().map(|leftover| json!(leftover.then));
    let blocked = Some(line.blocked_until).filter(|until| *until > now.as_microsecond());
    json!({
        "state": state,
        "cause": cause.map(|cause| cause.code()),
        "since": since.map(instant),
        "next_probe": next_probe.map(instant),
        "paused": paused.map(|pause| json!({
            "by": pause.by, "why": pause.why, "since": instant(pause.since), "until": pause.until.map(instant),
        })),
        "last_pause_ended_with": leftover,
        "blocked_until": blocked.map(instant),
        "calls": line.calls,
        "errors": line.errors,
    })
}

pub(crate) fn instant(micros: i64) -> String {
    let instant = Timestamp::from_microsecond(micros);
    instant.unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}
