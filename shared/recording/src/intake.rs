//! From a batch of deliveries to what became of each.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use futures_util::future::join_all;
use loyalty::{Alias, Event, HashKey, MemberKey, StoreId, Who};
use platform::{Clock, Queue, StoreError, Stores, Table, from_item};
use vendors::{Envelope, Read, Reason, Source, Store, registry::Teller};

use crate::{
    Failure, Recorded, Seen, aside, hint,
    member::{self, Entry},
    rows::{self, AliasRow},
    send,
};

/// Takes deliveries in.
pub struct Recorder {
    /// The table.
    pub table: Arc<dyn Table>,
    /// The queues.
    pub queue: Arc<dyn Queue>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Store settings.
    pub stores: Stores,
    /// The stack's key for ids.
    pub hash_key: HashKey,
    /// The queue of each destination that this stack has: name to URL.
    pub queues: BTreeMap<String, String>,
    /// The queue of reads: news that tells of a gap has its member read.
    pub reads: String,
    /// Which sources were seen sending what the clock could bring.
    pub seen: Seen,
    /// Finds a source by its name.
    pub source: fn(&str) -> Option<&'static dyn Source>,
}

/// A delivery as it lay on the inbox.
#[derive(Clone)]
pub struct Delivered {
    /// The message's body: an [`Envelope`] as JSON.
    pub body: String,
}

/// A delivery that was read.
struct Opened {
    envelope: Envelope,
    store: Arc<Store>,
    read: Read,
}

/// Which address a batch gives for a source's own id.
type Addresses = BTreeMap<(StoreId, Alias), MemberKey>;

fn addresses(batch: &[Result<Opened, Failure>]) -> Addresses {
    let events = batch
        .iter()
        .flatten()
        .filter_map(|opened| match &opened.read {
            Read::Event(event) => Some((&opened.store.id, &event.who)),
            Read::Hint { .. } | Read::Kept { .. } | Read::Notice { .. } => None,
        });
    let named = events.filter_map(|(store, who)| match who {
        Who::Email(email, Some(alias)) => {
            Some(((store.clone(), alias.clone()), MemberKey::of_email(email)))
        }
        Who::Email(_, None) | Who::External(_) => None,
    });
    named.collect()
}

impl Recorder {
    /// Records a batch. The result has one place for each delivery, in order.
    pub async fn record(&self, deliveries: Vec<Delivered>) -> Vec<Result<Recorded, Failure>> {
        let mut results: Vec<Option<Result<Recorded, Failure>>> = vec![None; deliveries.len()];
        let mut members: BTreeMap<(StoreId, MemberKey), (Arc<Store>, Vec<Entry>)> = BTreeMap::new();
        let opened = join_all(deliveries.iter().map(|delivery| self.open(delivery))).await;
        let addresses = addresses(&opened);
        for (place, opened) in opened.into_iter().enumerate() {
            let Opened {
                envelope,
                store,
                read,
            } = match opened {
                Ok(opened) => opened,
                Err(failure) => {
                    results[place] = Some(Err(failure));
                    continue;
                }
            };
            match read {
                Read::Event(event) => match self.member(&store, &event, &addresses).await {
                    Ok(member) => {
                        let entry = Entry::new(place, *event, &envelope);
                        let group = members
                            .entry((store.id.clone(), member))
                            .or_insert_with(|| (store, Vec::new()));
                        group.1.push(entry);
                    }
                    Err(failure) => results[place] = Some(Err(failure)),
                },
                Read::Hint { topic, whom } => {
                    results[place] = Some(hint::take(self, &envelope, &store, (topic, whom)).await);
                }
                read => results[place] = Some(aside::put(self, &envelope, read).await),
            }
        }

        let groups = members
            .into_iter()
            .map(|((_, key), (store, entries))| member::record(self, store, key, entries));
        let mut groups = join_all(groups).await;
        send::send(self, &mut groups).await;
        for group in groups {
            let member = self.hash_key.member(&group.store.id, &group.key);
            for entry in group.entries {
                if entry.is_open() && !entry.simulated {
                    self.seen
                        .note(&*self.table, &group.store, &entry.event)
                        .await;
                }
                entry.log(&group.store.id, &member);
                let place = entry.place;
                results[place] = Some(entry.result());
            }
        }
        // Every place was filled above; one that was not must come again.
        results
            .into_iter()
            .map(|result| result.unwrap_or(Err(Failure(Reason::Panicked))))
            .collect()
    }

    async fn open(&self, delivery: &Delivered) -> Result<Opened, Failure> {
        let unreadable = Failure(Reason::UnreadableMessage);
        let envelope: Envelope = serde_json::from_str(&delivery.body).map_err(|_| unreadable)?;
        let body = envelope.open().map_err(|_| unreadable)?;
        let teller = Teller::named(&envelope.source, self.source).ok_or(unreadable)?;
        let store = self.stores.get(&envelope.store).await.map_err(|error| {
            tracing::error!(store = %envelope.store, %error, "a delivery waits for its store's settings");
            Failure(match error {
                StoreError::Table(_) => Reason::TableUnavailable,
                StoreError::Missing(_) | StoreError::Unreadable(_) => Reason::StoreMissing,
            })
        })?;
        if !teller.is_heard(&store) {
            let read = Read::Kept {
                topic: None,
                reason: Reason::SourceOff,
            };
            return Ok(Opened {
                envelope,
                store,
                read,
            });
        }
        // A body that breaks the reader must not take its neighbours with it.
        let read = catch_unwind(AssertUnwindSafe(|| {
            teller.read(&envelope, &body, &store, &self.hash_key)
        }));
        let read = read.map_err(|_| Failure(Reason::Panicked))?;
        Ok(Opened {
            envelope,
            store,
            read,
        })
    }

    /// The key of the member that an event is about. Only a person without an address is looked up by the source's id:
    /// among the others of the batch, and then in the table.
    async fn member(
        &self,
        store: &Store,
        event: &Event,
        addresses: &Addresses,
    ) -> Result<MemberKey, Failure> {
        let Who::External(alias) = &event.who else {
            return Ok(event.who.key());
        };
        if let Some(key) = addresses.get(&(store.id.clone(), alias.clone())) {
            return Ok(key.clone());
        }
        let row = self
            .table
            .get(&rows::alias_key(&store.id, alias), true)
            .await;
        let row = row.map_err(|_| Failure(Reason::TableUnavailable))?;
        let known = row
            .and_then(|item| from_item::<AliasRow>(item).ok())
            .map(|row| row.member);
        Ok(known.unwrap_or_else(|| event.who.key()))
    }
}
