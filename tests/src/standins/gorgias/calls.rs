//! The calls a ticket fires, and what is kept of their answers: sections 1, 3.3 and 3.5.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::account::Account;
use super::integrations::Integration;
use super::variables::{self, Encoding};
use crate::standins::mac;
use crate::standins::outgoing::{Ended, Outgoing, Target};

/// Neither header nor algorithm is published; this is what implementers read.
const SIGNATURE: &str = "x-gorgias-signature";

/// The calls that this trigger fires on this ticket.
pub(super) fn due(
    account: &Account,
    name: &str,
    ticket: u64,
    trigger: &str,
) -> Result<Vec<Outgoing>, String> {
    let ticket = account
        .tickets
        .get(&ticket)
        .ok_or("there is no such ticket")?;
    let customer = account.customers.get(&ticket.customer);
    let customer = customer.ok_or("the ticket's customer is gone")?;
    let context = ticket.context(customer, trigger);
    let fired = account.integrations.iter();
    let fired = fired.filter(|(_, integration)| integration.is_fired_by(trigger));
    fired
        .map(|(id, integration)| {
            let about = json!({"account": name, "customer": customer.id, "integration": id});
            call(integration, about, &context, account.encoding)
        })
        .collect()
}

fn call(
    integration: &Integration,
    about: Value,
    context: &Value,
    encoding: Encoding,
) -> Result<Outgoing, String> {
    let method = match integration.text("method").as_str() {
        None | Some("GET") => "GET",
        Some("POST") => "POST",
        Some(other) => return Err(format!("a stand-in makes no call with {other}")),
    };
    let url = integration.text("url").as_str().unwrap_or_default();
    let mut url = variables::render(url, context, |text| encoding.apply(text));
    let form = rendered(integration.text("form"), context);
    let mut headers = rendered(integration.text("headers"), context);
    // The host is the address's own and the content type the integration's, whatever a person wrote.
    let own = ["host", "content-type"];
    headers.retain(|(name, _)| !own.iter().any(|own| name.eq_ignore_ascii_case(own)));
    let mut body = Vec::new();
    if method == "GET" && !form.is_empty() {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(&pairs(&form, encoding));
    } else if !form.is_empty() {
        body = if integration.sends_a_form() {
            pairs(&form, Encoding::Percent).into_bytes()
        } else {
            json!(form.into_iter().collect::<BTreeMap<_, _>>())
                .to_string()
                .into_bytes()
        };
        let kind = integration.text("request_content_type").as_str();
        headers.push((
            "content-type".to_owned(),
            kind.unwrap_or_default().to_owned(),
        ));
    }
    if let Some(secret) = &integration.secret {
        let signature = mac::hex(&mac::sha256(secret.as_bytes(), &body));
        headers.push((SIGNATURE.to_owned(), signature));
    }
    Target::of(&url)?;
    Ok(Outgoing {
        about,
        method,
        url,
        headers,
        body,
    })
}

fn rendered(templates: &Value, context: &Value) -> Vec<(String, String)> {
    let own = templates.as_object().into_iter().flatten();
    own.map(|(name, template)| {
        let template = template.as_str().unwrap_or_default();
        (
            name.clone(),
            variables::render(template, context, str::to_owned),
        )
    })
    .collect()
}

fn pairs(form: &[(String, String)], encoding: Encoding) -> String {
    let pair = |(name, value): &(String, String)| {
        format!(
            "{}={}",
            Encoding::Percent.apply(name),
            encoding.apply(value)
        )
    };
    form.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Keeps what was answered, counts what failed, and says what became of each call.
pub(super) fn keep(
    accounts: &mut BTreeMap<String, Account>,
    ended: &[(Outgoing, Ended)],
    now: Timestamp,
) -> Value {
    let mut fired = Vec::with_capacity(ended.len());
    for (call, end) in ended {
        let name = call.about["account"].as_str().unwrap_or_default();
        let integration = call.about["integration"].as_u64().unwrap_or_default();
        let customer = call.about["customer"].as_u64().unwrap_or_default();
        let read = answer(end);
        let mut row = json!({"integration": integration, "status": end.status, "ms": end.ms});
        if let Err(why) = &read {
            row["why"] = json!(why);
        }
        fired.push(row);
        if let Some(account) = accounts.get_mut(name) {
            one(account, customer, integration, read.ok(), now);
        }
    }
    json!({"fired": fired})
}

/// What can be shown of an answer: an object of JSON that came with 200.
fn answer(end: &Ended) -> Result<Map<String, Value>, String> {
    match end.status {
        Some(200) => {
            serde_json::from_str(&end.text).map_err(|error| format!("no JSON object: {error}"))
        }
        Some(status) => Err(format!("status {status}")),
        None => Err(end.text.clone()),
    }
}

fn one(
    account: &mut Account,
    customer: u64,
    integration: u64,
    answer: Option<Map<String, Value>>,
    now: Timestamp,
) {
    // Either may be gone since the call began; a merged customer lives on in another.
    if let Some(own) = account.integrations.get_mut(&integration) {
        own.count(answer.is_some(), now);
    }
    let customer = account.follow(customer);
    if let (Some(customer), Some(answer)) = (account.customers.get_mut(&customer), answer) {
        let shown = Value::Object(answer);
        customer.integrations.insert(integration.to_string(), shown);
    }
}
