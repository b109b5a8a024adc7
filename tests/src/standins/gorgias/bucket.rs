//! The rate limit of section 7: a leaky bucket per account.

use jiff::Timestamp;

const SIZE: i64 = 40;
/// It leaks 40 requests in 20 seconds, so two thousandths of a request each millisecond.
const LEAK: i64 = 2;
const REQUEST: i64 = 1000;

/// A bucket, in thousandths of a request.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    used: i64,
    at: Timestamp,
}

impl Bucket {
    /// Adds a request; where it does not fit, says in how many seconds one will.
    pub(super) fn take(&mut self, now: Timestamp) -> Result<(), i64> {
        self.used = self.level(now);
        self.at = now;
        let over = self.used + REQUEST - SIZE * REQUEST;
        if over > 0 {
            return Err((over + LEAK * 1000 - 1) / (LEAK * 1000));
        }
        self.used += REQUEST;
        Ok(())
    }

    /// Makes it hold so many requests now.
    pub(super) fn fill(&mut self, requests: i64, now: Timestamp) {
        self.used = requests.clamp(0, SIZE) * REQUEST;
        self.at = now;
    }

    /// How much of it is used, as the header says it.
    pub(super) fn shown(&self, now: Timestamp) -> String {
        format!("{}/{SIZE}", (self.level(now) + REQUEST - 1) / REQUEST)
    }

    fn level(&self, now: Timestamp) -> i64 {
        let passed = now.as_millisecond() - self.at.as_millisecond();
        (self.used - passed.saturating_mul(LEAK)).max(0)
    }
}
