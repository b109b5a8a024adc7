//! `simulate`: puts one event of an invented person on the inbox, as if the source had sent it.

use loyalty::{Email, Kind, StoreId};
use serde_json::{Value, json};
use vendors::{Envelope, Fault, Section, Source, registry};

use crate::command::{Operator, fault};

/// Whose address is used unless another is given.
const EMAIL: &str = "simulated@example.com";

impl Operator {
    /// `{"command": "simulate", "store": "<id>", "kind": "<kind>", "email": "…@example.com"}` answers `{"ok", "store",
    /// "source", "kind", "topic", "email"}`.
    pub(crate) async fn simulate(&self, asked: Value) -> Result<Value, Vec<Fault>> {
        let Asked { store, kind, email } = read(asked)?;
        let settings = self
            .stores
            .get(&store)
            .await
            .map_err(|error| fault("store", error))?;
        let now = self.clock.now();
        let number = now.as_microsecond();
        let mut sources = registry::SOURCES
            .iter()
            .filter(|source| settings.sources.has(source.name()));
        let example =
            sources.find_map(|source| Some((*source, source.example(kind, &email, now, number)?)));
        let Some((source, body)) = example else {
            return Err(fault(
                "kind",
                format!("no source of store `{store}` sends `{kind}`"),
            ));
        };
        self.enqueue(source, &store, &body).await?;
        tracing::info!(%store, %kind, "an event was simulated");
        Ok(json!({
            "ok": true,
            "store": store.as_str(),
            "source": source.name(),
            "kind": kind.name(),
            "topic": body["topic"],
            "email": email.expose(),
        }))
    }

    async fn enqueue(
        &self,
        source: &dyn Source,
        store: &StoreId,
        body: &Value,
    ) -> Result<(), Vec<Fault>> {
        let body = body.to_string().into_bytes();
        let mut envelope = Envelope::seal(
            store.clone(),
            source.name(),
            self.clock.now(),
            platform::nonce(),
            None,
            &body,
        )
        .map_err(|error| fault("kind", error))?;
        envelope.simulated = true;
        if self.inbox.put(&envelope).await {
            Ok(())
        } else {
            Err(fault(
                "inbox",
                "the queue did not take the event; try again",
            ))
        }
    }
}

struct Asked {
    store: StoreId,
    kind: Kind,
    email: Email,
}

fn read(asked: Value) -> Result<Asked, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut section = Section::root(asked, &mut faults);
    let (store_text, kind_text) = (
        section.required_text("store"),
        section.required_text("kind"),
    );
    let email_text = section.text("email").unwrap_or_else(|| EMAIL.to_owned());
    // What is missing has been told as missing.
    let store = StoreId::parse(&store_text);
    if let (Err(error), false) = (&store, store_text.is_empty()) {
        section.fault("store", error.to_string());
    }
    let kind = kind_text.parse::<Kind>();
    if let (Err(error), false) = (&kind, kind_text.is_empty()) {
        section.fault("kind", error.to_string());
    }
    let email = Email::parse(&email_text)
        .ok()
        .filter(|email| email.expose().ends_with("@example.com"));
    if email.is_none() {
        section.fault(
            "email",
            "must be an address at example.com: nobody real may receive a simulated event",
        );
    }
    section.finish();
    match (store, kind, email) {
        (Ok(store), Ok(kind), Some(email)) if faults.is_empty() => Ok(Asked { store, kind, email }),
        _ => Err(faults),
    }
}
