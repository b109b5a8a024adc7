//! Settles what an earlier holder left open: a claim without an end. We look at the vendor before anything is sent again.

use vendors::{Answer, Call, Message, Note, OnAmbiguous, Seen};

use crate::{
    Pusher,
    attempt::Credential,
    lease::Lease,
    ledger::{Delivery, Ledger, Status},
};

/// What a look says of a claim.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// The vendor has it.
    Sent,
    /// The vendor does not have it.
    NotSent,
    /// Nobody can tell.
    Unclear,
    /// The look itself failed; it must be repeated.
    LookAgain(Answer),
}

/// What the vendor's marker says of a claim, beside the marker that our books say was there before.
///
/// Ours is there: sent. The one from before is there, or none where none was: not sent. Where the books know of none, an
/// older one comes from before the books: not sent. Any other was written by someone who left no trace in the books,
/// after ours or instead of it: unclear.
fn compare(ours: &str, before: Option<&str>, seen: Option<&str>) -> Verdict {
    match seen {
        Some(marker) if marker == ours => Verdict::Sent,
        seen if seen == before => Verdict::NotSent,
        Some(marker) if before.is_none() && occurrence(marker) < occurrence(ours) => {
            Verdict::NotSent
        }
        _ => Verdict::Unclear,
    }
}

/// The first arrival in a marker; one that cannot be read counts as the newest.
fn occurrence(marker: &str) -> i64 {
    marker
        .rsplit_once('#')
        .and_then(|(_, occurrence)| occurrence.parse().ok())
        .unwrap_or(i64::MAX)
}

impl Pusher {
    /// Looks at the vendor for the marker of one delivery.
    pub(crate) async fn verdict(
        &self,
        look: Option<&Call>,
        credential: &Credential,
        delivery: &str,
        before: Option<&str>,
    ) -> Verdict {
        // Nobody can look for a person without an address, and nothing can have been sent to them either.
        let Some(call) = look else {
            return Verdict::NotSent;
        };
        match self
            .destination
            .seen(self.look(call, credential).await.as_ref())
        {
            Seen::Marker(seen) => compare(delivery, before, seen.as_deref()),
            Seen::Failed(answer) => Verdict::LookAgain(answer),
        }
    }

    /// Settles every claim that earlier holders of the lease left open. Gives the answer that stands in the way when the
    /// vendor cannot be looked at now.
    pub(crate) async fn settle_earlier(
        &self,
        ledger: &Ledger,
        lease: &mut Lease,
        look: Option<&Call>,
        credential: &Credential,
        own: &[(&Message, &Note)],
    ) -> Result<Option<Answer>, platform::TableError> {
        let mut open = Vec::new();
        lease.rewrite |= !lease.unsettled.is_empty();
        for entry in std::mem::take(&mut lease.unsettled) {
            // A bare token speaks of a picture: there is nothing to look for, only something to write again.
            let row = if entry.contains('#') {
                ledger.get(&entry).await?
            } else {
                None
            };
            match row {
                Some(row) if row.status == Status::Claimed && row.starts => open.push((entry, row)),
                // Its end was written, but not what it means for the books.
                Some(row) if row.status == Status::Sent && row.starts => {
                    lease.sync.marker = Some(entry);
                }
                _ => {}
            }
        }
        for (position, (entry, row)) in open.iter().enumerate() {
            let before = lease.sync.marker.clone();
            let verdict = self
                .verdict(look, credential, entry, before.as_deref())
                .await;
            if let Verdict::LookAgain(answer) = verdict {
                lease.unsettled = open[position..]
                    .iter()
                    .map(|(entry, _)| entry.clone())
                    .collect();
                return Ok(Some(answer));
            }
            let message = own
                .iter()
                .find(|(_, note)| note.delivery() == *entry)
                .map(|(message, _)| *message);
            self.settle(ledger, lease, entry, row, &verdict, message)
                .await?;
        }
        Ok(None)
    }

    /// Writes a verdict into the book.
    async fn settle(
        &self,
        ledger: &Ledger,
        lease: &mut Lease,
        delivery: &str,
        row: &Delivery,
        verdict: &Verdict,
        message: Option<&Message>,
    ) -> Result<(), platform::TableError> {
        let now = self.clock.now();
        match (verdict, message) {
            (Verdict::Sent, _) => {
                lease.sync.marker = Some(delivery.to_owned());
                ledger
                    .end(delivery, &row.holder, Status::Sent, None, now)
                    .await
            }
            (Verdict::NotSent | Verdict::LookAgain(_), _) => {
                ledger
                    .end(delivery, &row.holder, Status::Waiting, None, now)
                    .await
            }
            (Verdict::Unclear, Some(message)) => self.unclear(ledger, delivery, row, message).await,
            // Its own message will come back, with what a person needs to see; until then the claim stays open.
            (Verdict::Unclear, None) => Ok(()),
        }
    }

    /// Shows a delivery to a person, or sends it once more where the store asked for that.
    pub(crate) async fn unclear(
        &self,
        ledger: &Ledger,
        delivery: &str,
        row: &Delivery,
        message: &Message,
    ) -> Result<(), platform::TableError> {
        let now = self.clock.now();
        let store = self.stores.get(&ledger.store).await.ok();
        let kind = message.note.as_ref().map(|note| note.kind);
        let resend = store.zip(kind).is_some_and(|(store, kind)| {
            self.destination.on_ambiguous(&store, kind) == OnAmbiguous::Resend
        });
        if resend {
            return ledger
                .end(delivery, &row.holder, Status::Waiting, None, now)
                .await;
        }
        let end = (Status::Unconfirmed, vendors::Reason::Unconfirmed);
        ledger
            .end_for_a_person(delivery, &row.holder, end, message, now)
            .await
    }

    async fn look(&self, call: &Call, credential: &Credential) -> Option<vendors::Reply> {
        self.wire.send(call, credential.headers()).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_tells_only_what_it_can() {
        let cases = [
            (Some("a#10"), Some("ours#20"), Verdict::Sent),
            (None, Some("ours#20"), Verdict::Sent),
            (Some("a#10"), Some("a#10"), Verdict::NotSent),
            (Some("z#30"), Some("z#30"), Verdict::NotSent),
            (None, None, Verdict::NotSent),
            (None, Some("a#10"), Verdict::NotSent),
            (None, Some("z#30"), Verdict::Unclear),
            (None, Some("not of ours"), Verdict::Unclear),
            (Some("a#10"), None, Verdict::Unclear),
            (Some("a#10"), Some("b#15"), Verdict::Unclear),
        ];
        for (before, seen, verdict) in cases {
            assert_eq!(
                compare("ours#20", before, seen),
                verdict,
                "{before:?} {seen:?}"
            );
        }
    }
}
