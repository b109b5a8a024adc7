//! The HTTP integration by which Gorgias asks us for the card.

use std::collections::BTreeMap;

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{
    Settings, Trigger, answer,
    customers::{encoded, get, id},
    widget,
};
use crate::{Answer, Answered, Call, Method, Site};

const INTEGRATIONS: &str = "/api/integrations";

/// An integration as Gorgias shows it.
#[derive(Debug, Clone)]
pub(super) struct Integration {
    pub(super) id: u64,
    shown: Value,
}

/// The path of a store's door.
pub(super) fn path(store: &loyalty::StoreId) -> String {
    format!("/gorgias/{store}/member")
}

/// What the integration is to be; none until the secret exists that it must carry.
pub(super) fn wanted(site: &Site, settings: &Settings) -> Option<Value> {
    let token = site.token.as_ref()?.expose_secret();
    let triggers: BTreeMap<&str, bool> = Trigger::ALL
        .iter()
        .map(|one| (one.name(), settings.triggers.contains(one)))
        .collect();
    Some(json!({
        "name": settings.title,
        "type": "http",
        "description": description(site, settings),
        "http": {
            "url": url(site),
            "method": "GET",
            "request_content_type": "application/json",
            "response_content_type": "application/json",
            "headers": {"Authorization": format!("Bearer {token}")},
            "triggers": triggers,
        },
    }))
}

/// Where Gorgias asks. It tells the customer's name only where an unknown one becomes a member.
pub(super) fn url(site: &Site) -> String {
    let name = if site.store.enrols_on_ticket() {
        "&name={{ticket.customer.name}}"
    } else {
        ""
    };
    format!(
        "{}{}?email={{{{ticket.customer.email}}}}&ticket={{{{ticket.id}}}}{name}",
        site.api_url,
        path(&site.store.id)
    )
}

/// It names the template that was installed last: by that a widget that a person has changed is known.
fn description(site: &Site, settings: &Settings) -> String {
    let template = widget::named(&widget::template(settings));
    format!("Loyalty card of {} (widget {template})", site.store.id)
}

impl Integration {
    /// Whether it is as it is to be. Headers and triggers are compared key by key: Gorgias may show more of them.
    pub(super) fn is(&self, wanted: &Value) -> bool {
        let same = |at: &str| self.shown.pointer(at) == wanted.pointer(at);
        let texts = ["/name", "/description", "/http/url", "/http/method"];
        let headers = wanted["http"]["headers"].as_object();
        let carries = |(name, value): (&String, &Value)| {
            self.shown.pointer(&format!("/http/headers/{name}")) == Some(value)
        };
        let triggers = wanted["http"]["triggers"].as_object();
        let fires = |(name, on): (&String, &Value)| self.fires(name) == (on == &json!(true));
        texts.iter().all(|at| same(at))
            && headers.into_iter().flatten().all(carries)
            && triggers.into_iter().flatten().all(fires)
    }

    /// Whether a trigger is on. Older samples of the reference write underscores.
    fn fires(&self, trigger: &str) -> bool {
        let triggers = &self.shown["http"]["triggers"];
        let on = |name: &str| triggers.get(name) == Some(&json!(true));
        on(trigger) || on(&trigger.replace('-', "_"))
    }

    /// The template that was installed last, by its name.
    pub(super) fn installed(&self) -> Option<&str> {
        let description = self.shown.get("description")?.as_str()?;
        let (_, rest) = description.rsplit_once("(widget ")?;
        rest.strip_suffix(')')
    }

    /// The call that enables it, with the address and the secret that were tried before. Its description stays: the widgets
    /// are those that it names.
    pub(super) fn enabling(&self, wanted: &Value) -> Call {
        let body = json!({
            "name": self.shown.get("name"),
            "http": wanted["http"],
            "deactivated_datetime": null,
        });
        Call {
            method: Method::Put,
            path: format!("{INTEGRATIONS}/{}", self.id),
            body: Some(body.to_string()),
        }
    }

    /// Whether Gorgias has disabled it: after a hundred failures, or by a person's hand.
    pub(super) fn is_disabled(&self) -> bool {
        let disabled = self.shown.get("deactivated_datetime");
        disabled.is_some_and(|at| !at.is_null())
    }
}

/// The call that makes it.
pub(super) fn make(wanted: &Value) -> Call {
    Call {
        method: Method::Post,
        path: INTEGRATIONS.to_owned(),
        body: Some(wanted.to_string()),
    }
}

/// The call that brings it up to date, and enables it.
pub(super) fn change(integration: u64, wanted: &Value) -> Call {
    let mut wanted = wanted.clone();
    wanted["deactivated_datetime"] = Value::Null;
    Call {
        method: Method::Put,
        path: format!("{INTEGRATIONS}/{integration}"),
        body: Some(wanted.to_string()),
    }
}

/// One page of the account's integrations.
pub(super) fn page(cursor: Option<&str>) -> Call {
    let cursor = cursor.map(|cursor| format!("&cursor={}", encoded(cursor)));
    get(format!(
        "{INTEGRATIONS}?type=http&limit=100{}",
        cursor.unwrap_or_default()
    ))
}

pub(super) fn is_page(call: &Call) -> bool {
    call.method == Method::Get && call.path.starts_with(INTEGRATIONS)
}

pub(super) fn is_write(call: &Call) -> bool {
    call.method != Method::Get && call.path.starts_with(INTEGRATIONS)
}

/// Ours among some pages: the one that asks at this store's door.
pub(super) fn ours(site: &Site, pages: &[&Answered]) -> Result<Option<Integration>, Answer> {
    let door = format!("{}{}", site.api_url, path(&site.store.id));
    for (_, reply) in pages {
        let page = reply.as_ref().map(crate::Reply::json).unwrap_or_default();
        let rows = answer::rows(&page).ok_or_else(|| answer::unread(reply.as_ref()))?;
        let asks_us = |row: &&Value| {
            let url = row.pointer("/http/url").and_then(Value::as_str);
            url.unwrap_or_default().split('?').next() == Some(&door)
        };
        if let Some(row) = rows.iter().find(asks_us) {
            return Ok(of(row));
        }
    }
    Ok(None)
}

/// An integration as a reply shows it.
pub(super) fn of(row: &Value) -> Option<Integration> {
    Some(Integration {
        id: id(row)?.parse().ok()?,
        shown: row.clone(),
    })
}
