//! What every request must look like: path, headers, query, body.

use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::standins::{Request, decoded};

/// Where the vendor's paths begin.
pub(super) const API: &str = "/api/";

/// Headers a plain HTTP client sends by itself, and the two that the API asks for.
const HEADERS: [&str; 9] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "user-agent",
];

/// A request, read.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) parts: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Map<String, Value>,
}

impl Asked {
    /// A parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let own = self.query.iter().find(|(known, _)| known == name);
        own.map(|(_, value)| value.as_str())
    }

    /// Refuses parameters that this path does not have.
    pub(super) fn only(&self, names: &[&str]) -> Result<(), Refusal> {
        let known = |name: &String| names.contains(&name.as_str());
        match self.query.iter().find(|(name, _)| !known(name)) {
            Some((name, _)) => Err(Refusal::wrong(format!("unknown parameter {name}"))),
            None => Ok(()),
        }
    }

    /// The refusal of a path or method that nobody has.
    pub(super) fn nowhere(&self) -> Refusal {
        let what = format!("unknown path: {} {}", self.method, self.path);
        Refusal::new(404, what).faulty()
    }
}

/// The request, where everything about it is as a sender of ours makes it.
pub(super) fn read(request: &Request) -> Result<Asked, Refusal> {
    let known = |name: &str| HEADERS.contains(&name);
    if let Some((name, _)) = request.headers.iter().find(|(name, _)| !known(name)) {
        return Err(Refusal::wrong(format!("unknown header {name}")));
    }
    let path = request.path.strip_prefix(API).unwrap_or_default();
    Ok(Asked {
        method: request.method.clone(),
        path: request.path.clone(),
        parts: path.split('/').map(str::to_owned).collect(),
        query: query(request)?,
        body: body(request)?,
    })
}

fn query(request: &Request) -> Result<Vec<(String, String)>, Refusal> {
    let mut query: Vec<(String, String)> = Vec::new();
    for pair in request.query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if query.iter().any(|(known, _)| known == name) {
            return Err(Refusal::wrong(format!("{name} stands there twice")));
        }
        // A plus would be a blank to one server and a plus to another.
        let value = decoded(value).filter(|_| !value.contains('+'));
        let value =
            value.ok_or_else(|| Refusal::wrong(format!("{name} is not percent-encoded text")))?;
        query.push((name.to_owned(), value));
    }
    Ok(query)
}

fn body(request: &Request) -> Result<Map<String, Value>, Refusal> {
    let writes = ["POST", "PUT"].contains(&request.method.as_str());
    if !writes {
        return if request.body.is_empty() {
            Ok(Map::new())
        } else {
            Err(Refusal::wrong(format!("{} has a body", request.method)))
        };
    }
    let kind = request.header("content-type");
    if kind != Some("application/json") {
        return Err(Refusal::wrong(format!("content-type is {kind:?}")));
    }
    serde_json::from_slice(&request.body)
        .map_err(|error| Refusal::wrong(format!("the body is no JSON object: {error}")))
}
