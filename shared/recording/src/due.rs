//! The dates on which somebody is looked at: `DUE#<kind>` rows of a person, listed in the index by store, kind and date.
//!
//! A row goes before the picture that says the same, so that no picture says what no row does; whoever stops in between
//! comes again with the same news, and writes the row anew. It is a hint all the same: what it says is held against the
//! picture when its date has come.

use jiff::{Timestamp, civil::Date};
use loyalty::{
    Event, HashKey, Kind, Member, MemberKey, StoreId,
    due::{self, Due, Dues},
};
use platform::{Held, RowKey, Table, TableError, Update, Value, Write, member_row, to_item, whole};
use serde::{Deserialize, Serialize};
use vendors::Store;

use crate::rows;

/// How long it is remembered that a friend bought, in days: longer than a reminder waits.
const BOUGHT_DAYS: i64 = 400;

/// The row of a date.
#[derive(Serialize, Deserialize)]
struct DueRow {
    v: u8,
    on: Date,
    /// When it was written, µs since 1970.
    at: i64,
    wp: String,
    ws: String,
}

/// How many lists the dates of one kind are spread over: four take more writes together than recorder makes, and each
/// further one is a query more in every run of every store.
const SHARDS: u8 = 4;

/// The lists of one store and kind.
pub(crate) fn lists(store: &StoreId, due: Due) -> impl Iterator<Item = String> {
    (0..SHARDS).map(move |shard| list(store, due, shard))
}

fn list(store: &StoreId, due: Due, shard: u8) -> String {
    format!("due#{store}#{}#{shard}", due.kind())
}

/// After every place of a list that is due on this date.
pub(crate) fn until(date: Date) -> String {
    format!("{date}~")
}

/// The row's key.
pub(crate) fn key(store: &StoreId, member: &MemberKey, due: Due) -> RowKey {
    member_row(store, member, format!("DUE#{}", due.kind()))
}

/// The key of the person whom a row is about.
pub(crate) fn member_of(store: &StoreId, row: &RowKey) -> Option<MemberKey> {
    let key = row.pk.strip_prefix(&format!("MEMBER#{store}#"))?;
    // The stored form of a key is the key itself.
    serde_json::from_value(serde_json::Value::String(key.to_owned())).ok()
}

/// The write that has a person looked at on a date, or not at all.
pub(crate) fn write(
    (store, hash_key): (&StoreId, &HashKey),
    member: &MemberKey,
    due: Due,
    on: Option<Date>,
    now: Timestamp,
) -> Result<Write, TableError> {
    let key = key(store, member, due);
    let Some(on) = on else {
        return Ok(Write::Delete(key, None));
    };
    let digest = hash_key.member(store, member);
    let spread = digest
        .bytes()
        .fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    let row = DueRow {
        v: 1,
        on,
        at: now.as_microsecond(),
        wp: list(store, due, spread % SHARDS),
        ws: format!("{on}#{digest}"),
    };
    Ok(Write::Put(to_item(&key, &row)?, None))
}

/// The date that is armed for a kind.
pub(crate) fn on(dues: &Dues, due: Due) -> Option<Date> {
    dues.get(&due).and_then(|armed| armed.on)
}

/// The writes that make the rows say what is armed now.
pub(crate) fn writes(
    of: (&StoreId, &HashKey),
    member: &MemberKey,
    (before, after): (&Dues, &Dues),
    now: Timestamp,
) -> Result<Vec<Write>, TableError> {
    let moved = Due::ALL.into_iter();
    let moved = moved.filter(|due| on(before, *due) != on(after, *due));
    moved
        .map(|due| write(of, member, due, on(after, due), now))
        .collect()
}

/// Makes the writes of rows one after another.
pub(crate) async fn make(table: &dyn Table, writes: Vec<Write>) -> Result<(), TableError> {
    for write in writes {
        match write {
            Write::Put(item, condition) => table.put(item, condition).await.map(drop)?,
            Write::Delete(key, condition) => table.delete(&key, condition).await.map(drop)?,
            Write::Update(..) | Write::Check(..) => {}
        }
    }
    Ok(())
}

/// Arms what the news of one batch asks for.
pub(crate) fn arm<'a>(
    store: &Store,
    before: Option<&Member>,
    held: &mut Held,
    news: impl Iterator<Item = &'a Event>,
    now: Timestamp,
) {
    let rules = &store.emit.rules;
    for event in news {
        due::hear(&mut held.due, event, rules);
        due::tell(&mut held.due, &held.member, event, rules);
    }
    due::arm(&mut held.due, (before, &held.member), rules, now);
}

/// Remembers of a friend that they bought by the link that they were sent: nobody reminds them of it then.
pub(crate) async fn remember_purchase(
    table: &dyn Table,
    (store, hash_key): (&StoreId, &HashKey),
    event: &Event,
) -> Result<(), TableError> {
    let friend = event.detail.referred.as_ref();
    let Some(friend) = friend
        .and_then(|friend| friend.email.as_ref())
        .filter(|_| event.kind == Kind::ReferralCompleted)
    else {
        return Ok(());
    };
    let row = bought(store, &hash_key.member(store, &MemberKey::of_email(friend)));
    let arrived = event.stamp.arrived;
    let update = Update {
        set: vec![
            ("v", whole(1)),
            ("at", whole(arrived.as_microsecond())),
            ("ttl", whole(rows::ttl(arrived, BOUGHT_DAYS))),
        ],
        ..Update::default()
    };
    table.update(&row, update).await.map(drop)
}

/// When a friend bought by a link, µs since 1970.
pub(crate) async fn purchase(
    table: &dyn Table,
    (store, hash_key): (&StoreId, &HashKey),
    member: &MemberKey,
) -> Result<Option<i64>, TableError> {
    let row = bought(store, &hash_key.member(store, member));
    let row = table.get(&row, true).await?;
    Ok(row.and_then(|item| match item.as_ref().get("at") {
        Some(Value::N(digits)) => digits.parse().ok(),
        _ => None,
    }))
}

/// The row of a friend's purchase, under the keyed hash of their key: they may be nobody whom we hold anything of.
pub(crate) fn bought(store: &StoreId, hash: &str) -> RowKey {
    RowKey::new(format!("BOUGHT#{store}#{hash}"), "BOUGHT")
}
