//! `put_store`: checks a store document, writes it, and says what is left to do.

use serde_json::{Map, Value, json};
use vendors::{Fault, Store, registry};

use crate::command::{Operator, fault};

impl Operator {
    /// `{"command": "put_store", "store": {…}}` answers `{"ok", "store", "urls", "missing_secrets"}`.
    pub(crate) async fn put_store(&self, mut asked: Value) -> Result<Value, Vec<Fault>> {
        let document = asked["store"].take();
        let mut faults: Vec<Fault> = asked
            .as_object()
            .into_iter()
            .flat_map(Map::keys)
            .filter(|key| *key != "store")
            .flat_map(|key| fault(key, "is not known here; `put_store` takes `store`"))
            .collect();
        if !document.is_object() {
            faults.extend(fault("store", "must be a store document, an object"));
            return Err(faults);
        }
        let store = match Store::read(document.clone()) {
            Ok(store) => Some(store),
            Err(more) => {
                faults.extend(more.into_iter().map(|more| Fault {
                    path: format!("store.{}", more.path),
                    ..more
                }));
                None
            }
        };
        faults.extend(store.iter().flat_map(|store| self.undeployed(store)));
        let Some(store) = store.filter(|_| faults.is_empty()) else {
            return Err(faults);
        };

        self.stores
            .put(&store.id, &document)
            .await
            .map_err(|error| fault("store", error))?;
        tracing::info!(store = %store.id, "a store was put");
        Ok(json!({
            "ok": true,
            "store": store.id.as_str(),
            "urls": self.urls(&store),
            "missing_secrets": self.missing_secrets(&store).await?,
            "in_effect": "within 60 seconds: functions that are running remember settings for a minute",
        }))
    }

    fn undeployed(&self, store: &Store) -> Vec<Fault> {
        let used = registry::DESTINATIONS
            .iter()
            .map(|destination| destination.name());
        used.filter(|name| store.destinations.has(name) && !self.queues.contains_key(*name))
            .map(|name| Fault {
                path: format!("store.destinations.{name}"),
                message: format!("this stack was deployed without it: deploy with its parameter With… set to \"true\", or set `{name}.on` to false"),
            })
            .collect()
    }

    /// What each vendor must be told that calls us: the URL, and the one that carries the secret itself for a source that sends none.
    fn urls(&self, store: &Store) -> Value {
        let mut urls = Map::new();
        for source in registry::SOURCES
            .iter()
            .filter(|source| store.sources.has(source.name()))
        {
            let url = format!(
                "{}/webhooks/{}/{}",
                self.api_url.trim_end_matches('/'),
                source.name(),
                store.id
            );
            let with_token = format!("{url}/<the secret's `current`>");
            urls.insert(
                source.name().to_owned(),
                json!({"url": url, "url_with_token": with_token}),
            );
        }
        let destinations = registry::DESTINATIONS
            .iter()
            .filter(|destination| store.destinations.has(destination.name()));
        for destination in destinations {
            if let Some(door) = destination.door(&store.id) {
                let url = format!("{}{}", self.api_url.trim_end_matches('/'), door.path);
                urls.insert(destination.name().to_owned(), json!({"url": url}));
            }
        }
        Value::Object(urls)
    }

    async fn missing_secrets(&self, store: &Store) -> Result<Vec<Value>, Vec<Fault>> {
        let mut missing = Vec::new();
        for secret in self.secrets_of(store) {
            if !self.exists(&secret).await? {
                missing.push(json!({"name": secret.name, "content": secret.content, "command": secret.command()}));
            }
        }
        Ok(missing)
    }
}
