//! Calls that a vendor makes by itself, to nobody but this machine.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http;

/// How long a vendor waits. None publishes a number; a function's first start must fit.
const PATIENCE: Duration = Duration::from_secs(10);

/// One call that a vendor owes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// What it is about, for the vendor that hears of its end.
    pub about: Value,
    /// The method.
    pub method: &'static str,
    /// The whole address.
    pub url: String,
    /// Headers beside the host.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The status; absent if nobody answered in time.
    pub status: Option<u16>,
    /// The body as text, or why there is none.
    pub text: String,
    /// Real milliseconds it took.
    pub ms: u64,
}

impl Outgoing {
    /// Makes the call and reads the whole answer.
    pub async fn make(&self) -> Ended {
        let begun = Instant::now();
        let ms = || u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (status, text) = match self.send().await {
            Ok(reply) => (Some(reply.status), reply.text),
            Err(why) => (None, why),
        };
        Ended {
            status,
            text,
            ms: ms(),
        }
    }

    async fn send(&self) -> Result<http::Reply, String> {
        let target = Target::of(&self.url)?;
        let mut call = http::call(self.method, &target.url)
            .header("host", target.host)
            .within(PATIENCE);
        for (name, value) in &self.headers {
            call = call.header(name, value.as_str());
        }
        let call = call.body(self.body.clone());
        call.send().await.map_err(|trouble| trouble.to_string())
    }
}

/// Where a call really goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The address with the machine's own number instead of its names: not every machine resolves those.
    pub url: String,
    /// What the `host` header says.
    pub host: String,
}

impl Target {
    /// The target of an address.
    ///
    /// # Errors
    /// The address is not plain HTTP to this machine. A stand-in never speaks to anybody else.
    pub fn of(url: &str) -> Result<Self, String> {
        let elsewhere = || format!("a stand-in calls http:// on this machine only, not {url}");
        let rest = url.strip_prefix("http://").ok_or_else(elsewhere)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        let (name, port) = host.split_once(':').unwrap_or((host, "80"));
        let name = name.to_ascii_lowercase();
        let plain = !host.contains('@');
        let near = ["127.0.0.1", "localhost"].contains(&name.as_str());
        if !(plain && (near || name.ends_with(".localhost"))) || port.parse::<u16>().is_err() {
            return Err(elsewhere());
        }
        let path = path.split('#').next().unwrap_or_default();
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self {
            url: format!("http://127.0.0.1:{port}{slash}{path}"),
            host: host.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_called_and_its_names_stay_in_the_host() {
        for (url, really, host) in [
            (
                "http://127.0.0.1:81/a?b=c",
                "http://127.0.0.1:81/a?b=c",
                "127.0.0.1:81",
            ),
            (
                "http://ab.execute-api.localhost:9/s/x",
                "http://127.0.0.1:9/s/x",
                "ab.execute-api.localhost:9",
            ),
            (
                "http://localhost?a=1#b",
                "http://127.0.0.1:80/?a=1",
                "localhost",
            ),
        ] {
            let target = Target::of(url).expect("this machine");
            assert_eq!((target.url.as_str(), target.host.as_str()), (really, host));
        }
        for url in [
            "https://127.0.0.1/",
            "http://loyalty.example.com/",
            "http://localhost.example.com/",
            "http://localhost:1@example.com/",
            "http://user@127.0.0.1/",
            "http://user@a.localhost/",
            "http://127.0.0.1:port/",
            "http://example.com#.localhost",
            "127.0.0.1:80",
        ] {
            let refused = Target::of(url).expect_err("elsewhere");
            assert!(refused.contains(url), "{refused}");
        }
    }
}
