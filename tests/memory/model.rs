//! The lease as a small exhaustive model: a recorder that writes versions, two pushers, requests that get lost or arrive
//! late, crashes, refusals and frozen processes, in every order. With all rules no end state differs from the newest
//! picture; with any one of them gone, some does.

use std::collections::HashSet;

/// The rules of the lease, each of which can be left out.
#[derive(Clone, Copy)]
struct Rules {
    /// Only one pusher works on a member.
    exclusive: bool,
    /// The picture is read after the lease is held.
    read_after_acquire: bool,
    /// What an earlier holder left open forbids to skip.
    intent_forbids_skip: bool,
    /// After a request without an answer the lease runs out by itself, which takes longer than any request.
    unanswered_keeps_lease: bool,
    /// A refusal leaves an earlier holder's intent.
    refusal_keeps_intent: bool,
    /// Whoever learns that the lease was lost marks the row and comes back.
    lost_lease_marks: bool,
    /// A release keeps marks that came in the meantime.
    release_keeps_marks: bool,
}

const ALL: Rules = Rules {
    exclusive: true,
    read_after_acquire: true,
    intent_forbids_skip: true,
    unanswered_keeps_lease: true,
    refusal_keeps_intent: true,
    lost_lease_marks: true,
    release_keeps_marks: true,
};

/// How often each misfortune may happen in one history.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Misfortunes {
    crashes: u8,
    unanswered: u8,
    refusals: u8,
    freezes: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    Nobody,
    Pusher(usize),
    /// Gone without releasing: the lease runs out.
    Gone,
}

/// What a holder knows of the row since the lease began.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Lease {
    /// Whether somebody earlier left something open.
    open: bool,
    /// How many marks there were.
    marks: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
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

#[derive(Clone, PartialEq, Eq, Hash)]
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
    let mut seen = HashSet::from([begin.clone()]);
    let mut stack = vec![begin];
    let mut diverged = 0;
    while let Some(state) = stack.pop() {
        let over = state.version == NEWEST && state.queue == 0 && state.late == 0;
        let idle = state.pushers == [Pusher::Idle; 2];
        if over && idle && CONTENT[usize::from(state.vendor)] != CONTENT[usize::from(NEWEST)] {
            diverged += 1;
        }
        for next in steps(&state, rules) {
            if seen.insert(next.clone()) {
                stack.push(next);
            }
        }
    }
    (seen.len(), diverged)
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

fn pusher_steps(state: &State, place: usize, rules: Rules, next: &mut Vec<State>) {
    let mine = state.holder == Holder::Pusher(place);
    let mut go = |to: Pusher, change: &dyn Fn(&mut State)| {
        let mut state = state.clone();
        state.pushers[place] = to;
        change(&mut state);
        next.push(state);
    };
    let message = match state.pushers[place] {
        Pusher::Idle => {
            for message in bits(state.queue) {
                let early = state.version;
                go(Pusher::Got { message, early }, &|s| {
                    s.queue &= !(1 << message)
                });
            }
            return;
        }
        Pusher::Got { message, .. }
        | Pusher::Holds { message, .. }
        | Pusher::Read { message, .. }
        | Pusher::Sent { message, .. }
        | Pusher::Refused { message, .. } => message,
    };
    let give_back = |s: &mut State| s.queue |= 1 << message;
    if state.left.crashes > 0 {
        go(Pusher::Idle, &|s| {
            give_back(s);
            s.left.crashes -= 1;
            if mine {
                s.holder = Holder::Gone;
            }
        });
    }
    match state.pushers[place] {
        Pusher::Idle => {}
        Pusher::Got { message, early } => {
            if state.holder == Holder::Nobody || !rules.exclusive {
                let lease = Lease {
                    open: state.open || state.marks > 0,
                    marks: state.marks,
                };
                go(
                    Pusher::Holds {
                        message,
                        early,
                        lease,
                    },
                    &|s| {
                        s.holder = Holder::Pusher(place);
                        s.open = true;
                    },
                );
            } else {
                go(Pusher::Idle, &give_back);
            }
        }
        Pusher::Holds {
            message,
            early,
            lease,
        } => {
            let version = if rules.read_after_acquire {
                state.version
            } else {
                early
            };
            go(
                Pusher::Read {
                    message,
                    version,
                    lease,
                },
                &|_| {},
            );
        }
        Pusher::Read {
            message,
            version,
            lease,
        } => {
            let same = state.told_content == CONTENT[usize::from(version)];
            let skip = state.told_version >= version || same;
            if skip && !(lease.open && rules.intent_forbids_skip) {
                go(Pusher::Idle, &|s| release(s, mine, lease, rules, false));
                return;
            }
            if rules.exclusive && !mine {
                // The lease is over: nothing may be sent.
                go(Pusher::Idle, &give_back);
                return;
            }
            go(
                Pusher::Sent {
                    message,
                    version,
                    lease,
                },
                &|s| s.vendor = version,
            );
            if state.left.refusals > 0 {
                go(Pusher::Refused { message, lease }, &|s| {
                    s.left.refusals -= 1
                });
            }
            if state.left.unanswered > 0 {
                let gone = |s: &mut State| {
                    give_back(s);
                    s.left.unanswered -= 1;
                    if mine {
                        s.holder = if rules.unanswered_keeps_lease {
                            Holder::Gone
                        } else {
                            Holder::Nobody
                        };
                    }
                };
                go(Pusher::Idle, &gone);
                go(Pusher::Idle, &|s| {
                    gone(s);
                    s.vendor = version;
                });
                go(Pusher::Idle, &|s| {
                    gone(s);
                    s.late |= 1 << version;
                });
            }
        }
        Pusher::Sent { version, lease, .. } => go(Pusher::Idle, &|s| {
            if mine || !rules.exclusive {
                s.told_version = version;
                s.told_content = CONTENT[usize::from(version)];
                release(s, true, lease, rules, false);
            } else if rules.lost_lease_marks {
                s.marks = (s.marks + 1).min(3);
                give_back(s);
            }
        }),
        Pusher::Refused { lease, .. } => go(Pusher::Idle, &|s| {
            give_back(s);
            release(s, mine, lease, rules, rules.refusal_keeps_intent);
        }),
    }
}

/// Ends a lease. What was open is settled by it, unless it ended in a refusal; marks that came meanwhile stay.
fn release(state: &mut State, mine: bool, lease: Lease, rules: Rules, keeps_open: bool) {
    if !mine {
        return;
    }
    state.holder = Holder::Nobody;
    state.open = keeps_open && lease.open;
    if state.marks <= lease.marks || !rules.release_keeps_marks {
        state.marks = if keeps_open && lease.open {
            state.marks
        } else {
            0
        };
    }
}

const MISFORTUNES: Misfortunes = Misfortunes {
    crashes: 1,
    unanswered: 1,
    refusals: 1,
    freezes: 1,
};

#[test]
fn no_history_ends_behind() {
    let (states, diverged) = explore(ALL, MISFORTUNES);
    println!("the lease: {states} states, {diverged} end states behind");
    assert!(states > 50_000, "the model is worth its name");
    assert_eq!(diverged, 0);
}

#[test]
fn without_any_one_rule_some_history_ends_behind() {
    let without: [(&str, Rules); 7] = [
        (
            "exclusive",
            Rules {
                exclusive: false,
                ..ALL
            },
        ),
        (
            "read after acquire",
            Rules {
                read_after_acquire: false,
                ..ALL
            },
        ),
        (
            "intent forbids to skip",
            Rules {
                intent_forbids_skip: false,
                ..ALL
            },
        ),
        (
            "unanswered keeps the lease",
            Rules {
                unanswered_keeps_lease: false,
                ..ALL
            },
        ),
        (
            "refusal keeps the intent",
            Rules {
                refusal_keeps_intent: false,
                ..ALL
            },
        ),
        (
            "a lost lease marks",
            Rules {
                lost_lease_marks: false,
                ..ALL
            },
        ),
        (
            "release keeps marks",
            Rules {
                release_keeps_marks: false,
                ..ALL
            },
        ),
    ];
    for (rule, rules) in without {
        let (states, diverged) = explore(rules, MISFORTUNES);
        println!("without `{rule}`: {states} states, {diverged} end states behind");
        assert!(
            diverged > 0,
            "`{rule}` is not needed, or the model does not see why"
        );
    }
}
