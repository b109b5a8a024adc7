//! One account of the helpdesk.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::bucket::Bucket;
use super::customer::Customer;
use super::integrations::Integration;
use super::tickets::Ticket;
use super::variables::Encoding;
use super::widgets::Widget;

/// Where ids begin, so that no id of one kind is taken for one of another.
const CUSTOMERS: u64 = 51_000_001;
const INTEGRATIONS: u64 = 4_711;
const WIDGETS: u64 = 8_001;

/// One account.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) bucket: Bucket,
    pub(super) encoding: Encoding,
    /// Whether lists of widgets come without anything around them.
    pub(super) bare_widgets: bool,
    /// Whether triggers are shown as older samples spell them.
    pub(super) underscores: bool,
    pub(super) customers: BTreeMap<u64, Customer>,
    /// Whose record a merged customer's became.
    pub(super) merged: BTreeMap<u64, u64>,
    pub(super) integrations: BTreeMap<u64, Integration>,
    pub(super) widgets: BTreeMap<u64, Widget>,
    pub(super) tickets: BTreeMap<u64, Ticket>,
    made: u64,
}

impl Account {
    /// The next id of a customer.
    pub(super) fn customer_id(&mut self) -> u64 {
        // An order may have taken any id.
        let taken = self.customers.keys().chain(self.merged.keys());
        let last = taken.max().copied().unwrap_or_default();
        CUSTOMERS.max(last + 1)
    }

    /// The next id of an integration.
    pub(super) fn integration_id(&mut self) -> u64 {
        self.made += 1;
        INTEGRATIONS + self.made
    }

    /// The next id of a widget.
    pub(super) fn widget_id(&mut self) -> u64 {
        self.made += 1;
        WIDGETS + self.made
    }

    /// Whoever has this address, first or second.
    pub(super) fn by_address(&self, address: &str) -> Option<u64> {
        let mut own = self.customers.values();
        own.find(|customer| customer.has("email", address))
            .map(|customer| customer.id)
    }

    /// Who a customer is now, after all merges.
    pub(super) fn follow(&self, mut id: u64) -> u64 {
        while let Some(target) = self.merged.get(&id) {
            id = *target;
        }
        id
    }

    /// All customers, for tests.
    pub(super) fn customers_state(&self) -> Value {
        let own = self.customers.iter();
        own.map(|(id, customer)| (id.to_string(), customer.state()))
            .collect()
    }

    /// All integrations, for tests.
    pub(super) fn integrations_state(&self) -> Value {
        let own = self.integrations.iter();
        own.map(|(id, integration)| (id.to_string(), integration.state()))
            .collect()
    }

    /// All widgets, for tests.
    pub(super) fn widgets_state(&self) -> Value {
        let own = self.widgets.iter();
        own.map(|(id, widget)| (id.to_string(), json!(widget.shown())))
            .collect()
    }
}
