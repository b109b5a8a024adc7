//! What stands in a store's account with Rule: its tags, its fields, and the automations that hang on tags.
//!
//! Follows Rule's API documentation for `GET /tags` and `GET /customizations` (version 2) and its SDK for
//! `GET /editor/automail` (version 3).

use serde::Deserialize;
use serde_json::Value;

use super::answer;
use crate::{Answer, Answered, Call, Method, Reply, Step};

/// Rows on a page: the most that Rule gives.
const PAGE: usize = 100;

/// Pages of one list that are read at most.
const PAGES: usize = 20;

/// What was seen of an account.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// Tags by id and name.
    pub(super) tags: Vec<(i64, String)>,
    /// Fields by key and type; none where the list could not be read.
    pub(super) fields: Option<Vec<(String, String)>>,
    /// Groups to which each write adds a record instead of changing the last one.
    pub(super) historical: Vec<String>,
    /// The automations that are on and hang on a tag; none where the list could not be read.
    pub(super) automations: Option<Vec<Automation>>,
    /// Whether a list was longer than what is read of it.
    pub(super) cut: bool,
}

/// An automation that is on and starts when a tag is set.
#[derive(Debug)]
pub(super) struct Automation {
    /// The tag's name.
    pub(super) tag: String,
}

#[derive(Clone, Copy, PartialEq)]
enum List {
    Tags,
    Fields,
    Automations,
}

/// One page of a list, read.
struct Rows {
    rows: Vec<Value>,
    more: bool,
}

/// Reads the account: one page of one list after the other.
pub(super) fn survey(answered: &[Answered]) -> Step<Account> {
    let mut account = Account::default();
    let mut next = Some((List::Tags, 1));
    for (_, reply) in answered {
        let Some((list, page)) = next else { break };
        next = match read(list, reply.as_ref()) {
            Ok(rows) => {
                let more = rows.more;
                account.add(list, rows.rows);
                account.cut |= more && page == PAGES;
                if more && page < PAGES {
                    Some((list, page + 1))
                } else {
                    list.following()
                }
            }
            // Without the tags nothing can be said; the rest is worth having alone.
            Err(answer) if list == List::Tags => return Step::Failed(answer),
            Err(_) => {
                account.not_seen(list);
                list.following()
            }
        };
    }
    match next {
        Some((list, page)) => Step::Call(list.call(page)),
        None => Step::Done(account),
    }
}

impl List {
    fn following(self) -> Option<(Self, usize)> {
        match self {
            Self::Tags => Some((Self::Fields, 1)),
            Self::Fields => Some((Self::Automations, 1)),
            Self::Automations => None,
        }
    }

    /// ASSUMED `rule-lists`: pages are counted from 1. The link to the next page that Rule gives carries the key, so it
    /// is never followed; that there is one says that there is more.
    fn call(self, page: usize) -> Call {
        let path = match self {
            Self::Tags => format!("/api/v2/tags?limit={PAGE}&page={page}"),
            Self::Fields => format!("/api/v2/customizations?limit={PAGE}&page={page}"),
            Self::Automations => {
                format!("/api/v3/editor/automail?page={page}&per_page={PAGE}&active=true")
            }
        };
        Call {
            method: Method::Get,
            path,
            body: None,
        }
    }

    /// ASSUMED `rule-list-shapes`: `{"tags": […], "meta": {"next": …}}`, `{"groups": […], "meta": {"next": …}}`,
    /// `{"data": […]}`.
    const fn key(self) -> &'static str {
        match self {
            Self::Tags => "tags",
            Self::Fields => "groups",
            Self::Automations => "data",
        }
    }
}

fn read(list: List, reply: Option<&Reply>) -> Result<Rows, Answer> {
    let Some(reply) = reply.filter(|reply| reply.status == 200) else {
        return Err(answer::unread(reply));
    };
    let mut body = reply.json();
    let Some(Value::Array(rows)) = body.get_mut(list.key()).map(Value::take) else {
        return Err(answer::unread(Some(reply)));
    };
    let linked = body
        .pointer("/meta/next")
        .and_then(Value::as_str)
        .is_some_and(|next| !next.is_empty());
    let more = linked || (list == List::Automations && rows.len() >= PAGE);
    Ok(Rows { rows, more })
}

#[derive(Deserialize)]
struct TagRow {
    id: i64,
    name: String,
}

#[derive(Deserialize)]
struct GroupRow {
    name: String,
    #[serde(default)]
    historical: bool,
    #[serde(default)]
    fields: Vec<FieldRow>,
}

#[derive(Deserialize)]
struct FieldRow {
    name: String,
    #[serde(default, rename = "type")]
    type_name: String,
}

#[derive(Deserialize)]
struct AutomationRow {
    trigger: Option<Trigger>,
}

#[derive(Deserialize)]
struct Trigger {
    #[serde(rename = "type")]
    kind: String,
    id: Option<i64>,
    name: Option<String>,
}

impl Account {
    fn add(&mut self, list: List, rows: Vec<Value>) {
        match list {
            List::Tags => self.tags.extend(
                rows.into_iter()
                    .filter_map(row::<TagRow>)
                    .map(|tag| (tag.id, tag.name)),
            ),
            List::Fields => {
                for group in rows.into_iter().filter_map(row::<GroupRow>) {
                    let of_group = group.fields.into_iter().map(|field| {
                        let key = format!("{}.{}", group.name, field.name);
                        (key, field.type_name)
                    });
                    self.fields.get_or_insert_default().extend(of_group);
                    if group.historical {
                        self.historical.push(group.name);
                    }
                }
                self.fields.get_or_insert_default();
            }
            List::Automations => {
                let triggers = rows
                    .into_iter()
                    .filter_map(row::<AutomationRow>)
                    .filter_map(|automation| automation.trigger);
                let on_tags: Vec<Automation> = triggers
                    .filter(|trigger| trigger.kind.eq_ignore_ascii_case("tag"))
                    .filter_map(|trigger| self.tag_of(trigger))
                    .map(|tag| Automation { tag })
                    .collect();
                self.automations.get_or_insert_default().extend(on_tags);
            }
        }
    }

    fn not_seen(&mut self, list: List) {
        match list {
            List::Tags => self.tags.clear(),
            List::Fields => self.fields = None,
            List::Automations => self.automations = None,
        }
    }

    /// The tag's own name: what an automation calls it may be older.
    fn tag_of(&self, trigger: Trigger) -> Option<String> {
        let known = self.tags.iter().find(|(id, _)| Some(*id) == trigger.id);
        known.map(|(_, name)| name.clone()).or(trigger.name)
    }

    /// Whether a tag of exactly this name exists.
    pub(super) fn has_tag(&self, name: &str) -> bool {
        self.tags.iter().any(|(_, known)| known == name)
    }

    /// The type of a field; none where the field does not exist, or nothing is known of fields.
    pub(super) fn type_of(&self, key: &str) -> Option<&str> {
        let known = self.fields.iter().flatten().find(|(known, _)| known == key);
        known.map(|(_, type_name)| type_name.as_str())
    }
}

/// A row of a list; one of another shape is left out.
fn row<T: serde::de::DeserializeOwned>(row: Value) -> Option<T> {
    serde_json::from_value(row).ok()
}
