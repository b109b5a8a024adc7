//! Rule (rule.io), an email and SMS platform, as a destination.
//!
//! Each push is one `POST /api/v2/subscribers` for one subscriber, with fields and tags together, so that an automation
//! cannot start before its data. Follows Rule's API documentation (`apidoc.rule.se`, version 2) and its help article on
//! the Yotpo integration. What those leave open is assumed, and each assumption stands in one place, marked `ASSUMED`
//! with its name.

mod account;
mod answer;
mod check;
mod erase;
mod fields;
mod join;
mod map;
mod provision;
mod rows;
mod settings;

pub use settings::{CatchAll, Friends, Mode, Settings};

use std::time::Duration;

use loyalty::{Change, Email, Event, Kind, Member};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    Answer, Answered, Call, Destination, Erasing, Finding, Header, Key, Method, OnAmbiguous, Pace,
    Plan, Push, Reason, Renaming, Reply, Seen, Site, Step, Store, Wants,
};

/// The destination.
pub struct Rule;

/// The field that carries our marker: which automation was started last. Rule shows it beside the others.
const MARKER: (&str, &str) = ("Bridge", "LastEvent");

/// The same, as a field's key.
const MARKER_KEY: &str = "Bridge.LastEvent";

impl Destination for Rule {
    fn name(&self) -> &'static str {
        "rule"
    }

    fn account(&self, store: &Store) -> String {
        let settings = store.destinations.rule.as_ref();
        let named = settings.and_then(|settings| settings.account.clone());
        named.unwrap_or_else(|| store.id.to_string())
    }

    /// Rule allows 2000 calls in ten minutes. 2.5 a second are 1500, which leaves room for the burst and for others.
    fn pace(&self) -> Pace {
        Pace {
            interval: Duration::from_millis(400),
            burst: 200,
        }
    }

    fn secret_form(&self) -> &'static str {
        r#"{"v":1,"api_key":"<Rule: Settings > Developer > New API key>"}"#
    }

    /// The secret is `{"v": 1, "api_key": "…"}`. The key travels in the header only: in a URL or a body it would end
    /// up in logs.
    fn key(&self, secret: &Value) -> Option<Key> {
        let key = secret
            .get("api_key")?
            .as_str()
            .map(str::trim)
            .filter(|key| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic()))?;
        let header = Header {
            name: "authorization",
            value: SecretString::from(format!("Bearer {key}")),
        };
        Some(Key::fixed("https://app.rule.io", vec![header]))
    }

    fn wants(&self, event: &Event, change: &Change, store: &Store) -> Wants {
        let Some(settings) = &store.destinations.rule else {
            return Wants::Nothing(Reason::NotWanted);
        };
        let friend = event.kind.addresses_friend() && settings.referral_friend == Friends::Skip;
        if friend || settings.off.contains(&event.kind) {
            return Wants::Nothing(Reason::NotWanted);
        }
        if rows::row(event.kind).is_some() {
            return Wants::Event;
        }
        if !settings.also.contains(&event.kind) {
            return Wants::Nothing(Reason::NotWanted);
        }
        if change.is_empty() {
            Wants::Nothing(Reason::Unchanged)
        } else {
            Wants::Picture
        }
    }

    fn plan(&self, push: &Push) -> Result<Plan, Reason> {
        map::plan(push)
    }

    fn together(&self) -> usize {
        join::MOST
    }

    fn joins(&self, call: &Call) -> Option<String> {
        join::joins(call)
    }

    fn join(&self, calls: &[&Call]) -> Option<Call> {
        join::join(calls)
    }

    fn answer(&self, call: &Call, reply: Option<&Reply>) -> Answer {
        answer::answer(call, reply)
    }

    fn look(&self, member: &Member, _person: Option<&str>) -> Option<Call> {
        Some(look(member.email.as_ref()?))
    }

    fn seen(&self, reply: Option<&Reply>) -> Seen {
        answer::seen(reply)
    }

    /// ASSUMED `rule-rename`: `PUT /subscribers/{id}` with another address renames the subscriber, and tags, fields and
    /// consent stay; it is refused when another subscriber has that address.
    fn rename(&self, renaming: &Renaming) -> Option<Call> {
        let email = renaming.member.email.as_ref()?;
        let id: u64 = renaming.person.parse().ok()?;
        Some(Call {
            method: Method::Put,
            path: format!("/api/v2/subscribers/{id}"),
            body: Some(json!({"email": email.expose()}).to_string()),
        })
    }

    fn erase(&self, erasing: &Erasing, last: Option<(&Call, Option<&Reply>)>) -> Step<()> {
        erase::erase(erasing, last)
    }

    fn check(&self, site: &Site, answered: &[Answered]) -> Step<Vec<Finding>> {
        check::check(site.store, answered)
    }

    fn provision(&self, site: &Site, answered: &[Answered]) -> Step<Vec<Finding>> {
        provision::provision(site.store, answered)
    }

    fn on_ambiguous(&self, store: &Store, kind: Kind) -> OnAmbiguous {
        let settings = store.destinations.rule.as_ref();
        settings
            .and_then(|settings| settings.on_ambiguous.get(&kind))
            .copied()
            .unwrap_or(OnAmbiguous::Unconfirmed)
    }
}

/// The call that reads a subscriber's fields.
fn look(email: &Email) -> Call {
    let email = utf8_percent_encode(email.expose(), NON_ALPHANUMERIC);
    Call {
        method: Method::Get,
        path: format!("/api/v2/subscriber/{email}/fields?identified_by=email"),
        body: None,
    }
}
