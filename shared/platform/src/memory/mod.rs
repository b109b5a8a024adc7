//! The ports in memory: for tests, and for measuring what the code above them costs.

mod clock;
mod queue;
mod secrets;
mod size;
mod table;

pub use clock::MemoryClock;
pub use queue::MemoryQueue;
pub use secrets::MemorySecrets;
pub use table::{MemoryTable, Usage};
