//! Everything that one batch brings for one member, under one lease.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use loyalty::{MemberKey, StoreId};
use platform::{Deadline, MemberState, StoreError, TableError, from_item};
use vendors::{Answer, Call, Form, Message, Note, Outcome, Plan, Push, Reason, Store};

use crate::{
    Pusher,
    attempt::{Attempted, Credential, backoff},
    http,
    lease::{self, Acquired, Lease},
    ledger::{Claim, Delivery, Ledger, Status},
    settle::Verdict,
};

/// A message with its place in the batch.
pub(crate) struct Job {
    pub(crate) place: usize,
    pub(crate) message: Message,
    /// How often the queue has handed it out: only for how long to wait.
    pub(crate) receives: u32,
}

/// One member's turn.
struct Turn<'a> {
    pusher: &'a Pusher,
    store: Arc<Store>,
    state: MemberState,
    ledger: Ledger,
    lease: Lease,
    credential: Credential,
    look: Option<Call>,
    deadline: Deadline,
}

/// What became of one message, and whether the lease may go.
enum Step {
    Done(Outcome),
    /// Something may have been written: the lease runs out by itself, and the next holder looks.
    Unknown(Outcome),
}

const SOON: Duration = Duration::from_secs(5);

impl Pusher {
    /// Works through one member's messages. The result has one outcome for each job, in order.
    pub(crate) async fn member(&self, jobs: &[Job], deadline: Deadline) -> Vec<Outcome> {
        let Some(first) = jobs.first() else {
            return Vec::new();
        };
        let (store, member) = (&first.message.store, &first.message.member);
        let all = |outcome| vec![outcome; jobs.len()];
        let turn = match self.begin(store, member, jobs, deadline).await {
            Ok(turn) => turn,
            Err(outcome) => return all(outcome),
        };
        Box::pin(turn.run(jobs)).await
    }

    /// Settings, credential, lease, picture: in this order, and only then anything is written.
    async fn begin(
        &self,
        store: &StoreId,
        member: &MemberKey,
        jobs: &[Job],
        deadline: Deadline,
    ) -> Result<Turn<'_>, Outcome> {
        let settings = self.stores.get(store).await.map_err(|error| match error {
            StoreError::Table(_) => unavailable(),
            StoreError::Missing(_) | StoreError::Unreadable(_) => {
                Outcome::Misconfigured(Reason::StoreMissing)
            }
        })?;
        if !settings.destinations.has(self.destination.name()) {
            return Err(Outcome::Skipped(Reason::NotWanted));
        }
        let credential = self
            .credential(store)
            .await
            .map_err(Outcome::Misconfigured)?;
        let now = self.clock.now();
        if deadline.remaining(&*self.clock) <= http::TIMEOUT {
            return Err(Outcome::Retry {
                after: Duration::from_secs(1),
                reason: Reason::OutOfTime,
            });
        }
        let until = lease::lasts_until(deadline.instant());
        let intends: Vec<String> = jobs
            .iter()
            .map(|job| {
                job.message
                    .note
                    .as_ref()
                    .map_or_else(platform::nonce, Note::delivery)
            })
            .collect();
        let place = (store, member, self.destination.name());
        let lease = match lease::acquire(&self.table, place, now, until, intends).await {
            Ok(Acquired::Held(lease)) => *lease,
            Ok(Acquired::Busy(until)) => {
                let receives = jobs
                    .iter()
                    .map(|job| job.receives)
                    .max()
                    .unwrap_or_default();
                let doubled = Duration::from_secs(2) * 2_u32.pow(receives.saturating_sub(1).min(8));
                let ends = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                let after = doubled.min(ends.max(Duration::from_secs(1)));
                return Err(Outcome::Retry {
                    after,
                    reason: Reason::LeaseHeld,
                });
            }
            Err(error) => return Err(table_failed(&error)),
        };
        let state = match self.table.get(&MemberState::key(store, member), true).await {
            Ok(Some(item)) => from_item::<MemberState>(item).map_err(|error| table_failed(&error)),
            Ok(None) => Err(Outcome::Retry {
                after: SOON,
                reason: Reason::NotYetRecorded,
            }),
            Err(error) => Err(table_failed(&error)),
        };
        let state = match state {
            Ok(state) => state,
            Err(outcome) => {
                let _ = lease.release().await;
                return Err(outcome);
            }
        };
        let ledger = Ledger {
            table: self.table.clone(),
            store: store.clone(),
            member: member.clone(),
            destination: self.destination.name(),
        };
        let look = self.destination.look(&state.member);
        Ok(Turn {
            pusher: self,
            store: settings,
            state,
            ledger,
            lease,
            credential,
            look,
            deadline,
        })
    }
}

impl Turn<'_> {
    async fn run(mut self, jobs: &[Job]) -> Vec<Outcome> {
        let own: Vec<(&Message, &Note)> = jobs
            .iter()
            .filter_map(|job| Some((&job.message, job.message.note.as_ref()?)))
            .collect();
        let settled = self.pusher.settle_earlier(
            &self.ledger,
            &mut self.lease,
            self.look.as_ref(),
            &self.credential,
            &own,
        );
        let in_the_way = match settled.await {
            Ok(None) => None,
            Ok(Some(answer)) => Some(self.unsent(&answer, 0)),
            Err(error) => Some(table_failed(&error)),
        };
        if let Some(outcome) = in_the_way {
            let _ = self.lease.release().await;
            return vec![outcome; jobs.len()];
        }

        let mut outcomes = Vec::new();
        for job in jobs {
            match self.one(job).await {
                Ok(Step::Done(outcome)) => outcomes.push(outcome),
                Ok(Step::Unknown(outcome)) => {
                    outcomes.push(outcome);
                    let after = self.lease_ends_in();
                    outcomes.resize(
                        jobs.len(),
                        Outcome::Retry {
                            after,
                            reason: Reason::LeaseHeld,
                        },
                    );
                    return outcomes;
                }
                Err(error) => outcomes.push(table_failed(&error)),
            }
        }
        if self.lease.rewrite
            && let Some(outcome) = self.rewrite().await
        {
            // Nobody else would come back for it: the last message carries the wait.
            if let Some(last) = outcomes.last_mut() {
                *last = outcome;
            }
            if matches!(
                outcome,
                Outcome::Retry {
                    reason: Reason::NoAnswer | Reason::VendorError,
                    ..
                }
            ) {
                return outcomes;
            }
        }
        self.finish(outcomes).await
    }

    /// Gives the lease up. Whoever lost it, or cannot write the books, comes back to see.
    async fn finish(self, outcomes: Vec<Outcome>) -> Vec<Outcome> {
        let again = |reason| {
            let retry = Outcome::Retry {
                after: Duration::from_secs(2),
                reason,
            };
            outcomes
                .iter()
                .map(|outcome| {
                    if *outcome == Outcome::Sent {
                        retry
                    } else {
                        *outcome
                    }
                })
                .collect()
        };
        match self.lease.release().await {
            Ok(true) => outcomes,
            Ok(false) => again(Reason::LeaseHeld),
            Err(error) => {
                tracing::error!(%error, "a lease could not be given up; it runs out by itself");
                again(Reason::TableUnavailable)
            }
        }
    }

    async fn one(&mut self, job: &Job) -> Result<Step, TableError> {
        if self.state.version < job.message.version {
            return Ok(Step::Done(Outcome::Retry {
                after: SOON,
                reason: Reason::NotYetRecorded,
            }));
        }
        match &job.message.note {
            None => self.picture().await,
            Some(note) => self.event(&job.message, note).await,
        }
    }

    /// Writes the member's picture, unless the destination has it.
    async fn picture(&mut self) -> Result<Step, TableError> {
        let plan = match self.plan(None, Form::Picture) {
            Ok(plan) => plan,
            Err(reason) => return Ok(Step::Done(Outcome::Skipped(reason))),
        };
        let sync = &self.lease.sync;
        let known = sync.version >= self.state.version
            || (plan.picture.is_some() && sync.picture == plan.picture);
        if known && !self.lease.rewrite {
            return Ok(Step::Done(Outcome::Skipped(Reason::Unchanged)));
        }
        if let Some(outcome) = self.out_of_time() {
            return Ok(Step::Done(outcome));
        }
        self.send(&plan, None, 0).await
    }

    /// Writes an event once, with the member's picture.
    async fn event(&mut self, message: &Message, note: &Note) -> Result<Step, TableError> {
        let plan = match self.plan(Some(note), Form::Full) {
            Ok(plan) => plan,
            Err(reason) => return Ok(Step::Done(Outcome::Skipped(reason))),
        };
        if let Some(outcome) = self.out_of_time() {
            return Ok(Step::Done(outcome));
        }
        // A claim of someone who is gone is settled, and then it is ours or somebody's end.
        for _ in 0..3 {
            let token = self.lease.token().to_owned();
            let stands = match self
                .ledger
                .claim(note, &plan, &token, self.pusher.clock.now())
                .await?
            {
                Claim::Ours(attempts) => {
                    return self.send(&plan, Some((message, note)), attempts).await;
                }
                Claim::Stands(stands) => stands,
            };
            match stands.status {
                Status::Waiting => {}
                Status::Claimed => {
                    if let Some(outcome) = self.settle_own(message, note, &stands).await? {
                        return Ok(Step::Done(outcome));
                    }
                }
                Status::Unconfirmed if stands.event == plan.event => {
                    self.lease.rewrite = true;
                    return Ok(Step::Done(Outcome::Unconfirmed));
                }
                Status::Sent | Status::Rejected | Status::Unconfirmed => {
                    let form = self.repeat(&stands, &plan).ok_or(Reason::Repeat);
                    return match form.and_then(|form| self.plan(Some(note), form)) {
                        Ok(plan) => self.send(&plan, None, 0).await,
                        Err(_) => Ok(Step::Done(Outcome::Skipped(Reason::Repeat))),
                    };
                }
            }
        }
        Err(TableError::Unavailable(
            "the delivery's row keeps changing".to_owned(),
        ))
    }

    /// How a delivery that has had its end is written again: quietly when it says something else of the event, its
    /// picture alone when the destination was last told another one, and not at all otherwise.
    fn repeat(&self, stands: &Delivery, plan: &Plan) -> Option<Form> {
        let told = plan.picture.is_none() || self.lease.sync.picture == plan.picture;
        if stands.event != plan.event {
            Some(Form::Quiet)
        } else if self.lease.rewrite || !told {
            Some(Form::Picture)
        } else {
            None
        }
    }

    /// Settles this message's own claim of an earlier, vanished holder. Gives an outcome when that cannot be done now.
    async fn settle_own(
        &mut self,
        message: &Message,
        note: &Note,
        stands: &Delivery,
    ) -> Result<Option<Outcome>, TableError> {
        let delivery = note.delivery();
        let now = self.pusher.clock.now();
        if !stands.starts {
            // Writing it again does no harm.
            self.ledger
                .end(&delivery, &stands.holder, Status::Waiting, None, now)
                .await?;
            return Ok(None);
        }
        let before = self.lease.sync.marker.clone();
        let verdict = self
            .pusher
            .verdict(
                self.look.as_ref(),
                &self.credential,
                &delivery,
                before.as_deref(),
            )
            .await;
        match verdict {
            Verdict::LookAgain(answer) => return Ok(Some(self.unsent(&answer, stands.attempts))),
            Verdict::Sent => {
                self.lease.sync.marker = Some(delivery.clone());
                self.lease.rewrite = true;
                self.ledger
                    .end(&delivery, &stands.holder, Status::Sent, None, now)
                    .await?;
            }
            Verdict::NotSent => {
                self.ledger
                    .end(&delivery, &stands.holder, Status::Waiting, None, now)
                    .await?;
            }
            Verdict::Unclear => {
                self.pusher
                    .unclear(&self.ledger, &delivery, stands, message)
                    .await?;
            }
        }
        Ok(None)
    }

    /// Writes the picture once more, because an earlier holder may have written another one. Gives an outcome when that
    /// could not be done.
    async fn rewrite(&mut self) -> Option<Outcome> {
        let Ok(plan) = self.plan(None, Form::Picture) else {
            // Nothing of this person's picture is ever written here.
            self.lease.rewrite = false;
            return None;
        };
        match self.send(&plan, None, 0).await {
            Ok(Step::Done(Outcome::Sent)) => None,
            Ok(Step::Done(outcome) | Step::Unknown(outcome)) => Some(outcome),
            Err(error) => Some(table_failed(&error)),
        }
    }

    fn plan(&self, note: Option<&Note>, form: Form) -> Result<Plan, Reason> {
        self.pusher.destination.plan(&Push {
            store: &self.store,
            member: &self.state.member,
            note,
            form,
            first: self.lease.sync.written.is_none(),
            now: self.pusher.clock.now(),
        })
    }

    /// Makes the call and writes down how it ended. `claimed` is the message whose claim is ours.
    async fn send(
        &mut self,
        plan: &Plan,
        claimed: Option<(&Message, &Note)>,
        attempts: u32,
    ) -> Result<Step, TableError> {
        let delivery = claimed.map(|(_, note)| note.delivery());
        let answer = match self.pusher.attempt(&plan.call, &mut self.credential).await {
            Attempted::Answered(Answer::Booked { person }) => {
                self.booked(plan, delivery.as_deref(), person);
                if let Some(delivery) = &delivery {
                    self.end(delivery, Status::Sent, None).await?;
                }
                return Ok(Step::Done(Outcome::Sent));
            }
            Attempted::Answered(Answer::Unknown { reason, after }) => {
                let after = backoff(attempts, after, self.spread()).max(self.lease_ends_in());
                return Ok(Step::Unknown(Outcome::Retry { after, reason }));
            }
            Attempted::Answered(answer) => answer,
            Attempted::NotSent(reason) => Answer::Unknown {
                reason,
                after: None,
            },
        };
        if let Answer::Refused(reason) = answer {
            self.refused(reason, claimed).await?;
            return Ok(Step::Done(Outcome::Rejected(reason)));
        }
        if let Some(delivery) = &delivery {
            self.end(delivery, Status::Waiting, None).await?;
        }
        Ok(Step::Done(self.unsent(&answer, attempts)))
    }

    /// Stores a refusal, with its message where it is an event's.
    async fn refused(
        &mut self,
        reason: Reason,
        claimed: Option<(&Message, &Note)>,
    ) -> Result<(), TableError> {
        let Some((message, note)) = claimed else {
            self.lease.sync.refused = Some(reason.code().to_owned());
            self.lease.rewrite = false;
            return Ok(());
        };
        let (token, now) = (self.lease.token(), self.pusher.clock.now());
        let end = (Status::Rejected, reason);
        self.ledger
            .end_for_a_person(&note.delivery(), token, end, message, now)
            .await
    }

    fn booked(&mut self, plan: &Plan, delivery: Option<&str>, person: Option<String>) {
        let now = self.pusher.clock.now();
        let sync = &mut self.lease.sync;
        sync.written = Some(now.as_microsecond());
        sync.person = person.or_else(|| sync.person.take());
        if let Some(picture) = &plan.picture {
            sync.picture = Some(picture.clone());
            sync.version = self.state.version;
            sync.refused = None;
            self.lease.rewrite = false;
        }
        if let Some(delivery) = delivery.filter(|_| plan.starts) {
            sync.marker = Some(delivery.to_owned());
        }
    }

    async fn end(
        &self,
        delivery: &str,
        status: Status,
        reason: Option<Reason>,
    ) -> Result<(), TableError> {
        self.ledger
            .end(
                delivery,
                self.lease.token(),
                status,
                reason,
                self.pusher.clock.now(),
            )
            .await
    }

    /// The outcome of an answer after which certainly nothing was written.
    fn unsent(&self, answer: &Answer, attempts: u32) -> Outcome {
        let spread = self.spread();
        match answer {
            Answer::Throttled { after } => Outcome::Throttled {
                after: backoff(0, Some(*after), spread),
            },
            Answer::Misconfigured(reason) => Outcome::Misconfigured(*reason),
            Answer::Unknown { reason, after } => Outcome::Retry {
                after: backoff(attempts, *after, spread),
                reason: *reason,
            },
            Answer::Refused(reason) => Outcome::Rejected(*reason),
            Answer::Booked { .. } | Answer::Amend(_) => Outcome::Retry {
                after: backoff(attempts, None, spread),
                reason: Reason::VendorError,
            },
        }
    }

    fn out_of_time(&self) -> Option<Outcome> {
        let late = self.deadline.remaining(&*self.pusher.clock) <= http::TIMEOUT;
        late.then_some(Outcome::Retry {
            after: Duration::from_secs(1),
            reason: Reason::OutOfTime,
        })
    }

    fn lease_ends_in(&self) -> Duration {
        let left = self.lease.until().duration_since(self.pusher.clock.now());
        Duration::try_from(left.max(SignedDuration::from_secs(1))).unwrap_or_default()
    }

    /// A number that differs from lease to lease, to spread waits.
    fn spread(&self) -> u8 {
        self.lease
            .token()
            .bytes()
            .fold(0, |sum: u8, byte| sum.wrapping_mul(31).wrapping_add(byte))
    }
}

fn unavailable() -> Outcome {
    Outcome::Retry {
        after: SOON,
        reason: Reason::TableUnavailable,
    }
}

fn table_failed(error: &TableError) -> Outcome {
    tracing::error!(%error, "the table did not do what was asked");
    unavailable()
}
