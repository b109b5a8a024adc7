//! Who a delivery is about: the key it names, the key that its source's id leads to, and which of the two is newer.
//!
//! An id is read only when it is new to the picture. Where it leads to somebody else, one person has two keys: the newer
//! word about the address decides which one stays.

use std::collections::BTreeMap;

use loyalty::{Alias, Email, Event, Member, MemberKey, StoreId};
use platform::{
    Condition, Found, MemberState, Table, TableError, Write, find_member, from_item, text, to_item,
};
use vendors::Reason;

use crate::{
    Failure, Recorder, erased,
    member::{Group, Hindrance, guard, keep_first_arrival},
    rename::{Place, free_key, unite},
    rows::{self, AliasRow},
};

/// Where the ids that are new to a picture led when they were read.
#[derive(Default)]
pub(crate) struct Leads(BTreeMap<Alias, Option<MemberKey>>);

impl Leads {
    /// Leads each of them to this member, if they still lead where they did. An id that was not asked for belongs to an
    /// event that stayed out of the picture.
    pub(crate) fn writes(
        &self,
        store: &StoreId,
        key: &MemberKey,
        member: &Member,
    ) -> Result<Vec<Write>, TableError> {
        let mut writes = Vec::new();
        for (alias, led) in &self.0 {
            if led.as_ref() == Some(key) || !member.aliases.contains(alias) {
                continue;
            }
            let row = AliasRow {
                v: 1,
                member: key.clone(),
            };
            let condition = led.as_ref().map_or_else(Condition::absent, |led| {
                Condition::Is("member", text(led.expose()))
            });
            let item = to_item(&rows::alias_key(store, alias), &row)?;
            writes.push(Write::Put(item, Some(condition)));
        }
        Ok(writes)
    }
}

/// Makes one person of two keys where an event says that they are one. None when that changed what was read.
pub(crate) async fn settle(
    recorder: &Recorder,
    group: &mut Group,
    found: &Found,
) -> Result<Option<Leads>, Hindrance> {
    let mut leads = Leads::default();
    let held = found.state.as_ref().and_then(MemberState::held);
    let store = group.store.id.clone();
    let says = |event: &Event| {
        let alias = event.who.alias();
        let known = |alias| held.is_some_and(|held| held.member.aliases.contains(alias));
        alias.is_some_and(|alias| !found.passed.is_empty() || !known(alias))
    };
    let open = group.entries.iter().filter(|entry| entry.is_open());
    let events: Vec<Event> = open
        .filter(|entry| says(&entry.event))
        .map(|entry| entry.event.clone())
        .collect();
    for event in &events {
        let Some(alias) = event.who.alias() else {
            continue;
        };
        if held.is_some_and(|held| held.member.aliases.contains(alias)) {
            if let Some(email) = event.who.email()
                && is_news(recorder, &store, (found, email), event).await?
            {
                let back = &found.passed[0];
                let to = Place {
                    key: &back.key,
                    version: Some(back.version),
                    held: None,
                };
                let places = (Place::of(found), to);
                unite(recorder, &store, places, (Some(email), alias), &event.stamp).await?;
                return Ok(None);
            }
            continue;
        }
        if leads.0.contains_key(alias) {
            continue;
        }
        let led = leads_to(&*recorder.table, &store, alias).await?;
        if let Some(email) = event.who.email()
            && held.is_some()
            && led.as_ref() != Some(&found.key)
            && is_news(recorder, &store, (found, email), event).await?
        {
            pass_on(recorder, group, found, event).await?;
            return Ok(None);
        }
        leads.0.insert(alias.clone(), led.clone());
        let Some(led) = led.filter(|led| *led != found.key) else {
            continue;
        };
        let other = find_member(&*recorder.table, &store, &led).await?;
        let lives = other
            .state
            .as_ref()
            .is_some_and(|state| state.held().is_some());
        if lives && other.key != found.key {
            meet(recorder, group, (found, &other), event, alias).await?;
            return Ok(None);
        }
    }
    Ok(Some(leads))
}

/// The key that an id leads to.
pub(crate) async fn leads_to(
    table: &dyn Table,
    store: &StoreId,
    alias: &Alias,
) -> Result<Option<MemberKey>, TableError> {
    let row = table.get(&rows::alias_key(store, alias), true).await?;
    let row: Option<AliasRow> = row.map(from_item).transpose()?;
    Ok(row.map(|row| row.member))
}

/// An id leads to somebody else than the key that the event names.
async fn meet(
    recorder: &Recorder,
    group: &mut Group,
    (found, other): (&Found, &Found),
    event: &Event,
    alias: &Alias,
) -> Result<(), Hindrance> {
    let store = group.store.id.clone();
    let Some(email) = event.who.email().filter(|_| found.passed.is_empty()) else {
        // No address, or one that was somebody else's before: the id alone says who this is.
        if found.state.is_some() && event.who.email().is_none() {
            let places = (Place::of(found), Place::of(other));
            unite(recorder, &store, places, (None, alias), &event.stamp).await?;
        } else {
            follow(group, other, alias);
        }
        return Ok(());
    };
    let held = other.state.as_ref().and_then(MemberState::held);
    let since = held.and_then(|held| held.member.addressed.clone());
    let stamp = first_stamp(recorder, &store, (found, other), event).await?;
    if since.as_ref().is_none_or(|since| stamp > *since) {
        let places = (Place::of(other), Place::of(found));
        unite(recorder, &store, places, (Some(email), alias), &stamp).await?;
    } else if knows_otherwise(found, alias) {
        follow(group, other, alias);
    } else if let Some(since) = since {
        let places = (Place::of(found), Place::of(other));
        unite(recorder, &store, places, (None, alias), &since).await?;
    }
    Ok(())
}

/// Whether whoever has the address now is known by an id of their own: they took it over from the one whom late news means.
fn knows_otherwise(found: &Found, alias: &Alias) -> bool {
    let held = found.state.as_ref().and_then(MemberState::held);
    let mut own = held.iter().flat_map(|held| &held.member.aliases);
    own.any(|own| own.source == alias.source)
}

/// Goes on with the person whom an id leads to. What names the same address by another id, or by none, is not theirs: it
/// comes again by itself.
fn follow(group: &mut Group, other: &Found, alias: &Alias) {
    group.named = other.key.clone();
    let open = group.entries.iter_mut().filter(|entry| entry.is_open());
    for entry in open.filter(|entry| entry.event.who.alias() != Some(alias)) {
        entry.failure = Some(Failure(Reason::LeaseHeld));
    }
}

/// The address that the person gave up is somebody else's now: they begin under it, unless they were erased.
async fn pass_on(
    recorder: &Recorder,
    group: &mut Group,
    found: &Found,
    event: &Event,
) -> Result<(), Hindrance> {
    let Some(passed) = found.passed.first() else {
        return Ok(());
    };
    let nobody = Found {
        key: passed.key.clone(),
        state: None,
        passed: Vec::new(),
    };
    let gate = erased::gate(recorder, group, &nobody).await?;
    if group.entries.iter().all(|entry| !entry.is_open()) {
        return Ok(());
    }
    // What was sent under this key before is the other's, also where it still waits.
    let given_up = passed.since.as_ref().map(|since| since.arrived);
    let arrived = event.stamp.arrived.as_microsecond() - 1;
    let since = given_up.map_or(arrived, |at| arrived.min(at.as_microsecond()));
    let store = group.store.id.clone();
    free_key(recorder, &store, (found, passed), since, gate).await?;
    Ok(())
}

/// Whether an event names the address that the person gave up, and is newer than what made them give it up: then they
/// have it back, or by an id that is not theirs somebody else has it. Otherwise it is late.
async fn is_news(
    recorder: &Recorder,
    store: &StoreId,
    (found, email): (&Found, &Email),
    event: &Event,
) -> Result<bool, TableError> {
    let Some(passed) = found.passed.first() else {
        return Ok(false);
    };
    let newer = |stamp: &loyalty::Stamp| passed.since.as_ref().is_none_or(|since| stamp > since);
    if MemberKey::of_email(email) != passed.key || !newer(&event.stamp) {
        return Ok(false);
    }
    Ok(newer(
        &first_stamp(recorder, store, (found, found), event).await?,
    ))
}

/// The event's stamp; of a repeat that of its first arrival, under whichever key it was recorded.
async fn first_stamp(
    recorder: &Recorder,
    store: &StoreId,
    (found, other): (&Found, &Found),
    event: &Event,
) -> Result<loyalty::Stamp, TableError> {
    let now = recorder.clock.now();
    let held = other.state.as_ref().and_then(MemberState::held);
    let recent: Vec<MemberKey> = held
        .iter()
        .flat_map(|held| held.recent(now).cloned())
        .collect();
    let passed = found.passed.iter().map(|passed| &passed.key);
    let keys = passed.chain([&found.key, &other.key]).chain(&recent);
    let mut event = event.clone();
    if let Some(first) = guard(recorder, store, keys, &event).await? {
        keep_first_arrival(&mut event, &first);
    }
    Ok(event.stamp)
}
