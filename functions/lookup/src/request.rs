//! From API Gateway's request to a ticket, and from an answer to its response: payload format 2.0 of HTTP APIs, of which
//! only what a card needs is read.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use lookup::Answered;
use serde::{Deserialize, Serialize};
use vendors::gorgias::Ticket;

/// A request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    #[serde(rename = "requestContext")]
    context: Context,
    path_parameters: Option<Path>,
    /// As it stands in the URL: decoded, a `+` would be lost.
    raw_query_string: Option<String>,
    headers: Option<BTreeMap<String, String>>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
struct Context {
    http: Http,
}

#[derive(Deserialize)]
struct Http {
    method: String,
}

#[derive(Default, Deserialize)]
struct Path {
    #[serde(default)]
    store: String,
}

impl Request {
    /// The store in the path, and what was asked.
    pub(crate) fn read(self) -> (String, Ticket) {
        let body = self.body.unwrap_or_default();
        let body = if self.is_base64_encoded {
            STANDARD.decode(body).unwrap_or_default()
        } else {
            body.into_bytes()
        };
        let headers = self.headers.unwrap_or_default().into_iter();
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value));
        let ticket = Ticket {
            posts: self.context.http.method == "POST",
            headers: headers.collect(),
            query: self.raw_query_string.unwrap_or_default(),
            body,
        };
        (self.path_parameters.unwrap_or_default().store, ticket)
    }
}

/// 200 with a card, or 401.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Response {
    status_code: u16,
    headers: Headers,
    body: String,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
struct Headers {
    #[serde(rename = "content-type")]
    content_type: &'static str,
}

impl Response {
    pub(crate) fn of(answered: Answered) -> Self {
        let (status_code, body) = match answered {
            Answered::Card(card) => (200, card),
            Answered::Refused => (401, "{}".to_owned()),
        };
        Self {
            status_code,
            headers: Headers {
                content_type: "application/json",
            },
            body,
            is_base64_encoded: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vendors::gorgias::asked;

    #[test]
    fn the_example_events_ask_for_the_same_card() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/invoke/lookup");
        let mut read_ones = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read(entry.unwrap().path()).unwrap();
            let request: Request = serde_json::from_slice(&text).unwrap();
            let (store, ticket) = request.read();
            let asked = asked(&ticket);
            assert_eq!(store, "example-helpdesk");
            assert_eq!(asked.email.as_deref(), Some("kari@example.com"));
            assert_eq!(asked.ticket.as_deref(), Some("7001"));
            assert_eq!(ticket.posts, ticket.query.is_empty());
            read_ones += 1;
        }
        assert_eq!(read_ones, 3);
    }

    #[test]
    fn a_query_that_is_no_text_breaks_nothing() {
        let request = serde_json::json!({
            "rawQueryString": "email=%ff%fe&&=&a", "headers": {"Authorization": "x"}, "isBase64Encoded": true, "body": "***",
            "requestContext": {"http": {"method": "POST"}},
        });
        let request: Request = serde_json::from_value(request).unwrap();
        let (store, ticket) = request.read();
        assert!(store.is_empty() && ticket.body.is_empty());
        assert_eq!(ticket.headers[0].0, "authorization");
        assert!(asked(&ticket).email.is_some());
    }

    #[test]
    fn what_is_left_out_or_null_is_empty() {
        let context = serde_json::json!({"http": {"method": "GET"}});
        let bare = serde_json::json!({"requestContext": context});
        let nulls = serde_json::json!({
            "requestContext": context, "pathParameters": null, "rawQueryString": null, "headers": null, "body": null,
        });
        for request in [bare, nulls] {
            let request: Request = serde_json::from_value(request).unwrap();
            let (store, ticket) = request.read();
            assert!(store.is_empty() && ticket.query.is_empty() && ticket.headers.is_empty());
            assert!(!ticket.posts && ticket.body.is_empty());
        }
    }

    #[test]
    fn a_refusal_says_nothing() {
        let refused = serde_json::to_value(Response::of(Answered::Refused)).unwrap();
        let response = serde_json::json!({
            "statusCode": 401, "headers": {"content-type": "application/json"}, "body": "{}", "isBase64Encoded": false,
        });
        assert_eq!(refused, response);
    }
}
