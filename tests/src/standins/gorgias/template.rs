//! The grammar of a widget's template: section 5. What the documents do not spell out is refused.

use serde_json::{Map, Value};

use super::variables;

type Node = Map<String, Value>;

/// Checks a whole template.
///
/// # Errors
/// What of it is not in the grammar.
pub(super) fn check(template: &Value) -> Result<(), String> {
    let root = node(template, &["type", "widgets"])?;
    if kind(root) != "wrapper" {
        return Err(format!("the root is a {:?}", kind(root)));
    }
    for child in children(root)? {
        match child["type"].as_str() {
            Some("card") => card(child, true)?,
            other => return Err(format!("{other:?} at the root")),
        }
    }
    Ok(())
}

fn node<'a>(value: &'a Value, keys: &[&str]) -> Result<&'a Node, String> {
    let node = value.as_object().ok_or("a node is no object")?;
    match node.keys().find(|name| !keys.contains(&name.as_str())) {
        Some(name) => Err(format!("a {} has no {name}", kind(node))),
        None => Ok(node),
    }
}

fn kind(node: &Node) -> &str {
    node.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn children(node: &Node) -> Result<&Vec<Value>, String> {
    let children = node.get("widgets").and_then(Value::as_array);
    children.ok_or_else(|| format!("a {} without a list of widgets", kind(node)))
}

fn card(value: &Value, has_path: bool) -> Result<(), String> {
    let card = node(
        value,
        &["type", "path", "title", "order", "widgets", "meta"],
    )?;
    // A list's card stands for a row, so it needs no path of its own.
    if has_path || card.contains_key("path") {
        path(card)?;
    }
    title(card)?;
    order(card)?;
    if let Some(meta) = card.get("meta") {
        card_meta(meta)?;
    }
    for child in children(card)? {
        match child["type"].as_str() {
            Some("card") => self::card(child, true)?,
            Some("list") => list(child)?,
            Some("text" | "date") => field(child)?,
            other => return Err(format!("{other:?} is no type of a node")),
        }
    }
    Ok(())
}

fn field(value: &Value) -> Result<(), String> {
    let field = node(value, &["type", "path", "title", "order"])?;
    path(field)?;
    title(field)?;
    order(field)
}

fn list(value: &Value) -> Result<(), String> {
    let list = node(value, &["type", "path", "order", "meta", "widgets"])?;
    path(list)?;
    order(list)?;
    if let Some(meta) = list.get("meta") {
        list_meta(meta)?;
    }
    match children(list)?.as_slice() {
        [child] if child["type"] == "card" => card(child, false),
        _ => Err("a list has one child, a card".to_owned()),
    }
}

fn path(node: &Node) -> Result<(), String> {
    let path = node.get("path").and_then(Value::as_str);
    match path.filter(|path| variables::is_path(path)) {
        Some(_) => Ok(()),
        None => Err(format!("a {} with the path {path:?}", kind(node))),
    }
}

fn title(node: &Node) -> Result<(), String> {
    let title = node.get("title").and_then(Value::as_str);
    match title.filter(|title| !title.is_empty() && variables::is_sound(title)) {
        Some(_) => Ok(()),
        None => Err(format!("a {} with the title {title:?}", kind(node))),
    }
}

fn order(node: &Node) -> Result<(), String> {
    match node.get("order") {
        Some(order) if !order.is_i64() => Err(format!("order is {order}")),
        _ => Ok(()),
    }
}

fn card_meta(value: &Value) -> Result<(), String> {
    let meta = part(value, "meta", &["displayCard", "link", "custom"])?;
    if meta.get("displayCard").is_some_and(|own| !own.is_boolean()) {
        return Err("meta.displayCard is no boolean".to_owned());
    }
    if meta.get("link").is_some_and(|own| !is_template(own)) {
        return Err("meta.link is no address".to_owned());
    }
    let Some(custom) = meta.get("custom") else {
        return Ok(());
    };
    let links = part(custom, "meta.custom", &["links"])?.get("links");
    for link in links
        .and_then(Value::as_array)
        .ok_or("meta.custom.links is no list")?
    {
        let link = part(link, "a link", &["label", "url"])?;
        let has = |name: &str| {
            link.get(name)
                .is_some_and(|own| own != "" && is_template(own))
        };
        if !has("label") || !has("url") {
            return Err("a link needs label and url".to_owned());
        }
    }
    Ok(())
}

fn list_meta(value: &Value) -> Result<(), String> {
    let meta = part(value, "meta", &["limit", "orderBy"])?;
    let limit = meta
        .get("limit")
        .map(|own| own.as_str().unwrap_or_default());
    if limit.is_some_and(|text| text.parse::<usize>().map_or(true, |rows| rows == 0)) {
        return Err("meta.limit is no number written as text".to_owned());
    }
    // How an order is spelled is not public; the one list that was seen has none.
    match meta.get("orderBy") {
        Some(order) if order != "" => Err(format!("meta.orderBy is {order}")),
        _ => Ok(()),
    }
}

fn part<'a>(value: &'a Value, what: &str, keys: &[&str]) -> Result<&'a Node, String> {
    let part = value
        .as_object()
        .ok_or_else(|| format!("{what} is no object"))?;
    match part.keys().find(|name| !keys.contains(&name.as_str())) {
        Some(name) => Err(format!("{what} has no {name}")),
        None => Ok(part),
    }
}

fn is_template(value: &Value) -> bool {
    value.as_str().is_some_and(variables::is_sound)
}
