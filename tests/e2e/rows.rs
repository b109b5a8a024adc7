//! What stands in the table, and that neighbours are unharmed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use bridge_tests::local::compare;
use bridge_tests::picture::told;
use bridge_tests::trouble::Result;
use bridge_tests::world::{Shop, event, wait_until};
use serde_json::Value;

/// What an event brings that was recorded and has arrived at Rule.
pub(crate) const ARRIVED: [&str; 4] = ["DELIVERY", "EVENT", "STATE", "SYNC"];

const NEIGHBOUR: &str = "neighbour-";

static NEIGHBOURS: AtomicU32 = AtomicU32::new(0);

/// The sorts of a person's rows, in order; without the dates on which the clock looks at everybody.
pub(crate) async fn rows(store: &Shop<'_>, email: &str) -> Result<Vec<String>> {
    Ok(sorts(&store.member(email).await?))
}

fn sorts(rows: &[Value]) -> Vec<String> {
    let sorts = rows.iter().map(sort);
    sorts.filter(|sort| sort != "DUE").collect()
}

/// Waits until a person has exactly these rows, and no request is under way for them.
pub(crate) async fn has_rows(store: &Shop<'_>, email: &str, wanted: &[&str]) -> Result<()> {
    let what = format!("{email} of {} has the rows {wanted:?}", store.id);
    wait_until(&what, async || {
        let all = store.member(email).await?;
        let sorts = sorts(&all);
        let claimed = all.iter().any(|row| row["status"] == "claimed");
        Ok((sorts == wanted && !claimed).then_some(()))
    })
    .await
}

/// One of a person's rows, by its sort.
pub(crate) async fn row(store: &Shop<'_>, email: &str, wanted: &str) -> Result<Value> {
    let rows = store.member(email).await?.into_iter();
    Ok(rows
        .into_iter()
        .find(|row| sort(row) == wanted)
        .unwrap_or_default())
}

/// A key of a person's picture; null while it is not known.
pub(crate) async fn key(store: &Shop<'_>, email: &str, key: &str) -> Result<Value> {
    let state = row(store, email, "STATE").await?;
    Ok(told(&state, key))
}

/// The rows of a store that are about nobody's neighbour: neither its settings nor the times of its last deliveries, nor how
/// fast Rule may be called, nor the dates on which the clock looks at everybody.
pub(crate) async fn left(store: &Shop<'_>) -> Result<Vec<Value>> {
    let items = store.items().await?.into_iter();
    let counts = |item: &Value| {
        item["pk"] != "STORES"
            && !["DUE", "LINE", "RECEIVED", "SEEN"].contains(&sort(item).as_str())
            && !text(item, "pk").contains(NEIGHBOUR)
    };
    Ok(items.filter(counts).collect())
}

/// The sorts of [`left`], in order.
pub(crate) async fn left_sorts(store: &Shop<'_>) -> Result<Vec<String>> {
    let mut sorts: Vec<String> = left(store).await?.iter().map(sort).collect();
    sorts.sort();
    Ok(sorts)
}

/// A good event of somebody else: it must be answered, recorded and sent as on any other day.
pub(crate) async fn neighbour(store: &Shop<'_>) -> Result<()> {
    let name = format!("{NEIGHBOUR}{}", NEIGHBOURS.fetch_add(1, Ordering::Relaxed));
    let email = format!("{name}@example.com");
    store.take(&points(&email)?).await?;
    wait_until(&format!("{email} is at Rule"), async || {
        let people = store.people().await?;
        let person = &people[&email];
        let tags: BTreeSet<&str> = compare::tags(person).into_iter().collect();
        let told = person["fields"]["Yotpo.PointsBalance"]["value"] == "1049"
            && tags == BTreeSet::from(["PointsEarned", "Yotpo"]);
        Ok(told.then_some(()))
    })
    .await?;
    has_rows(store, &email, &ARRIVED).await?;
    assert_eq!(key(store, &email, "points_available").await?, 1049);
    assert_eq!(store.faults().await?, Vec::<Value>::new());
    Ok(())
}

/// A neighbour is unharmed, and nobody else is told anything: neither Rule nor, beside these sorts of rows, the table.
pub(crate) async fn only_the_neighbour(store: &Shop<'_>, rows: &[&str]) -> Result<()> {
    neighbour(store).await?;
    store.settled().await?;
    let received = store.received().await?.into_iter();
    let others: Vec<Value> = received
        .filter(|entry| !entry.to_string().contains(NEIGHBOUR))
        .collect();
    assert_eq!(others, Vec::<Value>::new());
    assert_eq!(left_sorts(store).await?, rows);
    Ok(())
}

/// Points that somebody earned.
pub(crate) fn points(email: &str) -> Result<Value> {
    let mut points = event("points_earned.json")?;
    points["email"] = email.into();
    points["customer"]["email"] = email.into();
    for id in ["third_party_id", "thirty_party_id"] {
        points["customer"][id] = email.split('@').next().into();
    }
    Ok(points)
}

fn sort(row: &Value) -> String {
    let sort = text(row, "sk").split('#').next().unwrap_or_default();
    sort.to_owned()
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}
