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
use jiff::{SignedDuration, Timestamp, civil::Date};
use loyalty::{
    Change, Event, Guard, Kind, Member, MemberKey, Occurrence, StoreId, Who,
    due::{Due, Dues},
};
use platform::{
    Condition, Found, Held, MemberState, RowKey, Standing, TableError, Transacted, Update, Write,
    Written, find_member, from_item, texts, to_item, whole,
};
use vendors::{CLOCK, Envelope, Lane, Note, Reason, Store, Wants, registry};

use crate::{
    Failure, Recorded, Recorder, due,
    erased::{self, Gate},
    identity::{self, Leads},
    rename::as_read,
    rows::{self, EventRow},
};

/// How often a member's picture is read again when someone else wrote it in between.
const TRIES: usize = 16;

/// The largest body that is kept with its event, in bytes of gzip.
const BODY: usize = 8 * 1024;

/// One event on its way into the table.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and any may go with any other"
)]
pub(crate) struct Entry {
    /// Its place in the batch.
    pub(crate) place: usize,
    pub(crate) event: Event,
    /// Which work goes first on its way to the destinations.
    pub(crate) lane: Lane,
    /// Whether a person tried out what the source would send.
    pub(crate) simulated: bool,
    /// The source's own id of the delivery.
    delivery: Option<String>,
    body: Vec<u8>,
    /// The EVENT row as it stands, once it does, and under which key.
    pub(crate) stored: Option<(MemberKey, EventRow)>,
    repeat: bool,
    /// The person was erased: nothing of this is kept.
    pub(crate) erased: bool,
    /// It tells that other news of the person never came.
    pub(crate) gap: bool,
    /// What each destination must be sent.
    pub(crate) messages: BTreeMap<String, Option<Note>>,
    /// Why it must come again.
    pub(crate) failure: Option<Failure>,
}

/// What one batch brought for one member.
pub(crate) struct Group {
    pub(crate) store: Arc<Store>,
    /// The key that the deliveries name.
    pub(crate) named: MemberKey,
    /// The key that the person has.
    pub(crate) key: MemberKey,
    /// The version that holds all of it.
    pub(crate) version: u64,
    pub(crate) entries: Vec<Entry>,
    /// The dates whose rows an attempt wrote.
    dates: BTreeMap<Due, Option<Date>>,
}

impl Entry {
    pub(crate) fn new(place: usize, event: Event, envelope: &Envelope) -> Self {
        Self {
            place,
            event,
            lane: envelope.lane,
            simulated: envelope.simulated,
            delivery: envelope.delivery.clone(),
            body: envelope.packed().unwrap_or_default(),
            stored: None,
            repeat: false,
            erased: false,
            gap: false,
            messages: BTreeMap::new(),
            failure: None,
        }
    }

    pub(crate) fn result(self) -> Result<Recorded, Failure> {
        match self.failure {
            Some(failure) => Err(failure),
            None if self.erased => Ok(Recorded::Erased),
            None => Ok(Recorded::Event {
                repeat: self.repeat,
            }),
        }
    }

    /// One line for each event. The member is named by a keyed hash.
    pub(crate) fn log(&self, store: &StoreId, member: &str) {
        let (event, kind) = (&self.event.id, self.event.kind);
        let erased = self.erased.then_some(Reason::Erased);
        let reason = self.failure.map(|failure| failure.0).or(erased);
        let reason = reason.map(Reason::code);
        let repeat = self.repeat;
        tracing::info!(%store, %event, %kind, member, repeat, reason, "event.recorded");
    }

    /// Whether it is still to be taken in.
    pub(crate) fn is_open(&self) -> bool {
        self.failure.is_none() && !self.erased
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
        named: key.clone(),
        key,
        version: 0,
        entries,
        dates: BTreeMap::new(),
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

/// What keeps a member from being written now.
pub(crate) enum Hindrance {
    Table(TableError),
    /// A destination is at work on a person whose key is to change, or an erasure of the person has begun.
    Busy,
}

impl From<TableError> for Hindrance {
    fn from(error: TableError) -> Self {
        Self::Table(error)
    }
}

/// Writes until nobody else writes in between; gives why not, where that cannot be done.
async fn write(recorder: &Recorder, group: &mut Group) -> Option<Failure> {
    for _ in 0..TRIES {
        match Box::pin(attempt(recorder, group)).await {
            Ok(true) => return None,
            Ok(false) => {}
            Err(Hindrance::Busy) => return Some(Failure(Reason::LeaseHeld)),
            Err(Hindrance::Table(error)) => {
                tracing::error!(store = %group.store.id, %error, "a member's picture could not be written");
                break;
            }
        }
    }
    Some(Failure(Reason::TableUnavailable))
}

/// One attempt: read, apply, EVENTs, STATE. False when it must be tried again from the beginning.
async fn attempt(recorder: &Recorder, group: &mut Group) -> Result<bool, Hindrance> {
    let found = find_member(&*recorder.table, &group.store.id, &group.named).await?;
    group.key = found.key.clone();
    let gate = erased::gate(recorder, group, &found).await?;
    if group.entries.iter().all(|entry| !entry.is_open()) {
        return Ok(true);
    }
    let Some(leads) = identity::settle(recorder, group, &found).await? else {
        return Ok(false);
    };
    let before = found.state.as_ref().and_then(MemberState::held);
    let mut held = before.cloned().unwrap_or_default();
    held.since = held.since.max(gate.since());
    let previous: Vec<MemberKey> = held.recent(recorder.clock.now()).cloned().collect();
    let (store, key) = (group.store.clone(), group.key.clone());
    for entry in group.entries.iter_mut().filter(|entry| entry.is_open()) {
        match apply(recorder, &store, (&key, &previous), &held.member, entry).await {
            Ok(after) => held.member = after,
            // What does not stand in the table stays out of the picture: its message would have no event.
            Err(error) => {
                tracing::error!(store = %store.id, event = %entry.event.id, %error, "an event could not be written");
                entry.failure = Some(Failure(Reason::TableUnavailable));
            }
        }
    }
    if group.entries.iter().all(|entry| !entry.is_open()) {
        return Ok(true);
    }
    let news = group.entries.iter().filter(|entry| entry.is_open());
    let news = news.map(|entry| &entry.event);
    let known = before.map(|before| &before.member);
    due::arm(&store, known, &mut held, news, recorder.clock.now());
    let armed = before.map(|before| before.due.clone()).unwrap_or_default();
    let dates = dates(recorder, group, (&armed, &held.due))?;
    if before.is_some_and(|before| before.member == held.member && before.due == held.due) {
        due::make(&*recorder.table, dates).await?;
        group.version = found.state.map_or(0, |state| state.version);
        return Ok(true);
    }
    put_state(recorder, group, &found, (held, dates), leads, gate).await
}

/// The rows that are to say what is armed now. Where an event came again, whoever recorded it before may have stopped
/// between the two: then all of them are written. So is what an attempt wrote for which somebody else was faster.
fn dates(
    recorder: &Recorder,
    group: &mut Group,
    (armed, after): (&Dues, &Dues),
) -> Result<Vec<Write>, TableError> {
    let of = (&group.store.id, &recorder.hash_key);
    let now = recorder.clock.now();
    let again = group
        .entries
        .iter()
        .any(|entry| entry.is_open() && entry.repeat);
    let mut writes = Vec::new();
    for due in Due::ALL {
        let on = due::on(after, due);
        let written = group.dates.get(&due);
        let stale = written.is_some_and(|written| *written != on);
        if due::on(armed, due) != on || stale || (again && on.is_some()) {
            group.dates.insert(due, on);
            writes.push(due::write(of, &group.key, due, on, now)?);
        }
    }
    Ok(writes)
}

/// Writes the event if it does not stand yet, and gives the picture after it.
async fn apply(
    recorder: &Recorder,
    store: &Store,
    (key, previous): (&MemberKey, &[MemberKey]),
    before: &Member,
    entry: &mut Entry,
) -> Result<Member, TableError> {
    let event_key = rows::event_key(&store.id, key, &entry.event.id);
    if store.emit.rules.reminds_friends() {
        let of = (&store.id, &recorder.hash_key);
        due::remember_purchase(&*recorder.table, of, &entry.event).await?;
    }
    // Under another key it does not guard: whoever records the same event now looks under this one.
    if !matches!(&entry.stored, Some((at, _)) if at == key) {
        let earlier = match entry.stored.take() {
            Some((_, ours)) => Some(ours),
            None => earlier(recorder, store, previous, entry).await?,
        };
        let (_, change) = hear(before, &entry.event, key);
        let gap = before.misses_news_before(&entry.event);
        let row = earlier.unwrap_or_else(|| {
            let wanted = interested(recorder, store, entry, (before, &change));
            event_row(entry, (&change, gap), wanted.into_keys().collect())
        });
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
            Written::Done(_) => entry.stored = Some((key.clone(), row)),
            Written::Refused(Some(item)) => {
                let first: EventRow = from_item(item)?;
                keep_first_arrival(&mut entry.event, &first);
                entry.repeat = true;
                entry.stored = Some((key.clone(), first));
            }
            Written::Refused(None) => {
                return Err(TableError::Unavailable("refused without a row".to_owned()));
            }
        }
    }
    let (after, change) = hear(before, &entry.event, key);
    let wanted = interested(recorder, store, entry, (before, &change));
    grow(
        recorder,
        &event_key,
        entry,
        wanted.keys().cloned().collect(),
    )
    .await?;
    if let Some((_, row)) = &entry.stored {
        // Which of the two it is the source knows.
        entry.gap = row.gap || (entry.repeat && before.may_have_moved_again(&entry.event));
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

/// The event as it was recorded under a key that the person had before.
async fn earlier(
    recorder: &Recorder,
    store: &Store,
    previous: &[MemberKey],
    entry: &mut Entry,
) -> Result<Option<EventRow>, TableError> {
    let first = guard(recorder, &store.id, previous.iter(), &entry.event).await?;
    if let Some(first) = &first {
        keep_first_arrival(&mut entry.event, first);
        entry.repeat = true;
    }
    Ok(first)
}

/// The first row of an event under these keys that still guards against this repeat of it.
pub(crate) async fn guard(
    recorder: &Recorder,
    store: &StoreId,
    keys: impl Iterator<Item = &MemberKey>,
    event: &Event,
) -> Result<Option<EventRow>, TableError> {
    let arrived = event.stamp.arrived.as_microsecond();
    let mut first: Option<EventRow> = None;
    for key in keys {
        let item = recorder
            .table
            .get(&rows::event_key(store, key, &event.id), true)
            .await?;
        let row: Option<EventRow> = item.map(from_item).transpose()?;
        let guards = row.filter(|row| row.guard_until >= arrived);
        if let Some(row) = guards
            && first
                .as_ref()
                .is_none_or(|first| row.arrived < first.arrived)
        {
            first = Some(row);
        }
    }
    Ok(first)
}

/// Hears an event of the person who has this key. An event that names another address is late, or names a person by an
/// id that is stronger than the address: it does not say what their address is.
fn hear(before: &Member, event: &Event, key: &MemberKey) -> (Member, Change) {
    let mut after = before.clone();
    let about = match &event.who {
        Who::Email(email, alias) if MemberKey::of_email(email) != *key => {
            let own = before.email.clone();
            let by_address = own.map(|email| Who::Email(email, None));
            alias.clone().map(Who::External).or(by_address)
        }
        Who::Email(..) | Who::External(_) => None,
    };
    let change = match about {
        Some(who) => after.hear(&Event {
            who,
            ..event.clone()
        }),
        None => after.hear(event),
    };
    (after, change)
}

/// A repeat keeps the first arrival, so that it never looks newer than what came after it. Joining and leaving are
/// statements of their own each time: their id deliberately names a whole day, in which a person may change their mind
/// twice, and the last word counts.
pub(crate) fn keep_first_arrival(event: &mut Event, first: &EventRow) {
    if matches!(event.kind, Kind::OptedIn | Kind::OptedOut) {
        return;
    }
    if let Ok(arrived) = Timestamp::from_microsecond(first.arrived) {
        let stamp = &mut event.stamp;
        let arrived = arrived.min(stamp.arrived);
        if stamp.as_of == stamp.arrived {
            stamp.as_of = arrived;
        }
        stamp.arrived = arrived;
    }
}

/// The destinations that want an event which changed a member so. What was said of a day already is no news to them: by the
/// clock after a source, and by a source after the clock, unless it gives something.
fn interested(
    recorder: &Recorder,
    store: &Store,
    entry: &Entry,
    (before, change): (&Member, &Change),
) -> BTreeMap<String, Wants> {
    let said = entry.event.stamp.source == CLOCK || is_plain_day(&entry.event);
    if said && before.knows_of(&entry.event, same_day(&entry.event)) {
        return BTreeMap::new();
    }
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

/// Whether it speaks of a day of the year and gives nothing.
fn is_plain_day(event: &Event) -> bool {
    Due::of(event.kind).is_some_and(Due::is_yearly) && !event.detail.gives()
}

/// How far apart two words about one day of a person's may be: what was missed is caught up for two weeks at most.
fn same_day(event: &Event) -> SignedDuration {
    if Due::of(event.kind).is_some_and(Due::is_yearly) {
        SignedDuration::from_hours(16 * 24)
    } else {
        Guard::Day.duration()
    }
}

fn event_row(entry: &Entry, (change, gap): (&Change, bool), to: BTreeSet<String>) -> EventRow {
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
        gap,
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
        let Some((_, row)) = &mut entry.stored else {
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

/// Writes the picture if nobody else has since it was read. What is new to it beside the picture itself goes along in one
/// transaction: ids that lead to this member now, and that nobody was erased meanwhile.
async fn put_state(
    recorder: &Recorder,
    group: &mut Group,
    found: &Found,
    (held, dates): (Held, Vec<Write>),
    leads: Leads,
    gate: Gate,
) -> Result<bool, Hindrance> {
    let read = found.state.as_ref().map(|state| state.version);
    let now = u64::try_from(recorder.clock.now().as_microsecond()).unwrap_or_default();
    let version = now.max(read.map_or(0, |version| version + 1));
    let store = &group.store.id;
    let mut beside = leads.writes(store, &group.key, &held.member)?;

    if gate.since().is_some() {
        // Whoever still erases them may have taken the event along. Then it is written again.
        let mut checked = BTreeSet::new();
        for entry in group.entries.iter_mut().filter(|entry| entry.is_open()) {
            // An event that is told twice is one row, and a transaction names each row once.
            if checked.insert(entry.event.id.clone()) {
                let row = rows::event_key(store, &group.key, &entry.event.id);
                beside.push(Write::Check(row, Condition::Is("v", whole(1))));
            }
            entry.stored = None;
        }
    }
    beside.extend(gate.writes());
    let state = MemberState {
        version,
        standing: Standing::Member(Box::new(held)),
    };
    let item = to_item(&MemberState::key(store, &group.key), &state)?;
    let condition = Some(as_read(read));
    group.version = version;
    if beside.is_empty() {
        due::make(&*recorder.table, dates).await?;
        let written = recorder.table.put(item, condition).await?;
        return Ok(matches!(written, Written::Done(_)));
    }
    beside.extend(dates);
    beside.insert(0, Write::Put(item, condition));
    Ok(recorder.table.transact(beside).await? == Transacted::Done)
}
