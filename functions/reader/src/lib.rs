//! Reads from sources' own interfaces, which are slow and limited: one member after a gap in the news; every night page
//! after page of those who changed lately, and what points can be exchanged for.
//!
//! Promises: what is read is compared with what is held, and only what differs goes to the inbox, as ordinary news that
//! starts nothing. There it is safe: recording it here instead would lose the message to a destination where a crash falls
//! between picture and message, because the second reading finds no difference. What is read is as old as the source says,
//! so that it never undoes what is newer here. A page or a member that fails is read again; nobody is lost by it and nobody
//! counted twice. A list of rewards takes the place of the one before only where the source told one; also an empty one.
//! One store's trouble keeps no other store waiting.
//!
//! Does not promise: to heal what the source last changed before the newest news that is known here; it is counted as
//! drifted and not as healed.

mod member;
mod page;
mod reader;
mod rewards;

pub use reader::Reader;
