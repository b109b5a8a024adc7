//! `rejected`, `unconfirmed`, `parked`: what waits for a person, or for a vendor.

use delivery::{Desk, List, Listing, Waiting};
use loyalty::StoreId;
use serde_json::{Value, json};
use vendors::Fault;

use crate::{
    advice::what_to_do,
    asked,
    command::{Operator, fault},
};

struct Asked {
    store: StoreId,
    destination: &'static str,
    limit: usize,
    after: Option<String>,
    shown_to: Option<String>,
}

impl Operator {
    /// `{"command": "<list>", "store", "destination", "limit", "after", "show", "by"}` answers `{"ok", "items", "count",
    /// "unreadable", "next"}`, oldest first.
    pub(crate) async fn list(&self, list: List, asked: Value) -> Result<Value, Vec<Fault>> {
        let asked = asked::read(asked, |section| {
            let store = asked::store(section);
            let destination = asked::destination(section, self.deployed());
            let limit = asked::limit(section, 100);
            let after = section.text("after");
            let shown_to = asked::shown_to(section);
            Some(Asked {
                store: store?,
                destination: destination?,
                limit,
                after,
                shown_to,
            })
        })?;
        self.settings(&asked.store).await?;
        let desk = self.desk(&asked.store, asked.destination);
        let page = desk.page(list, asked.after.as_deref(), asked.limit).await;
        let Listing {
            rows,
            unreadable,
            next,
        } = page.map_err(|error| fault("table", error))?;
        if let Some(by) = &asked.shown_to {
            let members: Vec<String> = rows.iter().map(|row| self.named(row)).collect();
            let what = json!({"destination": asked.destination, "members": members});
            self.audit(&asked.store, by, list.name(), "", &what).await?;
        }
        let show = asked.shown_to.is_some();
        let items: Vec<Value> = rows.iter().map(|row| self.item(list, row, show)).collect();
        let count = items.len();
        Ok(
            json!({"ok": true, "count": count, "items": items, "unreadable": unreadable, "next": next}),
        )
    }

    pub(crate) fn desk(&self, store: &StoreId, destination: &str) -> Desk {
        Desk {
            table: self.table.clone(),
            store: store.clone(),
            destination: destination.to_owned(),
        }
    }

    /// The member of a row, by the keyed hash.
    pub(crate) fn named(&self, row: &Waiting) -> String {
        self.hash_key
            .member(&row.message.store, &row.message.member)
    }

    fn item(&self, list: List, row: &Waiting, show: bool) -> Value {
        let note = row.message.note.as_ref();
        let reason = row.reason.as_deref().unwrap_or("unknown");
        let mut item = json!({
            "kind": note.map_or("member_updated", |note| note.kind.name()),
            "event": note.map(|note| note.event.as_str()),
            "delivery": row.delivery(),
            "member": self.named(row),
            "since": row.since.to_string(),
            "attempts": row.attempts,
            "reason": reason,
            "what_to_do": what_to_do(list, reason),
        });
        if row.is_under_way() {
            item["what_to_do"] = "a replay of it was cut off: replay it again".into();
        }
        if show {
            item["key"] = row.message.member.expose().into();
        }
        item
    }
}
