//! The frame that every vendor fits into: traits, the values they exchange, and store settings.

pub(crate) mod api;
pub(crate) mod body;
pub(crate) mod call;
pub(crate) mod clock;
pub(crate) mod destination;
pub(crate) mod document;
pub(crate) mod emit;
pub(crate) mod envelope;
pub(crate) mod fingerprint;
pub(crate) mod key;
pub(crate) mod message;
pub(crate) mod money;
pub(crate) mod object;
pub(crate) mod retry_after;
pub(crate) mod setup;
pub(crate) mod source;
pub(crate) mod store;
pub(crate) mod ticket;
mod version;
