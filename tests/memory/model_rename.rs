//! A changed address in the middle of pushes, as a small exhaustive model: a recorder that writes news, renames and
//! renames back or makes one of two people; two pushers that come by either address; requests that get lost or arrive
//! late; crashes between any two steps. In the end the vendor has the newest picture, in one person, and the automation
//! started once. With any one rule gone, some history ends otherwise.

use crate::exhaust::exhaust;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Nobody gets another key while a destination is at work on them.
    NoLiveLease,
    /// What a destination knows goes along.
    SyncCopied,
    /// So does what its holders left open.
    IntentKept,
    /// A row that says nothing does not stand in the way of one that does.
    EmptyRowYields,
    /// Whoever comes by the key before follows.
    Follows,
    /// A claim is looked for under the key before too.
    ClaimsRemembered,
    /// And so is what the vendor has under the address before.
    LooksAtBoth,
    /// The vendor is asked to rename before anything is written.
    VendorRenames,
    /// The new version is above that of the key before.
    AboveOld,
    /// And above that of the new key, where somebody stands there.
    AboveNew,
    /// Where a destination knows both, the picture is written anew.
    Marked,
}

/// Each of them is needed by itself.
const RULES: [Rule; 9] = [
    Rule::NoLiveLease,
    Rule::SyncCopied,
    Rule::IntentKept,
    Rule::EmptyRowYields,
    Rule::Follows,
    Rule::ClaimsRemembered,
    Rule::LooksAtBoth,
    Rule::VendorRenames,
    Rule::AboveOld,
];

/// Of these one is enough: a version that went back is written because of the mark, and without a mark because it is
/// above.
const EITHER: [Rule; 2] = [Rule::AboveNew, Rule::Marked];

#[derive(Clone, Copy)]
struct Rules(&'static [Rule]);

impl Rules {
    fn hold(self, rule: Rule) -> bool {
        !self.0.contains(&rule)
    }
}

/// What is recorded, one after the other: the key that the person has then, and what their picture says.
#[derive(Clone, Copy, Debug)]
struct History {
    news: [(usize, u8); 3],
    /// Which of them starts an automation.
    starts: u8,
    /// The other key is a person of their own until then.
    two: bool,
}

const HISTORIES: [History; 4] = [
    History {
        news: [(0, 1), (1, 0), (1, 2)],
        starts: 1,
        two: false,
    },
    History {
        news: [(0, 1), (1, 0), (0, 1)],
        starts: 1,
        two: false,
    },
    History {
        news: [(1, 1), (1, 2), (0, 1)],
        starts: 2,
        two: false,
    },
    History {
        news: [(0, 1), (1, 0), (1, 2)],
        starts: 1,
        two: true,
    },
];

const ALL: u8 = 3;

/// The history in which the person goes back.
const BACK: usize = 1;

/// The key at which the person stands after so much was recorded, and the versions of both rows.
#[derive(Clone, Copy, Default)]
struct Stands {
    key: usize,
    versions: [u8; 2],
    moved: bool,
}

/// The person's row, as a pusher finds it.
enum Found {
    Person(u8),
    Moved(usize),
}

impl History {
    /// The versions of both rows at first. Who becomes one with the person has changed more often.
    fn begins(&self) -> [u8; 2] {
        [1, 5 * u8::from(self.two)]
    }

    fn stands(&self, done: u8, rules: Rules) -> Stands {
        let mut stands = Stands {
            versions: self.begins(),
            ..Stands::default()
        };
        for (key, _) in &self.news[..usize::from(done)] {
            let [of_key, of_other] = [stands.versions[*key], stands.versions[1 - key]];
            if *key == stands.key {
                stands.versions[*key] += 1;
                continue;
            }
            let old = of_other * u8::from(rules.hold(Rule::AboveOld));
            let new = of_key * u8::from(rules.hold(Rule::AboveNew));
            stands.versions[*key] = old.max(new) + 1;
            (stands.key, stands.moved) = (*key, true);
        }
        stands
    }

    fn says(&self, done: u8) -> u8 {
        let last = usize::from(done).checked_sub(1);
        last.map_or(0, |last| self.news[last].1)
    }

    fn find(&self, done: u8, key: usize, rules: Rules) -> Option<Found> {
        let stands = self.stands(done, rules);
        if stands.key == key {
            return Some(Found::Person(stands.versions[key]));
        }
        stands.moved.then_some(Found::Moved(stands.key))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    Nobody,
    Pusher(usize),
    /// Gone without releasing: the lease runs out.
    Gone,
}

/// Left open: a picture.
const PICTURE: u8 = 1;
/// Left open: the automation.
const AUTOMATION: u8 = 2;

/// What stands in a SYNC row beside its lease.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Known {
    open: u8,
    version: u8,
    says: Option<u8>,
    person: Option<u8>,
    rename: bool,
    written: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Sync {
    holder: Holder,
    known: Known,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Claim {
    Claimed,
    Waiting,
    Sent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Request {
    Write { to: usize, says: u8, starts: bool },
    Rename { person: u8, to: usize },
}

/// A person at the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Subscriber {
    id: u8,
    says: u8,
    /// Whether the automation's marker stands there.
    marked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    Got,
    Leased,
    /// The lease of the next key is held too.
    Follows,
    Read,
    Settles,
    Ready,
    Sending(Request),
    Sent {
        starts: bool,
    },
    Ends,
    Released,
}

/// What a pusher knows of its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Work {
    message: u8,
    phase: Phase,
    key: usize,
    known: Known,
    unsettled: u8,
    rewrite: bool,
    /// How much was recorded when the picture was read.
    seen: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    done: u8,
    /// The messages on the queue: a set of what was recorded.
    queue: u8,
    pushers: [Option<Work>; 2],
    sync: [Option<Sync>; 2],
    claims: [Option<Claim>; 2],
    vendor: [Option<Subscriber>; 2],
    ids: u8,
    started: u8,
    /// A request under way whose caller is gone.
    late: [Option<Request>; 2],
    crashes: u8,
    unanswered: u8,
}

impl State {
    fn begin(history: &History, (crashes, unanswered): (u8, u8)) -> Self {
        let known = |person: u8| Known {
            version: history.begins()[usize::from(person)],
            says: Some(0),
            person: Some(person),
            written: true,
            ..Known::default()
        };
        let sync = |person| {
            Some(Sync {
                holder: Holder::Nobody,
                known: known(person),
            })
        };
        let subscriber = |id| {
            Some(Subscriber {
                id,
                says: 0,
                marked: false,
            })
        };
        let two = history.two;
        Self {
            done: 0,
            queue: 0,
            pushers: [None; 2],
            sync: [sync(0), two.then(|| sync(1)).flatten()],
            claims: [None; 2],
            vendor: [subscriber(0), two.then(|| subscriber(1)).flatten()],
            ids: 2,
            started: 0,
            late: [None; 2],
            crashes,
            unanswered,
        }
    }

    fn is_over(&self) -> bool {
        let rest = self.queue == 0 && self.late == [None; 2];
        self.done == ALL && rest && self.pushers == [None; 2]
    }

    /// Whether it has ended otherwise than it should.
    fn is_wrong(&self, history: &History) -> bool {
        let (key, says) = history.news[usize::from(ALL) - 1];
        let own = self.vendor[key].map(|own| own.says);
        // Of two people at the vendor the other one stays as it is: they cannot be made one from here.
        let alone = self.vendor[1 - key].is_none() || history.two;
        self.is_over() && (own != Some(says) || !alone || self.started != 1)
    }

    fn holder(&self, key: usize) -> Holder {
        self.sync[key].map_or(Holder::Nobody, |sync| sync.holder)
    }

    fn give_back(&mut self, message: u8) {
        self.queue |= 1 << message;
    }

    /// A request arrives at the vendor. Tells the id, unless it is refused.
    fn arrive(&mut self, request: Request) -> Option<u8> {
        match request {
            Request::Write { to, says, starts } => {
                let ids = &mut self.ids;
                let person = self.vendor[to].get_or_insert_with(|| {
                    *ids += 1;
                    Subscriber {
                        id: *ids - 1,
                        says,
                        marked: false,
                    }
                });
                person.says = says;
                person.marked |= starts;
                let id = person.id;
                self.started += u8::from(starts);
                Some(id)
            }
            Request::Rename { person, to } => {
                let has = |place: &Option<Subscriber>| place.is_some_and(|own| own.id == person);
                let from = self.vendor.iter().position(has)?;
                if from != to {
                    if self.vendor[to].is_some() {
                        return None;
                    }
                    self.vendor[to] = self.vendor[from].take();
                }
                Some(person)
            }
        }
    }

    fn is_late(&mut self, request: Request) {
        if let Some(place) = self.late.iter_mut().find(|place| place.is_none()) {
            *place = Some(request);
        }
    }

    /// What destinations know goes with a person from one key to another.
    fn unite(&mut self, from: usize, to: usize, rules: Rules) {
        if !rules.hold(Rule::SyncCopied) {
            return;
        }
        let Some(old) = self.sync[from].take() else {
            return;
        };
        let kept = rules.hold(Rule::IntentKept);
        let open = if kept { old.known.open } else { 0 };
        match &mut self.sync[to] {
            Some(own) if own.known.written || !rules.hold(Rule::EmptyRowYields) => {
                own.known.open |= open;
                if rules.hold(Rule::Marked) {
                    own.known.open |= PICTURE;
                }
            }
            own => {
                let theirs = own.map_or(0, |own| own.known.open);
                let rename = old.known.person.is_some() && rules.hold(Rule::VendorRenames);
                *own = Some(Sync {
                    holder: Holder::Nobody,
                    known: Known {
                        open: open | theirs,
                        rename,
                        ..old.known
                    },
                });
            }
        }
    }
}

fn steps(state: &State, history: &History, rules: Rules) -> Vec<State> {
    let mut next = Vec::new();
    if state.done < ALL {
        let (from, to) = (
            history.stands(state.done, rules).key,
            history.stands(state.done + 1, rules).key,
        );
        let free = state.holder(from) == Holder::Nobody && state.holder(to) == Holder::Nobody;
        if from == to || free || !rules.hold(Rule::NoLiveLease) {
            let mut state = state.clone();
            state.done += 1;
            let message = state.done;
            state.give_back(message);
            if from != to {
                state.unite(from, to, rules);
            }
            next.push(state);
        }
    }
    for place in 0..2 {
        if let Some(request) = state.late[place] {
            let mut state = state.clone();
            state.late[place] = None;
            state.arrive(request);
            next.push(state);
        }
        if state.holder(place) == Holder::Gone && state.late == [None; 2] {
            let mut state = state.clone();
            if let Some(sync) = &mut state.sync[place] {
                sync.holder = Holder::Nobody;
            }
            next.push(state);
        }
        match state.pushers[place] {
            Some(work) => {
                let mut turn = Turn {
                    state,
                    history,
                    rules,
                    place,
                    work,
                    next: &mut next,
                };
                turn.may_crash(None);
                turn.step();
            }
            // Whoever is idle is like the other: only the first takes a message then.
            None if place == 1 && state.pushers[0].is_none() => {}
            None => take(state, history, place, &mut next),
        }
    }
    next
}

fn take(state: &State, history: &History, place: usize, next: &mut Vec<State>) {
    for message in (1..=ALL).filter(|message| state.queue & (1 << message) != 0) {
        let mut state = state.clone();
        state.queue &= !(1 << message);
        state.pushers[place] = Some(Work {
            message,
            phase: Phase::Got,
            key: history.news[usize::from(message) - 1].0,
            known: Known::default(),
            unsettled: 0,
            rewrite: false,
            seen: 0,
        });
        next.push(state);
    }
}

/// The next states of one pusher.
struct Turn<'a> {
    state: &'a State,
    history: &'a History,
    rules: Rules,
    place: usize,
    work: Work,
    next: &'a mut Vec<State>,
}

impl Turn<'_> {
    fn go(&mut self, work: Option<Work>, change: impl FnOnce(&mut State)) {
        let mut state = self.state.clone();
        state.pushers[self.place] = work;
        change(&mut state);
        self.next.push(state);
    }

    fn on(&mut self, phase: Phase, change: impl FnOnce(&mut State)) {
        let work = Work { phase, ..self.work };
        self.go(Some(work), change);
    }

    /// The process ends: the message comes back, and every lease runs out. A request under way goes on without it.
    fn may_crash(&mut self, late: Option<Request>) {
        if self.state.crashes > 0 {
            let (place, message) = (self.place, self.work.message);
            self.go(None, |s| {
                s.crashes -= 1;
                s.give_back(message);
                vanish(s, place);
                if let Some(request) = late {
                    s.is_late(request);
                }
            });
        }
    }

    fn starts(&self) -> bool {
        self.work.message == self.history.starts
    }

    fn step(&mut self) {
        match self.work.phase {
            Phase::Got => self.got(),
            Phase::Leased => self.leased(),
            Phase::Follows => {
                let (mine, from) = (Holder::Pusher(self.place), 1 - self.work.key);
                self.on(Phase::Leased, |s| {
                    if s.holder(from) == mine {
                        s.sync[from] = None;
                    }
                });
            }
            Phase::Read => self.read(),
            Phase::Settles => self.settles(),
            Phase::Ready => self.ready(),
            Phase::Sending(request) => self.sending(request),
            Phase::Sent { starts } => {
                let at = self.claim().0;
                self.on(Phase::Ends, |s| {
                    if starts {
                        s.claims[at] = Some(Claim::Sent);
                    }
                });
            }
            Phase::Ends => self.release(false),
            Phase::Released => self.go(None, |_| {}),
        }
    }

    /// Takes the lease of a key; `work` goes on with it.
    fn acquire(&mut self, key: usize, carried: u8, phase: Phase) {
        let own = if self.starts() { AUTOMATION } else { PICTURE };
        let row = self.state.sync[key].map_or_else(Known::default, |sync| sync.known);
        let holder = Holder::Pusher(self.place);
        let work = Work {
            phase,
            key,
            known: row,
            unsettled: row.open | carried,
            ..self.work
        };
        self.go(Some(work), |s| {
            let known = Known {
                open: row.open | carried | own,
                ..row
            };
            s.sync[key] = Some(Sync { holder, known });
        });
    }

    fn got(&mut self) {
        let (key, message) = (self.work.key, self.work.message);
        if self.state.holder(key) == Holder::Nobody {
            self.acquire(key, 0, Phase::Leased);
        } else {
            self.go(None, |s| s.give_back(message));
        }
    }

    fn leased(&mut self) {
        let stands = self.history;
        let seen = self.state.done;
        let version = stands.stands(self.work.message, self.rules);
        let version = version.versions[stands.news[usize::from(self.work.message) - 1].0];
        match stands.find(seen, self.work.key, self.rules) {
            Some(Found::Person(own)) if own >= version => {
                let phase = Phase::Read;
                let work = Work {
                    phase,
                    seen,
                    ..self.work
                };
                self.go(Some(work), |_| {});
            }
            Some(Found::Moved(_)) if !self.rules.hold(Rule::Follows) => self.release(false),
            Some(Found::Moved(to)) if self.state.holder(to) == Holder::Nobody => {
                self.acquire(to, self.work.unsettled, Phase::Follows);
            }
            // Not recorded yet, or the key that the person has now is held.
            _ => self.release(true),
        }
    }

    fn read(&mut self) {
        let person = self.work.known.person.filter(|_| self.work.known.rename);
        let to = self.work.key;
        match person {
            Some(person) => self.on(Phase::Sending(Request::Rename { person, to }), |_| {}),
            None => self.on(Phase::Settles, |_| {}),
        }
    }

    /// Where the automation's claim stands, or will stand.
    fn claim(&self) -> (usize, Option<Claim>) {
        let (own, other) = (self.work.key, 1 - self.work.key);
        let moved = self.history.stands(self.work.seen, self.rules).moved;
        let earlier = self.state.claims[other].filter(|_| moved);
        match earlier.filter(|_| self.rules.hold(Rule::ClaimsRemembered)) {
            Some(claim) => (other, Some(claim)),
            None => (own, self.state.claims[own]),
        }
    }

    /// What a look at the vendor makes of a claim.
    fn look(&self, at: usize) -> Claim {
        let marked = |key: usize| self.state.vendor[key].is_some_and(|person| person.marked);
        let both = self.rules.hold(Rule::LooksAtBoth);
        if marked(self.work.key) || (both && marked(at)) {
            Claim::Sent
        } else {
            Claim::Waiting
        }
    }

    fn settles(&mut self) {
        let (at, claim) = self.claim();
        let open = self.work.unsettled;
        let looks = open & AUTOMATION != 0 && claim == Some(Claim::Claimed);
        let claim = if looks { Some(self.look(at)) } else { claim };
        let work = Work {
            phase: Phase::Ready,
            unsettled: 0,
            rewrite: self.work.rewrite || open != 0,
            ..self.work
        };
        self.go(Some(work), |s| s.claims[at] = claim);
    }

    fn ready(&mut self) {
        let (known, seen) = (self.work.known, self.work.seen);
        let says = self.history.says(seen);
        let same = known.says == Some(says);
        let told = known.version >= self.version() || same;
        let write = |starts| {
            Phase::Sending(Request::Write {
                to: self.work.key,
                says,
                starts,
            })
        };
        let (quiet, full) = (write(false), write(true));
        if !self.starts() {
            return if told && !self.work.rewrite {
                self.release(false);
            } else {
                self.on(quiet, |_| {});
            };
        }
        let (at, claim) = self.claim();
        match claim {
            None | Some(Claim::Waiting) => self.on(full, |s| s.claims[at] = Some(Claim::Claimed)),
            Some(Claim::Claimed) => {
                let settled = self.look(at);
                let work = Work {
                    rewrite: true,
                    ..self.work
                };
                self.go(Some(work), |s| s.claims[at] = Some(settled));
            }
            Some(Claim::Sent) if self.work.rewrite || !same => self.on(quiet, |_| {}),
            Some(Claim::Sent) => self.release(false),
        }
    }

    fn version(&self) -> u8 {
        let stands = self.history.stands(self.work.seen, self.rules);
        stands.versions[self.work.key]
    }

    fn sending(&mut self, request: Request) {
        self.may_crash(Some(request));
        let mut after = self.state.clone();
        let answer = after.arrive(request);
        let work = self.answered(request, answer);
        let arrived = after.clone();
        self.go(Some(work), |s| {
            *s = State {
                pushers: s.pushers,
                ..after
            }
        });
        if self.state.unanswered == 0 {
            return;
        }
        let (place, message) = (self.place, self.work.message);
        let gone = |s: &mut State| {
            s.unanswered -= 1;
            s.give_back(message);
            vanish(s, place);
        };
        self.go(None, gone);
        self.go(None, |s| {
            gone(s);
            s.is_late(request);
        });
        self.go(None, |s| {
            *s = State {
                pushers: s.pushers,
                ..arrived
            };
            gone(s);
        });
    }

    fn answered(&self, request: Request, answer: Option<u8>) -> Work {
        let mut work = self.work;
        match request {
            Request::Rename { .. } => {
                work.phase = Phase::Settles;
                work.known.rename = false;
                if answer.is_none() {
                    (work.known.person, work.known.says) = (None, None);
                    work.rewrite = true;
                }
            }
            Request::Write { says, starts, .. } => {
                work.phase = Phase::Sent { starts };
                work.known.person = answer;
                (work.known.says, work.known.version) = (Some(says), self.version());
                work.known.written = true;
                work.rewrite = false;
            }
        }
        work
    }

    /// Gives the lease up. Whoever lost it marks the row and comes back.
    fn release(&mut self, back: bool) {
        let (key, message) = (self.work.key, self.work.message);
        let mine = self.state.holder(key) == Holder::Pusher(self.place);
        let again = self.work.rewrite && self.work.unsettled == 0;
        let open = if again { PICTURE } else { self.work.unsettled };
        let known = Known {
            open,
            ..self.work.known
        };
        let change = move |s: &mut State| {
            if mine {
                let holder = Holder::Nobody;
                s.sync[key] = Some(Sync { holder, known });
            } else {
                let row = s.sync[key].get_or_insert(Sync {
                    holder: Holder::Nobody,
                    known: Known::default(),
                });
                row.known.open |= PICTURE;
            }
            if back || !mine {
                s.give_back(message);
            }
        };
        if back || !mine {
            self.go(None, change);
        } else {
            self.on(Phase::Released, change);
        }
    }
}

/// Every lease of this pusher runs out by itself.
fn vanish(state: &mut State, place: usize) {
    for sync in state.sync.iter_mut().flatten() {
        if sync.holder == Holder::Pusher(place) {
            sync.holder = Holder::Gone;
        }
    }
}

/// Crashes, and requests without an answer.
const ONE_CRASH: (u8, u8) = (1, 0);
const ONE_SILENCE: (u8, u8) = (0, 1);
const BOTH: (u8, u8) = (1, 1);

fn explore(history: &History, misfortunes: (u8, u8), rules: Rules) -> (usize, usize) {
    exhaust(
        State::begin(history, misfortunes),
        |state| steps(state, history, rules),
        |state| state.is_wrong(history),
    )
}

#[test]
fn no_history_of_addresses_ends_wrong() {
    for history in &HISTORIES {
        for misfortunes in [ONE_CRASH, ONE_SILENCE] {
            let (states, wrong) = explore(history, misfortunes, Rules(&[]));
            println!("addresses {history:?}: {states} states, {wrong} wrong end states");
            assert!(states > 5_000, "the model is worth its name");
            assert_eq!(wrong, 0);
        }
    }
    let (states, wrong) = explore(&HISTORIES[BACK], BOTH, Rules(&[]));
    println!("addresses and back, with both: {states} states, {wrong} wrong end states");
    assert_eq!(wrong, 0);
}

/// How many wrong end states there are in each history, after a crash or a silence.
fn wrong_without(rules: &'static [Rule]) -> usize {
    let wrong = HISTORIES.map(|history| {
        [ONE_CRASH, ONE_SILENCE].map(|misfortunes| explore(&history, misfortunes, Rules(rules)).1)
    });
    println!("addresses without {rules:?}: {wrong:?} wrong end states");
    wrong.iter().flatten().sum()
}

#[test]
fn without_any_one_rule_some_history_of_addresses_ends_wrong() {
    for rule in &RULES {
        assert!(
            wrong_without(std::slice::from_ref(rule)) > 0,
            "{rule:?} is not needed, or the model does not see why"
        );
    }
    for rule in &EITHER {
        assert_eq!(wrong_without(std::slice::from_ref(rule)), 0);
    }
    assert!(wrong_without(&EITHER) > 0);
}
