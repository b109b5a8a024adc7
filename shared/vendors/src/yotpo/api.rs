//! Yotpo's REST interface, version 2 (`loyaltyapi.yotpo.com/reference`): the two calls that read members, the one that reads
//! the rewards, and what their replies mean.

use std::time::Duration;

use loyalty::Reward;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{rewards, row, trim};
use crate::{
    Answer, Answered, Api, Call, Header, Key, Members, Method, Pace, Question, Reason, Reply,
    Store, Told, Whom, frame::retry_after,
};

/// Members on a page. What the interface allows is not published; a hundred are in use. Half of it keeps a page well
/// below what is read of a body.
const PAGE: u8 = 50;

/// How long to wait after a 429 that does not say.
const BLOCK: Duration = Duration::from_mins(1);

const CUSTOMERS: &str = "/api/v2/customers";

const RECENT: &str = "/api/v2/customers/recent";

const REWARDS: &str = "/api/v2/redemption_options";

/// The interface.
pub(super) struct Rest;

impl Api for Rest {
    /// ASSUMED `yotpo-rest-pace`: the limit is not published; two calls a second are polite.
    fn pace(&self) -> Pace {
        Pace {
            interval: Duration::from_millis(500),
            burst: 1,
        }
    }

    fn secret_form(&self) -> &'static str {
        r#"{"v":1,"guid":"<Yotpo: General Settings > GUID>","api_key":"<Yotpo: General Settings > API key>"}"#
    }

    /// The secret is `{"v": 1, "guid": "…", "api_key": "…"}`. Both travel in headers only: in a query they would end up in
    /// logs.
    fn key(&self, secret: &Value) -> Option<Key> {
        let header = |name, key: &str| {
            let value = secret.get(key)?.as_str()?.trim();
            let fits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic());
            fits.then(|| Header {
                name,
                value: SecretString::from(value),
            })
        };
        let headers = vec![header("x-guid", "guid")?, header("x-api-key", "api_key")?];
        Some(Key::fixed("https://loyalty.yotpo.com", headers))
    }

    fn is_used(&self, store: &Store) -> bool {
        let settings = store.sources.yotpo.as_ref();
        settings.is_some_and(|settings| settings.rest)
    }

    fn calls(&self, question: &Question) -> Vec<Call> {
        vec![match question {
            Question::Member(whom) => one(whom),
            Question::Recent(cursor) => recent(*cursor),
        }]
    }

    fn told(&self, question: &Question, replies: &[Answered]) -> Told<Members> {
        let is_page = matches!(question, Question::Recent(_));
        let reply = replies.first().and_then(|(_, reply)| reply.as_ref());
        let reply = answered(reply)?;
        match reply.status {
            200..=299 if is_page => page(&reply.json()).ok_or_else(|| garbled(reply)),
            200..=299 => member(reply).ok_or_else(|| garbled(reply)),
            // ASSUMED `yotpo-rest-unknown`: a member whom Yotpo does not know is a 404, or a success without content.
            404 if !is_page => Ok(Members::default()),
            300..=399 | 404 | 405 | 410 => Err(Answer::Misconfigured(Reason::WrongAddress)),
            _ => Err(refused(reply)),
        }
    }

    fn rewards(&self) -> Option<Call> {
        Some(get(REWARDS.to_owned()))
    }

    fn lists_recent(&self) -> bool {
        true
    }

    /// A list that cannot be had, or has another form, is a refusal: members are read all the same.
    fn offered(&self, reply: Option<&Reply>) -> Told<Vec<Reward>> {
        let reply = answered(reply)?;
        match reply.status {
            200..=299 => match serde_json::from_slice(&reply.body) {
                Ok(list) => rewards::rewards(&list).ok_or(Answer::Refused(Reason::VendorError)),
                Err(_) => Err(garbled(reply)),
            },
            _ => Err(refused(reply)),
        }
    }
}

/// ASSUMED `yotpo-rest-customer-id`: `customer_id` is the shop's own id, which the rows call `third_party_id`.
fn one(whom: &Whom) -> Call {
    let (name, value) = match whom {
        Whom::Email(email) => ("customer_email", email.expose()),
        Whom::Id(id) => ("customer_id", id.expose()),
    };
    get(format!("{CUSTOMERS}?{name}={}", encoded(value)))
}

/// ASSUMED `yotpo-rest-recent`: the list reaches back for a day at least, newest first.
fn recent(cursor: Option<&str>) -> Call {
    let cursor = cursor.map(|cursor| format!("&page_info={}", encoded(cursor)));
    get(format!(
        "{RECENT}?per_page={PAGE}{}",
        cursor.unwrap_or_default()
    ))
}

fn answered(reply: Option<&Reply>) -> Told<&Reply> {
    reply.ok_or(unknown(Reason::NoAnswer, None))
}

/// What an answer without content means, whatever was asked for.
fn refused(reply: &Reply) -> Answer {
    match reply.status {
        401 | 403 => Answer::Misconfigured(Reason::Unauthorized),
        429 => Answer::Throttled {
            after: hint(reply).unwrap_or(BLOCK),
        },
        408 | 425 | 500.. => unknown(Reason::VendorError, hint(reply)),
        _ => Answer::Refused(Reason::Refused),
    }
}

fn get(path: String) -> Call {
    Call {
        method: Method::Get,
        path,
        body: None,
    }
}

fn encoded(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}

const fn unknown(reason: Reason, after: Option<Duration>) -> Answer {
    Answer::Unknown { reason, after }
}

/// A success that cannot be read comes from something in between, or the interface has changed.
fn garbled(reply: &Reply) -> Answer {
    unknown(Reason::VendorError, hint(reply))
}

fn hint(reply: &Reply) -> Option<Duration> {
    retry_after::wait(reply.retry_after.as_deref()?, reply.date.as_deref(), |_| {
        None
    })
}

/// One member: the row itself.
fn member(reply: &Reply) -> Option<Members> {
    if reply.body.iter().all(u8::is_ascii_whitespace) {
        return Some(Members::default());
    }
    let row: Value = serde_json::from_slice(&reply.body).ok()?;
    let nobody = row.is_null() || row.as_object().is_some_and(serde_json::Map::is_empty);
    if nobody {
        return Some(Members::default());
    }
    let names = |key: &str| row.get(key).is_some_and(|value| !value.is_null());
    let somebody = ["email", "third_party_id", "thirty_party_id"]
        .into_iter()
        .any(names);
    somebody.then(|| Members {
        bodies: vec![body(&row)],
        ..Members::default()
    })
}

/// ASSUMED `yotpo-rest-page`: a page is `{"customers": [row, …], "metadata": {"next_page_info": "…"}}`; on the last one the
/// cursor is absent, null or empty.
fn page(page: &Value) -> Option<Members> {
    let rows = page.get("customers")?.as_array()?;
    let next = page
        .get("metadata")
        .and_then(|metadata| metadata.get("next_page_info"));
    let next = next
        .and_then(Value::as_str)
        .filter(|next| !next.trim().is_empty());
    Some(Members {
        bodies: rows.iter().map(body).collect(),
        next: next.map(ToOwned::to_owned),
        lacks: None,
    })
}

/// A row as a body of its own, without what must not be kept.
fn body(row: &Value) -> Vec<u8> {
    let body = json!({"topic": row::TOPIC, "customer": row})
        .to_string()
        .into_bytes();
    trim::trim(&body).unwrap_or(body)
}

/// What [`super::Yotpo`] gives as its interface.
pub(super) const REST: &dyn Api = &Rest;
