//! The engine under every pusher: takes messages, writes members and events to one vendor, keeps the books.
//!
//! Promises: a destination ends at the member's newest picture, whatever the order of messages, because a lease lets one
//! pusher at a time work on a member and the picture is read after the lease is held. An automation is started at most
//! once for one event: a claim stands in the table before the request, and a claim whose fate is unknown is settled by
//! looking at the vendor. What cannot be told is shown to a person, unless the store asked to resend. A message is
//! acknowledged only when it is sent, needless, or stands in the table with its reason. A vendor that is down, or does not
//! accept the credential, costs nothing: its line is closed, work is parked in the table, one message at a time probes
//! it, and what waited is sent oldest first. No account is called faster than its vendor allows.
//!
//! Does not promise: an order between different members, or that a state is written only once (repeating it is
//! harmless).

mod ask;
mod attempt;
mod batch;
mod credential;
mod crowd;
mod desk;
pub mod door;
mod event;
mod find;
mod gather;
mod heard_of;
mod http;
mod lease;
mod ledger;
mod line;
mod lines;
mod list;
mod locate;
mod member;
mod park;
mod read_back;
mod rename;
mod send;
mod settle;
pub mod story;
mod tend;
mod visit;
mod watch;
mod wipe;

pub use ask::{Asked, Asker};
pub use batch::{Pusher, Received};
pub use desk::{Close, Desk, Done, Listing, Waiting};
pub use heard_of::heard_of;
pub use http::{Http, HttpError, LIMITS, Limits, NoReply, PAGES, Wire};
pub use line::{Leftover, Line, Pause, State, Then};
pub use lines::{Account, Lines};
pub use list::List;
pub use park::Parked;
pub use tend::Tended;
pub use visit::{Unvisited, VISITS, Visit};
pub use watch::Watcher;
