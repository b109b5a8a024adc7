//! Gorgias, a helpdesk, as `vendors/gorgias.md` describes it: customers, HTTP integrations, widgets, and what happens when a
//! ticket comes in. It acts as Gorgias: it calls the integrations' addresses and shows the sidebar that an agent would see.
//!
//! Beside what every stand-in answers:
//! - `POST /accounts` `{"account", "email", "api_key", "role": "admin"|"agent"}`: makes an account, or gives one a key.
//! - `POST /customers-put` `{"account", "customer": {"id", "email", "addresses": […], "name", "external_id", …}}`: puts a
//!   customer with a primary and secondary addresses; without `id` the next free one.
//! - `POST /merge` `{"account", "source", "target"}`: an agent merges two customers.
//! - `POST /hand-edit` `{"account", "widget", "template": {…}}` or `{"account", "widget", "title"}`: a person changes a
//!   widget's template, or the title of its first card.
//! - `POST /deactivate` `{"account", "integration"}`: Gorgias switches an integration off.
//! - `POST /bucket` `{"account", "used"}`: so much of the rate limit is used up now.
//! - `POST /encoding` `{"account", "encoding": "percent"|"raw"|"plus"}`: how values come into an integration's address.
//! - `POST /shape` `{"account", "widgets": "data"|"list", "triggers": "hyphens"|"underscores"}`: how lists of widgets and
//!   names of triggers are shown. What is not named stays.
//! - `POST /tickets` `{"account", "id", "subject", "customer": {"email", "name"}, "trigger", "message": {"body_text",
//!   "from_agent"}, "channel", "tags"}`: a ticket is made, updated or written into. Every active integration with that trigger
//!   is called, and once their answers are kept, it is answered `{"fired": [{"integration", "status", "ms", "why"}]}`: no
//!   status where nobody answered, `why` only where nothing is kept.
//! - `GET /customers-state?account=…`, `GET /integrations-state?account=…`, `GET /widgets-state?account=…`: by id.
//! - `GET /ticket/<account>/<id>`, `GET /customer/<account>/<id>`: the page an agent sees.
//!
//! Where the vendor's documents are silent the choice stands in a constant or a comment here.

mod account;
mod bucket;
mod calls;
mod customer;
mod customers;
mod envelope;
mod html;
mod integrations;
mod listing;
mod orders;
mod page;
mod refusal;
mod sidebar;
mod template;
#[cfg(test)]
mod tests;
mod tickets;
mod triggers;
mod variables;
mod widgets;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use self::account::Account;
use self::envelope::Asked;
use self::refusal::Refusal;
use super::outgoing::{Ended, Outgoing};
use super::{Answer, Key, Request, Vendor};

/// How much of the rate limit is used, on every answer.
const USED: &str = "x-gorgias-account-api-call-limit";

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Admin,
    Agent,
}

/// Gorgias with its accounts.
#[derive(Debug, Default)]
pub struct Gorgias {
    /// By address and key.
    credentials: BTreeMap<(String, String), (String, Role)>,
    accounts: BTreeMap<String, Account>,
    /// What the last order made it owe.
    due: Option<Vec<Outgoing>>,
}

impl Gorgias {
    fn who(&self, request: &Request) -> Option<(String, Role)> {
        let basic = request.header("authorization")?.strip_prefix("Basic ")?;
        let pair = String::from_utf8(STANDARD.decode(basic).ok()?).ok()?;
        let (email, key) = pair.split_once(':')?;
        self.credentials
            .get(&(email.to_owned(), key.to_owned()))
            .cloned()
    }
}

fn route(
    account: &mut Account,
    role: Role,
    asked: &Asked,
    now: Timestamp,
) -> Result<Answer, Refusal> {
    let parts: Vec<&str> = asked.parts.iter().map(String::as_str).collect();
    let first = parts.first().copied().unwrap_or_default();
    if role == Role::Agent && ["integrations", "widgets"].contains(&first) {
        return Err(Refusal::new(
            403,
            "You don't have the permission to access this resource",
        ));
    }
    match (first, &parts[1..]) {
        ("customers", rest) => customers::route(account, asked, rest, now),
        ("integrations", rest) => integrations::route(account, asked, rest, now),
        ("widgets", rest) => widgets::route(account, asked, rest, now),
        _ => Err(asked.nowhere()),
    }
}

impl Vendor for Gorgias {
    fn prefix(&self) -> &'static str {
        envelope::API
    }

    fn key(&self, request: &Request) -> Key {
        if request.header("authorization").is_none() {
            return Key::Absent;
        }
        self.who(request)
            .map_or(Key::Wrong, |(account, _)| Key::Right(account))
    }

    fn handle(&mut self, request: &Request, now: Timestamp, faults: &mut Vec<String>) -> Answer {
        let mut refused = |refusal: Refusal| {
            faults.extend(refusal.fault.clone());
            refusal.answer()
        };
        let asked = envelope::read(request);
        let who = self.who(request);
        let Some((account, role)) =
            who.and_then(|(name, role)| Some((self.accounts.get_mut(&name)?, role)))
        else {
            let wrong = Refusal::new(401, "Unauthorized: wrong email or API key");
            return refused(asked.err().unwrap_or(wrong));
        };
        let answer = match account.bucket.take(now) {
            Err(seconds) => {
                let full = Refusal::new(429, "Rate limit exceeded").answer();
                full.with("retry-after", seconds.to_string())
            }
            Ok(()) => asked
                .and_then(|asked| route(account, role, &asked, now))
                .unwrap_or_else(&mut refused),
        };
        answer.with(USED, account.bucket.shown(now))
    }

    fn answered(&mut self, _: &Key, _: u16, _: Timestamp) {}

    fn retry_after(&self, until: Timestamp) -> String {
        let zoned = until.to_zoned(TimeZone::UTC);
        zoned.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    fn show(&self, path: &str, account: Option<&str>) -> Option<Value> {
        let show = match path {
            "/customers-state" => Account::customers_state,
            "/integrations-state" => Account::integrations_state,
            "/widgets-state" => Account::widgets_state,
            _ => return None,
        };
        let own = account.and_then(|account| self.accounts.get(account));
        Some(own.map_or(Value::Null, show))
    }

    fn order(&mut self, path: &str, body: &Value, now: Timestamp) -> Option<Result<(), String>> {
        orders::take(self, path, body, now)
    }

    fn calls(&mut self) -> Option<Vec<Outgoing>> {
        self.due.take()
    }

    fn called(&mut self, ended: &[(Outgoing, Ended)], now: Timestamp) -> Value {
        calls::keep(&mut self.accounts, ended, now)
    }

    fn page(&self, path: &str) -> Option<Answer> {
        page::show(&self.accounts, path)
    }
}

/// A point in time as the API writes it.
fn written(at: Timestamp) -> String {
    let zoned = at.to_zoned(TimeZone::UTC);
    zoned.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}
