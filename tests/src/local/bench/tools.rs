//! What a store that is measured uses: Rule alone, or every tool that there is.

use serde_json::{Value, json};

use super::stream;
use super::vendors::ACTIONS;
use crate::trouble::Result;

/// The destinations beside Rule, in the order in which they are measured and shown.
pub(super) const OTHERS: [Other; 2] = [
    Other {
        name: "gorgias",
        function: "push-gorgias",
        shown: "Gorgias",
    },
    Other {
        name: "annexcloud",
        function: "push-annexcloud",
        shown: "Annex Cloud",
    },
];

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Other {
    /// Its name in settings and queues.
    pub(super) name: &'static str,
    /// Its pusher.
    pub(super) function: &'static str,
    /// Its name for people.
    pub(super) shown: &'static str,
}

/// What a store uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tools {
    /// Yotpo's news go to Rule.
    Rule,
    /// They go to Gorgias and to Annex Cloud too, which can be read as well.
    All,
}

impl Tools {
    /// The settings of such a store.
    ///
    /// # Errors
    /// The example that they come from cannot be read.
    pub(super) fn document(self, store: &str) -> Result<Value> {
        let mut document = stream::document("events/stores/example-outdoor.json")?;
        document["store"] = json!(store);
        if self == Self::All {
            let [points_earned, referral_completed, birthday] = ACTIONS;
            document["sources"]["annexcloud"] = json!({});
            document["destinations"]["gorgias"] = json!({"push": true});
            document["destinations"]["annexcloud"] = json!({"actions": {
                "points_earned": points_earned, "referral_completed": referral_completed, "birthday": birthday,
            }});
        }
        Ok(document)
    }
}
