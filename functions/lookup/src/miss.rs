//! Somebody of whom nothing is held: a source that answers at once is asked while the ticket waits.

use std::{sync::Arc, time::Duration};

use delivery::{Asked as Told, Asker};
use jiff::SignedDuration;
use loyalty::{HashKey, Member};
use platform::{Deadline, ErasedRow, Inbox, Outgoing, Queue, TableError, from_item};
use vendors::{
    Envelope, Fetch, Lane, Members, Outcome, Question, Read, Reason, Source, Wanted, Whom, registry,
};

use crate::{
    lookup::{Customer, Lookup},
    slots::Slot,
};

/// How long a source is asked at most.
const ASKING: SignedDuration = SignedDuration::from_millis(1_500);

/// How long a ticket waits before it looks again whether it may ask.
const TURN: SignedDuration = SignedDuration::from_millis(250);

/// With less time than this no question is begun.
const LAST_TURN: Duration = Duration::from_millis(600);

/// The way to one source, for what cannot wait.
pub struct Through {
    /// Asks it.
    pub asker: Asker,
    /// Where what it tells goes, to be recorded.
    pub inbox: Inbox,
    /// The queues.
    pub queue: Arc<dyn Queue>,
    /// The queue of reads, for what it did not tell in time.
    pub reads: String,
    /// The stack's key for ids.
    pub hash_key: HashKey,
}

/// Who was met.
pub(crate) enum Met {
    /// Somebody.
    Member(Box<Member>),
    /// Nobody.
    Nobody,
    /// Nobody can tell now.
    Unclear,
    /// Nobody can tell now, because others of the store's tickets ask: the next trigger shows what they heard.
    Busy,
}

impl Lookup {
    /// The source that feeds the store and may be asked while somebody waits.
    pub(crate) fn through(
        &self,
        customer: &Customer<'_>,
    ) -> Option<(&'static dyn Source, &Through)> {
        let mut sources = registry::SOURCES.iter();
        let source = sources.find(|source| {
            let api = source.api();
            api.is_some_and(|api| api.answers_at_once() && api.is_used(customer.store))
        })?;
        Some((*source, self.through.get(source.name())?))
    }

    /// Asks for somebody of whom nothing is held but perhaps a name.
    pub(crate) async fn miss(&self, customer: &Customer<'_>, before: Option<&Member>) -> Met {
        let Some((source, through)) = self.through(customer) else {
            return Met::Nobody;
        };
        let hash = through.member(customer);
        let slot = match self.turn(customer, &hash).await {
            Ok(slot) => slot,
            Err(Met::Busy) => {
                self.read_later((source, through), (customer, &hash), self.clock.now())
                    .await;
                return Met::Busy;
            }
            Err(met) => return met,
        };
        let whom = Whom::Email(customer.email.clone());
        let deadline = Deadline::after(ASKING, &*self.clock);
        let question = Question::Member(&whom);
        let asked = through
            .asker
            .ask(&customer.store.id, &question, 1, deadline);
        // Whatever the question has to wait for, time is left to have it asked later.
        let late = |_| {
            Err(Outcome::Retry {
                after: Duration::ZERO,
                reason: Reason::OutOfTime,
            })
        };
        let asked = tokio::time::timeout(customer.until.remaining(&*self.clock), asked).await;
        let asked = asked.unwrap_or_else(late);
        let ((), met) = futures_util::join!(
            self.give_back(slot),
            self.meet((source, through), customer, (before, &hash), asked)
        );
        met
    }

    /// A turn to ask. The triggers of one ticket come at the same time, and one of them waits for the others' answer.
    async fn turn(&self, customer: &Customer<'_>, hash: &str) -> Result<Slot, Met> {
        loop {
            match self.may_be_asked_for(customer, hash).await {
                Ok(true) => {}
                Ok(false) => return Err(Met::Nobody),
                Err(error) => {
                    tracing::error!(store = %customer.store.id, %error, "what is known of a customer could not be read");
                    return Err(Met::Unclear);
                }
            }
            if let Some(slot) = self.take_slot(&customer.store.id).await {
                return Ok(slot);
            }
            if customer.until.remaining(&*self.clock) < LAST_TURN {
                return Err(Met::Busy);
            }
            let now = self.clock.now();
            let next = now.checked_add(TURN).unwrap_or(now);
            self.clock.sleep_until(next).await;
        }
    }

    /// What came of the question.
    async fn meet(
        &self,
        (source, through): (&'static dyn Source, &Through),
        customer: &Customer<'_>,
        (before, hash): (Option<&Member>, &str),
        asked: Result<Told<Members>, Outcome>,
    ) -> Met {
        let asked = match asked {
            Ok(asked) => asked,
            Err(outcome) => {
                let reason = outcome.reason().map(vendors::Reason::code);
                tracing::warn!(store = %customer.store.id, source = source.name(), reason, "a source did not answer while a ticket waited");
                self.read_later((source, through), (customer, hash), self.clock.now())
                    .await;
                return Met::Unclear;
            }
        };
        let Some(body) = asked.told.bodies.first() else {
            self.nobody(through, customer, hash).await;
            return Met::Nobody;
        };
        let Some(event) = through.read(source, customer, (asked.sent, body)).await else {
            tracing::error!(store = %customer.store.id, source = source.name(), "what a source told of a customer could not be understood");
            return Met::Unclear;
        };
        if asked.told.lacks.is_some() {
            self.read_later((source, through), (customer, hash), self.clock.now())
                .await;
        }
        let mut member = before.cloned().unwrap_or_default();
        member.hear(&event);
        Met::Member(Box::new(member))
    }

    /// Whether nothing is known that speaks against asking: an erasure, or that nobody was known a moment ago.
    async fn may_be_asked_for(
        &self,
        customer: &Customer<'_>,
        hash: &str,
    ) -> Result<bool, TableError> {
        let erased = ErasedRow::key(&customer.store.id, hash);
        let (erased, fresh) = futures_util::join!(
            self.table.get(&erased, false),
            self.was_nobody(&customer.store.id, hash)
        );
        let erased: Option<ErasedRow> = erased?.map(from_item).transpose()?;
        let blocks = erased.is_some_and(|erased| erased.blocks == Some(true));
        Ok(!blocks && !fresh?)
    }
}

impl Through {
    /// The customer's name in rows and logs: a keyed hash.
    pub(crate) fn member(&self, customer: &Customer<'_>) -> String {
        let key = loyalty::MemberKey::of_email(customer.email);
        self.hash_key.member(&customer.store.id, &key)
    }

    /// The event that an answer is; it goes to the inbox, where it is safe.
    async fn read(
        &self,
        source: &dyn Source,
        customer: &Customer<'_>,
        (sent, body): (jiff::Timestamp, &[u8]),
    ) -> Option<Box<loyalty::Event>> {
        let store = customer.store.id.clone();
        let nonce = platform::nonce();
        let sealed = Envelope::seal(store, source.name(), sent, nonce, None, body);
        let mut envelope = sealed.ok()?;
        envelope.lane = Lane::Bulk;
        let Read::Event(event) = source.read(&envelope, body, customer.store, &self.hash_key)
        else {
            return None;
        };
        if !self.inbox.put(&envelope).await {
            tracing::warn!(store = %customer.store.id, "what a source told is shown and could not be queued: it is asked again with the next ticket");
        }
        Some(event)
    }

    /// Has the customer read later: the next ticket shows what comes of it. Tells whether the queue took it.
    pub(crate) async fn have_read(
        &self,
        source: &str,
        customer: &Customer<'_>,
        asked: jiff::Timestamp,
    ) -> bool {
        let fetch = Fetch {
            v: 1,
            store: customer.store.id.clone(),
            source: source.to_owned(),
            what: Wanted::Member {
                whom: Whom::Email(customer.email.clone()),
                asked: asked.as_microsecond(),
            },
        };
        let Ok(body) = fetch.to_text() else {
            return false;
        };
        let message = Outgoing { id: 0, body };
        self.queue.send(&self.reads, vec![message]).await.is_empty()
    }
}
