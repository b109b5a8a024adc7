//! The lease as a small exhaustive model: a recorder that writes versions, two pushers, requests that get lost or arrive
//! late, crashes, refusals and frozen processes, in every order. With all rules no end state differs from the newest
//! picture; with any one of them gone, some does.

use crate::exhaust::exhaust;

/// The rules of the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Only one pusher works on a member.
    Exclusive,
    /// The picture is read after the lease is held.
    ReadAfterAcquire,
    /// What an earlier holder left open forbids to skip.
    IntentForbidsSkip,
    /// After a request without an answer the lease runs out by itself, which takes longer than any request.
    UnansweredKeepsLease,
    /// A refusal leaves an earlier holder's intent.
    RefusalKeepsIntent,
    /// Whoever learns that the lease was lost marks the row and comes back.
    LostLeaseMarks,
    /// A release keeps marks that came in the meantime.
    ReleaseKeepsMarks,
}

const RULES: [Rule; 7] = [
    Rule::Exclusive,
    Rule::ReadAfterAcquire,
    Rule::IntentForbidsSkip,
    Rule::UnansweredKeepsLease,
    Rule::RefusalKeepsIntent,
    Rule::LostLeaseMarks,
    Rule::ReleaseKeepsMarks,
];

/// All rules but one, or all of them.
#[derive(Clone, Copy)]
struct Rules {
    without: Option<Rule>,
}

impl Rules {
    fn hold(self, rule: Rule) -> bool {
        self.without != Some(rule)
    }
}

/// How often each misfortune may happen in one history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Misfortunes {
    crashes: u8,
    unanswered: u8,
    refusals: u8,
    freezes: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    Nobody,
    Pusher(usize),
    /// Gone without releasing: the lease runs out.
    Gone,
}

/// What a holder knows of the row since the lease began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Lease {
    /// Whether somebody earlier left something open.
    open: bool,
    /// How many marks there were.
    marks: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Pusher {
    Idle,
    Got {
        message: u8,
        early: u8,
    },
    Holds {
        message: u8,
        early: u8,
        lease: Lease,
    },
    Read {
        message: u8,
        version: u8,
        lease: Lease,
    },
    /// The request is under way.
    Sending {
        message: u8,
        version: u8,
        lease: Lease,
    },
    /// It has arrived and was answered.
    Sent {
        message: u8,
        version: u8,
        lease: Lease,
    },
    Refused {
        message: u8,
        lease: Lease,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    version: u8,
    /// The messages on the queue: a set of versions.
    queue: u32,
    pushers: [Pusher; 2],
    /// Requests under way whose caller is gone: a set of versions.
    late: u32,
    vendor: u8,
    told_version: u8,
    told_content: u8,
    holder: Holder,
    /// Whether a holder has begun something and not said how it ended.
    open: bool,
    marks: u8,
    left: Misfortunes,
}

/// Versions and what each says; the last content is the first one again, so that a hash alone deceives.
const CONTENT: [u8; 4] = [0, 1, 2, 1];
const NEWEST: u8 = 3;

fn explore(rules: Rules, misfortunes: Misfortunes) -> (usize, usize) {
    let begin = State {
        version: 0,
        queue: 0,
        pushers: [Pusher::Idle; 2],
        late: 0,
        vendor: 0,
        told_version: 0,
        told_content: CONTENT[0],
        holder: Holder::Nobody,
        open: false,
        marks: 0,
        left: misfortunes,
    };
    exhaust(begin, |state| steps(state, rules), is_behind)
}

/// Whether everything is over and the vendor has another picture than the newest.
fn is_behind(state: &State) -> bool {
    let over = state.version == NEWEST && state.queue == 0 && state.late == 0;
    let idle = state.pushers == [Pusher::Idle; 2];
    over && idle && CONTENT[usize::from(state.vendor)] != CONTENT[usize::from(NEWEST)]
}

fn bits(set: u32) -> impl Iterator<Item = u8> {
    (0..=NEWEST).filter(move |bit| set & (1 << bit) != 0)
}

fn steps(state: &State, rules: Rules) -> Vec<State> {
    let mut next = Vec::new();
    let mut add = |change: &dyn Fn(&mut State)| {
        let mut state = state.clone();
        change(&mut state);
        next.push(state);
    };
    if state.version < NEWEST {
        add(&|s| {
            s.version += 1;
            s.queue |= 1 << s.version;
        });
    }
    for version in bits(state.late) {
        add(&|s| {
            s.late &= !(1 << version);
            s.vendor = version;
        });
    }
    if state.holder == Holder::Gone && state.late == 0 {
        add(&|s| s.holder = Holder::Nobody);
    }
    if state.left.freezes > 0 && matches!(state.holder, Holder::Pusher(_)) {
        add(&|s| {
            s.holder = Holder::Nobody;
            s.left.freezes -= 1;
        });
    }
    for place in 0..2 {
        pusher_steps(state, place, rules, &mut next);
    }
    next
}

/// The next states of one pusher.
struct Turn<'a> {
    state: &'a State,
    place: usize,
    rules: Rules,
    next: &'a mut Vec<State>,
}

fn pusher_steps(state: &State, place: usize, rules: Rules, next: &mut Vec<State>) {
    let mut turn = Turn {
        state,
        place,
        rules,
        next,
    };
    match state.pushers[place] {
        Pusher::Idle => turn.idle(),
        Pusher::Got { message, early } => turn.got(message, early),
        Pusher::Holds {
            message,
            early,
            lease,
        } => turn.holds(message, early, lease),
        Pusher::Read {
            message,
            version,
            lease,
        } => turn.read(message, version, lease),
        Pusher::Sending {
            message,
            version,
            lease,
        } => turn.sending(message, version, lease),
        Pusher::Sent {
            message,
            version,
            lease,
        } => turn.sent(message, version, lease),
        Pusher::Refused { message, lease } => turn.refused(message, lease),
    }
}

impl Turn<'_> {
    fn is_mine(&self) -> bool {
        self.state.holder == Holder::Pusher(self.place)
    }

    fn go(&mut self, to: Pusher, change: impl Fn(&mut State)) {
        let mut state = self.state.clone();
        state.pushers[self.place] = to;
        change(&mut state);
        self.next.push(state);
    }

    /// The process ends: the message comes back, and the lease runs out.
    fn may_crash(&mut self, message: u8) {
        self.may_crash_with(message, |_| {});
    }

    fn may_crash_with(&mut self, message: u8, request: impl Fn(&mut State)) {
        let mine = self.is_mine();
        if self.state.left.crashes > 0 {
            self.go(Pusher::Idle, |s| {
                s.queue |= 1 << message;
                s.left.crashes -= 1;
                if mine {
                    s.holder = Holder::Gone;
                }
                request(s);
            });
        }
    }

    fn idle(&mut self) {
        let early = self.state.version;
        for message in bits(self.state.queue) {
            self.go(Pusher::Got { message, early }, |s| {
                s.queue &= !(1 << message);
            });
        }
    }

    fn got(&mut self, message: u8, early: u8) {
        self.may_crash(message);
        let (state, place) = (self.state, self.place);
        if state.holder != Holder::Nobody && self.rules.hold(Rule::Exclusive) {
            self.go(Pusher::Idle, |s| s.queue |= 1 << message);
            return;
        }
        let lease = Lease {
            open: state.open || state.marks > 0,
            marks: state.marks,
        };
        let holds = Pusher::Holds {
            message,
            early,
            lease,
        };
        self.go(holds, |s| {
            s.holder = Holder::Pusher(place);
            s.open = true;
        });
    }

    fn holds(&mut self, message: u8, early: u8, lease: Lease) {
        self.may_crash(message);
        let after = self.rules.hold(Rule::ReadAfterAcquire);
        let version = if after { self.state.version } else { early };
        let read = Pusher::Read {
            message,
            version,
            lease,
        };
        self.go(read, |_| {});
    }

    fn read(&mut self, message: u8, version: u8, lease: Lease) {
        self.may_crash(message);
        let (mine, rules, state) = (self.is_mine(), self.rules, self.state);
        let same = state.told_content == CONTENT[usize::from(version)];
        let skip = state.told_version >= version || same;
        if skip && !(lease.open && rules.hold(Rule::IntentForbidsSkip)) {
            self.go(Pusher::Idle, |s| release(s, mine, lease, rules, false));
            return;
        }
        if rules.hold(Rule::Exclusive) && !mine {
            // The lease is over: nothing may be sent.
            self.go(Pusher::Idle, |s| s.queue |= 1 << message);
            return;
        }
        let sending = Pusher::Sending {
            message,
            version,
            lease,
        };
        self.go(sending, |_| {});
    }

    fn sending(&mut self, message: u8, version: u8, lease: Lease) {
        // The request may be lost with its process, or go on without it.
        self.may_crash(message);
        self.may_crash_with(message, |s| s.late |= 1 << version);
        let (mine, rules, state) = (self.is_mine(), self.rules, self.state);
        let sent = Pusher::Sent {
            message,
            version,
            lease,
        };
        self.go(sent, |s| s.vendor = version);
        if state.left.refusals > 0 {
            self.go(Pusher::Refused { message, lease }, |s| s.left.refusals -= 1);
        }
        if state.left.unanswered == 0 {
            return;
        }
        let gone = |s: &mut State| {
            s.queue |= 1 << message;
            s.left.unanswered -= 1;
            if mine {
                let keeps = rules.hold(Rule::UnansweredKeepsLease);
                s.holder = if keeps { Holder::Gone } else { Holder::Nobody };
            }
        };
        self.go(Pusher::Idle, gone);
        self.go(Pusher::Idle, |s| {
            gone(s);
            s.vendor = version;
        });
        self.go(Pusher::Idle, |s| {
            gone(s);
            s.late |= 1 << version;
        });
    }

    fn sent(&mut self, message: u8, version: u8, lease: Lease) {
        self.may_crash(message);
        let (mine, rules) = (self.is_mine(), self.rules);
        self.go(Pusher::Idle, |s| {
            if mine || !rules.hold(Rule::Exclusive) {
                s.told_version = version;
                s.told_content = CONTENT[usize::from(version)];
                release(s, true, lease, rules, false);
            } else if rules.hold(Rule::LostLeaseMarks) {
                s.marks = (s.marks + 1).min(3);
                s.queue |= 1 << message;
            }
        });
    }

    fn refused(&mut self, message: u8, lease: Lease) {
        self.may_crash(message);
        let (mine, rules) = (self.is_mine(), self.rules);
        self.go(Pusher::Idle, |s| {
            s.queue |= 1 << message;
            release(s, mine, lease, rules, rules.hold(Rule::RefusalKeepsIntent));
        });
    }
}

/// Ends a lease. What was open is settled by it, unless it ended in a refusal; marks that came meanwhile stay.
fn release(state: &mut State, mine: bool, lease: Lease, rules: Rules, keeps_open: bool) {
    if !mine {
        return;
    }
    state.holder = Holder::Nobody;
    state.open = keeps_open && lease.open;
    if state.marks <= lease.marks || !rules.hold(Rule::ReleaseKeepsMarks) {
        state.marks = if keeps_open && lease.open {
            state.marks
        } else {
            0
        };
    }
}

/// Processes that end, requests that nobody answers, refusals. A process ends before its lease does.
const ENDINGS: Misfortunes = Misfortunes {
    crashes: 1,
    unanswered: 1,
    refusals: 1,
    freezes: 0,
};

/// A process that stands still past its lease and goes on: what a deadline and clocks that agree forbid. If such a process
/// also ends without a word, nobody can know of its request, and no rule helps.
const FREEZING: Misfortunes = Misfortunes {
    crashes: 0,
    unanswered: 0,
    refusals: 1,
    freezes: 1,
};

#[test]
fn no_history_ends_behind() {
    for misfortunes in [ENDINGS, FREEZING] {
        let (states, diverged) = explore(Rules { without: None }, misfortunes);
        println!("the lease: {states} states, {diverged} end states behind");
        assert!(states > 5_000, "the model is worth its name");
        assert_eq!(diverged, 0);
    }
}

#[test]
fn without_any_one_rule_some_history_ends_behind() {
    for rule in RULES {
        let rules = Rules {
            without: Some(rule),
        };
        let behind = [ENDINGS, FREEZING].map(|misfortunes| explore(rules, misfortunes).1);
        println!("without {rule:?}: {behind:?} end states behind");
        let sees = behind.iter().sum::<usize>() > 0;
        assert!(
            sees,
            "{rule:?} is not needed, or the model does not see why"
        );
    }
}
