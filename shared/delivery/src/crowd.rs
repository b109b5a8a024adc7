//! Many members of one account in one call: what comes due on one day is the same for all of them.
//!
//! Each member's turn goes its own way, with its own lease and claim, up to the call. There it waits for the others. When
//! every turn of the crowd has come to its call or has ended, the calls that say the same are made as one, and each turn
//! goes on with the answer: so nothing that holds for one member's call is different here. A turn that must call the
//! vendor by itself before that leaves the crowd: nobody waits for it.

use std::{collections::BTreeMap, panic::AssertUnwindSafe};

use futures_channel::oneshot;
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{join, join_all},
    stream,
};
use platform::Deadline;
use vendors::{Answer, Call, Outcome, Reason};

use crate::{
    Account, Pusher,
    attempt::{Attempted, OnLine},
    batch::panicked,
    gather::{Crowd, Joined, Waiting},
    http,
    member::{Job, Turns, out_of_time, paced, park_failures},
};

/// Calls of one crowd that are under way at the same time.
const AT_ONCE: usize = 4;

impl Pusher {
    /// Makes the calls of a crowd once all of its turns have come or gone, with the permits that it has.
    pub(crate) async fn lead(
        &self,
        crowd: &Crowd,
        complete: oneshot::Receiver<()>,
        line: OnLine,
        deadline: Deadline,
    ) {
        // An error means that no turn is left.
        let _ = complete.await;
        let waiting = crowd.take();
        let mut alike: BTreeMap<String, Vec<Waiting>> = BTreeMap::new();
        for one in waiting {
            alike.entry(one.joins.clone()).or_default().push(one);
        }
        let OnLine {
            account,
            mut permits,
        } = line;
        let most = self.destination.together().max(1);
        let mut calls = Vec::new();
        for mut some in alike.into_values() {
            while !some.is_empty() {
                let rest = some.split_off(some.len().min(most));
                calls.push(std::mem::replace(&mut some, rest));
            }
        }
        let each = calls.into_iter().map(|together| {
            let line = OnLine {
                account: account.clone(),
                permits: permits.pop().into_iter().collect(),
            };
            self.make(together, line, deadline)
        });
        let each: Vec<_> = each.collect();
        stream::iter(each)
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
        self.lines.give_back(&account, permits);
    }

    /// Makes one call of several and tells each turn what became of it.
    async fn make(&self, together: Vec<Waiting>, mut line: OnLine, deadline: Deadline) {
        let calls: Vec<&Call> = together.iter().map(|one| &one.call).collect();
        let count = calls.len();
        let (Some(call), Some(first)) = (self.destination.join(&calls), together.first()) else {
            return self.tell(together, |_| Joined::Alone, line);
        };
        if deadline.remaining(&*self.clock) <= http::TIMEOUT {
            let late = |_| Joined::Made(Attempted::NotSent(Reason::OutOfTime));
            return self.tell(together, late, line);
        }
        let mut credential = first.credential.clone();
        let attempted = self
            .attempt(&call, &mut credential, &mut line, deadline)
            .await;
        tracing::info!(
            destination = self.destination.name(),
            count,
            "members were written together"
        );
        let each = |place: usize| match &attempted {
            Attempted::NotSent(reason) => Joined::Made(Attempted::NotSent(*reason)),
            // One of them may be the reason: the others must not suffer for it.
            Attempted::Answered(Answer::Refused(_)) if count > 1 => Joined::Alone,
            Attempted::Answered(Answer::Booked { people }) => {
                let person = people.get(place).cloned().flatten();
                Joined::Made(Attempted::Answered(Answer::Booked {
                    people: vec![person],
                }))
            }
            Attempted::Answered(answer) => Joined::Made(Attempted::Answered(answer.clone())),
        };
        self.tell(together, each, line);
    }

    fn tell(&self, together: Vec<Waiting>, each: impl Fn(usize) -> Joined, line: OnLine) {
        self.lines.give_back(&line.account, line.permits);
        for (place, one) in together.into_iter().enumerate() {
            // A turn that is gone has nothing to hear: its lease runs out, and the next one looks.
            let _ = one.done.send(each(place));
        }
    }

    /// Works through the messages of several members of one store. The result has one outcome for each job, member by
    /// member, in order.
    pub(crate) async fn crowd(
        &self,
        members: &[Vec<Job>],
        deadline: Deadline,
    ) -> Vec<Vec<Outcome>> {
        let all = |outcome| {
            members
                .iter()
                .map(|jobs| vec![outcome; jobs.len()])
                .collect()
        };
        let Some(first) = members.first().and_then(|jobs| Some((jobs, jobs.first()?))) else {
            return all(out_of_time());
        };
        let (jobs, store) = (first.0, &first.1.message.store);
        let settings = match self.settings(store, jobs).await {
            Ok(settings) => settings,
            Err(outcome) => return all(outcome),
        };
        let account = Account::of(self.destination, &settings);
        let calls = members.len().div_ceil(self.destination.together().max(1));
        let permits = match self.permits(&account, jobs, Turns::Live, calls).await {
            Ok(permits) => permits,
            Err(outcome) => {
                let each = |jobs: &Vec<Job>| vec![paced(jobs, outcome); jobs.len()];
                return members.iter().map(each).collect();
            }
        };
        let (crowd, complete) = Crowd::of(members.len());
        let turns = members.iter().map(|jobs| {
            let place = (crowd.ticket(), deadline);
            let turn = self.one_of(settings.clone(), &account, jobs, place);
            let turn = AssertUnwindSafe(Box::pin(turn)).catch_unwind();
            async { turn.await.unwrap_or_else(|_| panicked(jobs)) }
        });
        let line = OnLine {
            account: account.clone(),
            permits,
        };
        let lead = self.lead(&crowd, complete, line, deadline);
        let (outcomes, ()) = join(join_all(turns), lead).await;
        let flat: Vec<Outcome> = outcomes.iter().flatten().copied().collect();
        self.tell_the_line(&account, store, &flat).await;
        match self.lines.known_shut(&account) {
            None => outcomes,
            Some(_) => outcomes
                .into_iter()
                .map(|one| one.into_iter().map(park_failures).collect())
                .collect(),
        }
    }
}
