//! Has a member read from their source where a destination is one too: what was written there shows only when it is read.

use platform::Outgoing;
use vendors::{Fetch, Plan, Source, Wanted, Whom, registry};

use crate::member::Turn;

impl Turn<'_> {
    /// Asks for the member to be read. It is a help and no promise: what fails here is read with the person's next news, or
    /// their next ticket.
    pub(crate) async fn read_back(&self, plan: &Plan) {
        let Some(source) = self.pusher.destination.reads_back(&plan.call) else {
            return;
        };
        let api = registry::source(source).and_then(Source::api);
        let is_used = api.is_some_and(|api| api.is_used(&self.store));
        let (Some(url), Some(whom), true) = (&self.pusher.reads, self.known_as(source), is_used)
        else {
            return;
        };
        let fetch = Fetch {
            v: 1,
            store: self.store.id.clone(),
            source: source.to_owned(),
            what: Wanted::Member {
                whom,
                asked: self.pusher.clock.now().as_microsecond(),
            },
        };
        let Ok(body) = fetch.to_text() else {
            return;
        };
        let message = Outgoing { id: 0, body };
        if !self.pusher.queue.send(url, vec![message]).await.is_empty() {
            tracing::warn!(store = %self.store.id, source, "the queue of reads took nothing: what was written shows later");
        }
    }

    /// What the source calls the person: the id under which they were written, its own id that it told, or the address.
    fn known_as(&self, source: &str) -> Option<Whom> {
        let member = &self.held.member;
        let told = || {
            let alias = member.aliases.iter().find(|alias| alias.source == source)?;
            Some(Whom::Id(alias.id.clone()))
        };
        let written = self.lease.sync.person.clone();
        let written = written.filter(|_| self.pusher.destination.name() == source);
        let written = written.map(|person| Whom::Id(person.into()));
        let email = || member.email.clone().map(Whom::Email);
        written.or_else(told).or_else(email)
    }
}
