//! One call to the vendor, with its second tries: without what the vendor objects to, and with a renewed credential.

use std::time::Duration;

use jiff::Timestamp;
use loyalty::StoreId;
use platform::Deadline;
use serde_json::Value;
use vendors::{Answer, Call, Key, Outcome, Reason, Reply};

use crate::{
    Account, Pusher,
    credential::{Credential, Keys},
    http::{self, NoReply},
};

/// The most calls that one push may take: as it is, amended once, and once more with a renewed credential.
const CALLS: usize = 3;

/// What became of a call.
pub(crate) enum Attempted {
    /// The vendor answered, or something may have arrived.
    Answered(Answer),
    /// Certainly nothing was sent.
    NotSent(Reason),
}

/// The line that calls are made on, with the permits for them.
pub(crate) struct OnLine {
    pub(crate) account: Account,
    pub(crate) permits: Vec<Timestamp>,
}

impl Pusher {
    /// The store's credential.
    pub(crate) async fn credential(&self, store: &StoreId) -> Result<Credential, Outcome> {
        self.keys(&|secret| self.destination.key(secret))
            .of(store)
            .await
    }

    fn keys<'a>(&'a self, read: &'a (dyn Fn(&Value) -> Option<Key> + Sync)) -> Keys<'a> {
        Keys {
            secrets: &self.secrets,
            prefix: &self.secret_prefix,
            vendor: self.destination.name(),
            read,
        }
    }

    /// Sends one call, and counts it on its line.
    pub(crate) async fn call(
        &self,
        call: &Call,
        credential: &Credential,
        line: &mut OnLine,
    ) -> Result<Reply, NoReply> {
        let permitted = line.permits.pop().is_some();
        let way = credential.key.way(call, self.clock.now());
        let reply = self.wire.send(call, &way).await;
        let status = reply.as_ref().map(|reply| reply.status);
        let (error, failed) = match status {
            Err(_) => (true, Some(Reason::NoAnswer)),
            Ok(408 | 425 | 500..) => (true, Some(Reason::VendorError)),
            Ok(status) => (status >= 300, None),
        };
        self.lines.count(&line.account, error, failed, permitted);
        tracing::debug!(method = ?call.method, status = status.ok(), "called");
        reply
    }

    /// Makes the call.
    pub(crate) async fn attempt(
        &self,
        call: &Call,
        credential: &mut Credential,
        line: &mut OnLine,
        deadline: Deadline,
    ) -> Attempted {
        let mut call = call.clone();
        let mut amended = false;
        let mut renewed = false;
        for calls in 0..CALLS {
            // Each further call follows a refusal, so that nothing was written yet.
            if calls > 0 && deadline.remaining(&*self.clock) <= http::TIMEOUT {
                return Attempted::NotSent(Reason::OutOfTime);
            }
            let reply = match self.call(&call, credential, line).await {
                Err(NoReply::NotSent) => return Attempted::NotSent(Reason::NoAnswer),
                Err(NoReply::NotAnswered) => None,
                Ok(reply) => Some(reply),
            };
            match self.destination.answer(&call, reply.as_ref()) {
                Answer::Amend(other) if !amended => {
                    amended = true;
                    tracing::warn!("the vendor refuses some values; they are left out");
                    call = other;
                }
                Answer::Amend(_) => {
                    return Attempted::Answered(Answer::Refused(Reason::InvalidValue));
                }
                Answer::Misconfigured(Reason::Unauthorized) if !renewed => {
                    renewed = true;
                    if !self.renew(credential).await {
                        return Attempted::Answered(Answer::Misconfigured(Reason::Unauthorized));
                    }
                }
                answer => return Attempted::Answered(answer),
            }
        }
        Attempted::Answered(Answer::Refused(Reason::InvalidValue))
    }

    /// Reads the credential once more after a refusal; true when the call may do now.
    pub(crate) async fn renew(&self, credential: &mut Credential) -> bool {
        self.keys(&|secret| self.destination.key(secret))
            .renew(credential)
            .await
    }
}

/// The longest wait on a queue. What must wait longer is parked.
pub(crate) const ON_QUEUE: Duration = Duration::from_mins(15);

/// How long to wait before the next try: doubling from five seconds, with up to a quarter more so that many do not come
/// back at once, and never sooner than the vendor asks. By itself it never waits longer than [`ON_QUEUE`].
pub(crate) fn backoff(attempts: u32, hint: Option<Duration>, spread: u8) -> Duration {
    let base = Duration::from_secs(5) * 2_u32.pow(attempts.min(8));
    let jitter = base / 4 * u32::from(spread) / 255;
    (base + jitter).min(ON_QUEUE).max(hint.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_never_undercuts_what_the_vendor_asks() {
        for attempts in 0..20 {
            for spread in [0, 7, 128, 255] {
                for hint in [0, 1, 30, 600, 900, 3600] {
                    let wait = backoff(attempts, Some(Duration::from_secs(hint)), spread);
                    assert!(wait >= Duration::from_secs(hint));
                    assert!(wait <= ON_QUEUE.max(Duration::from_secs(hint)));
                    assert!(
                        wait >= backoff(attempts, None, 0),
                        "jitter and hints only add"
                    );
                }
            }
        }
    }
}
