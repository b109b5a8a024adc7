//! Looks at who is due and puts their day on the inbox, as an ordinary delivery.
//!
//! Promises: only rows whose date has come are read. What is sent here is recorded like any other news, and recording it
//! is what has the person looked at next time: whoever stops half way leaves the rest due, and a day that is sent twice is
//! one event. What was missed for longer than the store catches up is dropped, and counted.
//!
//! Does not promise: that a day is told on the minute. It waits in the bulk lane.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use jiff::civil::Date;
use loyalty::{
    Detail, HashKey, MemberKey, Reward, StoreId,
    due::{self, Armed, Around, Due, Looked, Shared},
};
use platform::{
    Clock, Deadline, ErasedRow, Held, Inbox, Listed, MemberState, Standing, Stores, Table,
    TableError, Transacted, Write, find_member, from_item, next_after,
    telemetry::{self, Metric},
    to_item,
};
use serde::{Deserialize, Serialize};
use vendors::{EmitMode, Envelope, Store, Tick, Whose};

use crate::{due as rows, rename::as_read, rewards, seen};

/// Rows of the index that are read together.
const PAGE: usize = 100;

/// People who are looked at at the same time.
const AT_ONCE: usize = 16;

/// Deliveries that the queue takes together.
const TOGETHER: usize = 10;

/// How much of an invocation is left when no further page is begun.
const RESERVE: std::time::Duration = std::time::Duration::from_secs(20);

/// Looks at who is due.
pub struct Emitter {
    /// The table.
    pub table: Arc<dyn Table>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Store settings.
    pub stores: Stores,
    /// The inbox.
    pub inbox: Inbox,
    /// The stack's key for ids.
    pub hash_key: HashKey,
}

/// What a run came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Days that were sent.
    pub told: u64,
    /// People who are not told: gone, out of the programme, active again, nothing to remind of.
    pub passed: u64,
    /// Days that were missed for too long.
    pub dropped: u64,
    /// Kinds that are left to the stores' sources.
    pub stood_down: u64,
    /// Rows that cannot be read.
    pub unreadable: u64,
}

/// Where a run goes on that ran out of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// The store.
    store: StoreId,
    /// The kind.
    due: Due,
    /// The number of the list.
    list: usize,
    /// The place in it.
    from: String,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.told += other.told;
        self.passed += other.passed;
        self.dropped += other.dropped;
        self.stood_down += other.stood_down;
        self.unreadable += other.unreadable;
    }
}

/// What a run came to, of all stores.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Everything together.
    pub tally: Tally,
    /// Where the next run goes on, when time ran out.
    pub rest: Option<Rest>,
    /// The error of the last store that failed; the others had their turn.
    pub failed: Option<EmitError>,
}

/// Why a run stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// The table did not do what was asked.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The settings of a store could not be had.
    #[error("a store's settings could not be had: {0}")]
    Store(#[from] platform::StoreError),
    /// The inbox did not take the days.
    #[error("the inbox did not take what is due; it stays due")]
    Inbox,
}

/// Somebody whose day it is, by what is known of them now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Their name in logs: a keyed hash.
    pub member: String,
    /// The key of their rows, which may be their address.
    pub key: MemberKey,
    /// The date for which it came due.
    pub on: Date,
    /// What they are told.
    pub detail: Detail,
    envelope: Envelope,
}

/// What one row of the index came to.
enum Met {
    Tell(Box<Found>),
    /// Not told; whether a day was dropped.
    Passed(bool),
    /// The row cannot be read by this release.
    Unreadable,
}

/// What a look at one store's kind needs at hand.
struct Task<'a> {
    store: &'a Store,
    due: Due,
    today: Date,
    rewards: Vec<Reward>,
}

impl Emitter {
    /// Looks at every store, or goes on where an earlier run stopped. One store's trouble never keeps another from its
    /// turn.
    ///
    /// # Errors
    /// [`EmitError`] when not even the stores could be had.
    pub async fn run(
        &self,
        dues: &[Due],
        rest: Option<Rest>,
        deadline: Deadline,
    ) -> Result<Ran, EmitError> {
        let mut ran = Ran::default();
        let mut rest = rest;
        for id in self.stores.all().await? {
            for due in dues {
                let begin = match rest.take() {
                    Some(rest) if rest.store == id && rest.due == *due => Some(rest),
                    // Not there yet; where the store is gone meanwhile, its neighbours go on.
                    Some(ahead) if ahead.store >= id => {
                        rest = Some(ahead);
                        continue;
                    }
                    _ => None,
                };
                let done = match self.stores.get(&id).await {
                    Ok(store) => {
                        let today = store.emit.rules.calendar.date(self.clock.now());
                        self.emit(&store, *due, today, (begin, deadline)).await
                    }
                    Err(error) => Err(error.into()),
                };
                match done {
                    Ok((tally, left)) => {
                        ran.tally.add(tally);
                        ran.rest = left;
                        if ran.rest.is_some() {
                            return Ok(ran);
                        }
                    }
                    Err(error) => {
                        tracing::error!(store = %id, kind = %due.kind(), %error, "what is due could not all be sent; the rest stays due");
                        ran.failed = Some(error);
                    }
                }
            }
        }
        Ok(ran)
    }

    /// Sends what one kind brings in one store on a date, unless the store does not want it. Begins where an earlier run
    /// stopped, and gives where the next one goes on.
    ///
    /// # Errors
    /// [`EmitError`]; what was not sent stays due.
    pub async fn emit(
        &self,
        store: &Store,
        due: Due,
        today: Date,
        (begin, deadline): (Option<Rest>, Deadline),
    ) -> Result<(Tally, Option<Rest>), EmitError> {
        let mut tally = Tally::default();
        let (id, kind) = (&store.id, due.kind());
        match self.stands(store, due).await? {
            Stands::Off => return Ok((tally, None)),
            Stands::Down => {
                tally.stood_down = 1;
                tracing::info!(store = %id, %kind, "the store's source was seen sending this kind, so the clock does not");
                telemetry::count(self.clock.now(), Metric::EmitStoodDown, 1);
                return Ok((tally, None));
            }
            Stands::Up => {}
        }
        let task = self.task(store, due, today).await?;
        let done = self.lists(&task, begin, deadline, &mut tally).await;
        let now = self.clock.now();
        for (metric, count) in [
            (Metric::Emitted, tally.told),
            (Metric::EmitDropped, tally.dropped),
        ] {
            if count > 0 {
                telemetry::count(now, metric, count);
            }
        }
        let Tally {
            told,
            passed,
            dropped,
            unreadable,
            ..
        } = tally;
        let unfinished = !matches!(done, Ok(None));
        tracing::info!(store = %id, %kind, %today, told, passed, dropped, unreadable, unfinished, "emit.run");
        Ok((tally, done?))
    }

    /// Who would be told of one kind in one store on a date, at most `limit` of them; and whether there may be more, also
    /// because time ran out. Writes nothing.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn preview(
        &self,
        store: &Store,
        (due, today): (Due, Date),
        limit: usize,
        deadline: Deadline,
    ) -> Result<(Vec<Found>, bool), EmitError> {
        let task = self.task(store, due, today).await?;
        let mut found = Vec::new();
        for list in rows::lists(&store.id, due) {
            let mut from = String::new();
            loop {
                if deadline.remaining(&*self.clock) <= RESERVE {
                    return Ok((found, true));
                }
                let page = self.page(&task, &list, &from).await?;
                let Some(last) = page.last() else { break };
                from = next_after(&last.place);
                for seen in self.look_at(&task, &page, false).await? {
                    if let Met::Tell(one) = seen {
                        found.push(*one);
                    }
                    if found.len() > limit {
                        found.truncate(limit);
                        return Ok((found, true));
                    }
                }
            }
        }
        Ok((found, false))
    }

    /// Whether a kind is off, or left to the store's source.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn stands(&self, store: &Store, due: Due) -> Result<Stands, TableError> {
        match store.emit.mode(due) {
            EmitMode::Off => Ok(Stands::Off),
            EmitMode::On => Ok(Stands::Up),
            EmitMode::Auto => {
                let seen = seen::last(&*self.table, &store.id, due).await?;
                let within = jiff::SignedDuration::from_hours(24 * store.emit.auto_days);
                let now = self.clock.now();
                let lately = seen.is_some_and(|at| now.duration_since(at) <= within);
                Ok(if lately { Stands::Down } else { Stands::Up })
            }
        }
    }

    async fn task<'a>(
        &self,
        store: &'a Store,
        due: Due,
        today: Date,
    ) -> Result<Task<'a>, TableError> {
        let rewards = match due {
            Due::PointsReminder | Due::RedemptionReminder => {
                rewards::of(&*self.table, store).await?
            }
            _ => Vec::new(),
        };
        Ok(Task {
            store,
            due,
            today,
            rewards,
        })
    }

    /// Walks through every list, page by page. Gives where to go on, when time runs out.
    async fn lists(
        &self,
        task: &Task<'_>,
        begin: Option<Rest>,
        deadline: Deadline,
        tally: &mut Tally,
    ) -> Result<Option<Rest>, EmitError> {
        let (first, mut from) = begin.map_or_else(Default::default, |rest| (rest.list, rest.from));
        let mut found = Vec::new();
        let mut rest = None;
        let lists = rows::lists(&task.store.id, task.due).enumerate();
        'lists: for (number, list) in lists.skip(first) {
            loop {
                if deadline.remaining(&*self.clock) <= RESERVE {
                    rest = Some(Rest {
                        store: task.store.id.clone(),
                        due: task.due,
                        list: number,
                        from,
                    });
                    break 'lists;
                }
                let page = self.page(task, &list, &from).await?;
                let Some(last) = page.last() else { break };
                from = next_after(&last.place);
                self.gather(task, &page, &mut found, tally).await?;
                let whole = found.len() / TOGETHER * TOGETHER;
                self.send(found.drain(..whole).collect(), tally).await?;
                if page.len() < PAGE {
                    break;
                }
            }
            from.clear();
        }
        self.send(found, tally).await?;
        Ok(rest)
    }

    async fn page(
        &self,
        task: &Task<'_>,
        list: &str,
        from: &str,
    ) -> Result<Vec<Listed>, TableError> {
        let until = rows::until(task.today);
        self.table.work(list, from, &until, PAGE).await
    }

    /// Gathers whom a page brings. Who is not told is settled on the way.
    async fn gather(
        &self,
        task: &Task<'_>,
        page: &[Listed],
        found: &mut Vec<Found>,
        tally: &mut Tally,
    ) -> Result<(), EmitError> {
        for seen in self.look_at(task, page, true).await? {
            match seen {
                Met::Tell(one) => found.push(*one),
                Met::Passed(dropped) => {
                    tally.passed += u64::from(!dropped);
                    tally.dropped += u64::from(dropped);
                }
                Met::Unreadable => tally.unreadable += 1,
            }
        }
        Ok(())
    }

    /// Sends days, ten together.
    async fn send(&self, found: Vec<Found>, tally: &mut Tally) -> Result<(), EmitError> {
        for some in found.chunks(TOGETHER) {
            let envelopes: Vec<Envelope> = some.iter().map(|one| one.envelope.clone()).collect();
            if !self.inbox.put_all(&envelopes).await {
                return Err(EmitError::Inbox);
            }
            tally.told += u64::try_from(some.len()).unwrap_or_default();
        }
        Ok(())
    }

    /// Looks at everybody on a page; with `settle`, writes down what stands for those who are not told.
    async fn look_at(
        &self,
        task: &Task<'_>,
        page: &[Listed],
        settle: bool,
    ) -> Result<Vec<Met>, TableError> {
        let looks = page.iter().map(|listed| self.look(task, listed, settle));
        let looks: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
        let each = looks.into_iter().map(|looked| match looked {
            // One row that another release wrote keeps nobody else from their day.
            Err(TableError::Shape(error)) => {
                tracing::error!(store = %task.store.id, error, "a row that is due cannot be read");
                Ok(Met::Unreadable)
            }
            looked => looked,
        });
        each.collect()
    }

    async fn look(
        &self,
        task: &Task<'_>,
        listed: &Listed,
        settle: bool,
    ) -> Result<Met, TableError> {
        let store = &task.store.id;
        let named = rows::member_of(store, &listed.key);
        let named = named.ok_or_else(|| TableError::Shape("a due row's key".to_owned()))?;
        let found = find_member(&*self.table, store, &named).await?;
        let place = Place {
            listed: &named,
            key: &found.key,
            version: found.state.as_ref().map(|state| state.version),
        };
        let Some(held) = found.state.as_ref().and_then(MemberState::held) else {
            return self.pass(task, place, None, settle).await;
        };
        let Some(armed) = held.due.get(&task.due) else {
            return self.pass(task, place, Some((held, None)), settle).await;
        };
        let (bought, sharer_erased) = match &armed.shared {
            Some(shared) => (
                self.bought(store, (&found.key, held)).await?,
                self.is_erased(store, shared).await?,
            ),
            None => (None, false),
        };
        let around = Around {
            rules: &task.store.emit.rules,
            rewards: &task.rewards,
            bought,
            sharer_erased,
            today: task.today,
        };
        match due::look(task.due, &held.member, armed, &around) {
            Looked::Tell { on, detail } => Ok(self.tell(task, (&found.key, held), (on, *detail))),
            Looked::Early => self.pass(task, place, Some((held, None)), settle).await,
            Looked::Pass { next, dropped } => {
                if let Some(date) = dropped.filter(|_| settle) {
                    let member = self.hash_key.member(store, &found.key);
                    tracing::warn!(%store, kind = %task.due.kind(), %date, member, "a day was missed for too long; nobody is told of it");
                }
                let seen = self
                    .pass(task, place, Some((held, Some(next))), settle)
                    .await?;
                Ok(match seen {
                    Met::Passed(_) => Met::Passed(dropped.is_some()),
                    other => other,
                })
            }
        }
    }

    /// When a friend bought by a link, under any key that they had lately.
    async fn bought(
        &self,
        store: &StoreId,
        (key, held): (&MemberKey, &Held),
    ) -> Result<Option<i64>, TableError> {
        let mut bought = None;
        for key in std::iter::once(key).chain(held.recent(self.clock.now())) {
            let own = rows::purchase(&*self.table, (store, &self.hash_key), key).await?;
            bought = bought.max(own);
        }
        Ok(bought)
    }

    /// Whether whoever sent the link was erased: then nobody names them any more.
    async fn is_erased(&self, store: &StoreId, shared: &Shared) -> Result<bool, TableError> {
        let Some(sender) = &shared.share.from.email else {
            return Ok(false);
        };
        let hash = self.hash_key.member(store, &MemberKey::of_email(sender));
        let row = self.table.get(&ErasedRow::key(store, &hash), true).await?;
        let row: Option<ErasedRow> = row.map(from_item).transpose()?;
        Ok(row.is_some_and(|row| row.blocks == Some(true)))
    }

    /// What somebody is told, with what the store gives them.
    fn tell(
        &self,
        task: &Task<'_>,
        (key, held): (&MemberKey, &Held),
        (on, mut detail): (Date, Detail),
    ) -> Met {
        if let Some(gifts) = task.store.gifts(task.due) {
            gifts.fill(&mut detail, &held.member);
        }
        if let Some(one) = self.tick(task, key, held, (on, detail)) {
            return Met::Tell(Box::new(one));
        }
        let (store, member) = (&task.store.id, self.hash_key.member(&task.store.id, key));
        tracing::error!(%store, member, "somebody whose day it is has neither an address nor an id");
        Met::Unreadable
    }

    fn tick(
        &self,
        task: &Task<'_>,
        key: &MemberKey,
        held: &Held,
        (on, detail): (Date, Detail),
    ) -> Option<Found> {
        let store = &task.store.id;
        let alias = || held.member.aliases.iter().next().cloned();
        let email = held.member.email.clone();
        let whom = email
            .map(Whose::Email)
            .or_else(|| alias().map(Whose::Alias))?;
        let tick = Tick {
            v: 1,
            due: task.due,
            on,
            whom,
            detail,
        };
        Some(Found {
            member: self.hash_key.member(store, key),
            key: key.clone(),
            on,
            envelope: tick.seal(store, self.clock.now()).ok()?,
            detail: tick.detail,
        })
    }

    /// Writes down what stands for somebody who is not told, in one transaction with the picture that says so. Where
    /// someone else has written it meanwhile, the next run looks again.
    async fn pass(
        &self,
        task: &Task<'_>,
        place: Place<'_>,
        held: Option<(&Held, Option<Armed>)>,
        settle: bool,
    ) -> Result<Met, TableError> {
        if !settle {
            return Ok(Met::Passed(false));
        }
        let store = &task.store.id;
        let now = self.clock.now();
        let of = (store, &self.hash_key);
        let state = MemberState::key(store, place.key);
        let armed = held.as_ref().and_then(|(held, _)| held.due.get(&task.due));
        let mut on = armed.and_then(|armed| armed.on);
        let mut writes = Vec::new();
        match held {
            Some((held, Some(next))) if armed != Some(&next) => {
                on = next.on;
                let mut after = held.clone();
                after.due.insert(task.due, next);
                let micros = u64::try_from(now.as_microsecond()).unwrap_or_default();
                let version = micros.max(place.version.map_or(0, |version| version + 1));
                let standing = Standing::Member(Box::new(after));
                let item = to_item(&state, &MemberState { version, standing })?;
                writes.push(Write::Put(item, Some(as_read(place.version))));
            }
            _ => writes.push(Write::Check(state, as_read(place.version))),
        }
        writes.push(rows::write(of, place.key, task.due, on, now)?);
        if place.listed != place.key {
            writes.push(rows::write(of, place.listed, task.due, None, now)?);
        }
        if self.table.transact(writes).await? != Transacted::Done {
            tracing::info!(%store, kind = %task.due.kind(), "somebody changed while they were looked at; the next run looks again");
        }
        Ok(Met::Passed(false))
    }
}

/// Whether the clock brings a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// It does.
    Up,
    /// The store's source was seen sending it lately.
    Down,
    /// The store does not want it.
    Off,
}

/// Where somebody was found.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// The key that the row of the index names.
    listed: &'a MemberKey,
    /// The key that they have.
    key: &'a MemberKey,
    version: Option<u64>,
}
