//! Pages of a list: cursors that are opaque and live for a short while.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::envelope::Asked;
use super::refusal::Refusal;

/// Short-lived, say the documents, without a number.
const LIFE: SignedDuration = SignedDuration::from_mins(10);
const MOST: usize = 100;
const USUAL: usize = 30;

/// The parameters that every list has.
pub(super) const PARAMETERS: [&str; 3] = ["cursor", "limit", "order_by"];

/// What a cursor stands for.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    list: String,
    begin: usize,
    until: i64,
}

/// One page of these rows.
pub(super) fn page(mut rows: Vec<Value>, asked: &Asked, now: Timestamp) -> Result<Value, Refusal> {
    sort(&mut rows, asked.parameter("order_by"))?;
    let limit = limit(asked)?;
    let list = list(asked);
    let begin = match asked.parameter("cursor") {
        None => 0,
        Some(text) => place(text, &list, now)?,
    };
    let until = now.as_second() + LIFE.as_secs();
    let cursor = |begin: usize| {
        let list = list.clone();
        STANDARD.encode(json!(Cursor { list, begin, until }).to_string())
    };
    let next = (begin + limit < rows.len()).then(|| cursor(begin + limit));
    let previous = (begin > 0).then(|| cursor(begin.saturating_sub(limit)));
    let own: Vec<Value> = rows.into_iter().skip(begin).take(limit).collect();
    Ok(json!({"data": own, "meta": {"prev_cursor": previous, "next_cursor": next}}))
}

fn limit(asked: &Asked) -> Result<usize, Refusal> {
    let Some(text) = asked.parameter("limit") else {
        return Ok(USUAL);
    };
    let limit = text.parse().ok();
    limit
        .filter(|limit| (1..=MOST).contains(limit))
        .ok_or_else(|| Refusal::wrong(format!("limit {text} is not from 1 to {MOST}")))
}

/// Which list it is: a cursor of one is none of another.
fn list(asked: &Asked) -> String {
    let mut filters: Vec<String> = asked
        .query
        .iter()
        .filter(|(name, _)| !["cursor", "limit"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    filters.sort_unstable();
    format!("{}?{}", asked.path, filters.join("&"))
}

fn place(text: &str, list: &str, now: Timestamp) -> Result<usize, Refusal> {
    let bytes = STANDARD.decode(text).ok();
    let cursor = bytes.and_then(|bytes| serde_json::from_slice::<Cursor>(&bytes).ok());
    let cursor = cursor.filter(|cursor| cursor.list == list);
    let cursor = cursor.ok_or_else(|| Refusal::wrong("a cursor that this list never gave"))?;
    if cursor.until <= now.as_second() {
        return Err(Refusal::field("cursor", "The cursor has expired."));
    }
    Ok(cursor.begin)
}

fn sort(rows: &mut [Value], order: Option<&str>) -> Result<(), Refusal> {
    let (name, newest_first) = match order {
        // What comes first without an order is not documented: whoever was made last.
        None | Some("created_datetime:desc") => ("created_datetime", true),
        Some("created_datetime:asc") => ("created_datetime", false),
        Some("updated_datetime:desc") => ("updated_datetime", true),
        Some("updated_datetime:asc") => ("updated_datetime", false),
        Some(other) => return Err(Refusal::wrong(format!("order_by {other}"))),
    };
    rows.sort_by_key(|row| {
        let at = row[name].as_str().unwrap_or_default().to_owned();
        (at, row["id"].as_u64())
    });
    if newest_first {
        rows.reverse();
    }
    Ok(())
}
