use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use serde_dynamo::{AttributeValue, Item};

use super::size;
use crate::{
    Condition, Listed, Page, RowKey, Table, TableError, Transacted, Update, Write, Written,
};

/// What the table was asked to do, counted as DynamoDB bills it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests.
    pub requests: usize,
    /// Write units: one for each started KB of a write; a refused condition costs one as well.
    pub write_units: usize,
    /// Read units: half of one for each started 4 KB, doubled for consistent reads; counted in halves.
    pub read_half_units: usize,
}

/// A table in memory.
#[derive(Debug, Default)]
pub struct MemoryTable(Mutex<State>);

#[derive(Default)]
struct State {
    rows: BTreeMap<RowKey, Item>,
    /// The index `work`: list and place to row.
    work: BTreeSet<(String, String, RowKey)>,
    usage: Usage,
    down: bool,
}

/// Items name people.
impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows", self.rows.len())
    }
}

impl MemoryTable {
    /// Every row of one partition, in order.
    #[must_use]
    pub fn partition(&self, pk: &str) -> Vec<Item> {
        let state = self.state();
        let rows = state.rows.range(RowKey::new(pk, "")..);
        let own = rows.take_while(|(key, _)| key.pk == pk);
        own.map(|(_, item)| item.clone()).collect()
    }

    /// Every row, in order.
    #[must_use]
    pub fn all(&self) -> Vec<Item> {
        self.state().rows.values().cloned().collect()
    }

    /// What was asked since the last call.
    pub fn take_usage(&self) -> Usage {
        std::mem::take(&mut self.state().usage)
    }

    /// Makes the table unavailable, or available again.
    pub fn down(&self, down: bool) {
        self.state().down = down;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) -> Result<MutexGuard<'_, State>, TableError> {
        let mut state = self.state();
        state.usage.requests += 1;
        if state.down {
            Err(TableError::Unavailable("down".to_owned()))
        } else {
            Ok(state)
        }
    }
}

#[async_trait]
impl Table for MemoryTable {
    async fn get(&self, key: &RowKey, consistent: bool) -> Result<Option<Item>, TableError> {
        let mut state = self.asked()?;
        let item = state.rows.get(key).cloned();
        let units = item
            .as_ref()
            .map_or(1, |item| size::bytes(item).div_ceil(4096).max(1));
        state.usage.read_half_units += if consistent { 2 * units } else { units };
        Ok(item)
    }

    async fn put(&self, item: Item, condition: Option<Condition>) -> Result<Written, TableError> {
        self.asked()?.put(item, condition)
    }

    async fn update(&self, key: &RowKey, update: Update) -> Result<Written, TableError> {
        self.asked()?.update(key, update)
    }

    async fn delete(
        &self,
        key: &RowKey,
        condition: Option<Condition>,
    ) -> Result<Written, TableError> {
        Ok(self.asked()?.delete(key, condition))
    }

    async fn page(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, TableError> {
        let state = self.asked()?;
        let first = RowKey::new(pk, after.unwrap_or(prefix).max(prefix));
        let mut own = state
            .rows
            .range(first..)
            .take_while(|(key, _)| key.pk == pk && key.sk.starts_with(prefix))
            .filter(|(key, _)| after.is_none_or(|after| key.sk.as_str() > after));
        let items: Vec<(String, Item)> = own
            .by_ref()
            .take(limit)
            .map(|(key, item)| (key.sk.clone(), item.clone()))
            .collect();
        let more = own.next().is_some();
        let next = items.last().filter(|_| more).map(|(sk, _)| sk.clone());
        let items = items.into_iter().map(|(_, item)| item).collect();
        Ok(Page { items, next })
    }

    async fn work(
        &self,
        list: &str,
        from: &str,
        until: &str,
        limit: usize,
    ) -> Result<Vec<Listed>, TableError> {
        let state = self.asked()?;
        let first = (list.to_owned(), from.to_owned(), RowKey::new("", ""));
        let due = state
            .work
            .range(first..)
            .take_while(|(in_list, place, _)| in_list == list && place.as_str() <= until);
        let listed = due.take(limit).map(|(_, place, key)| Listed {
            key: key.clone(),
            place: place.clone(),
        });
        Ok(listed.collect())
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Transacted, TableError> {
        let mut state = self.asked()?;
        let (mut refused, mut named) = (Vec::new(), HashSet::new());
        for (place, write) in writes.iter().enumerate() {
            let (key, condition) = match write {
                Write::Put(item, condition) => (key_of(item)?, condition.as_ref()),
                Write::Update(key, update) => (key.clone(), update.condition.as_ref()),
                Write::Delete(key, condition) => (key.clone(), condition.as_ref()),
                Write::Check(key, condition) => (key.clone(), Some(condition)),
            };
            if !named.insert(key.clone()) {
                return Err(TableError::Unavailable("ValidationException".to_owned()));
            }
            if condition.is_some_and(|condition| !holds(condition, state.rows.get(&key))) {
                refused.push(place);
            }
        }
        let before = state.usage.write_units;
        if !refused.is_empty() {
            state.usage.write_units += 2 * writes.len();
            return Ok(Transacted::Refused(refused));
        }
        for write in writes {
            match write {
                Write::Put(item, _) => drop(state.put(item, None)?),
                Write::Update(key, update) => drop(state.update(
                    &key,
                    Update {
                        condition: None,
                        ..update
                    },
                )?),
                Write::Delete(key, _) => drop(state.delete(&key, None)),
                Write::Check(..) => state.usage.write_units += 1,
            }
        }
        // A transaction costs twice what its writes cost alone.
        state.usage.write_units += state.usage.write_units - before;
        Ok(Transacted::Done)
    }
}

impl State {
    fn store(&mut self, key: RowKey, item: Item) {
        self.forget(&key);
        if let Some((list, place)) = listing(&item) {
            self.work.insert((list, place, key.clone()));
        }
        self.rows.insert(key, item);
    }

    fn forget(&mut self, key: &RowKey) -> Option<Item> {
        let old = self.rows.remove(key)?;
        if let Some((list, place)) = listing(&old) {
            self.work.remove(&(list, place, key.clone()));
        }
        Some(old)
    }

    fn put(&mut self, item: Item, condition: Option<Condition>) -> Result<Written, TableError> {
        let key = key_of(&item)?;
        let old = self.rows.get(&key).cloned();
        if !condition.is_none_or(|condition| holds(&condition, old.as_ref())) {
            self.usage.write_units += 1;
            return Ok(Written::Refused(old));
        }
        fits(&item)?;
        self.usage.write_units += units(&item, old.as_ref());
        self.store(key, item);
        Ok(Written::Done(None))
    }

    fn delete(&mut self, key: &RowKey, condition: Option<Condition>) -> Written {
        let old = self.rows.get(key).cloned();
        let units = old.as_ref().map_or(1, |old| units(old, None));
        if !condition.is_none_or(|condition| holds(&condition, old.as_ref())) {
            self.usage.write_units += 1;
            return Written::Refused(old);
        }
        self.usage.write_units += units;
        Written::Done(self.forget(key))
    }

    fn update(&mut self, key: &RowKey, update: Update) -> Result<Written, TableError> {
        let state = self;
        let old = state.rows.get(key).cloned();
        if !update
            .condition
            .is_none_or(|condition| holds(&condition, old.as_ref()))
        {
            state.usage.write_units += 1;
            return Ok(Written::Refused(old));
        }
        let mut item = old.clone().unwrap_or_else(|| {
            let parts = [("pk", &key.pk), ("sk", &key.sk)];
            parts
                .map(|(name, part)| (name.to_owned(), AttributeValue::S(part.clone())))
                .into_iter()
                .collect::<std::collections::HashMap<_, _>>()
                .into()
        });
        for name in update.remove {
            item.as_mut().remove(name);
        }
        for (name, value) in update.set {
            item.as_mut().insert(name.to_owned(), value);
        }
        for (name, more) in update.append {
            match item
                .as_mut()
                .entry(name.to_owned())
                .or_insert_with(|| AttributeValue::L(Vec::new()))
            {
                AttributeValue::L(list) => list.extend(more),
                _ => return Err(TableError::Unavailable("ValidationException".to_owned())),
            }
        }
        fits(&item)?;
        state.usage.write_units += units(&item, old.as_ref());
        state.store(key.clone(), item);
        Ok(Written::Done(old))
    }
}

/// List and place in the index `work`, where the row has both.
fn listing(item: &Item) -> Option<(String, String)> {
    let part = |name| match item.as_ref().get(name) {
        Some(AttributeValue::S(text)) => Some(text.clone()),
        _ => None,
    };
    Some((part("wp")?, part("ws")?))
}

/// The service refuses an item over 400 KB.
fn fits(item: &Item) -> Result<(), TableError> {
    if size::bytes(item) <= 400 * 1024 {
        Ok(())
    } else {
        Err(TableError::Unavailable("ValidationException".to_owned()))
    }
}

/// A write is billed by the larger of the row before and after.
fn units(new: &Item, old: Option<&Item>) -> usize {
    let bytes = size::bytes(new).max(old.map_or(0, size::bytes));
    bytes.div_ceil(1024).max(1)
}

fn key_of(item: &Item) -> Result<RowKey, TableError> {
    RowKey::of(item).ok_or_else(|| TableError::Shape("a row without a key".to_owned()))
}

fn holds(condition: &Condition, item: Option<&Item>) -> bool {
    let value = |name: &str| item.and_then(|item| item.as_ref().get(name));
    match condition {
        Condition::Missing(name) => value(name).is_none(),
        Condition::Is(name, expected) => value(name) == Some(expected),
        Condition::Below(name, limit) => match value(name) {
            Some(AttributeValue::N(digits)) => {
                digits.parse::<i64>().is_ok_and(|number| number < *limit)
            }
            _ => false,
        },
        Condition::Any(all) => all.iter().any(|condition| holds(condition, item)),
        Condition::All(all) => all.iter().all(|condition| holds(condition, item)),
    }
}
