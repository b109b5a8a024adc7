//! Yotpo Loyalty & Referrals, REST API v2, as `vendors/yotpo.md` describes it: the two calls that read members, and the one
//! that reads what points can be exchanged for.
//!
//! Beside what every stand-in answers:
//! - `POST /accounts` `{"account", "guid", "key"}`: makes an account with this credential.
//! - `POST /customers` `{"account", "customer": {…}}`: this is what is known of a customer from now on; they stand first among
//!   those who changed lately.
//! - `POST /redemption-options` `{"account", "options": […]}`: these are the account's from now on.
//! - `POST /page-size` `{"account", "rows"}`: a page holds at most so many rows, whatever is asked for.
//!
//! Where the vendor's documents are silent the choice stands in a constant or a comment here.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Answer, Key, Request, Vendor, decoded};

const CUSTOMERS: &str = "/api/v2/customers";
const RECENT: &str = "/api/v2/customers/recent";
const OPTIONS: &str = "/api/v2/redemption_options";

/// Headers a plain HTTP client sends by itself, and the two of the credential.
const HEADERS: [&str; 7] = [
    "accept",
    "accept-encoding",
    "connection",
    "host",
    "user-agent",
    "x-api-key",
    "x-guid",
];

/// The largest page: a hundred rows are in use.
const PAGE: usize = 100;

/// How a customer is named; each request names one in exactly one way.
const NAMES: [&str; 4] = [
    "customer_email",
    "customer_id",
    "phone_number",
    "pos_account_id",
];

/// Yotpo with its accounts.
#[derive(Debug, Default)]
pub struct Yotpo {
    /// By GUID and key.
    credentials: BTreeMap<(String, String), String>,
    accounts: BTreeMap<String, Account>,
}

#[derive(Debug, Default)]
struct Account {
    /// Who changed last stands first.
    customers: Vec<Value>,
    options: Vec<Value>,
    page: Option<usize>,
}

impl Vendor for Yotpo {
    fn prefix(&self) -> &'static str {
        "/api/"
    }

    fn key(&self, request: &Request) -> Key {
        let (Some(guid), Some(key)) = (request.header("x-guid"), request.header("x-api-key"))
        else {
            return Key::Absent;
        };
        self.credentials
            .get(&(guid.to_owned(), key.to_owned()))
            .map_or(Key::Wrong, |account| Key::Right(account.clone()))
    }

    fn handle(&mut self, request: &Request, _: Timestamp, faults: &mut Vec<String>) -> Answer {
        let Some(query) = checked(request, faults) else {
            return error(400, "bad request");
        };
        let key = self.key(request);
        let Some(account) = key.account().and_then(|name| self.accounts.get(name)) else {
            return error(401, "unauthorized");
        };
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", CUSTOMERS) => one(account, &query, faults),
            ("GET", RECENT) => recent(account, &query, faults),
            ("GET", OPTIONS) => options(account, &query, faults),
            (method, path) => {
                faults.push(format!("unknown path: {method} {path}"));
                error(404, "not found")
            }
        }
    }

    fn answered(&mut self, _: &Key, _: u16, _: Timestamp) {}

    fn retry_after(&self, until: Timestamp) -> String {
        let zoned = until.to_zoned(jiff::tz::TimeZone::UTC);
        zoned.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    fn show(&self, path: &str, account: Option<&str>) -> Option<Value> {
        let own = account.and_then(|account| self.accounts.get(account));
        (path == "/customers-state").then(|| json!(own.map(|account| &account.customers)))
    }

    fn order(&mut self, path: &str, body: &Value, _: Timestamp) -> Option<Result<(), String>> {
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        let Some(name) = text("account") else {
            return Some(Err("account is missing".to_owned()));
        };
        let account = self.accounts.entry(name.clone()).or_default();
        match path {
            "/accounts" => Some(match (text("guid"), text("key")) {
                (Some(guid), Some(key)) => {
                    self.credentials.insert((guid, key), name);
                    Ok(())
                }
                _ => Err("guid or key is missing".to_owned()),
            }),
            "/customers" => {
                let customer = body["customer"].clone();
                let same = |known: &Value| {
                    let is = |key: &str| !known[key].is_null() && known[key] == customer[key];
                    is("third_party_id") || is("email")
                };
                account.customers.retain(|known| !same(known));
                account.customers.insert(0, customer);
                Some(Ok(()))
            }
            "/redemption-options" => Some(match body["options"].as_array() {
                Some(options) => {
                    account.options.clone_from(options);
                    Ok(())
                }
                None => Err("options is no list".to_owned()),
            }),
            "/page-size" => {
                let rows = body["rows"].as_u64().and_then(|rows| rows.try_into().ok());
                account.page = rows;
                Some(rows.map(drop).ok_or_else(|| "rows is no number".to_owned()))
            }
            _ => None,
        }
    }
}

type Query = Vec<(String, String)>;

/// The parameters, where everything about the request is as a sender of ours makes it.
fn checked(request: &Request, faults: &mut Vec<String>) -> Option<Query> {
    let before = faults.len();
    for (name, _) in &request.headers {
        if !HEADERS.contains(&name.as_str()) {
            faults.push(format!("unknown header: {name}"));
        }
    }
    if !request.body.is_empty() {
        faults.push("a read has no body".to_owned());
    }
    let mut query = Query::new();
    for pair in request.query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if ["guid", "api_key"].contains(&name) {
            faults.push("a credential in the query ends up in logs".to_owned());
        }
        if query.iter().any(|(known, _)| known == name) {
            faults.push(format!("{name} stands there twice"));
        }
        // A plus would be a blank to one server and a plus to another.
        match decoded(value).filter(|_| !value.contains('+')) {
            Some(value) => query.push((name.to_owned(), value)),
            None => faults.push(format!("{name} is not percent-encoded text")),
        }
    }
    (faults.len() == before).then_some(query)
}

fn one(account: &Account, query: &Query, faults: &mut Vec<String>) -> Answer {
    let flags = ["with_referral_code", "with_history"];
    unknown(query, &[NAMES.as_slice(), &flags].concat(), faults);
    let named: Vec<_> = query
        .iter()
        .filter(|(name, _)| NAMES.contains(&name.as_str()))
        .collect();
    let [(name, value)] = named.as_slice() else {
        faults.push(format!("{} names for one customer", named.len()));
        return error(400, "one of the customer's names is required");
    };
    let key = match name.as_str() {
        "customer_email" => "email",
        "customer_id" => "third_party_id",
        name => name,
    };
    let is = |customer: &&Value| {
        customer[key]
            .as_str()
            .is_some_and(|own| own.eq_ignore_ascii_case(value))
    };
    match account.customers.iter().find(is) {
        Some(customer) => Answer::json(200, customer),
        // The documents do not say; a 404 is usual.
        None => error(404, "customer not found"),
    }
}

fn recent(account: &Account, query: &Query, faults: &mut Vec<String>) -> Answer {
    unknown(query, &["per_page", "page_info"], faults);
    let value = |name: &str| {
        let own = query.iter().find(|(known, _)| known == name);
        own.map(|(_, value)| value.as_str())
    };
    let rows = value("per_page").and_then(|rows| rows.parse::<usize>().ok());
    let Some(rows) = rows.filter(|rows| (1..=PAGE).contains(rows)) else {
        faults.push(format!("per_page is not from 1 to {PAGE}"));
        return error(400, "per_page is out of range");
    };
    let begin = match value("page_info") {
        None => Some(0),
        Some(cursor) => place(cursor),
    };
    let Some(begin) = begin else {
        faults.push("a cursor that was never given".to_owned());
        return error(400, "page_info is not valid");
    };
    let rows = rows.min(account.page.unwrap_or(PAGE));
    let page: Vec<&Value> = account.customers.iter().skip(begin).take(rows).collect();
    let more = begin + rows < account.customers.len();
    let next = more.then(|| cursor(begin + rows));
    Answer::json(
        200,
        &json!({"customers": page, "metadata": {"next_page_info": next}}),
    )
}

/// All of them: with a name of somebody only what that member may have would be told, and no sender of ours asks for that.
fn options(account: &Account, query: &Query, faults: &mut Vec<String>) -> Answer {
    unknown(query, &["discount_type", "is_offline"], faults);
    Answer::json(200, &json!(account.options))
}

/// A cursor is nobody's business; this one must be encoded to come back as it is.
fn cursor(place: usize) -> String {
    format!("from/{place}+&=")
}

fn place(cursor: &str) -> Option<usize> {
    let number = cursor.strip_prefix("from/")?.strip_suffix("+&=")?;
    number.parse().ok()
}

fn unknown(query: &Query, known: &[&str], faults: &mut Vec<String>) {
    for (name, _) in query {
        if !known.contains(&name.as_str()) {
            faults.push(format!("unknown parameter: {name}"));
        }
    }
}

fn error(status: u16, what: &str) -> Answer {
    Answer::json(status, &json!({"error": what}))
}
