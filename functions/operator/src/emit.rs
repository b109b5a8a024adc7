//! `emit`: lists or sends what a day brings by itself.

use jiff::{SignedDuration, civil::Date};
use loyalty::{StoreId, due::Due};
use platform::Deadline;
use recording::emit::{EmitError, Found, Stands, Tally};
use serde_json::{Value, json};
use vendors::{Fault, Section, Store};

use crate::{
    asked,
    command::{Operator, fault},
};

/// How long it may take, so that whoever asked gets an answer before the function ends.
const WITHIN: SignedDuration = SignedDuration::from_secs(50);

/// People who are listed at most.
const MOST: usize = 1_000;

struct Asked {
    store: StoreId,
    due: Due,
    date: Option<Date>,
    how: How,
}

enum How {
    List {
        limit: usize,
        shown_to: Option<String>,
    },
    Send {
        by: String,
        why: String,
    },
}

/// One store's kind on one date.
struct Day<'a> {
    store: &'a Store,
    due: Due,
    date: Date,
    today: Date,
    stands: Stands,
}

impl Operator {
    /// `{"command": "emit", "store", "kind", "date", "limit", "show", "by"}` answers `{"ok", "store", "kind", "date", "today",
    /// "stands", "dry_run", "count", "more", "items"}` and sends nothing. With `"dry_run": false, "by", "why"` it sends, and
    /// answers `{…, "told", "passed", "dropped", "unreadable", "more"}`.
    pub(crate) async fn emit(&self, asked: Value) -> Result<Value, Vec<Fault>> {
        let asked = asked::read(asked, read)?;
        let store = self.settings(&asked.store).await?;
        let today = store.emit.rules.calendar.date(self.clock.now());
        let date = asked.date.unwrap_or(today);
        if matches!(asked.how, How::Send { .. }) && date > today {
            let message = format!(
                "nothing is sent before its day: it is {today} where the store is; leave `dry_run` out to see what a day ahead would bring"
            );
            return Err(fault("date", message));
        }
        let stands = self.emitter().stands(&store, asked.due).await;
        let day = Day {
            store: &store,
            due: asked.due,
            date,
            today,
            stands: stands.map_err(|error| fault("table", error))?,
        };
        match &asked.how {
            How::List { limit, shown_to } => self.list_day(&day, *limit, shown_to.as_deref()).await,
            How::Send { by, why } => self.send_day(&day, by, why).await,
        }
    }

    async fn list_day(
        &self,
        day: &Day<'_>,
        limit: usize,
        shown_to: Option<&str>,
    ) -> Result<Value, Vec<Fault>> {
        let (found, more) = if day.stands == Stands::Off {
            (Vec::new(), false)
        } else {
            let deadline = Deadline::after(WITHIN, &*self.clock);
            let emitter = self.emitter();
            let found = emitter.preview(day.store, (day.due, day.date), limit, deadline);
            found.await.map_err(|error| failed(&error))?
        };
        if let Some(by) = shown_to {
            let members: Vec<&str> = found.iter().map(|one| one.member.as_str()).collect();
            let what = json!({"kind": day.due.kind().name(), "date": day.date, "members": members});
            self.audit(&day.store.id, by, "emit", "", &what).await?;
        }
        let items = found.iter().map(|one| item(one, shown_to.is_some()));
        let mut answer = day.answer();
        answer["dry_run"] = true.into();
        answer["count"] = found.len().into();
        answer["more"] = more.into();
        answer["items"] = items.collect();
        Ok(answer)
    }

    async fn send_day(&self, day: &Day<'_>, by: &str, why: &str) -> Result<Value, Vec<Fault>> {
        let what = json!({"kind": day.due.kind().name(), "date": day.date});
        self.audit(&day.store.id, by, "emit", why, &what).await?;
        let (tally, rest) = if day.stands == Stands::Up {
            let deadline = Deadline::after(WITHIN, &*self.clock);
            let emitter = self.emitter();
            let sent = emitter.emit(day.store, day.due, day.date, (None, deadline));
            sent.await.map_err(|error| failed(&error))?
        } else {
            (Tally::default(), None)
        };
        let mut answer = day.answer();
        answer["dry_run"] = false.into();
        for (key, count) in [
            ("told", tally.told),
            ("passed", tally.passed),
            ("dropped", tally.dropped),
            ("unreadable", tally.unreadable),
        ] {
            answer[key] = count.into();
        }
        answer["more"] = rest.is_some().into();
        if rest.is_some() {
            answer["what_to_do"] = "time ran out, and the rest stays due: give the command again in some minutes, when what was sent is recorded, or leave it to the daily run".into();
        }
        Ok(answer)
    }
}

impl Day<'_> {
    fn answer(&self) -> Value {
        let (stands, why) = match self.stands {
            Stands::Up => ("up", None),
            Stands::Down => (
                "down",
                Some(
                    "the store's source was seen sending this kind lately, so the clock sends none of it; set its mode to `on` if it is to",
                ),
            ),
            Stands::Off => (
                "off",
                Some(
                    "the store does not want this kind from the clock; its mode in `emit` says so",
                ),
            ),
        };
        let mut answer = json!({
            "ok": true,
            "store": self.store.id.as_str(),
            "kind": self.due.kind().name(),
            "date": self.date,
            "today": self.today,
            "stands": stands,
        });
        if let Some(why) = why {
            answer["what_to_do"] = why.into();
        }
        answer
    }
}

fn read(section: &mut Section) -> Option<Asked> {
    let store = asked::store(section);
    let due = kind(section);
    let date = section.text("date").and_then(|text| {
        let date = text.parse().ok();
        if date.is_none() {
            section.fault("date", "must be a date such as 2026-05-17");
        }
        date
    });
    let how = if section.flag("dry_run", true) {
        How::List {
            limit: asked::limit(section, MOST),
            shown_to: asked::shown_to(section),
        }
    } else {
        How::Send {
            by: asked::by(section),
            why: asked::why(section),
        }
    };
    Some(Asked {
        store: store?,
        due: due?,
        date,
        how,
    })
}

/// `kind`, one of those that the clock brings.
fn kind(section: &mut Section) -> Option<Due> {
    let words = Due::ALL.map(|due| (due.kind().name(), Some(due)));
    if !section.has("kind") {
        let names = words.map(|(name, _)| name).join(", ");
        section.fault("kind", format!("is missing; the clock brings {names}"));
    }
    section.one_of("kind", &words, None)
}

fn item(found: &Found, show: bool) -> Value {
    let reward = found.detail.reward.as_ref();
    let mut item = json!({
        "member": found.member,
        "on": found.on,
        "reward": reward.and_then(|reward| reward.name.as_deref()),
        "points_needed": found.detail.points_needed,
        "years": found.detail.years,
    });
    if show {
        item["key"] = found.key.expose().into();
    }
    item
}

fn failed(error: &EmitError) -> Vec<Fault> {
    let path = match error {
        EmitError::Table(_) => "table",
        EmitError::Store(_) => "store",
        EmitError::Inbox => "inbox",
    };
    fault(
        path,
        format!("{error}; what was not sent stays due: give the command again"),
    )
}
