//! From API Gateway's request to a ticket, and from an answer to its response.

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use aws_lambda_events::http::{HeaderMap, HeaderValue, Method, header::CONTENT_TYPE};
use base64::{Engine, engine::general_purpose::STANDARD};
use lookup::Answered;
use vendors::gorgias::Ticket;

/// The store in the path, and what was asked. The query stays as it stands in the URL: decoded, a `+` would be lost.
pub(crate) fn read(request: ApiGatewayV2httpRequest) -> (String, Ticket) {
    let store = request
        .path_parameters
        .get("store")
        .cloned()
        .unwrap_or_default();
    let headers = request.headers.iter().filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    let body = request.body.unwrap_or_default();
    let body = if request.is_base64_encoded {
        STANDARD.decode(body).unwrap_or_default()
    } else {
        body.into_bytes()
    };
    let ticket = Ticket {
        posts: request.request_context.http.method == Method::POST,
        headers: headers.collect(),
        query: request.raw_query_string.unwrap_or_default(),
        body,
    };
    (store, ticket)
}

/// 200 with a card, or 401.
pub(crate) fn response(answered: &Answered) -> ApiGatewayV2httpResponse {
    let (status_code, body) = match answered {
        Answered::Card(card) => (200, card.to_string()),
        Answered::Refused => (401, "{}".to_owned()),
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = status_code;
    response.headers = headers;
    response.body = Some(Body::Text(body));
    response
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
            let (store, ticket) = read(serde_json::from_slice(&text).unwrap());
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
            "rawQueryString": "email=%ff%fe&&=&a", "headers": {"authorization": "x"}, "isBase64Encoded": true, "body": "***",
            "requestContext": {"http": {"method": "POST"}},
        });
        let (store, ticket) = read(serde_json::from_value(request).unwrap());
        assert!(store.is_empty() && ticket.body.is_empty());
        assert!(asked(&ticket).email.is_some());
    }

    #[test]
    fn a_refusal_says_nothing() {
        let refused = response(&Answered::Refused);
        assert_eq!(refused.status_code, 401);
        assert!(matches!(refused.body, Some(Body::Text(text)) if text == "{}"));
    }
}
