//! `check`: whether a store is ready to go live, and whether it still works.

use delivery::{Account, List};
use futures_util::future::join_all;
use jiff::Timestamp;
use platform::{ReceivedRow, from_item};
use serde_json::{Value, json};
use vendors::{Api, Destination, Fault, Finding, Inlet, Level, Source, Store, registry};

use crate::{
    account::untouchable,
    asked,
    command::{Operator, fault},
    line::{COUNTED, counted, instant},
};

impl Operator {
    /// `{"command": "check", "store"}` answers `{"ok", "store", "ready", "sources": [{"source", "findings", …}],
    /// "destinations": [{"destination", "findings", …}], "clock": {"findings"}}`. Findings say `level`, `about` and `message`, the worst first;
    /// `ready` means that none is a fault. Reads only.
    pub(crate) async fn check(&self, asked: Value) -> Result<Value, Vec<Fault>> {
        let store = asked::read(asked, asked::store)?;
        let store = self.settings(&store).await?;
        let sources = registry::SOURCES
            .iter()
            .copied()
            .filter(|source| store.sources.has(source.name()));
        let destinations = registry::DESTINATIONS
            .iter()
            .copied()
            .filter(|destination| store.destinations.has(destination.name()));
        // At once: a vendor that hangs must not use up the time of the others.
        let (sources, destinations, clock) = futures_util::join!(
            join_all(sources.map(|source| self.check_source(&store, source))),
            join_all(destinations.map(|destination| self.check_destination(&store, destination))),
            self.check_clock(&store),
        );
        let sources: Vec<Checked> = sources.into_iter().collect::<Result<_, _>>()?;
        let destinations: Vec<Checked> = destinations.into_iter().collect::<Result<_, _>>()?;
        let clock = Checked {
            findings: clock?,
            told: json!({}),
        };
        let ready = sources.iter().chain(&destinations).all(Checked::is_ready) && clock.is_ready();
        let told = |checked: Vec<Checked>| checked.into_iter().map(Checked::told).collect();
        let (sources, destinations): (Value, Value) = (told(sources), told(destinations));
        Ok(json!({
            "ok": true,
            "store": store.id.as_str(),
            "ready": ready,
            "sources": sources,
            "destinations": destinations,
            "clock": clock.told(),
        }))
    }

    async fn check_source(
        &self,
        store: &Store,
        source: &dyn Source,
    ) -> Result<Checked, Vec<Fault>> {
        let secret = self.inbound_secret(store, source.name());
        let (_, finding) = self.presented(&secret, Inlet::read).await;
        let mut findings = vec![finding];
        let heard = self.heard(store, source.name()).await?;
        findings.extend(arrivals(&heard, Caller::Source));
        let mut told = heard_story(&heard);
        told["source"] = source.name().into();
        if let Some(api) = source.api().filter(|api| api.is_used(store)) {
            let repairs = self.repairs_of(store, source.name()).await?;
            findings.extend(unasked(&repairs));
            if api.lists_recent() {
                findings.extend(comparison(&repairs));
            }
            told["repairs"] = repairs;
            findings.push(self.check_interface(store, source.name(), api).await?);
        }
        Ok(Checked { findings, told })
    }

    /// When somebody who calls us was last heard.
    async fn heard(&self, store: &Store, connection: &str) -> Result<ReceivedRow, Vec<Fault>> {
        let row = self
            .table
            .get(&ReceivedRow::key(&store.id, connection), true)
            .await
            .map_err(|error| fault("table", error))?;
        let row = row.map(from_item).transpose();
        let row: Option<ReceivedRow> = row.map_err(|error| fault("table", error))?;
        Ok(row.unwrap_or_default())
    }

    /// Whether the source's own interface can be asked about members.
    async fn check_interface(
        &self,
        store: &Store,
        source: &'static str,
        api: &dyn Api,
    ) -> Result<Finding, Vec<Fault>> {
        let account = Account::of_source(source, &store.id);
        let line = self.line_at(&account).await?;
        if let Some(finding) = untouchable(&line, self.clock.now()) {
            return Ok(finding);
        }
        let asked = self.ask_for_nobody(store, source, api).await;
        Ok(asked.err().unwrap_or_else(|| {
            Finding::new(
                Level::Good,
                "key",
                format!("{source}'s interface accepts it"),
            )
        }))
    }

    async fn check_destination(
        &self,
        store: &Store,
        destination: &dyn Destination,
    ) -> Result<Checked, Vec<Fault>> {
        let now = self.clock.now();
        let line = self.line_at(&Account::of(destination, store)).await?;
        let door = destination.door(&store.id);
        let mut presented = Vec::new();
        let mut token = None;
        if let Some(door) = &door {
            let secret = self.door_secret(store, door);
            let (read, finding) = self.presented(&secret, door.token).await;
            token = read;
            presented.push(finding);
        }
        let site = self.site_with(store, token, false);
        let mut findings = match untouchable(&line, now) {
            Some(finding) => vec![finding],
            None => self
                .visit(store, destination, |answered| {
                    destination.check(&site, answered)
                })
                .await
                .unwrap_or_else(|finding| vec![finding]),
        };
        let mut told = self.told(store, destination, &line).await?;
        findings.extend(presented);
        if let Some(door) = door {
            let heard = self.heard(store, door.connection).await?;
            findings.extend(arrivals(&heard, Caller::Destination));
            told["asked"] = heard_story(&heard);
        }
        findings.extend(waiting(&told, line.shut(now).is_some()));
        let desk = self.desk(&store.id, destination.name());
        for (list, command) in [
            (List::Rejected, "rejected"),
            (List::Unconfirmed, "unconfirmed"),
        ] {
            let count = desk.count(list, COUNTED).await;
            let count = count.map_err(|error| fault("table", error))?;
            told[command] = counted(count);
            if count > 0 {
                let message = "deliveries wait for a person: the command of this name lists them";
                findings.push(Finding::new(Level::Warning, command, message));
            }
        }
        Ok(Checked { findings, told })
    }
}

fn heard_story(heard: &ReceivedRow) -> Value {
    json!({
        "last_accepted": heard.accepted_at.map(instant),
        "last_refused": heard.refused_at.map(instant),
        "refused_headers": heard.refused_headers,
    })
}

/// What was found out about one connection.
struct Checked {
    findings: Vec<Finding>,
    told: Value,
}

impl Checked {
    fn is_ready(&self) -> bool {
        let worst = self.findings.iter().map(|finding| finding.level).max();
        worst != Some(Level::Fault)
    }

    /// The answer's part, the worst finding first.
    fn told(mut self) -> Value {
        self.findings
            .sort_by_key(|finding| std::cmp::Reverse(finding.level));
        self.told["findings"] = json!(self.findings);
        if let Some(told) = self.told.as_object_mut() {
            told.remove("ok");
        }
        self.told
    }
}

/// Who calls us.
#[derive(Clone, Copy)]
enum Caller {
    /// A source, with its news.
    Source,
    /// A destination that asks for what it shows.
    Destination,
}

impl Caller {
    /// What mends calls that are refused.
    fn mend(self) -> &'static str {
        match self {
            Self::Source => {
                "Compare the token with the source's settings, or use the URL that ends in the token"
            }
            Self::Destination => {
                "`provision` has the vendor present the secret that stands here now; what was made there by hand is \
                 compared with it by hand"
            }
        }
    }

    /// What has the first call come.
    fn begin(self) -> &'static str {
        match self {
            Self::Source => {
                "nothing has arrived yet: tell the source the URL that `put_store` names"
            }
            Self::Destination => "nobody has asked yet: `provision` tells the vendor where to ask",
        }
    }
}

/// What the times of the last calls say.
fn arrivals(row: &ReceivedRow, caller: Caller) -> Option<Finding> {
    let at = |micros: Option<i64>| micros.and_then(|at| Timestamp::from_microsecond(at).ok());
    let (accepted, refused) = (at(row.accepted_at), at(row.refused_at));
    if refused > accepted {
        let message = format!(
            "calls are refused, because the store's token is not where it is looked for; they carry these headers: {}. {}",
            row.refused_headers.join(", "),
            caller.mend()
        );
        return Some(Finding::new(Level::Warning, "deliveries", message));
    }
    accepted
        .is_none()
        .then(|| Finding::new(Level::Note, "deliveries", caller.begin()))
}

/// What a closed line to a source's own interface says.
fn unasked(repairs: &Value) -> Option<Finding> {
    (repairs["line"]["state"] != "open").then(|| {
        let message = "its interface is not asked (see `repairs`): members who are to be read wait";
        Finding::new(Level::Warning, "line", message)
    })
}

/// What the last comparison with a source says.
fn comparison(repairs: &Value) -> Option<Finding> {
    let run = &repairs["run"];
    let trouble = match run["stage"].as_str() {
        None => Some((
            Level::Note,
            "the first nightly comparison has not begun yet",
        )),
        Some("refused") => Some((
            Level::Warning,
            "the source refused the last nightly comparison: see reader's log, and report it if it repeats",
        )),
        Some("cut_off") => Some((
            Level::Warning,
            "more members changed than one night compares: those behind are compared when fewer change",
        )),
        Some(_) => None,
    };
    trouble.map(|(level, message)| Finding::new(level, "comparison", message))
}

/// What a closed line and parked work say.
fn waiting(told: &Value, is_shut: bool) -> Option<Finding> {
    let parked = &told["parked"];
    if is_shut {
        let message = format!(
            "it is not called (see `line`); deliveries that are parked, and sent once it works again: {parked}"
        );
        return Some(Finding::new(Level::Warning, "line", message));
    }
    (*parked != 0).then(|| {
        let message = format!("deliveries that are parked and being sent: {parked}");
        Finding::new(Level::Note, "line", message)
    })
}
