//! The engine under every pusher: takes messages, writes members and events to one vendor, keeps the books.
//!
//! Promises: a destination ends at the member's newest picture, whatever the order of messages, because a lease lets one
//! pusher at a time work on a member and the picture is read after the lease is held. An automation is started at most
//! once for one event: a claim stands in the table before the request, and a claim whose fate is unknown is settled by
//! looking at the vendor. What cannot be told is shown to a person, unless the store asked to resend. A message is
//! acknowledged only when it is sent, needless, or stands in the table with its reason.
//!
//! Does not promise: an order between different members, or that a state is written only once (repeating it is
//! harmless).

mod attempt;
mod batch;
mod event;
mod http;
mod lease;
mod ledger;
mod member;
mod pauses;
mod send;
mod settle;

pub use batch::{Pusher, Received};
pub use http::{Http, HttpError, NoReply, Wire};
pub use pauses::Pauses;
