//! `member`: one person's story, as far as the table knows it.

use delivery::story::{self as books, DeliveryLine, Told};
use loyalty::{Member, MemberKey, StoreId};
use platform::{MemberState, find_member};
use recording::{
    erase::{Whom, resolve},
    story::{self, EventLine},
};
use serde_json::{Map, Value, json};
use vendors::{Fault, registry};

use crate::{
    asked::{self, Person},
    command::{Operator, fault},
};

/// Words of a picture that tell nothing of who the person is. All other text is shown only when asked for: a key that is
/// added later is hidden until somebody puts it here.
const PLAIN: [&str; 6] = [
    "enrolled_at",
    "last_purchase_on",
    "last_seen_at",
    "points_expiring_on",
    "tier",
    "tier_expires_at",
];

struct Asked {
    store: StoreId,
    person: Person,
    limit: usize,
    after: Option<String>,
    shown_to: Option<String>,
}

impl Operator {
    /// `{"command": "member", "store", "email" | "source" + "id", "limit", "after", "show", "by"}` answers `{"ok",
    /// "member", "version", "role", "picture", "destinations", "events", "count", "next"}`; `events` are newest first.
    pub(crate) async fn member(&self, asked: Value) -> Result<Value, Vec<Fault>> {
        let Asked {
            store,
            person,
            limit,
            after,
            shown_to,
        } = asked::read(asked, |section| {
            let store = asked::store(section);
            let person = asked::person(section);
            let limit = asked::limit(section, 100);
            let after = section.text("after");
            let shown_to = asked::shown_to(section);
            Some(Asked {
                store: store?,
                person: person?,
                limit,
                after,
                shown_to,
            })
        })?;
        let unanswered = |error| fault("table", error);
        self.settings(&store).await?;
        let key = self.member_key(&store, &person).await?;
        let named = self.hash_key.member(&store, &key);
        if let Some(by) = &shown_to {
            let what = json!({"member": named});
            self.audit(&store, by, "member", "", &what).await?;
        }
        let found = find_member(&*self.table, &store, &key).await;
        let state = found.map_err(unanswered)?.state;
        let held = state.as_ref().and_then(MemberState::held);
        // What happened under an address that the person had before stands there still.
        let earlier = held.iter().flat_map(|held| &held.previous);
        let earlier = earlier.map(|previous| &previous.key);
        let (mut deliveries, mut events) = (Vec::new(), Vec::new());
        for key in [&key].into_iter().chain(earlier) {
            let more = books::deliveries(&*self.table, &store, key).await;
            deliveries.extend(more.map_err(unanswered)?);
            let more = story::events(&*self.table, &store, key).await;
            events.extend(more.map_err(unanswered)?);
        }
        deliveries.sort_by(|a, b| (b.at, &b.delivery).cmp(&(a.at, &a.delivery)));
        events.sort_by(|a, b| (b.arrived, &b.event).cmp(&(a.arrived, &a.event)));
        events.dedup_by(|a, b| (a.arrived, &a.event) == (b.arrived, &b.event));
        let (events, next) = page(events, after.as_deref(), limit);
        let mut destinations = Map::new();
        for destination in registry::DESTINATIONS {
            let name = destination.name();
            let told = books::told(&*self.table, (&store, &key, name)).await;
            let own = deliveries.iter().filter(|line| line.destination == name);
            let own: Vec<&DeliveryLine> = own.collect();
            if let Some(told) = told.map_err(unanswered)? {
                destinations.insert(name.to_owned(), destination_story(&told, &own, limit));
            }
        }
        let show = shown_to.is_some();
        let mut answer = json!({
            "ok": true,
            "member": named,
            "known": held.is_some(),
            "destinations": destinations,
            "count": events.len(),
            "events": events.iter().map(|line| event_story(line, &deliveries)).collect::<Vec<_>>(),
            "next": next,
        });
        if let Some((held, state)) = held.zip(state.as_ref()) {
            answer["version"] = state.version.into();
            answer["role"] = json!(held.member.role);
            answer["picture"] = picture(&held.member, show);
        }
        if show {
            answer["key"] = key.expose().into();
        }
        Ok(answer)
    }

    /// The key under which a person's rows stand now.
    pub(crate) async fn member_key(
        &self,
        store: &StoreId,
        person: &Person,
    ) -> Result<MemberKey, Vec<Fault>> {
        let whom = match person {
            Person::Email(email) => Whom::Email(email.clone()),
            Person::Known(alias) => Whom::Id(alias.clone()),
        };
        let key = resolve(&*self.table, store, &whom).await;
        key.map_err(|error| fault("table", error))
    }
}

/// Events after a place, at most `limit` of them; and the place after which the next page begins.
fn page(
    events: Vec<EventLine>,
    after: Option<&str>,
    limit: usize,
) -> (Vec<EventLine>, Option<String>) {
    let place = |line: &EventLine| format!("{:020}#{}", line.arrived.as_microsecond(), line.event);
    let mut rest: Vec<EventLine> = events
        .into_iter()
        .filter(|line| after.is_none_or(|after| place(line).as_str() < after))
        .collect();
    let more = rest.len() > limit;
    rest.truncate(limit);
    let next = rest.last().filter(|_| more).map(place);
    (rest, next)
}

fn event_story(line: &EventLine, deliveries: &[DeliveryLine]) -> Value {
    let prefix = format!("{}#", line.event);
    let own = deliveries.iter();
    let own = own.filter(|delivery| delivery.delivery.starts_with(&prefix));
    json!({
        "event": line.event,
        "kind": line.kind.name(),
        "first_arrival": line.arrived.to_string(),
        "changed": line.change.facets,
        "joined": line.change.joined,
        "to": line.to,
        "body": line.body,
        "deliveries": own.map(delivery_story).collect::<Vec<_>>(),
    })
}

fn delivery_story(line: &DeliveryLine) -> Value {
    json!({
        "delivery": line.delivery,
        "destination": line.destination,
        "status": line.status,
        "starts": line.starts,
        "listed": line.listed,
        "attempts": line.attempts,
        "reason": line.reason,
        "at": line.at.to_string(),
    })
}

fn destination_story(told: &Told, deliveries: &[&DeliveryLine], limit: usize) -> Value {
    let count = |status: &str| {
        deliveries
            .iter()
            .filter(|line| line.status == status)
            .count()
    };
    let latest = deliveries.iter().take(limit);
    json!({
        "written": told.written.map(|written| written.to_string()),
        "version": told.version,
        "picture_refused": told.refused,
        "parked": told.waits,
        "unsettled": told.unsettled,
        "waiting": count("waiting") + count("claimed"),
        "rejected": count("rejected"),
        "unconfirmed": count("unconfirmed"),
        "sent": count("sent"),
        "deliveries": latest.map(|line| delivery_story(line)).collect::<Vec<_>>(),
    })
}

/// Each key that is known: its value, and since when and from whom it is known.
fn picture(member: &Member, show: bool) -> Value {
    // In the stored form a value stands alone, or in a list with the place of its stamp; no value is a list itself.
    let mut stored = json!(member);
    let known = member.known().map(|(key, stamp)| {
        let value = match stored[key].take() {
            Value::Array(cell) => cell.into_iter().next().unwrap_or_default(),
            value => value,
        };
        let bare = matches!(value, Value::Null | Value::Bool(_) | Value::Number(_));
        let told = if bare || show || PLAIN.contains(&key) {
            value
        } else {
            "hidden: say `show`".into()
        };
        let cell = json!({
            "value": told, "as_of": stamp.as_of.to_string(), "arrived": stamp.arrived.to_string(), "source": stamp.source,
        });
        (key.to_owned(), cell)
    });
    let mut picture: Map<String, Value> = known.collect();
    if show {
        for key in ["email", "aliases"] {
            picture.insert(key.to_owned(), json!({"value": stored[key]}));
        }
    }
    Value::Object(picture)
}
