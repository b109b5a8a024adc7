//! Asks a source's interface about members and rewards: on its line, at its pace, with the store's credential.
//!
//! Each store has an account of its own there. The line is that of every vendor: a wrong credential or a run of failures
//! closes it, one question at a time finds out whether it works again, and all functions share one pace.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use jiff::Timestamp;
use loyalty::{Reward, StoreId};
use platform::{Clock, Deadline, SecretCache, Secrets, Table, TableError};
use vendors::{Answer, Answered, Api, Call, Lane, Members, Outcome, Question, Reason, Reply, Told};

use crate::{
    Account, Lines, Wire,
    attempt::backoff,
    credential::{Credential, Keys},
    http,
    line::{Gate, Priority, Probed, Wish},
};

/// The longest wait of a question whose line is closed: then a message that is handed out a hundred times waits for four
/// days before it is a dead letter.
const LONGEST: Duration = Duration::from_hours(1);

/// Asks one source's interface.
pub struct Asker {
    /// The source's name.
    source: &'static str,
    api: &'static dyn Api,
    clock: Arc<dyn Clock>,
    secrets: SecretCache,
    secret_prefix: String,
    wire: Arc<dyn Wire>,
    lines: Lines,
    manner: Manner,
}

/// How an interface is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// With all the time that it may take.
    Patient,
    /// Somebody waits for the answer: nothing is waited for, and a question that this interface is too slow for tells nothing
    /// of its line.
    Hurried,
}

/// What was told, and when it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<T> {
    /// The answer.
    pub told: T,
    /// When the question was sent: what arrives from then on is newer than the answer.
    pub sent: Timestamp,
}

/// What the replies to some calls tell; no reply when the connection broke or time ran out.
type Reads<'a, T> = dyn Fn(&[Answered]) -> Told<T> + Sync + 'a;

impl Asker {
    /// Asks over these ports.
    pub fn new(
        (source, api): (&'static str, &'static dyn Api),
        table: Arc<dyn Table>,
        (secrets, secret_prefix): (Arc<dyn Secrets>, String),
        clock: Arc<dyn Clock>,
        wire: Arc<dyn Wire>,
    ) -> Self {
        Self {
            source,
            api,
            secrets: SecretCache::new(secrets, clock.clone()),
            lines: Lines::new(table, clock.clone()),
            clock,
            secret_prefix,
            wire,
            manner: Manner::Patient,
        }
    }

    /// The same, for somebody who waits for the answer: the wire's own limits say for how long.
    #[must_use]
    pub fn hurried(self) -> Self {
        Self {
            manner: Manner::Hurried,
            ..self
        }
    }

    /// Asks once about members, `receives` being how often the message was handed out that wants to know.
    ///
    /// # Errors
    /// What becomes of the message: it comes again, or its question was refused.
    pub async fn ask(
        &self,
        store: &StoreId,
        question: &Question<'_>,
        receives: u32,
        deadline: Deadline,
    ) -> Result<Asked<Members>, Outcome> {
        let calls = self.api.calls(question);
        let told = |answered: &[Answered]| self.api.told(question, answered);
        self.on_line(store, (&calls, &told), receives, deadline)
            .await
    }

    /// Asks once what points can be exchanged for.
    ///
    /// # Errors
    /// As [`Asker::ask`].
    pub async fn rewards(
        &self,
        store: &StoreId,
        receives: u32,
        deadline: Deadline,
    ) -> Result<Asked<Vec<Reward>>, Outcome> {
        let calls: Vec<Call> = self.api.rewards().into_iter().collect();
        let told = |answered: &[Answered]| {
            let reply = answered.first().and_then(|(_, reply)| reply.as_ref());
            self.api.offered(reply)
        };
        self.on_line(store, (&calls, &told), receives, deadline)
            .await
    }

    /// Makes the calls of one question when the line lets it.
    async fn on_line<T: Send>(
        &self,
        store: &StoreId,
        question: (&[Call], &Reads<'_, T>),
        receives: u32,
        deadline: Deadline,
    ) -> Result<Asked<T>, Outcome> {
        if question.0.is_empty() {
            return Err(Outcome::Rejected(Reason::NotWanted));
        }
        let account = Account::of_source(self.source, store);
        let unanswered = |error: TableError| {
            tracing::error!(%store, %error, "the line could not be read");
            again(receives, None, Reason::TableUnavailable)
        };
        let patient = self.manner == Manner::Patient;
        if patient && deadline.remaining(&*self.clock) <= http::TIMEOUT * 2 {
            return Err(again(receives, None, Reason::OutOfTime));
        }
        let mut probing = false;
        let wish = |probing| Wish {
            pace: self.api.pace(),
            lane: Lane::Live,
            calls: question.0.len(),
            probing,
            priority: if patient {
                Priority::Waits
            } else {
                Priority::First
            },
        };
        let mut gate = self.lines.gate(&account, wish(false)).await;
        if let Ok(Gate::Shut(_)) = gate
            && patient
            && self.lines.probe(&account).await.map_err(unanswered)?
        {
            probing = true;
            gate = self.lines.gate(&account, wish(true)).await;
        }
        match gate.map_err(unanswered)? {
            Gate::Open(_) => {}
            Gate::Later(after) => return Err(again(receives, Some(after), Reason::Pace)),
            Gate::Blocked(after) => return Err(Outcome::Throttled { after }),
            Gate::Shut(reason) => {
                let after = shut(receives);
                return Err(Outcome::Retry { after, reason });
            }
        }
        let asked = self.permitted(store, question, &account, deadline).await;
        self.tell_the_line(&account, asked.as_ref().err()).await;
        if probing {
            let found = match &asked {
                Ok(_) | Err(Outcome::Rejected(_)) => Probed::Works,
                Err(outcome) => Probed::failing(*outcome),
            };
            let line = self.lines.probed(&account, found).await;
            let line = line.map_err(unanswered)?;
            tracing::info!(%store, source = self.source, ?found, state = ?line.state, "a closed line was probed");
        }
        asked.map_err(|outcome| match outcome {
            Outcome::Misconfigured(reason) => Outcome::Retry {
                after: shut(receives),
                reason,
            },
            Outcome::Retry { after, reason } => again(receives, Some(after), reason),
            other => other,
        })
    }

    /// Calls with a permit; once more where the credential was rotated meanwhile.
    async fn permitted<T: Send>(
        &self,
        store: &StoreId,
        question: (&[Call], &Reads<'_, T>),
        account: &Account,
        deadline: Deadline,
    ) -> Result<Asked<T>, Outcome> {
        let read = |secret: &serde_json::Value| self.api.key(secret);
        let keys = Keys {
            secrets: &self.secrets,
            prefix: &self.secret_prefix,
            vendor: self.source,
            read: &read,
        };
        let mut credential = keys.of(store).await?;
        let first = self.call(question, &credential, account, true).await;
        let refused = Outcome::Misconfigured(Reason::Unauthorized);
        let patient = self.manner == Manner::Patient;
        let needed = if patient {
            http::TIMEOUT
        } else {
            Duration::ZERO
        };
        let in_time = deadline.remaining(&*self.clock) > needed;
        match first {
            // Nobody could find out whether the credential was rotated: that closes no line.
            Err(outcome) if outcome == refused && !in_time && !patient => {
                Err(again(1, None, Reason::Unauthorized))
            }
            Err(outcome) if outcome == refused && in_time => {
                if keys.renew(&mut credential).await {
                    self.call(question, &credential, account, false).await
                } else {
                    Err(refused)
                }
            }
            other => other,
        }
    }

    async fn call<T: Send>(
        &self,
        (calls, reads): (&[Call], &Reads<'_, T>),
        credential: &Credential,
        account: &Account,
        permitted: bool,
    ) -> Result<Asked<T>, Outcome> {
        let sent = self.clock.now();
        let each = calls.iter().map(|call| async move {
            let way = credential.key.way(call, sent);
            let reply = self.wire.send(call, &way).await.ok();
            let status = reply.as_ref().map(|reply: &Reply| reply.status);
            tracing::debug!(source = self.source, status, "asked");
            (call.clone(), reply)
        });
        let answered: Vec<Answered> = join_all(each).await;
        let told = reads(&answered);
        let (error, failed) = match &told {
            Ok(_) => (false, None),
            Err(Answer::Unknown { reason, .. }) => (true, Some(*reason)),
            Err(_) => (true, None),
        };
        let late = self.manner == Manner::Hurried && failed.is_some();
        let (error, failed) = if late { (false, None) } else { (error, failed) };
        for _ in calls {
            self.lines.count(account, error, failed, permitted);
        }
        match told {
            Ok(told) => Ok(Asked { told, sent }),
            Err(answer) => Err(outcome(&answer)),
        }
    }

    async fn tell_the_line(&self, account: &Account, failed: Option<&Outcome>) {
        self.lines.settle(account, self.api.pace()).await;
        match failed {
            Some(Outcome::Throttled { after }) => self.lines.block(account, *after).await,
            Some(Outcome::Misconfigured(cause)) => self.lines.close(account, *cause).await,
            Some(_) | None => {}
        }
    }
}

/// What a failed question means for the message.
fn outcome(answer: &Answer) -> Outcome {
    match answer {
        Answer::Throttled { after } => Outcome::Throttled { after: *after },
        Answer::Misconfigured(reason) => Outcome::Misconfigured(*reason),
        Answer::Refused(reason) => Outcome::Rejected(*reason),
        Answer::Unknown { reason, after } => Outcome::Retry {
            after: after.unwrap_or_default(),
            reason: *reason,
        },
        // No call of a read writes, and none can be amended.
        Answer::Booked { .. } | Answer::Exists { .. } | Answer::Amend(_) | Answer::Elsewhere => {
            Outcome::Rejected(Reason::Refused)
        }
    }
}

/// Reading once more does no harm.
fn again(receives: u32, hint: Option<Duration>, reason: Reason) -> Outcome {
    let after = backoff(receives.saturating_sub(1), hint, 0);
    Outcome::Retry { after, reason }
}

fn shut(receives: u32) -> Duration {
    let base = Duration::from_mins(5) * 2_u32.pow(receives.saturating_sub(1).min(4));
    base.min(LONGEST)
}
