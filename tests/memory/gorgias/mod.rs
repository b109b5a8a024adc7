//! Gorgias: the real pusher, operator and watch before its strict stand-in, without a socket between.

pub(crate) mod bench;
mod check;
mod erase;
mod faults;
mod people;
mod provision;
mod push;
mod sync;
mod watch;
