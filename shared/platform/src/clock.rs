//! The clock, as a port.

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

/// Tells the time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Waits until this instant. Only for waits of seconds: what waits longer goes back to its queue.
    async fn sleep_until(&self, until: Timestamp);
}

/// The machine's clock. On the local cloud it may be moved by the seconds that stand in a file.
#[derive(Debug, Default)]
pub struct SystemClock {
    moved_by: Option<PathBuf>,
}

impl SystemClock {
    /// The machine's clock, moved by the seconds in this file whenever it can be read.
    #[must_use]
    pub fn moved_by(file: Option<PathBuf>) -> Self {
        Self { moved_by: file }
    }

    fn offset(&self) -> SignedDuration {
        let seconds = self
            .moved_by
            .as_ref()
            .and_then(|file| std::fs::read_to_string(file).ok());
        let seconds = seconds
            .and_then(|text| text.trim().parse::<f64>().ok())
            .unwrap_or_default();
        SignedDuration::try_from_secs_f64(seconds).unwrap_or_default()
    }
}

#[async_trait]
impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else must ask"
    )]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.checked_add(self.offset()).unwrap_or(now)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else must ask"
    )]
    async fn sleep_until(&self, until: Timestamp) {
        let left = until.duration_since(self.now());
        tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
    }
}

/// When an invocation will be ended by Lambda, on our clock.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Timestamp);

impl Deadline {
    /// Lambda tells its deadline on the machine's clock (milliseconds since 1970); ours may be moved, so what remains is
    /// carried over.
    #[expect(
        clippy::disallowed_methods,
        reason = "Lambda's deadline is on the machine's clock"
    )]
    pub fn from_lambda(milliseconds: u64, clock: &dyn Clock) -> Self {
        let ends = i64::try_from(milliseconds)
            .ok()
            .and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let remaining = ends.map_or(SignedDuration::ZERO, |ends| {
            ends.duration_since(Timestamp::now())
        });
        Self::after(remaining, clock)
    }

    /// The deadline that is this far away.
    pub fn after(remaining: SignedDuration, clock: &dyn Clock) -> Self {
        let now = clock.now();
        Self(now.checked_add(remaining).unwrap_or(now))
    }

    /// The instant.
    #[must_use]
    pub fn instant(self) -> Timestamp {
        self.0
    }

    /// What remains; nothing once it has passed.
    #[must_use]
    pub fn remaining(self, clock: &dyn Clock) -> Duration {
        Duration::try_from(self.0.duration_since(clock.now())).unwrap_or_default()
    }
}
