//! Records what one batch brings for one member: two conditional writes, and nothing lost wherever they are cut off.
//!
//! Each EVENT goes first, with what it changes and who must hear of it; then STATE, if its version is still the one that
//! was read. An EVENT that is there already skips nothing: whoever wrote it may have stopped before STATE.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::AssertUnwindSafe,
    sync::Arc,
};

use futures_util::FutureExt as _;
use jiff::Timestamp;
use loyalty::{Change, Event, Kind, Member, MemberKey, Occurrence, StoreId};
use platform::{
    Condition, MemberState, RowKey, TableError, Update, Written, from_item, texts, to_item, whole,
};
use vendors::{Envelope, Note, Reason, Store, Wants, registry};

use crate::{
    Failure, Recorded, Recorder,
    rows::{self, AliasRow, EventRow},
};

/// How often a member's picture is read again when someone else wrote it in between.
const TRIES: usize = 16;

/// The largest body that is kept with its event, in bytes of gzip.
const BODY: usize = 8 * 1024;

/// One event on its way into the table.
pub(crate) struct Entry {
    /// Its place in the batch.
    pub(crate) place: usize,
    event: Event,
    /// The source's own id of the delivery.
    delivery: Option<String>,
    body: Vec<u8>,
    /// The EVENT row as it stands, once it does.
    stored: Option<EventRow>,
    repeat: bool,
    /// What each destination must be sent.
    pub(crate) messages: BTreeMap<String, Option<Note>>,
    /// Why it must come again.
    pub(crate) failure: Option<Failure>,
}

/// What one batch brought for one member.
pub(crate) struct Group {
    pub(crate) store: Arc<Store>,
    pub(crate) key: MemberKey,
    /// The version that holds all of it.
    pub(crate) version: u64,
    pub(crate) entries: Vec<Entry>,
}

impl Entry {
    pub(crate) fn new(place: usize, event: Event, envelope: &Envelope) -> Self {
        Self {
            place,
            event,
            delivery: envelope.delivery.clone(),
            body: envelope.packed().unwrap_or_default(),
            stored: None,
            repeat: false,
            messages: BTreeMap::new(),
            failure: None,
        }
    }

    pub(crate) fn result(self) -> Result<Recorded, Failure> {
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(Recorded::Event {
                repeat: self.repeat,
            }),
        }
    }

    /// One line for each event. The member is named by a keyed hash.
    pub(crate) fn log(&self, store: &StoreId, member: &str) {
        let (event, kind) = (&self.event.id, self.event.kind);
        let reason = self.failure.map(|failure| failure.0.code());
        let repeat = self.repeat;
        tracing::info!(%store, %event, %kind, member, repeat, reason, "event.recorded");
    }

    fn note(&self, row: &EventRow) -> Note {
        let first = Timestamp::from_microsecond(row.arrived).unwrap_or(self.event.stamp.arrived);
        Note {
            event: self.event.id.clone(),
            kind: self.event.kind,
            occurrence: Occurrence::from(first),
            arrived: first,
            detail: self.event.detail.clone(),
        }
    }
}

/// Records all entries of one member. A panic gives them back, and nobody else's.
pub(crate) async fn record(
    recorder: &Recorder,
    store: Arc<Store>,
    key: MemberKey,
    entries: Vec<Entry>,
) -> Group {
    let mut group = Group {
        store,
        key,
        version: 0,
        entries,
    };
    let written = AssertUnwindSafe(Box::pin(write(recorder, &mut group))).catch_unwind();
    let failure = written.await.unwrap_or(Some(Failure(Reason::Panicked)));
    if let Some(failure) = failure {
        for entry in &mut group.entries {
            entry.failure.get_or_insert(failure);
        }
    }
    group
}

/// Writes until nobody else writes in between; gives why not, where that cannot be done.
async fn write(recorder: &Recorder, group: &mut Group) -> Option<Failure> {
    for _ in 0..TRIES {
        match attempt(recorder, group).await {
            Ok(true) => return None,
            Ok(false) => {}
            Err(error) => {
                tracing::error!(store = %group.store.id, %error, "a member's picture could not be written");
                break;
            }
        }
    }
    Some(Failure(Reason::TableUnavailable))
}

/// One attempt: read, apply, EVENTs, STATE. False when someone else wrote the picture in between.
async fn attempt(recorder: &Recorder, group: &mut Group) -> Result<bool, TableError> {
    let state_key = MemberState::key(&group.store.id, &group.key);
    let item = recorder.table.get(&state_key, true).await?;
    let before: Option<MemberState> = item.map(from_item).transpose()?;
    let mut member = before
        .as_ref()
        .map(|state| state.member.clone())
        .unwrap_or_default();
    for entry in group
        .entries
        .iter_mut()
        .filter(|entry| entry.failure.is_none())
    {
        match apply(recorder, &group.store, &group.key, &member, entry).await {
            Ok(after) => member = after,
            // What does not stand in the table stays out of the picture: its message would have no event.
            Err(error) => {
                tracing::error!(store = %group.store.id, event = %entry.event.id, %error, "an event could not be written");
                entry.failure = Some(Failure(Reason::TableUnavailable));
            }
        }
    }
    if group.entries.iter().all(|entry| entry.failure.is_some()) {
        return Ok(true);
    }
    let known = before.as_ref().map(|state| &state.member);
    if known == Some(&member) {
        group.version = before.map_or(0, |state| state.version);
        return Ok(true);
    }
    put_aliases(recorder, group, known, &member).await?;
    put_state(
        recorder,
        group,
        &state_key,
        before.as_ref().map(|state| state.version),
        member,
    )
    .await
}

/// Writes the event if it does not stand yet, and gives the picture after it.
async fn apply(
    recorder: &Recorder,
    store: &Store,
    key: &MemberKey,
    before: &Member,
    entry: &mut Entry,
) -> Result<Member, TableError> {
    let event_key = rows::event_key(&store.id, key, &entry.event.id);
    if entry.stored.is_none() {
        let (_, change) = hear(before, &entry.event);
        let row = event_row(
            entry,
            &change,
            interested(recorder, store, entry, &change)
                .into_keys()
                .collect(),
        );
        // By its arrival, not by now: a backlog must not make a repeat look new.
        let arrived = entry.event.stamp.arrived.as_microsecond();
        let fresh = Condition::Any(vec![
            Condition::absent(),
            Condition::Below("guard_until", arrived),
        ]);
        match recorder
            .table
            .put(to_item(&event_key, &row)?, Some(fresh))
            .await?
        {
            Written::Done(_) => entry.stored = Some(row),
            Written::Refused(Some(item)) => {
                let first: EventRow = from_item(item)?;
                keep_first_arrival(entry, &first);
                entry.repeat = true;
                entry.stored = Some(first);
            }
            Written::Refused(None) => {
                return Err(TableError::Unavailable("refused without a row".to_owned()));
            }
        }
    }
    let (after, change) = hear(before, &entry.event);
    let wanted = interested(recorder, store, entry, &change);
    grow(
        recorder,
        &event_key,
        entry,
        wanted.keys().cloned().collect(),
    )
    .await?;
    if let Some(row) = &entry.stored {
        let note = entry.note(row);
        let asked = row
            .to
            .iter()
            .filter(|name| recorder.queues.contains_key(*name));
        entry.messages = asked
            .map(|name| {
                (
                    name.clone(),
                    (wanted.get(name) == Some(&Wants::Event)).then(|| note.clone()),
                )
            })
            .collect();
    }
    Ok(after)
}

fn hear(before: &Member, event: &Event) -> (Member, Change) {
    let mut after = before.clone();
    let change = after.hear(event);
    (after, change)
}

/// A repeat keeps the first arrival, so that it never looks newer than what came after it. Joining and leaving are
/// statements of their own each time: their id deliberately names a whole day, in which a person may change their mind
/// twice, and the last word counts.
fn keep_first_arrival(entry: &mut Entry, first: &EventRow) {
    if matches!(entry.event.kind, Kind::OptedIn | Kind::OptedOut) {
        return;
    }
    if let Ok(arrived) = Timestamp::from_microsecond(first.arrived) {
        let stamp = &mut entry.event.stamp;
        let arrived = arrived.min(stamp.arrived);
        if stamp.as_of == stamp.arrived {
            stamp.as_of = arrived;
        }
        stamp.arrived = arrived;
    }
}

/// The destinations that want an event which changed a member so.
fn interested(
    recorder: &Recorder,
    store: &Store,
    entry: &Entry,
    change: &Change,
) -> BTreeMap<String, Wants> {
    let all = registry::DESTINATIONS.iter().filter(|destination| {
        store.destinations.has(destination.name())
            && recorder.queues.contains_key(destination.name())
    });
    all.map(|destination| {
        (
            destination.name().to_owned(),
            destination.wants(&entry.event, change, store),
        )
    })
    .filter(|(_, wants)| !matches!(wants, Wants::Nothing(_)))
    .collect()
}

fn event_row(entry: &Entry, change: &Change, to: BTreeSet<String>) -> EventRow {
    let arrived = entry.event.stamp.arrived;
    let guard_until = arrived
        .checked_add(entry.event.guard.duration())
        .unwrap_or(arrived);
    EventRow {
        v: 1,
        kind: entry.event.kind,
        arrived: arrived.as_microsecond(),
        guard_until: guard_until.as_microsecond(),
        change: change.clone(),
        to,
        source: entry.event.stamp.source.clone(),
        delivery: entry.delivery.clone(),
        body: (entry.body.len() <= BODY).then(|| entry.body.clone()),
        ttl: rows::ttl(arrived, rows::EVENT_DAYS),
    }
}

/// Adds destinations to an EVENT's `to`, before STATE makes its change invisible to the next reader.
async fn grow(
    recorder: &Recorder,
    key: &RowKey,
    entry: &mut Entry,
    wanted: BTreeSet<String>,
) -> Result<(), TableError> {
    for _ in 0..TRIES {
        let Some(row) = &mut entry.stored else {
            return Ok(());
        };
        if wanted.is_subset(&row.to) {
            return Ok(());
        }
        let list = |names: &BTreeSet<String>| texts(names.iter().map(String::as_str));
        let before = list(&row.to);
        let union: BTreeSet<String> = row.to.union(&wanted).cloned().collect();
        let update = Update {
            set: vec![("to", list(&union))],
            condition: Some(Condition::Is("to", before)),
            ..Update::default()
        };
        match recorder.table.update(key, update).await? {
            Written::Refused(Some(item)) => *row = from_item(item)?,
            // Refused without a row: it was swept in this very moment, and what it guarded against is thirty days old.
            Written::Done(_) | Written::Refused(None) => row.to = union,
        }
    }
    Err(TableError::Unavailable(
        "another recorder keeps writing the event".to_owned(),
    ))
}

/// Leads a source's own ids to this member, from wherever they led before: the newest address counts. They go before
/// STATE, which remembers that they were written.
async fn put_aliases(
    recorder: &Recorder,
    group: &Group,
    known: Option<&Member>,
    member: &Member,
) -> Result<(), TableError> {
    let new = member
        .aliases
        .iter()
        .filter(|alias| !known.is_some_and(|known| known.aliases.contains(*alias)));
    for alias in new {
        let row = AliasRow {
            v: 1,
            member: group.key.clone(),
        };
        let item = to_item(&rows::alias_key(&group.store.id, alias), &row)?;
        recorder.table.put(item, None).await?;
    }
    Ok(())
}

/// Writes the picture if nobody else has since it was read.
async fn put_state(
    recorder: &Recorder,
    group: &mut Group,
    key: &RowKey,
    read: Option<u64>,
    member: Member,
) -> Result<bool, TableError> {
    let now = u64::try_from(recorder.clock.now().as_microsecond()).unwrap_or_default();
    let version = now.max(read.map_or(0, |version| version + 1));
    let condition = match read {
        None => Condition::absent(),
        Some(version) => {
            Condition::Is("version", whole(i64::try_from(version).unwrap_or(i64::MAX)))
        }
    };
    let state = MemberState {
        v: 1,
        version,
        member,
    };
    let written = recorder
        .table
        .put(to_item(key, &state)?, Some(condition))
        .await?;
    group.version = version;
    Ok(matches!(written, Written::Done(_)))
}
