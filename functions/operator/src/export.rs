//! `export`: everything that is held of one person, in pages.

use loyalty::StoreId;
use recording::{erase::Whom, export};
use serde_json::{Value, json};
use vendors::Fault;

use crate::{
    asked,
    command::{Operator, fault},
};

struct Asked {
    store: StoreId,
    whom: Whom,
    after: Option<String>,
    by: String,
    why: String,
}

impl Operator {
    /// `{"command": "export", "store", "email" | "source" + "id", "by", "why", "after"}` answers `{"ok", "member", "known",
    /// "rows", "next"}`.
    pub(crate) async fn export(&self, asked: Value) -> Result<Value, Vec<Fault>> {
        let Asked {
            store,
            whom,
            after,
            by,
            why,
        } = asked::read(asked, |section| {
            let store = asked::store(section);
            let person = asked::person(section);
            let after = section.text("after");
            let (by, why) = (asked::by(section), asked::why(section));
            Some(Asked {
                store: store?,
                whom: person?.into(),
                after,
                by,
                why,
            })
        })?;
        self.settings(&store).await?;
        let named = self.hash_of(&store, &whom).await?;
        let what = json!({"member": named, "after": after.is_some()});
        self.audit(&store, &by, "export", &why, &what).await?;
        let page = export::page(&*self.table, &store, &whom, after.as_deref()).await;
        let page = page.map_err(|error| fault("table", error))?;
        let known = page.is_some();
        let (rows, next) = page.map_or((Vec::new(), None), |page| (page.rows, page.next));
        Ok(json!({"ok": true, "member": named, "known": known, "rows": rows, "next": next}))
    }
}
