//! Tickets, and whom one finds or makes.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::Account;
use super::customer::{Channel, Customer};
use super::written;

/// A ticket.
#[derive(Debug, Default)]
pub(super) struct Ticket {
    pub(super) id: u64,
    pub(super) subject: String,
    pub(super) channel: String,
    pub(super) tags: Value,
    pub(super) customer: u64,
    pub(super) messages: Vec<Message>,
    pub(super) created: String,
    pub(super) updated: String,
}

/// One message of a conversation.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) id: u64,
    pub(super) from_agent: bool,
    pub(super) text: String,
    pub(super) at: String,
}

impl Ticket {
    /// What templates of an integration are rendered over.
    pub(super) fn context(&self, customer: &Customer, trigger: &str) -> Value {
        let mut who = customer.row();
        // What it was told about somebody is not what it tells about a ticket.
        if let Some(who) = who.as_object_mut() {
            who.remove("data");
        }
        let mut context = json!({"ticket": {
            "id": self.id,
            "subject": self.subject,
            "channel": self.channel,
            "tags": self.tags,
            "created_datetime": self.created,
            "updated_datetime": self.updated,
            "customer": who,
            "assignee_user": null,
        }});
        if let Some(last) = self
            .messages
            .last()
            .filter(|_| trigger == "ticket-message-created")
        {
            context["message"] = json!({
                "id": last.id,
                "from_agent": last.from_agent,
                "body_text": last.text,
                "channel": self.channel,
            });
        }
        context
    }
}

/// Makes the ticket that an order describes, or writes into it.
pub(super) fn take(account: &mut Account, body: &Value, now: Timestamp) -> Result<u64, String> {
    let id = body["id"].as_u64().ok_or("id is no number")?;
    let customer = whose(account, id, &body["customer"], now)?;
    let ticket = account.tickets.entry(id).or_insert_with(|| Ticket {
        id,
        channel: "email".to_owned(),
        tags: json!([]),
        created: written(now),
        ..Ticket::default()
    });
    ticket.customer = customer;
    ticket.updated = written(now);
    if let Some(subject) = body["subject"].as_str() {
        subject.clone_into(&mut ticket.subject);
    }
    if let Some(channel) = body["channel"].as_str() {
        channel.clone_into(&mut ticket.channel);
    }
    if body["tags"].is_array() {
        ticket.tags = body["tags"].clone();
    }
    let number = u64::try_from(ticket.messages.len()).unwrap_or_default();
    if let Some(text) = body["message"]["body_text"].as_str() {
        ticket.messages.push(Message {
            id: id * 1000 + number + 1,
            from_agent: body["message"]["from_agent"] == true,
            text: text.to_owned(),
            at: written(now),
        });
    }
    Ok(id)
}

/// The customer with this address, whichever of theirs it is, or a new one. Without any word of one, the ticket's own.
fn whose(account: &mut Account, ticket: u64, who: &Value, now: Timestamp) -> Result<u64, String> {
    let email = who["email"].as_str().filter(|email| !email.is_empty());
    let known = email.and_then(|email| account.by_address(email));
    let own = || account.tickets.get(&ticket).map(|ticket| ticket.customer);
    if let Some(known) = known.or_else(|| own().filter(|_| email.is_none())) {
        return Ok(known);
    }
    if !who.is_object() {
        return Err("customer is missing".to_owned());
    }
    let id = account.customer_id();
    let mut customer = Customer {
        id,
        email: email.map(str::to_owned),
        channels: email.map(Channel::email).into_iter().collect(),
        created: written(now),
        updated: written(now),
        ..Customer::default()
    };
    customer
        .fields
        .insert("name".to_owned(), who["name"].clone());
    account.customers.insert(id, customer);
    Ok(id)
}
