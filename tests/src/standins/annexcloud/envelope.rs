//! What a request must look like before anybody looks at its token: path, method, headers.

use super::refusal::Refusal;
use crate::standins::{Request, decoded};

/// Where the vendor's paths begin.
pub(super) const API: &str = "/api/3.0";

/// Headers a plain HTTP client sends by itself, and the three that the API asks for.
const HEADERS: [&str; 10] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "user-agent",
    "x-annexcloud-site",
];

/// What is asked for, with the person's id decoded.
#[derive(Debug)]
pub(super) enum Resource {
    NewUser,
    User(String),
    ChangeUser(String),
    NewPoints,
    Points(String),
    Tiers(String),
    Activity(String),
}

impl Resource {
    /// The person's id in the path.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::NewUser | Self::NewPoints => None,
            Self::User(id)
            | Self::ChangeUser(id)
            | Self::Points(id)
            | Self::Tiers(id)
            | Self::Activity(id) => Some(id),
        }
    }
}

/// The resource, where everything about the request is as a sender of ours makes it.
pub(super) fn read(request: &Request) -> Result<Resource, Refusal> {
    let known = |name: &str| HEADERS.contains(&name);
    if let Some((name, _)) = request.headers.iter().find(|(name, _)| !known(name)) {
        return Err(Refusal::bad(format!("unknown header {name}")).faulty());
    }
    if !request.query.is_empty() {
        return Err(Refusal::bad(format!("unknown parameter {}", request.query)).faulty());
    }
    let kind = request.header("content-type");
    if kind != Some("application/json") && (kind.is_some() || !request.body.is_empty()) {
        return Err(Refusal::bad(format!("content-type is {kind:?}")).faulty());
    }
    let resource = resource(request)?;
    if request.method == "GET" && !request.body.is_empty() {
        return Err(Refusal::bad("a read has no body").faulty());
    }
    Ok(resource)
}

fn resource(request: &Request) -> Result<Resource, Refusal> {
    let nowhere = || Refusal::nowhere(format!("unknown path: {} {}", request.method, request.path));
    let path = request.path.strip_prefix(API).ok_or_else(nowhere)?;
    let parts: Vec<&str> = path.split('/').collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("POST", ["", "users"]) => Ok(Resource::NewUser),
        ("GET", ["", "users", id]) => identifier(id).map(Resource::User),
        ("PATCH", ["", "users", id]) => identifier(id).map(Resource::ChangeUser),
        ("GET", ["", "users", id, "tiers"]) => identifier(id).map(Resource::Tiers),
        ("GET", ["", "users", id, "activity"]) => identifier(id).map(Resource::Activity),
        ("POST", ["", "points"]) => Ok(Resource::NewPoints),
        ("GET", ["", "points", id]) => identifier(id).map(Resource::Points),
        _ => Err(nowhere()),
    }
}

/// A person's id, which is often an address: what is not plain must be percent-encoded.
fn identifier(part: &str) -> Result<String, Refusal> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
    decoded(part)
        .filter(|id| !id.is_empty() && part.bytes().all(plain))
        .ok_or_else(|| Refusal::bad(format!("{part:?} is not percent-encoded text")).faulty())
}
