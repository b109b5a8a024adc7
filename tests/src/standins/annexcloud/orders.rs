//! What tests put into the vendor's memory.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::account::{Account, Person};
use super::shape::{self, Numbers, Wrapper};

/// Follows an order; `None` where there is no such order.
pub(super) fn take(
    accounts: &mut BTreeMap<String, Account>,
    path: &str,
    body: &Value,
) -> Option<Result<(), String>> {
    let order = match path {
        "/accounts" => register,
        "/members" => member,
        "/members-gone" => gone,
        "/activity" => activity,
        "/actions" => action,
        "/rewards" => reward,
        "/shape" => reshape,
        "/limit" => limit,
        "/retry" => retry,
        _ => return None,
    };
    let account = text(body, "account");
    Some(account.and_then(|name| order(accounts.entry(name).or_default(), body)))
}

fn text(body: &Value, name: &str) -> Result<String, String> {
    let text = body[name].as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned)
        .ok_or_else(|| format!("{name} is missing"))
}

fn register(account: &mut Account, body: &Value) -> Result<(), String> {
    account.site = text(body, "site")?;
    account.site_id = text(body, "site_id")?;
    account.secret = text(body, "secret")?;
    Ok(())
}

fn member(account: &mut Account, body: &Value) -> Result<(), String> {
    let user = part(body, "user", shape::is_of_user)?.ok_or("user is missing")?;
    let id = text(&body["user"], "id")?;
    let points = part(body, "points", shape::is_of_points)?;
    let mut tiers = body["tiers"].clone();
    // Either spelling may be put; only one is answered.
    if let Some(own) = tiers.as_object_mut()
        && let Some(value) = own.remove("pointsToNextTier")
    {
        own.insert("PointsToNextTier".to_owned(), value);
    }
    let tiers = part(&json!({"tiers": tiers}), "tiers", shape::is_of_tiers)?;
    let known = account.people.remove(&id).unwrap_or_default();
    let person = Person {
        user,
        points,
        tiers,
        ..known
    };
    account.people.insert(id, person);
    Ok(())
}

/// One of a member's parts. A key that the vendor does not have is a slip of the test.
fn part(
    body: &Value,
    name: &str,
    known: fn(&str) -> bool,
) -> Result<Option<Map<String, Value>>, String> {
    match &body[name] {
        Value::Null => Ok(None),
        Value::Object(part) => match part.keys().find(|key| !known(key)) {
            Some(key) => Err(format!("{name} has no {key}")),
            None => Ok(Some(part.clone())),
        },
        _ => Err(format!("{name} is no object")),
    }
}

fn gone(account: &mut Account, body: &Value) -> Result<(), String> {
    let id = text(body, "id")?;
    let gone = account.people.remove(&id);
    gone.map(drop).ok_or_else(|| format!("nobody is {id}"))
}

fn activity(account: &mut Account, body: &Value) -> Result<(), String> {
    let id = text(body, "id")?;
    let rows = body["rows"].as_array().ok_or("rows is no list")?;
    let person = account.people.get_mut(&id);
    let person = person.ok_or_else(|| format!("nobody is {id}"))?;
    person.activity.clone_from(rows);
    Ok(())
}

fn action(account: &mut Account, body: &Value) -> Result<(), String> {
    let gives = body["credit"].as_i64().ok_or("credit is no number")?;
    account.actions.insert(text(body, "actionId")?, gives);
    Ok(())
}

fn reward(account: &mut Account, body: &Value) -> Result<(), String> {
    let costs = body["debit"].as_i64().ok_or("debit is no number")?;
    account.rewards.insert(text(body, "rewardId")?, costs);
    Ok(())
}

fn reshape(account: &mut Account, body: &Value) -> Result<(), String> {
    match body["wrapper"].as_str() {
        None => {}
        Some("Data") => account.wrapper = Wrapper::Upper,
        Some("data") => account.wrapper = Wrapper::Lower,
        Some("flat") => account.wrapper = Wrapper::Flat,
        Some(other) => return Err(format!("there is no wrapper {other}")),
    }
    match body["points"].as_str() {
        None => {}
        Some("mixed") => account.numbers = Numbers::Mixed,
        Some("text") => account.numbers = Numbers::Text,
        Some("number") => account.numbers = Numbers::Number,
        Some(other) => return Err(format!("points cannot be {other}")),
    }
    Ok(())
}

fn retry(account: &mut Account, body: &Value) -> Result<(), String> {
    account.heeds_retry = body["heeded"].as_bool().ok_or("heeded is no truth")?;
    Ok(())
}

fn limit(account: &mut Account, body: &Value) -> Result<(), String> {
    account.limit = match &body["per_second"] {
        Value::Null => None,
        number => Some(
            number
                .as_u64()
                .and_then(|number| number.try_into().ok())
                .ok_or("per_second is no number")?,
        ),
    };
    Ok(())
}
