//! The list of all customers of an account: for a person who fills those from before.

use serde_json::Value;

use super::{
    answer::{self, unread},
    customers::{CUSTOMERS, encoded, get, id},
};
use crate::{Answer, Call, Reply};

/// A customer, as the list shows them.
#[derive(Clone, PartialEq, Eq)]
pub struct Customer {
    /// Gorgias' own id of them.
    pub id: String,
    /// The primary address; the list shows no other.
    pub email: Option<String>,
}

/// It names a person.
impl std::fmt::Debug for Customer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Customer({})", self.id)
    }
}

/// One page of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Who is on it.
    pub customers: Vec<Customer>,
    /// Where the list goes on. Gorgias forgets it after some minutes.
    pub next: Option<String>,
}

/// The call for a page, oldest customers first: whoever is made meanwhile comes last.
#[must_use]
pub fn page(after: Option<&str>) -> Call {
    let cursor = after.map(|cursor| format!("&cursor={}", encoded(cursor)));
    get(format!(
        "{CUSTOMERS}?limit=100&order_by=created_datetime:asc{}",
        cursor.unwrap_or_default()
    ))
}

/// A page, from the reply to its call.
///
/// # Errors
/// What the reply means that shows none.
pub fn read(reply: Option<&Reply>) -> Result<Page, Answer> {
    let shown = reply
        .filter(|reply| reply.status == 200)
        .ok_or_else(|| unread(reply))?
        .json();
    let rows = answer::rows(&shown).ok_or_else(|| unread(reply))?;
    let customer = |row: &Value| {
        let email = row.get("email").and_then(Value::as_str);
        Some(Customer {
            id: id(row)?,
            email: email.map(ToOwned::to_owned),
        })
    };
    Ok(Page {
        customers: rows.iter().filter_map(customer).collect(),
        next: answer::next(&shown).map(ToOwned::to_owned),
    })
}
