//! What was asked of AWS, counted as AWS bills it.

use std::collections::BTreeMap;
use std::ops::AddAssign;

/// SQS bills each started 64 KB of a request as a request.
const CHUNK: usize = 65_536;

/// What was used. Sums and shares of it are of the same type.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Usage {
    /// Requests by operation.
    calls: BTreeMap<String, u32>,
    /// Requests to SQS beyond the first for messages of more than 64 KB.
    chunks: usize,
    /// Write units.
    pub(super) write_units: usize,
    /// Halves of read units.
    pub(super) read_halves: usize,
}

impl Usage {
    /// Counts a request.
    pub(super) fn request(&mut self, operation: &str) {
        *self.calls.entry(operation.to_owned()).or_default() += 1;
    }

    /// Counts what a message of this many bytes costs beside its request.
    pub(super) fn message(&mut self, bytes: usize) {
        self.chunks += bytes.saturating_sub(1) / CHUNK;
    }

    /// All requests.
    pub(super) fn requests(&self) -> u32 {
        self.calls.values().sum()
    }

    /// Requests to SQS, as they are billed.
    pub(super) fn queue_requests(&self) -> f64 {
        let sent = self.of(&["SendMessage", "SendMessageBatch", "ChangeMessageVisibility"]);
        f64::from(sent) + float(self.chunks)
    }

    /// Requests to Secrets Manager.
    pub(super) fn secret_requests(&self) -> u32 {
        self.of(&["GetSecretValue", "DescribeSecret"])
    }

    /// Read units.
    pub(super) fn read_units(&self) -> f64 {
        float(self.read_halves) / 2.0
    }

    /// The requests by operation, as a text.
    pub(super) fn told(&self) -> String {
        let calls = self.calls.iter();
        let calls: Vec<_> = calls
            .map(|(operation, times)| format!("{times} {operation}"))
            .collect();
        calls.join(", ")
    }

    /// The mean of so many by operation, as a text.
    pub(super) fn each(&self, of: usize) -> String {
        let calls = self.calls.iter();
        let calls: Vec<_> = calls
            .map(|(operation, times)| {
                let each = f64::from(*times) / float(of.max(1));
                let whole = (each - each.round()).abs() < 0.05;
                let each = format!("{each:.*}", usize::from(!whole));
                format!("{each} {operation}")
            })
            .collect();
        calls.join(", ")
    }

    /// What one of so many events asked and used: columns of requests, write units and read units.
    pub(super) fn columns(&self, events: f64) -> String {
        let per = |count: f64| format!("{:.1}", count / events);
        format!(
            "{:>8} {:>4} {:>4}",
            per(f64::from(self.requests())),
            per(float(self.write_units)),
            per(self.read_units())
        )
    }

    /// Requests of these operations.
    pub(super) fn of(&self, operations: &[&str]) -> u32 {
        operations
            .iter()
            .filter_map(|operation| self.calls.get(*operation))
            .sum()
    }
}

impl AddAssign<&Self> for Usage {
    fn add_assign(&mut self, other: &Self) {
        for (operation, times) in &other.calls {
            *self.calls.entry(operation.clone()).or_default() += times;
        }
        self.chunks += other.chunks;
        self.write_units += other.write_units;
        self.read_halves += other.read_halves;
    }
}

/// A count as a number to reckon with.
pub(super) fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_message_is_several_requests() {
        let mut usage = Usage::default();
        usage.request("SendMessage");
        usage.message(65_536);
        assert!((usage.queue_requests() - 1.0).abs() < 1e-9);
        usage.message(65_537);
        assert!((usage.queue_requests() - 2.0).abs() < 1e-9);
        assert_eq!(usage.requests(), 1, "AWS sees one request");
    }

    #[test]
    fn what_is_used_adds_up() {
        let mut sum = Usage::default();
        for operation in ["GetItem", "GetItem", "GetSecretValue"] {
            let mut one = Usage {
                write_units: 2,
                read_halves: 1,
                ..Usage::default()
            };
            one.request(operation);
            sum += &one;
        }
        assert_eq!(sum.told(), "2 GetItem, 1 GetSecretValue");
        assert_eq!(sum.each(2), "1 GetItem, 0.5 GetSecretValue");
        assert_eq!((sum.write_units, sum.secret_requests()), (6, 1));
        assert!((sum.read_units() - 1.5).abs() < 1e-9);
    }
}
