//! Customers: section 6.

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::{Map, Value, json};

use super::account::Account;
use super::customer::{Channel, Customer};
use super::envelope::Asked;
use super::refusal::Refusal;
use super::{listing, written};
use crate::standins::Answer;

/// Texts, each of which may be null. Custom fields are missing: there are no definitions of any.
const TEXTS: [&str; 7] = [
    "external_id",
    "firstname",
    "language",
    "lastname",
    "name",
    "note",
    "timezone",
];

const FILTERS: [&str; 4] = ["channel_address", "channel_type", "email", "external_id"];

/// Everything below `/customers`.
pub(super) fn route(
    account: &mut Account,
    asked: &Asked,
    rest: &[&str],
    now: Timestamp,
) -> Result<Answer, Refusal> {
    match (asked.method.as_str(), rest) {
        ("GET", []) => list(account, asked, now),
        ("POST", []) => create(account, asked, now),
        ("DELETE", [] | [_]) => {
            Err(Refusal::new(405, "no customer is ever deleted by us").faulty())
        }
        ("GET", [id]) => one(account, asked, id),
        ("PUT", [id]) => change(account, asked, id, now),
        ("PUT", [id, "data"]) => push(account, asked, id, now),
        _ => Err(asked.nowhere()),
    }
}

fn list(account: &Account, asked: &Asked, now: Timestamp) -> Result<Answer, Refusal> {
    asked.only(&[FILTERS.as_slice(), &listing::PARAMETERS].concat())?;
    let kind = asked.parameter("channel_type");
    let address = asked.parameter("channel_address");
    if kind.is_some() != address.is_some() {
        return Err(Refusal::wrong(
            "channel_type and channel_address go together",
        ));
    }
    let is = |customer: &&Customer| {
        let email = asked.parameter("email").is_none_or(|wanted| {
            let own = customer.email.as_deref().unwrap_or_default();
            own.eq_ignore_ascii_case(wanted)
        });
        let known = customer.fields.get("external_id").unwrap_or(&Value::Null);
        let external = asked.parameter("external_id").is_none_or(|id| known == id);
        let channel = kind.zip(address);
        email && external && channel.is_none_or(|(kind, address)| customer.has(kind, address))
    };
    let rows = account.customers.values().filter(is).map(Customer::row);
    Ok(Answer::json(
        200,
        &listing::page(rows.collect(), asked, now)?,
    ))
}

fn create(account: &mut Account, asked: &Asked, now: Timestamp) -> Result<Answer, Refusal> {
    asked.only(&[])?;
    let fields = fields(&asked.body, &["channels"])?;
    let mut channels = channels(asked.body.get("channels"))?;
    let email = email(&asked.body)?;
    channels.extend(email.map(Channel::email));
    if channels.is_empty() {
        return Err(Refusal::wrong("neither email nor channels"));
    }
    let taken = |channel: &&Channel| {
        let mut own = account.customers.values();
        own.any(|customer| customer.has(&channel.kind, &channel.address))
    };
    if channels.iter().any(|channel| taken(&channel)) {
        return Err(Refusal::new(
            409,
            "A customer with this address already exists.",
        ));
    }
    let id = account.customer_id();
    let mut customer = Customer {
        id,
        channels,
        fields,
        created: written(now),
        updated: written(now),
        ..Customer::default()
    };
    if let Some(email) = email {
        customer.set_email(email);
    }
    let shown = customer.full();
    account.customers.insert(id, customer);
    Ok(Answer::json(201, &shown))
}

fn one(account: &mut Account, asked: &Asked, id: &str) -> Result<Answer, Refusal> {
    asked.only(&[])?;
    Ok(Answer::json(200, &find(account, asked, id)?.full()))
}

fn change(
    account: &mut Account,
    asked: &Asked,
    id: &str,
    now: Timestamp,
) -> Result<Answer, Refusal> {
    asked.only(&[])?;
    if asked.body.contains_key("channels") {
        return Err(Refusal::wrong("channels, when sent, replaces all channels"));
    }
    let fields = fields(&asked.body, &[])?;
    let email = email(&asked.body)?;
    let owner = email.and_then(|email| account.by_address(email));
    let customer = find(account, asked, id)?;
    if owner.is_some_and(|owner| owner != customer.id) {
        return Err(Refusal::new(
            409,
            "A customer with this address already exists.",
        ));
    }
    if let Some(email) = email {
        customer.set_email(email);
    }
    customer.fields.extend(fields);
    customer.updated = written(now);
    Ok(Answer::json(200, &customer.full()))
}

/// `PUT /customers/{id}/data`: the whole value is replaced, and an old version is dropped in silence.
fn push(account: &mut Account, asked: &Asked, id: &str, now: Timestamp) -> Result<Answer, Refusal> {
    asked.only(&[])?;
    if let Some(name) = asked
        .body
        .keys()
        .find(|name| !["data", "version"].contains(&name.as_str()))
    {
        return Err(Refusal::wrong(format!("unknown key {name}")));
    }
    let data = asked.body.get("data").filter(|data| data.is_object());
    let data = data.ok_or_else(|| Refusal::wrong("data is no object"))?;
    let version = asked.body.get("version").and_then(Value::as_str);
    let version = version.filter(|text| is_version(text));
    let version =
        version.ok_or_else(|| Refusal::wrong("version is not 2026-10-01T12:00:00.000000"))?;
    let number = id.parse().unwrap_or_default();
    if account.merged.contains_key(&number) {
        let target = account.follow(number);
        return Err(Refusal::merged(format!("/api/customers/{target}/data")));
    }
    let customer = find(account, asked, id)?;
    // One form for all, so the order of texts is the order of times.
    if customer
        .version
        .as_deref()
        .is_none_or(|known| known < version)
    {
        customer.data = data.clone();
        customer.version = Some(version.to_owned());
        customer.updated = written(now);
    }
    Ok(Answer::text(202, ""))
}

fn is_version(text: &str) -> bool {
    let form = text.len() == "2026-10-01T12:00:00.000000".len() && text.as_bytes()[19] == b'.';
    form && DateTime::strptime("%Y-%m-%dT%H:%M:%S%.f", text).is_ok()
}

fn find<'a>(
    account: &'a mut Account,
    asked: &Asked,
    id: &str,
) -> Result<&'a mut Customer, Refusal> {
    let id: u64 = id.parse().map_err(|_| asked.nowhere())?;
    account
        .customers
        .get_mut(&id)
        .ok_or_else(|| Refusal::gone("Customer"))
}

/// What of a body may be kept as it is.
fn fields(body: &Map<String, Value>, others: &[&str]) -> Result<Map<String, Value>, Refusal> {
    let mut kept = Map::new();
    for (name, value) in body {
        let good = match name.as_str() {
            name if TEXTS.contains(&name) => value.is_string() || value.is_null(),
            "meta" => value.is_object(),
            "email" => continue,
            name if others.contains(&name) => continue,
            _ => return Err(Refusal::wrong(format!("unknown key {name}"))),
        };
        if !good {
            return Err(Refusal::wrong(format!("{name} does not have its form")));
        }
        kept.insert(name.clone(), value.clone());
    }
    Ok(kept)
}

/// An address that is none is what a person typed, and no mistake of the sender.
fn email(body: &Map<String, Value>) -> Result<Option<&str>, Refusal> {
    let Some(value) = body.get("email") else {
        return Ok(None);
    };
    let text = value.as_str().filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(|| Refusal::wrong(format!("email is {value}")))?;
    let (local, host) = text.rsplit_once('@').unwrap_or_default();
    let plain = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'@')
    };
    if plain(local) && plain(host) {
        Ok(Some(text))
    } else {
        Err(Refusal::field("email", "Not a valid email address."))
    }
}

fn channels(value: Option<&Value>) -> Result<Vec<Channel>, Refusal> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    let wrong = || Refusal::wrong("channels is no list of {type, address, preferred}");
    let read = |channel: &Value| {
        let known = |name: &String| ["type", "address", "preferred"].contains(&name.as_str());
        let own = channel.as_object().filter(|own| own.keys().all(known))?;
        Some(Channel {
            kind: own.get("type")?.as_str()?.to_owned(),
            address: own.get("address")?.as_str()?.to_owned(),
        })
    };
    let channels = value.as_array().ok_or_else(wrong)?.iter();
    channels
        .map(|channel| read(channel).ok_or_else(wrong))
        .collect()
}

/// A customer as an order puts one.
pub(super) fn put(account: &mut Account, body: &Value, now: Timestamp) -> Result<(), String> {
    let mut body = body.as_object().cloned().ok_or("customer is no object")?;
    let id = match body.remove("id") {
        None => account.customer_id(),
        Some(id) => id.as_u64().ok_or("id is no number")?,
    };
    let addresses = body.remove("addresses").unwrap_or_else(|| json!([]));
    let addresses = addresses.as_array().ok_or("addresses is no list")?;
    let plain = |_: Refusal| "a field does not have its form".to_owned();
    let fields = fields(&body, &[]).map_err(plain)?;
    let email = email(&body).map_err(plain)?;
    let known = account.customers.remove(&id);
    let mut customer = known.unwrap_or_else(|| Customer {
        id,
        created: written(now),
        ..Customer::default()
    });
    customer.updated = written(now);
    customer.fields = fields;
    let own = email
        .into_iter()
        .chain(addresses.iter().filter_map(Value::as_str));
    customer.channels = own.map(Channel::email).collect();
    customer.email = email.map(str::to_owned);
    account.customers.insert(id, customer);
    Ok(())
}
