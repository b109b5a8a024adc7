//! What people ask of the bundle: one file for each command.
//!
//! Promises: unknown keys are faults, and all faults are told at once. What changes something or shows people's data is
//! written down with who asked for it, before it happens. Each command may be given again, and then does what is left to
//! do. Nothing that takes something away does so unconfirmed. Lists name people by a keyed hash, unless somebody asks to
//! see them. Never takes a secret and never answers with one.

mod account;
mod adjust_points;
mod advice;
mod asked;
mod audit;
mod check;
mod clock;
mod command;
mod emit;
mod erase;
mod export;
mod line;
mod lists;
mod member;
mod provision;
mod put_store;
mod redrive;
mod repairs;
mod replay;
mod rewards;
mod secrets;
mod simulate;
mod sync_gorgias;

pub use command::{DeadLetters, Operator};
