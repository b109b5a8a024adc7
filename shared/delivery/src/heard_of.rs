//! A person whom somebody has seen at a destination, before any of our own looks.

use loyalty::{MemberKey, StoreId};
use platform::{Condition, Table, TableError, Update, text, whole};

use crate::lease;

/// Writes down the vendor's own id of a person, so that nobody needs to look for them, whatever was said of their absence.
/// Where an id is known, or somebody is at work on them, that stands.
///
/// # Errors
/// When the table does not answer. Then they are looked for.
pub async fn heard_of(
    table: &dyn Table,
    (store, member, destination): (&StoreId, &MemberKey, &str),
    person: &str,
) -> Result<(), TableError> {
    let update = Update {
        set: vec![("v", whole(1)), ("person", text(person))],
        remove: vec!["absent"],
        condition: Some(Condition::All(vec![
            Condition::Missing("person"),
            Condition::Missing("holder"),
        ])),
        ..Update::default()
    };
    let key = lease::key(store, member, destination);
    table.update(&key, update).await.map(drop)
}
