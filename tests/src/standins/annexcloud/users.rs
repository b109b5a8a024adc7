//! People: made, read, changed. Sections 3.1 and 3.2.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::account::{Account, Person};
use super::refusal::Refusal;
use super::{fields, pacific, shape};
use crate::standins::Answer;

/// `POST /users`.
pub(super) fn create(
    account: &mut Account,
    body: &[u8],
    now: Timestamp,
) -> Result<Answer, Refusal> {
    let mut user = fields::read(body)?;
    let Some(id) = user.get("id").and_then(Value::as_str).map(str::to_owned) else {
        return Err(Refusal::bad("Required parameter id is missing").faulty());
    };
    if account.people.contains_key(&id) {
        return Err(Refusal::exists());
    }
    user.entry("optInStatus").or_insert_with(|| json!("YES"));
    user.entry("status").or_insert_with(|| json!("active"));
    user.entry("createDate")
        .or_insert_with(|| json!(pacific(now)));
    user.insert("updateDate".to_owned(), json!(pacific(now)));
    let answer = Answer::json(200, &json!(user));
    let person = Person {
        user,
        ..Person::default()
    };
    account.people.insert(id, person);
    Ok(answer)
}

/// `GET /users/{id}`.
pub(super) fn read(account: &Account, id: &str) -> Result<Answer, Refusal> {
    let person = account.person(id)?;
    Ok(Answer::json(200, &shape::user(account, &person.user)))
}

/// `PATCH /users/{id}`: what is not named stays; attributes are merged, because the documents speak of no way to name all.
pub(super) fn change(
    account: &mut Account,
    id: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<Answer, Refusal> {
    let mut change = fields::read(body)?;
    if change.remove("id").is_some_and(|own| own != id) {
        return Err(Refusal::bad("id is not that of the path").faulty());
    }
    if change.is_empty() {
        return Err(Refusal::bad("a change of nothing").faulty());
    }
    let user = &mut account.person_mut(id)?.user;
    if let Some(Value::Object(attributes)) = change.remove("extendedAttribute") {
        let known = user.entry("extendedAttribute").or_insert_with(|| json!({}));
        merge(known, attributes);
    }
    user.extend(change);
    user.insert("updateDate".to_owned(), json!(pacific(now)));
    Ok(Answer::json(200, &json!(user)))
}

fn merge(known: &mut Value, attributes: Map<String, Value>) {
    if let Some(known) = known.as_object_mut() {
        known.extend(attributes);
    } else {
        *known = Value::Object(attributes);
    }
}
