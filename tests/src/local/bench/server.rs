//! A server that adds nothing to what is measured: blocking sockets, no Nagle delay, each answer in one write. Without
//! either, every call shows a false 40 ms.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use crate::trouble::{Result, Saying};

/// A request.
#[derive(Debug)]
pub(super) struct Asked {
    /// When its first line had arrived.
    pub(super) at: Instant,
    /// Its path.
    pub(super) path: String,
    /// What AWS's JSON protocols name the operation in.
    pub(super) target: String,
    /// Its body.
    pub(super) body: Vec<u8>,
}

/// An answer, always JSON.
#[derive(Debug)]
pub(super) struct Answer {
    /// Its status.
    pub(super) status: u16,
    /// Headers beside type and length.
    pub(super) headers: Vec<(&'static str, String)>,
    /// Its body.
    pub(super) body: String,
}

/// Serves on a free port of 127.0.0.1 until this process ends. Where there is no answer, the connection is closed.
///
/// # Errors
/// No port is free.
pub(super) fn serve(
    answer: impl Fn(Asked) -> Option<Answer> + Send + Sync + 'static,
) -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).saying("no port is free on 127.0.0.1")?;
    let address = listener
        .local_addr()
        .saying("no port is free on 127.0.0.1")?;
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || converse(stream, &*answer));
        }
    });
    Ok(address)
}

/// One connection, request by request, until either side ends it.
fn converse(stream: TcpStream, answer: &impl Fn(Asked) -> Option<Answer>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut writer = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let asked = read(&mut reader)?;
        let answer = answer(asked)?;
        writer.write_all(&bytes(&answer)).ok()?;
    }
}

/// Reads a request with a length; nobody who calls us sends chunks.
fn read(reader: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let at = Instant::now();
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut length, mut target) = (0, String::new());
    loop {
        line.clear();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "x-amz-target" => value.trim().clone_into(&mut target),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked {
        at,
        path,
        target,
        body,
    })
}

fn bytes(answer: &Answer) -> Vec<u8> {
    let own: String = answer
        .headers
        .iter()
        .flat_map(|(name, value)| [*name, ": ", value, "\r\n"])
        .collect();
    let (status, body) = (answer.status, &answer.body);
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{own}\r\n{body}"
    );
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_each_request_whole() {
        let address = serve(|asked| {
            Some(Answer {
                status: 200,
                headers: vec![("x-path", asked.path)],
                body: String::from_utf8(asked.body).ok()?,
            })
        });
        let url = format!("http://{}/some/path", address.expect("a port"));
        let call = crate::http::post(&url).body("{\"a\":1}");
        let reply = call.send().await.expect("an answer");
        assert_eq!((reply.status, reply.text.as_str()), (200, "{\"a\":1}"));
        assert_eq!(reply.headers["x-path"], "/some/path");
    }
}
