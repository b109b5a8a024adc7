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
