use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use serde_dynamo::{AttributeValue, Item};

use super::size;
use crate::{Condition, RowKey, Table, TableError, Update, Written};

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
        let mut state = self.asked()?;
        let key = key_of(&item)?;
        let old = state.rows.get(&key).cloned();
        if !condition.is_none_or(|condition| holds(&condition, old.as_ref())) {
            state.usage.write_units += 1;
            return Ok(Written::Refused(old));
        }
        fits(&item)?;
        state.usage.write_units += units(&item, old.as_ref());
        state.rows.insert(key, item);
        Ok(Written::Done(None))
    }

    async fn update(&self, key: &RowKey, update: Update) -> Result<Written, TableError> {
        let mut state = self.asked()?;
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
        state.rows.insert(key.clone(), item);
        Ok(Written::Done(old))
    }
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
    let part = |name| match item.as_ref().get(name) {
        Some(AttributeValue::S(text)) => Ok(text.clone()),
        _ => Err(TableError::Shape(format!("a row without {name}"))),
    };
    Ok(RowKey::new(part("pk")?, part("sk")?))
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
