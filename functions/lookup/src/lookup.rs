//! One request for a card.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use futures_util::join;
use jiff::{SignedDuration, Timestamp};
use loyalty::{Email, Member, MemberKey, Role, StoreId};
use platform::{
    Admission, Clock, Deadline, Found, Held, MemberState, Received, SecretCache, Standing, Stores,
    Table, TableError, find_member,
    telemetry::{self, Metric},
};
use secrecy::{ExposeSecret as _, SecretString};
use vendors::{
    Store,
    gorgias::{self, Asked, Credential, Ticket, card},
};

use crate::{
    miss::{Met, Through},
    stale::Refreshed,
};

/// When an answer is out, whatever has come of it. Gorgias' own patience is not published.
const PATIENCE: Duration = Duration::from_millis(1_900);

/// When a source must have answered, so that time is left to write down what came of it.
const ENOUGH: SignedDuration = SignedDuration::from_millis(1_600);

/// Shows cards.
pub struct Lookup {
    /// The table.
    pub table: Arc<dyn Table>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Store settings.
    pub stores: Stores,
    /// The secrets that are presented.
    pub secrets: SecretCache,
    /// The first part of every secret's name.
    pub secret_prefix: String,
    /// When somebody last asked.
    pub received: Received,
    /// The ways to those sources that answer at once, by name.
    pub through: BTreeMap<&'static str, Through>,
    /// Whom this process has had read.
    pub(crate) refreshed: Refreshed,
}

/// What a request is answered.
#[derive(Clone, PartialEq, Eq)]
pub enum Answered {
    /// With a card, as JSON.
    Card(String),
    /// With 401 and nothing else.
    Refused,
}

/// Cards name people.
impl fmt::Debug for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Card(_) => "Card(…)",
            Self::Refused => "Refused",
        })
    }
}

/// Whom a ticket is about, as far as it can be told.
pub(crate) struct Customer<'a> {
    pub(crate) store: &'a Store,
    pub(crate) email: &'a Email,
    pub(crate) asked: &'a Asked,
    /// When a source must have answered.
    pub(crate) until: Deadline,
}

impl Lookup {
    /// Shows cards over these ports.
    #[must_use]
    pub fn new(
        table: Arc<dyn Table>,
        clock: Arc<dyn Clock>,
        stores: Stores,
        secrets: SecretCache,
        secret_prefix: String,
        through: BTreeMap<&'static str, Through>,
    ) -> Self {
        Self {
            table,
            clock,
            stores,
            secrets,
            secret_prefix,
            received: Received::default(),
            through,
            refreshed: Refreshed::default(),
        }
    }

    /// Answers one request.
    pub async fn answer(&self, store: &str, ticket: &Ticket) -> Answered {
        // The id is checked before it names a secret or a row.
        let Ok(store) = StoreId::parse(store) else {
            return Answered::Refused;
        };
        let asked = gorgias::asked(ticket);
        let until = Deadline::after(ENOUGH, &*self.clock);
        let answer = tokio::time::timeout(PATIENCE, self.in_time(&store, ticket, &asked, until));
        if let Ok(answer) = answer.await {
            return answer;
        }
        tracing::error!(%store, "a card could not be read in time");
        self.unavailable(None, &asked)
    }

    async fn in_time(
        &self,
        store: &StoreId,
        ticket: &Ticket,
        asked: &Asked,
        until: Deadline,
    ) -> Answered {
        match self.admission(store, ticket).await {
            Admission::Granted => {}
            Admission::Refused => {
                tracing::warn!(%store, "a request for a card was refused");
                let headers = Some(ticket.headers.as_slice());
                self.received
                    .note(&*self.table, &*self.clock, gorgias::INLET, store, headers)
                    .await;
                return Answered::Refused;
            }
            // Made-up ids must not fill the table.
            Admission::NoStore => return Answered::Refused,
            // Nobody can tell who asks, so nothing is told; 401 might disable the integration.
            Admission::Unclear => return self.unavailable(None, asked),
        }
        let address = asked
            .email
            .as_deref()
            .and_then(|text| Email::parse(text).ok());
        let (store, found, ()) = join!(
            self.stores.get(store),
            self.find(store, address.as_ref()),
            self.received
                .note(&*self.table, &*self.clock, gorgias::INLET, store, None),
        );
        let store = match store {
            Ok(store) => store,
            Err(error) => {
                tracing::error!(%error, "a store's settings could not be read");
                return self.unavailable(None, asked);
            }
        };
        if store.destinations.gorgias.is_none() {
            return self.unavailable(Some(&store), asked);
        }
        let Some(email) = address else {
            return self.shown(gorgias::Standing::NoAddress, &store, asked);
        };
        match found {
            Ok(found) => {
                let customer = Customer {
                    store: &store,
                    email: &email,
                    asked,
                    until,
                };
                self.known(&customer, found).await
            }
            Err(error) => {
                tracing::error!(store = %store.id, %error, "a card could not be read");
                self.unavailable(Some(&store), asked)
            }
        }
    }

    async fn admission(&self, store: &StoreId, ticket: &Ticket) -> Admission {
        let name = format!("{}/{store}/{}", self.secret_prefix, gorgias::INLET);
        let admits = |secret: &SecretString| {
            let credential = Credential::read(secret.expose_secret())?;
            Some(credential.admits(ticket))
        };
        self.secrets.admission(store, &name, admits).await
    }

    async fn find(&self, store: &StoreId, email: Option<&Email>) -> Result<Found, TableError> {
        match email {
            Some(email) => find_member(&*self.table, store, &MemberKey::of_email(email)).await,
            None => Ok(Found {
                key: MemberKey::of_external("", ""),
                state: None,
                passed: Vec::new(),
            }),
        }
    }

    /// Shows whom the table knows; of anybody else, what a source that answers at once tells.
    async fn known(&self, customer: &Customer<'_>, found: Found) -> Answered {
        let held = match found.state.as_ref().map(|state| &state.standing) {
            Some(Standing::Erased { .. }) => {
                return self.shown(gorgias::Standing::Unknown, customer.store, customer.asked);
            }
            _ => found.state.as_ref().and_then(MemberState::held),
        };
        if let Some(held) = held.filter(|held| held.member.role == Role::Member) {
            self.refresh(customer, &held.member).await;
            return self.member(&held.member, customer);
        }
        let before = held.map(|held: &Held| &held.member);
        match self.miss(customer, before).await {
            Met::Member(member) => self.member(&member, customer),
            Met::Nobody => {
                let standing = before.map_or(gorgias::Standing::Unknown, gorgias::Standing::Known);
                self.shown(standing, customer.store, customer.asked)
            }
            Met::Unclear => self.unavailable(Some(customer.store), customer.asked),
            // Nothing is wrong, so nobody is called.
            Met::Busy => self.shown(
                gorgias::Standing::Unavailable,
                customer.store,
                customer.asked,
            ),
        }
    }

    fn member(&self, member: &Member, customer: &Customer<'_>) -> Answered {
        let standing = gorgias::Standing::Known(member);
        self.shown(standing, customer.store, customer.asked)
    }

    fn shown(&self, standing: gorgias::Standing<'_>, store: &Store, asked: &Asked) -> Answered {
        let address = asked.email.as_deref();
        Answered::Card(card(standing, address, Some(store), self.clock.now()).json())
    }

    /// A card that says that there is none now. Somebody should look.
    fn unavailable(&self, store: Option<&Store>, asked: &Asked) -> Answered {
        no_card(self.clock.now(), store, asked)
    }
}

/// What is answered while nobody can tell who asks.
#[must_use]
pub fn unclear(ticket: &Ticket, now: Timestamp) -> Answered {
    no_card(now, None, &gorgias::asked(ticket))
}

fn no_card(now: Timestamp, store: Option<&Store>, asked: &Asked) -> Answered {
    telemetry::count(now, Metric::CardsUnavailable, 1);
    let (standing, address) = (gorgias::Standing::Unavailable, asked.email.as_deref());
    Answered::Card(card(standing, address, store, now).json())
}
