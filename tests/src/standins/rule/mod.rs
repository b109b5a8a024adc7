//! Rule (rule.io), API v2, as `vendors/rule.md` describes it.
//!
//! Beside what every stand-in answers:
//! - `POST /accounts` `{"key", "account"}`: makes an account, or gives an account a key.
//! - `POST /suppressions` `{"account", "email"}`: this address is suppressed from now on.
//! - `POST /finished` `{"account"}`: every running sequence has ended.
//! - `POST /tags` `{"account", "tag"}`, `POST /fields` `{"account", "key", "type"}`: this tag or field exists from now on.
//! - `POST /automails` `{"account", "name", "tag", "active"}`: a merchant hangs an automation on a tag.
//! - `GET /subscribers-state[?account=…]`: people with their tags and fields.
//! - `GET /automations[?account=…]`: which automations started, why, and what they cut short.
//!
//! Where the vendor's documents are silent the choice stands in a constant or a comment here.

mod automations;
mod checks;
mod limits;
mod lists;
mod people;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use self::people::Account;
use super::{Answer, Key, Request, Vendor, decoded};

const API: &str = "/api/v2";

/// The one path of version 3 that is spoken of here.
const AUTOMAILS: &str = "/api/v3/editor/automail";

/// Headers a plain HTTP client sends by itself, and the two that the API asks for.
const HEADERS: [&str; 9] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "user-agent",
];

/// Rule with its accounts.
#[derive(Debug, Default)]
pub struct Rule {
    keys: BTreeMap<String, String>,
    accounts: BTreeMap<String, Account>,
}

/// Why a request is refused.
#[derive(Debug)]
struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
    fields: Map<String, Value>,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            fields: Map::new(),
        }
    }

    fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    fn field(name: &str, message: &str) -> Self {
        let fields = Map::from_iter([(name.to_owned(), json!([message]))]);
        Self {
            fields,
            ..Self::bad(message)
        }
    }

    fn answer(self) -> Answer {
        let mut body = json!({"error": self.code, "message": self.message});
        if !self.fields.is_empty() {
            body["fields"] = Value::Object(self.fields);
        }
        Answer::json(self.status, &body)
    }
}

impl Vendor for Rule {
    fn prefix(&self) -> &'static str {
        "/api/"
    }

    fn key(&self, request: &Request) -> Key {
        let Some(presented) = request.header("authorization") else {
            return Key::Absent;
        };
        let key = presented.strip_prefix("Bearer ").unwrap_or_default();
        self.keys
            .get(key)
            .map_or(Key::Wrong, |account| Key::Right(account.clone()))
    }

    fn handle(&mut self, request: &Request, now: Timestamp, faults: &mut Vec<String>) -> Answer {
        let key = self.key(request);
        if let Err(refusal) = checks::envelope(request, faults) {
            return refusal.answer();
        }
        let Some(account) = key.account().and_then(|name| self.accounts.get_mut(name)) else {
            return Answer::json(401, &json!({"error": "NotAuthorized"}));
        };
        if let Some(blocked) = account.limits.blocked(now) {
            return blocked;
        }
        route(account, request, now, faults).unwrap_or_else(Refusal::answer)
    }

    fn answered(&mut self, key: &Key, status: u16, now: Timestamp) {
        if let Some(account) = key.account().and_then(|name| self.accounts.get_mut(name)) {
            account.limits.answered(status, now);
        }
    }

    fn retry_after(&self, until: Timestamp) -> String {
        stockholm(until)
    }

    fn show(&self, path: &str, account: Option<&str>) -> Option<Value> {
        let accounts = self
            .accounts
            .iter()
            .filter(|(name, _)| account.is_none_or(|wanted| wanted == name.as_str()));
        match path {
            "/subscribers-state" => Some(
                accounts
                    .map(|(name, account)| (name.clone(), account.state()))
                    .collect(),
            ),
            "/automations" => Some(
                accounts
                    .flat_map(|(name, account)| account.starts(name))
                    .collect(),
            ),
            _ => None,
        }
    }

    fn order(&mut self, path: &str, body: &Value, now: Timestamp) -> Option<Result<(), String>> {
        let text = |name: &str| {
            body[name]
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| format!("{name} is missing"))
        };
        let account = match text("account") {
            Ok(account) => account,
            Err(why) => return Some(Err(why)),
        };
        let entry = self.accounts.entry(account.clone()).or_default();
        match path {
            "/accounts" => Some(text("key").map(|key| drop(self.keys.insert(key, account)))),
            "/suppressions" => Some(text("email").map(|email| entry.suppress(&email, now))),
            "/tags" => Some(text("tag").map(|tag| entry.make_tag(&tag))),
            "/fields" => {
                let both = text("key").and_then(|key| Ok((key, text("type")?)));
                Some(both.map(|(key, kind)| entry.make_field(key, kind)))
            }
            "/automails" => {
                let both = text("name").and_then(|name| Ok((name, text("tag")?)));
                let active = body["active"].as_bool().unwrap_or(true);
                Some(both.map(|(name, tag)| entry.hang(lists::Automail { name, tag, active })))
            }
            "/finished" => {
                entry.finish_runs();
                Some(Ok(()))
            }
            _ => None,
        }
    }
}

fn route(
    account: &mut Account,
    request: &Request,
    now: Timestamp,
    faults: &mut Vec<String>,
) -> Result<Answer, Refusal> {
    if request.method == "GET" && request.path == AUTOMAILS {
        return lists::automails(account, request, faults);
    }
    let path = request.path.strip_prefix(API).unwrap_or_default();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("POST", ["subscribers"]) => {
            people::upsert(account, checks::upsert(request, faults)?, now, faults)
        }
        ("GET", ["subscribers", who]) => {
            let person = account.find(&identifier(request, who, faults)?)?;
            Ok(Answer::json(
                200,
                &json!({"subscriber": account.shown(person)}),
            ))
        }
        // Singular, unlike its neighbours.
        ("GET", ["subscriber", who, "fields"]) => {
            let person = account.find(&identifier(request, who, faults)?)?;
            Ok(Answer::json(200, &account.groups(person)))
        }
        ("GET", ["tags"]) => lists::page(&account.tag_rows(), "tags", request, faults),
        ("GET", ["customizations"]) => {
            lists::page(&account.group_rows(), "groups", request, faults)
        }
        ("PUT", ["subscribers", id]) => people::change(account, id, request, now, faults),
        ("DELETE", ["subscribers", who]) => {
            let who = identifier(request, who, faults)?;
            let person = account.find(&who)?;
            account.remove(person);
            Ok(Answer::json(200, &json!({"message": "Success"})))
        }
        ("POST", ["subscribers", who, "tags"]) => {
            let who = identifier(request, who, faults)?;
            people::add_tags(
                account,
                &who,
                checks::tag_call(request, faults)?,
                now,
                faults,
            )
        }
        ("DELETE", ["subscribers", who, "tags", tag]) => {
            let who = identifier(request, who, faults)?;
            let tag =
                decoded(tag).ok_or_else(|| Refusal::bad("the tag is not percent-encoded text"))?;
            account.remove_tag(&who, &tag, now)
        }
        (method, _) => {
            faults.push(format!("unknown path: {method} {}", request.path));
            Err(Refusal::new(404, "NotFound", "no such resource"))
        }
    }
}

/// How a path names a person.
#[derive(Debug)]
enum Identifier {
    Email(String),
    Phone(String),
    Id(u64),
}

fn identifier(
    request: &Request,
    who: &str,
    faults: &mut Vec<String>,
) -> Result<Identifier, Refusal> {
    let by = request.parameter("identified_by").unwrap_or_default();
    let who =
        decoded(who).ok_or_else(|| Refusal::bad("the identifier is not percent-encoded text"))?;
    match by.as_str() {
        "email" => Ok(Identifier::Email(who.to_lowercase())),
        "phone_number" => Ok(Identifier::Phone(who)),
        "id" => who
            .parse()
            .map(Identifier::Id)
            .map_err(|_| Refusal::bad("the id is no number")),
        _ => {
            faults.push(format!("identified_by is {by:?}"));
            Err(Refusal::bad(
                "identified_by must be email, phone_number or id",
            ))
        }
    }
}

/// The vendor's servers speak Swedish local time, without saying so.
fn stockholm(at: Timestamp) -> String {
    let zone = TimeZone::get("Europe/Stockholm").unwrap_or(TimeZone::UTC);
    at.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
