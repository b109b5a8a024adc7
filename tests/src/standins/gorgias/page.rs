//! The pages an agent looks at: pure functions of what is stored, without scripts and without anything from elsewhere.

use std::collections::BTreeMap;

use super::account::Account;
use super::customer::Customer;
use super::html::{escaped, value};
use super::sidebar;
use super::tickets::{Message, Ticket};
use crate::standins::{Answer, decoded};

const STYLE: &str = include_str!("page.css");

/// The page of this path; `None` where no page has such a path.
pub(super) fn show(accounts: &BTreeMap<String, Account>, path: &str) -> Option<Answer> {
    let parts: Vec<&str> = path.split('/').collect();
    let ["", kind @ ("ticket" | "customer"), name, id] = parts.as_slice() else {
        return None;
    };
    let name = decoded(name).unwrap_or_default();
    let id = id.parse::<u64>().unwrap_or_default();
    let found = accounts.get(&name).and_then(|account| match *kind {
        "ticket" => ticket(account, &name, id),
        _ => customer(account, &name, id),
    });
    let lost = || {
        Answer::html(
            404,
            page("Not found", &name, "<p>There is no such page.</p>", ""),
        )
    };
    Some(found.unwrap_or_else(lost))
}

fn ticket(account: &Account, name: &str, id: u64) -> Option<Answer> {
    let ticket = account.tickets.get(&id)?;
    let customer = account.customers.get(&ticket.customer)?;
    let messages: String = ticket
        .messages
        .iter()
        .map(|one| message(one, customer))
        .collect();
    let messages = if messages.is_empty() {
        r#"<p class="empty">No messages</p>"#.to_owned()
    } else {
        messages
    };
    let side = side(account, customer, "ticket");
    Some(Answer::html(
        200,
        page(&ticket.subject, name, &messages, &side),
    ))
}

fn customer(account: &Account, name: &str, id: u64) -> Option<Answer> {
    let customer = account.customers.get(&account.follow(id))?;
    let own = account.tickets.values();
    let rows: String = own
        .filter(|ticket| ticket.customer == customer.id)
        .map(row)
        .collect();
    let side = side(account, customer, "customer");
    Some(Answer::html(200, page(title(customer), name, &rows, &side)))
}

fn title(customer: &Customer) -> &str {
    let email = customer.email.as_deref().unwrap_or("Somebody");
    Some(customer.name())
        .filter(|name| !name.is_empty())
        .unwrap_or(email)
}

fn message(message: &Message, customer: &Customer) -> String {
    let (class, who) = if message.from_agent {
        ("message agent", "Agent")
    } else {
        ("message", title(customer))
    };
    format!(
        r#"<article class="{class}"><span class="who">{}</span><span class="when">{}</span><p>{}</p></article>"#,
        escaped(who),
        escaped(&message.at),
        escaped(&message.text)
    )
}

fn row(ticket: &Ticket) -> String {
    format!(
        r#"<article class="message"><span class="who">#{} {}</span><span class="when">{}</span></article>"#,
        ticket.id,
        escaped(&ticket.subject),
        escaped(&ticket.updated)
    )
}

fn side(account: &Account, customer: &Customer, context: &str) -> String {
    let email = customer.email.as_deref().unwrap_or("-");
    let others = customer.channels.iter();
    let others = others.filter(|channel| customer.email.as_ref() != Some(&channel.address));
    let others = others.map(|channel| escaped(&channel.address));
    let others: Vec<String> = others.collect();
    let others = others.join(", ");
    format!(
        r#"<section class="customer"><h2>{}</h2><p>{}</p><p class="others">{others}</p></section>{}"#,
        value("name", "customer.name", title(customer)),
        value("email", "customer.email", email),
        sidebar::widgets(account, customer, context)
    )
}

fn page(title: &str, account: &str, left: &str, right: &str) -> String {
    let (title, account) = (escaped(title), escaped(account));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><header><h1>{title}</h1><span class=\"account\">{account}</span></header>\
         <main><div class=\"conversation\">{left}</div><aside class=\"sidebar\">{right}</aside></main></body></html>\n"
    )
}
