//! A person's way to a store's account with a vendor: to look at it, or to make it ready. A few calls, one after the other,
//! outside the lines that deliveries wait in.

use std::time::Duration;

use jiff::SignedDuration;
use loyalty::StoreId;
use platform::{Clock, Deadline, Secrets};
use secrecy::ExposeSecret;
use serde_json::Value;
use vendors::{Answer, Answered, Key, Reply, Step};

use crate::{LIMITS, Limits, NoReply, Wire};

/// How long each call may take: somebody waits for the answer.
pub const VISITS: Limits = Limits {
    connect: Duration::from_secs(3),
    total: Duration::from_secs(8),
    body: LIMITS.body,
};

/// How long a whole visit may take: the one who asked must get an answer before the function ends.
const VISIT: SignedDuration = SignedDuration::from_secs(40);

/// Calls that one visit makes at most.
const CALLS: usize = 150;

/// Why a visit came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unvisited {
    /// There is no such secret.
    NoSecret,
    /// The secret has another shape.
    SecretShape,
    /// Secrets Manager did not answer.
    SecretsUnavailable(String),
    /// There was no connection, or it broke, or nothing came in time.
    NoAnswer,
    /// The vendor answered so.
    Answered(Answer),
    /// It took too many calls, or too long.
    Endless,
}

/// A store's account with a vendor.
pub struct Visit<'a> {
    /// The secrets.
    pub secrets: &'a dyn Secrets,
    /// The first part of every secret's name.
    pub secret_prefix: &'a str,
    /// The store.
    pub store: &'a StoreId,
    /// The connection's name, and so the secret's.
    pub connection: &'a str,
    /// How the secret is read.
    pub credential: &'a (dyn Fn(&Value) -> Option<Key> + Sync),
    /// The way to the vendor.
    pub wire: &'a dyn Wire,
    /// The clock.
    pub clock: &'a dyn Clock,
}

impl Visit<'_> {
    /// Makes the calls that `next` wants, each knowing the replies to those before. The secret is read anew: somebody may
    /// just have mended it.
    ///
    /// # Errors
    /// [`Unvisited`] says why nothing came of it.
    pub async fn walk<T>(&self, next: impl Fn(&[Answered]) -> Step<T>) -> Result<T, Unvisited> {
        let key = self.key().await?;
        let mut answered: Vec<Answered> = Vec::new();
        let deadline = Deadline::after(VISIT, self.clock);
        while answered.len() < CALLS {
            let call = match next(&answered) {
                Step::Call(call) => call,
                Step::Done(done) => return Ok(done),
                Step::Failed(Answer::Unknown { .. }) if ends_unanswered(&answered) => {
                    return Err(Unvisited::NoAnswer);
                }
                Step::Failed(answer) => return Err(Unvisited::Answered(answer)),
            };
            if deadline.remaining(self.clock) < VISITS.total {
                return Err(Unvisited::Endless);
            }
            let way = key.way(&call, self.clock.now());
            let reply: Result<Reply, NoReply> = self.wire.send(&call, &way).await;
            answered.push((call, reply.ok()));
        }
        Err(Unvisited::Endless)
    }

    async fn key(&self) -> Result<Key, Unvisited> {
        let name = format!("{}/{}/{}", self.secret_prefix, self.store, self.connection);
        let secret = self.secrets.get(&name).await;
        let secret = secret.map_err(|error| Unvisited::SecretsUnavailable(error.0))?;
        let secret = secret.ok_or(Unvisited::NoSecret)?;
        let read = serde_json::from_str(secret.expose_secret()).ok();
        read.and_then(|secret| (self.credential)(&secret))
            .ok_or(Unvisited::SecretShape)
    }
}

fn ends_unanswered(answered: &[Answered]) -> bool {
    answered.last().is_some_and(|(_, reply)| reply.is_none())
}
