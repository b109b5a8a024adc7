//! Everything known of each vendor, one folder a vendor; and the frame they all fit into.
//!
//! A source turns a webhook's bytes into the domain's events; a destination turns a member and an event into HTTP
//! calls, and replies into consequences. All of it is pure: no AWS, no sockets, no clock, so that every vendor's rule
//! can be read and tested as a plain function.
//!
//! Adding a vendor is one folder here and one line in [`registry`].

pub mod annexcloud;
mod frame;
pub mod gorgias;
pub mod registry;
pub mod rule;
pub mod yotpo;

pub use frame::{
    api::{Api, Fetch, Members, Question, Told, Wanted, Whom},
    call::{Answer, Call, Method, Outcome, Reason, Reply},
    clock::{CLOCK, Tick, Whose, read as read_tick},
    destination::{
        Destination, Door, Erasing, Form, OnAmbiguous, Pace, Plan, Push, Renaming, Repeat, Seen,
        Site, Wants,
    },
    document::{Fault, Section},
    emit::{Emit, EmitMode, Gift, Gifts},
    envelope::{Envelope, EnvelopeError, TOO_LARGE, unpack},
    key::{Header, Key, Sign, Way},
    message::{EraseMode, Erasure, Lane, Message, Note},
    setup::{Answered, Finding, Level, Revival, Step, Watched},
    source::{Inbound, Inlet, Read, Reception, Refusal, Source},
    store::Store,
    ticket::{Enrolment, TICKET, read as read_ticket},
};
