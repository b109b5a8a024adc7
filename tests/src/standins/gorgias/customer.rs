//! One customer's record.

use serde_json::{Map, Value, json};

/// A customer.
#[derive(Debug, Default, Clone)]
pub(super) struct Customer {
    pub(super) id: u64,
    /// The primary address.
    pub(super) email: Option<String>,
    pub(super) channels: Vec<Channel>,
    /// What may be written as it is: name, language, note and the like.
    pub(super) fields: Map<String, Value>,
    pub(super) created: String,
    pub(super) updated: String,
    /// Pushed data and its version.
    pub(super) data: Value,
    pub(super) version: Option<String>,
    /// What integrations answered, by their id.
    pub(super) integrations: Map<String, Value>,
}

/// One way to reach a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Channel {
    pub(super) kind: String,
    pub(super) address: String,
}

impl Channel {
    /// An address of electronic mail.
    pub(super) fn email(address: &str) -> Self {
        Self {
            kind: "email".to_owned(),
            address: address.to_owned(),
        }
    }
}

impl Customer {
    /// Whether they can be reached there.
    pub(super) fn has(&self, kind: &str, address: &str) -> bool {
        let is = |channel: &Channel| {
            channel.kind == kind && channel.address.eq_ignore_ascii_case(address)
        };
        self.channels.iter().any(is)
    }

    /// Makes this the primary address, beside what they have.
    pub(super) fn set_email(&mut self, address: &str) {
        if !self.has("email", address) {
            self.channels.insert(0, Channel::email(address));
        }
        self.email = Some(address.to_owned());
    }

    /// Their name.
    pub(super) fn name(&self) -> &str {
        let name = self.fields.get("name").and_then(Value::as_str);
        name.unwrap_or_default()
    }

    /// A row of the list.
    pub(super) fn row(&self) -> Value {
        let (first, last) = self.name().split_once(' ').unwrap_or((self.name(), ""));
        let text = |name: &str, otherwise: Value| {
            let own = self.fields.get(name).filter(|value| !value.is_null());
            own.cloned().unwrap_or(otherwise)
        };
        json!({
            "id": self.id,
            "external_id": text("external_id", Value::Null),
            "active": true,
            "email": self.email,
            "name": text("name", Value::Null),
            "firstname": text("firstname", json!(first)),
            "lastname": text("lastname", json!(last)),
            "language": text("language", Value::Null),
            "timezone": text("timezone", Value::Null),
            "created_datetime": self.created,
            "updated_datetime": self.updated,
            "meta": text("meta", json!({"name_set_via": "agent"})),
            "data": self.data,
            "note": text("note", Value::Null),
        })
    }

    /// The whole record.
    pub(super) fn full(&self) -> Value {
        let mut full = self.row();
        let channels = self.channels.iter().enumerate();
        let channels = channels.map(|(at, channel)| self.channel(at, channel));
        full["channels"] = channels.collect();
        full["customer"] = json!({"id": self.id});
        full["integrations"] = json!(self.integrations);
        full
    }

    fn channel(&self, at: usize, channel: &Channel) -> Value {
        let primary = channel.kind == "email" && self.email.as_ref() == Some(&channel.address);
        json!({
            "id": self.id * 100 + u64::try_from(at).unwrap_or_default(),
            "type": channel.kind,
            "address": channel.address,
            "preferred": primary,
            "created_datetime": self.created,
            "updated_datetime": self.updated,
            "deleted_datetime": null,
            "user": {"id": self.id},
            "customer": {"id": self.id},
        })
    }

    /// The whole record, for tests: with what the API does not show.
    pub(super) fn state(&self) -> Value {
        let mut state = self.full();
        state["data_version"] = json!(self.version);
        state
    }
}
