//! `erase`: removes a person here, and has every destination erase them.

use jiff::Timestamp;
use loyalty::StoreId;
use recording::erase::{Eraser, Progress, Whom};
use serde_json::{Value, json};
use vendors::{EraseMode, Fault};

use crate::{
    asked::{self, Person},
    command::{Operator, fault},
};

struct Asked {
    store: StoreId,
    whom: Whom,
    mode: Option<EraseMode>,
    by: String,
    why: String,
}

impl Operator {
    /// `{"command": "erase", "store", "email" | "source" + "id", "mode", "by", "why", "confirm": true}` answers `{"ok",
    /// "member", "since", "removed", "waiting", "finished"}`. Asked once more it goes on, and says how far it is.
    pub(crate) async fn erase(&self, asked: Value) -> Result<Value, Vec<Fault>> {
        let Asked {
            store,
            whom,
            mode,
            by,
            why,
        } = asked::read(asked, |section| {
            let store = asked::store(section);
            let person = asked::person(section);
            let modes = [
                ("fields", Some(EraseMode::Fields)),
                ("person", Some(EraseMode::Person)),
            ];
            let mode = section.one_of("mode", &modes, None);
            let (by, why) = (asked::by(section), asked::why(section));
            if !section.flag("confirm", false) {
                section.fault(
                    "confirm",
                    "must be true: what is erased cannot be brought back",
                );
            }
            Some(Asked {
                store: store?,
                whom: person?.into(),
                mode,
                by,
                why,
            })
        })?;
        let settings = self
            .stores
            .get(&store)
            .await
            .map_err(|error| fault("store", error))?;
        let named = self.hash_of(&store, &whom).await?;
        let what = json!({"member": named, "mode": mode});
        self.audit(&store, &by, "erase", &why, &what).await?;
        let eraser = Eraser {
            table: self.table.clone(),
            queue: self.queue.clone(),
            clock: self.clock.clone(),
            hash_key: self.hash_key.clone(),
            queues: self.queues.clone(),
        };
        let Progress {
            hash,
            at,
            waiting,
            removed,
            finished,
        } = eraser
            .erase(&settings, &whom, mode)
            .await
            .map_err(|error| {
                fault(
                    "table",
                    format!("{error}; what was begun goes on by itself within minutes, and may be asked for again"),
                )
            })?;
        Ok(json!({
            "ok": true,
            "member": hash,
            "since": Timestamp::from_microsecond(at).ok(),
            "removed": removed,
            "waiting": waiting,
            "finished": finished,
        }))
    }

    /// The keyed hash that names a person in audits and logs.
    pub(crate) async fn hash_of(&self, store: &StoreId, whom: &Whom) -> Result<String, Vec<Fault>> {
        let key = recording::erase::resolve(&*self.table, store, whom).await;
        let key = key.map_err(|error| fault("table", error))?;
        Ok(self.hash_key.member(store, &key))
    }
}

impl From<Person> for Whom {
    fn from(person: Person) -> Self {
        match person {
            Person::Email(email) => Self::Email(email),
            Person::Known(alias) => Self::Id(alias),
        }
    }
}
