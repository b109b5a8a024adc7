//! Who may come in, and with what.

use std::sync::Arc;

use loyalty::StoreId;
use platform::{Admission, Clock, Inbox, Received, SecretCache, Table};
use secrecy::{ExposeSecret, SecretString};
use vendors::{Envelope, Inbound, Inlet, Reception, Refusal, Source, registry};

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
        let refused = matches!(reception, Reception::Refused(_)).then_some(&*inbound.headers);
        let tells = matches!(
            reception,
            Reception::Stored | Reception::Refused(Refusal::Unauthorized)
        );
        // Of a store that nobody has set up nothing is written: made-up ids must not fill the table.
        if is_known && tells {
            self.received
                .note(&*self.table, &*self.clock, source.name(), &store, refused)
                .await;
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

    /// Whether the caller presents the store's secret.
    async fn is_admitted(
        &self,
        source: &dyn Source,
        store: &StoreId,
        inbound: &Inbound,
    ) -> Admission {
        let name = self.secret_name(source, store);
        let admits = |secret: &SecretString| {
            let inlet = Inlet::read(secret.expose_secret())?;
            Some(source.authenticate(inbound, &inlet).is_ok())
        };
        self.secrets.admission(store, &name, admits).await
    }
}
