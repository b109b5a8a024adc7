//! Where the turns of a crowd wait for each other with their calls.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_channel::oneshot;
use vendors::Call;

use crate::{attempt::Attempted, credential::Credential};

/// What a turn's call came to.
pub(crate) enum Joined {
    /// It was made, together with others.
    Made(Attempted),
    /// The vendor took none of them together: each is to be made by itself.
    Alone,
}

/// A turn's call that waits for the others.
pub(crate) struct Waiting {
    /// What it has in common with those that it may be made with.
    pub(crate) joins: String,
    pub(crate) call: Call,
    pub(crate) credential: Credential,
    /// Hears what became of it.
    pub(crate) done: oneshot::Sender<Joined>,
}

#[derive(Default)]
struct Gathering {
    /// Turns that have not come to their call yet.
    expected: usize,
    waiting: Vec<Waiting>,
    /// Told when nobody is expected any more.
    complete: Option<oneshot::Sender<()>>,
}

/// The turns of one account's members that are made together.
pub(crate) struct Crowd(Mutex<Gathering>);

/// One turn's place in a crowd. Given back when it is dropped.
pub(crate) struct Ticket<'a> {
    crowd: &'a Crowd,
}

impl Crowd {
    /// A crowd of this many turns, and a place for each. `complete` is told when all of them have come or gone.
    pub(crate) fn of(turns: usize) -> (Self, oneshot::Receiver<()>) {
        let (told, complete) = oneshot::channel();
        let gathering = Gathering {
            expected: turns,
            complete: Some(told),
            ..Gathering::default()
        };
        (Self(Mutex::new(gathering)), complete)
    }

    /// One turn's place: as many as there are turns.
    pub(crate) const fn ticket(&self) -> Ticket<'_> {
        Ticket { crowd: self }
    }

    /// The calls that wait; nobody waits then.
    pub(crate) fn take(&self) -> Vec<Waiting> {
        std::mem::take(&mut self.gathering().waiting)
    }

    fn gathering(&self) -> MutexGuard<'_, Gathering> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self) {
        let mut gathering = self.gathering();
        gathering.expected = gathering.expected.saturating_sub(1);
        if gathering.expected == 0
            && let Some(complete) = gathering.complete.take()
        {
            // Whoever waited for it is gone: then nobody waits for an answer either.
            let _ = complete.send(());
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.crowd.leave();
    }
}

impl Ticket<'_> {
    /// Waits with a call until it is made together with the others that say the same.
    pub(crate) async fn join(self, call: &Call, joins: String, credential: &Credential) -> Joined {
        let (done, answer) = oneshot::channel();
        self.crowd.gathering().waiting.push(Waiting {
            joins,
            call: call.clone(),
            credential: credential.clone(),
            done,
        });
        drop(self);
        answer.await.unwrap_or(Joined::Alone)
    }
}
