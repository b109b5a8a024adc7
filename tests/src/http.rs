//! Plain HTTP to servers on this machine: no TLS, no proxy, no redirects, and an end to every wait.
//!
//! One connection per request: a pool would belong to the runtime of the test that made it.

use std::time::Duration;

use axum::http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::trouble::{Result, Saying, Trouble};

/// A request that can still be changed.
#[derive(Debug, Clone)]
pub struct Call {
    method: &'static str,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    patience: Duration,
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text; what is no text is replaced.
    pub text: String,
}

impl Reply {
    /// Whether the status is a success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// It is none.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.text).saying(format!(
            "status {} without JSON: {}",
            self.status, self.text
        ))
    }
}

/// A `GET` of this address.
#[must_use]
pub fn get(url: &str) -> Call {
    call("GET", url)
}

/// A `POST` to this address.
#[must_use]
pub fn post(url: &str) -> Call {
    call("POST", url)
}

/// A request with this method.
#[must_use]
pub fn call(method: &'static str, url: &str) -> Call {
    Call {
        method,
        url: url.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        patience: Duration::from_secs(90),
    }
}

impl Call {
    /// With this header too.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Waiting no longer than this.
    #[must_use]
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sends it and reads the whole answer.
    ///
    /// # Errors
    /// Nobody answers, or not in time.
    pub async fn send(self) -> Result<Reply> {
        let (url, patience) = (self.url.clone(), self.patience);
        match tokio::time::timeout(patience, self.exchange()).await {
            Ok(reply) => {
                reply.map_err(|error| Trouble::new(format!("{url} does not answer: {error}")))
            }
            Err(_) => Err(Trouble::new(format!(
                "{url} has not answered within {patience:?}"
            ))),
        }
    }

    async fn exchange(self) -> Result<Reply, Box<dyn std::error::Error + Send + Sync>> {
        let rest = self
            .url
            .strip_prefix("http://")
            .ok_or("not an http:// address")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let stream = TcpStream::connect(host).await?;
        // A small request must leave at once, or every call shows a false 40 ms.
        stream.set_nodelay(true)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let mut request = Request::builder()
            .method(self.method)
            .uri(format!("/{path}"));
        if !self
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            request = request.header("host", host);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(self.body)))?;
        let exchange = async {
            let answer = sender.send_request(request).await?;
            let (parts, body) = answer.into_parts();
            let body = body.collect().await?.to_bytes();
            drop(sender);
            Ok::<_, hyper::Error>((parts, body))
        };
        // The connection works only while it is awaited; that it ends badly shows in the exchange.
        let (answer, _) = tokio::join!(exchange, connection);
        let (parts, body) = answer?;
        Ok(Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8_lossy(&body).into_owned(),
        })
    }
}
