//! A store's settings: one JSON document.

use jiff::tz::TimeZone;
use loyalty::StoreId;
use serde_json::Value;

use crate::{
    Fault, Section,
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
        })
    }
}
