//! `sync_gorgias`: goes through the customers that Gorgias has and has members' data written into theirs.

use std::collections::BTreeMap;

use delivery::{Account, heard_of};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::SignedDuration;
use loyalty::{Email, MemberKey, Role, StoreId};
use platform::{Deadline, Outgoing, find_member};
use serde_json::{Value, json};
use vendors::{
    Answer, Answered, Destination, Fault, Lane, Message, Step, Store,
    gorgias::{
        self,
        people::{self, Customer, Page},
    },
    registry,
};

use crate::{
    account::untouchable,
    asked,
    command::{Operator, fault},
};

/// Pages that one command reads at most: the account's bucket has room for the helpdesk's other callers.
const PAGES: usize = 10;

/// After this long no further page is begun, so that whoever asked gets an answer before the function ends.
const WITHIN: SignedDuration = SignedDuration::from_secs(30);

/// Members who are looked up at once.
const AT_ONCE: usize = 10;

/// Duplicates that are named.
const NAMED: usize = 50;

const GOES_ON: &str = "the list goes on: give the command again with `after` set to `next`, within a few minutes, because \
    Gorgias soon forgets its cursors. After that begin again without `after`: who was written is not written twice";

struct Asked {
    store: StoreId,
    by: String,
    why: String,
    dry_run: bool,
    after: Option<String>,
}

/// A customer, and the member they are.
struct Matched {
    customer: Customer,
    who: Who,
}

enum Who {
    /// This member, whose picture has this version; `own` says whether the address is the one that they have now.
    Member {
        key: MemberKey,
        version: u64,
        own: bool,
    },
    Nobody,
    NoAddress,
}

/// What was found so far.
#[derive(Default)]
struct Tally {
    pages: usize,
    customers: u64,
    non_members: u64,
    without_address: u64,
    /// The customer who was found first, for each member.
    members: BTreeMap<MemberKey, String>,
    duplicates: Vec<(String, String)>,
    queued: usize,
}

impl Operator {
    /// `{"command": "sync_gorgias", "store", "by", "why", "after"}` answers `{"ok", "store", "dry_run", "customers",
    /// "members", "non_members", "duplicates", "duplicate_customers", "without_address", "queued", "next"}` and writes
    /// nothing. With `"dry_run": false` each member's data goes into their customer's. Where a later page could not be had
    /// there are `faults`, and `next` leads to it.
    pub(crate) async fn sync_gorgias(&self, asked: Value) -> Result<Value, Vec<Fault>> {
        let asked = asked::read(asked, |section| {
            let store = asked::store(section);
            let (by, why) = (asked::by(section), asked::why(section));
            let dry_run = section.flag("dry_run", true);
            let after = section.text("after");
            Some(Asked {
                store: store?,
                by,
                why,
                dry_run,
                after,
            })
        })?;
        let store = self.settings(&asked.store).await?;
        let (destination, queue) = self.writable(&store)?;
        let line = self.line_at(&Account::of(destination, &store)).await?;
        if let Some(finding) = untouchable(&line, self.clock.now()) {
            return Err(fault(&finding.about, finding.message));
        }
        let what = json!({"dry_run": asked.dry_run, "goes_on": asked.after.is_some()});
        self.audit(&store.id, &asked.by, "sync_gorgias", &asked.why, &what)
            .await?;
        let queue = (!asked.dry_run).then_some(queue);
        let deadline = Deadline::after(WITHIN, &*self.clock);
        let (mut tally, mut next, mut faults) = (Tally::default(), asked.after, Vec::new());
        while tally.pages < PAGES && !deadline.remaining(&*self.clock).is_zero() {
            let page = self.sync_page((&store, destination), next.as_deref(), queue);
            match page.await {
                Ok((matched, after)) => {
                    tally.add(matched, queue.is_some());
                    next = after;
                }
                Err(first) if tally.pages == 0 => return Err(first),
                Err(later) => faults = later,
            }
            if next.is_none() || !faults.is_empty() {
                break;
            }
        }
        tracing::info!(store = %store.id, customers = tally.customers, queued = tally.queued, "gorgias.synced");
        Ok(tally.told((&store.id, asked.dry_run), next.as_deref(), &faults))
    }

    /// Gorgias and its queue, where the store writes into customers' data.
    fn writable(&self, store: &Store) -> Result<(&'static dyn Destination, &str), Vec<Fault>> {
        let destination = registry::destination(gorgias::NAME);
        let queue = self.queues.get(gorgias::NAME);
        let (Some(destination), Some(queue)) = (destination, queue) else {
            return Err(fault("store", "this stack was deployed without gorgias"));
        };
        match &store.destinations.gorgias {
            None => Err(fault("store", "it does not use gorgias")),
            Some(settings) if !settings.push => {
                let message = "it writes nothing into Gorgias' customers: set `destinations.gorgias.push` to true, with `put_store`";
                Err(fault("store", message))
            }
            Some(_) => Ok((destination, queue)),
        }
    }

    /// Reads one page, and puts its members on the queue where there is one to put them on.
    async fn sync_page(
        &self,
        (store, destination): (&Store, &dyn Destination),
        after: Option<&str>,
        queue: Option<&str>,
    ) -> Result<(Vec<Matched>, Option<String>), Vec<Fault>> {
        let read = |answered: &[Answered]| match answered.last() {
            None => Step::Call(people::page(after)),
            Some((_, reply)) => match people::read(reply.as_ref()) {
                Ok(page) => Step::Done(Some(page)),
                Err(Answer::Refused(_)) if after.is_some() => Step::Done(None),
                Err(answer) => Step::Failed(answer),
            },
        };
        let page = self.visit(store, destination, read).await;
        let page = page.map_err(|finding| fault(&finding.about, finding.message))?;
        let Some(Page { customers, next }) = page else {
            let message = "Gorgias does not know this cursor any more: begin again without `after`";
            return Err(fault("after", message));
        };
        let matched = customers
            .into_iter()
            .map(|customer| self.matched(store, customer));
        let matched: Vec<Matched> = stream::iter(matched)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        if let Some(queue) = queue {
            self.queue_members(&store.id, &matched, queue).await?;
        }
        Ok((matched, next))
    }

    async fn matched(&self, store: &Store, customer: Customer) -> Result<Matched, Vec<Fault>> {
        let email = customer.email.as_deref().map(Email::parse);
        let Some(Ok(email)) = email else {
            let who = Who::NoAddress;
            return Ok(Matched { customer, who });
        };
        let named = MemberKey::of_email(&email);
        let found = find_member(&*self.table, &store.id, &named).await;
        let found = found.map_err(|error| fault("table", error))?;
        let state = found.state.as_ref();
        let member = state.filter(|state| {
            let held = state.held();
            held.is_some_and(|held| held.member.role == Role::Member)
        });
        let who = match member {
            Some(state) => Who::Member {
                version: state.version,
                own: named == found.key,
                key: found.key,
            },
            None => Who::Nobody,
        };
        Ok(Matched { customer, who })
    }

    /// What Gorgias calls each of them is written down first: it spares the pusher a look.
    async fn queue_members(
        &self,
        store: &StoreId,
        matched: &[Matched],
        queue: &str,
    ) -> Result<(), Vec<Fault>> {
        let mut messages = Vec::new();
        for (id, one) in matched.iter().enumerate() {
            let Who::Member { key, version, own } = &one.who else {
                continue;
            };
            if *own {
                let whom = (store, key, gorgias::NAME);
                let noted = heard_of(&*self.table, whom, &one.customer.id).await;
                noted.map_err(|error| fault("table", error))?;
            }
            let message = Message {
                v: 1,
                store: store.clone(),
                member: key.clone(),
                version: *version,
                lane: Lane::Bulk,
                note: None,
                hash: Some(self.hash_key.member(store, key)),
                erase: None,
            };
            let body = message.to_text().map_err(|error| fault("queue", error))?;
            messages.push(Outgoing { id, body });
        }
        let refused = self.queue.send(queue, messages).await;
        if refused.is_empty() {
            Ok(())
        } else {
            let message = "the queue did not take every member of a page; give the command again: who is written is not written twice";
            Err(fault("queue", message))
        }
    }
}

impl Tally {
    fn add(&mut self, matched: Vec<Matched>, queued: bool) {
        self.pages += 1;
        for Matched { customer, who } in matched {
            self.customers += 1;
            match who {
                Who::NoAddress => self.without_address += 1,
                Who::Nobody => self.non_members += 1,
                Who::Member { key, .. } => match self.members.get(&key) {
                    Some(first) => self.duplicates.push((first.clone(), customer.id)),
                    None => {
                        self.members.insert(key, customer.id);
                    }
                },
            }
        }
        if queued {
            self.queued = self.members.len();
        }
    }

    fn told(
        &self,
        (store, dry_run): (&StoreId, bool),
        next: Option<&str>,
        faults: &[Fault],
    ) -> Value {
        let named: Vec<_> = self.duplicates.iter().take(NAMED).collect();
        let mut answer = json!({
            "ok": faults.is_empty(),
            "store": store.as_str(),
            "dry_run": dry_run,
            "customers": self.customers,
            "members": self.members.len(),
            "non_members": self.non_members,
            "without_address": self.without_address,
            "duplicates": self.duplicates.len(),
            "duplicate_customers": named,
            "queued": self.queued,
            "next": next,
        });
        if !faults.is_empty() {
            answer["faults"] = json!(faults);
        }
        if next.is_some() {
            answer["what_to_do"] = GOES_ON.into();
        } else if !self.duplicates.is_empty() {
            answer["what_to_do"] = "two customers are one member, who is written into one of them: merge them in Gorgias".into();
        }
        answer
    }
}
