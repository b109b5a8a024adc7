//! What was seen and done in an account so far, from the calls that were made and their replies.

use serde_json::Value;

use super::{
    answer::{self, unread},
    customers::{self, encoded, get, id},
    integration::{self, Integration},
};
use crate::{Answer, Answered, Call, Method, Reply, Site};

const WIDGETS: &str = "/api/widgets";

/// The calls so far, sorted by what they were for.
pub(super) struct Survey<'a> {
    site: &'a Site<'a>,
    integrations: Vec<&'a Answered>,
    integration_writes: Vec<&'a Answered>,
    widgets: Vec<&'a Answered>,
    widget_writes: Vec<&'a Answered>,
}

/// Something that is known, or the call that finds it out.
pub(super) enum Known<T> {
    Is(T),
    Ask(Call),
}

/// A widget as Gorgias shows it.
pub(super) struct Widget {
    pub(super) id: u64,
    pub(super) template: Value,
    /// Its place among the others in the sidebar.
    pub(super) order: Option<i64>,
    /// Not, where a person has taken it away.
    pub(super) is_shown: bool,
}

impl<'a> Survey<'a> {
    pub(super) fn of(site: &'a Site, answered: &'a [Answered]) -> Self {
        let of = |fits: &dyn Fn(&Call) -> bool| -> Vec<&'a Answered> {
            answered.iter().filter(|(call, _)| fits(call)).collect()
        };
        Self {
            site,
            integrations: of(&integration::is_page),
            integration_writes: of(&integration::is_write),
            widgets: of(&|call| call.method == Method::Get && call.path.starts_with(WIDGETS)),
            widget_writes: of(&|call| call.method != Method::Get && call.path.starts_with(WIDGETS)),
        }
    }

    /// Whether the key belongs to somebody who may not manage integrations.
    pub(super) fn is_no_admins(&self) -> bool {
        let first = self
            .integrations
            .first()
            .and_then(|(_, reply)| reply.as_ref());
        first.is_some_and(|reply| reply.status == 403)
    }

    /// The store's integration, as the account had it before anything was done.
    pub(super) fn integration(&self) -> Result<Known<Option<Integration>>, Answer> {
        match next_page(&self.integrations)? {
            Page::First => Ok(Known::Ask(integration::page(None))),
            Page::Next(cursor) => Ok(Known::Ask(integration::page(Some(&cursor)))),
            Page::Last => integration::ours(self.site, &self.integrations).map(Known::Is),
        }
    }

    /// What became of a write of the integration with this method; none where it was not made.
    pub(super) fn written(&self, method: Method) -> Option<Result<Value, Answer>> {
        let mut writes = self.integration_writes.iter();
        let (_, reply) = writes.find(|(call, _)| call.method == method)?;
        Some(done(reply.as_ref()))
    }

    /// The widgets of an integration, by context.
    pub(super) fn widgets(&self, integration: u64) -> Result<Known<Vec<(String, Widget)>>, Answer> {
        let page = |cursor: Option<&str>| {
            let cursor = cursor.map(|cursor| format!("&cursor={}", encoded(cursor)));
            get(format!(
                "{WIDGETS}?integration_id={integration}&limit=100{}",
                cursor.unwrap_or_default()
            ))
        };
        match next_page(&self.widgets)? {
            Page::First => return Ok(Known::Ask(page(None))),
            Page::Next(cursor) => return Ok(Known::Ask(page(Some(&cursor)))),
            Page::Last => {}
        }
        let pages = self.widgets.iter().filter_map(|(_, reply)| reply.as_ref());
        let pages: Vec<Value> = pages.map(Reply::json).collect();
        let rows = pages.iter().filter_map(answer::rows).flatten();
        let own = rows
            .filter(|row| customers::whole(row, "integration_id") == Some(integration.to_string()));
        let widgets = own.filter_map(|row| {
            let context = row
                .get("context")
                .and_then(Value::as_str)
                .unwrap_or("ticket");
            let widget = Widget {
                id: id(row)?.parse().ok()?,
                template: row.get("template")?.clone(),
                order: row.get("order").and_then(Value::as_i64),
                is_shown: row.get("deactivated_datetime").is_none_or(Value::is_null),
            };
            Some((context.to_owned(), widget))
        });
        let mut widgets: Vec<_> = widgets.collect();
        widgets.sort_by_key(|(_, widget)| !widget.is_shown);
        Ok(Known::Is(widgets))
    }

    /// What became of the write of a widget in this context; none where it was not made.
    pub(super) fn widget_written(&self, context: &str) -> Option<Result<Value, Answer>> {
        let is_of = |call: &Call| {
            let body = call.body.as_deref().unwrap_or_default();
            let body: Value = serde_json::from_str(body).unwrap_or_default();
            body["context"] == context
        };
        let mut writes = self.widget_writes.iter();
        let (_, reply) = writes.find(|(call, _)| is_of(call))?;
        Some(done(reply.as_ref()))
    }
}

/// The call that makes a widget, or takes the place of one.
pub(super) fn write(existing: Option<u64>, widget: &Value) -> Call {
    let (method, path) = match existing {
        Some(id) => (Method::Put, format!("{WIDGETS}/{id}")),
        None => (Method::Post, WIDGETS.to_owned()),
    };
    Call {
        method,
        path,
        body: Some(widget.to_string()),
    }
}

enum Page {
    First,
    Next(String),
    Last,
}

fn next_page(pages: &[&Answered]) -> Result<Page, Answer> {
    let Some((_, reply)) = pages.last() else {
        return Ok(Page::First);
    };
    let page = done(reply.as_ref())?;
    answer::rows(&page).ok_or_else(|| unread(reply.as_ref()))?;
    Ok(answer::next(&page).map_or(Page::Last, |cursor| Page::Next(cursor.to_owned())))
}

/// The body of a success.
fn done(reply: Option<&Reply>) -> Result<Value, Answer> {
    match reply {
        Some(reply) if (200..300).contains(&reply.status) => Ok(reply.json()),
        reply => Err(unread(reply)),
    }
}
