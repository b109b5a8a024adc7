//! Settles what an earlier holder left open: a claim without an end. We look at the vendor before anything is sent again.

use loyalty::{Email, Member, MemberKey};
use platform::TableError;
use vendors::{Answer, Call, Outcome, Reason, Seen};

use crate::{
    ledger::{Delivery, Status},
    member::{Turn, out_of_time},
};

/// What the vendor's marker says of a claim, beside the marker that was there when the claim was made.
///
/// Ours is there: sent. The one from before is there, or none where none was: not sent. Any other was written by someone
/// after ours, or instead of it: nobody can tell.
fn compare(ours: &str, before: Option<&str>, seen: Option<&str>) -> Status {
    match seen {
        Some(marker) if marker == ours => Status::Sent,
        seen if seen == before => Status::Waiting,
        _ => Status::Unconfirmed,
    }
}

/// What a look at the vendor showed.
enum Looked {
    /// The marker of the automation started last.
    Last(Option<String>),
    /// Everything that was booked for the person.
    Booked(Vec<String>),
    /// Nothing that tells.
    Unclear,
}

impl Turn<'_> {
    /// Settles everything that earlier holders of the lease left open. Gives an outcome when that cannot be done now;
    /// then what they left stands as it was.
    pub(crate) async fn settle_earlier(&mut self) -> Result<Option<Outcome>, TableError> {
        self.lease.rewrite |= !self.lease.unsettled.is_empty();
        let mut newest = self.lease.sync.written.unwrap_or_default();
        for entry in self.lease.unsettled.clone() {
            // A bare token speaks of a picture: there is nothing to look for, only something to write again.
            if !entry.contains('#') {
                continue;
            }
            match self.ledger.get(&entry).await? {
                Some(row) if row.status == Status::Claimed => {
                    if let Some(outcome) = self.settle(&entry, &row).await? {
                        return Ok(Some(outcome));
                    }
                }
                // Its end was written, but not what it means for the books.
                Some(row) if row.status == Status::Sent && row.starts && row.at > newest => {
                    newest = row.at;
                    self.lease.sync.marker = Some(entry);
                }
                _ => {}
            }
        }
        self.lease.unsettled.clear();
        Ok(None)
    }

    /// Settles one claim. Gives an outcome when the vendor cannot be looked at now.
    pub(crate) async fn settle(
        &mut self,
        delivery: &str,
        row: &Delivery,
    ) -> Result<Option<Outcome>, TableError> {
        let earlier = self.ledger.previous(delivery).await?.cloned();
        let status = match self.look(delivery, row, earlier.as_ref()).await {
            Ok(status) => status,
            Err(outcome) => return Ok(Some(outcome)),
        };
        self.lease.rewrite = true;
        let now = self.pusher.clock.now();
        self.ledger
            .settled(delivery, &row.holder, status, now)
            .await?;
        Ok(None)
    }

    /// What a look at the vendor makes of a claim. What starts nothing may be written again; of a person without an address
    /// nothing can have been written.
    async fn look(
        &mut self,
        delivery: &str,
        row: &Delivery,
        earlier: Option<&MemberKey>,
    ) -> Result<Status, Outcome> {
        let mut status = Status::Waiting;
        if !row.starts {
            return Ok(status);
        }
        for (place, call) in self.looks(row, earlier).into_iter().enumerate() {
            status = match self.marker(&call, row).await? {
                Looked::Unclear => return Ok(Status::Unconfirmed),
                Looked::Booked(booked) if booked.iter().any(|one| one == delivery) => Status::Sent,
                Looked::Booked(_) => status,
                Looked::Last(None) if place > 0 => status,
                Looked::Last(seen) => {
                    let says = compare(delivery, row.before.as_deref(), seen.as_deref());
                    if place == 0 {
                        self.lease.sync.marker = seen;
                    }
                    says
                }
            };
            if status == Status::Sent {
                break;
            }
        }
        Ok(status)
    }

    /// The looks for a claim. One that was made for somebody under another id or address is looked for under that one too:
    /// the vendor may know the person by it still.
    fn looks(&self, row: &Delivery, earlier: Option<&MemberKey>) -> Vec<Call> {
        let destination = self.pusher.destination;
        let member = &self.held.member;
        let named = row.person.as_deref();
        let now = destination.look(member, self.lease.sync.person.as_deref());
        let named = named.and_then(|named| destination.look(member, Some(named)));
        let earlier = earlier.and_then(|key| Email::parse(key.expose()).ok());
        let earlier = earlier.and_then(|email| {
            let member = Member {
                email: Some(email),
                ..Member::default()
            };
            destination.look(&member, None)
        });
        let mut calls = Vec::new();
        for call in [now, named, earlier].into_iter().flatten() {
            if !calls.contains(&call) {
                calls.push(call);
            }
        }
        calls
    }

    /// The marker that the vendor has.
    async fn marker(&mut self, call: &Call, row: &Delivery) -> Result<Looked, Outcome> {
        if self.is_out_of_time() {
            return Err(out_of_time());
        }
        let looked = self.pusher.call(call, &self.credential, &mut self.line);
        let reply = looked.await;
        match self.pusher.destination.seen(reply.ok().as_ref()) {
            Seen::Marker(seen) => Ok(Looked::Last(seen)),
            Seen::Booked(booked) => Ok(Looked::Booked(booked)),
            Seen::Unclear => Ok(Looked::Unclear),
            Seen::Failed(answer) => {
                if answer == Answer::Misconfigured(Reason::Unauthorized) {
                    // The next try must not use the refused credential for five minutes.
                    self.pusher.renew(&mut self.credential).await;
                }
                let attempts = row.attempts.max(self.receives.saturating_sub(1));
                Err(self.unsent(&answer, attempts))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_tells_only_what_it_can() {
        let cases = [
            (Some("a#10"), Some("ours#20"), Status::Sent),
            (None, Some("ours#20"), Status::Sent),
            (Some("a#10"), Some("a#10"), Status::Waiting),
            (Some("z#30"), Some("z#30"), Status::Waiting),
            (None, None, Status::Waiting),
            (None, Some("a#10"), Status::Unconfirmed),
            (None, Some("z#30"), Status::Unconfirmed),
            (Some("a#10"), None, Status::Unconfirmed),
            (Some("a#10"), Some("b#15"), Status::Unconfirmed),
        ];
        for (before, seen, status) in cases {
            assert_eq!(
                compare("ours#20", before, seen),
                status,
                "{before:?} {seen:?}"
            );
        }
    }
}
