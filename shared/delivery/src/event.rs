//! Writes an event once, with the member's picture.

use platform::TableError;
use vendors::{Form, Message, Note, OnAmbiguous, Outcome, Plan, Reason};

use crate::{
    ledger::{Claim, Delivery, Status},
    member::{Job, Step, Turn, out_of_time},
};

/// How often an event may be started once more because nobody can tell whether it was, where the store asks for it.
const RESENDS: u32 = 2;

impl Turn<'_> {
    pub(crate) async fn event(&mut self, job: &Job, note: &Note) -> Result<Step, TableError> {
        let message = &job.message;
        let form = if job.quiet { Form::Quiet } else { Form::Full };
        let plan = match self.plan(Some(note), form) {
            Ok(plan) => plan,
            Err(reason) => return Ok(Step::Done(Outcome::Skipped(reason))),
        };
        // A claim of someone who is gone is settled first, and then it is ours or has had its end.
        for _ in 0..4 {
            if self.is_out_of_time() {
                return Ok(Step::Done(out_of_time()));
            }
            let claimed = self
                .ledger
                .claim(note, &plan, &self.lease, self.pusher.clock.now());
            let stands = match claimed.await? {
                Claim::Ours { attempts, unsure } => {
                    let plan = if unsure { plan.repeated() } else { plan };
                    return self.send(&plan, Some((message, note)), attempts).await;
                }
                Claim::Stands(stands) => stands,
            };
            match stands.status {
                Status::Waiting => {}
                Status::Claimed => {
                    // It looks at the vendor first: nobody waits for that.
                    self.ticket = None;
                    if let Some(outcome) = self.settle(&note.delivery(), &stands).await? {
                        return Ok(Step::Done(outcome));
                    }
                }
                Status::Unconfirmed if stands.event == plan.event => {
                    if !self.resends(message, note, &stands).await? {
                        self.lease.rewrite = true;
                        return Ok(Step::Done(Outcome::Unconfirmed));
                    }
                }
                Status::Sent | Status::Rejected | Status::Unconfirmed => {
                    return self.again(note, &stands, &plan).await;
                }
            }
        }
        Err(TableError::Unavailable(
            "the delivery's row keeps changing".to_owned(),
        ))
    }

    /// Writes a delivery that has had its end again: quietly when it says something else of the event, its picture alone
    /// when the destination was last told another one, and not at all otherwise.
    async fn again(
        &mut self,
        note: &Note,
        stands: &Delivery,
        plan: &Plan,
    ) -> Result<Step, TableError> {
        let told = plan.picture.is_none() || self.lease.sync.picture == plan.picture;
        let form = if stands.event != plan.event {
            Form::Quiet
        } else if self.lease.rewrite || !told {
            Form::Picture
        } else {
            return Ok(Step::Done(Outcome::Skipped(Reason::Repeat)));
        };
        match self.plan(Some(note), form) {
            Ok(plan) => self.send(&plan, None, 0).await,
            Err(_) => Ok(Step::Done(Outcome::Skipped(Reason::Repeat))),
        }
    }

    /// Whether an event of which nobody can tell whether it started is started once more, because the store asked for
    /// that. Otherwise it is listed for a person, with its message.
    async fn resends(
        &self,
        message: &Message,
        note: &Note,
        stands: &Delivery,
    ) -> Result<bool, TableError> {
        let now = self.pusher.clock.now();
        let asked = self.pusher.destination.on_ambiguous(&self.store, note.kind);
        if asked == OnAmbiguous::Resend && stands.resends < RESENDS && stands.wp.is_none() {
            self.ledger.reopen(&note.delivery(), stands, now).await?;
            return Ok(true);
        }
        if stands.wp.is_none() {
            let end = (Status::Unconfirmed, Reason::Unconfirmed);
            self.ledger
                .list_for_a_person(&note.delivery(), &stands.holder, end, message, now)
                .await?;
        }
        Ok(false)
    }
}
