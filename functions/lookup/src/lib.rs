//! Shows a member's card beside a ticket: what is held of them, read from the table.
//!
//! Promises: a wrong credential is answered with 401 and nothing else is: whatever fails, whoever asks gets 200 and a card that
//! says so, because a hundred failures would disable the integration. The answer is out within two seconds. A hit is one read
//! of the table. Where nobody is known, a source that answers at once is asked, by two at a time for each store, and what it
//! tells is shown and goes to the inbox as ordinary news; somebody whom it does not know is not asked for again for ten
//! minutes, and becomes a member where the store wants that: once, audited, never a machine, the shop's own people, or
//! somebody who was erased.
//!
//! Does not promise: that a card is newer than the news. It says how old it is.

mod lookup;
mod miss;
mod nobody;
mod slots;
mod stale;

pub use lookup::{Answered, Lookup, unclear};
pub use miss::Through;
