//! Gorgias, a helpdesk: the member's card beside a ticket, and the same data in its customer records.
//!
//! Follows Gorgias' developer reference (`developers.gorgias.com/reference`) and its help pages on HTTP integrations. What
//! those leave open is assumed, and each assumption stands in one place, marked `ASSUMED` with its name.

mod answer;
mod ask;
mod card;
mod check;
mod customers;
mod integration;
pub mod people;
mod provision;
mod settings;
mod survey;
mod watch;
mod widget;
mod words;

pub use ask::{Asked, Credential, Ticket, asked};
pub use card::{Card, Standing, card};
pub use settings::{Field, FieldType, Settings, Share, Trigger};

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use loyalty::{Change, Event, Kind, Member, Role, StoreId};
use secrecy::SecretString;
use serde_json::Value;

use crate::{
    Answer, Answered, Call, Destination, Door, Erasing, Finding, Header, Key, OnAmbiguous, Pace,
    Plan, Push, Reason, Renaming, Reply, Seen, Site, Step, Store, Wants, Watched,
};

/// The destination.
pub struct Gorgias;

/// Its name.
pub const NAME: &str = "gorgias";

/// The connection under whose name the secret stands that Gorgias presents to us: `<prefix>/<store>/gorgias-lookup`.
pub const INLET: &str = "gorgias-lookup";

impl Destination for Gorgias {
    fn name(&self) -> &'static str {
        NAME
    }

    fn account(&self, store: &Store) -> String {
        let settings = store.destinations.gorgias.as_ref();
        let named = settings.and_then(|settings| settings.account.clone());
        named.unwrap_or_else(|| store.id.to_string())
    }

    /// An API key may make 40 calls in 20 s, in a bucket that leaks: 1.5 a second leave room for others.
    fn pace(&self) -> Pace {
        Pace {
            interval: Duration::from_millis(667),
            burst: 20,
        }
    }

    fn secret_form(&self) -> &'static str {
        r#"{"v":1,"account":"<the first part of your Gorgias address>","email":"<Gorgias: Settings > REST API>","api_key":"<the same page>"}"#
    }

    /// The secret is `{"v": 1, "account": "…", "email": "…", "api_key": "…"}`. The account's name is the first part of the
    /// host and nothing else, so that no setting can lead calls elsewhere.
    fn key(&self, secret: &Value) -> Option<Key> {
        let text = |key: &str| secret.get(key)?.as_str().map(str::trim);
        let (account, email, key) = (text("account")?, text("email")?, text("api_key")?);
        let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let fits = account.bytes().all(letters) && !account.starts_with('-');
        if account.is_empty() || account.len() > 63 || !fits || email.is_empty() || key.is_empty() {
            return None;
        }
        let credential = STANDARD.encode(format!("{email}:{key}"));
        let header = Header {
            name: "authorization",
            value: SecretString::from(format!("Basic {credential}")),
        };
        Some(Key::fixed(
            format!("https://{account}.gorgias.com"),
            vec![header],
        ))
    }

    fn writes(&self, store: &Store) -> bool {
        let settings = store.destinations.gorgias.as_ref();
        settings.is_some_and(|settings| settings.push)
    }

    /// Only the picture goes there, and only where the store wants it written: the card itself is asked for.
    fn wants(&self, event: &Event, change: &Change, store: &Store) -> Wants {
        if !self.writes(store) || event.role != Role::Member {
            return Wants::Nothing(Reason::NotWanted);
        }
        if change.is_empty() {
            Wants::Nothing(Reason::Unchanged)
        } else {
            Wants::Picture
        }
    }

    fn locates(&self) -> bool {
        true
    }

    fn locate(&self, push: &Push, answered: &[Answered]) -> Step<Option<String>> {
        customers::locate(push, answered)
    }

    fn plan(&self, push: &Push) -> Result<Plan, Reason> {
        customers::plan(push)
    }

    fn answer(&self, call: &Call, reply: Option<&Reply>) -> Answer {
        answer::answer(call, reply)
    }

    /// Nothing starts there, so there is nothing to look for.
    fn look(&self, _member: &Member, _person: Option<&str>) -> Option<Call> {
        None
    }

    fn seen(&self, _reply: Option<&Reply>) -> Seen {
        Seen::Unclear
    }

    /// A customer's addresses are the merchant's: the record that was found once is written on.
    fn rename(&self, _renaming: &Renaming) -> Option<Call> {
        None
    }

    fn erase(&self, erasing: &Erasing, last: Option<(&Call, Option<&Reply>)>) -> Step<()> {
        customers::erase(erasing, last)
    }

    fn door(&self, store: &StoreId) -> Option<Door> {
        Some(Door {
            connection: INLET,
            path: integration::path(store),
            token: |secret| Credential::read(secret).map(Credential::into_token),
        })
    }

    fn check(&self, site: &Site, answered: &[Answered]) -> Step<Vec<Finding>> {
        check::check(site, answered)
    }

    fn provision(&self, site: &Site, answered: &[Answered]) -> Step<Vec<Finding>> {
        provision::provision(site, answered)
    }

    fn watches(&self) -> bool {
        true
    }

    fn watch(&self, site: &Site, answered: &[Answered]) -> Step<Watched> {
        watch::watch(site, answered)
    }

    fn on_ambiguous(&self, _store: &Store, _kind: Kind) -> OnAmbiguous {
        OnAmbiguous::Unconfirmed
    }
}
