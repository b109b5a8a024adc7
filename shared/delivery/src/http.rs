//! The one HTTP client.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, Url, header::HeaderValue, redirect::Policy};
use secrecy::ExposeSecret;
use vendors::{Call, Method, Reply, Way};

use crate::VISITS;

/// How long a call may take. Leases and deadlines count with these; tests of the client itself take shorter ones.
///
/// ASSUMED `rule-timeout`: Rule's own plugin waits 45 s; 30 s is enough.
pub const LIMITS: Limits = Limits {
    connect: Duration::from_secs(5),
    total: Duration::from_secs(30),
    body: 256 * 1024,
};

/// The same for a source's own interface, whose pages carry lists without an end, such as all friends of an affiliate.
pub const PAGES: Limits = Limits {
    body: 16 * 1024 * 1024,
    ..LIMITS
};

/// How long a call may take in all.
pub(crate) const TIMEOUT: Duration = LIMITS.total;

/// The ends of a call's patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until there is a connection.
    pub connect: Duration,
    /// From the beginning to the last byte of the body.
    pub total: Duration,
    /// How much of a body is read, in bytes; what is longer is cut.
    pub body: usize,
}

/// Why the client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The TLS library did not start.
    #[error("the TLS library did not start: {0}")]
    Tls(String),
    /// A vendor's address was set to something that is not this machine.
    #[error(
        "{0} is not a loopback address: only a stand-in on this machine may take a vendor's place"
    )]
    NotLoopback(String),
}

/// Why there is no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoReply {
    /// No connection: certainly nothing was sent.
    NotSent,
    /// Something may have arrived.
    NotAnswered,
}

/// The way to one vendor, as a port.
#[async_trait]
pub trait Wire: Send + Sync {
    /// Sends one call on its way.
    ///
    /// # Errors
    /// [`NoReply`] tells whether anything can have arrived.
    async fn send(&self, call: &Call, way: &Way<'_>) -> Result<Reply, NoReply>;
}

/// Sends calls to one vendor over HTTP. Does not follow redirects: they would carry the credential elsewhere.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client,
    /// Takes every vendor's place.
    stand_in: Option<String>,
    body: usize,
}

impl Http {
    /// A client for one vendor, within [`LIMITS`]. `stand_in`, where set, takes the vendor's place; it must be on this
    /// machine.
    ///
    /// # Errors
    /// [`HttpError`] when the client cannot be made.
    pub fn new(stand_in: Option<&str>) -> Result<Self, HttpError> {
        Self::within(LIMITS, stand_in)
    }

    /// The same within other limits.
    ///
    /// # Errors
    /// [`HttpError`] when the client cannot be made.
    pub fn within(limits: Limits, stand_in: Option<&str>) -> Result<Self, HttpError> {
        if let Some(stand_in) = stand_in.filter(|stand_in| !is_loopback(stand_in)) {
            return Err(HttpError::NotLoopback(stand_in.to_owned()));
        }
        Ok(Self {
            client: client(limits, None)?,
            stand_in: stand_in.map(|base| base.trim_end_matches('/').to_owned()),
            body: limits.body,
        })
    }

    /// A client for our own API, within the limits of a visit.
    ///
    /// # Errors
    /// As [`Http::new`].
    pub fn home(api_url: &str) -> Result<Self, HttpError> {
        let url = Url::parse(api_url).ok();
        // A name under `localhost` is this machine's, whether or not its resolver knows that.
        let host = url.as_ref().and_then(Url::host_str);
        let local = host.filter(|host| host.ends_with(".localhost"));
        Ok(Self {
            client: client(VISITS, local)?,
            stand_in: None,
            body: VISITS.body,
        })
    }
}

/// The client itself; `local` is a name that means this machine.
#[expect(clippy::disallowed_methods, reason = "this is the one client")]
fn client(limits: Limits, local: Option<&str>) -> Result<Client, HttpError> {
    let tls_error = |error: &dyn std::fmt::Display| HttpError::Tls(error.to_string());
    let tls = platform::tls::client_config().map_err(|error| tls_error(&error))?;
    let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .connect_timeout(limits.connect)
            .timeout(limits.total)
            // Below any vendor's keep-alive: a connection that died while the function was frozen must not be reused.
            .pool_idle_timeout(Duration::from_secs(4))
            .user_agent(concat!("loyalty-bridge/", env!("CARGO_PKG_VERSION")))
            .no_proxy();
    if let Some(local) = local {
        builder = builder.resolve(local, ([127, 0, 0, 1], 0).into());
    }
    builder
        .build()
        .map_err(|error| tls_error(&error.without_url()))
}

#[async_trait]
impl Wire for Http {
    async fn send(&self, call: &Call, way: &Way<'_>) -> Result<Reply, NoReply> {
        let base = match &self.stand_in {
            Some(stand_in) => format!("{stand_in}{}", path_of(way.base)),
            None => way.base.to_owned(),
        };
        let url = format!("{base}{}", call.path);
        let mut request = match call.method {
            Method::Get => self.client.get(url),
            Method::Post => self.client.post(url),
            Method::Put => self.client.put(url),
            Method::Patch => self.client.patch(url),
            Method::Delete => self.client.delete(url),
        };
        for header in &way.headers {
            let mut value = HeaderValue::from_str(header.value.expose_secret())
                .map_err(|_| NoReply::NotSent)?;
            value.set_sensitive(true);
            request = request.header(header.name, value);
        }
        if let Some(body) = &call.body {
            request = request
                .header("content-type", "application/json")
                .body(body.clone());
        }
        let response = request.send().await.map_err(|error| no_reply(&error))?;
        read(response, self.body)
            .await
            .map_err(|error| no_reply(&error))
    }
}

fn no_reply(error: &reqwest::Error) -> NoReply {
    if error.is_connect() || error.is_builder() {
        NoReply::NotSent
    } else {
        NoReply::NotAnswered
    }
}

async fn read(mut response: reqwest::Response, most: usize) -> Result<Reply, reqwest::Error> {
    let header = |name| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(ToOwned::to_owned)
    };
    let mut reply = Reply {
        status: response.status().as_u16(),
        retry_after: header("retry-after"),
        date: header("date"),
        body: Vec::new(),
    };
    while let Some(chunk) = response.chunk().await? {
        let room = most.saturating_sub(reply.body.len());
        reply
            .body
            .extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() >= room {
            break;
        }
    }
    Ok(reply)
}

/// What of a base belongs to the path: a stand-in has the vendor's paths.
fn path_of(base: &str) -> &str {
    let host = base.find("://").map_or(0, |scheme| scheme + 3);
    base[host..]
        .find('/')
        .map_or("", |path| &base[host + path..])
}

fn is_loopback(base: &str) -> bool {
    let Ok(url) = Url::parse(base) else {
        return false;
    };
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_has_the_vendors_paths() {
        for (base, path) in [
            ("https://app.rule.io", ""),
            ("https://s15.socialannex.net/api/3.0", "/api/3.0"),
        ] {
            assert_eq!(path_of(base), path);
        }
    }

    #[test]
    fn only_this_machine_may_take_a_vendors_place() {
        for base in [
            "http://127.0.0.1:4567",
            "http://localhost:1",
            "http://[::1]:9",
        ] {
            assert!(Http::new(Some(base)).is_ok(), "{base}");
        }
        for base in [
            "http://10.0.0.1",
            "https://example.com",
            "http://localhost.example.com",
            "nonsense",
        ] {
            let refused = Http::new(Some(base));
            assert!(matches!(refused, Err(HttpError::NotLoopback(_))), "{base}");
        }
    }
}
