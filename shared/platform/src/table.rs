//! The table, as a port.

use std::fmt;

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
pub use serde_dynamo::AttributeValue as Value;
pub use serde_dynamo::Item;

/// A row's two-part key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    /// Partition.
    pub pk: String,
    /// Place within it.
    pub sk: String,
}

impl RowKey {
    /// A key of two parts.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self {
            pk: pk.into(),
            sk: sk.into(),
        }
    }

    /// The key of a row; none where a part of it is no text.
    #[must_use]
    pub fn of(item: &Item) -> Option<Self> {
        let part = |name| match item.as_ref().get(name) {
            Some(Value::S(text)) => Some(text.clone()),
            _ => None,
        };
        Some(Self::new(part("pk")?, part("sk")?))
    }
}

/// Keys name people.
impl fmt::Debug for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowKey(…)")
    }
}

/// What must hold for a write to happen.
#[derive(Clone, PartialEq)]
pub enum Condition {
    /// The attribute is not there; of `pk`: the row is not there.
    Missing(&'static str),
    /// The attribute has this value.
    Is(&'static str, Value),
    /// The attribute is a number below this.
    Below(&'static str, i64),
    /// At least one holds.
    Any(Vec<Self>),
    /// All hold.
    All(Vec<Self>),
}

impl Condition {
    /// The row is not there.
    #[must_use]
    pub const fn absent() -> Self {
        Self::Missing("pk")
    }
}

/// A change to some attributes of one row, which is made when it is not there.
#[derive(Clone, Default, PartialEq)]
pub struct Update {
    /// Attributes to set.
    pub set: Vec<(&'static str, Value)>,
    /// Lists to lengthen; a list that is not there is made.
    pub append: Vec<(&'static str, Vec<Value>)>,
    /// Attributes to remove.
    pub remove: Vec<&'static str>,
    /// What must hold.
    pub condition: Option<Condition>,
}

/// What became of a conditional write. Both carry the row as it was: before the write, or as it stood in the way.
#[derive(Clone, PartialEq)]
pub enum Written {
    /// The write happened.
    Done(Option<Item>),
    /// The condition did not hold.
    Refused(Option<Item>),
}

/// Items name people.
impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Page({} rows)", self.items.len())
    }
}

/// Items name people.
impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self, Self::Done(_)) {
            "Done(…)"
        } else {
            "Refused(…)"
        })
    }
}

/// Some rows of one partition.
#[derive(Clone, Default, PartialEq)]
pub struct Page {
    /// The rows, in the order of their place.
    pub items: Vec<Item>,
    /// After which place the next page begins; none when this was the last.
    pub next: Option<String>,
}

/// A row that is listed in the index `work`: it is due, or waits for something.
#[derive(Clone, PartialEq, Eq)]
pub struct Listed {
    /// The row.
    pub key: RowKey,
    /// Its place in the list.
    pub place: String,
}

/// The first place of a list after this one: no place contains a blank.
#[must_use]
pub fn next_after(place: &str) -> String {
    format!("{place} ")
}

/// One write of several that happen together or not at all.
#[derive(Clone, PartialEq)]
pub enum Write {
    /// Writes a whole row.
    Put(Item, Option<Condition>),
    /// Changes some attributes of a row.
    Update(RowKey, Update),
    /// Removes a row.
    Delete(RowKey, Option<Condition>),
    /// Writes nothing: the condition must hold.
    Check(RowKey, Condition),
}

/// What became of several writes together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transacted {
    /// All happened.
    Done,
    /// None happened; the conditions of these did not hold, or somebody else was writing their rows, by their place among
    /// the writes.
    Refused(Vec<usize>),
}

/// The table did not do what was asked. Carries AWS's error code and nothing of the row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The table or the way to it failed.
    #[error("the table did not answer as it should: {0}")]
    Unavailable(String),
    /// A row has another shape than this release knows.
    #[error("a row has an unknown shape: {0}")]
    Shape(String),
}

/// The table.
#[async_trait]
pub trait Table: Send + Sync {
    /// Reads one row; consistently, when the newest is needed.
    ///
    /// # Errors
    /// [`TableError::Unavailable`].
    async fn get(&self, key: &RowKey, consistent: bool) -> Result<Option<Item>, TableError>;

    /// Writes a whole row if the condition holds. The row is given back only when it stood in the way.
    ///
    /// # Errors
    /// [`TableError::Unavailable`].
    async fn put(&self, item: Item, condition: Option<Condition>) -> Result<Written, TableError>;

    /// Changes some attributes of a row if the condition holds. The row as it was is given back either way.
    ///
    /// # Errors
    /// [`TableError::Unavailable`].
    async fn update(&self, key: &RowKey, update: Update) -> Result<Written, TableError>;

    /// Removes a row if the condition holds. The row as it was is given back either way.
    ///
    /// # Errors
    /// [`TableError::Unavailable`].
    async fn delete(
        &self,
        key: &RowKey,
        condition: Option<Condition>,
    ) -> Result<Written, TableError>;

    /// Reads rows of one partition consistently, in order: those whose place begins with `prefix`, after `after`, at most
    /// `limit` of them.
    ///
    /// # Errors
    /// [`TableError::Unavailable`].
    async fn page(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, TableError>;

    /// Rows of one list in the index `work`, in the order of their places: those from `from` to `until`, both
    /// included, at most `limit` of them; an empty `from` is the beginning. The index is a hint and lags behind: the row itself says what it is.
    ///
    /// # Errors
    /// [`TableError::Unavailable`].
    async fn work(
        &self,
        list: &str,
        from: &str,
        until: &str,
        limit: usize,
    ) -> Result<Vec<Listed>, TableError>;

    /// Makes at most a hundred writes together or none of them. Costs twice what they cost alone.
    ///
    /// # Errors
    /// [`TableError::Unavailable`].
    async fn transact(&self, writes: Vec<Write>) -> Result<Transacted, TableError>;
}

/// A row of a type of ours, as the table has it.
///
/// # Errors
/// [`TableError::Shape`] when the type cannot be a row.
pub fn to_item<T: Serialize>(key: &RowKey, row: &T) -> Result<Item, TableError> {
    let mut item: Item =
        serde_dynamo::to_item(row).map_err(|error| TableError::Shape(error.to_string()))?;
    item.as_mut().insert("pk".to_owned(), text(&key.pk));
    item.as_mut().insert("sk".to_owned(), text(&key.sk));
    Ok(item)
}

/// A row of the table, as a type of ours.
///
/// # Errors
/// [`TableError::Shape`] when the row has another shape. The message does not repeat the row.
pub fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, TableError> {
    // serde's message may quote the value that did not fit, so only the type's name is told.
    serde_dynamo::from_item(item)
        .map_err(|_| TableError::Shape(std::any::type_name::<T>().to_owned()))
}

/// A type of ours, as an attribute.
///
/// # Errors
/// [`TableError::Shape`] when the type cannot be one.
pub fn value<T: Serialize>(of: &T) -> Result<Value, TableError> {
    serde_dynamo::to_attribute_value(of).map_err(|error| TableError::Shape(error.to_string()))
}

/// Text, as an attribute.
pub fn text(text: impl Into<String>) -> Value {
    Value::S(text.into())
}

/// A list of texts, as an attribute.
pub fn texts<T: Into<String>>(entries: impl IntoIterator<Item = T>) -> Value {
    Value::L(entries.into_iter().map(text).collect())
}

/// A whole number, as an attribute.
#[must_use]
pub fn whole(number: i64) -> Value {
    Value::N(number.to_string())
}
