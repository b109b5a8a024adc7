//! Everything that one batch brings for one member, under one lease.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use loyalty::{MemberKey, StoreId};
use platform::{Deadline, Held, StoreError, TableError};
use vendors::{Form, Lane, Message, Note, Outcome, Plan, Push, Reason, Store};

use crate::{
    Account, Pusher,
    attempt::{OnLine, backoff},
    credential::Credential,
    find::{Person, Picture},
    gather::Ticket,
    http,
    lease::{self, Acquired, Lease},
    ledger::Ledger,
    line::{Gate, Priority, Wish},
    wipe::Unwiped,
};

/// A message with its place in the batch.
pub(crate) struct Job {
    pub(crate) place: usize,
    pub(crate) message: Message,
    /// How often the queue has handed it out: only for how long to wait.
    pub(crate) receives: u32,
    /// Whether nothing may start by it, because a person said so.
    pub(crate) quiet: bool,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turns {
    /// The queue's: it waits behind what is parked.
    Live,
    /// The parked work's own.
    Parked {
        /// Whether this is the one message that finds out if a closed line works again.
        probing: bool,
    },
}

/// One member's turn: what is known, and the lease under which it may be written.
pub(crate) struct Turn<'a> {
    pub(crate) pusher: &'a Pusher,
    pub(crate) store: Arc<Store>,
    /// The person.
    pub(crate) held: Held,
    /// The version of the picture.
    pub(crate) version: u64,
    pub(crate) ledger: Ledger,
    pub(crate) lease: Lease,
    pub(crate) credential: Credential,
    pub(crate) line: OnLine,
    /// Its place among the turns whose calls are made together.
    pub(crate) ticket: Option<Ticket<'a>>,
    pub(crate) deadline: Deadline,
    /// How often the queue has handed out the message that was handed out most: only for how long to wait.
    pub(crate) receives: u32,
}

/// What became of one message, and whether the lease may go.
#[derive(PartialEq)]
pub(crate) enum Step {
    Done(Outcome),
    /// Something may have been written: the lease runs out by itself, and the next holder looks.
    Unknown(Outcome),
}

impl Pusher {
    /// Works through one member's messages. The result has one outcome for each job, in order. What must be parked is
    /// only said to be so: the caller does it, if it does not stand there already.
    pub(crate) async fn member(
        &self,
        jobs: &[Job],
        turns: Turns,
        deadline: Deadline,
    ) -> Vec<Outcome> {
        let Some(first) = jobs.first() else {
            return Vec::new();
        };
        let store = match self.settings(&first.message.store, jobs).await {
            Ok(store) => store,
            Err(outcome) => return vec![outcome; jobs.len()],
        };
        let account = Account::of(self.destination, &store);
        let outcomes = match self.permits(&account, jobs, turns, jobs.len()).await {
            Err(outcome) => return vec![paced(jobs, outcome); jobs.len()],
            Ok(permits) => {
                let mut line = OnLine {
                    account: account.clone(),
                    permits,
                };
                let begun = self.begin(store, &mut line, jobs, turns, deadline).await;
                match begun {
                    Ok(turn) => Box::pin(turn.run(jobs)).await,
                    Err(outcome) => {
                        self.lines.give_back(&account, line.permits);
                        ended(jobs, outcome)
                    }
                }
            }
        };
        self.tell_the_line(&account, &first.message.store, &outcomes)
            .await;
        match self.lines.known_shut(&account) {
            Some(_) if turns == Turns::Live => outcomes.into_iter().map(park_failures).collect(),
            _ => outcomes,
        }
    }

    /// One member's turn in a crowd.
    pub(crate) async fn one_of(
        &self,
        store: Arc<Store>,
        account: &Account,
        jobs: &[Job],
        (ticket, deadline): (Ticket<'_>, Deadline),
    ) -> Vec<Outcome> {
        let mut line = OnLine {
            account: account.clone(),
            permits: Vec::new(),
        };
        let begun = self.begin(store, &mut line, jobs, Turns::Live, deadline);
        match begun.await {
            Ok(mut turn) => {
                turn.ticket = Some(ticket);
                Box::pin(turn.run(jobs)).await
            }
            Err(outcome) => ended(jobs, outcome),
        }
    }

    pub(crate) async fn settings(
        &self,
        store: &StoreId,
        jobs: &[Job],
    ) -> Result<Arc<Store>, Outcome> {
        let settings = self.stores.get(store).await.map_err(|error| match error {
            StoreError::Table(error) => table_failed(&error, receives(jobs)),
            StoreError::Missing(_) | StoreError::Unreadable(_) => {
                Outcome::Misconfigured(Reason::StoreMissing)
            }
        })?;
        // What was sent while the store used the destination is erased there all the same.
        let erases = jobs.iter().any(|job| job.message.erase.is_some());
        if erases || settings.destinations.has(self.destination.name()) {
            Ok(settings)
        } else {
            Err(Outcome::Skipped(Reason::NotWanted))
        }
    }

    /// Permits for a member's messages: one at least. Calls beyond them are counted, and the pace makes up for them.
    pub(crate) async fn permits(
        &self,
        account: &Account,
        jobs: &[Job],
        turns: Turns,
        wanted: usize,
    ) -> Result<Vec<Timestamp>, Outcome> {
        let store = jobs.first().map(|job| &job.message.store);
        if turns == Turns::Live
            && let Some(reason) = store.and_then(|store| self.lines.refused(store))
        {
            return Err(Outcome::Parked(reason));
        }
        let lane = match turns {
            Turns::Live => lane(jobs),
            Turns::Parked { .. } => Lane::Bulk,
        };
        let wish = Wish {
            pace: self.destination.pace(),
            lane,
            calls: wanted,
            probing: turns == Turns::Parked { probing: true },
            priority: if lane == Lane::Live || turns != Turns::Live {
                Priority::Waits
            } else {
                Priority::ComesBack
            },
        };
        match self.lines.gate(account, wish).await {
            Ok(Gate::Open(permits)) => Ok(permits),
            Ok(Gate::Later(after)) => Err(Outcome::Retry {
                after,
                reason: Reason::Pace,
            }),
            Ok(Gate::Blocked(after)) => Err(Outcome::Throttled { after }),
            Ok(Gate::Shut(reason)) => Err(Outcome::Parked(reason)),
            Err(error) => Err(table_failed(&error, receives(jobs))),
        }
    }

    /// What one member's turn says of the whole account. Each store has a credential of its own: on an account that it
    /// shares, a wrong one is its own trouble.
    pub(crate) async fn tell_the_line(
        &self,
        account: &Account,
        store: &StoreId,
        outcomes: &[Outcome],
    ) {
        self.lines.settle(account, self.destination.pace()).await;
        for outcome in outcomes {
            match outcome {
                Outcome::Throttled { after } => return self.lines.block(account, *after).await,
                Outcome::Misconfigured(cause @ (Reason::SecretMissing | Reason::Unauthorized))
                    if account.is_shared(store) =>
                {
                    return self.lines.refuse(store, *cause);
                }
                Outcome::Misconfigured(cause) => return self.lines.close(account, *cause).await,
                _ => {}
            }
        }
    }

    /// Credential, lease, picture: in this order, and nothing but the lease is written.
    async fn begin(
        &self,
        settings: Arc<Store>,
        line: &mut OnLine,
        jobs: &[Job],
        turns: Turns,
        deadline: Deadline,
    ) -> Result<Turn<'_>, Outcome> {
        let receives = receives(jobs);
        let Some(first) = jobs.first() else {
            return Err(out_of_time());
        };
        let (store, named) = (&first.message.store, &first.message.member);
        let mut credential = self.credential(store).await?;
        if deadline.remaining(&*self.clock) <= http::TIMEOUT {
            return Err(out_of_time());
        }
        let Person {
            key,
            lease,
            picture,
        } = self.find((store, named), jobs, deadline).await?;
        let (held, version) = match picture {
            Picture::Held(held, version) => (held, version),
            Picture::Erased(ended) => {
                let (whom, on) = ((&*settings, &key, ended), (&mut credential, line));
                return Err(self.bury(whom, lease, on, (deadline, receives)).await);
            }
        };
        let ledger = Ledger {
            table: self.table.clone(),
            store: store.clone(),
            previous: held.recent(self.clock.now()).cloned().collect(),
            member: key,
            destination: self.destination.name(),
        };
        let mut turn = Turn {
            pusher: self,
            store: settings,
            held: *held,
            version,
            ledger,
            lease,
            credential,
            line: OnLine {
                account: line.account.clone(),
                permits: std::mem::take(&mut line.permits),
            },
            ticket: None,
            deadline,
            receives,
        };
        let mut hindered = turn.erase().await.err();
        if hindered.is_none() && !turn.store.destinations.has(self.destination.name()) {
            hindered = Some(Unwiped::Not(Outcome::Skipped(Reason::NotWanted)));
        }
        if hindered.is_none() && turns == Turns::Live && turn.lease.sync.waiting.is_some() {
            hindered = Some(Unwiped::Not(Outcome::Parked(Reason::WaitsBehind)));
        }
        let Some(hindered) = hindered else {
            return Ok(turn);
        };
        line.permits = turn.line.permits;
        match hindered {
            Unwiped::Not(outcome) => {
                let _ = turn.lease.release().await;
                Err(outcome)
            }
            Unwiped::Unknown(outcome) => Err(outcome),
        }
    }

    /// One lease for all of the member's messages in the batch.
    pub(crate) async fn lease(
        &self,
        (store, member): (&StoreId, &MemberKey),
        jobs: &[Job],
        carried: &[String],
        deadline: Deadline,
    ) -> Result<Lease, Outcome> {
        let now = self.clock.now();
        let intends = jobs.iter().map(|job| {
            let note = job.message.note.as_ref();
            note.map_or_else(platform::nonce, Note::delivery)
        });
        let intends = carried.iter().cloned().chain(intends);
        let until = lease::lasts_until(deadline.instant());
        let place = (store, member, self.destination.name());
        match lease::acquire(&self.table, place, now, until, intends.collect()).await {
            Ok(Acquired::Held(lease)) => Ok(*lease),
            Ok(Acquired::Busy(until)) => {
                let receives = jobs
                    .iter()
                    .map(|job| job.receives)
                    .max()
                    .unwrap_or_default();
                let doubled = Duration::from_secs(2) * 2_u32.pow(receives.saturating_sub(1).min(8));
                let ends = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                let after = doubled.min(ends.max(Duration::from_secs(1)));
                Err(Outcome::Retry {
                    after,
                    reason: Reason::LeaseHeld,
                })
            }
            Err(error) => Err(table_failed(&error, receives(jobs))),
        }
    }
}

impl Turn<'_> {
    async fn run(mut self, jobs: &[Job]) -> Vec<Outcome> {
        let pusher = self.pusher;
        let outcomes = self.each(jobs).await;
        self.ticket = None;
        let OnLine { account, permits } = self.line;
        pusher.lines.give_back(&account, permits);
        match outcomes {
            Ended::Released(outcomes) => finish(self.lease, outcomes).await,
            Ended::Unknown(outcomes) => outcomes,
        }
    }

    async fn each(&mut self, jobs: &[Job]) -> Ended {
        if self.lease.sync.rename || !self.lease.unsettled.is_empty() {
            // It calls the vendor by itself first: nobody waits for that.
            self.ticket = None;
        }
        match self.rename().await {
            None => {}
            Some(Step::Done(outcome)) => return Ended::Released(vec![outcome; jobs.len()]),
            Some(Step::Unknown(outcome)) => return Ended::Unknown(vec![outcome; jobs.len()]),
        }
        let in_the_way = match self.settle_earlier().await {
            Ok(in_the_way) => in_the_way,
            Err(error) => Some(table_failed(&error, self.receives)),
        };
        if let Some(outcome) = in_the_way {
            return Ended::Released(vec![outcome; jobs.len()]);
        }
        let mut outcomes = Vec::new();
        for job in jobs {
            match self.one(job).await {
                // Whoever refuses this call refuses the next one too, and counts them all.
                Ok(Step::Done(
                    outcome @ (Outcome::Throttled { .. } | Outcome::Misconfigured(_)),
                )) => {
                    outcomes.resize(jobs.len(), outcome);
                    return Ended::Released(outcomes);
                }
                Ok(Step::Done(outcome)) => outcomes.push(outcome),
                Ok(Step::Unknown(outcome)) => {
                    outcomes.push(outcome);
                    let after = self.lease_ends_in();
                    let reason = Reason::LeaseHeld;
                    outcomes.resize(jobs.len(), Outcome::Retry { after, reason });
                    return Ended::Unknown(outcomes);
                }
                // The books could not be written: nothing more may start until this delivery is settled.
                Err(error) => {
                    outcomes.resize(jobs.len(), table_failed(&error, self.receives));
                    self.lease
                        .unsettled
                        .extend(job.message.note.as_ref().map(Note::delivery));
                    return Ended::Released(outcomes);
                }
            }
        }
        if self.lease.rewrite
            && let Some(step) = self.rewrite().await
        {
            let (Step::Done(outcome) | Step::Unknown(outcome)) = step;
            // Nobody else would come back for it: the last message carries the wait.
            if let Some(last) = outcomes.last_mut() {
                *last = outcome;
            }
            if matches!(step, Step::Unknown(_)) {
                return Ended::Unknown(outcomes);
            }
        }
        Ended::Released(outcomes)
    }

    async fn one(&mut self, job: &Job) -> Result<Step, TableError> {
        if self.version < job.message.version {
            return Ok(Step::Done(not_yet_recorded(self.receives)));
        }
        match &job.message.note {
            None => self.picture().await,
            // It is of before they were erased, and they have joined anew since: their picture is all there is to say.
            Some(note) if self.held.since >= Some(note.arrived.as_microsecond()) => {
                self.picture().await
            }
            Some(note) => self.event(job, note).await,
        }
    }

    /// Writes the member's picture, unless the destination has it. Where the vendor knows the person by another id now,
    /// they are looked for once more.
    async fn picture(&mut self) -> Result<Step, TableError> {
        let unknown = Step::Done(Outcome::Skipped(Reason::UnknownThere));
        for _ in 0..2 {
            let sync = &self.lease.sync;
            if sync.version >= self.version && !self.lease.rewrite {
                return Ok(Step::Done(Outcome::Skipped(Reason::Unchanged)));
            }
            if self.is_absent() {
                return Ok(unknown);
            }
            if let Some(step) = self.locate().await {
                return Ok(step);
            }
            let step = self.picture_once().await?;
            if step != unknown || !self.pusher.destination.locates() {
                return Ok(step);
            }
        }
        // The vendor shows a person whom it does not let be written to: its lists are behind its records.
        let after = backoff(self.receives.saturating_sub(1), None, self.spread());
        let reason = Reason::VendorError;
        Ok(Step::Done(Outcome::Retry { after, reason }))
    }

    async fn picture_once(&mut self) -> Result<Step, TableError> {
        let plan = match self.plan(None, Form::Picture) {
            Ok(plan) => plan,
            Err(reason) => return Ok(Step::Done(Outcome::Skipped(reason))),
        };
        let sync = &self.lease.sync;
        let same = plan.picture.is_some() && sync.picture == plan.picture;
        if same && !self.lease.rewrite {
            return Ok(Step::Done(Outcome::Skipped(Reason::Unchanged)));
        }
        if self.is_out_of_time() {
            return Ok(Step::Done(out_of_time()));
        }
        self.send(&plan, None, 0).await
    }

    /// Writes the picture once more, because an earlier holder may have written another one. Gives what became of it
    /// unless that is done.
    async fn rewrite(&mut self) -> Option<Step> {
        match self.picture().await {
            Ok(Step::Done(Outcome::Sent | Outcome::Rejected(_))) => None,
            // Nothing of this person's picture is written here.
            Ok(Step::Done(Outcome::Skipped(_))) => {
                self.lease.rewrite = false;
                None
            }
            Ok(step) => Some(step),
            Err(error) => Some(Step::Done(table_failed(&error, self.receives))),
        }
    }

    pub(crate) fn plan(&self, note: Option<&Note>, form: Form) -> Result<Plan, Reason> {
        self.pusher.destination.plan(&Push {
            store: &self.store,
            member: &self.held.member,
            note,
            form,
            person: self.lease.sync.person.as_deref(),
            version: self.version,
            first: self.lease.sync.written.is_none(),
            now: self.pusher.clock.now(),
        })
    }

    /// Whether a call begun now might outlast the invocation, or the lease is over already.
    pub(crate) fn is_out_of_time(&self) -> bool {
        let clock = &*self.pusher.clock;
        self.deadline.remaining(clock) <= http::TIMEOUT || clock.now() >= self.lease.until()
    }

    pub(crate) fn lease_ends_in(&self) -> Duration {
        let left = self.lease.until().duration_since(self.pusher.clock.now());
        Duration::try_from(left.max(SignedDuration::from_secs(1))).unwrap_or_default()
    }

    /// A number that differs from lease to lease, to spread waits.
    pub(crate) fn spread(&self) -> u8 {
        fold(self.lease.token())
    }
}

/// How a turn ended.
enum Ended {
    /// The lease may go.
    Released(Vec<Outcome>),
    /// Something may have been written: the lease runs out by itself.
    Unknown(Vec<Outcome>),
}

/// Gives the lease up. Whoever lost it, or cannot write the books, comes back to see.
async fn finish(lease: Lease, outcomes: Vec<Outcome>) -> Vec<Outcome> {
    let again = |reason| {
        let retry = Outcome::Retry {
            after: Duration::from_secs(2),
            reason,
        };
        let sent = |outcome: &Outcome| *outcome == Outcome::Sent;
        let each = |outcome| if sent(&outcome) { retry } else { outcome };
        outcomes.iter().copied().map(each).collect()
    };
    match lease.release().await {
        Ok(true) => outcomes,
        Ok(false) => again(Reason::LeaseHeld),
        Err(error) => {
            tracing::error!(%error, "a lease could not be given up; it runs out by itself");
            again(Reason::TableUnavailable)
        }
    }
}

/// What failed on a line that is closed waits with the rest: on the queue it would be tried until the queue gives it up,
/// and where nothing is parked, no probe could find out whether the line works again.
pub(crate) fn park_failures(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Retry {
            reason: reason @ (Reason::VendorError | Reason::NoAnswer),
            ..
        } => Outcome::Parked(reason),
        outcome => outcome,
    }
}

/// The outcome of each job where a turn ended before it began. What was sent then was an erasure: everybody else's news of
/// the person is needless.
fn ended(jobs: &[Job], outcome: Outcome) -> Vec<Outcome> {
    let each = |job: &Job| match outcome {
        Outcome::Sent if job.message.erase.is_none() => Outcome::Skipped(Reason::Erased),
        outcome => outcome,
    };
    jobs.iter().map(each).collect()
}

/// When messages come back for which there is no permit now. With many waiting, coming back each few seconds would only wear
/// them out; and thousands that came back at once would leave the line idle in between.
pub(crate) fn paced(jobs: &[Job], outcome: Outcome) -> Outcome {
    const LONGEST: Duration = Duration::from_mins(1);
    let Outcome::Retry {
        after,
        reason: Reason::Pace,
    } = outcome
    else {
        return outcome;
    };
    let wait = backoff(receives(jobs).saturating_sub(1), None, 0);
    let wait = match lane(jobs) {
        Lane::Live => wait,
        Lane::Bulk => {
            let half = wait.min(LONGEST) / 2;
            half + half * u32::from(spread(jobs)) / 255
        }
    };
    Outcome::Retry {
        after: wait.max(after),
        reason: Reason::Pace,
    }
}

/// The lane of a member's messages: what just happened takes the rest along.
fn lane(jobs: &[Job]) -> Lane {
    let lanes = jobs.iter().map(|job| job.message.lane);
    lanes.min().unwrap_or_default()
}

/// A number that differs from member to member, and is the same for one.
fn spread(jobs: &[Job]) -> u8 {
    let hash = jobs.first().and_then(|job| job.message.hash.as_deref());
    fold(hash.unwrap_or_default())
}

fn fold(text: &str) -> u8 {
    let add = |sum: u8, byte: u8| sum.wrapping_mul(31).wrapping_add(byte);
    text.bytes().fold(0, add)
}

pub(crate) fn receives(jobs: &[Job]) -> u32 {
    jobs.iter()
        .map(|job| job.receives)
        .max()
        .unwrap_or_default()
}

pub(crate) fn not_yet_recorded(receives: u32) -> Outcome {
    Outcome::Retry {
        after: backoff(receives.saturating_sub(1), None, 0),
        reason: Reason::NotYetRecorded,
    }
}

pub(crate) fn out_of_time() -> Outcome {
    Outcome::Retry {
        after: Duration::from_secs(1),
        reason: Reason::OutOfTime,
    }
}

pub(crate) fn table_failed(error: &TableError, receives: u32) -> Outcome {
    tracing::error!(%error, "the table did not do what was asked");
    let reason = match error {
        TableError::Unavailable(_) => Reason::TableUnavailable,
        // One row that another release wrote: nothing is wrong with the table, and nobody else is touched.
        TableError::Shape(_) => Reason::UnreadableMessage,
    };
    Outcome::Retry {
        after: backoff(receives.saturating_sub(1), None, 0),
        reason,
    }
}
