//! A store's settings: one JSON document.

use jiff::tz::TimeZone;
use loyalty::{Email, Reward, StoreId, due::Due};
use serde_json::Value;

use super::emit;
use crate::{
    Emit, Fault, Gifts, Section,
    registry::{Destinations, Sources},
};

/// A store's settings, read and checked. The reference of all keys is in the README.
#[derive(Debug, Clone)]
pub struct Store {
    /// The store's id.
    pub id: StoreId,
    /// Its name, used where a source does not give one.
    pub name: String,
    /// ISO 4217 code of its money.
    pub currency: String,
    /// BCP 47 tag, such as `nb-NO`.
    pub locale: String,
    /// The zone that decides which day it is.
    pub time_zone: TimeZone,
    /// Whom to write to about this store.
    pub contact: Option<String>,
    /// Where its loyalty news comes from.
    pub sources: Sources,
    /// Where it goes.
    pub destinations: Destinations,
    /// What the clock brings.
    pub emit: Emit,
    /// The rewards that points can be exchanged for; those that the source names, where none are given.
    pub rewards: Vec<Reward>,
    /// What members get on their birthday.
    pub birthday_gifts: Gifts,
    /// What members get on their anniversary.
    pub anniversary_gifts: Gifts,
}

impl Store {
    /// Reads a store document.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once: unknown keys, missing keys, wrong types, wrong values.
    pub fn read(document: Value) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let store = Self::gather(Section::root(document, &mut faults));
        match store {
            Some(store) if faults.is_empty() => Ok(store),
            _ => Err(faults),
        }
    }

    /// What members get on a day of this kind.
    #[must_use]
    pub const fn gifts(&self, due: Due) -> Option<&Gifts> {
        match due {
            Due::Birthday => Some(&self.birthday_gifts),
            Due::Anniversary => Some(&self.anniversary_gifts),
            _ => None,
        }
    }

    /// Whether somebody who writes to support, and whom the programme does not know, becomes a member: where the store wants
    /// that, and they are nobody who never may.
    #[must_use]
    pub fn enrols(&self, email: &Email) -> bool {
        let source = self.sources.annexcloud.as_ref();
        let wants = self.destinations.annexcloud.is_some() && self.enrols_on_ticket();
        wants && source.is_some_and(|source| !source.never_enrol.forbids(email))
    }

    /// Whether customers who write to support, and whom the programme does not know, become members.
    #[must_use]
    pub fn enrols_on_ticket(&self) -> bool {
        let source = self.sources.annexcloud.as_ref();
        source.is_some_and(|source| source.enrol_on_ticket)
    }

    fn gather(mut root: Section) -> Option<Self> {
        if root.whole("v") != Some(1) {
            root.fault("v", "must be 1, the version of this form");
        }
        let text = root.required_text("store");
        let id = StoreId::parse(&text);
        if let Err(error) = id.as_ref()
            && !text.is_empty()
        {
            root.fault("store", error.to_string());
        }
        let name = root.required_text("name");
        let currency = root.required_text("currency");
        let code = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
        if !(currency.is_empty() || code) {
            root.fault("currency", "must be an ISO 4217 code such as NOK");
        }
        let locale = root.required_text("locale");
        let fits = locale.split('-').all(|part| {
            (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        if !locale.is_empty() && !fits {
            root.fault("locale", "must be a BCP 47 tag such as nb-NO");
        }
        let time_zone = root.time_zone("time_zone").unwrap_or(TimeZone::UTC);
        let contact = root.text("contact");
        let sources = root
            .section("sources")
            .map(Sources::gather)
            .unwrap_or_default();
        let destinations = root
            .section("destinations")
            .map(Destinations::gather)
            .unwrap_or_default();
        let emit = Emit::gather(root.section("emit"), time_zone.clone());
        let rewards = root.list("rewards", emit::reward);
        let (birthday_gifts, anniversary_gifts) = root
            .section("gifts")
            .map(|mut gifts| {
                let mut of = |key| gifts.section(key).map(Gifts::gather).unwrap_or_default();
                let both = (of("birthday"), of("anniversary"));
                gifts.finish();
                both
            })
            .unwrap_or_default();
        root.finish();
        Some(Self {
            id: id.ok()?,
            name,
            currency,
            locale,
            time_zone,
            contact,
            sources,
            destinations,
            emit,
            rewards,
            birthday_gifts,
            anniversary_gifts,
        })
    }
}
