//! What tests and people do to the helpdesk beside its API.

use jiff::Timestamp;
use serde_json::Value;

use super::account::Account;
use super::variables::Encoding;
use super::{Gorgias, Role, calls, customers, tickets, triggers};

/// Follows an order; `None` where there is no such order.
pub(super) fn take(
    gorgias: &mut Gorgias,
    path: &str,
    body: &Value,
    now: Timestamp,
) -> Option<Result<(), String>> {
    let order = match path {
        "/accounts" => return Some(register(gorgias, body)),
        "/tickets" => return Some(ticket(gorgias, body, now)),
        "/customers-put" => |account: &mut Account, body: &Value, now| {
            customers::put(account, &body["customer"], now)
        },
        "/merge" => merge,
        "/hand-edit" => hand_edit,
        "/deactivate" => deactivate,
        "/remove" => remove,
        "/bucket" => bucket,
        "/encoding" => encoding,
        "/shape" => shape,
        _ => return None,
    };
    let account = text(body, "account");
    Some(account.and_then(|name| order(gorgias.accounts.entry(name).or_default(), body, now)))
}

fn text(body: &Value, name: &str) -> Result<String, String> {
    let text = body[name].as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned)
        .ok_or_else(|| format!("{name} is missing"))
}

fn number(body: &Value, name: &str) -> Result<u64, String> {
    body[name]
        .as_u64()
        .ok_or_else(|| format!("{name} is no number"))
}

fn register(gorgias: &mut Gorgias, body: &Value) -> Result<(), String> {
    let account = text(body, "account")?;
    let (email, key) = (text(body, "email")?, text(body, "api_key")?);
    let role = match body["role"].as_str() {
        None | Some("admin") => Role::Admin,
        Some("agent") => Role::Agent,
        Some(other) => return Err(format!("there is no role {other}")),
    };
    gorgias.accounts.entry(account.clone()).or_default();
    // Whoever is given a new key has no other.
    gorgias
        .credentials
        .retain(|(own, _), (of, _)| !(*own == email && *of == account));
    gorgias.credentials.insert((email, key), (account, role));
    Ok(())
}

fn ticket(gorgias: &mut Gorgias, body: &Value, now: Timestamp) -> Result<(), String> {
    let name = text(body, "account")?;
    let trigger = text(body, "trigger")?;
    if !triggers::FIRED.contains(&trigger.as_str()) {
        return Err(format!("no ticket of ours fires {trigger}"));
    }
    let account = gorgias.accounts.entry(name.clone()).or_default();
    let id = tickets::take(account, body, now)?;
    gorgias.due = Some(calls::due(account, &name, id, &trigger)?);
    Ok(())
}

fn merge(account: &mut Account, body: &Value, _: Timestamp) -> Result<(), String> {
    let (from, into) = (number(body, "source")?, number(body, "target")?);
    let known = |id: u64| account.customers.contains_key(&id);
    if from == into || !known(from) || !known(into) {
        return Err("source and target are not two customers".to_owned());
    }
    let shared = |id: &String| account.customers[&into].integrations.contains_key(id);
    if account.customers[&from].integrations.keys().any(shared) {
        return Err("both hold data of the same integration".to_owned());
    }
    let source = account.customers.remove(&from).unwrap_or_default();
    if let Some(target) = account.customers.get_mut(&into) {
        for channel in source.channels {
            if !target.has(&channel.kind, &channel.address) {
                target.channels.push(channel);
            }
        }
        target.integrations.extend(source.integrations);
    }
    account.merged.insert(from, into);
    for ticket in account.tickets.values_mut() {
        if ticket.customer == from {
            ticket.customer = into;
        }
    }
    Ok(())
}

fn hand_edit(account: &mut Account, body: &Value, now: Timestamp) -> Result<(), String> {
    let widget = account.widgets.get_mut(&number(body, "widget")?);
    let widget = widget.ok_or("there is no such widget")?;
    if body["deactivated"] == true {
        widget.deactivate(now);
        return Ok(());
    }
    let template = widget.edit(now);
    if body["template"].is_object() {
        template.clone_from(&body["template"]);
        return Ok(());
    }
    let title = text(body, "title")?;
    let card = template.pointer_mut("/widgets/0");
    let card = card.ok_or("the template has no card")?;
    card["title"] = title.into();
    Ok(())
}

fn deactivate(account: &mut Account, body: &Value, now: Timestamp) -> Result<(), String> {
    let own = account.integrations.get_mut(&number(body, "integration")?);
    own.ok_or("there is no such integration")?.deactivate(now);
    Ok(())
}

fn remove(account: &mut Account, body: &Value, _: Timestamp) -> Result<(), String> {
    let own = account.integrations.remove(&number(body, "integration")?);
    own.map(drop)
        .ok_or_else(|| "there is no such integration".to_owned())
}

fn bucket(account: &mut Account, body: &Value, now: Timestamp) -> Result<(), String> {
    let used = body["used"].as_i64().ok_or("used is no number")?;
    account.bucket.fill(used, now);
    Ok(())
}

fn encoding(account: &mut Account, body: &Value, _: Timestamp) -> Result<(), String> {
    account.encoding = match body["encoding"].as_str() {
        Some("percent") => Encoding::Percent,
        Some("raw") => Encoding::Raw,
        Some("plus") => Encoding::Plus,
        other => return Err(format!("there is no encoding {other:?}")),
    };
    Ok(())
}

fn shape(account: &mut Account, body: &Value, _: Timestamp) -> Result<(), String> {
    match body["widgets"].as_str() {
        None => {}
        Some("list") => account.bare_widgets = true,
        Some("data") => account.bare_widgets = false,
        Some(other) => return Err(format!("widgets cannot be {other}")),
    }
    match body["triggers"].as_str() {
        None => {}
        Some("underscores") => account.underscores = true,
        Some("hyphens") => account.underscores = false,
        Some(other) => return Err(format!("triggers cannot be {other}")),
    }
    Ok(())
}
