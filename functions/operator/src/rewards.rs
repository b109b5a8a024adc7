//! `refresh_rewards`: has a store's rewards read now, and shows what stands.

use delivery::Account;
use loyalty::Reward;
use recording::rewards;
use serde_json::{Value, json};
use vendors::{Api, Fault, Finding, Store, registry};

use crate::{
    account::untouchable,
    asked,
    command::{Operator, fault},
    line::instant,
};

impl Operator {
    /// `{"command": "refresh_rewards", "store"}` answers `{"ok", "store", "in_use", "sources": [{"source", "asked", "at",
    /// "rewards": [{"name", "points", "description"}]}]}`. Where a source did not tell them there are `faults`, and the list
    /// that it told before stands.
    pub(crate) async fn refresh_rewards(&self, asked: Value) -> Result<Value, Vec<Fault>> {
        let store = asked::read(asked, asked::store)?;
        let store = self.settings(&store).await?;
        let (mut sources, mut faults) = (Vec::new(), Vec::new());
        for source in registry::SOURCES {
            let Some(api) = source
                .api()
                .filter(|api| api.is_used(&store) && api.rewards().is_some())
            else {
                continue;
            };
            let name = source.name();
            let asked = self.clock.now();
            let told = self.read_rewards(&store, name, api).await?;
            if let Err(finding) = &told {
                let about = format!("{name}.{}", finding.about);
                faults.extend(fault(&about, &finding.message));
            }
            let stands = rewards::get(&*self.table, (&store.id, name)).await;
            let stands = stands.map_err(|error| fault("table", error))?;
            let listed = stands.iter().flat_map(|stands| &stands.rewards);
            sources.push(json!({
                "source": name,
                "asked": instant(asked.as_microsecond()),
                "at": stands.as_ref().map(|stands| instant(stands.at)),
                "rewards": listed.map(reward_story).collect::<Vec<_>>(),
            }));
        }
        let own = !store.rewards.is_empty();
        let mut answer = json!({
            "ok": faults.is_empty(),
            "store": store.id.as_str(),
            "in_use": if own { "document" } else { "sources" },
        });
        if !faults.is_empty() {
            answer["faults"] = json!(faults);
        }
        if sources.is_empty() && !own {
            answer["what_to_do"] = "no source of this store can be asked: set its option `rest`, or put `rewards` into the store's document".into();
        }
        answer["sources"] = sources.into();
        Ok(answer)
    }

    /// Asks a source and keeps what it told.
    async fn read_rewards(
        &self,
        store: &Store,
        source: &'static str,
        api: &dyn Api,
    ) -> Result<Result<(), Finding>, Vec<Fault>> {
        let line = self.line_at(&Account::of_source(source, &store.id)).await?;
        let asked = self.clock.now();
        if let Some(finding) = untouchable(&line, asked) {
            return Ok(Err(finding));
        }
        let told = match self.ask_for_rewards(store, source, api).await {
            Ok(told) => told,
            Err(finding) => return Ok(Err(finding)),
        };
        tracing::info!(store = %store.id, source, count = told.len(), "rewards.read");
        let put = rewards::put(&*self.table, (&store.id, source), told, asked).await;
        put.map(Ok).map_err(|error| fault("table", error))
    }
}

fn reward_story(reward: &Reward) -> Value {
    json!({
        "name": reward.name,
        "points": reward.amount,
        "description": reward.description,
    })
}
