//! `redrive`: moves what no attempt could finish from a dead-letter queue back to its queue.
//!
//! A message is sent first and deleted then: cut off in between it is there twice and never lost. Twice is harmless: a
//! delivery on the inbox that was recorded is a repeat, and news for a destination is claimed once in the book of
//! deliveries.

use platform::Outgoing;
use serde_json::{Value, json};
use vendors::{Fault, Section};

use crate::{
    asked,
    command::{DeadLetters, Operator, fault},
};

/// How long a message is hidden while it is moved, in seconds: as long as the function may run.
const HIDDEN: u32 = 60;

/// Messages that one command moves at most.
const MOST: usize = 1_000;

struct Asked {
    queue: String,
    ends: DeadLetters,
    limit: usize,
    by: String,
    why: String,
}

impl Operator {
    /// `{"command": "redrive", "queue": "inbox" | "reads" | "<destination>", "by", "why", "limit"}` answers `{"ok", "queue",
    /// "moved", "more"}`.
    pub(crate) async fn redrive(&self, asked: Value) -> Result<Value, Vec<Fault>> {
        let asked = asked::read(asked, |section| {
            let queue = self.dead_letters_of(section);
            let limit = asked::limit(section, MOST);
            let by = asked::by(section);
            let why = asked::why(section);
            let (queue, ends) = queue?;
            Some(Asked {
                queue,
                ends,
                limit,
                by,
                why,
            })
        })?;
        let what = json!({"queue": asked.queue, "limit": asked.limit});
        self.audit_stack(&asked.by, "redrive", &asked.why, &what)
            .await?;
        let mut moved = 0;
        while moved < asked.limit {
            match self.move_some(&asked.ends, asked.limit - moved).await {
                Ok(0) => break,
                Ok(some) => moved += some,
                Err(faults) => {
                    return Ok(
                        json!({"ok": false, "faults": faults, "queue": asked.queue, "moved": moved}),
                    );
                }
            }
        }
        tracing::info!(queue = asked.queue, moved, "dead letters were moved back");
        Ok(json!({"ok": true, "queue": asked.queue, "moved": moved, "more": moved >= asked.limit}))
    }

    fn dead_letters_of(&self, section: &mut Section) -> Option<(String, DeadLetters)> {
        let queue = section.required_text("queue");
        let ends = self.dead_letters.get(&queue).cloned();
        if ends.is_none() && !queue.is_empty() {
            let known: Vec<&str> = self.dead_letters.keys().map(String::as_str).collect();
            section.fault(
                "queue",
                format!("`{queue}` is none of {}", known.join(", ")),
            );
        }
        Some((queue, ends?))
    }

    /// Moves up to ten messages; tells how many. None means that there is nothing more to receive.
    async fn move_some(&self, ends: &DeadLetters, limit: usize) -> Result<usize, Vec<Fault>> {
        let unanswered = |error| fault("queue", error);
        let handed = self.queue.receive(&ends.from, limit, HIDDEN).await;
        let handed = handed.map_err(unanswered)?;
        let bodies = handed.iter().enumerate();
        let messages = bodies.map(|(id, handed)| Outgoing {
            id,
            body: handed.body.clone(),
        });
        let messages: Vec<Outgoing> = messages.collect();
        if messages.is_empty() {
            return Ok(0);
        }
        let refused = self.queue.send(&ends.to, messages).await;
        let taken = handed.into_iter().enumerate();
        let taken = taken.filter(|(id, _)| !refused.contains(id));
        let receipts: Vec<String> = taken.map(|(_, handed)| handed.receipt).collect();
        let moved = receipts.len();
        if moved > 0 {
            let left = self.queue.delete(&ends.from, receipts).await;
            if !left.map_err(unanswered)?.is_empty() {
                return Err(fault(
                    "queue",
                    "some messages were moved and could not be deleted: they come twice, which is harmless; try again in a minute",
                ));
            }
        }
        if refused.is_empty() {
            Ok(moved)
        } else {
            Err(fault(
                "queue",
                "the queue did not take every message: those stay where they were; try again in a minute",
            ))
        }
    }
}
