//! The line to one vendor account: how fast it may be called, and whether at all. Pure: the row, and what becomes of it.
//!
//! Follows the vendor's limits as its folder in `vendors` states them. Rates are kept with the generic cell rate
//! algorithm: each call moves an instant on by one interval, and a call may run ahead of it by a whole burst.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use vendors::{Lane, Outcome, Pace, Reason};

/// The most permits that one process holds.
pub(crate) const PERMITS: usize = 10;

/// How far ahead a process takes permits and waits for them by itself. Beyond it the messages go back to the queue.
const AHEAD: SignedDuration = SignedDuration::from_secs(10);

/// For which calls permits are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    /// How fast the account may be called.
    pub(crate) pace: Pace,
    pub(crate) lane: Lane,
    /// How many calls.
    pub(crate) calls: usize,
    /// Whether this is the one message that finds out if a closed line works again.
    pub(crate) probing: bool,
    /// Whose turn it is when others have taken what the pace allows now.
    pub(crate) priority: Priority,
}

/// What becomes of calls that the pace does not allow now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Priority {
    /// The process waits some seconds for them.
    Waits,
    /// They are not made. What waits in thousands goes back to its queue: what just happened must not queue up behind it.
    ComesBack,
    /// Somebody waits for the answer: they go before all that others were promised, by one burst, and the others' next turns
    /// come later. Nothing more than they need is taken for what comes next in this process.
    First,
}

/// How many calls in a row must fail before the line is closed.
const RUN: u32 = 10;

/// Errors are counted over this time.
const WINDOW: SignedDuration = SignedDuration::from_mins(10);

/// Fewer calls than this say nothing about a share.
const FEW: u32 = 50;

/// From this share of errors on, in per cent, the vendor is called half as often.
const SLOW: u32 = 25;

/// From this share of errors on, in per cent, the line is closed: Rule blocks an account above 49.
const CLOSE: u32 = 40;

/// The longest time between two probes of a closed line.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);

/// The time after the first failed probe.
const FIRST: SignedDuration = SignedDuration::from_mins(5);

/// How long a probe may take before another may begin.
const PROBE: SignedDuration = SignedDuration::from_mins(2);

/// Whether the vendor is called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum State {
    /// It is.
    #[default]
    Open,
    /// It is not, but for one probe at a time. Work is parked.
    Closed {
        /// Why.
        cause: Reason,
        /// Since when, µs since 1970.
        since: i64,
        /// When the next probe is due, µs since 1970.
        probe_at: i64,
        /// How long to wait after the next probe that fails, in seconds.
        wait_s: i64,
    },
    /// A probe is under way. Work is parked.
    Probing {
        /// Why the line was closed.
        cause: Reason,
        /// Since when, µs since 1970.
        since: i64,
        /// When the probe has had its time, µs since 1970.
        until: i64,
        /// How long to wait if it fails, in seconds.
        wait_s: i64,
    },
}

/// What a probe found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probed {
    /// The vendor can be called.
    Works,
    /// It cannot.
    Fails,
    /// Nothing: what hindered the call was not the vendor's doing.
    Untold,
}

impl Probed {
    /// What an outcome that is no success says.
    pub(crate) fn failing(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Retry {
                reason:
                    Reason::Pace
                    | Reason::OutOfTime
                    | Reason::TableUnavailable
                    | Reason::SecretsUnavailable,
                ..
            } => Self::Untold,
            _ => Self::Fails,
        }
    }
}

/// A person's wish that a vendor is not called for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Who asked for it.
    pub by: String,
    /// Why.
    pub why: String,
    /// Since when, µs since 1970.
    pub since: i64,
    /// When it ends by itself, µs since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

/// What becomes of the work that a pause has parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// It is sent as if there had been no pause.
    Send,
    /// Pictures and fields are written, and nothing starts.
    Quiet,
    /// It is discarded. The members' pictures are written with their next news.
    Drop,
}

/// What a person wanted for the work of a pause that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// What becomes of it.
    pub then: Then,
    /// Work that was parked from this instant on belongs to the pause, µs since 1970.
    pub since: i64,
    /// And before this one.
    pub before: i64,
}

/// How many pauses are remembered whose work may still wait.
const PAUSES: usize = 20;

/// The row `LINE` of one vendor account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    v: u8,
    /// Counts the writes: whoever read another number must read again.
    pub(crate) turn: i64,
    /// Whether the vendor is called.
    #[serde(flatten)]
    pub state: State,
    /// A person's pause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
    /// What becomes of what earlier pauses have parked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<Leftover>,
    /// The vendor asked not to be called before this instant, µs since 1970.
    pub blocked_until: i64,
    /// The instant that each permit moves on by one interval, µs since 1970.
    next: i64,
    /// When the counting began, µs since 1970.
    window: i64,
    /// Calls counted since.
    pub calls: u32,
    /// Those of them that the vendor answered with an error, or not at all.
    pub errors: u32,
    /// Calls in a row that the vendor failed to answer properly.
    pub run: u32,
}

/// What calls came to since the row was last written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) calls: u32,
    pub(crate) errors: u32,
    /// Failures in a row at the end of them.
    pub(crate) run: u32,
    /// Whether anything but a failure was among them.
    pub(crate) alive: bool,
    /// The last failure.
    pub(crate) cause: Option<Reason>,
    /// Calls that were made without a permit, because they followed from others.
    pub(crate) extra: u32,
}

impl Tally {
    /// Counts one call. `failed` says why when the vendor failed; a refusal is an error and no failure.
    pub(crate) fn add(&mut self, error: bool, failed: Option<Reason>) {
        self.calls += 1;
        self.errors += u32::from(error);
        if failed.is_some() {
            self.run += 1;
            self.cause = failed;
        } else {
            self.run = 0;
            self.alive = true;
        }
    }
}

/// Whether a vendor may be called now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Yes, at these instants.
    Open(Vec<Timestamp>),
    /// Not before this time has passed, for the pace's sake.
    Later(Duration),
    /// Not before this time has passed, because the vendor said so.
    Blocked(Duration),
    /// No: work is parked.
    Shut(Reason),
}

impl Line {
    /// Why the vendor is not called, and work is parked; none when it is.
    #[must_use]
    pub fn shut(&self, now: Timestamp) -> Option<Reason> {
        if self.is_paused(now) {
            return Some(Reason::Paused);
        }
        match self.state {
            State::Open => None,
            State::Closed { cause, .. } | State::Probing { cause, .. } => Some(cause),
        }
    }

    /// Whether a person's pause is in force.
    #[must_use]
    pub fn is_paused(&self, now: Timestamp) -> bool {
        let ended = |until: i64| until <= now.as_microsecond();
        self.paused
            .as_ref()
            .is_some_and(|pause| !pause.until.is_some_and(ended))
    }

    /// The share of errors in per cent, as far as it is known.
    #[must_use]
    pub fn error_share(&self) -> Option<u32> {
        (self.calls >= FEW).then(|| self.errors * 100 / self.calls)
    }

    /// How long the vendor still wants to be left alone.
    pub(crate) fn blocked(&self, now: Timestamp) -> Option<Duration> {
        let left = SignedDuration::from_micros(self.blocked_until - now.as_microsecond());
        Duration::try_from(left).ok().filter(|left| !left.is_zero())
    }

    /// Takes up to `wanted` permits.
    pub(crate) fn take(&mut self, wanted: usize, wish: Wish, now: Timestamp) -> Gate {
        let Wish {
            pace,
            lane,
            priority,
            ..
        } = wish;
        if let Some(left) = self.blocked(now) {
            return Gate::Blocked(left);
        }
        let slow = self.error_share().is_some_and(|share| share >= SLOW);
        let interval =
            SignedDuration::try_from(pace.interval).unwrap_or_default() * if slow { 2 } else { 1 };
        // Bulk leaves half of every burst to what just happened.
        let burst = match lane {
            Lane::Live => pace.burst,
            Lane::Bulk => pace.burst / 2,
        };
        let ahead = interval * i32::try_from(burst.max(1) - 1).unwrap_or(i32::MAX);
        let longest = match priority {
            Priority::Waits => AHEAD,
            Priority::ComesBack => SignedDuration::ZERO,
            Priority::First => AHEAD + ahead + interval,
        };
        let mut next = instant(self.next).max(now);
        let mut permits = Vec::new();
        while permits.len() < wanted.min(PERMITS) {
            let ready = next.saturating_sub(ahead).unwrap_or(now).max(now);
            if ready.duration_since(now) > longest {
                break;
            }
            permits.push(if priority == Priority::First {
                now
            } else {
                ready
            });
            next = next.saturating_add(interval).unwrap_or(next);
        }
        if permits.is_empty() {
            let ready = next.saturating_sub(ahead).unwrap_or(now);
            let wait = Duration::try_from(ready.duration_since(now)).unwrap_or_default();
            return Gate::Later(wait);
        }
        self.next = next.as_microsecond();
        Gate::Open(permits)
    }

    /// Counts calls, and closes the line when they tell that the vendor is down or about to block us.
    pub(crate) fn count(&mut self, tally: Tally, pace: Pace, now: Timestamp) {
        if now.duration_since(instant(self.window)) >= WINDOW {
            self.window = now.as_microsecond();
            (self.calls, self.errors) = (0, 0);
        }
        self.calls += tally.calls;
        self.errors += tally.errors;
        self.run = tally.run + if tally.alive { 0 } else { self.run };
        let extra =
            i64::from(tally.extra) * i64::try_from(pace.interval.as_micros()).unwrap_or_default();
        self.next = self.next.max(now.as_microsecond()) + extra;
        if self.state != State::Open {
            return;
        }
        if self.run >= RUN {
            self.close(tally.cause.unwrap_or(Reason::VendorError), now);
        } else if self.error_share().is_some_and(|share| share >= CLOSE) {
            self.close(Reason::ErrorShare, now);
        }
    }

    /// Closes the line. One that is closed keeps its cause and its next probe.
    pub(crate) fn close(&mut self, cause: Reason, now: Timestamp) {
        if self.state == State::Open {
            let now = now.as_microsecond();
            self.state = State::Closed {
                cause,
                since: now,
                probe_at: now,
                wait_s: FIRST.as_secs(),
            };
        }
    }

    /// Keeps the vendor from being called for a while.
    pub(crate) fn block(&mut self, wait: Duration, now: Timestamp) {
        let wait = SignedDuration::try_from(wait).unwrap_or_default();
        let until = now.saturating_add(wait).unwrap_or(now).as_microsecond();
        self.blocked_until = self.blocked_until.max(until);
    }

    /// Begins a probe, if one is due. Tells whether it is.
    pub(crate) fn probe(&mut self, now: Timestamp) -> bool {
        let micros = now.as_microsecond();
        let (cause, since, wait_s) = match self.state {
            State::Closed {
                cause,
                since,
                probe_at,
                wait_s,
            } if probe_at <= micros => (cause, since, wait_s),
            State::Probing {
                cause,
                since,
                until,
                wait_s,
            } if until <= micros => (cause, since, wait_s),
            State::Open | State::Closed { .. } | State::Probing { .. } => return false,
        };
        let until = now.saturating_add(PROBE).unwrap_or(now).as_microsecond();
        self.state = State::Probing {
            cause,
            since,
            until,
            wait_s,
        };
        true
    }

    /// Ends a probe: the line is open again, with clean counts, or closed for twice as long. Where nothing was found out
    /// the next round tries again.
    pub(crate) fn probed(&mut self, found: Probed, now: Timestamp) {
        let State::Probing {
            cause,
            since,
            wait_s,
            ..
        } = self.state
        else {
            return;
        };
        let now = now.as_microsecond();
        let (probe_at, wait_s) = match found {
            Probed::Works => {
                self.state = State::Open;
                (self.window, self.calls, self.errors, self.run) = (now, 0, 0, 0);
                return;
            }
            Probed::Fails => (
                now + wait_s * 1_000_000,
                (wait_s * 2).min(LONGEST.as_secs()),
            ),
            Probed::Untold => (now, wait_s),
        };
        self.state = State::Closed {
            cause,
            since,
            probe_at,
            wait_s,
        };
    }

    /// A person's pause begins. The first one stands until it has ended.
    pub(crate) fn pause(&mut self, pause: Pause, now: Timestamp) {
        if !self.is_paused(now) {
            self.paused = Some(pause);
        }
    }

    /// A person's pause ends. Gives whether there was one.
    pub(crate) fn resume(&mut self, then: Then, now: Timestamp) -> bool {
        let Some(pause) = self.paused.take() else {
            return false;
        };
        self.leftovers.push(Leftover {
            then,
            since: pause.since,
            before: now.as_microsecond(),
        });
        let forgotten = self.leftovers.len().saturating_sub(PAUSES);
        self.leftovers.drain(..forgotten);
        true
    }
}

fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        interval: Duration::from_millis(200),
        burst: 5,
    };

    fn wish(priority: Priority) -> Wish {
        Wish {
            pace: PACE,
            lane: Lane::Live,
            calls: 3,
            probing: false,
            priority,
        }
    }

    /// How many calls a line lets through at one instant.
    fn all(line: &mut Line, priority: Priority, now: Timestamp) -> Vec<Timestamp> {
        let mut all = Vec::new();
        while let Gate::Open(permits) = line.take(1, wish(priority), now) {
            all.extend(permits);
        }
        all
    }

    #[test]
    fn a_burst_goes_at_once_and_some_seconds_are_waited_for() {
        let now = instant(1_000_000_000_000_000);
        let mut line = Line::default();
        assert_eq!(all(&mut line, Priority::ComesBack, now).len(), 5);
        let waited = all(&mut line, Priority::Waits, now);
        assert_eq!(waited.len(), 50);
        assert!(waited.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(
            line.take(1, wish(Priority::ComesBack), now),
            Gate::Later(Duration::from_millis(10_200))
        );
    }

    #[test]
    fn whom_somebody_waits_for_goes_first_by_one_burst_that_the_others_pay() {
        let now = instant(1_000_000_000_000_000);
        let mut line = Line::default();
        all(&mut line, Priority::Waits, now);
        let first = all(&mut line, Priority::First, now);
        assert_eq!(first, [now; 5]);
        // What others were promised has moved by the burst: a second later they have nothing to take yet.
        let later = now + SignedDuration::from_secs(1);
        assert_eq!(all(&mut line, Priority::Waits, later), []);
        assert_eq!(all(&mut line, Priority::First, later), [later; 5]);
    }
}
