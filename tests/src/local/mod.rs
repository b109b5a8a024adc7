//! `cargo local`: the whole product on one machine, and its way to AWS.
//!
//! Everything it makes is under `target/local/`: the tools, the functions as built for this machine, a byte-identical copy
//! of the template, and for each stack a folder with its record of processes, its logs, its clock and its `stack.json`.

pub mod account;
mod arguments;
pub mod bench;
pub mod build;
pub mod cli;
pub mod compare;
pub mod days;
pub mod demo;
pub mod deploy;
pub mod elf;
pub mod emulator;
pub mod paths;
pub mod process;
pub mod proxy;
pub mod stack;
pub mod stores;
pub mod tickets;
pub mod tools;
pub mod up;
