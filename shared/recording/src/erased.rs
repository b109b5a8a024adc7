//! News of a person who was erased: turned away, unless they have joined anew since.

use std::collections::BTreeMap;

use loyalty::{Kind, MemberKey};
use platform::{
    Condition, ErasedRow, Found, MemberState, RowKey, Standing, TableError, Update, Write,
    from_item,
    telemetry::{self, Metric},
    whole,
};

use crate::{
    Recorder,
    member::{Group, Hindrance},
    rows,
};

/// What the table says of erasures when a member is written: nothing where the member stands there already.
#[derive(Default)]
pub(crate) struct Gate {
    /// The rows that may be there, with when the person was erased where one turns news away.
    rows: Vec<(RowKey, Option<i64>)>,
}

impl Gate {
    /// When the person was erased who joins anew.
    pub(crate) fn since(&self) -> Option<i64> {
        self.rows.iter().filter_map(|(_, at)| *at).max()
    }

    /// Nobody was erased meanwhile; and who joins anew is turned away no more.
    pub(crate) fn writes(self) -> impl Iterator<Item = Write> {
        self.rows.into_iter().map(|(key, at)| match at {
            None => Write::Check(key, Condition::Missing("blocks")),
            Some(at) => Write::Update(
                key,
                Update {
                    remove: vec!["blocks"],
                    condition: Some(Condition::Is("at", whole(at))),
                    ..Update::default()
                },
            ),
        })
    }
}

/// Marks what is about an erased person. A row of the member itself says whether there is anything to look for; only who
/// joins asks in any case, because an erasure that has just begun would take them along.
pub(crate) async fn gate(
    recorder: &Recorder,
    group: &mut Group,
    found: &Found,
) -> Result<Gate, Hindrance> {
    if let Some(held) = found.state.as_ref().and_then(MemberState::held) {
        if let Some(since) = held.since {
            turn_away(recorder, group, |arrived| arrived > since);
        }
        let mut open = group.entries.iter().filter(|entry| entry.is_open());
        let joins = open.any(|entry| entry.event.kind == Kind::OptedIn);
        if joins && read(recorder, group, &found.key).await?.since() > held.since {
            return Err(Hindrance::Busy);
        }
        return Ok(Gate::default());
    }
    let gate = read(recorder, group, &found.key).await?;
    let tombstone = match found.state.as_ref().map(|state| &state.standing) {
        Some(Standing::Erased { at }) => Some(*at),
        _ => None,
    };
    let Some(erased) = gate.since().max(tombstone) else {
        return Ok(gate);
    };
    let open = group.entries.iter().filter(|entry| entry.is_open());
    let joins = open.filter(|entry| entry.event.kind == Kind::OptedIn);
    let anew = joins
        .map(|entry| entry.event.stamp.arrived.as_microsecond())
        .filter(|arrived| *arrived > erased)
        .min();
    turn_away(recorder, group, |arrived| {
        anew.is_some_and(|anew| arrived >= anew)
    });
    forget(recorder, group, &found.key).await?;
    Ok(gate)
}

/// Removes what an earlier attempt wrote of news that is turned away now: nobody else knows where it stands.
async fn forget(recorder: &Recorder, group: &Group, key: &MemberKey) -> Result<(), TableError> {
    for entry in group.entries.iter().filter(|entry| entry.erased) {
        let row = rows::event_key(&group.store.id, key, &entry.event.id);
        recorder.table.delete(&row, None).await?;
    }
    Ok(())
}

/// The rows under the keyed hash of the address and of each id.
async fn read(recorder: &Recorder, group: &Group, key: &MemberKey) -> Result<Gate, TableError> {
    let store = &group.store.id;
    let open = group.entries.iter().filter(|entry| entry.is_open());
    let ids = open.filter_map(|entry| entry.event.who.alias());
    let names = ids.map(|alias| MemberKey::of_external(&alias.source, alias.id.expose()));
    let mut rows = BTreeMap::new();
    for name in names.chain([key.clone()]) {
        let row_key = ErasedRow::key(store, &recorder.hash_key.member(store, &name));
        if rows.contains_key(&row_key) {
            continue;
        }
        let item = recorder.table.get(&row_key, true).await?;
        let row: Option<ErasedRow> = item.map(from_item).transpose()?;
        let at = row.filter(|row| row.blocks == Some(true)).map(|row| row.at);
        rows.insert(row_key, at);
    }
    Ok(Gate {
        rows: rows.into_iter().collect(),
    })
}

fn turn_away(recorder: &Recorder, group: &mut Group, stays: impl Fn(i64) -> bool) {
    let mut turned_away = 0;
    for entry in group.entries.iter_mut().filter(|entry| entry.is_open()) {
        let arrived = entry.event.stamp.arrived.as_microsecond();
        if !stays(arrived) {
            entry.erased = true;
            turned_away += 1;
        }
    }
    if turned_away > 0 {
        telemetry::count(recorder.clock.now(), Metric::Erased, turned_away);
    }
}
