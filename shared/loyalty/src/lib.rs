//! The domain: members of a loyalty programme, what happens to them, and how news changes what is known.
//!
//! Promises: [`Member::apply`] gives the same member whatever the order news arrives in and however often it is
//! repeated; news never wipes what it did not mention; nothing here prints an address, a name or a code with `{:?}`.
//!
//! Does not promise: anything about storage, queues or vendors. This crate knows no AWS, no HTTP, no clock and no
//! untyped JSON; every instant is handed in.

mod calendar;
pub mod due;
mod event;
mod ids;
mod key;
mod kind;
mod member;
mod moment;
mod private;
mod stored;

pub use calendar::{Calendar, LeapDay};
pub use event::{
    BalanceMove, Detail, Event, Guard, Ordered, Perk, PersonName, PointsOrder, Product, Reward,
    Role, Share, TierEntry, TierMove, Who,
};
pub use ids::{EventId, HashKey, MemberKey, Occurrence, StoreId, StoreIdError};
pub use key::{Kept, Says, Stamp};
pub use kind::{Kind, UnknownKind};
pub use member::{Activity, Alias, Change, Drift, Facet, Member, Patch};
pub use moment::{DayOfYear, Moment, MomentError};
pub use private::{Email, EmailError, Private};
