//! Looks after the lines and what waits behind them: probes what is closed, sends what is parked, oldest first.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use loyalty::StoreId;
use platform::{
    Deadline, Item, Listed, RowKey, TableError, Update, from_item, next_after, text, whole,
};
use vendors::{Message, Outcome, Reason, Store};

use crate::{
    Account, Leftover, List, Parked, Pusher, Then, http,
    line::Probed,
    list::END,
    member::{Job, Turns},
};

/// Rows of the index that are read at once.
const PAGE: usize = 20;

/// The most rows of one member that have one turn together.
const MEMBER: usize = 50;

/// How many messages of a store may be tried as a probe before one of them reaches the vendor.
const PROBES: usize = 20;

/// How many people's messages must fail before a probe says that the line does not work: one may fail by itself.
const FAILURES: usize = 3;

/// How many parked messages are counted.
const COUNTED: usize = 1_000;

/// The longest wait of one parked message that fails by itself.
const LONGEST: i64 = 60 * 60;

/// What stands with a destination after its lines were looked after.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tended {
    /// Lines that are closed.
    pub closed: u64,
    /// Messages that are parked; counted up to 1000 a store.
    pub parked: u64,
    /// For how long the oldest of them has waited.
    pub oldest: Duration,
}

/// How parked work is sent in this run.
#[derive(Clone, Copy)]
struct Round<'a> {
    /// What people wanted for the work of pauses that have ended.
    leftovers: &'a [Leftover],
    /// Whether a closed line is tried with it.
    probing: bool,
    /// Whether messages are tried that were to wait longer.
    early: bool,
    deadline: Deadline,
}

/// A parked message with its row.
struct Waiting {
    key: RowKey,
    row: Parked,
    message: Message,
}

/// How a member's parked work ended: what weighs more stands below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turned {
    /// Nothing was there that needed the vendor.
    Idle,
    /// The vendor answered.
    Reached,
    /// The vendor was asked for this member and failed.
    Failed,
    /// This member's work must wait, and nobody else's.
    Waits,
    /// The store's credential is missing or wrong.
    Refused,
    /// The vendor was not asked, and not through its fault.
    Unasked,
    /// The whole line must wait.
    Stopped,
}

impl Pusher {
    /// Looks after one account: `stores` are all that use it. Works until nothing is left to do, or until too little
    /// time remains for one more call.
    ///
    /// # Errors
    /// When the table does not answer. The next run goes on where this one stopped.
    pub async fn tend(
        &self,
        stores: &[Arc<Store>],
        deadline: Deadline,
    ) -> Result<Tended, TableError> {
        let Some(account) = stores
            .first()
            .map(|store| Account::of(self.destination, store))
        else {
            return Ok(Tended::default());
        };
        let mut line = self.lines.get(&account).await?;
        let round = Round {
            leftovers: &line.leftovers.clone(),
            probing: false,
            early: false,
            deadline,
        };
        if line.shut(self.clock.now()).is_some() && !line.is_paused(self.clock.now()) {
            self.probe(&account, stores, round).await?;
            line = self.lines.get(&account).await?;
        }
        if line.shut(self.clock.now()).is_none() {
            let mut waits = false;
            for store in stores {
                waits |= self.drain(&store.id, round).await?;
            }
            // So it is nearly always, and costs no more than this.
            if !waits {
                return Ok(Tended::default());
            }
            line = self.lines.get(&account).await?;
        }
        let mut tended = Tended {
            closed: u64::from(line.shut(self.clock.now()).is_some()),
            ..Tended::default()
        };
        for store in stores {
            let counted = self.count_parked(&store.id).await?;
            tended.parked += counted.parked;
            tended.oldest = tended.oldest.max(counted.oldest);
        }
        Ok(tended)
    }

    /// Finds out whether a closed line works again, if that is due: with one message, or a few where the first ones fail
    /// or say nothing.
    async fn probe(
        &self,
        account: &Account,
        stores: &[Arc<Store>],
        round: Round<'_>,
    ) -> Result<(), TableError> {
        if !self.lines.probe(account).await? {
            return Ok(());
        }
        let tried = self.try_parked(stores, round).await;
        // Where nothing waits, the next news is the probe.
        let found = match &tried {
            Ok(Some(found)) => *found,
            Ok(None) if self.anything_parked(stores).await? => Probed::Fails,
            Ok(None) => Probed::Works,
            Err(_) => Probed::Untold,
        };
        let line = self.lines.probed(account, found).await?;
        tracing::info!(destination = self.destination.name(), ?found, state = ?line.state, "a closed line was probed");
        tried.map(drop)
    }

    /// Tries parked messages until one tells whether the vendor can be reached: first those whose time has come, then the
    /// others. None when none told.
    async fn try_parked(
        &self,
        stores: &[Arc<Store>],
        round: Round<'_>,
    ) -> Result<Option<Probed>, TableError> {
        let mut failures = 0;
        for early in [false, true] {
            let round = Round {
                probing: true,
                early,
                ..round
            };
            for store in stores {
                let list = List::Parked.of(&store.id, self.destination.name());
                for listed in self.table.work(&list, "", END, PROBES).await? {
                    match self.parked_member(&listed, 1, round).await? {
                        Turned::Idle | Turned::Waits => {}
                        Turned::Reached => return Ok(Some(Probed::Works)),
                        Turned::Unasked => return Ok(Some(Probed::Untold)),
                        Turned::Refused if stores.len() > 1 => break,
                        Turned::Failed if failures + 1 < FAILURES => failures += 1,
                        Turned::Failed | Turned::Refused | Turned::Stopped => {
                            return Ok(Some(Probed::Fails));
                        }
                    }
                }
            }
        }
        Ok((failures > 0).then_some(Probed::Fails))
    }

    async fn anything_parked(&self, stores: &[Arc<Store>]) -> Result<bool, TableError> {
        for store in stores {
            let list = List::Parked.of(&store.id, self.destination.name());
            if !self.table.work(&list, "", END, 1).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Sends what a store has parked, oldest first. Tells whether there was anything.
    async fn drain(&self, store: &StoreId, round: Round<'_>) -> Result<bool, TableError> {
        let list = List::Parked.of(store, self.destination.name());
        let mut from = String::new();
        let mut done = BTreeSet::new();
        loop {
            let page = self.table.work(&list, &from, END, PAGE).await?;
            let Some(end) = page.last() else {
                return Ok(!done.is_empty());
            };
            from = next_after(&end.place);
            for listed in &page {
                if !done.insert(listed.key.pk.clone()) {
                    continue;
                }
                if round.deadline.remaining(&*self.clock) <= http::TIMEOUT * 2 {
                    return Ok(true);
                }
                let turned = self.parked_member(listed, MEMBER, round).await?;
                if turned >= Turned::Refused {
                    return Ok(true);
                }
            }
        }
    }

    /// One turn for the parked work of the member that a listed row belongs to.
    async fn parked_member(
        &self,
        listed: &Listed,
        most: usize,
        round: Round<'_>,
    ) -> Result<Turned, TableError> {
        let Some(first) = self.table.get(&listed.key, true).await? else {
            return Ok(Turned::Idle);
        };
        let Some(first) = waiting(listed.key.clone(), first) else {
            return Ok(Turned::Waits);
        };
        let (store, member) = (first.message.store.clone(), first.message.member.clone());
        // Read before the rows: whatever is parked from now on changes it.
        let flag = self.waiting(&store, &member).await?;
        let prefix = Parked::prefix(self.destination.name());
        let page = self
            .table
            .page(&first.key.pk, &prefix, None, MEMBER)
            .await?;
        let complete = page.next.is_none();
        let now = self.clock.now();
        let mut all: Vec<Waiting> = page
            .items
            .into_iter()
            .filter_map(|item| waiting(RowKey::of(&item)?, item))
            .collect();
        all.sort_by_key(|waiting| {
            let note = waiting.message.note.as_ref();
            (note.map(|note| note.occurrence), waiting.row.at)
        });
        let mut left = all.len();
        all.truncate(most);
        let due = |waiting: &Waiting| round.early || waiting.row.due <= now.as_microsecond();
        if !all.iter().all(due) {
            return Ok(Turned::Waits);
        }
        let (dropped, sent): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|waiting| wish(round.leftovers, &waiting.row) == Then::Drop);
        for waiting in dropped {
            self.report(&waiting.message, Outcome::Skipped(Reason::Dropped));
            self.unpark(&waiting).await?;
            left -= 1;
        }
        let turned = self.send_parked(sent, round, &mut left).await?;
        if left == 0
            && complete
            && let Some(flag) = flag
        {
            self.nothing_waits(&store, &member, &flag).await?;
            // Somebody who parks puts up the flag first: theirs may just have been taken down. So may be the flag of what was
            // parked under another key of the person.
            if self.anything_waits(&store, &member).await? {
                self.say_that_work_waits(&store, &member).await?;
            }
        }
        Ok(turned)
    }

    /// Sends one member's parked messages and takes away those that are done with.
    async fn send_parked(
        &self,
        waiting: Vec<Waiting>,
        round: Round<'_>,
        left: &mut usize,
    ) -> Result<Turned, TableError> {
        let jobs: Vec<Job> = waiting
            .iter()
            .enumerate()
            .map(|(place, waiting)| Job {
                place,
                message: waiting.message.clone(),
                receives: waiting.row.attempts + 1,
                quiet: wish(round.leftovers, &waiting.row) == Then::Quiet,
            })
            .collect();
        let turns = Turns::Parked {
            probing: round.probing,
        };
        let outcomes = self.guarded(&jobs, turns, round.deadline).await;
        let mut turned = Turned::Idle;
        for (waiting, outcome) in waiting.iter().zip(outcomes) {
            self.report(&waiting.message, outcome);
            turned = turned.max(turn_of(outcome));
            if outcome.is_done() {
                self.unpark(waiting).await?;
                *left -= 1;
            } else {
                self.try_later(waiting, outcome).await?;
            }
        }
        Ok(turned)
    }

    /// Takes a message away that is done with.
    async fn unpark(&self, waiting: &Waiting) -> Result<(), TableError> {
        self.table.delete(&waiting.key, None).await.map(drop)
    }

    /// Lets a message that fails by itself wait twice as long each time, so that it does not stand in everyone's way.
    async fn try_later(&self, waiting: &Waiting, outcome: Outcome) -> Result<(), TableError> {
        let Outcome::Retry { after, .. } = outcome else {
            return Ok(());
        };
        let doubled = 60_i64 << waiting.row.attempts.min(6);
        let asked = i64::try_from(after.as_secs()).unwrap_or(LONGEST);
        let wait = SignedDuration::from_secs(doubled.min(LONGEST).max(asked));
        let now = self.clock.now();
        let due = now.saturating_add(wait).unwrap_or(now);
        let update = Update {
            set: vec![
                ("attempts", whole(i64::from(waiting.row.attempts) + 1)),
                ("due", whole(due.as_microsecond())),
            ],
            condition: Some(platform::Condition::Is("ws", text(waiting.row.ws.clone()))),
            ..Update::default()
        };
        self.table.update(&waiting.key, update).await.map(drop)
    }

    /// How much of a store is parked, and for how long the oldest of it has waited.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn count_parked(&self, store: &StoreId) -> Result<Tended, TableError> {
        let list = List::Parked.of(store, self.destination.name());
        let listed = self.table.work(&list, "", END, COUNTED).await?;
        let since = listed
            .first()
            .and_then(|listed| listed.place.split('#').next()?.parse::<i64>().ok())
            .and_then(|micros| Timestamp::from_microsecond(micros).ok());
        let oldest = since.map_or(SignedDuration::ZERO, |since| {
            self.clock.now().duration_since(since)
        });
        Ok(Tended {
            closed: 0,
            parked: u64::try_from(listed.len()).unwrap_or(u64::MAX),
            oldest: Duration::try_from(oldest).unwrap_or_default(),
        })
    }
}

/// What one message's outcome says of the line.
fn turn_of(outcome: Outcome) -> Turned {
    match outcome {
        Outcome::Sent | Outcome::Rejected(_) | Outcome::Unconfirmed => Turned::Reached,
        Outcome::Skipped(_) => Turned::Idle,
        Outcome::Retry {
            reason: Reason::NoAnswer | Reason::VendorError,
            ..
        } => Turned::Failed,
        Outcome::Retry { .. } if Probed::failing(outcome) == Probed::Untold => Turned::Unasked,
        Outcome::Retry { .. } => Turned::Waits,
        Outcome::Misconfigured(Reason::SecretMissing | Reason::Unauthorized) => Turned::Refused,
        Outcome::Throttled { .. } | Outcome::Misconfigured(_) | Outcome::Parked(_) => {
            Turned::Stopped
        }
    }
}

/// What a person wanted for a parked message.
fn wish(leftovers: &[Leftover], row: &Parked) -> Then {
    let own = leftovers
        .iter()
        .find(|leftover| (leftover.since..leftover.before).contains(&row.at));
    match own {
        Some(leftover) if row.reason == Reason::Paused => leftover.then,
        _ => Then::Send,
    }
}

/// The message in a row; none when no release can read it: then it stays where a person finds it.
fn waiting(key: RowKey, item: Item) -> Option<Waiting> {
    let row: Parked = from_item(item).ok()?;
    let message = serde_json::from_str(&row.message).ok();
    if message.is_none() {
        tracing::error!("a parked message cannot be read; it stays parked");
    }
    Some(Waiting {
        key,
        message: message?,
        row,
    })
}
