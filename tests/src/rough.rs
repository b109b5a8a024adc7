//! A server that misbehaves below HTTP: half answers, resets, silence. Each connection takes one request.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::standins::Request;

/// Longer than any request of ours.
const LONGEST: usize = 4 * 1024 * 1024;

/// What becomes of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Does {
    /// Sends these bytes and ends the connection properly.
    Answers(Vec<u8>),
    /// Sends these bytes, perhaps none, and breaks the connection.
    Resets(Vec<u8>),
    /// Sends nothing until the client goes away.
    Hangs,
    /// Sends these bytes at once and then one byte after the other, until the client goes away.
    Drips(Vec<u8>),
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Server {
    /// Its address, as `http://127.0.0.1:<port>`.
    pub url: String,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Starts it; `decide` hears each whole request and says what becomes of it.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(
        decide: impl Fn(&Request) -> Does + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let decide = Arc::new(decide);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let decide = decide.clone();
                tokio::spawn(async move {
                    // A client that goes away early is no trouble of the server.
                    let _ = serve(stream, &*decide).await;
                });
            }
        });
        Ok(Self { url, task })
    }
}

async fn serve(
    mut stream: TcpStream,
    decide: &(impl Fn(&Request) -> Does + Sync),
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let Some(request) = read(&mut stream).await? else {
        return Ok(());
    };
    match decide(&request) {
        Does::Answers(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Does::Resets(bytes) => {
            stream.write_all(&bytes).await?;
            if !bytes.is_empty() {
                // A reset overtakes what the client has not read yet.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            stream.set_zero_linger()
        }
        Does::Hangs => gone(&mut stream).await,
        Does::Drips(bytes) => {
            stream.write_all(&bytes).await?;
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                stream.write_all(b" ").await?;
            }
        }
    }
}

async fn gone(stream: &mut TcpStream) -> io::Result<()> {
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

/// One whole request; none when what arrives is no HTTP.
async fn read(stream: &mut TcpStream) -> io::Result<Option<Request>> {
    let mut bytes = Vec::new();
    let mut part = [0; 4 * 1024];
    while bytes.len() < LONGEST {
        let count = stream.read(&mut part).await?;
        if count == 0 {
            break;
        }
        bytes.extend_from_slice(&part[..count]);
        let plausible = bytes.first().is_some_and(u8::is_ascii_uppercase);
        if !plausible {
            break;
        }
        if let Some(request) = whole(&bytes) {
            return Ok(Some(request));
        }
    }
    Ok(None)
}

/// The request that these bytes are, once all of them are there.
fn whole(bytes: &[u8]) -> Option<Request> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?, first.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = lines.filter_map(|line| line.split_once(": "));
    let request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body: bytes[end + 4..].to_vec(),
    };
    let length = request.header("content-length").unwrap_or("0");
    (request.body.len() >= length.parse().ok()?).then_some(request)
}

/// The bytes of a whole answer, after which the connection ends.
#[must_use]
pub fn answer(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let mut bytes =
        format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {length}\r\n");
    for (name, value) in headers {
        bytes.extend([*name, ": ", *value, "\r\n"]);
    }
    bytes.push_str("\r\n");
    [bytes.as_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_when_all_of_it_is_there() {
        let bytes = b"POST /a?b=c HTTP/1.1\r\nX-Name: v\r\nContent-Length: 3\r\n\r\nabc";
        for end in 0..bytes.len() {
            assert!(whole(&bytes[..end]).is_none(), "{end}");
        }
        let request = whole(bytes).expect("all of it");
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/a")
        );
        assert_eq!(request.query, "b=c");
        assert_eq!(request.header("x-name"), Some("v"));
        assert_eq!(request.body, b"abc");
    }
}
