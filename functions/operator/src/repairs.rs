//! `repairs`: what the nightly comparison with each source came to, and whether the source is asked at all.

use delivery::Account;
use jiff::Timestamp;
use recording::repair::{Repair, Repairs};
use serde_json::{Value, json};
use vendors::{Fault, Store, registry};

use crate::{
    asked,
    command::{Operator, fault},
    line::line_story,
};

impl Operator {
    /// `{"command": "repairs", "store"}` answers `{"ok", "repairs": [{"source", "line", "run"}]}`: one for each source
    /// that the store has credentials for.
    pub(crate) async fn repairs(&self, asked: Value) -> Result<Value, Vec<Fault>> {
        let store = asked::read(asked, asked::store)?;
        let store = self.settings(&store).await?;
        let mut told = Vec::new();
        for source in registry::SOURCES {
            if source.api().is_some_and(|api| api.is_used(&store)) {
                told.push(self.repairs_of(&store, source.name()).await?);
            }
        }
        Ok(json!({"ok": true, "repairs": told}))
    }

    /// What stands with one source's comparison.
    pub(crate) async fn repairs_of(
        &self,
        store: &Store,
        source: &'static str,
    ) -> Result<Value, Vec<Fault>> {
        let account = Account::of_source(source, &store.id);
        let line = self.line_at(&account).await?;
        let repair = Repairs::of(&*self.table, &store.id, source).await;
        let repair = repair.map_err(|error| fault("table", error))?;
        Ok(json!({
            "source": source,
            "line": line_story(&line, self.clock.now()),
            "run": repair.as_ref().map(run_story),
        }))
    }
}

fn run_story(repair: &Repair) -> Value {
    let instant = |micros| Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH);
    json!({
        "day": repair.run,
        "stage": repair.stage,
        "began": instant(repair.began).to_string(),
        "last_step": instant(repair.at).to_string(),
        "pages": repair.page,
        "cursor": repair.cursor,
        "members": repair.counts,
    })
}
