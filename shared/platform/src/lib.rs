//! What the product needs from the world: a table, queues, secrets, a clock. Each is a port with two forms, AWS's and
//! one in memory, so that everything above runs without AWS.
//!
//! Promises: this is the only crate that names AWS's SDK; no error of it carries an item, a message or a secret.
//! Does not promise: retries beyond the SDK's own; callers decide what a failure means.

mod admission;
mod audit;
pub mod aws;
mod clock;
mod config;
mod erased;
mod inbox;
pub mod memory;
mod queue;
mod received;
mod secrets;
mod state;
mod stores;
mod table;
pub mod telemetry;
pub mod tls;

pub use admission::Admission;
pub use audit::{Deed, write_down};
pub use clock::{Clock, Deadline, SystemClock};
pub use config::{Config, ConfigError, variable_of};
pub use erased::{ErasedRow, ErasureWork, KeptSearch};
pub use inbox::Inbox;
pub use queue::{Handed, Outgoing, Queue, QueueError};
pub use received::{Received, ReceivedRow};
pub use secrets::{SecretCache, Secrets, SecretsError};
pub use state::{
    Found, HOPS, Held, MemberState, Passed, Previous, Standing, find_member, member_partition,
    member_row,
};
pub use stores::{StoreError, Stores};
pub use table::{
    Condition, Item, Listed, Page, RowKey, Table, TableError, Transacted, Update, Value, Write,
    Written, from_item, next_after, text, texts, to_item, value, whole,
};

/// A random name of 32 hexadecimal digits: a nonce or a token.
#[must_use]
pub fn nonce() -> String {
    let mut bytes = [0_u8; 16];
    // Without randomness the name would repeat; the instant stands in and is told apart by the caller's own keys.
    let _ = getrandom::fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}
