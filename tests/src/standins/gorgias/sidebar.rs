//! Widgets as an agent sees them: templates applied to what is known of a customer.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::account::Account;
use super::customer::Customer;
use super::html::{class, escaped, value};
use super::variables::{self, Piece};
use super::widgets::Widget;

/// A place in the data, and its dotted path from the root.
#[derive(Debug, Clone)]
struct Place<'a> {
    data: &'a Value,
    path: String,
}

impl<'a> Place<'a> {
    fn path_of(&self, path: &str) -> String {
        if self.path.is_empty() {
            path.to_owned()
        } else {
            format!("{}.{path}", self.path)
        }
    }

    fn get(&self, path: &str) -> Option<&'a Value> {
        variables::find(self.data, path)
    }

    fn at(&self, path: &str) -> Option<Self> {
        let data = self.get(path)?;
        let path = self.path_of(path);
        Some(Self { data, path })
    }
}

/// All widgets of one context, in their order.
pub(super) fn widgets(account: &Account, customer: &Customer, context: &str) -> String {
    let own = account.widgets.values();
    let mut own: Vec<&Widget> = own.filter(|widget| widget.is_shown_in(context)).collect();
    own.sort_by_key(|widget| widget.place());
    own.into_iter().map(|one| widget(one, customer)).collect()
}

fn widget(widget: &Widget, customer: &Customer) -> String {
    let nothing = Value::Null;
    let (source, data) = match widget.field("type").as_str() {
        Some("http") => {
            let id = widget.field("integration_id").to_string();
            let data = customer.integrations.get(&id).unwrap_or(&nothing);
            (format!("integrations.{id}"), data)
        }
        Some("custom") => ("data".to_owned(), &customer.data),
        // What other apps show is theirs.
        _ => return String::new(),
    };
    let root = Place {
        data,
        path: String::new(),
    };
    let cards: String = sorted(&widget.field("template")["widgets"])
        .into_iter()
        .filter_map(|card| self::card(card, &root))
        .collect();
    let inside = if cards.is_empty() {
        r#"<p class="empty">No data</p>"#.to_owned()
    } else {
        cards
    };
    format!(
        r#"<section class="widget" data-widget="{}" data-source="{}">{inside}</section>"#,
        widget.place().1,
        escaped(&source)
    )
}

fn sorted(children: &Value) -> Vec<&Value> {
    let mut children: Vec<&Value> = children.as_array().into_iter().flatten().collect();
    children.sort_by_key(|child| child["order"].as_i64().unwrap_or_default());
    children
}

fn child(node: &Value, place: &Place<'_>) -> Option<String> {
    match node["type"].as_str()? {
        "card" => card(node, place),
        "list" => list(node, place),
        "text" => Some(field(node, place, "text", |own| variables::text(Some(own)))),
        "date" => Some(field(node, place, "date", date)),
        _ => None,
    }
}

/// A card; none where its object is not there.
fn card(node: &Value, place: &Place<'_>) -> Option<String> {
    let own = match node["path"].as_str() {
        Some(path) => place.at(path)?,
        None => place.clone(),
    };
    own.data.as_object()?;
    let inside = sorted(&node["widgets"]).into_iter();
    let inside: String = inside.filter_map(|node| child(node, &own)).collect();
    let frame = if node["meta"]["displayCard"] == false {
        "card bare"
    } else {
        "card"
    };
    Some(format!(
        r#"<div class="{frame} card-{}"><h3 class="title">{}</h3>{inside}{}</div>"#,
        class(&own.path),
        title(node, &own),
        links(&node["meta"]["custom"]["links"], &own)
    ))
}

/// A card's title, each of its values with its place; the whole a link where the card has one.
fn title(node: &Value, place: &Place<'_>) -> String {
    let template = node["title"].as_str().unwrap_or_default();
    let one = |piece: Piece<'_>| match piece {
        Piece::Text(text) => escaped(text),
        Piece::Path(path) => {
            let text = variables::text(place.get(path));
            value("value", &place.path_of(path), &text)
        }
    };
    let title: String = variables::pieces(template).into_iter().map(one).collect();
    match address(node["meta"]["link"].as_str().unwrap_or_default(), place) {
        Some(url) => format!(r#"<a href="{}">{title}</a>"#, escaped(&url)),
        None => title,
    }
}

fn links(links: &Value, place: &Place<'_>) -> String {
    let one = |link: &Value| {
        let template = link["url"].as_str()?;
        let url = escaped(&address(template, place)?);
        let label = link["label"].as_str().unwrap_or_default();
        let pieces = variables::pieces(template);
        let from = pieces.iter().find_map(|piece| match piece {
            Piece::Path(path) => Some(place.path_of(path)),
            Piece::Text(_) => None,
        });
        let from = from.map(|path| format!(r#" data-path="{}""#, escaped(&path)));
        let from = from.unwrap_or_default();
        let label = escaped(label);
        Some(format!(
            r#"<a class="link" href="{url}"{from} rel="noreferrer">{label}</a>"#
        ))
    };
    let all: String = links
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(one)
        .collect();
    if all.is_empty() {
        all
    } else {
        format!(r#"<p class="links">{all}</p>"#)
    }
}

/// A templated address; none where one of its values is missing, or where a browser would not go somewhere but do something.
fn address(template: &str, place: &Place<'_>) -> Option<String> {
    let mut url = String::new();
    for piece in variables::pieces(template) {
        match piece {
            Piece::Text(text) => url.push_str(text),
            Piece::Path(path) => {
                let text = variables::text(place.get(path));
                if text.is_empty() {
                    return None;
                }
                url.push_str(&text);
            }
        }
    }
    let goes = ["https://", "http://", "mailto:"];
    goes.iter()
        .any(|scheme| url.starts_with(scheme))
        .then_some(url)
}

fn field(node: &Value, place: &Place<'_>, kind: &str, show: fn(&Value) -> String) -> String {
    let path = node["path"].as_str().unwrap_or_default();
    let own = place.get(path).filter(|own| !own.is_null());
    let text = own.map_or_else(|| "-".to_owned(), show);
    let from = place.path_of(path);
    let title = escaped(node["title"].as_str().unwrap_or_default());
    format!(
        r#"<div class="row {kind}"><span class="label label-{}">{title}</span>{}</div>"#,
        class(&from),
        value("value", &from, &text)
    )
}

/// A list's rows, as many as its limit lets through.
fn list(node: &Value, place: &Place<'_>) -> Option<String> {
    let own = place.at(node["path"].as_str()?)?;
    let rows = own.data.as_array()?;
    let limit = node["meta"]["limit"].as_str();
    let limit = limit.and_then(|text| text.parse().ok());
    let card = node["widgets"].get(0)?;
    let rows = (0..rows.len().min(limit.unwrap_or(usize::MAX)))
        .filter_map(|at| own.at(&at.to_string()))
        .filter_map(|row| self::card(card, &row))
        .map(|card| format!("<li>{card}</li>"));
    let from = class(&own.path);
    Some(format!(
        r#"<ul class="list list-{from}">{}</ul>"#,
        rows.collect::<String>()
    ))
}

/// A date for a person. What is none is shown as it is.
fn date(own: &Value) -> String {
    let text = variables::text(Some(own));
    let day = text
        .parse::<Timestamp>()
        .map(|at| at.to_zoned(TimeZone::UTC).date())
        .or_else(|_| text.parse::<DateTime>().map(DateTime::date))
        .or_else(|_| text.parse::<Date>());
    day.map_or(text, |day| day.strftime("%-d %b %Y").to_string())
}
