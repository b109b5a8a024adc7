//! One batch of a destination's queue.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{join, join_all},
    stream,
};
use loyalty::{MemberKey, StoreId};
use platform::{
    Clock, Deadline, Queue, SecretCache, Secrets, Stores, Table,
    telemetry::{self, Metric},
};
use vendors::{Destination, Lane, Message, Outcome, Reason};

use crate::{
    Lines, Wire,
    attempt::ON_QUEUE,
    member::{Job, Turns},
};

/// Members worked on at the same time. Rule's own client has four calls under way.
const AT_ONCE: usize = 4;

/// Writes to one destination.
pub struct Pusher {
    /// The destination.
    pub destination: &'static dyn Destination,
    /// The table.
    pub table: Arc<dyn Table>,
    /// The queues.
    pub queue: Arc<dyn Queue>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Store settings.
    pub stores: Stores,
    /// Credentials.
    pub secrets: SecretCache,
    /// The first part of every secret's name.
    pub secret_prefix: String,
    /// The way to the vendor.
    pub wire: Arc<dyn Wire>,
    /// The queue that the messages come from, to give them back with a wait.
    pub queue_url: String,
    /// The lines to the vendor's accounts.
    pub lines: Lines,
    /// The queue of reads, for destinations whose writes are read back.
    pub reads: Option<String>,
}

/// What a batch brings, member by member.
type Members = BTreeMap<(StoreId, MemberKey), Vec<Job>>;

/// A message as it was received.
#[derive(Clone)]
pub struct Received {
    /// Gives it back.
    pub receipt: String,
    /// A [`Message`] as JSON.
    pub body: String,
    /// How often it was handed out, this time included.
    pub receives: u32,
}

impl Pusher {
    /// Writes to one destination, over these ports.
    pub fn new(
        destination: &'static dyn Destination,
        (table, queue): (Arc<dyn Table>, Arc<dyn Queue>),
        (secrets, secret_prefix): (Arc<dyn Secrets>, String),
        clock: Arc<dyn Clock>,
        wire: Arc<dyn Wire>,
        queue_url: String,
    ) -> Self {
        Self {
            destination,
            stores: Stores::new(table.clone(), clock.clone()),
            secrets: SecretCache::new(secrets, clock.clone()),
            lines: Lines::new(table.clone(), clock.clone()),
            table,
            queue,
            clock,
            secret_prefix,
            wire,
            queue_url,
            reads: None,
        }
    }

    /// Works through a batch. The result has one outcome for each message, in order; those with a wait were hidden for
    /// it and must be reported as failed.
    pub async fn push(&self, received: &[Received], deadline: Deadline) -> Vec<Outcome> {
        let mut outcomes = vec![
            Outcome::Retry {
                after: Duration::ZERO,
                reason: Reason::UnreadableMessage
            };
            received.len()
        ];
        let mut members = Members::new();
        for (place, received) in received.iter().enumerate() {
            match serde_json::from_str::<Message>(&received.body) {
                Ok(message) => members
                    .entry((message.store.clone(), message.member.clone()))
                    .or_default()
                    .push(Job {
                        place,
                        message,
                        receives: received.receives,
                        quiet: false,
                    }),
                Err(_) => outcomes[place] = unreadable(),
            }
        }
        let (crowds, alone) = self.sort(members);
        let turns = alone.into_iter().map(|jobs| self.turn(jobs, deadline));
        let turns = stream::iter(turns)
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>();
        let crowds = crowds.into_iter().map(|jobs| self.turns(jobs, deadline));
        let (done, crowds) = join(turns, join_all(crowds)).await;
        for (jobs, results) in done.into_iter().chain(crowds.into_iter().flatten()) {
            for (job, outcome) in jobs.iter().zip(results) {
                outcomes[job.place] = outcome;
                self.report(&job.message, outcome);
            }
        }
        self.give_back(received, &outcomes).await;
        outcomes
    }

    /// The members of each store whose calls may be made together, and everybody else. What just happened waits for nobody.
    fn sort(&self, members: Members) -> (Vec<Vec<Vec<Job>>>, Vec<Vec<Job>>) {
        let mut crowds: BTreeMap<StoreId, Vec<Vec<Job>>> = BTreeMap::new();
        let mut alone = Vec::new();
        for ((store, _), mut jobs) in members {
            jobs.sort_by_key(|job| job.message.note.as_ref().map(|note| note.occurrence));
            let joins = |job: &Job| job.message.lane == Lane::Bulk && job.message.erase.is_none();
            if self.destination.together() > 1 && jobs.iter().all(joins) {
                crowds.entry(store).or_default().push(jobs);
            } else {
                alone.push(jobs);
            }
        }
        let mut together = Vec::new();
        for mut crowd in crowds.into_values() {
            if crowd.len() == 1 {
                alone.append(&mut crowd);
            } else {
                together.push(crowd);
            }
        }
        (together, alone)
    }

    /// The turns of a crowd.
    async fn turns(
        &self,
        members: Vec<Vec<Job>>,
        deadline: Deadline,
    ) -> Vec<(Vec<Job>, Vec<Outcome>)> {
        let done = self.crowd(&members, deadline).await;
        let each = members.into_iter().zip(done);
        join_all(each.map(|(jobs, done)| self.settled(jobs, done))).await
    }

    /// One member's turn. A panic gives only this member's messages back.
    async fn turn(&self, jobs: Vec<Job>, deadline: Deadline) -> (Vec<Job>, Vec<Outcome>) {
        let done = self.guarded(&jobs, Turns::Live, deadline).await;
        self.settled(jobs, done).await
    }

    /// Parks what does not stay on its queue.
    async fn settled(&self, jobs: Vec<Job>, done: Vec<Outcome>) -> (Vec<Job>, Vec<Outcome>) {
        let mut outcomes = Vec::new();
        for (job, outcome) in jobs.iter().zip(done) {
            outcomes.push(match to_park(job, outcome) {
                Some(reason) => self.parked(job, reason, outcome).await,
                None => outcome,
            });
        }
        (jobs, outcomes)
    }

    /// One member's messages. A panic is an outcome.
    pub(crate) async fn guarded(
        &self,
        jobs: &[Job],
        turns: Turns,
        deadline: Deadline,
    ) -> Vec<Outcome> {
        let done = AssertUnwindSafe(Box::pin(self.member(jobs, turns, deadline)))
            .catch_unwind()
            .await;
        done.unwrap_or_else(|_| panicked(jobs))
    }

    /// Parks a message. Where that cannot be done, it stays on its queue.
    async fn parked(&self, job: &Job, reason: Reason, otherwise: Outcome) -> Outcome {
        let Err(error) = self.park(&job.message, reason).await else {
            return Outcome::Parked(reason);
        };
        tracing::error!(%error, "a message could not be parked; it stays on its queue");
        match otherwise {
            Outcome::Parked(_) => Outcome::Retry {
                after: Duration::from_mins(1),
                reason: Reason::TableUnavailable,
            },
            otherwise => otherwise,
        }
    }

    /// One log line for each attempt, and a count of what a person must see.
    pub(crate) fn report(&self, message: &Message, outcome: Outcome) {
        let destination = self.destination.name();
        let note = message.note.as_ref();
        let event = note.map(|note| note.event.as_str());
        let kind = note.map_or("member_updated", |note| note.kind.name());
        let reason = outcome.reason().map(Reason::code);
        let wait_s = outcome.wait().map(|wait| wait.as_secs());
        let (store, name) = (&message.store, outcome.name());
        match outcome {
            Outcome::Rejected(_) | Outcome::Misconfigured(_) | Outcome::Unconfirmed => {
                tracing::error!(%store, destination, event, kind, outcome = name, reason, wait_s, "delivery.attempted");
            }
            _ => {
                tracing::info!(%store, destination, event, kind, outcome = name, reason, wait_s, "delivery.attempted");
            }
        }
        if matches!(outcome, Outcome::Rejected(_) | Outcome::Unconfirmed) {
            telemetry::count_for(self.clock.now(), Metric::Rejected, destination, 1);
        }
    }

    /// Hides what must wait. Without it the queue's own visibility applies, which is longer: nothing is lost.
    async fn give_back(&self, received: &[Received], outcomes: &[Outcome]) {
        let waits = received
            .iter()
            .zip(outcomes)
            .filter_map(|(received, outcome)| Some((received, outcome.wait()?)));
        let hides = waits.map(|(received, wait)| async move {
            let seconds = u32::try_from(wait.as_secs().max(1)).unwrap_or(u32::MAX);
            if let Err(error) = self.queue.hide(&self.queue_url, &received.receipt, seconds).await {
                tracing::warn!(%error, "a message waits for the queue's own time instead of its own");
            }
        });
        futures_util::future::join_all(hides).await;
    }
}

/// What becomes of a member's messages when the program stumbles over them.
pub(crate) fn panicked(jobs: &[Job]) -> Vec<Outcome> {
    let outcome = Outcome::Retry {
        after: Duration::from_mins(1),
        reason: Reason::Panicked,
    };
    vec![outcome; jobs.len()]
}

/// Why a message leaves its queue for the table, if it does. A queue hands a message out a hundred times at most; what
/// still waits long before that is parked, so that dead letters are our own faults alone.
fn to_park(job: &Job, outcome: Outcome) -> Option<Reason> {
    const OFTEN: u32 = 50;
    match outcome {
        Outcome::Misconfigured(reason) | Outcome::Parked(reason) => Some(reason),
        Outcome::Retry {
            reason: Reason::Panicked | Reason::UnreadableMessage,
            ..
        } => None,
        Outcome::Retry { after, .. } | Outcome::Throttled { after }
            if job.receives >= OFTEN || after > ON_QUEUE =>
        {
            outcome.reason()
        }
        _ => None,
    }
}

/// A message that no release can read goes to the dead-letter queue in the end, where a person finds it.
fn unreadable() -> Outcome {
    tracing::error!("a message cannot be read; it will end in the dead-letter queue");
    Outcome::Retry {
        after: Duration::from_mins(1),
        reason: Reason::UnreadableMessage,
    }
}
