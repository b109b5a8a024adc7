//! The product's core from a delivery to the vendor's books, on ports in memory: fast, exact, without any server.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod annexcloud;
mod burst;
mod crash;
mod crossing;
mod delivery;
mod emit;
mod exhaust;
mod fuse;
mod gorgias;
mod heard;
mod lookup;
mod matrix;
mod members;
mod metrics;
mod model;
mod model_erase;
mod model_rename;
mod operator;
mod parking;
mod readme;
mod reads;
mod recording;
mod shelves;
mod table;
mod world;
mod yard;
