//! `replay`: sends once more what a person has looked at, or reads once more what was kept.

mod again;
mod delivery;

use ::delivery::{Close, List};
use loyalty::{EventId, StoreId};
use serde_json::{Value, json};
use vendors::{Fault, Section};

use crate::{
    asked::{self, Person},
    command::Operator,
};

/// What is replayed.
enum What {
    /// One delivery, in whichever list it stands.
    Delivery(String),
    /// A page of a list.
    List(List, Page),
    /// A page of what was kept for a later release.
    Kept(Page),
    /// An event of one person is read again.
    Event(EventId, Person),
}

struct Page {
    after: Option<String>,
    limit: usize,
}

struct Asked {
    store: StoreId,
    what: What,
    /// Of deliveries alone.
    destination: &'static str,
    close: Option<Close>,
    confirm: bool,
    by: String,
    why: String,
}

/// How far a command came.
#[derive(Default)]
struct Progress {
    items: Vec<Value>,
    next: Option<String>,
    /// Why it did not come further.
    stopped: Option<Vec<Fault>>,
}

impl Progress {
    fn answer(self) -> Value {
        let Self {
            items,
            next,
            stopped,
        } = self;
        let count = items.len();
        match stopped {
            None => json!({"ok": true, "count": count, "items": items, "next": next}),
            Some(faults) => {
                json!({"ok": false, "faults": faults, "count": count, "items": items})
            }
        }
    }
}

impl Operator {
    /// `{"command": "replay", "store", "by", "why"}` and one of
    /// `"destination", "delivery"`; `"destination", "list", "limit", "after"`, both with `"as"` and `"confirm"`;
    /// `"kept": true, "limit", "after"`; `"event"` with `"email"` or `"source"` and `"id"`. Answers `{"ok", "count",
    /// "items", "next"}`.
    pub(crate) async fn replay(&self, asked: Value) -> Result<Value, Vec<Fault>> {
        let asked = asked::read(asked, |section| self.asked(section))?;
        self.settings(&asked.store).await?;
        let progress = match &asked.what {
            What::Delivery(delivery) => self.replay_delivery(&asked, delivery).await?,
            What::List(list, page) => self.replay_list(&asked, *list, page).await?,
            What::Kept(page) => self.replay_kept(&asked, page).await?,
            What::Event(event, person) => self.replay_event(&asked, event, person).await?,
        };
        let (store, count) = (&asked.store, progress.items.len());
        tracing::info!(%store, count, "a replay was asked for");
        Ok(progress.answer())
    }

    fn asked(&self, section: &mut Section) -> Option<Asked> {
        let store = asked::store(section);
        let (by, why) = (asked::by(section), asked::why(section));
        let delivery = section.text("delivery");
        let list = section.text("list");
        let kept = section.flag("kept", false);
        let event = section.text("event");
        let about_deliveries = delivery.is_some() || list.is_some();
        let (mut destination, mut close, mut confirm) = (None, None, false);
        if about_deliveries {
            destination = asked::destination(section, self.deployed());
            let words = [
                ("sent", Some(Close::Sent)),
                ("dropped", Some(Close::Dropped)),
            ];
            close = section.one_of("as", &words, None);
            confirm = section.flag("confirm", false);
        }
        let what = match (delivery, list, kept, event) {
            (Some(delivery), None, false, None) => one_delivery(section, delivery),
            (None, Some(list), false, None) => whole_list(section, &list, close, confirm),
            (None, None, true, None) => Some(What::Kept(page(section))),
            (None, None, false, Some(event)) => {
                let person = asked::person(section);
                // An event's id is text in the table as well: only its form differs.
                let event = serde_json::from_value(Value::String(event)).ok();
                event
                    .zip(person)
                    .map(|(event, person)| What::Event(event, person))
            }
            _ => {
                section.fault(
                    "delivery",
                    "say what to replay: one of `delivery`, `list`, `kept` or `event`",
                );
                None
            }
        };
        if close == Some(Close::Dropped) && !confirm {
            section.fault(
                "confirm",
                "must be true: what is dropped is forgotten and never sent",
            );
        }
        if about_deliveries && destination.is_none() {
            return None;
        }
        Some(Asked {
            store: store?,
            what: what?,
            destination: destination.unwrap_or_default(),
            close,
            confirm,
            by,
            why,
        })
    }
}

fn one_delivery(section: &mut Section, delivery: String) -> Option<What> {
    let fits = delivery.split_once('#').is_some_and(|(event, occurrence)| {
        let digits = !occurrence.is_empty() && occurrence.bytes().all(|b| b.is_ascii_digit());
        !event.is_empty() && digits
    });
    if !fits {
        section.fault(
            "delivery",
            "must be `<event id>#<occurrence>`, as the lists give it",
        );
    }
    fits.then_some(What::Delivery(delivery))
}

fn whole_list(
    section: &mut Section,
    list: &str,
    close: Option<Close>,
    confirm: bool,
) -> Option<What> {
    let page = page(section);
    let list = match list {
        "rejected" => List::Rejected,
        "unconfirmed" => List::Unconfirmed,
        _ => {
            section.fault("list", format!("`{list}` is none of rejected, unconfirmed"));
            return None;
        }
    };
    for fault in forbidden(list, close, confirm) {
        section.fault(&fault.path, fault.message);
    }
    Some(What::List(list, page))
}

fn page(section: &mut Section) -> Page {
    Page {
        limit: asked::limit(section, 100),
        after: section.text("after"),
    }
}

/// What may not be done to rows of this list.
fn forbidden(list: List, close: Option<Close>, confirm: bool) -> Vec<Fault> {
    let fault = |path: &str, message: &str| Fault {
        path: path.to_owned(),
        message: message.to_owned(),
    };
    match (list, close) {
        (List::Unconfirmed, None) if !confirm => vec![fault(
            "confirm",
            "must be true: nobody can tell whether its automation started, so this may start it a second time; if it did arrive, say `as`: `sent` instead",
        )],
        (List::Rejected, Some(Close::Sent)) => vec![fault(
            "as",
            "`sent` is for what is unconfirmed; what was rejected can be `dropped`",
        )],
        _ => Vec::new(),
    }
}
