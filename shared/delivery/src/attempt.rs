//! One call to the vendor, with its second tries: without what the vendor objects to, and with a renewed credential.

use std::{sync::Arc, time::Duration};

use loyalty::StoreId;
use platform::Deadline;
use secrecy::{ExposeSecret, SecretString};
use vendors::{Answer, Call, Header, Reason, Reply};

use crate::{
    Pusher,
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

/// A store's credential for one vendor.
pub(crate) struct Credential {
    name: String,
    secret: Arc<SecretString>,
    headers: Vec<Header>,
}

impl Credential {
    /// The headers that carry it.
    pub(crate) fn headers(&self) -> &[Header] {
        &self.headers
    }
}

impl Pusher {
    /// The store's credential.
    pub(crate) async fn credential(&self, store: &StoreId) -> Result<Credential, Reason> {
        let name = format!("{}/{store}/{}", self.secret_prefix, self.destination.name());
        let secret = self.secrets.get(&name).await.map_err(|error| {
            tracing::error!(%store, %error, "the credential could not be read");
            Reason::SecretMissing
        })?;
        let secret = secret.ok_or(Reason::SecretMissing)?;
        let headers = self.headers(&secret).ok_or(Reason::SecretMissing)?;
        Ok(Credential {
            name,
            secret,
            headers,
        })
    }

    fn headers(&self, secret: &SecretString) -> Option<Vec<Header>> {
        self.destination
            .credential(&serde_json::from_str(secret.expose_secret()).ok()?)
    }

    /// Makes the call.
    pub(crate) async fn attempt(
        &self,
        call: &Call,
        credential: &mut Credential,
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
            let reply = match self.wire.send(&call, &credential.headers).await {
                Err(NoReply::NotSent) => return Attempted::NotSent(Reason::NoAnswer),
                Err(NoReply::NotAnswered) => None,
                Ok(reply) => Some(reply),
            };
            log(&call, reply.as_ref());
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

    /// Reads the credential once more after a refusal; true when it was rotated.
    pub(crate) async fn renew(&self, credential: &mut Credential) -> bool {
        if !matches!(
            self.secrets
                .renewed(&credential.name, &credential.secret)
                .await,
            Ok(true)
        ) {
            return false;
        }
        let Ok(Some(secret)) = self.secrets.get(&credential.name).await else {
            return false;
        };
        let Some(headers) = self.headers(&secret) else {
            return false;
        };
        credential.secret = secret;
        credential.headers = headers;
        true
    }
}

fn log(call: &Call, reply: Option<&Reply>) {
    tracing::debug!(method = ?call.method, status = reply.map(|reply| reply.status), "called");
}

/// How long to wait before the next try: doubling from five seconds, with up to a quarter more so that many do not come
/// back at once, and never sooner than the vendor asks.
pub(crate) fn backoff(attempts: u32, hint: Option<Duration>, spread: u8) -> Duration {
    const LONGEST: Duration = Duration::from_mins(15);
    let base = Duration::from_secs(5) * 2_u32.pow(attempts.min(8));
    let jitter = base / 4 * u32::from(spread) / 255;
    (base + jitter).max(hint.unwrap_or_default()).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_never_undercuts_what_the_vendor_asks() {
        for attempts in 0..20 {
            for spread in [0, 7, 128, 255] {
                for hint in [0, 1, 30, 600, 900] {
                    let wait = backoff(attempts, Some(Duration::from_secs(hint)), spread);
                    assert!(wait >= Duration::from_secs(hint) && wait <= Duration::from_mins(15));
                    assert!(
                        wait >= backoff(attempts, None, 0),
                        "jitter and hints only add"
                    );
                }
            }
        }
    }
}
