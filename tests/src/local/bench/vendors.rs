//! The vendors' stand-ins behind sockets, with an account for each store, and what they got.

use std::net::TcpListener;

use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::aws;
use super::stream::{self, Stream};
use crate::clock::Clock;
use crate::http;
use crate::standins::annexcloud::AnnexCloud;
use crate::standins::gorgias::Gorgias;
use crate::standins::{self, Vendor, rule::Rule, yotpo::Yotpo};
use crate::trouble::{Result, Saying, Trouble};

/// Starts Rule's stand-in with an account for each store. Gives its address.
///
/// # Errors
/// No port is free.
pub(super) async fn rule(stores: &[String]) -> Result<String> {
    let url = stand_in(Rule::default())?;
    for store in stores {
        let account = json!({"key": aws::rule_key(store), "account": store});
        let made = http::post(&format!("{url}/accounts")).body(account.to_string());
        made.send().await?;
    }
    Ok(url)
}

/// Starts Yotpo's stand-in with an account for each store, and one customer in each. Gives its address.
///
/// # Errors
/// No port is free.
pub(super) async fn yotpo(stores: &[String]) -> Result<String> {
    let url = stand_in(Yotpo::default())?;
    for store in stores {
        let account = json!({"account": store, "guid": store, "key": aws::YOTPO_KEY});
        let customer = json!({
            "email": READ, "first_name": "Kari", "last_name": "Nordmann", "points_balance": 700, "points_earned": 2600,
            "total_purchases": 4, "last_seen_at": "2026-03-04T10:19:00.000Z", "third_party_id": "c-4411", "opt_in": true,
        });
        let customer = json!({"account": store, "customer": customer});
        for (path, order) in [("accounts", account), ("customers", customer)] {
            let made = http::post(&format!("{url}/{path}")).body(order.to_string());
            made.send().await?;
        }
    }
    Ok(url)
}

/// The address of the member whom reader reads from Yotpo.
pub(super) const READ: &str = "kari@example.com";

/// Starts a vendor's stand-in on a free port. Gives its address.
fn stand_in(vendor: impl Vendor + 'static) -> Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).saying("no port is free on 127.0.0.1")?;
    let address = listener
        .local_addr()
        .saying("no port is free on 127.0.0.1")?;
    tokio::spawn(standins::server::serve(vendor, Clock::real(), listener));
    Ok(format!("http://{address}"))
}

/// What Rule's stand-in got, in order.
///
/// # Errors
/// It does not answer.
pub(super) fn received(tokio: &Handle, rule: &str) -> Result<Vec<Value>> {
    let asked = http::get(&format!("{rule}/received"));
    let received = tokio.block_on(asked.send())?.json()?;
    Ok(received.as_array().cloned().unwrap_or_default())
}

/// Makes sure that there is something, and that all of it was taken.
///
/// # Errors
/// It was not.
pub(super) fn all_taken(received: &[Value]) -> Result<()> {
    match received.iter().find(|request| request["status"] != 200) {
        None if !received.is_empty() => Ok(()),
        None => Err(Trouble::new("nothing arrived at Rule's stand-in")),
        Some(bad) => Err(Trouble::new(format!("Rule's stand-in did not take {bad}"))),
    }
}

/// Actions that Annex Cloud's tenants give points for, by their ids.
pub(super) const ACTIONS: [&str; 3] = ["100", "104", "7"];

/// Starts Gorgias' stand-in with an account for each store, in which everybody of whom the stream speaks is a customer.
/// Gives its address.
///
/// # Errors
/// No port is free, or an order is not taken.
pub(super) async fn gorgias(stream: &Stream) -> Result<String> {
    let url = stand_in(Gorgias::default())?;
    for (place, store) in stream.stores().iter().enumerate() {
        let account = json!({"account": store, "email": aws::AGENT, "api_key": aws::gorgias_key(store), "role": "admin"});
        order(&url, "accounts", &account).await?;
        for email in stream::people(place) {
            let customer =
                json!({"account": store, "customer": {"email": email, "name": "Kari Nordmann"}});
            order(&url, "customers-put", &customer).await?;
        }
    }
    Ok(url)
}

/// Starts Annex Cloud's stand-in with a tenant for each store, of which everybody of whom the stream speaks is a member: only
/// those who are about to join are not. Gives its address.
///
/// # Errors
/// No port is free, or an order is not taken.
pub(super) async fn annexcloud(stream: &Stream) -> Result<String> {
    let url = stand_in(AnnexCloud::default())?;
    for (place, kind) in stream.kinds.iter().enumerate() {
        let store = &kind.store;
        let account = json!({
            "account": store, "site": store, "site_id": aws::site(store), "secret": aws::annexcloud_key(store),
        });
        order(&url, "accounts", &account).await?;
        // What one tenant may ask in a second is not what is measured.
        order(
            &url,
            "limit",
            &json!({"account": store, "per_second": null}),
        )
        .await?;
        for action in ACTIONS {
            let action = json!({"account": store, "actionId": action, "credit": 50});
            order(&url, "actions", &action).await?;
        }
        let people = stream::people(place);
        for email in people.iter().filter(|_| kind.name != "opted_in") {
            let member = json!({
                "account": store,
                "user": {"id": email, "email": email, "status": "ACTIVE", "optInStatus": "YES"},
                "points": {"availablePoints": "700", "lifetimePoints": "2600"},
                "tiers": {"currentTier": "Fjell"},
            });
            order(&url, "members", &member).await?;
        }
    }
    Ok(url)
}

async fn order(url: &str, path: &str, order: &Value) -> Result<()> {
    let call = http::post(&format!("{url}/{path}")).body(order.to_string());
    let reply = call.send().await?;
    if reply.is_success() {
        Ok(())
    } else {
        Err(Trouble::new(format!(
            "a stand-in does not take {path}: {}",
            reply.text
        )))
    }
}

/// Makes sure that a stand-in got nothing that should never have been sent.
///
/// # Errors
/// It did, or it does not answer.
pub(super) fn no_faults(tokio: &Handle, url: &str) -> Result<()> {
    let asked = http::get(&format!("{url}/faults"));
    let faults = tokio.block_on(asked.send())?.json()?;
    match faults.as_array().and_then(|faults| faults.first()) {
        None => Ok(()),
        Some(fault) => Err(Trouble::new(format!(
            "a stand-in should never get: {fault}"
        ))),
    }
}
