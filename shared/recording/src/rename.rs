//! A person whose address changed, and two who turn out to be one: both get one key, in one transaction.
//!
//! No destination may be at work on either of them meanwhile, because what it writes would be of a picture that is no
//! longer the person's: each lease is checked by the transaction itself.

use std::collections::BTreeSet;

use loyalty::{Alias, Email, MemberKey, Stamp, StoreId, due::Dues};
use platform::{
    Condition, Found, Held, Item, MemberState, Passed, Previous, RowKey, Standing, TableError,
    Transacted, Update, Value, Write, from_item, member_partition, member_row, text, to_item,
    whole,
};
use vendors::registry;

use crate::{
    Recorder, due,
    erased::Gate,
    member::Hindrance,
    rows::{self, AliasRow},
};

/// The most aliases that are repointed together with a rename: a transaction has a hundred writes at most. Those beyond
/// lead to the old key, which leads on.
const ALIASES: usize = 40;

/// The most destinations of one member.
const DESTINATIONS: usize = 20;

/// Attributes of a SYNC row that change whenever someone has held its lease, asks for an erasure, or parks work.
const TRACES: [&str; 5] = ["intent", "version", "written", "erase", "waiting"];

/// A key, and what was read there.
pub(crate) struct Place<'a> {
    pub(crate) key: &'a MemberKey,
    /// The version of the row, whatever stands in it.
    pub(crate) version: Option<u64>,
    /// The person who stands there.
    pub(crate) held: Option<&'a Held>,
}

impl<'a> Place<'a> {
    /// The end of a search.
    pub(crate) fn of(found: &'a Found) -> Self {
        Self {
            key: &found.key,
            version: found.state.as_ref().map(|state| state.version),
            held: found.state.as_ref().and_then(MemberState::held),
        }
    }
}

/// Gives the person at `from` the key of `to`; tells whether it happened, or someone else wrote in between. `own` is the
/// address that the person has then, with the id by which they are known to be one; `stamp` is the news that said so.
pub(crate) async fn unite(
    recorder: &Recorder,
    store: &StoreId,
    (from, to): (Place<'_>, Place<'_>),
    (own, alias): (Option<&Email>, &Alias),
    stamp: &Stamp,
) -> Result<bool, Hindrance> {
    let gone = from.held.cloned().unwrap_or_default();
    let mut into = to.held.cloned().unwrap_or_default();
    let now = recorder.clock.now().as_microsecond();
    let above = |place: &Place| place.version.map_or(0, |version| version + 1);
    let new = u64::try_from(now)
        .unwrap_or_default()
        .max(above(&from))
        .max(above(&to));

    let email = own.cloned().or(into.member.email.clone());
    into.member.merge(gone.member);
    into.member.email = email;
    into.member.aliases.insert(alias.clone());
    into.member.addressed = into.member.addressed.max(Some(stamp.clone()));
    into.since = into.since.max(gone.since);
    let (own, others) = (into.due.clone(), gone.due.clone());
    loyalty::due::merge(&mut into.due, gone.due);
    let of = (store, &recorder.hash_key);
    let at = recorder.clock.now();
    let mut dates = due::writes(of, to.key, (&own, &into.due), at)?;
    dates.extend(due::writes(of, from.key, (&others, &Dues::new()), at)?);
    into.previous = previous(to.key, from.key, now, (into.previous, gone.previous));
    let aliases = into.member.aliases.clone();

    let moved = MemberState {
        version: new,
        standing: Standing::Moved {
            to: to.key.clone(),
            since: into.member.addressed.clone(),
        },
    };
    let member = MemberState {
        version: new,
        standing: Standing::Member(Box::new(into)),
    };
    let mut writes = vec![
        put_state(store, to.key, &member, to.version)?,
        put_state(store, from.key, &moved, from.version)?,
    ];
    writes.extend(dates);
    writes.extend(copy_sync(recorder, store, (from.key, to.key), now).await?);
    for alias in aliases.iter().take(ALIASES) {
        let row = AliasRow {
            v: 1,
            member: to.key.clone(),
        };
        writes.push(Write::Put(
            to_item(&rows::alias_key(store, alias), &row)?,
            None,
        ));
    }
    let done = recorder.table.transact(writes).await? == Transacted::Done;
    if done {
        let (was, is) = (
            recorder.hash_key.member(store, from.key),
            recorder.hash_key.member(store, to.key),
        );
        tracing::info!(%store, was, is, "a member has another key now");
    }
    Ok(done)
}

/// Frees the key that the person at `found` gave up: somebody else has it now. They begin there with nothing, and whom
/// earlier keys lead to by way of it is found without it. `since` is when the key began to be theirs: what arrived by then
/// is not about them. Tells whether it happened, or someone else wrote in between.
pub(crate) async fn free_key(
    recorder: &Recorder,
    store: &StoreId,
    (found, passed): (&Found, &Passed),
    since: i64,
    gate: Gate,
) -> Result<bool, TableError> {
    let Some((state, held)) = found
        .state
        .as_ref()
        .and_then(|state| Some((state, state.held()?)))
    else {
        return Ok(false);
    };
    let now = u64::try_from(recorder.clock.now().as_microsecond()).unwrap_or_default();
    let version = now.max(state.version.max(passed.version) + 1);
    let mut owner = held.clone();
    owner.previous.retain(|previous| previous.key != passed.key);
    let earlier: Vec<MemberKey> = owner
        .previous
        .iter()
        .map(|previous| previous.key.clone())
        .collect();
    let begun = Held {
        since: gate.since().max(Some(since)),
        ..Held::default()
    };
    let member = |held| MemberState {
        version,
        standing: Standing::Member(Box::new(held)),
    };
    let mut writes = vec![
        put_state(store, &passed.key, &member(begun), Some(passed.version))?,
        put_state(store, &found.key, &member(owner), Some(state.version))?,
    ];
    for key in &earlier {
        let item = recorder
            .table
            .get(&MemberState::key(store, key), true)
            .await?;
        let state: Option<MemberState> = item.map(from_item).transpose()?;
        if let Some(mut state) = state
            && let Standing::Moved { to, .. } = &mut state.standing
            && *to == passed.key
        {
            let read = Some(state.version);
            *to = found.key.clone();
            state.version += 1;
            writes.push(put_state(store, key, &state, read)?);
        }
    }
    writes.extend(gate.writes());
    let done = recorder.table.transact(writes).await? == Transacted::Done;
    if done {
        let key = recorder.hash_key.member(store, &passed.key);
        tracing::info!(%store, key, "a key that was given up is somebody else's now");
    }
    Ok(done)
}

/// The keys that a person had before: those of both, and the one that is given up now.
fn previous(
    own: &MemberKey,
    gone: &MemberKey,
    now: i64,
    (of_own, of_gone): (Vec<Previous>, Vec<Previous>),
) -> Vec<Previous> {
    let given_up = Previous {
        key: gone.clone(),
        at: now,
    };
    let mut all: Vec<_> = [given_up]
        .into_iter()
        .chain(of_own)
        .chain(of_gone)
        .collect();
    all.sort_by_key(|previous| std::cmp::Reverse(previous.at));
    let mut known = BTreeSet::from([own.clone()]);
    all.retain(|previous| known.insert(previous.key.clone()));
    all
}

fn put_state(
    store: &StoreId,
    key: &MemberKey,
    state: &MemberState,
    read: Option<u64>,
) -> Result<Write, TableError> {
    let item = to_item(&MemberState::key(store, key), state)?;
    Ok(Write::Put(item, Some(as_read(read))))
}

/// The row is the one that was read.
pub(crate) fn as_read(version: Option<u64>) -> Condition {
    version.map_or_else(Condition::absent, |version| {
        Condition::Is("version", whole(i64::try_from(version).unwrap_or(i64::MAX)))
    })
}

/// What every destination knows of the person goes with them. Where it knows both, the row of the new key stays, with a
/// mark that the picture must be written anew. Whoever came by the new key and found nobody may have left a row too: it
/// says nothing, and must not stand in the way of what is known.
async fn copy_sync(
    recorder: &Recorder,
    store: &StoreId,
    (from, to): (&MemberKey, &MemberKey),
    now: i64,
) -> Result<Vec<Write>, Hindrance> {
    let (from_rows, to_rows) = (
        sync_rows(recorder, store, from).await?,
        sync_rows(recorder, store, to).await?,
    );
    let mut names: BTreeSet<String> = from_rows
        .iter()
        .chain(&to_rows)
        .map(|(name, _)| name.clone())
        .collect();
    names.extend(
        registry::DESTINATIONS
            .iter()
            .map(|destination| format!("SYNC#{}", destination.name())),
    );
    let mut writes = Vec::new();
    for name in names {
        let at = |key: &MemberKey| member_row(store, key, name.clone());
        let row = |rows: &[(String, Item)]| {
            rows.iter()
                .find(|(own, _)| *own == name)
                .map(|(_, item)| item.clone())
        };
        match (row(&from_rows), row(&to_rows)) {
            (None, None) => {
                writes.push(Write::Check(at(from), Condition::absent()));
                writes.push(Write::Check(at(to), Condition::absent()));
            }
            (None, Some(own)) => {
                writes.push(Write::Check(at(from), Condition::absent()));
                writes.push(Write::Check(at(to), free(&own, now)?));
            }
            (Some(old), None) => {
                writes.push(Write::Delete(at(from), Some(free(&old, now)?)));
                let copy = moved_along(old, &at(to));
                writes.push(Write::Put(copy, Some(Condition::absent())));
            }
            (Some(old), Some(own)) if !own.as_ref().contains_key("written") => {
                writes.push(Write::Delete(at(from), Some(free(&old, now)?)));
                let mut intents = open(&old);
                intents.extend(open(&own));
                let waits = carried(&own);
                let mut copy = moved_along(old, &at(to));
                let attributes = copy.as_mut();
                attributes.insert("intent".to_owned(), Value::L(intents));
                attributes.extend(waits.map(|(name, value)| (name.to_owned(), value)));
                writes.push(Write::Put(copy, Some(free(&own, now)?)));
            }
            (Some(old), Some(own)) => {
                writes.push(Write::Delete(at(from), Some(free(&old, now)?)));
                let mut intents = open(&old);
                intents.push(text(platform::nonce()));
                writes.push(Write::Update(
                    at(to),
                    Update {
                        set: carried(&old).collect(),
                        append: vec![("intent", intents)],
                        condition: Some(free(&own, now)?),
                        ..Update::default()
                    },
                ));
            }
        }
    }
    Ok(writes)
}

async fn sync_rows(
    recorder: &Recorder,
    store: &StoreId,
    member: &MemberKey,
) -> Result<Vec<(String, Item)>, TableError> {
    let pk = member_partition(store, member);
    let page = recorder
        .table
        .page(&pk, "SYNC#", None, DESTINATIONS)
        .await?;
    let named = page.items.into_iter().filter_map(|item| {
        let Some(Value::S(name)) = item.as_ref().get("sk") else {
            return None;
        };
        Some((name.clone(), item))
    });
    Ok(named.collect())
}

/// What the holders of a row's lease left unsettled.
fn open(row: &Item) -> Vec<Value> {
    match row.as_ref().get("intent") {
        Some(Value::L(open)) => open.clone(),
        _ => Vec::new(),
    }
}

/// What a destination still has to do, whatever it knows of the person.
fn carried(row: &Item) -> impl Iterator<Item = (&'static str, Value)> {
    let value = |name| Some((name, row.as_ref().get(name)?.clone()));
    let found: Vec<_> = ["waiting", "erase"].into_iter().filter_map(value).collect();
    found.into_iter()
}

/// Nobody holds the row's lease, and nobody has since it was read.
fn free(row: &Item, now: i64) -> Result<Condition, Hindrance> {
    let held_until = match row.as_ref().get("held_until") {
        Some(Value::N(digits)) => digits.parse::<i64>().unwrap_or(i64::MAX),
        _ => i64::MIN,
    };
    if row.as_ref().contains_key("holder") && held_until >= now {
        return Err(Hindrance::Busy);
    }
    let mut all: Vec<Condition> = TRACES.into_iter().map(|name| as_it_is(row, name)).collect();
    all.push(as_it_is(row, "holder"));
    Ok(Condition::All(all))
}

fn as_it_is(row: &Item, name: &'static str) -> Condition {
    row.as_ref()
        .get(name)
        .map_or(Condition::Missing(name), |value| {
            Condition::Is(name, value.clone())
        })
}

/// A SYNC row under its new key. A destination that knows the person is to give them their new address.
fn moved_along(mut row: Item, key: &RowKey) -> Item {
    let attributes = row.as_mut();
    attributes.insert("pk".to_owned(), text(&key.pk));
    attributes.remove("holder");
    attributes.remove("held_until");
    // That nobody was known by the old address says nothing of the new one.
    attributes.remove("absent");
    if attributes.contains_key("person") {
        attributes.insert("rename".to_owned(), Value::Bool(true));
    }
    row
}
