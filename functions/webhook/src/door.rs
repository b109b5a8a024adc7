//! Who may come in, and with what.

use std::sync::Arc;

use loyalty::StoreId;
use platform::{Clock, Outgoing, Queue, SecretCache, Table};
use secrecy::ExposeSecret;
use vendors::{Envelope, Inbound, Inlet, Reception, Refusal, Source, registry};

use crate::received::Received;

/// The door of every source.
pub(crate) struct Door {
    pub(crate) table: Arc<dyn Table>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) secrets: SecretCache,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) inbox_url: String,
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
        let reception = self.take_in(source, &store, &inbound).await;
        let refused = match reception {
            Reception::Refused(refusal) => {
                let bytes = inbound.body.len();
                tracing::warn!(%store, source = source.name(), bytes, %refusal, "a delivery was refused");
                Some(&inbound)
            }
            Reception::Stored | Reception::Unavailable => None,
        };
        // Of a store that nobody has set up nothing is written: made-up ids must not fill the table.
        if self.known(source, &store).await {
            self.received
                .note(&*self.table, &*self.clock, source.name(), &store, refused)
                .await;
        }
        source.reply(reception)
    }

    async fn take_in(&self, source: &dyn Source, store: &StoreId, inbound: &Inbound) -> Reception {
        let inlet = match self.inlet(source, store).await {
            Ok(Some(inlet)) => inlet,
            Ok(None) => return Reception::Refused(Refusal::Unauthorized),
            Err(()) => return Reception::Unavailable,
        };
        if let Err(refusal) = source.authenticate(inbound, &inlet) {
            return Reception::Refused(refusal);
        }
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
        let Ok(message) = serde_json::to_string(&envelope) else {
            return Reception::Unavailable;
        };
        let failed = self
            .queue
            .send(
                &self.inbox_url,
                vec![Outgoing {
                    id: 0,
                    body: message,
                }],
            )
            .await;
        if failed.is_empty() {
            Reception::Stored
        } else {
            Reception::Unavailable
        }
    }

    fn secret_name(&self, source: &dyn Source, store: &StoreId) -> String {
        format!("{}/{store}/{}-webhook", self.secret_prefix, source.name())
    }

    /// The store's inbound secret; none when the store has none. An error means that nobody can tell.
    async fn inlet(&self, source: &dyn Source, store: &StoreId) -> Result<Option<Inlet>, ()> {
        let secret = self
            .secrets
            .get(&self.secret_name(source, store))
            .await
            .map_err(|error| {
                tracing::error!(%store, %error, "the inbound secret could not be read");
            })?;
        let Some(secret) = secret else {
            return Ok(None);
        };
        serde_json::from_str(secret.expose_secret()).map(Some).map_err(|_| {
            // serde's message could quote the secret.
            tracing::error!(%store, "the inbound secret is not of the form {{\"v\":1,\"current\":\"…\"}}");
        })
    }

    async fn known(&self, source: &dyn Source, store: &StoreId) -> bool {
        matches!(
            self.secrets.get(&self.secret_name(source, store)).await,
            Ok(Some(_))
        )
    }
}
