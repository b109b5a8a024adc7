//! The HTTP server that every stand-in runs on.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::Response;
use axum::serve::{IncomingStream, Listener};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::outgoing::Outgoing;
use super::record::Record;
use super::script::{End, Order, Script};
use super::{Answer, Request, Vendor};
use crate::clock::Clock;
use crate::trouble::{Result, Saying};

/// How long a hanging request stays open if its client never goes away.
const HANG: Duration = Duration::from_mins(5);

struct Shared<V> {
    clock: Clock,
    inner: Mutex<Inner<V>>,
}

struct Inner<V> {
    vendor: V,
    record: Record,
    script: Script,
}

impl<V> Shared<V> {
    /// A panic in one request must not silence the others.
    fn lock(&self) -> MutexGuard<'_, Inner<V>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves a vendor on this listener until the task is dropped.
///
/// # Errors
/// The listener cannot be used.
pub async fn serve<V: Vendor>(
    vendor: V,
    clock: Clock,
    listener: std::net::TcpListener,
) -> Result<()> {
    listener
        .set_nonblocking(true)
        .saying("cannot use the stand-in's port")?;
    let listener = TcpListener::from_std(listener).saying("cannot use the stand-in's port")?;
    let inner = Inner {
        vendor,
        record: Record::default(),
        script: Script::default(),
    };
    let shared = Arc::new(Shared {
        clock,
        inner: Mutex::new(inner),
    });
    let app = Router::new().fallback(take::<V>).with_state(shared);
    let service = app.into_make_service_with_connect_info::<Cut>();
    axum::serve(Cuttable(listener), service)
        .await
        .saying("the stand-in ended")
}

async fn take<V: Vendor>(
    State(shared): State<Arc<Shared<V>>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: HttpRequest,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return response(&Answer::text(400, "the body broke off"), shared.clock.now());
    };
    let headers = parts.headers.iter();
    let request = Request {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: headers
            .map(|(n, v)| {
                (
                    n.to_string(),
                    String::from_utf8_lossy(v.as_bytes()).into_owned(),
                )
            })
            .collect(),
        body: body.to_vec(),
    };
    let (answer, end, slow) = match decide(&shared, &request) {
        Decision::Answer(answer, end, slow) => (answer, end, slow),
        Decision::Calls(calls) => (after(&shared, calls).await, End::Answer, Duration::ZERO),
    };
    tokio::time::sleep(slow).await;
    if end == End::Hang {
        tokio::time::sleep(HANG).await;
    }
    if end != End::Answer {
        cut.0.store(true, Ordering::Relaxed);
    }
    response(&answer, shared.clock.now())
}

/// What becomes of a request.
enum Decision {
    /// This answer, ending so, after this long.
    Answer(Answer, End, Duration),
    /// An answer that waits for the vendor's own calls.
    Calls(Vec<Outgoing>),
}

/// The lock is free while the calls are made: whoever is called may ask the vendor something.
async fn after<V: Vendor>(shared: &Shared<V>, calls: Vec<Outgoing>) -> Answer {
    let mut ended = Vec::with_capacity(calls.len());
    for call in calls {
        let end = call.make().await;
        ended.push((call, end));
    }
    let now = shared.clock.now();
    Answer::json(200, &shared.lock().vendor.called(&ended, now))
}

/// Everything that is decided about a request is decided under one lock: the record's order is the order of effects.
fn decide<V: Vendor>(shared: &Shared<V>, request: &Request) -> Decision {
    let now = shared.clock.now();
    let mut inner = shared.lock();
    if !request.path.starts_with(inner.vendor.prefix())
        && let Some(answer) = own(&mut inner, request, now)
    {
        return match inner.vendor.calls() {
            Some(calls) => Decision::Calls(calls),
            None => Decision::Answer(answer, End::Answer, Duration::ZERO),
        };
    }
    let key = inner.vendor.key(request);
    let order = inner.script.take(request, &key);
    let mut faults = Vec::new();
    let booked = order
        .as_ref()
        .is_none_or(|order| order.book)
        .then(|| inner.vendor.handle(request, now, &mut faults));
    let answer = match &order {
        Some(order) => scripted(order, booked, &inner.vendor, now),
        None => booked.unwrap_or_else(|| Answer::text(500, "")),
    };
    let end = order.as_ref().map_or(End::Answer, |order| order.then);
    inner.vendor.answered(
        &key,
        if end == End::Answer {
            answer.status
        } else {
            500
        },
        now,
    );
    let entry = inner.record.add(request, &key, now, faults);
    match end {
        End::Answer => entry.status = Some(answer.status),
        End::Hang => entry.ended = Some("hang"),
        End::Reset => entry.ended = Some("reset"),
    }
    let slow = Duration::from_millis(order.map_or(0, |order| order.slow_ms));
    Decision::Answer(answer, end, slow)
}

fn scripted<V: Vendor>(
    order: &Order,
    booked: Option<Answer>,
    vendor: &V,
    now: Timestamp,
) -> Answer {
    let mut answer = match (order.status, booked) {
        (None, Some(booked)) => booked,
        (status, _) => match &order.body {
            Value::Null => Answer::text(status.unwrap_or(200), ""),
            Value::String(text) => Answer::text(status.unwrap_or(200), text.as_str()),
            body => Answer::json(status.unwrap_or(200), body),
        },
    };
    for (name, value) in &order.headers {
        answer = answer.with(name, value.as_str());
    }
    if let Some(seconds) = order.retry_after_seconds {
        answer = answer.with("retry-after", seconds.to_string());
    }
    if let Some(seconds) = order.retry_after_local {
        let until = now
            .checked_add(jiff::SignedDuration::from_secs(seconds))
            .unwrap_or(now);
        answer = answer.with("retry-after", vendor.retry_after(until));
    }
    answer
}

/// Our own paths. `None` is a path that neither we nor the vendor have; the vendor answers it.
fn own<V: Vendor>(inner: &mut Inner<V>, request: &Request, now: Timestamp) -> Option<Answer> {
    let account = request.parameter("account");
    let account = account.as_deref();
    let body = serde_json::from_slice::<Value>(&request.body).unwrap_or_default();
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/received") => Some(Answer::json(200, &json!(inner.record.received(account)))),
        ("GET", "/faults") => Some(Answer::json(200, &json!(inner.record.faults(account)))),
        ("POST", "/script") => Some(match serde_json::from_value::<Order>(body) {
            Ok(order) if order.times > 0 => {
                inner.script.add(order);
                Answer::text(204, "")
            }
            Ok(_) => Answer::text(400, "an order is for one request at least"),
            Err(error) => Answer::text(400, format!("that is no order: {error}")),
        }),
        ("GET", path) => inner
            .vendor
            .show(path, account)
            .map(|shown| Answer::json(200, &shown))
            .or_else(|| inner.vendor.page(path)),
        ("POST", path) => inner.vendor.order(path, &body, now).map(|done| match done {
            Ok(()) => Answer::text(204, ""),
            Err(why) => Answer::text(400, why),
        }),
        _ => None,
    }
}

fn response(answer: &Answer, now: Timestamp) -> Response<Body> {
    let date = now
        .to_zoned(TimeZone::UTC)
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    let mut builder = Response::builder()
        .status(answer.status)
        .header("date", date);
    if !answer
        .headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
    {
        builder = builder.header("content-type", answer.kind);
    }
    for (name, value) in &answer.headers {
        builder = builder.header(name, value);
    }
    builder
        .body(Body::from(answer.body.clone()))
        .unwrap_or_else(|error| {
            let mut failed = Response::new(Body::from(format!(
                "the script's answer cannot be sent: {error}"
            )));
            *failed.status_mut() = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
            failed
        })
}

/// A switch that closes one connection before anything more is written to it.
#[derive(Debug, Clone, Default)]
struct Cut(Arc<AtomicBool>);

/// A listener whose connections can be cut.
struct Cuttable(TcpListener);

struct CuttableStream {
    stream: TcpStream,
    cut: Cut,
}

impl Listener for Cuttable {
    type Io = CuttableStream;
    type Addr = Cut;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, _) = Listener::accept(&mut self.0).await;
        // Small answers must leave at once, or every call shows a false 40 ms.
        let _ = stream.set_nodelay(true);
        let cut = Cut::default();
        (
            CuttableStream {
                stream,
                cut: cut.clone(),
            },
            cut,
        )
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(Cut::default())
    }
}

impl Connected<IncomingStream<'_, Cuttable>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Cuttable>) -> Self {
        stream.remote_addr().clone()
    }
}

impl CuttableStream {
    fn alive(&self) -> io::Result<()> {
        if self.cut.0.load(Ordering::Relaxed) {
            Err(io::ErrorKind::ConnectionReset.into())
        } else {
            Ok(())
        }
    }
}

impl AsyncRead for CuttableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{self, Reply};
    use crate::standins::rule::Rule;

    async fn rule() -> String {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(serve(Rule::default(), Clock::real(), listener));
        control(&url, "accounts", &json!({"key": "k", "account": "one"})).await;
        url
    }

    async fn control(url: &str, path: &str, body: &Value) {
        let reply = http::post(&format!("{url}/{path}"))
            .body(body.to_string())
            .send()
            .await;
        assert_eq!(reply.expect("an answer").status, 204);
    }

    async fn get(url: &str, path: &str) -> Value {
        http::get(&format!("{url}/{path}"))
            .send()
            .await
            .expect("an answer")
            .json()
            .expect("JSON")
    }

    async fn upsert(url: &str, email: &str) -> Result<Reply> {
        let body =
            json!({"tags": ["A"], "update_on_duplicate": true, "subscribers": {"email": email}});
        let call =
            http::post(&format!("{url}/api/v2/subscribers")).header("authorization", "Bearer k");
        let call = call
            .header("content-type", "application/json")
            .body(body.to_string());
        call.within(Duration::from_millis(500)).send().await
    }

    #[tokio::test]
    async fn what_came_is_remembered_without_the_key() {
        let url = rule().await;
        assert_eq!(
            upsert(&url, "kari@example.com")
                .await
                .expect("an answer")
                .status,
            200
        );
        let received = get(&url, "received?account=one").await;
        let entry = &received[0];
        assert_eq!(
            (&entry["method"], &entry["path"]),
            (&json!("POST"), &json!("/api/v2/subscribers"))
        );
        assert_eq!(
            (&entry["key"], &entry["status"]),
            (&json!("right"), &json!(200))
        );
        assert_eq!(entry["body"]["subscribers"]["email"], "kari@example.com");
        assert!(!received.to_string().contains("Bearer"));
        assert_eq!(get(&url, "received?account=two").await, json!([]));
        assert_eq!(get(&url, "faults").await, json!([]));
    }

    #[tokio::test]
    async fn the_script_answers_closes_and_hangs() {
        let url = rule().await;
        control(
            &url,
            "script",
            &json!({"status": 429, "retry_after_local": 60, "body": "Too Many Attempts."}),
        )
        .await;
        control(&url, "script", &json!({"book": true, "then": "reset"})).await;
        control(&url, "script", &json!({"book": true, "then": "hang"})).await;
        control(
            &url,
            "script",
            &json!({"status": 200, "body": {"error": "BadRequest"}}),
        )
        .await;

        let limited = upsert(&url, "a@example.com").await.expect("an answer");
        assert_eq!(limited.status, 429);
        assert_eq!(
            limited.headers["retry-after"].len(),
            "2026-03-04 11:20:31".len()
        );
        let closed = upsert(&url, "b@example.com").await.expect_err("no answer");
        assert!(!closed.to_string().contains("within"), "{closed}");
        let silent = upsert(&url, "c@example.com").await.expect_err("no answer");
        assert!(silent.to_string().contains("within"), "{silent}");
        assert_eq!(
            upsert(&url, "d@example.com")
                .await
                .expect("an answer")
                .status,
            200
        );
        assert_eq!(
            upsert(&url, "e@example.com")
                .await
                .expect("an answer")
                .status,
            200
        );

        let people = get(&url, "subscribers-state").await;
        let known: Vec<&String> = people["one"].as_object().expect("people").keys().collect();
        assert_eq!(known, ["b@example.com", "c@example.com", "e@example.com"]);
        let received = get(&url, "received").await;
        let ends: Vec<&Value> = received
            .as_array()
            .expect("a list")
            .iter()
            .map(|entry| &entry["ended"])
            .collect();
        assert_eq!(
            ends,
            [
                &Value::Null,
                &json!("reset"),
                &json!("hang"),
                &Value::Null,
                &Value::Null
            ]
        );
    }

    #[tokio::test]
    async fn a_path_of_nobody_is_a_fault() {
        let url = rule().await;
        let reply = http::get(&format!("{url}/subscribers"))
            .send()
            .await
            .expect("an answer");
        assert!(reply.status >= 400);
        assert_eq!(get(&url, "faults").await[0]["n"], 1);
    }
}
