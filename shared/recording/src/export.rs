//! Everything that is held of one person, in pages.

use loyalty::{Alias, MemberKey, StoreId};
use platform::{Item, MemberState, Table, TableError, Value, find_member, member_partition};
use serde_json::{Map, Value as Json, json};
use vendors::unpack;

use crate::{
    erase::{Whom, resolve},
    rows,
};

/// Rows of one page, if none is large.
const PAGE: usize = 100;

/// The most that one page may hold, in bytes of JSON: an answer of Lambda's has 6 MB at most.
const BYTES: usize = 3 * 1024 * 1024;

/// A page of what is held.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    /// The rows: their place, and what stands in them.
    pub rows: Vec<Json>,
    /// Where the next page begins; none when this was the last.
    pub next: Option<String>,
}

/// Reads a page of everything that is held of a person, under every key that they have or had. None when nobody is known
/// by this name.
///
/// # Errors
/// [`TableError`] when the table did not answer.
pub async fn page(
    table: &dyn Table,
    store: &StoreId,
    whom: &Whom,
    cursor: Option<&str>,
) -> Result<Option<Exported>, TableError> {
    let key = resolve(table, store, whom).await?;
    let found = find_member(table, store, &key).await?;
    let Some(held) = found.state.as_ref().and_then(MemberState::held) else {
        return Ok(None);
    };
    let previous = held.previous.iter().map(|previous| previous.key.clone());
    let keys: Vec<MemberKey> = [found.key.clone()].into_iter().chain(previous).collect();
    let (mut number, mut after) = read_cursor(cursor);
    let mut exported = Exported {
        rows: Vec::new(),
        next: None,
    };
    if cursor.is_none() {
        for alias in &held.member.aliases {
            exported.rows.extend(alias_row(table, store, alias).await?);
        }
    }
    let mut bytes = 0;
    while let Some(key) = keys.get(number) {
        let pk = member_partition(store, key);
        let page = table.page(&pk, "", after.as_deref(), PAGE).await?;
        for item in page.items {
            let sk = match item.as_ref().get("sk") {
                Some(Value::S(sk)) => sk.clone(),
                _ => String::new(),
            };
            let row = as_json(item);
            bytes += row.to_string().len();
            exported.rows.push(row);
            if bytes > BYTES || exported.rows.len() >= PAGE {
                exported.next = Some(format!("{number}:{sk}"));
                return Ok(Some(exported));
            }
        }
        after = page.next;
        if after.is_none() {
            number += 1;
        }
    }
    Ok(Some(exported))
}

/// `<number of the key>:<place after which to go on>`.
fn read_cursor(cursor: Option<&str>) -> (usize, Option<String>) {
    let parts = cursor.and_then(|cursor| cursor.split_once(':'));
    parts.map_or((0, None), |(number, sk)| {
        let sk = (!sk.is_empty()).then(|| sk.to_owned());
        (number.parse().unwrap_or_default(), sk)
    })
}

async fn alias_row(
    table: &dyn Table,
    store: &StoreId,
    alias: &Alias,
) -> Result<Option<Json>, TableError> {
    let row = table.get(&rows::alias_key(store, alias), true).await?;
    Ok(row.map(as_json))
}

/// A row as JSON: bodies are unpacked, messages are read.
fn as_json(item: Item) -> Json {
    let attributes = std::collections::HashMap::<String, Value>::from(item);
    let plain = |name: &str, value: Value| match value {
        Value::B(bytes) => {
            let body = unpack(&bytes).unwrap_or_default();
            serde_json::from_slice(&body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&body)))
        }
        Value::S(text) if name == "message" => {
            serde_json::from_str(&text).unwrap_or(Json::String(text))
        }
        value => serde_dynamo::from_attribute_value(value).unwrap_or_default(),
    };
    let row: Map<String, Json> = attributes
        .into_iter()
        .map(|(name, value)| {
            let value = plain(&name, value);
            (name, value)
        })
        .collect();
    Json::Object(row)
}
