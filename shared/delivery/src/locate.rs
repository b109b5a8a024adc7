//! Finds the vendor's own id of a person, for vendors that write to ids.

use jiff::SignedDuration;
use vendors::{Answer, Answered, Form, Outcome, Push, Reason, Step as Next};

use crate::{
    attempt::backoff,
    http::NoReply,
    member::{Step, Turn, out_of_time},
};

/// The most calls that finding one person takes: a look by each kind of address and one at whom it led to, a write, and the
/// looks once more.
const CALLS: usize = 7;

/// How long it is remembered that the vendor does not know a person.
const ABSENT: SignedDuration = SignedDuration::from_hours(24);

impl Turn<'_> {
    /// Finds the person where the destination needs to know them by its own id and does not yet. Gives what became of it
    /// unless the turn may go on.
    pub(crate) async fn locate(&mut self) -> Option<Step> {
        if !self.pusher.destination.locates() || self.lease.sync.person.is_some() {
            return None;
        }
        let mut answered: Vec<Answered> = Vec::new();
        let mut renewed = false;
        while answered.len() < CALLS {
            let call = match self.next_look(&answered) {
                Next::Done(Some(person)) => {
                    self.lease.sync.person = Some(person);
                    return None;
                }
                Next::Done(None) => {
                    self.lease.sync.absent = Some(self.pusher.clock.now().as_microsecond());
                    return Some(Step::Done(Outcome::Skipped(Reason::UnknownThere)));
                }
                Next::Failed(Answer::Misconfigured(Reason::Unauthorized))
                    if !renewed && self.pusher.renew(&mut self.credential).await =>
                {
                    renewed = true;
                    answered.clear();
                    continue;
                }
                Next::Failed(answer) => {
                    if let Answer::Refused(reason) = answer {
                        self.lease.sync.refused = Some(reason.code().to_owned());
                    }
                    let attempts = self.receives.saturating_sub(1);
                    return Some(Step::Done(self.unsent(&answer, attempts)));
                }
                Next::Call(call) => call,
            };
            if self.is_out_of_time() {
                return Some(Step::Done(out_of_time()));
            }
            let called = self.pusher.call(&call, &self.credential, &mut self.line);
            match called.await {
                Ok(reply) => answered.push((call, Some(reply))),
                Err(NoReply::NotAnswered) => answered.push((call, None)),
                Err(NoReply::NotSent) => {
                    let after = backoff(self.receives.saturating_sub(1), None, self.spread());
                    let reason = Reason::NoAnswer;
                    return Some(Step::Done(Outcome::Retry { after, reason }));
                }
            }
        }
        Some(Step::Done(Outcome::Rejected(Reason::Refused)))
    }

    fn next_look(&self, answered: &[Answered]) -> Next<Option<String>> {
        let push = Push {
            store: &self.store,
            member: &self.held.member,
            note: None,
            form: Form::Picture,
            person: None,
            version: self.version,
            first: self.lease.sync.written.is_none(),
            now: self.pusher.clock.now(),
        };
        self.pusher.destination.locate(&push, answered)
    }

    /// Whether the vendor said lately that it does not know the person, and has not told of them itself.
    pub(crate) fn is_absent(&self) -> bool {
        let vendor = self.pusher.destination.name();
        let mut aliases = self.held.member.aliases.iter();
        if aliases.any(|alias| alias.source == vendor) {
            return false;
        }
        let since = self.pusher.clock.now().checked_sub(ABSENT);
        let since = since.map_or(i64::MIN, jiff::Timestamp::as_microsecond);
        self.lease.sync.absent.is_some_and(|absent| absent > since)
    }
}
