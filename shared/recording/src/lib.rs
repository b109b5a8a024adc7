//! The one writer of member state: takes deliveries in, and tells the destinations.
//!
//! Promises: an event that [`Recorder::record`] reports as recorded stands in the table with the member's new picture, and
//! a message for each destination that wants it is on that destination's queue. A crash anywhere in between loses
//! nothing, because the delivery comes again and recording it twice is the same as once. A member's picture never moves
//! backwards, whatever the order of arrival. One bad delivery never changes what happens to its neighbours.
//!
//! Does not promise: that a message is sent only once; the delivery engine keeps the books for that.

mod aside;
mod compare;
mod due;
pub mod emit;
pub mod erase;
mod erased;
pub mod export;
mod hint;
mod identity;
mod intake;
mod kept;
mod member;
mod outcome;
mod rename;
pub mod repair;
pub mod rewards;
mod rows;
mod seen;
mod send;
pub mod story;

pub use compare::{Compared, compare};
pub use intake::{Delivered, Recorder};
pub use kept::{Kept, Returned, Shelf};
pub use outcome::{Failure, Recorded};
pub use seen::Seen;
