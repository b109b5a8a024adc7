//! Whose picture is to be written: takes the lease, reads the picture, and follows a person who has another key now.

use loyalty::{MemberKey, StoreId};
use platform::{Deadline, ErasedRow, HOPS, Held, MemberState, Standing, TableError, from_item};
use vendors::Outcome;

use crate::{
    Pusher,
    lease::Lease,
    member::{Job, not_yet_recorded, receives, table_failed},
};

/// Who was found, under a lease.
pub(crate) struct Person {
    /// The key that the person has now.
    pub(crate) key: MemberKey,
    pub(crate) lease: Lease,
    pub(crate) picture: Picture,
}

/// What stands there.
pub(crate) enum Picture {
    Held(Box<Held>, u64),
    /// The person was erased: the tombstone's version, where one stands.
    Erased(Option<u64>),
}

impl Pusher {
    /// Takes the lease of whoever the jobs are about and reads the picture. Nothing but leases is written.
    pub(crate) async fn find(
        &self,
        (store, named): (&StoreId, &MemberKey),
        jobs: &[Job],
        deadline: Deadline,
    ) -> Result<Person, Outcome> {
        let receives = receives(jobs);
        let mut key = named.clone();
        let mut lease = self.lease((store, &key), jobs, &[], deadline).await?;
        for _ in 0..=HOPS {
            let state = match self.state(store, &key).await {
                Ok(state) => state,
                Err(error) => {
                    // Whatever hinders the release, the lease runs out by itself.
                    let _ = lease.release().await;
                    return Err(table_failed(&error, receives));
                }
            };
            let picture = match state.map(|state| (state.standing, state.version)) {
                Some((Standing::Member(held), version)) => Picture::Held(held, version),
                Some((Standing::Erased { .. }, version)) => Picture::Erased(Some(version)),
                Some((Standing::Moved { to, .. }, _)) => {
                    lease = self.follow((store, &to), lease, jobs, deadline).await?;
                    key = to;
                    continue;
                }
                None => match self.is_erased(store, jobs).await {
                    Ok(true) => Picture::Erased(None),
                    Ok(false) => {
                        let _ = lease.release().await;
                        return Err(not_yet_recorded(receives));
                    }
                    Err(error) => {
                        let _ = lease.release().await;
                        return Err(table_failed(&error, receives));
                    }
                },
            };
            return Ok(Person {
                key,
                lease,
                picture,
            });
        }
        let _ = lease.release().await;
        let error = TableError::Shape("a member's renames have no end".to_owned());
        Err(table_failed(&error, receives))
    }

    async fn state(
        &self,
        store: &StoreId,
        key: &MemberKey,
    ) -> Result<Option<MemberState>, TableError> {
        let item = self.table.get(&MemberState::key(store, key), true).await?;
        item.map(from_item).transpose()
    }

    /// Takes the lease of the key that the person has now, and gives up the one of the key before. What was left
    /// unsettled there comes along, and an erasure or parked work that waits there.
    async fn follow(
        &self,
        (store, to): (&StoreId, &MemberKey),
        lease: Lease,
        jobs: &[Job],
        deadline: Deadline,
    ) -> Result<Lease, Outcome> {
        let carried = lease.unsettled.clone();
        match self.lease((store, to), jobs, &carried, deadline).await {
            Ok(mut next) => {
                next.unsettled.extend(carried);
                next.sync.take_over_erasure(&lease.sync);
                if lease.sync.waiting.is_some() && next.sync.waiting.is_none() {
                    match self.say_that_work_waits(store, to).await {
                        Ok(words) => next.sync.waiting = Some(words),
                        Err(error) => {
                            let _ = next.release().await;
                            let _ = lease.release().await;
                            return Err(table_failed(&error, receives(jobs)));
                        }
                    }
                }
                // The row of the key before says nothing any more. Whatever hinders its removal, its lease runs out.
                let _ = lease.discard().await;
                Ok(next)
            }
            Err(outcome) => {
                let _ = lease.release().await;
                Err(outcome)
            }
        }
    }

    /// Whether the person whom the messages name was erased, and even the tombstone is gone.
    async fn is_erased(&self, store: &StoreId, jobs: &[Job]) -> Result<bool, TableError> {
        let Some(hash) = jobs.iter().find_map(|job| job.message.hash.as_ref()) else {
            return Ok(false);
        };
        let item = self.table.get(&ErasedRow::key(store, hash), true).await?;
        let row: Option<ErasedRow> = item.map(from_item).transpose()?;
        Ok(row.is_some_and(|row| row.blocks == Some(true)))
    }
}
