//! Annex Cloud, Loyalty API v3, as `vendors/annexcloud.md` describes it: people, their points, tiers and activity.
//!
//! Beside what every stand-in answers:
//! - `POST /accounts` `{"account", "site", "site_id", "secret"}`: makes a tenant with this credential; `site` is the token's
//!   `sub`.
//! - `POST /members` `{"account", "user": {…}, "points": {…}, "tiers": {…}}`: this is what is known of a person from now on.
//!   Without `points` or `tiers` the vendor has no such data of them.
//! - `POST /members-gone` `{"account", "id"}`: forgets a person.
//! - `POST /activity` `{"account", "id", "rows": […]}`: this is a person's activity from now on, newest first.
//! - `POST /actions` `{"account", "actionId", "credit"}`, `POST /rewards` `{"account", "rewardId", "debit"}`: what an action
//!   gives and what a reward costs.
//! - `POST /shape` `{"account", "wrapper": "Data"|"data"|"flat", "points": "mixed"|"text"|"number"}`: how a profile is wrapped,
//!   and how balances are written. What is not named stays.
//! - `POST /retry` `{"account", "heeded": false}`: the tenant books a repeated order once more, whatever `retry` says.
//! - `POST /limit` `{"account", "per_second"}`: so many requests in one second, or no limit with null.
//! - `GET /members-state?account=…`: people with their points and tiers.
//! - `GET /activity-state?account=…`: everybody's activity, by person.
//!
//! Where the vendor's documents are silent the choice stands in a constant or a comment here.

mod account;
mod auth;
mod envelope;
mod fields;
mod orders;
mod points;
mod refusal;
mod shape;
#[cfg(test)]
mod tests;
mod users;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use self::account::Account;
use self::auth::Token;
use self::envelope::Resource;
use self::refusal::Refusal;
use super::{Answer, Key, Request, Vendor};

/// Annex Cloud with its tenants.
#[derive(Debug, Default)]
pub struct AnnexCloud {
    accounts: BTreeMap<String, Account>,
}

impl AnnexCloud {
    /// The tenant that this token is signed by; `None` where no tenant's secret made it.
    fn signer(&self, token: &Token) -> Option<&str> {
        let mut own = self.accounts.iter();
        let signed =
            |account: &Account| token.subject() == account.site && token.fits(&account.secret);
        own.find(|(_, account)| !account.secret.is_empty() && signed(account))
            .map(|(name, _)| name.as_str())
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Result<Answer, Refusal> {
        let resource = envelope::read(request)?;
        let token = Token::of(request).ok_or_else(Refusal::unauthorized)?;
        let name = self.signer(&token).map(str::to_owned);
        let account = name.and_then(|name| self.accounts.get_mut(&name));
        let account = account.ok_or_else(Refusal::unauthorized)?;
        token.check(account, request, resource.id(), now)?;
        account.count(now)?;
        route(account, resource, &request.body, now)
    }
}

fn route(
    account: &mut Account,
    resource: Resource,
    body: &[u8],
    now: Timestamp,
) -> Result<Answer, Refusal> {
    match resource {
        Resource::NewUser => users::create(account, body, now),
        Resource::User(id) => users::read(account, &id),
        Resource::ChangeUser(id) => users::change(account, &id, body, now),
        Resource::NewPoints => points::book(account, body, now),
        Resource::Points(id) => shape::points(account, &id),
        Resource::Tiers(id) => shape::tiers(account, &id),
        Resource::Activity(id) => shape::activity(account, &id),
    }
}

impl Vendor for AnnexCloud {
    fn prefix(&self) -> &'static str {
        envelope::API
    }

    fn key(&self, request: &Request) -> Key {
        if request.header("authorization").is_none() {
            return Key::Absent;
        }
        // Whether it is still valid, and for this body, is the vendor's to answer: a record names whose secret it was.
        Token::of(request)
            .and_then(|token| self.signer(&token).map(str::to_owned))
            .map_or(Key::Wrong, Key::Right)
    }

    fn handle(&mut self, request: &Request, now: Timestamp, faults: &mut Vec<String>) -> Answer {
        self.answer(request, now).unwrap_or_else(|refusal| {
            faults.extend(refusal.fault.clone());
            refusal.answer()
        })
    }

    fn answered(&mut self, _: &Key, _: u16, _: Timestamp) {}

    fn retry_after(&self, until: Timestamp) -> String {
        let zoned = until.to_zoned(TimeZone::UTC);
        zoned.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    fn show(&self, path: &str, account: Option<&str>) -> Option<Value> {
        let own = account.and_then(|account| self.accounts.get(account));
        match path {
            "/members-state" => Some(own.map_or(Value::Null, Account::members)),
            "/activity-state" => Some(own.map_or(Value::Null, Account::activities)),
            _ => None,
        }
    }

    fn order(&mut self, path: &str, body: &Value, _: Timestamp) -> Option<Result<(), String>> {
        orders::take(&mut self.accounts, path, body)
    }
}

/// A point in time as the vendor writes it: American west coast, the offset without a colon.
fn pacific(at: Timestamp) -> String {
    let zone = TimeZone::get("America/Los_Angeles").unwrap_or(TimeZone::UTC);
    let zoned = at.to_zoned(zone);
    zoned.strftime("%Y-%m-%dT%H:%M:%S%z").to_string()
}
