//! Yotpo Loyalty & Referrals (formerly Swell Rewards), as a source.
//!
//! Follows the vendor's reference pages for its webhooks and its REST interface (`loyaltyapi.yotpo.com/reference`, `develop.yotpo.com/reference`).
//! What those pages leave open is assumed, and each assumption stands in one place, marked `ASSUMED` with its name.

mod api;
mod auth;
mod body;
mod captured;
mod detail;
mod example;
mod keys;
mod patch;
mod read;
mod rewards;
mod row;
mod settings;
mod topics;
mod trim;

pub use settings::Settings;

use jiff::Timestamp;
use loyalty::{Email, HashKey, Kind};
use serde_json::Value;

use crate::{Api, Envelope, Inbound, Inlet, Read, Reception, Refusal, Source, Store};

/// The source.
pub struct Yotpo;

/// Its name.
const NAME: &str = "yotpo";

impl Source for Yotpo {
    fn name(&self) -> &'static str {
        NAME
    }

    fn authenticate(&self, inbound: &Inbound, inlet: &Inlet) -> Result<(), Refusal> {
        auth::authenticate(inbound, inlet)
    }

    fn trim(&self, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        trim::trim(body)
    }

    fn delivery_id(&self, inbound: &Inbound) -> Option<String> {
        inbound
            .header("eventid")
            .find(|id| !id.is_empty())
            .map(ToOwned::to_owned)
    }

    fn read(&self, envelope: &Envelope, body: &[u8], store: &Store, key: &HashKey) -> Read {
        read::read(envelope, body, store, key)
    }

    /// ASSUMED `yotpo-retries`: whether Yotpo retries is not documented, so success is answered only for what is
    /// stored, and only an outage of ours (503) asks for another try.
    fn reply(&self, reception: Reception) -> u16 {
        match reception {
            Reception::Stored => 200,
            Reception::Refused(Refusal::Unauthorized) => 401,
            Reception::Refused(Refusal::TooLarge) => 413,
            Reception::Refused(Refusal::Empty | Refusal::NotJson | Refusal::NotAnObject) => 400,
            Reception::Unavailable => 503,
        }
    }

    fn api(&self) -> Option<&'static dyn Api> {
        Some(api::REST)
    }

    fn example(&self, kind: Kind, email: &Email, now: Timestamp, number: i64) -> Option<Value> {
        example::example(kind, email, now, number)
    }
}
