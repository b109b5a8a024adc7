//! `provision`: makes in a store's account with a destination what its events will write to.

use delivery::Account;
use loyalty::StoreId;
use serde_json::{Value, json};
use vendors::Fault;

use crate::{
    account::untouchable,
    asked,
    command::{Operator, fault},
};

struct Asked {
    store: StoreId,
    destination: &'static str,
    by: String,
    why: String,
    /// Whether what a person has changed there by hand is overwritten.
    force: bool,
}

impl Operator {
    /// `{"command": "provision", "store", "destination", "by", "why", "force"}` answers `{"ok", "store", "destination",
    /// "findings"}`: what was made, and what could not be.
    pub(crate) async fn provision(&self, asked: Value) -> Result<Value, Vec<Fault>> {
        let asked = asked::read(asked, |section| {
            let store = asked::store(section);
            let destination = asked::destination(section, self.deployed());
            let (by, why) = (asked::by(section), asked::why(section));
            let force = section.flag("force", false);
            Some(Asked {
                store: store?,
                destination: destination?,
                by,
                why,
                force,
            })
        })?;
        let (store, destination) = self.used(&asked.store, asked.destination).await?;
        let line = self.line_at(&Account::of(destination, &store)).await?;
        if let Some(finding) = untouchable(&line, self.clock.now()) {
            return Err(fault(&finding.about, finding.message));
        }
        let what = json!({"destination": asked.destination, "force": asked.force});
        self.audit(&store.id, &asked.by, "provision", &asked.why, &what)
            .await?;
        let site = self.site(&store, destination, asked.force).await?;
        let findings = self
            .visit(&store, destination, |answered| {
                destination.provision(&site, answered)
            })
            .await
            .map_err(|finding| {
                // Without the key nothing was begun.
                let began = finding.about != "secret";
                let more = began
                    .then_some("; what was made stays made, and `provision` may be given again");
                fault(&finding.about, finding.message + more.unwrap_or_default())
            })?;
        tracing::info!(store = %store.id, destination = asked.destination, findings = findings.len(), "a destination was provisioned");
        Ok(json!({
            "ok": true,
            "store": store.id.as_str(),
            "destination": asked.destination,
            "findings": findings,
        }))
    }
}
