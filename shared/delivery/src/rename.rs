//! Gives a person their new address at the destination, before anything is written under it.

use vendors::{Answer, Outcome, Renaming};

use crate::{
    attempt::{Attempted, backoff},
    member::{Step, Turn, out_of_time},
};

impl Turn<'_> {
    /// Renames the person where that is open. Gives what became of it unless the turn may go on.
    pub(crate) async fn rename(&mut self) -> Option<Step> {
        if !self.lease.sync.rename {
            return None;
        }
        self.lease.sync.absent = None;
        let person = self.lease.sync.person.clone();
        let call = person.as_deref().and_then(|person| {
            let member = &self.held.member;
            self.pusher.destination.rename(&Renaming { person, member })
        });
        let Some(call) = call else {
            self.lease.sync.rename = false;
            return None;
        };
        if self.is_out_of_time() {
            return Some(Step::Done(out_of_time()));
        }
        let called =
            self.pusher
                .attempt(&call, &mut self.credential, &mut self.line, self.deadline);
        let answer = match called.await {
            Attempted::Answered(answer) => answer,
            Attempted::NotSent(reason) => {
                let after = backoff(self.receives.saturating_sub(1), None, self.spread());
                return Some(Step::Done(Outcome::Retry { after, reason }));
            }
        };
        match answer {
            Answer::Booked { .. } => {
                self.lease.sync.rename = false;
                None
            }
            // Somebody has that address already, or nobody has this id any more: the new address is a person of its own,
            // whom nothing was written of.
            Answer::Refused(reason) => {
                tracing::warn!(
                    reason = reason.code(),
                    "the vendor does not rename a person; the new address is written by itself"
                );
                let sync = &mut self.lease.sync;
                sync.rename = false;
                (sync.person, sync.marker, sync.picture) = (None, None, None);
                self.lease.rewrite = true;
                None
            }
            Answer::Unknown { reason, after } => {
                let attempts = self.receives.saturating_sub(1);
                let after = backoff(attempts, after, self.spread()).max(self.lease_ends_in());
                Some(Step::Unknown(Outcome::Retry { after, reason }))
            }
            answer => Some(Step::Done(
                self.unsent(&answer, self.receives.saturating_sub(1)),
            )),
        }
    }
}
