//! The functions' way to the emulator, which fails when it is told to: a throttled table, a service that is down.
//!
//! The functions inherit its address from the emulator's environment, so nothing deployed knows of it. Beside what it
//! passes on it answers:
//! - `POST /_faults`: what to do with the next requests, see [`Order`].
//! - `GET /_faults`: how many requests each standing order is still for.
//! - `DELETE /_faults`: every order ends.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use axum::serve::ListenerExt as _;
use hyper::body::{Body as HttpBody, Bytes, Frame};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use crate::trouble::{Result, Saying};

/// What happens to requests for one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// How the header `X-Amz-Target` begins: `DynamoDB_20120810.`, `secretsmanager.GetSecretValue`.
    pub target: String,
    /// How they end.
    pub ends: End,
    /// How many of them.
    pub times: u32,
}

/// How a request ends that is not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// As DynamoDB refuses what is more than it was provisioned for.
    Throttled,
    /// As a service that failed.
    Failed,
    /// Without an answer.
    Broken,
}

#[derive(Clone)]
struct Shared {
    emulator: SocketAddr,
    orders: Arc<Mutex<Vec<Order>>>,
}

impl Shared {
    fn orders(&self) -> MutexGuard<'_, Vec<Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is ordered for this target, if anything still is.
    fn take(&self, target: &str) -> Option<End> {
        let mut orders = self.orders();
        let order = orders
            .iter_mut()
            .find(|order| order.times > 0 && target.starts_with(&order.target))?;
        order.times -= 1;
        Some(order.ends)
    }
}

/// Passes requests on to the emulator on this port until somebody ends this process; its own address goes into a file.
///
/// # Errors
/// No port is free.
pub async fn run(address: &Path, port: u16) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .saying("no port is free on 127.0.0.1")?;
    let at = listener
        .local_addr()
        .saying("no port is free on 127.0.0.1")?;
    let shared = Shared {
        emulator: SocketAddr::from(([127, 0, 0, 1], port)),
        orders: Arc::default(),
    };
    let app = Router::new().fallback(take).with_state(shared);
    super::up::write_address(address, at)?;
    // A small answer must leave at once, or every call takes 40 ms longer.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).await.saying("the proxy ended")
}

async fn take(State(shared): State<Shared>, request: Request) -> Response<Body> {
    if request.uri().path() == "/_faults" {
        return own(&shared, request).await;
    }
    let target = request.headers().get("x-amz-target");
    let target = target.and_then(|target| target.to_str().ok());
    match target.and_then(|target| shared.take(target)) {
        Some(end) => ended(end),
        None => pass_on(shared.emulator, request)
            .await
            .unwrap_or_else(|error| plain(StatusCode::BAD_GATEWAY, error.to_string())),
    }
}

async fn own(shared: &Shared, request: Request) -> Response<Body> {
    match request.method().as_str() {
        "DELETE" => shared.orders().clear(),
        "POST" => {
            let body = to_bytes(request.into_body(), 64 * 1024).await;
            match serde_json::from_slice(&body.unwrap_or_default()) {
                Ok(order) => shared.orders().push(order),
                Err(error) => return plain(StatusCode::BAD_REQUEST, error.to_string()),
            }
        }
        _ => {}
    }
    let orders = json!(*shared.orders());
    plain(StatusCode::OK, orders.to_string())
}

fn plain(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
}

fn ended(end: End) -> Response<Body> {
    let (status, name) = match end {
        End::Throttled => (
            StatusCode::BAD_REQUEST,
            "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        ),
        End::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServiceError"),
        End::Broken => {
            return Response::new(Body::new(Broken));
        }
    };
    let mut response = plain(
        status,
        json!({"__type": name, "message": "ordered"}).to_string(),
    );
    let kind = HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// A body that breaks off before its first byte, and the connection with it.
struct Broken;

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}

async fn pass_on(
    emulator: SocketAddr,
    mut request: Request,
) -> std::result::Result<Response<Body>, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(emulator).await?;
    // A small request must leave at once, or every call takes 40 ms longer.
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let path = request.uri().path_and_query().cloned();
    if let Some(path) = path {
        *request.uri_mut() = path.as_str().parse()?;
    }
    request.headers_mut().remove(header::CONNECTION);
    let (mut parts, body) = sender.send_request(request).await?.into_parts();
    for name in [header::CONNECTION, HeaderName::from_static("keep-alive")] {
        parts.headers.remove(name);
    }
    Ok(Response::from_parts(parts, Body::new(body)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http;

    #[tokio::test]
    async fn an_order_is_for_its_target_and_ends() {
        // Nobody listens behind it: what is passed on ends as 502.
        let address = std::env::temp_dir().join(format!("bridge-proxy-{}", std::process::id()));
        let file = address.clone();
        let proxy = tokio::spawn(async move { run(&file, 1).await });
        let url = loop {
            match std::fs::read_to_string(&address) {
                Ok(url) => break url,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
            }
        };
        let order = |order: serde_json::Value| {
            http::post(&format!("{url}/_faults")).body(order.to_string())
        };
        let wrong = order(json!({"target": "x", "ends": "nicely", "times": 1}));
        assert_eq!(wrong.send().await.expect("an answer").status, 400);
        let right = order(json!({"target": "DynamoDB_20120810.", "ends": "throttled", "times": 2}));
        assert_eq!(right.send().await.expect("an answer").status, 200);
        let mut statuses = Vec::new();
        for target in [
            "AmazonSQS.SendMessage",
            "DynamoDB_20120810.PutItem",
            "DynamoDB_20120810.GetItem",
            "DynamoDB_20120810.GetItem",
        ] {
            let call = http::post(&url).header("x-amz-target", target);
            statuses.push(call.send().await.expect("an answer").status);
        }
        assert_eq!(statuses, [502, 400, 400, 502]);
        let broken = order(json!({"target": "s", "ends": "broken", "times": 1}));
        broken.send().await.expect("an answer");
        let call = http::post(&url).header("x-amz-target", "secretsmanager.GetSecretValue");
        assert!(call.send().await.is_err());
        proxy.abort();
        std::fs::remove_file(address).expect("its file");
    }
}
