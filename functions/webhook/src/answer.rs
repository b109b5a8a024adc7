//! From API Gateway's request to a webhook call, and from what became of it to an answer.

use lambda_http::{Body, Error, Request, RequestExt as _, Response};
use vendors::Inbound;

use crate::door::Door;

/// Answers one request.
pub(crate) async fn answer(door: &Door, request: Request) -> Result<Response<Body>, Error> {
    let part = |name| {
        request
            .path_parameters()
            .first(name)
            .map(ToOwned::to_owned)
            .unwrap_or_default()
    };
    let (source, store) = (part("source"), part("store"));
    let status = door.receive(&source, &store, inbound(request)).await;
    let body = if status == 200 { r#"{"ok":true}"# } else { "" };
    Ok(Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body.into())?)
}

/// `lambda_http` undoes the base64 flag: the body is what the caller sent, byte for byte.
fn inbound(request: Request) -> Inbound {
    let headers = request
        .headers()
        .iter()
        .filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect();
    let query = request
        .query_string_parameters()
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let path_token = request
        .path_parameters()
        .first("token")
        .map(ToOwned::to_owned);
    let body = match request.into_body() {
        Body::Text(text) => text.into_bytes(),
        Body::Binary(bytes) => bytes,
        _ => Vec::new(),
    };
    Inbound {
        headers,
        query,
        path_token,
        body,
    }
}
