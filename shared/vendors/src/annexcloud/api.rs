//! Annex Cloud's REST interface as one that can be asked about members: three calls for one of them.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use loyalty::Reward;
use serde_json::Value;

use super::{
    answer::{Said, said},
    people, read,
    secret::{self, Credential},
};
use crate::{
    Answered, Api, Call, Header, Key, Members, Pace, Question, Reply, Sign, Store, Told, Whom,
};

/// The interface.
pub(super) struct Rest;

impl Api for Rest {
    fn pace(&self) -> Pace {
        pace()
    }

    fn secret_form(&self) -> &'static str {
        secret::FORM
    }

    fn key(&self, secret: &Value) -> Option<Key> {
        key(secret)
    }

    fn is_used(&self, store: &Store) -> bool {
        let settings = store.sources.annexcloud.as_ref();
        settings.is_some_and(|settings| settings.rest)
    }

    /// There is no list of those who changed lately.
    fn calls(&self, question: &Question) -> Vec<Call> {
        let id = match question {
            Question::Member(Whom::Email(email)) => email.expose(),
            Question::Member(Whom::Id(id)) => id.expose(),
            Question::Recent(_) => return Vec::new(),
        };
        vec![people::user(id), people::points(id), people::tiers(id)]
    }

    fn told(&self, _question: &Question, answered: &[Answered]) -> Told<Members> {
        let reply = |place: usize| answered.get(place).and_then(|(_, reply)| reply.as_ref());
        let [user, points, tiers] = [0, 1, 2].map(|place| said(reply(place)));
        read::joined(user, points, tiers)
    }

    fn rewards(&self) -> Option<Call> {
        None
    }

    fn offered(&self, reply: Option<&Reply>) -> Told<Vec<Reward>> {
        match said(reply) {
            Said::Failed(answer) => Err(answer),
            Said::Told(_) | Said::Nobody | Said::Exists => Ok(Vec::new()),
        }
    }

    /// A ticket of an unknown customer is worth a call while it is opened.
    fn answers_at_once(&self) -> bool {
        true
    }

    fn lists_recent(&self) -> bool {
        false
    }
}

impl Sign for Credential {
    fn headers(&self, call: &Call, now: Timestamp) -> Vec<Header> {
        self.sign(call, now)
    }
}

/// What a secret opens, for the source and for the destination.
pub(super) fn key(secret: &Value) -> Option<Key> {
    let (base, credential) = secret::open(secret)?;
    Some(Key::signing(base, Arc::new(credential)))
}

/// ASSUMED `annexcloud-pace`: no limit is published; five calls a second are polite. A burst is less than what two
/// members take: the other half of ten calls at once is left to tickets, which go first.
pub(super) const fn pace() -> Pace {
    Pace {
        interval: Duration::from_millis(200),
        burst: 5,
    }
}
