//! Makes a call and writes down how it ended.

use platform::TableError;
use vendors::{Answer, Lane, Message, Note, Outcome, Plan, Reason};

use crate::{
    attempt::{Attempted, backoff},
    gather::Joined,
    ledger::Status,
    line::{Gate, Priority, Wish},
    member::{Step, Turn},
};

impl Turn<'_> {
    /// Makes the call. `claimed` is the message whose claim is ours; `attempts` are those before this one.
    pub(crate) async fn send(
        &mut self,
        plan: &Plan,
        claimed: Option<(&Message, &Note)>,
        attempts: u32,
    ) -> Result<Step, TableError> {
        let attempts = attempts.max(self.receives.saturating_sub(1));
        let delivery = claimed.map(|(_, note)| note.delivery());
        let answer = match self.made(plan).await {
            Attempted::Answered(Answer::Booked { people }) => {
                let person = people.into_iter().next().flatten();
                return self.sent(plan, delivery.as_deref(), person).await;
            }
            Attempted::Answered(Answer::Exists { person }) => {
                self.lease.rewrite = true;
                return self.sent(plan, delivery.as_deref(), person).await;
            }
            Attempted::Answered(Answer::Unknown { reason, after }) => {
                let after = backoff(attempts, after, self.spread()).max(self.lease_ends_in());
                return Ok(Step::Unknown(Outcome::Retry { after, reason }));
            }
            Attempted::Answered(Answer::Elsewhere) => {
                return self.unknown_there(claimed).await;
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
            self.end(delivery, Status::Waiting).await?;
        }
        Ok(Step::Done(self.unsent(&answer, attempts)))
    }

    /// The call has done what it was to do.
    async fn sent(
        &mut self,
        plan: &Plan,
        delivery: Option<&str>,
        person: Option<String>,
    ) -> Result<Step, TableError> {
        self.booked(plan, delivery, person);
        self.read_back(plan).await;
        if let Some(delivery) = delivery {
            self.end(delivery, Status::Sent).await?;
        }
        Ok(Step::Done(Outcome::Sent))
    }

    /// Makes the call: together with others where the turn has its place in a crowd, else by itself.
    async fn made(&mut self, plan: &Plan) -> Attempted {
        let destination = self.pusher.destination;
        let ticket = self.ticket.take();
        let joins = ticket.as_ref().and_then(|_| destination.joins(&plan.call));
        if let (Some(ticket), Some(joins)) = (ticket, joins) {
            match ticket.join(&plan.call, joins, &self.credential).await {
                Joined::Made(attempted) => return attempted,
                Joined::Alone => {
                    if let Err(reason) = self.permit().await {
                        return Attempted::NotSent(reason);
                    }
                }
            }
        }
        let (credential, line) = (&mut self.credential, &mut self.line);
        self.pusher
            .attempt(&plan.call, credential, line, self.deadline)
            .await
    }

    /// A permit of its own for a turn whose crowd came to nothing.
    async fn permit(&mut self) -> Result<(), Reason> {
        let wish = Wish {
            pace: self.pusher.destination.pace(),
            lane: Lane::Bulk,
            calls: 1,
            probing: false,
            priority: Priority::Waits,
        };
        match self.pusher.lines.gate(&self.line.account, wish).await {
            Ok(Gate::Open(permits)) => self.line.permits.extend(permits),
            Ok(Gate::Later(_) | Gate::Blocked(_)) => return Err(Reason::Pace),
            Ok(Gate::Shut(reason)) => return Err(reason),
            Err(_) => return Err(Reason::TableUnavailable),
        }
        if self.is_out_of_time() {
            return Err(Reason::OutOfTime);
        }
        Ok(())
    }

    fn booked(&mut self, plan: &Plan, delivery: Option<&str>, person: Option<String>) {
        let now = self.pusher.clock.now();
        let sync = &mut self.lease.sync;
        sync.written = Some(now.as_microsecond());
        sync.absent = None;
        sync.person = person.or_else(|| sync.person.take());
        if let Some(picture) = &plan.picture {
            sync.picture = Some(picture.clone());
            sync.version = self.version;
            sync.refused = None;
            self.lease.rewrite = false;
        }
        if let Some(delivery) = delivery.filter(|_| plan.starts) {
            sync.marker = Some(delivery.to_owned());
        }
    }

    /// The vendor knows the person by another id, or not at all. Where it needs to know them, they are looked for before
    /// anything is written again; else nothing is for a while.
    async fn unknown_there(
        &mut self,
        claimed: Option<(&Message, &Note)>,
    ) -> Result<Step, TableError> {
        let reason = Reason::UnknownThere;
        self.lease.sync.person = None;
        if !self.pusher.destination.locates() {
            self.lease.sync.absent = Some(self.pusher.clock.now().as_microsecond());
        }
        if claimed.is_some() {
            self.refused(reason, claimed).await?;
            return Ok(Step::Done(Outcome::Rejected(reason)));
        }
        Ok(Step::Done(Outcome::Skipped(reason)))
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
        // The event is over, but the destination must not stay behind for it.
        self.lease.rewrite |= reason != Reason::InvalidAddress;
        let (token, now) = (self.lease.token(), self.pusher.clock.now());
        let end = (Status::Rejected, reason);
        self.ledger
            .list_for_a_person(&note.delivery(), token, end, message, now)
            .await
    }

    async fn end(&self, delivery: &str, status: Status) -> Result<(), TableError> {
        let now = self.pusher.clock.now();
        self.ledger
            .end(delivery, self.lease.token(), status, now)
            .await
    }

    /// The outcome of an answer after which certainly nothing was written.
    pub(crate) fn unsent(&self, answer: &Answer, attempts: u32) -> Outcome {
        let wait = |attempts, hint| backoff(attempts, hint, self.spread());
        match answer {
            Answer::Throttled { after } => Outcome::Throttled {
                after: wait(0, Some(*after)),
            },
            Answer::Misconfigured(reason) => Outcome::Misconfigured(*reason),
            Answer::Unknown { reason, after } => Outcome::Retry {
                after: wait(attempts, *after),
                reason: *reason,
            },
            Answer::Refused(reason) => Outcome::Rejected(*reason),
            Answer::Booked { .. }
            | Answer::Exists { .. }
            | Answer::Amend(_)
            | Answer::Elsewhere => Outcome::Retry {
                after: wait(attempts, None),
                reason: Reason::VendorError,
            },
        }
    }
}
