//! A reader, and what waits on its queue.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use ::reader::Reader;
use delivery::{Asker, Received, Wire};
use jiff::{SignedDuration, Timestamp};
use platform::{Clock as _, Deadline, Inbox, Stores};
use recording::repair::Repairs;
use vendors::{Outcome, Source};

use crate::{
    fuse::Fused,
    operator::{INBOX, recorded},
    world::{READS_QUEUE, World},
};

/// A reader of one source.
pub(crate) struct Reading {
    pub(crate) reader: Reader,
    /// What waits on the queue of reads: when it is due, how often it was handed out, the message.
    waiting: Mutex<Vec<(Timestamp, u32, String)>>,
}

impl Reading {
    /// A reader on this world's ports, with this way to the source's interface.
    pub(crate) fn new(world: &World, source: &dyn Source, inner: Arc<dyn Wire>) -> Self {
        let name = source.name();
        let (table, queue) = (world.recorder.table.clone(), world.recorder.queue.clone());
        let wire = Arc::new(Fused {
            fuse: world.fuse.clone(),
            inner,
        });
        let asker = Asker::new(
            (name, source.api().unwrap()),
            table.clone(),
            (world.secrets.clone(), "bridge".to_owned()),
            world.clock.clone(),
            wire,
        );
        let reader = Reader {
            clock: world.clock.clone(),
            stores: Stores::new(world.table.clone(), world.clock.clone()),
            hash_key: world.recorder.hash_key.clone(),
            inbox: Inbox::new(queue.clone(), INBOX.to_owned()),
            askers: BTreeMap::from([(name, asker)]),
            repairs: Repairs {
                table: table.clone(),
                queue,
                clock: world.clock.clone(),
                url: READS_QUEUE.to_owned(),
            },
            table,
        };
        Self {
            reader,
            waiting: Mutex::default(),
        }
    }

    /// Reads what is due on the queue of reads, in one batch; tells whether the program stopped on the way.
    pub(crate) async fn read(&self, world: &World) -> (Vec<Outcome>, bool) {
        let now = world.clock.now();
        let due = self.take_due(world, now);
        let received: Vec<Received> = due
            .iter()
            .map(|(receives, body)| Received {
                receipt: "r".to_owned(),
                body: body.clone(),
                receives: *receives,
            })
            .collect();
        let deadline = Deadline::after(SignedDuration::from_secs(120), &*world.clock);
        let outcomes = self.reader.read(&received, deadline).await;
        let crashed = world.fuse.mend();
        for ((receives, body), outcome) in due.into_iter().zip(&outcomes) {
            let wait = if crashed {
                Some(SignedDuration::from_mins(12))
            } else {
                outcome.wait().map(|wait| wait.try_into().unwrap())
            };
            if let Some(wait) = wait {
                let at = now.checked_add(wait).unwrap();
                self.waiting.lock().unwrap().push((at, receives + 1, body));
            }
        }
        (outcomes, crashed)
    }

    fn take_due(&self, world: &World, now: Timestamp) -> Vec<(u32, String)> {
        self.take_in(world, now);
        let mut waiting = self.waiting.lock().unwrap();
        waiting.sort_by_key(|(at, ..)| *at);
        let due = waiting.iter().take_while(|(at, ..)| *at <= now).count();
        let due = waiting.drain(..due.min(10));
        due.map(|(_, receives, body)| (receives, body)).collect()
    }

    fn take_in(&self, world: &World, now: Timestamp) {
        let sent = world.queue.take(READS_QUEUE).into_iter();
        let mut waiting = self.waiting.lock().unwrap();
        waiting.extend(sent.map(|body| (now, 1, body)));
    }

    fn next_due(&self, world: &World) -> Option<Timestamp> {
        self.take_in(world, world.clock.now());
        let waiting = self.waiting.lock().unwrap();
        waiting.iter().map(|(at, ..)| *at).min()
    }

    /// Moves the clock until nothing waits on the queue of reads, and records what was found; gives every outcome on the
    /// way.
    pub(crate) async fn settle(&self, world: &World) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        recorded(world).await;
        for _ in 0..200 {
            let Some(next) = self.next_due(world) else {
                return outcomes;
            };
            let wait = next.duration_since(world.clock.now());
            let wait = wait.max(SignedDuration::ZERO) + SignedDuration::from_millis(1);
            world.clock.advance(wait);
            outcomes.extend(self.read(world).await.0);
            recorded(world).await;
        }
        panic!("reads still wait after two hundred rounds: {outcomes:?}");
    }
}
