//! Who may come in, and with what.

use std::{sync::Arc, time::Duration};

use loyalty::StoreId;
use platform::{Clock, Inbox, SecretCache, Table};
use secrecy::{ExposeSecret, SecretString};
use vendors::{Envelope, Inbound, Inlet, Reception, Refusal, Source, registry};

use crate::received::Received;

/// How long an answer may wait for the note of its call.
const NOTE: Duration = Duration::from_millis(500);

/// The door of every source.
pub(crate) struct Door {
    pub(crate) table: Arc<dyn Table>,
    pub(crate) inbox: Inbox,
    pub(crate) secrets: SecretCache,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) secret_prefix: String,
    pub(crate) received: Received,
}

impl Door {
    /// Takes one webhook call in; gives the status to answer.
    pub(crate) async fn receive(&self, source: &str, store: &str, inbound: Inbound) -> u16 {
        // The id is checked before it names a secret or a row.
        let (Some(source), Ok(store)) = (registry::source(source), StoreId::parse(store)) else {
            tracing::warn!("a call for an unknown source or an impossible store was refused");
            return 401;
        };
        let (reception, is_known) = match self.is_admitted(source, &store, &inbound).await {
            Admission::Granted => (self.take_in(source, &store, &inbound).await, true),
            Admission::Refused => (Reception::Refused(Refusal::Unauthorized), true),
            Admission::NoStore => (Reception::Refused(Refusal::Unauthorized), false),
            Admission::Unclear => (Reception::Unavailable, false),
        };
        if let Reception::Refused(refusal) = reception {
            let bytes = inbound.body.len();
            tracing::warn!(%store, source = source.name(), bytes, %refusal, "a delivery was refused");
        }
        let refused = matches!(reception, Reception::Refused(_)).then_some(&inbound);
        // Of a store that nobody has set up nothing is written: made-up ids must not fill the table.
        if is_known && reception != Reception::Unavailable {
            let note =
                self.received
                    .note(&*self.table, &*self.clock, source.name(), &store, refused);
            // The sender waits for an answer, and this row is worth no second of it.
            if tokio::time::timeout(NOTE, note).await.is_err() {
                tracing::warn!(%store, "the time of the last call could not be noted in time");
            }
        }
        source.reply(reception)
    }

    async fn take_in(&self, source: &dyn Source, store: &StoreId, inbound: &Inbound) -> Reception {
        let body = match source.trim(&inbound.body) {
            Ok(body) => body,
            Err(refusal) => return Reception::Refused(refusal),
        };
        let delivery = source.delivery_id(inbound);
        let sealed = Envelope::seal(
            store.clone(),
            source.name(),
            self.clock.now(),
            platform::nonce(),
            delivery,
            &body,
        );
        let Ok(envelope) = sealed else {
            return Reception::Refused(Refusal::TooLarge);
        };
        if self.inbox.put(&envelope).await {
            Reception::Stored
        } else {
            Reception::Unavailable
        }
    }

    fn secret_name(&self, source: &dyn Source, store: &StoreId) -> String {
        format!("{}/{store}/{}-webhook", self.secret_prefix, source.name())
    }

    /// Whether the caller presents the store's secret. A refused caller may know a newer secret than we do, so that one
    /// is read once more.
    async fn is_admitted(
        &self,
        source: &dyn Source,
        store: &StoreId,
        inbound: &Inbound,
    ) -> Admission {
        let name = self.secret_name(source, store);
        let secret = match self.secrets.get(&name).await {
            Ok(Some(secret)) => secret,
            Ok(None) => return Admission::NoStore,
            Err(error) => {
                tracing::error!(%store, %error, "the inbound secret could not be read");
                return Admission::Unclear;
            }
        };
        let admits = |secret: &SecretString| {
            let inlet = inlet(store, secret)?;
            Some(source.authenticate(inbound, &inlet).is_ok())
        };
        let first = admits(&secret);
        if first != Some(false) || !matches!(self.secrets.renewed(&name, &secret).await, Ok(true)) {
            return Admission::from(first);
        }
        match self.secrets.get(&name).await {
            Ok(Some(newer)) => Admission::from(admits(&newer)),
            Ok(None) | Err(_) => Admission::Refused,
        }
    }
}

/// Whether a caller may come in.
enum Admission {
    Granted,
    Refused,
    /// Nobody has made a secret for this store.
    NoStore,
    /// The secret cannot be read, so nobody can tell.
    Unclear,
}

/// From what a secret says of a caller; none when it is not of its form.
impl From<Option<bool>> for Admission {
    fn from(admitted: Option<bool>) -> Self {
        match admitted {
            Some(true) => Self::Granted,
            Some(false) => Self::Refused,
            None => Self::Unclear,
        }
    }
}

fn inlet(store: &StoreId, secret: &SecretString) -> Option<Inlet> {
    let inlet = serde_json::from_str(secret.expose_secret()).ok();
    if inlet.is_none() {
        // serde's message could quote the secret.
        tracing::error!(%store, "the inbound secret is not of the form {{\"v\":1,\"current\":\"…\"}}");
    }
    inlet
}
