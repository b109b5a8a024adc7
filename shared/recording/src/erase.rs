//! Erases a person: here, at the destinations, and so that late news does not bring them back.
//!
//! What is still to be done stands in one row, so that every step may be repeated and a crash anywhere is finished by the
//! next run: `operator erase` begins, and whoever calls [`Eraser::sweep`] every few minutes goes on. A second search, a
//! quarter of an hour after the first, finds what was being written while the first one ran. The row is finished when
//! every destination has confirmed; until then each is told again.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use loyalty::{Alias, Email, HashKey, MemberKey, Private, StoreId};
use platform::{
    Clock, Condition, Deadline, ErasedRow, ErasureWork, Held, Item, KeptSearch, MemberState,
    Outgoing, Queue, RowKey, Standing, Table, TableError, Transacted, Update, Value, Write,
    Written, find_member, from_item, member_partition, member_row, text, to_item, value, whole,
};
use vendors::{EraseMode, Erasure, Lane, Message, Store, registry};

use crate::{
    due,
    kept::Shelf,
    rename::as_read,
    rows::{self, AliasRow},
};

/// How long after an erasure began the second search comes.
const SECOND: SignedDuration = SignedDuration::from_mins(15);

/// Rows that are read at once.
const PAGE: usize = 100;

/// How long one run searches what was only kept, for one person; the next run goes on. It may be a lot.
const SEARCH: SignedDuration = SignedDuration::from_secs(20);

/// Unfinished erasures that one run takes on.
const AT_ONCE: usize = 25;

/// How often a row is read again when someone else wrote it in between.
const TRIES: usize = 16;

/// Erases people.
pub struct Eraser {
    /// The table.
    pub table: Arc<dyn Table>,
    /// The queues.
    pub queue: Arc<dyn Queue>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The stack's key for ids.
    pub hash_key: HashKey,
    /// The queue of each destination that this stack has: name to URL.
    pub queues: BTreeMap<String, String>,
}

/// Whom a command is about.
#[derive(Clone)]
pub enum Whom {
    /// The person with this address.
    Email(Email),
    /// The person whom a source knows by this id.
    Id(Alias),
}

/// How far an erasure is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The keyed hash of the person.
    pub hash: String,
    /// When it began, µs since 1970.
    pub at: i64,
    /// The destinations that have not confirmed yet.
    pub waiting: Vec<String>,
    /// How many rows were removed here so far.
    pub removed: i64,
    /// Whether nothing is left to do.
    pub finished: bool,
}

/// One person's erasure, as its row has it.
struct Case<'a> {
    eraser: &'a Eraser,
    store: &'a Store,
    hash: String,
    at: i64,
    work: ErasureWork,
    kept: Option<KeptSearch>,
}

/// The key that the person has now, or had last.
///
/// # Errors
/// [`TableError`] when the table did not answer.
pub async fn resolve(
    table: &dyn Table,
    store: &StoreId,
    whom: &Whom,
) -> Result<MemberKey, TableError> {
    let key = match whom {
        Whom::Email(email) => MemberKey::of_email(email),
        Whom::Id(alias) => {
            let row = table.get(&rows::alias_key(store, alias), true).await?;
            let row: Option<AliasRow> = row.map(from_item).transpose()?;
            row.map_or_else(
                || MemberKey::of_external(&alias.source, alias.id.expose()),
                |row| row.member,
            )
        }
    };
    Ok(find_member(table, store, &key).await?.key)
}

impl Eraser {
    /// Erases a person, or goes on with an erasure that is not finished. Safe to repeat.
    ///
    /// # Errors
    /// [`TableError`]: what was begun stands in its row, and is finished by the next run.
    pub async fn erase(
        &self,
        store: &Store,
        whom: &Whom,
        mode: Option<EraseMode>,
    ) -> Result<Progress, TableError> {
        let key = resolve(&*self.table, &store.id, whom).await?;
        let hash = self.begin(store, key, whom, mode).await?;
        self.advance(store, &hash).await
    }

    /// Goes on with what is due of a store's unfinished erasures, as long as there is time to begin one. One that fails
    /// does not stop the others.
    ///
    /// # Errors
    /// [`TableError`]: the first of those that failed; a later run goes on with them.
    pub async fn sweep(&self, store: &Store, until: Deadline) -> Result<Vec<Progress>, TableError> {
        let list = ErasedRow::list(&store.id);
        let now = format!("{:020}$", self.clock.now().as_microsecond());
        let due = self.table.work(&list, "", &now, AT_ONCE).await?;
        let (mut all, mut failed) = (Vec::new(), None);
        for listed in due {
            if until.remaining(&*self.clock).is_zero() {
                tracing::warn!(store = %store.id, "there was no time for every erasure; the next run goes on");
                break;
            }
            let prefix = ErasedRow::key(&store.id, "").pk;
            let Some(hash) = listed.key.pk.strip_prefix(&prefix) else {
                continue;
            };
            match self.advance(store, hash).await {
                Ok(progress) => all.push(progress),
                Err(error) => {
                    self.put_off(store, hash).await;
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(all), Err)
    }

    /// Lets the others go first next time. Where that fails too, it only stays where it was.
    async fn put_off(&self, store: &Store, hash: &str) {
        let update = Update {
            set: vec![("ws", text(place(self.clock.now(), SECOND, hash)))],
            condition: Some(Condition::Is("wp", text(ErasedRow::list(&store.id)))),
            ..Update::default()
        };
        let _ = self
            .table
            .update(&ErasedRow::key(&store.id, hash), update)
            .await;
    }

    async fn row(&self, store: &StoreId, hash: &str) -> Result<Option<ErasedRow>, TableError> {
        let item = self.table.get(&ErasedRow::key(store, hash), true).await?;
        item.map(from_item).transpose()
    }

    /// Writes down what is to be done; gives the hash under which it stands.
    async fn begin(
        &self,
        store: &Store,
        key: MemberKey,
        whom: &Whom,
        mode: Option<EraseMode>,
    ) -> Result<String, TableError> {
        for _ in 0..TRIES {
            if let Some(hash) = self.try_begin(store, &key, whom, mode).await? {
                return Ok(hash);
            }
        }
        Err(TableError::Unavailable(
            "an erasure's row keeps changing".to_owned(),
        ))
    }

    /// As [`Eraser::begin`]; none where someone else wrote the row in between.
    async fn try_begin(
        &self,
        store: &Store,
        key: &MemberKey,
        whom: &Whom,
        mode: Option<EraseMode>,
    ) -> Result<Option<String>, TableError> {
        let own = self.hash_key.member(&store.id, key);
        let mut standing = self.row(&store.id, &own).await?;
        let as_read = standing.as_ref().map_or_else(Condition::absent, as_it_was);
        let mut hash = own;
        if let Some(main) = standing.as_ref().and_then(|row| row.main.clone()) {
            standing = self.row(&store.id, &main).await?;
            hash = main;
        }
        let joined_anew = self
            .held(store, key)
            .await?
            .and_then(|(held, _)| held.since);
        let goes_on = standing
            .filter(|row| row.work.is_some() && joined_anew.is_none_or(|since| since < row.at));
        if goes_on.is_some() {
            return Ok(Some(hash));
        }
        let hash = self.hash_key.member(&store.id, key);
        let used = registry::DESTINATIONS.iter().filter(|destination| {
            store.destinations.has(destination.name())
                && destination.writes(store)
                && self.queues.contains_key(destination.name())
        });
        let work = ErasureWork {
            keys: vec![key.clone()],
            aliases: match whom {
                Whom::Email(_) => Vec::new(),
                Whom::Id(alias) => vec![alias.clone()],
            },
            destinations: used
                .map(|destination| destination.name().to_owned())
                .collect(),
            mode,
        };
        let now = self.clock.now();
        let row = ErasedRow {
            v: 1,
            at: now.as_microsecond(),
            blocks: Some(true),
            main: None,
            work: Some(work),
            confirmed: Vec::new(),
            finished: None,
            removed: 0,
            kept: None,
            wp: Some(ErasedRow::list(&store.id)),
            ws: Some(place(now, SECOND, &hash)),
        };
        let item = to_item(&ErasedRow::key(&store.id, &hash), &row)?;
        let written = self.table.put(item, Some(as_read)).await?;
        Ok(matches!(written, Written::Done(_)).then_some(hash))
    }

    /// The destinations that may know the person with this key, whether or not the store uses them now.
    async fn synced(&self, store: &Store, key: &MemberKey) -> Result<Vec<String>, TableError> {
        let pk = member_partition(&store.id, key);
        let page = self.table.page(&pk, "SYNC#", None, PAGE).await?;
        let names = page.items.iter().filter_map(|item| {
            let name = text_of(item, "sk")?.strip_prefix("SYNC#")?;
            self.queues.contains_key(name).then(|| name.to_owned())
        });
        Ok(names.collect())
    }

    /// The person who stands under a key, with the row's version.
    async fn held(
        &self,
        store: &Store,
        key: &MemberKey,
    ) -> Result<Option<(Held, u64)>, TableError> {
        let item = self
            .table
            .get(&MemberState::key(&store.id, key), true)
            .await?;
        let state: Option<MemberState> = item.map(from_item).transpose()?;
        Ok(state.and_then(|state| Some((state.held()?.clone(), state.version))))
    }

    /// Does everything that can be done now.
    async fn advance(&self, store: &Store, hash: &str) -> Result<Progress, TableError> {
        let Some(row) = self.row(&store.id, hash).await? else {
            return Err(TableError::Shape("an erasure without its row".to_owned()));
        };
        let Some(work) = row.work else {
            return Ok(Progress {
                hash: hash.to_owned(),
                at: row.at,
                waiting: Vec::new(),
                removed: row.removed,
                finished: true,
            });
        };
        let mut case = Case {
            eraser: self,
            store,
            hash: hash.to_owned(),
            at: row.at,
            work,
            kept: row.kept,
        };
        case.bury().await?;
        case.tell(&row.confirmed).await?;
        // Whoever still worked on the person as they were held the lease under which a destination confirms: only what
        // had confirmed before this run is sure to write nothing more.
        let sure = case.open(&row.confirmed).is_empty();
        let found = case.search(sure).await?;
        let (kept, searched) = case.forget_kept().await?;
        case.end(row.removed + found + kept, sure, searched).await
    }
}

impl Case<'_> {
    fn table(&self) -> &dyn Table {
        &*self.eraser.table
    }

    fn hash_of(&self, key: &MemberKey) -> String {
        self.eraser.hash_key.member(&self.store.id, key)
    }

    /// Puts a tombstone in the place of the person, under each key that they have or had. What the rows know of further
    /// keys and ids is written down first.
    async fn bury(&mut self) -> Result<(), TableError> {
        self.turn_away().await?;
        let mut place = 0;
        let mut tries = 0;
        while let Some(key) = self.work.keys.get(place).cloned() {
            let state_key = MemberState::key(&self.store.id, &key);
            let item = self.table().get(&state_key, true).await?;
            let state: Option<MemberState> = item.map(from_item).transpose()?;
            let Some(state) = state.filter(|state| !self.is_over(state)) else {
                place += 1;
                continue;
            };
            let (keys, aliases) = match &state.standing {
                Standing::Member(held) => {
                    let keys = held.previous.iter().map(|previous| previous.key.clone());
                    (
                        keys.collect(),
                        held.member.aliases.iter().cloned().collect(),
                    )
                }
                Standing::Moved { to, .. } => (vec![to.clone()], Vec::new()),
                Standing::Erased { .. } => (Vec::new(), Vec::new()),
            };
            let destinations = self.eraser.synced(self.store, &key).await?;
            self.learn(keys, aliases, destinations).await?;
            let tombstone = MemberState {
                version: state.version + 1,
                standing: Standing::Erased { at: self.at },
            };
            let item = to_item(&state_key, &tombstone)?;
            let as_read = Some(as_read(Some(state.version)));
            match self.table().put(item, as_read).await? {
                Written::Done(_) => place += 1,
                // Someone wrote in between: what they wrote may name further keys.
                Written::Refused(_) if tries < TRIES => tries += 1,
                Written::Refused(_) => {
                    return Err(TableError::Unavailable(
                        "a member's row keeps changing".to_owned(),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether a row needs no tombstone: it is one, or the person has joined anew since.
    fn is_over(&self, state: &MemberState) -> bool {
        match &state.standing {
            Standing::Member(held) => held.since >= Some(self.at),
            Standing::Moved { .. } => false,
            Standing::Erased { .. } => true,
        }
    }

    /// Writes down further keys and ids of the person, and further destinations that know them.
    async fn learn(
        &mut self,
        keys: Vec<MemberKey>,
        aliases: Vec<Alias>,
        destinations: Vec<String>,
    ) -> Result<(), TableError> {
        let known =
            |work: &ErasureWork| (work.keys.len(), work.aliases.len(), work.destinations.len());
        let before = known(&self.work);
        for key in keys {
            if !self.work.keys.contains(&key) {
                self.work.keys.push(key);
            }
        }
        for alias in aliases {
            if !self.work.aliases.contains(&alias) {
                self.work.aliases.push(alias);
            }
        }
        for destination in destinations {
            if !self.work.destinations.contains(&destination) {
                self.work.destinations.push(destination);
            }
        }
        if before == known(&self.work) {
            return Ok(());
        }
        self.kept = None;
        let key = ErasedRow::key(&self.store.id, &self.hash);
        let update = Update {
            set: vec![("work", value(&self.work)?)],
            // Whoever has further addresses is looked for once more from the beginning.
            remove: vec!["kept"],
            condition: Some(Condition::Is("at", whole(self.at))),
            ..Update::default()
        };
        self.table().update(&key, update).await?;
        self.turn_away().await
    }

    /// Turns news away that names the person by another key or by an id.
    async fn turn_away(&self) -> Result<(), TableError> {
        let ids = self.work.aliases.iter();
        let ids = ids.map(|alias| MemberKey::of_external(&alias.source, alias.id.expose()));
        for key in self.work.keys.iter().cloned().chain(ids) {
            let hash = self.hash_of(&key);
            if hash == self.hash {
                continue;
            }
            let update = Update {
                set: vec![
                    ("v", whole(1)),
                    ("at", whole(self.at)),
                    ("blocks", Value::Bool(true)),
                    ("main", text(&self.hash)),
                ],
                // Who joined anew after this erasure is not turned away again.
                condition: Some(Condition::Any(vec![
                    Condition::Missing("at"),
                    Condition::Below("at", self.at),
                ])),
                ..Update::default()
            };
            let row_key = ErasedRow::key(&self.store.id, &hash);
            self.table().update(&row_key, update).await?;
        }
        Ok(())
    }

    /// Names of what each destination has to confirm: one for each address, and where a destination has told of the person
    /// itself, one for each other key.
    fn expected(&self) -> Vec<(String, MemberKey, String)> {
        let each = self.work.keys.iter().flat_map(|key| {
            let hash = self.hash_of(key);
            let has_address = Email::parse(key.expose()).is_ok();
            let destinations = self.work.destinations.iter();
            let knows = move |name: &&String| has_address || self.person_at(name).is_some();
            destinations
                .filter(knows)
                .map(move |name| (name.clone(), key.clone(), hash.clone()))
        });
        each.collect()
    }

    /// The id by which a destination has told of the person.
    fn person_at(&self, destination: &str) -> Option<Private> {
        let mut aliases = self.work.aliases.iter();
        let own = aliases.find(|alias| alias.source == destination);
        own.map(|alias| alias.id.clone())
    }

    /// Tells the destinations that have not confirmed. The SYNC row says it too, so that whoever works on this person
    /// next, for whatever reason, erases first.
    async fn tell(&self, confirmed: &[String]) -> Result<(), TableError> {
        for (name, key, hash) in self.expected() {
            if confirmed.contains(&ErasedRow::confirmation(&name, &hash)) {
                continue;
            }
            let erasure = Erasure {
                hash: self.hash.clone(),
                own: hash.clone(),
                key: Some(key.clone()),
                person: self.person_at(&name),
                at: self.at,
                mode: self.work.mode,
            };
            let sync = member_row(&self.store.id, &key, format!("SYNC#{name}"));
            let json = serde_json::to_string(&erasure)
                .map_err(|error| TableError::Shape(error.to_string()))?;
            let update = Update {
                set: vec![("v", whole(1)), ("erase", text(json))],
                ..Update::default()
            };
            self.table().update(&sync, update).await?;
            let message = Message {
                v: 1,
                store: self.store.id.clone(),
                member: key,
                version: 0,
                lane: Lane::Live,
                note: None,
                hash: Some(hash),
                erase: Some(erasure),
            };
            let (Some(url), Ok(body)) = (self.eraser.queues.get(&name), message.to_text()) else {
                continue;
            };
            let messages = vec![Outgoing { id: 0, body }];
            if !self.eraser.queue.send(url, messages).await.is_empty() {
                tracing::error!(store = %self.store.id, destination = name, "a destination could not be told of an erasure; the next run tells it");
            }
        }
        Ok(())
    }

    /// The destinations that have not confirmed.
    fn open(&self, confirmed: &[String]) -> Vec<String> {
        let open = self
            .expected()
            .into_iter()
            .filter(|(name, _, hash)| !confirmed.contains(&ErasedRow::confirmation(name, hash)));
        let mut open: Vec<String> = open.map(|(name, ..)| name).collect();
        open.sort_unstable();
        open.dedup();
        open
    }

    /// Removes the person's rows and the ids that lead to them; gives how many.
    async fn search(&self, sure: bool) -> Result<i64, TableError> {
        let mut removed = 0;
        for key in &self.work.keys {
            let mut after: Option<String> = None;
            loop {
                let pk = member_partition(&self.store.id, key);
                let page = self.table().page(&pk, "", after.as_deref(), PAGE).await?;
                for item in page.items {
                    removed += i64::from(self.remove(key, &item, sure).await?);
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        for key in &self.work.keys {
            let row = due::bought(&self.store.id, &self.hash_of(key));
            self.table().delete(&row, None).await?;
        }
        let own = self.work.keys.iter();
        let own: Vec<_> = own
            .map(|key| Condition::Is("member", text(key.expose())))
            .collect();
        for alias in &self.work.aliases {
            let joined_anew = self.lives_with(alias).await?;
            if !joined_anew {
                let key = rows::alias_key(&self.store.id, alias);
                let leads = Some(Condition::Any(own.clone()));
                if let Written::Done(Some(_)) = self.table().delete(&key, leads).await? {
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    /// Removes what was only kept, where it names an address of the person. Gives how many rows went, and, once a search is
    /// through, when it began.
    async fn forget_kept(&mut self) -> Result<(i64, Option<Timestamp>), TableError> {
        let clock = &*self.eraser.clock;
        let now = clock.now();
        let keys = self.work.keys.iter().map(MemberKey::expose);
        let addresses: Vec<&str> = keys.filter(|key| Email::parse(key).is_ok()).collect();
        if addresses.is_empty() {
            return Ok((0, Some(now)));
        }
        let (began, after) = match self.kept.take() {
            Some(kept) => (
                Timestamp::from_microsecond(kept.began).unwrap_or(now),
                Some(kept.after),
            ),
            None => (now, None),
        };
        let stock = Shelf {
            table: self.eraser.table.clone(),
            store: self.store.id.clone(),
        };
        let until = Deadline::after(SEARCH, clock);
        let is_over = || until.remaining(clock).is_zero();
        let (removed, rest) = stock.forget(&addresses, after, is_over).await?;
        self.kept = rest.map(|after| KeptSearch {
            began: began.as_microsecond(),
            after,
        });
        let is_through = self.kept.is_none();
        Ok((removed, is_through.then_some(began)))
    }

    /// Whether somebody who joined anew is known by this id.
    async fn lives_with(&self, alias: &Alias) -> Result<bool, TableError> {
        for key in &self.work.keys {
            let held = self.eraser.held(self.store, key).await?;
            if held.is_some_and(|(held, _)| held.member.aliases.contains(alias)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes a row of the person, unless it is to stay; tells which.
    async fn remove(&self, key: &MemberKey, item: &Item, sure: bool) -> Result<bool, TableError> {
        let Some(sk) = text_of(item, "sk") else {
            return Ok(false);
        };
        // The tombstone goes last, and what a destination knows and did goes when it has confirmed: it must not start
        // anything twice meanwhile.
        if sk == "STATE" || sk.starts_with("SYNC#") || (sk.starts_with("DELIVERY#") && !sure) {
            return Ok(false);
        }
        let row = RowKey::new(member_partition(&self.store.id, key), sk);
        let written = ["arrived", "at"]
            .iter()
            .find_map(|name| match item.as_ref().get(*name) {
                Some(Value::N(digits)) => digits.parse::<i64>().ok(),
                _ => None,
            });
        if written.is_none_or(|written| written <= self.at) {
            self.table().delete(&row, None).await?;
            return Ok(true);
        }
        // Somebody may have joined anew in this very moment.
        let nobody = Write::Check(
            MemberState::key(&self.store.id, key),
            Condition::Missing("member"),
        );
        let writes = vec![Write::Delete(row, None), nobody];
        Ok(self.table().transact(writes).await? == Transacted::Done)
    }

    /// Ends the erasure, or says when to go on. `searched` is when a search of everything began that is through now.
    async fn end(
        &self,
        removed: i64,
        sure: bool,
        searched: Option<Timestamp>,
    ) -> Result<Progress, TableError> {
        let now = self.eraser.clock.now();
        let confirmed = self.eraser.row(&self.store.id, &self.hash).await?;
        let waiting = self.open(&confirmed.map(|row| row.confirmed).unwrap_or_default());
        let began = Timestamp::from_microsecond(self.at).unwrap_or(now);
        let is_second = searched.is_some_and(|searched| searched.duration_since(began) >= SECOND);
        let finished = sure && is_second;
        let mut update = Update {
            set: vec![("removed", whole(removed))],
            // Whoever works on it too may have learned of further keys: then the next run goes on with those.
            condition: Some(Condition::All(vec![
                Condition::Is("at", whole(self.at)),
                Condition::Is("work", value(&self.work)?),
            ])),
            ..Update::default()
        };
        if finished {
            self.clear().await?;
            update.set.push(("finished", whole(now.as_microsecond())));
            update.remove = vec!["work", "wp", "ws", "kept"];
        } else {
            let wait = if let Some(kept) = &self.kept {
                update.set.push(("kept", value(kept)?));
                SignedDuration::ZERO
            } else {
                update.remove = vec!["kept"];
                SECOND
            };
            update.set.push(("ws", text(place(now, wait, &self.hash))));
        }
        let key = ErasedRow::key(&self.store.id, &self.hash);
        let written = self.table().update(&key, update).await?;
        let finished = finished && matches!(written, Written::Done(_));
        tracing::info!(store = %self.store.id, member = self.hash, removed, finished, waiting = waiting.len(), "member.erased");
        Ok(Progress {
            hash: self.hash.clone(),
            at: self.at,
            waiting,
            removed,
            finished,
        })
    }

    /// Removes the tombstones, and what is left of the destinations' rows.
    async fn clear(&self) -> Result<(), TableError> {
        let now = self.eraser.clock.now().as_microsecond();
        let free = Condition::Any(vec![
            Condition::Missing("holder"),
            Condition::Below("held_until", now),
        ]);
        for key in &self.work.keys {
            if self.eraser.held(self.store, key).await?.is_some() {
                continue;
            }
            let pk = member_partition(&self.store.id, key);
            for item in self.table().page(&pk, "SYNC#", None, PAGE).await?.items {
                if let Some(sk) = text_of(&item, "sk") {
                    let row = RowKey::new(&pk, sk);
                    self.table().delete(&row, Some(free.clone())).await?;
                }
            }
            let tombstone = Condition::Is("erased", whole(self.at));
            let state = MemberState::key(&self.store.id, key);
            self.table().delete(&state, Some(tombstone)).await?;
        }
        Ok(())
    }
}

/// No other erasure was begun in this row since it was read.
fn as_it_was(row: &ErasedRow) -> Condition {
    let mut all = vec![Condition::Is("at", whole(row.at))];
    all.extend(row.work.is_none().then_some(Condition::Missing("work")));
    Condition::All(all)
}

/// A place in the list of unfinished erasures.
fn place(now: Timestamp, wait: SignedDuration, hash: &str) -> String {
    let due = now.checked_add(wait).unwrap_or(now).as_microsecond();
    format!("{due:020}#{hash}")
}

pub(crate) fn text_of<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    match item.as_ref().get(name) {
        Some(Value::S(text)) => Some(text),
        _ => None,
    }
}
