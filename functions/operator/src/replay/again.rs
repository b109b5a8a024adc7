//! Deliveries of a source that are read once more: what was kept for a later release, and the body of an event.

use loyalty::EventId;
use recording::{Kept, Returned, Shelf, story};
use serde_json::json;
use vendors::{
    Envelope, Fault, Read,
    registry::{self, Teller},
};

use super::{Asked, Page, Progress};
use crate::{
    asked::Person,
    command::{Operator, fault},
};

impl Operator {
    pub(super) async fn replay_kept(
        &self,
        asked: &Asked,
        page: &Page,
    ) -> Result<Progress, Vec<Fault>> {
        let stock = Shelf {
            table: self.table.clone(),
            store: asked.store.clone(),
        };
        let kept = stock.page(page.after.as_deref(), page.limit).await;
        let (kept, next) = kept.map_err(|error| fault("table", error))?;
        let places: Vec<&str> = kept.iter().map(|kept| kept.place.as_str()).collect();
        let what = json!({"kept": places});
        self.audit(&asked.store, &asked.by, "replay", &asked.why, &what)
            .await?;
        let mut progress = Progress {
            next,
            ..Progress::default()
        };
        for kept in kept {
            let returned = stock.give_back(&kept, &self.inbox).await;
            let outcome = match returned {
                Ok(Returned::Yes) => "replayed",
                Ok(Returned::KeptAgain) => "kept_again",
                Ok(Returned::Gone) => "handled_by_another",
                Ok(Returned::Incomplete) => "incomplete",
                Ok(Returned::NotTaken) => {
                    progress.stopped = Some(not_taken());
                    break;
                }
                Err(error) => {
                    progress.stopped = Some(fault("table", error));
                    break;
                }
            };
            let Kept { topic, reason, .. } = &kept;
            progress.items.push(json!({
                "topic": topic, "reason": reason.code(), "place": kept.place, "outcome": outcome,
            }));
        }
        Ok(progress)
    }

    pub(super) async fn replay_event(
        &self,
        asked: &Asked,
        event: &EventId,
        person: &Person,
    ) -> Result<Progress, Vec<Fault>> {
        let member = self.member_key(&asked.store, person).await?;
        let delivery = story::delivery(&*self.table, (&asked.store, &member, event)).await;
        let Some(envelope) = delivery.map_err(|error| fault("table", error))? else {
            return Err(fault(
                "event",
                "this person has no such event, or its body was too large to be kept",
            ));
        };
        let envelope = self.same_event(event, envelope).await?;
        let named = self.hash_key.member(&asked.store, &member);
        let what = json!({"event": event.as_str(), "member": named});
        self.audit(&asked.store, &asked.by, "replay", &asked.why, &what)
            .await?;
        let mut progress = Progress::default();
        if self.inbox.put(&envelope).await {
            let item = json!({"event": event.as_str(), "member": named, "outcome": "replayed"});
            progress.items.push(item);
        } else {
            progress.stopped = Some(not_taken());
        }
        Ok(progress)
    }

    /// The delivery, if it is still read as the same event: under another id it would be news, and start once more.
    async fn same_event(
        &self,
        event: &EventId,
        mut envelope: Envelope,
    ) -> Result<Envelope, Vec<Fault>> {
        let settings = self.stores.get(&envelope.store).await;
        let settings = settings.map_err(|error| fault("store", error))?;
        if envelope.source.is_empty() {
            // Rows of the first release do not name their source: there was one.
            let mut sources = registry::SOURCES.iter().map(|source| source.name());
            envelope.source = sources.next().map(ToOwned::to_owned).unwrap_or_default();
        }
        let teller = Teller::named(&envelope.source, registry::source)
            .filter(|teller| teller.is_heard(&settings))
            .ok_or_else(|| fault("event", "the store has the event's source switched off"))?;
        let body = envelope.open().map_err(|error| fault("event", error))?;
        match teller.read(&envelope, &body, &settings, &self.hash_key) {
            Read::Event(read) if read.id == *event => Ok(envelope),
            Read::Event(_) | Read::Hint { .. } | Read::Kept { .. } | Read::Notice { .. } => {
                Err(fault(
                    "event",
                    "with today's settings its body is read as something else, which could start once more",
                ))
            }
        }
    }
}

fn not_taken() -> Vec<Fault> {
    fault(
        "inbox",
        "the queue did not take the delivery, which stays where it was; try again",
    )
}
