//! What an account's lists show: tags and fields (version 2), automations (version 3).

use serde_json::{Value, json};

use super::people::Account;
use super::{Answer, Refusal, Request};

/// The most rows of a page.
const MOST: usize = 100;

/// An automation as a merchant made it.
#[derive(Debug, Clone)]
pub(super) struct Automail {
    pub(super) name: String,
    pub(super) tag: String,
    pub(super) active: bool,
}

/// `GET /tags` and `GET /customizations`: the link to the next page carries the key, as the vendor's does.
pub(super) fn page(
    rows: &[Value],
    name: &str,
    request: &Request,
    faults: &mut Vec<String>,
) -> Result<Answer, Refusal> {
    let limit = number(request, "limit", faults)?.unwrap_or(MOST);
    if limit == 0 || limit > MOST {
        faults.push(format!("a limit of {limit}"));
        return Err(Refusal::new(400, "LimitExceed", "at most 100"));
    }
    let page = number(request, "page", faults)?.unwrap_or(1);
    let own: Vec<&Value> = rows
        .iter()
        .skip((page.max(1) - 1) * limit)
        .take(limit)
        .collect();
    let key = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    let next = (page * limit < rows.len()).then(|| {
        format!(
            "https://app.rule.io{}?limit={limit}&page={}&apikey={key}",
            request.path,
            page + 1
        )
    });
    Ok(Answer::json(
        200,
        &json!({name: own, "meta": {"next": next}}),
    ))
}

/// `GET /api/v3/editor/automail`.
pub(super) fn automails(
    account: &Account,
    request: &Request,
    faults: &mut Vec<String>,
) -> Result<Answer, Refusal> {
    let size = number(request, "per_page", faults)?.unwrap_or(20);
    let page = number(request, "page", faults)?.unwrap_or(1);
    let active = match request.parameter("active").as_deref() {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(other) => {
            faults.push(format!("active={other}"));
            return Err(Refusal::bad("active must be true or false"));
        }
    };
    let rows = account.automails().iter().enumerate();
    let rows = rows.filter(|(_, one)| active.is_none_or(|active| active == one.active));
    let rows = rows.map(|(at, one)| {
        json!({
            "id": 700 + at, "name": one.name, "active": one.active,
            "trigger": {"type": "TAG", "id": account.id_of(&one.tag), "name": one.tag},
            "sendout_type": {"value": 1, "key": "marketing", "description": "Marketing"},
        })
    });
    let rows: Vec<Value> = rows.skip((page.max(1) - 1) * size).take(size).collect();
    Ok(Answer::json(200, &json!({"data": rows})))
}

fn number(
    request: &Request,
    name: &str,
    faults: &mut Vec<String>,
) -> Result<Option<usize>, Refusal> {
    let Some(text) = request.parameter(name) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        faults.push(format!("{name}={text}"));
        Refusal::bad("not a number")
    })
}
