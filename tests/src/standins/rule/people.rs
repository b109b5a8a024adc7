//! An account's people, tags and fields.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::automations::{self, Mode, Runs, Start};
use super::checks::{Field, Subscriber, Tag, Upsert};
use super::limits::Limits;
use super::lists::Automail;
use super::{Identifier, Refusal, stockholm};
use crate::standins::{Answer, Request};

/// Characters of all values of one group of one person.
const GROUP_SIZE: usize = 65_000;

/// One account.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) limits: Limits,
    people: Vec<Person>,
    /// How many were ever made.
    made: u64,
    tags: Vec<String>,
    types: BTreeMap<String, String>,
    starts: Vec<Start>,
    automails: Vec<Automail>,
}

/// One person.
#[derive(Debug, Clone)]
pub(super) struct Person {
    id: u64,
    email: Option<String>,
    phone: Option<String>,
    language: String,
    opted_in: bool,
    suppressed: bool,
    created_at: String,
    updated_at: String,
    /// Tag id to the runs of its automation.
    tags: BTreeMap<u64, Runs>,
    fields: BTreeMap<String, Value>,
}

impl Account {
    /// The position of a person.
    pub(super) fn find(&self, who: &Identifier) -> Result<usize, Refusal> {
        let is = |person: &Person| match who {
            Identifier::Email(email) => person.email.as_ref() == Some(email),
            Identifier::Phone(phone) => person.phone.as_ref() == Some(phone),
            Identifier::Id(id) => person.id == *id,
        };
        let found = self.people.iter().position(is);
        found.ok_or_else(|| Refusal::new(404, "SubscriberNotFound", "Subscriber not found."))
    }

    /// Removes a person.
    pub(super) fn remove(&mut self, at: usize) {
        self.people.remove(at);
    }

    fn of(&self, subscriber: &Subscriber) -> Option<usize> {
        let email = subscriber
            .email
            .clone()
            .and_then(|email| self.find(&Identifier::Email(email)).ok());
        email.or_else(|| {
            subscriber
                .phone
                .clone()
                .and_then(|phone| self.find(&Identifier::Phone(phone)).ok())
        })
    }

    /// A person as the API shows them.
    pub(super) fn shown(&self, at: usize) -> Value {
        let person = &self.people[at];
        let tags: Vec<Value> = person
            .tags
            .keys()
            .map(|id| json!({"id": id, "name": self.tag_name(*id)}))
            .collect();
        json!({
            "id": person.id,
            "email": person.email,
            "phone_number": person.phone,
            "language": person.language,
            "opted_in": person.opted_in,
            "created_at": person.created_at,
            "updated_at": person.updated_at,
            "tags": tags,
            "suppressed": if person.suppressed { json!(["email"]) } else { json!([]) },
            "syncAtSegments": [],
        })
    }

    /// A person's fields as the API shows them, by group.
    pub(super) fn groups(&self, at: usize) -> Value {
        let mut groups: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for (key, value) in &self.people[at].fields {
            let (group, name) = key.split_once('.').unwrap_or((key, ""));
            groups
                .entry(group)
                .or_default()
                .push(json!({"name": name, "value": value}));
        }
        let shown: Vec<Value> = groups
            .into_iter()
            .map(|(name, fields)| json!({"name": name, "historical": false, "fields": fields}))
            .collect();
        json!({"groups": shown})
    }

    /// Everybody, for tests.
    pub(super) fn state(&self) -> Value {
        let person = |person: &Person| {
            let tags: Vec<&str> = person.tags.keys().map(|id| self.tag_name(*id)).collect();
            let fields: Map<String, Value> = person
                .fields
                .iter()
                .map(|(key, value)| {
                    (
                        key.clone(),
                        json!({"value": value, "type": self.types.get(key)}),
                    )
                })
                .collect();
            let name = person
                .email
                .clone()
                .or_else(|| person.phone.clone())
                .unwrap_or_default();
            (
                name,
                json!({"id": person.id, "opted_in": person.opted_in, "language": person.language, "tags": tags, "fields": fields}),
            )
        };
        Value::Object(self.people.iter().map(person).collect())
    }

    /// Every start, for tests.
    pub(super) fn starts(&self, account: &str) -> Vec<Value> {
        let with_account = |start: &Start| {
            let mut value = json!(start);
            value["account"] = account.into();
            value
        };
        self.starts.iter().map(with_account).collect()
    }

    /// Every sequence under way has ended.
    pub(super) fn finish_runs(&mut self) {
        for runs in self
            .people
            .iter_mut()
            .flat_map(|person| person.tags.values_mut())
        {
            *runs = Runs::default();
        }
    }

    /// Suppresses an address, whether it is known or not.
    pub(super) fn suppress(&mut self, email: &str, now: Timestamp) {
        let email = email.to_lowercase();
        let at = self
            .find(&Identifier::Email(email.clone()))
            .unwrap_or_else(|_| self.create(Some(email), None, now));
        self.people[at].suppressed = true;
    }

    /// A tag exists.
    pub(super) fn make_tag(&mut self, tag: &str) {
        if !self.tags.iter().any(|known| known == tag) {
            self.tags.push(tag.to_owned());
        }
    }

    /// A field exists with this type.
    pub(super) fn make_field(&mut self, key: String, kind: String) {
        self.types.insert(key, kind);
    }

    /// A merchant makes an automation.
    pub(super) fn hang(&mut self, automail: Automail) {
        self.make_tag(&automail.tag);
        self.automails.push(automail);
    }

    /// The merchant's automations.
    pub(super) fn automails(&self) -> &[Automail] {
        &self.automails
    }

    /// A tag's id.
    pub(super) fn id_of(&self, tag: &str) -> Option<usize> {
        let at = self.tags.iter().position(|known| known == tag);
        at.map(|at| at + 1)
    }

    /// Tags as a list shows them.
    pub(super) fn tag_rows(&self) -> Vec<Value> {
        let rows = self.tags.iter().enumerate();
        rows.map(|(at, name)| json!({"id": at + 1, "name": name}))
            .collect()
    }

    /// Groups with their fields, as a list shows them.
    pub(super) fn group_rows(&self) -> Vec<Value> {
        let mut groups: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for (at, (key, kind)) in self.types.iter().enumerate() {
            let (group, name) = key.split_once('.').unwrap_or((key, ""));
            let fields = groups.entry(group).or_default();
            fields.push(json!({"id": at + 1, "name": name, "type": kind}));
        }
        let rows = groups.into_iter().enumerate();
        rows.map(|(at, (name, fields))| json!({"id": at + 1, "name": name, "fields": fields}))
            .collect()
    }

    /// Takes a tag from a person.
    pub(super) fn remove_tag(
        &mut self,
        who: &Identifier,
        tag: &str,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let at = self.find(who)?;
        let id = self.tag_id(&Tag::Name(tag.to_owned()), false)?;
        self.people[at].tags.remove(&id);
        self.people[at].updated_at = stockholm(now);
        Ok(Answer::json(200, &json!({"message": "Success"})))
    }

    fn create(&mut self, email: Option<String>, phone: Option<String>, now: Timestamp) -> usize {
        // Somebody may have been removed: an id is never given twice.
        let id = 81_000 + self.made;
        self.made += 1;
        let at = stockholm(now);
        self.people.push(Person {
            id,
            email,
            phone,
            language: "sv".to_owned(),
            opted_in: true,
            suppressed: false,
            created_at: at.clone(),
            updated_at: at,
            tags: BTreeMap::new(),
            fields: BTreeMap::new(),
        });
        self.people.len() - 1
    }

    fn tag_name(&self, id: u64) -> &str {
        usize::try_from(id)
            .ok()
            .and_then(|id| self.tags.get(id - 1))
            .map_or("", String::as_str)
    }

    fn tag_id(&mut self, tag: &Tag, create: bool) -> Result<u64, Refusal> {
        let missing = || Refusal::new(404, "TagNotFound", "Tag not found.");
        match tag {
            Tag::Id(id) if *id >= 1 && *id <= self.tags.len() as u64 => Ok(*id),
            Tag::Id(_) => Err(missing()),
            Tag::Name(name) => {
                if !self.tags.contains(name) {
                    if !create {
                        return Err(missing());
                    }
                    self.tags.push(name.clone());
                }
                let at = self
                    .tags
                    .iter()
                    .position(|known| known == name)
                    .ok_or_else(missing)?;
                Ok(at as u64 + 1)
            }
        }
    }

    fn tag_ids(
        &mut self,
        tags: &[Tag],
        create: bool,
        faults: &mut Vec<String>,
    ) -> Result<Vec<u64>, Refusal> {
        let ids: Result<Vec<u64>, Refusal> =
            tags.iter().map(|tag| self.tag_id(tag, create)).collect();
        ids.inspect_err(|_| faults.push("a tag of digits alone is read as an id".to_owned()))
    }

    /// A field's type is fixed at its first write.
    fn check_types(&self, fields: &[Field], faults: &mut Vec<String>) -> Result<(), Refusal> {
        let other = |field: &&Field| {
            self.types
                .get(&field.key)
                .is_some_and(|known| *known != field.kind)
        };
        match fields.iter().find(other) {
            Some(field) => {
                faults.push(format!(
                    "field {} was written with another type before",
                    field.key
                ));
                Err(Refusal::field(&field.key, "The field has another type."))
            }
            None => Ok(()),
        }
    }

    fn check_sizes(&self, at: Option<usize>, fields: &[Field]) -> Result<(), Refusal> {
        let mut all = at
            .map(|at| self.people[at].fields.clone())
            .unwrap_or_default();
        all.extend(
            fields
                .iter()
                .map(|field| (field.key.clone(), field.value.clone())),
        );
        let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
        for (key, value) in &all {
            let group = key.split('.').next().unwrap_or_default();
            let length = value.as_str().map_or_else(
                || value.to_string().chars().count(),
                |text| text.chars().count(),
            );
            *sizes.entry(group).or_default() += length;
        }
        match sizes.into_iter().find(|(_, size)| *size > GROUP_SIZE) {
            Some((group, _)) => Err(Refusal::field(
                group,
                "The group holds more than 65000 characters.",
            )),
            None => Ok(()),
        }
    }

    fn put_tags(&mut self, at: usize, ids: &[u64], mode: Mode, starts: bool, now: Timestamp) {
        for id in ids {
            let name = self.tag_name(*id).to_owned();
            let person = &mut self.people[at];
            let held = person.tags.contains_key(id);
            let runs = person.tags.entry(*id).or_default();
            // A suppressed person, or one who has not opted in, gets nothing.
            let reachable = starts && person.opted_in && !person.suppressed;
            if let Some((cause, cancelled)) = reachable
                .then(|| automations::start(mode, held, runs))
                .flatten()
            {
                let email = person.email.clone().unwrap_or_default();
                self.starts.push(Start {
                    email,
                    tag: name,
                    cause,
                    cancelled,
                    at: now.to_string(),
                });
            }
        }
    }

    fn write(&mut self, subscriber: Subscriber, opted_in: bool, now: Timestamp) -> usize {
        let at = self.of(&subscriber);
        let new = at.is_none();
        let at = at.unwrap_or_else(|| self.create(subscriber.email, subscriber.phone, now));
        for field in &subscriber.fields {
            self.types
                .entry(field.key.clone())
                .or_insert_with(|| field.kind.clone());
        }
        let person = &mut self.people[at];
        if new {
            person.opted_in = opted_in;
        }
        if let Some(language) = subscriber.language {
            person.language = language;
        }
        person.fields.extend(
            subscriber
                .fields
                .into_iter()
                .map(|field| (field.key, field.value)),
        );
        person.updated_at = stockholm(now);
        at
    }
}

/// Creates or updates people. All or nothing: one bad row fails the request.
pub(super) fn upsert(
    account: &mut Account,
    asked: Upsert,
    now: Timestamp,
    faults: &mut Vec<String>,
) -> Result<Answer, Refusal> {
    if asked.sync == Some(true) && asked.subscribers.len() > 100 {
        faults.push("sync_subscribers with more than 100 subscribers".to_owned());
        return Err(Refusal::bad(
            "sync_subscribers takes at most 100 subscribers",
        ));
    }
    for subscriber in &asked.subscribers {
        let at = account.of(subscriber);
        if at.is_some() && !asked.update_on_duplicate {
            faults.push("update_on_duplicate is missing".to_owned());
            return Err(Refusal::new(
                409,
                "DuplicateSubscriber",
                "The subscriber exists.",
            ));
        }
        account.check_types(&subscriber.fields, faults)?;
        account.check_sizes(at, &subscriber.fields)?;
    }
    let ids = account.tag_ids(&asked.tags, asked.auto_create_tags, faults)?;
    let starts = automations::allowed(asked.sync, asked.subscribers.len());
    let mut written = Vec::new();
    for subscriber in asked.subscribers {
        let at = account.write(subscriber, !asked.require_opt_in, now);
        account.put_tags(at, &ids, asked.mode, starts, now);
        written.push(at);
    }
    let shown: Vec<Value> = written.iter().map(|at| account.shown(*at)).collect();
    if asked.array {
        let suppressed: Vec<_> = written
            .iter()
            .map(|at| &account.people[*at])
            .filter(|p| p.suppressed)
            .map(|p| &p.email)
            .collect();
        return Ok(Answer::json(
            200,
            &json!({"message": "Success", "subscribers": shown, "suppressed": suppressed}),
        ));
    }
    Ok(Answer::json(
        200,
        &json!({"message": "Success", "subscriber": shown[0]}),
    ))
}

/// Gives a known person tags.
pub(super) fn add_tags(
    account: &mut Account,
    who: &Identifier,
    (tags, mode): (Vec<Tag>, Mode),
    now: Timestamp,
    faults: &mut Vec<String>,
) -> Result<Answer, Refusal> {
    let at = account.find(who)?;
    let ids = account.tag_ids(&tags, true, faults)?;
    account.put_tags(at, &ids, mode, true, now);
    account.people[at].updated_at = stockholm(now);
    Ok(Answer::json(
        200,
        &json!({"message": "Success", "subscriber": account.shown(at)}),
    ))
}

/// `PUT /subscribers/{numeric id}`: a partial update. Only the address is spoken of here; anything else is a fault.
pub(super) fn change(
    account: &mut Account,
    id: &str,
    request: &Request,
    now: Timestamp,
    faults: &mut Vec<String>,
) -> Result<Answer, Refusal> {
    let Ok(id) = id.parse() else {
        faults.push("PUT /subscribers wants the numeric id".to_owned());
        return Err(Refusal::bad("the id is no number"));
    };
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let keys = body.as_object().map(|body| body.keys().cloned().collect());
    if keys != Some(vec!["email".to_owned()]) {
        faults.push(format!("PUT /subscribers with the keys {keys:?}"));
        return Err(Refusal::bad("only the address is changed here"));
    }
    let at = account.find(&Identifier::Id(id))?;
    let email = body["email"].as_str().unwrap_or_default().to_lowercase();
    if !email.contains('@') {
        return Err(Refusal::field("email", "The email must be valid."));
    }
    let owner = account.find(&Identifier::Email(email.clone())).ok();
    if owner.is_some_and(|owner| owner != at) {
        let message = "Subscriber already exists.";
        return Err(Refusal::new(409, "DuplicateSubscriber", message));
    }
    let person = &mut account.people[at];
    person.email = Some(email);
    person.updated_at = stockholm(now);
    let shown = account.shown(at);
    Ok(Answer::json(
        200,
        &json!({"message": "Success", "subscriber": shown}),
    ))
}
