//! What came of a visit to a store's account with a vendor, as findings that say what to do.

use delivery::{Line, Unvisited, VISITS, Visit, Wire};
use jiff::Timestamp;
use loyalty::{Email, Reward};
use serde_json::Value;
use vendors::{
    Answer, Answered, Api, Call, Destination, Finding, Key, Level, Question, Reason, Step, Store,
    Told, Whom,
};

use crate::{command::Operator, secrets::Needed};

impl Operator {
    /// Makes the calls that `next` wants of a destination's account.
    pub(crate) async fn visit<T>(
        &self,
        store: &Store,
        destination: &dyn Destination,
        next: impl Fn(&[Answered]) -> Step<T>,
    ) -> Result<T, Finding> {
        let name = destination.name();
        let secret = self.outbound_secret(store, name, destination.secret_form());
        let credential = |secret: &Value| destination.key(secret);
        self.walk((store, name), &secret, &credential, next).await
    }

    /// Finds out whether a source's own interface accepts the store's credential: by asking for somebody whom nobody is.
    pub(crate) async fn ask_for_nobody(
        &self,
        store: &Store,
        source: &str,
        api: &dyn Api,
    ) -> Result<(), Finding> {
        let nobody = Email::parse("nobody@example.com");
        let Ok(nobody) = nobody.map(Whom::Email) else {
            return Ok(());
        };
        let question = Question::Member(&nobody);
        let calls = api.calls(&question);
        let Some(call) = calls.first() else {
            return Ok(());
        };
        let told = |answered: &[Answered]| api.told(&question, answered).map(drop);
        self.ask((store, source, api), call, told).await
    }

    /// Asks a source's own interface what points can be exchanged for.
    pub(crate) async fn ask_for_rewards(
        &self,
        store: &Store,
        source: &str,
        api: &dyn Api,
    ) -> Result<Vec<Reward>, Finding> {
        let Some(call) = api.rewards() else {
            return Ok(Vec::new());
        };
        let told = |answered: &[Answered]| {
            let reply = answered.first().and_then(|(_, reply)| reply.as_ref());
            api.offered(reply)
        };
        self.ask((store, source, api), &call, told).await
    }

    /// Makes one call to a source's own interface.
    async fn ask<T>(
        &self,
        (store, source, api): (&Store, &str, &dyn Api),
        call: &Call,
        told: impl Fn(&[Answered]) -> Told<T>,
    ) -> Result<T, Finding> {
        let secret = self.outbound_secret(store, source, api.secret_form());
        let credential = |secret: &Value| api.key(secret);
        let next = |answered: &[Answered]| match answered.last() {
            None => Step::Call(call.clone()),
            Some(_) => match told(answered) {
                Ok(told) => Step::Done(told),
                Err(answer) => Step::Failed(answer),
            },
        };
        self.walk((store, source), &secret, &credential, next).await
    }

    async fn walk<T>(
        &self,
        (store, name): (&Store, &str),
        secret: &Needed,
        credential: &(dyn Fn(&Value) -> Option<Key> + Sync),
        next: impl Fn(&[Answered]) -> Step<T>,
    ) -> Result<T, Finding> {
        let Some(wire) = self.wires.get(name) else {
            return Err(unwired(name));
        };
        let visit = Visit {
            secrets: &*self.secrets,
            secret_prefix: &self.secret_prefix,
            store: &store.id,
            connection: name,
            credential,
            wire: &**wire as &dyn Wire,
            clock: &*self.clock,
        };
        let visited = visit.walk(next).await;
        visited.map_err(|unvisited| told(&unvisited, name, secret))
    }
}

fn unwired(name: &str) -> Finding {
    let message = format!("this stack was deployed without {name}");
    Finding::new(Level::Fault, "key", message)
}

/// Why an account is not called at all just now: a person's pause, or the vendor's own wish.
pub(crate) fn untouchable(line: &Line, now: Timestamp) -> Option<Finding> {
    if let Some(pause) = line.paused.as_ref().filter(|_| line.is_paused(now)) {
        let message = format!(
            "{} has paused it ({}): it was not asked. `resume` ends the pause",
            pause.by, pause.why
        );
        return Some(Finding::new(Level::Warning, "line", message));
    }
    let until = Timestamp::from_microsecond(line.blocked_until).ok()?;
    (until > now).then(|| {
        let message = format!("the vendor asked not to be called until {until}: it was not asked");
        Finding::new(Level::Warning, "line", message)
    })
}

fn told(unvisited: &Unvisited, vendor: &str, secret: &Needed) -> Finding {
    let name = &secret.name;
    let (about, message) = match unvisited {
        Unvisited::NoSecret => return secret.missing(),
        Unvisited::SecretShape => return secret.misshapen(),
        Unvisited::SecretsUnavailable(code) => return secret.unread(code),
        Unvisited::NoAnswer => (
            "key",
            format!(
                "{vendor} did not answer within {} s: whether the key works cannot be told",
                VISITS.total.as_secs()
            ),
        ),
        Unvisited::Answered(Answer::Misconfigured(Reason::Unauthorized)) => (
            "key",
            format!("{vendor} does not accept it: put a valid one into `{name}`"),
        ),
        Unvisited::Answered(Answer::Throttled { after }) => (
            "key",
            format!(
                "{vendor} asks to wait for {} s: whether the key works cannot be told",
                after.as_secs()
            ),
        ),
        Unvisited::Answered(Answer::Refused(reason) | Answer::Misconfigured(reason)) => (
            "key",
            format!("{vendor} refuses the call ({}): report it", reason.code()),
        ),
        Unvisited::Answered(_) => (
            "key",
            format!("{vendor} failed: look at its status page, and try again"),
        ),
        Unvisited::Endless => (
            "lists",
            format!("{vendor} is slow, or its lists have no end: the look was broken off"),
        ),
    };
    Finding::new(Level::Fault, about, message)
}
