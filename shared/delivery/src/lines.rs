//! The lines' rows, and what this process knows of them: permits in hand, and calls not yet counted.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::lock::Mutex as AsyncMutex;
use jiff::{SignedDuration, Timestamp};
use loyalty::StoreId;
use platform::{
    Clock, Condition, RowKey, Table, TableError, Written, from_item, text, to_item, whole,
};
use serde::{Deserialize, Serialize};
use vendors::{Destination, Pace, Reason, Store};

use crate::line::{Gate, Line, PERMITS, Pause, Priority, Probed, Tally, Then, Wish};

/// How long permits that were taken may be used.
const KEPT: SignedDuration = SignedDuration::from_mins(1);

/// How long a line that is shut is taken to be so without reading again.
const SHUT: SignedDuration = SignedDuration::from_secs(1);

/// How long a store is not tried again whose credential was refused on an account that it shares.
const REFUSED: SignedDuration = SignedDuration::from_mins(5);

/// How often a row is read again when someone else wrote it in between.
const TRIES: usize = 16;

/// An account with a vendor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account {
    vendor: &'static str,
    name: String,
}

impl Account {
    /// The account that a store uses.
    #[must_use]
    pub fn of(destination: &dyn Destination, store: &Store) -> Self {
        Self {
            vendor: destination.name(),
            name: destination.account(store),
        }
    }

    /// A store's own account with a source.
    #[must_use]
    pub fn of_source(source: &'static str, store: &StoreId) -> Self {
        Self {
            vendor: source,
            name: store.to_string(),
        }
    }

    /// Whether other stores may use it too.
    pub(crate) fn is_shared(&self, store: &StoreId) -> bool {
        self.name != store.as_str()
    }

    fn key(&self) -> RowKey {
        RowKey::new(format!("ACCOUNT#{}#{}", self.vendor, self.name), "LINE")
    }
}

/// The lines to all accounts, as one process uses them.
pub struct Lines {
    table: Arc<dyn Table>,
    clock: Arc<dyn Clock>,
    /// Names this process in the rows that it writes.
    writer: String,
    known: Mutex<HashMap<Account, Known>>,
    /// One write at a time: those of one process would only refuse each other.
    writing: AsyncMutex<()>,
    /// Stores whose own credential was refused on an account that they share, and until when they are not tried again.
    refused: Mutex<HashMap<StoreId, (Timestamp, Reason)>>,
}

#[derive(Default)]
struct Known {
    line: Line,
    read: Timestamp,
    permits: Vec<Timestamp>,
    taken: Timestamp,
    tally: Tally,
}

/// The row, with who wrote it: so that a writer whose answer was lost knows its own.
#[derive(Serialize, Deserialize)]
struct Row {
    #[serde(default)]
    writer: String,
    #[serde(flatten)]
    line: Line,
}

/// Permits that are taken together.
fn at_once(pace: Pace) -> usize {
    usize::try_from(pace.burst)
        .unwrap_or(PERMITS)
        .clamp(1, PERMITS)
}

impl Lines {
    /// Lines in this table.
    #[must_use]
    pub fn new(table: Arc<dyn Table>, clock: Arc<dyn Clock>) -> Self {
        Self {
            table,
            clock,
            writer: platform::nonce(),
            known: Mutex::default(),
            writing: AsyncMutex::default(),
            refused: Mutex::default(),
        }
    }

    /// One store's credential is wrong: the others on its account go on.
    pub(crate) fn refuse(&self, store: &StoreId, cause: Reason) {
        let until = self.clock.now().saturating_add(REFUSED);
        let until = until.unwrap_or_else(|_| self.clock.now());
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.insert(store.clone(), (until, cause));
    }

    /// Why a store is not tried now, though its account is open.
    pub(crate) fn refused(&self, store: &StoreId) -> Option<Reason> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, cause) = refused.get(store)?;
        (*until > self.clock.now()).then_some(*cause)
    }

    /// The line as its row says now.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn get(&self, account: &Account) -> Result<Line, TableError> {
        let row = self.table.get(&account.key(), true).await?;
        let line = row.map(from_item::<Row>).transpose()?;
        let line = line.map(|row| row.line).unwrap_or_default();
        self.learn(account, line.clone());
        Ok(line)
    }

    /// Pauses a line. The first pause stands.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn pause(&self, account: &Account, pause: Pause) -> Result<Line, TableError> {
        self.get(account).await?;
        self.change(account, |line, now| {
            line.pause(pause.clone(), now);
            line.clone()
        })
        .await
    }

    /// Ends a pause. Tells whether there was one.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn resume(&self, account: &Account, then: Then) -> Result<(bool, Line), TableError> {
        self.get(account).await?;
        self.change(account, |line, now| (line.resume(then, now), line.clone()))
            .await
    }

    /// Whether the vendor may be called as is wished, and then with how many permits. Waits the seconds that the pace
    /// demands, where that is wished. Who probes passes a line that is closed, and never one that is paused.
    pub(crate) async fn gate(&self, account: &Account, wish: Wish) -> Result<Gate, TableError> {
        let Wish {
            pace,
            calls: wanted,
            probing,
            ..
        } = wish;
        let mut gate = self.pooled(account, wanted);
        if gate.is_none() {
            self.refresh(account).await?;
            let tally = std::mem::take(&mut self.known().entry(account.clone()).or_default().tally);
            let taken = self.change(account, |line, now| {
                if tally != Tally::default() {
                    line.count(tally, pace, now);
                }
                match line.shut(now) {
                    Some(reason) if !probing || line.is_paused(now) => Gate::Shut(reason),
                    _ if wish.priority == Priority::First => line.take(wanted, wish, now),
                    // Never more than may follow each other at once: what is kept is used without waiting.
                    _ => line.take(at_once(pace), wish, now),
                }
            });
            match taken.await {
                Ok(Gate::Open(mut permits)) => {
                    let rest = permits.split_off(wanted.clamp(1, permits.len()));
                    let mut known = self.known();
                    let own = known.entry(account.clone()).or_default();
                    own.permits = rest;
                    own.taken = self.clock.now();
                    gate = Some(permits);
                }
                Ok(other) => return Ok(other),
                Err(error) => {
                    self.uncount(account, tally);
                    return Err(error);
                }
            }
        }
        let permits = gate.unwrap_or_default();
        if let Some(last) = permits.last() {
            self.clock.sleep_until(*last).await;
        }
        Ok(Gate::Open(permits))
    }

    /// Counts one call.
    pub(crate) fn count(
        &self,
        account: &Account,
        error: bool,
        failed: Option<Reason>,
        permitted: bool,
    ) {
        let mut known = self.known();
        let tally = &mut known.entry(account.clone()).or_default().tally;
        tally.add(error, failed);
        tally.extra += u32::from(!permitted);
    }

    /// Gives permits back that were not needed.
    pub(crate) fn give_back(&self, account: &Account, permits: Vec<Timestamp>) {
        let mut known = self.known();
        known
            .entry(account.clone())
            .or_default()
            .permits
            .extend(permits);
    }

    /// Writes down what was counted, when errors are among it. Mere successes wait for the next permits.
    pub(crate) async fn settle(&self, account: &Account, pace: Pace) {
        let tally = {
            let mut known = self.known();
            let own = known.entry(account.clone()).or_default();
            if own.tally.errors == 0 {
                return;
            }
            std::mem::take(&mut own.tally)
        };
        let counted = self.change(account, |line, now| line.count(tally, pace, now));
        if let Err(error) = counted.await {
            tracing::warn!(%error, "calls could not be counted; they are counted with the next");
            self.uncount(account, tally);
        }
    }

    /// Closes the line.
    pub(crate) async fn close(&self, account: &Account, cause: Reason) {
        let closed = self.change(account, |line, now| line.close(cause, now));
        if let Err(error) = closed.await {
            tracing::error!(%error, "a line could not be closed; each message finds out by itself");
        }
    }

    /// Keeps the account from being called for a while.
    pub(crate) async fn block(&self, account: &Account, wait: Duration) {
        let blocked = self.change(account, |line, now| line.block(wait, now));
        if let Err(error) = blocked.await {
            tracing::warn!(%error, "a vendor's wish to wait is known to this process alone");
        }
    }

    /// Begins a probe if one is due. Tells whether it is.
    pub(crate) async fn probe(&self, account: &Account) -> Result<bool, TableError> {
        self.change(account, Line::probe).await
    }

    /// Ends a probe.
    pub(crate) async fn probed(
        &self,
        account: &Account,
        found: Probed,
    ) -> Result<Line, TableError> {
        self.change(account, |line, now| {
            line.probed(found, now);
            line.clone()
        })
        .await
    }

    /// Changes the row; whoever wrote it in between is read first.
    async fn change<T>(
        &self,
        account: &Account,
        mut change: impl FnMut(&mut Line, Timestamp) -> T,
    ) -> Result<T, TableError> {
        let _alone = self.writing.lock().await;
        let mut line = self
            .known()
            .get(account)
            .map(|known| known.line.clone())
            .unwrap_or_default();
        for _ in 0..TRIES {
            let mut next = line.clone();
            let result = change(&mut next, self.clock.now());
            if next == line {
                return Ok(result);
            }
            next.turn += 1;
            match self.put(account, &line, &next).await? {
                None => {
                    self.learn(account, next);
                    return Ok(result);
                }
                Some(current) => line = current,
            }
        }
        Err(TableError::Unavailable(
            "the line's row keeps changing".to_owned(),
        ))
    }

    /// Writes the row if it is still the one that was read; gives the one that stands otherwise.
    async fn put(
        &self,
        account: &Account,
        read: &Line,
        next: &Line,
    ) -> Result<Option<Line>, TableError> {
        let row = Row {
            writer: self.writer.clone(),
            line: next.clone(),
        };
        let condition = match read.turn {
            0 => Condition::absent(),
            turn => Condition::Is("turn", whole(turn)),
        };
        let mut item = to_item(&account.key(), &row)?;
        item.as_mut().insert("v".to_owned(), whole(1));
        item.as_mut()
            .insert("writer".to_owned(), text(&self.writer));
        match self.table.put(item, Some(condition)).await? {
            Written::Done(_) => Ok(None),
            Written::Refused(None) => Ok(Some(Line::default())),
            Written::Refused(Some(item)) => {
                let stands: Row = from_item(item)?;
                // Our own write, whose answer was lost.
                let own = stands.writer == self.writer && stands.line.turn == next.turn;
                Ok((!own).then_some(stands.line))
            }
        }
    }

    /// Permits in hand, if there are any and the line was open when it was last seen.
    fn pooled(&self, account: &Account, wanted: usize) -> Option<Vec<Timestamp>> {
        let now = self.clock.now();
        let mut known = self.known();
        let own = known.get_mut(account)?;
        if now.duration_since(own.taken) > KEPT {
            own.permits.clear();
        }
        let usable = own.line.shut(now).is_none() && own.line.blocked(now).is_none();
        if !usable || own.permits.is_empty() {
            return None;
        }
        let count = wanted.clamp(1, own.permits.len());
        Some(own.permits.drain(..count).collect())
    }

    /// Why the line is shut, as far as this process knows.
    pub(crate) fn known_shut(&self, account: &Account) -> Option<Reason> {
        let known = self.known();
        known.get(account)?.line.shut(self.clock.now())
    }

    /// Reads the row again when what is known of it says that nothing may be sent: that may be over.
    async fn refresh(&self, account: &Account) -> Result<(), TableError> {
        let now = self.clock.now();
        let stale = match self.known().get(account) {
            None => true,
            Some(own) => {
                let stops = own.line.shut(now).is_some() || own.line.blocked(now).is_some();
                stops && now.duration_since(own.read) >= SHUT
            }
        };
        if stale {
            self.get(account).await?;
        }
        Ok(())
    }

    fn learn(&self, account: &Account, line: Line) {
        let mut known = self.known();
        let own = known.entry(account.clone()).or_default();
        own.line = line;
        own.read = self.clock.now();
    }

    /// Takes back what could not be written down.
    fn uncount(&self, account: &Account, tally: Tally) {
        let mut known = self.known();
        let own = &mut known.entry(account.clone()).or_default().tally;
        let run = own.run + if own.alive { 0 } else { tally.run };
        *own = Tally {
            calls: own.calls + tally.calls,
            errors: own.errors + tally.errors,
            run,
            alive: own.alive || tally.alive,
            cause: own.cause.or(tally.cause),
            extra: own.extra + tally.extra,
        };
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Account, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
