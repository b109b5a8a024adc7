//! Stores of a local stack: their documents, their secrets, their keys at the vendors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::paths;
use super::stack::{Inlet, Stack};
use crate::cloud::Cloud;
use crate::http;
use crate::trouble::{Result, Saying, Trouble};

/// The example store, with every source and destination switched on.
#[must_use]
pub fn example() -> PathBuf {
    paths::root().join("events/stores/example-outdoor.json")
}

/// Reads a store document.
///
/// # Errors
/// The file is not there, or no JSON.
pub fn document(file: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(file).saying(format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).saying(format!("{} is no JSON", file.display()))
}

/// Loads a store: `put_store` through the operator function, then the secrets that it says are missing, then the keys at
/// the stand-ins. The stack learns where the store takes events.
///
/// # Errors
/// The operator refuses the document, or a secret cannot be made.
pub async fn load(stack: &mut Stack, cloud: &Cloud, document: &Value) -> Result<String> {
    let answer = put(stack, cloud, document).await?;
    let store = answer["store"]
        .as_str()
        .saying("put_store did not name the store")?
        .to_owned();
    let mut inlets = BTreeMap::new();
    for (source, urls) in answer["urls"].as_object().into_iter().flatten() {
        let url = urls["url"]
            .as_str()
            .saying(format!("put_store gave no url for {source}"))?;
        inlets.insert(source.clone(), inlet(stack, url, &token(&store, source))?);
    }
    for missing in answer["missing_secrets"].as_array().into_iter().flatten() {
        let name = missing["name"]
            .as_str()
            .saying("put_store named a missing secret without its name")?;
        cloud.put_secret(name, &secret(&store, name)?).await?;
    }
    let destinations = document["destinations"].as_object();
    for vendor in destinations.into_iter().flat_map(|all| all.keys()) {
        register(stack, vendor, &store).await?;
    }
    if document["sources"]["yotpo"]["rest"] == true {
        register(stack, "yotpo", &store).await?;
    }
    let fed_by_annexcloud = document["sources"]["annexcloud"].is_object();
    if fed_by_annexcloud && document["destinations"]["annexcloud"].is_null() {
        register(stack, "annexcloud", &store).await?;
    }
    stack.stores.insert(store.clone(), inlets);
    Ok(store)
}

/// `put_store` alone.
///
/// # Errors
/// The operator refuses the document.
pub async fn put(stack: &Stack, cloud: &Cloud, document: &Value) -> Result<Value> {
    let operator = stack
        .functions
        .get("operator")
        .saying("the stack has no operator function")?;
    let answer = cloud
        .invoke(
            operator,
            &json!({"command": "put_store", "store": document}),
        )
        .await?;
    if answer["ok"] == true {
        return Ok(answer);
    }
    let faults = answer["faults"].as_array().cloned().unwrap_or_default();
    let list: Vec<String> = faults
        .iter()
        .map(|fault| format!("  {}: {}", text(&fault["path"]), text(&fault["message"])))
        .collect();
    Err(Trouble::new(format!(
        "the store document is not accepted:\n{}",
        list.join("\n")
    )))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

/// The operator's address is the one that AWS would have; the path behind it is what counts here.
fn inlet(stack: &Stack, url: &str, token: &str) -> Result<Inlet> {
    let path = url
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'))
        .map(|(_, path)| path);
    let path = path.saying(format!("put_store gave {url}, which has no path"))?;
    let headers = [
        ("Authorization", format!("Bearer {token}")),
        ("Content-Type", "application/json".to_owned()),
    ];
    Ok(Inlet {
        url: format!("{}/{path}", stack.api_url),
        headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
    })
}

/// The secret of a store's source, as this stack makes it.
#[must_use]
pub fn token(store: &str, source: &str) -> String {
    format!("local-{source}-token-of-{store}")
}

/// The key of a store's account at a vendor, as this stack makes it.
#[must_use]
pub fn key(store: &str, vendor: &str) -> String {
    format!("local-{vendor}-key-of-{store}")
}

/// The GUID of a store's account at Yotpo, as this stack makes it.
#[must_use]
pub fn guid(store: &str) -> String {
    format!("local-guid-of-{store}")
}

/// Whose key a store's account with Gorgias has.
pub const AGENT: &str = "admin@example.com";

/// The id of a store's site at Annex Cloud, as this stack makes it.
#[must_use]
pub fn site(store: &str) -> String {
    format!("local-site-of-{store}")
}

/// The document of a secret, by the connection that its name ends with.
fn secret(store: &str, name: &str) -> Result<Value> {
    let connection = name.rsplit('/').next().unwrap_or_default();
    if let Some(source) = connection.strip_suffix("-webhook") {
        return Ok(json!({"v": 1, "current": token(store, source)}));
    }
    match connection {
        "gorgias-lookup" => Ok(json!({"v": 1, "current": token(store, "gorgias")})),
        "gorgias" => Ok(json!({
            "v": 1, "account": store, "email": AGENT, "api_key": key(store, connection),
        })),
        "annexcloud" => Ok(json!({
            "v": 1, "site": store, "site_id": site(store), "secret": key(store, connection),
        })),
        "rule" => Ok(json!({"v": 1, "api_key": key(store, connection)})),
        "yotpo" => Ok(json!({"v": 1, "guid": guid(store), "api_key": key(store, connection)})),
        _ => Err(Trouble::new(format!(
            "nobody told `cargo local` what the secret {name} holds"
        ))),
    }
}

/// Lets the store's key into the store's own account at the stand-in. A server used in a stand-in's place learns the key from the stack.
async fn register(stack: &mut Stack, vendor: &str, store: &str) -> Result<()> {
    let Some(at) = stack.vendors.get_mut(vendor) else {
        return Ok(());
    };
    let key = key(store, vendor);
    at.keys.insert(store.to_owned(), key.clone());
    if at.script_url.is_none() {
        return Ok(());
    }
    let account = match vendor {
        "yotpo" => json!({"key": key, "account": store, "guid": guid(store)}),
        "gorgias" => json!({"api_key": key, "account": store, "email": AGENT, "role": "admin"}),
        "annexcloud" => {
            json!({"secret": key, "account": store, "site": store, "site_id": site(store)})
        }
        _ => json!({"key": key, "account": store}),
    };
    let body = account.to_string();
    let reply = http::post(&format!("{}/accounts", at.url))
        .body(body)
        .send()
        .await?;
    if reply.is_success() {
        Ok(())
    } else {
        Err(Trouble::new(format!(
            "the stand-in of {vendor} says: {}",
            reply.text
        )))
    }
}
