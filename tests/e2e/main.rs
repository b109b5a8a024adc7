//! The product on the local cloud: real functions, real deploy, roles enforced, the vendors' stand-ins behind it.

#![allow(
    clippy::disallowed_methods,
    reason = "the house rules on time are for what runs on Lambda"
)]
#![allow(clippy::expect_used, reason = "a test that cannot go on says so")]

mod account;
mod again;
mod aws_faults;
mod bad_input;
mod clock;
mod desk;
mod doors;
mod examples;
mod faults;
mod members;
mod operator;
mod order;
mod readme;
mod reads;
mod rows;
mod the_way;
mod tickets;

use bridge_tests::world::World;

/// The world beside other tests.
async fn world() -> World {
    World::shared(env!("CARGO_BIN_EXE_local"))
        .await
        .expect("the local cloud")
}

/// The world for this test alone.
async fn world_alone() -> World {
    World::alone(env!("CARGO_BIN_EXE_local"))
        .await
        .expect("the local cloud")
}
