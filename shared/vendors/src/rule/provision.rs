//! Makes the tags and fields of a store's events in an account with Rule, so that automations and templates can be built
//! before the first event.
//!
//! Rule makes tags and fields when somebody is given them. So one subscriber is given all of them, quietly: an address at
//! example.com, where no mail arrives. It may be removed afterwards; tags and fields stay.

use loyalty::Email;

use super::{
    account::{self, Account},
    answer, check, fields, map,
};
use crate::{Answer, Answered, Finding, Level, Method, Step, Store};

/// The subscriber.
const SUBSCRIBER: &str = "loyalty-bridge@example.com";

/// First the account is read, then what is missing is written, then the account is read once more.
pub(super) fn provision(store: &Store, answered: &[Answered]) -> Step<Vec<Finding>> {
    let is_write = |(call, _): &Answered| call.method == Method::Post;
    let written = answered.iter().rposition(is_write);
    let before = answered.iter().position(is_write).unwrap_or(answered.len());
    let before = match account::survey(&answered[..before]) {
        Step::Done(account) => account,
        Step::Call(call) => return Step::Call(call),
        Step::Failed(answer) => return Step::Failed(answer),
    };
    let wanted = Wanted::of(store);
    let Some(written) = written else {
        return match wanted.missing(&before) {
            missing if missing.is_empty() => Step::Done(vec![Finding::new(
                Level::Good,
                "account",
                "every tag and field exists already; nothing was written",
            )]),
            _ => write(&wanted, &before),
        };
    };
    let (call, reply) = &answered[written];
    match answer::answer(call, reply.as_ref()) {
        Answer::Booked { .. } => {}
        Answer::Amend(other) => return Step::Call(other),
        answer => return Step::Failed(answer),
    }
    match account::survey(&answered[written + 1..]) {
        Step::Done(after) => Step::Done(wanted.made(&before, &after)),
        Step::Call(call) => Step::Call(call),
        Step::Failed(answer) => Step::Failed(answer),
    }
}

/// The write. Fields that exist keep their type, whatever it is, and are not touched.
fn write(wanted: &Wanted, before: &Account) -> Step<Vec<Finding>> {
    let Ok(email) = Email::parse(SUBSCRIBER) else {
        return Step::Done(Vec::new());
    };
    let samples = fields::samples().into_iter();
    let new = samples.filter(|field| before.type_of(field.key).is_none());
    Step::Call(map::quiet(&email, &wanted.tags, new.collect()))
}

/// What must exist.
struct Wanted<'a> {
    tags: Vec<&'a str>,
    fields: Vec<&'static str>,
}

impl<'a> Wanted<'a> {
    fn of(store: &'a Store) -> Self {
        let settings = store.destinations.rule.as_ref();
        Self {
            tags: settings
                .map(|settings| check::wanted_tags(settings).into_iter().collect())
                .unwrap_or_default(),
            fields: fields::all().map(|field| field.key).collect(),
        }
    }

    /// What is not there, as a finding names it. Fields count as missing where the list cannot be seen.
    fn missing(&self, account: &Account) -> Vec<String> {
        let tags = self.tags.iter().filter(|tag| !account.has_tag(tag));
        let fields = self.fields.iter();
        let fields = fields.filter(|key| account.type_of(key).is_none());
        tags.map(|tag| format!("tag `{tag}`"))
            .chain(fields.map(|key| format!("field `{key}`")))
            .collect()
    }

    fn made(&self, before: &Account, after: &Account) -> Vec<Finding> {
        let (missing, still) = (self.missing(before), self.missing(after));
        let made = missing.into_iter().filter(|name| !still.contains(name));
        let mut findings: Vec<Finding> = made
            .map(|name| Finding::new(Level::Good, name, "was made"))
            .collect();
        if after.fields.is_none() {
            let message = "were written; the account's list of fields could not be seen";
            findings.push(Finding::new(Level::Note, "fields", message));
        }
        let seen = still
            .into_iter()
            .filter(|name| after.fields.is_some() || name.starts_with("tag"));
        findings.extend(seen.map(|name| {
            let message = "was written, and Rule does not show it";
            Finding::new(Level::Fault, name, message)
        }));
        let message = format!(
            "`{SUBSCRIBER}` carries them; no automation was started, no mail arrives there, and it may be removed"
        );
        findings.push(Finding::new(Level::Note, "subscriber", message));
        findings
    }
}
