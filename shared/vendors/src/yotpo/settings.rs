//! What a store may set about Yotpo.

use std::collections::BTreeMap;

use loyalty::Kind;
use serde_json::Value;

use crate::Section;

/// A store's settings for Yotpo: `sources.yotpo`.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Topics that are another kind than assumed: `{"<topic>": "<kind>"}`.
    pub topics: BTreeMap<String, Kind>,
    /// Whether the store has credentials for Yotpo's REST interface.
    pub rest: bool,
}

impl Settings {
    pub(crate) fn gather(mut section: Section) -> Self {
        let topics = section.map("topics", topic, kind);
        let rest = section.flag("rest", false);
        section.finish();
        Self { topics, rest }
    }
}

fn topic(name: &str) -> Result<String, String> {
    if name.trim().is_empty() {
        Err("a topic has a name".to_owned())
    } else {
        Ok(name.trim().to_owned())
    }
}

fn kind(value: &Value) -> Result<Kind, String> {
    let name = value.as_str().ok_or("must be the name of a kind")?;
    name.parse()
        .map_err(|error: loyalty::UnknownKind| error.to_string())
}
