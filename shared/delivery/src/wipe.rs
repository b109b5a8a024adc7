//! Erases a person at the destination, under the lease: before anything else is written of them.

use std::time::Duration;

use loyalty::{Email, MemberKey, Private};
use platform::{Condition, Deadline, ErasedRow, TableError, Update, text, whole};
use vendors::{Answer, Call, Erasing, Erasure, Outcome, Reason, Reply, Step, Store};

use crate::{
    Pusher,
    attempt::{OnLine, backoff},
    credential::Credential,
    http::{self, NoReply},
    lease::{Lease, Sync},
    member::{Turn, out_of_time, table_failed},
};

/// The most calls that erasing one person takes: three looks, a write, and all once more.
const CALLS: usize = 8;

/// Whom to erase at the destination.
#[derive(Clone, Copy)]
pub(crate) struct Whom<'a> {
    pub(crate) store: &'a Store,
    pub(crate) key: &'a MemberKey,
    /// The vendor's own id of them, as far as we know.
    pub(crate) person: Option<&'a str>,
    /// The version at which their picture ends.
    pub(crate) version: u64,
}

/// How it ended when it did not.
pub(crate) enum Unwiped {
    /// Certainly nothing is under way.
    Not(Outcome),
    /// Something may still arrive: the lease runs out by itself.
    Unknown(Outcome),
}

impl Pusher {
    /// Erases the person with this key, if they have an address or the vendor an id of them: without either nothing was ever
    /// written.
    pub(crate) async fn wipe(
        &self,
        whom: Whom<'_>,
        erasure: Option<&Erasure>,
        (credential, line): (&mut Credential, &mut OnLine),
        (deadline, receives): (Deadline, u32),
    ) -> Result<(), Unwiped> {
        let email = Email::parse(whom.key.expose()).ok();
        if email.is_none() && whom.person.is_none() {
            return Ok(());
        }
        let erasing = Erasing {
            store: whom.store,
            email: email.as_ref(),
            person: whom.person,
            version: whom.version,
            mode: erasure.and_then(|erasure| erasure.mode),
        };
        let mut last: Option<(Call, Option<Reply>)> = None;
        let mut renewed = false;
        for _ in 0..CALLS {
            let before = last.as_ref().map(|(call, reply)| (call, reply.as_ref()));
            let call = match self.destination.erase(&erasing, before) {
                Step::Done(()) => return Ok(()),
                Step::Failed(Answer::Misconfigured(Reason::Unauthorized))
                    if !renewed && self.renew(credential).await =>
                {
                    renewed = true;
                    last = None;
                    continue;
                }
                Step::Failed(answer) => return Err(unwiped(&answer, receives)),
                Step::Call(call) => call,
            };
            if deadline.remaining(&*self.clock) <= http::TIMEOUT {
                return Err(Unwiped::Not(out_of_time()));
            }
            let reply = match self.call(&call, credential, line).await {
                Ok(reply) => Some(reply),
                Err(NoReply::NotAnswered) => None,
                Err(NoReply::NotSent) => {
                    let after = backoff(receives.saturating_sub(1), None, 0);
                    let reason = Reason::NoAnswer;
                    return Err(Unwiped::Not(Outcome::Retry { after, reason }));
                }
            };
            last = Some((call, reply));
        }
        Err(Unwiped::Not(Outcome::Rejected(Reason::InvalidValue)))
    }

    /// Works on a person who was erased here (`ended` being the tombstone's version, where one stands): erases them at the destination where that is asked for, or where something
    /// may have been written since; otherwise there is nothing to do. Nothing of the person stays.
    pub(crate) async fn bury(
        &self,
        (store, key, ended): (&Store, &MemberKey, Option<u64>),
        lease: Lease,
        on: (&mut Credential, &mut OnLine),
        (deadline, receives): (Deadline, u32),
    ) -> Outcome {
        let erasure = lease.sync.erasure();
        let needed = erasure.is_some() || !lease.unsettled.is_empty();
        if needed {
            let at = erasure.as_ref().map(|erasure| erasure.at);
            let at = at.unwrap_or_else(|| self.clock.now().as_microsecond());
            let at = u64::try_from(at).unwrap_or_default();
            let whom = Whom {
                store,
                key,
                person: person_of(erasure.as_ref(), &lease.sync),
                version: ended.unwrap_or(at).max(lease.sync.version + 1),
            };
            let wiped = self.wipe(whom, erasure.as_ref(), on, (deadline, receives));
            match wiped.await {
                Ok(()) => {}
                Err(Unwiped::Not(outcome)) => {
                    let _ = lease.release().await;
                    return outcome;
                }
                Err(Unwiped::Unknown(outcome)) => return outcome,
            }
        }
        let confirmed = match &erasure {
            Some(erasure) => self.confirm(store, erasure).await,
            None => Ok(()),
        };
        let removed = match confirmed {
            Ok(()) => lease.discard().await,
            Err(error) => Err(error),
        };
        match removed {
            Ok(()) if needed => Outcome::Sent,
            Ok(()) => Outcome::Skipped(Reason::Erased),
            Err(error) => {
                tracing::error!(%error, "an erasure could not be confirmed; it is done once more");
                Outcome::Retry {
                    after: Duration::from_secs(30),
                    reason: Reason::TableUnavailable,
                }
            }
        }
    }

    /// Says that this destination has erased the person.
    pub(crate) async fn confirm(&self, store: &Store, erasure: &Erasure) -> Result<(), TableError> {
        let name = ErasedRow::confirmation(self.destination.name(), &erasure.own);
        let update = Update {
            append: vec![("confirmed", vec![text(name)])],
            condition: Some(Condition::Is("at", whole(erasure.at))),
            ..Update::default()
        };
        let key = ErasedRow::key(&store.id, &erasure.hash);
        self.table.update(&key, update).await.map(drop)
    }
}

impl Turn<'_> {
    /// Erases a person who joined anew before this destination had erased them. What was claimed since is settled first:
    /// the look needs what is erased here.
    pub(crate) async fn erase(&mut self) -> Result<(), Unwiped> {
        let Some(erasure) = self.lease.sync.erasure() else {
            return Ok(());
        };
        let settled = self.settle_earlier().await;
        let failed = |error: &TableError, receives| Unwiped::Not(table_failed(error, receives));
        match settled {
            Ok(None) => {}
            Ok(Some(outcome)) => return Err(Unwiped::Not(outcome)),
            Err(error) => return Err(failed(&error, self.receives)),
        }
        let own = self.ledger.member.clone();
        let person = person_of(Some(&erasure), &self.lease.sync).map(ToOwned::to_owned);
        let asked_for = erasure.key.clone().filter(|key| *key != own);
        for key in asked_for.iter().chain([&own]) {
            let on = (&mut self.credential, &mut self.line);
            let rest = (self.deadline, self.receives);
            // What they are now is written afterwards, and must not be older than this.
            let whom = Whom {
                store: &self.store,
                key,
                person: person.as_deref(),
                version: self.version.saturating_sub(1),
            };
            self.pusher.wipe(whom, Some(&erasure), on, rest).await?;
        }
        let confirmed = self.pusher.confirm(&self.store, &erasure).await;
        confirmed.map_err(|error| failed(&error, self.receives))?;
        self.lease.sync.forget();
        (self.lease.wiped, self.lease.rewrite) = (true, true);
        Ok(())
    }
}

/// What the vendor calls the person: its own word goes before what came of our calls.
fn person_of<'a>(erasure: Option<&'a Erasure>, sync: &'a Sync) -> Option<&'a str> {
    let told = erasure.and_then(|erasure| erasure.person.as_ref());
    told.map(Private::expose).or(sync.person.as_deref())
}

fn unwiped(answer: &Answer, receives: u32) -> Unwiped {
    let wait = |hint| backoff(receives.saturating_sub(1), hint, 0);
    match answer {
        Answer::Unknown { reason, after } => Unwiped::Unknown(Outcome::Retry {
            after: wait(*after),
            reason: *reason,
        }),
        Answer::Throttled { after } => Unwiped::Not(Outcome::Throttled {
            after: wait(Some(*after)),
        }),
        Answer::Misconfigured(reason) => Unwiped::Not(Outcome::Misconfigured(*reason)),
        Answer::Refused(reason) => Unwiped::Not(Outcome::Rejected(*reason)),
        Answer::Booked { .. } | Answer::Exists { .. } | Answer::Amend(_) | Answer::Elsewhere => {
            Unwiped::Not(Outcome::Retry {
                after: wait(None),
                reason: Reason::VendorError,
            })
        }
    }
}
