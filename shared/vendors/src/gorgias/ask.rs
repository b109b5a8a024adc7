//! What Gorgias' HTTP integration asks, and whether it is Gorgias that asks.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;

use crate::Inlet;

/// A request for a card, as it came in.
#[derive(Default)]
pub struct Ticket {
    /// Whether it is a POST.
    pub posts: bool,
    /// Header names (lower case) and values.
    pub headers: Vec<(String, String)>,
    /// The query, as it stands in the URL.
    pub query: String,
    /// The raw body.
    pub body: Vec<u8>,
}

/// Whose card is asked for.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The ticket's customer's address as it was written, which may be none.
    pub email: Option<String>,
    /// The customer's name.
    pub name: Option<String>,
    /// The ticket's id.
    pub ticket: Option<String>,
}

/// It names a person.
impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Asked(…)")
    }
}

/// The most characters that are looked at of a value: far more than an address has.
const LONGEST: usize = 1_000;

/// Where a body may have the customer's address: in a form of our own, or in the whole context of the event.
const EMAIL: [&str; 4] = [
    "/email",
    "/ticket/customer/email",
    "/customer/email",
    "/context/ticket/customer/email",
];
const NAME: [&str; 4] = [
    "/name",
    "/ticket/customer/name",
    "/customer/name",
    "/context/ticket/customer/name",
];
const TICKET: [&str; 3] = ["/ticket/id", "/ticket", "/context/ticket/id"];

/// What a request asks: a POST by its body, JSON or a form, anything else by its query. What a query says beside a POST's
/// body counts for nothing: the body's signature does not vouch for it.
#[must_use]
pub fn asked(ticket: &Ticket) -> Asked {
    let body: Option<Value> = serde_json::from_slice(&ticket.body).ok();
    let form = std::str::from_utf8(&ticket.body).unwrap_or_default();
    let form = if body.is_none() { form } else { "" };
    let of = |name: &str, pointers: &[&str]| {
        let in_body = || {
            pointers
                .iter()
                .find_map(|at| text(body.as_ref()?.pointer(at)?))
        };
        if ticket.posts && !ticket.body.is_empty() {
            in_body().or_else(|| parameter(form, name))
        } else {
            parameter(&ticket.query, name)
        }
    };
    Asked {
        email: of("email", &EMAIL).map(|email| joined(&email)),
        name: of("name", &NAME).map(|name| name.replace('+', " ")),
        ticket: of("ticket", &TICKET),
    }
}

/// ASSUMED `gorgias-encoding`: the address stands in the URL percent-encoded, or raw; a `+` in it may have become a space on
/// the way, and is never one: no address has blanks.
fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    let value = percent_decode_str(value).decode_utf8_lossy();
    kept(&value)
}

/// Values of a JSON body arrive as text, also where they are numbers.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => kept(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn kept(text: &str) -> Option<String> {
    let text: String = text.trim().chars().take(LONGEST).collect();
    // A template whose variable has no value may be left as it was written.
    let unfilled = text.starts_with("{{") || ["null", "None", "undefined"].contains(&text.as_str());
    (!text.is_empty() && !unfilled).then_some(text)
}

fn joined(email: &str) -> String {
    email.replace(' ', "+")
}

/// The secret `<prefix>/<store>/gorgias-lookup`: `{"v": 1, "current": "…", "previous": "…", "site_id": "…", "hmac": "…",
/// "hmac_header": "…"}`. Only `current` must be there.
#[derive(Debug, Deserialize)]
pub struct Credential {
    #[serde(flatten)]
    inlet: Inlet,
    /// The site that the connector's access token must name.
    #[serde(default)]
    site_id: Option<String>,
    /// Signs the body of a POST; where it is set, no other POST is answered.
    #[serde(default)]
    hmac: Option<SecretString>,
    #[serde(default)]
    hmac_header: Option<String>,
}

/// Headers that may carry the secret.
const HEADERS: [&str; 3] = ["authorization", "x-api-key", "x-access-token"];

impl Credential {
    /// Reads the secret's text; none when it has another form.
    #[must_use]
    pub fn read(secret: &str) -> Option<Self> {
        let credential: Self = serde_json::from_str(secret).ok()?;
        credential.inlet.is_set().then_some(credential)
    }

    /// What the integration is to present.
    pub(super) fn into_token(self) -> SecretString {
        self.inlet.current
    }

    /// Whether a request comes from who may ask. Every candidate is compared, so that the time taken does not tell which one
    /// was right.
    #[must_use]
    pub fn admits(&self, ticket: &Ticket) -> bool {
        if let Some(key) = self.hmac.as_ref().filter(|_| ticket.posts) {
            return self.is_signed(ticket, key);
        }
        let headers = ticket.headers.iter();
        let carried = headers.filter(|(name, _)| HEADERS.contains(&name.as_str()));
        carried.fold(false, |admitted, (_, value)| {
            let value = value.trim();
            let bare = value.split_once(' ').map_or("", |(_, rest)| rest.trim());
            admitted
                | self.inlet.admits(value)
                | self.inlet.admits(bare)
                | self.is_access_token(value)
                | self.is_access_token(bare)
        })
    }

    /// The connector's own spelling: base64 of a JSON array of loyalty token and site id. A sibling guide has an object.
    fn is_access_token(&self, value: &str) -> bool {
        let decoded = STANDARD.decode(value).ok();
        let json = decoded.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        let (token, site) = match &json {
            Some(Value::Array(parts)) => match parts.as_slice() {
                [token, site] => (text(token), text(site)),
                _ => (None, None),
            },
            Some(Value::Object(parts)) => (
                parts.get("loyaltyToken").and_then(text),
                parts.get("site_id").and_then(text),
            ),
            _ => (None, None),
        };
        let at_home = self.site_id.is_none() || site == self.site_id;
        token.is_some_and(|token| self.inlet.admits(&token)) && at_home
    }

    /// ASSUMED `gorgias-signature`: `X-Gorgias-Signature` carries the HMAC-SHA-256 of the raw body in hexadecimal, perhaps
    /// with `sha256=` before it.
    fn is_signed(&self, ticket: &Ticket, key: &SecretString) -> bool {
        let named = self.hmac_header.as_deref().unwrap_or("x-gorgias-signature");
        let mut headers = ticket.headers.iter();
        let Some((_, given)) = headers.find(|(name, _)| name.eq_ignore_ascii_case(named)) else {
            return false;
        };
        let given = given.trim();
        let given = given.strip_prefix("sha256=").unwrap_or(given);
        let key = key.expose_secret().as_bytes();
        let (Some(given), Ok(mut mac)) = (hexadecimal(given), Hmac::<Sha256>::new_from_slice(key))
        else {
            return false;
        };
        mac.update(&ticket.body);
        // Nothing is signed by the signature of nothing.
        !key.is_empty() && !ticket.body.is_empty() && mac.verify_slice(&given).is_ok()
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let whole = text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit());
    whole.then(|| pairs.map(byte).collect())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(query: &str) -> Ticket {
        Ticket {
            query: query.to_owned(),
            ..Ticket::default()
        }
    }

    fn post(body: &str) -> Ticket {
        Ticket {
            posts: true,
            body: body.as_bytes().to_vec(),
            ..Ticket::default()
        }
    }

    #[test]
    fn an_address_is_found_however_it_travels() {
        let whole = r#"{"ticket":{"id":7,"customer":{"email":"kari+tur@example.com"}}}"#;
        for ticket in [
            get("email=kari%2Btur%40example.com&ticket=7"),
            get("email=kari+tur@example.com&ticket=7"),
            get("x=1&email=kari%20tur%40example.com&ticket=7"),
            post(r#"{"email":"kari+tur@example.com","ticket":"7"}"#),
            post(whole),
            post(&format!(r#"{{"context":{whole}}}"#)),
            post("email=kari%2Btur%40example.com&ticket=7"),
        ] {
            let asked = asked(&ticket);
            assert_eq!(asked.email.as_deref(), Some("kari+tur@example.com"));
            assert_eq!(asked.ticket.as_deref(), Some("7"));
        }
        for query in [
            "",
            "email=",
            "email=%20",
            "email={{ticket.customer.email}}",
            "email=None",
            "e=1",
        ] {
            assert_eq!(asked(&get(query)).email, None, "{query}");
        }
        let long = format!("email={}@example.com", "k".repeat(3_000));
        assert_eq!(asked(&get(&long)).email.unwrap().len(), LONGEST);
    }

    #[test]
    fn a_query_beside_a_body_counts_for_nothing() {
        for body in [r#"{"email":"kari@example.com"}"#, r#"{"email":null}"#, "x"] {
            let mut ticket = post(body);
            ticket.query = "email=ola%40example.com&ticket=7".to_owned();
            let asked = asked(&ticket);
            assert!(asked.email.is_none_or(|email| email == "kari@example.com"));
            assert_eq!(asked.ticket, None);
        }
    }

    #[test]
    fn a_name_has_blanks_and_no_plus() {
        for query in ["name=Kari+Berg", "name=Kari%20Berg", "name=Kari%2BBerg"] {
            assert_eq!(asked(&get(query)).name.as_deref(), Some("Kari Berg"));
        }
    }

    fn credential(json: &str) -> Credential {
        serde_json::from_str(json).unwrap()
    }

    fn with(name: &str, value: &str) -> Ticket {
        Ticket {
            headers: vec![(name.to_owned(), value.to_owned())],
            ..Ticket::default()
        }
    }

    #[test]
    fn the_secret_opens_in_each_of_its_spellings() {
        let own = credential(r#"{"v":1,"current":"new","previous":"old","site_id":"5550001"}"#);
        let array = STANDARD.encode(r#"["new","5550001"]"#);
        let number = STANDARD.encode(r#"["old",5550001]"#);
        let object = STANDARD.encode(r#"{"site_id":"5550001","loyaltyToken":"new"}"#);
        for ticket in [
            with("authorization", "Bearer new"),
            with("authorization", "old"),
            with("x-api-key", "new"),
            with("authorization", &format!("Bearer {array}")),
            with("x-access-token", &number),
            with("authorization", &object),
        ] {
            assert!(own.admits(&ticket));
        }
        let elsewhere = STANDARD.encode(r#"["new","5550002"]"#);
        let more = STANDARD.encode(r#"["new","5550001","x"]"#);
        for ticket in [
            Ticket::default(),
            with("authorization", ""),
            with("authorization", "Bearer newer"),
            with("x-other", "new"),
            with("authorization", &elsewhere),
            with("authorization", &more),
            with("authorization", &STANDARD.encode("new")),
        ] {
            assert!(!own.admits(&ticket));
        }
    }

    #[test]
    fn a_signed_post_needs_its_signature() {
        let own = credential(r#"{"v":1,"current":"new","hmac":"key"}"#);
        // python3: hmac.new(b"key", b'{"email":"kari@example.com"}', "sha256").hexdigest()
        let right = "7c1bdee3b07a8b6e1b18508a2da6aa5d2fe04a78cfc66a034ac798cac90c15c8";
        let mut ticket = post(r#"{"email":"kari@example.com"}"#);
        ticket.headers = vec![("x-gorgias-signature".into(), right.into())];
        assert!(own.admits(&ticket));
        ticket.headers[0].1 = format!("sha256={right}");
        assert!(own.admits(&ticket));
        ticket.headers.push(("authorization".into(), "new".into()));
        ticket.body.push(b' ');
        assert!(!own.admits(&ticket), "another body");
        ticket.headers.remove(0);
        assert!(!own.admits(&ticket), "no signature");
        ticket.posts = false;
        assert!(own.admits(&ticket), "a GET has no body to sign");
        // python3: hmac.new(b"key", b"", "sha256").hexdigest()
        let nothing = "5d5d139563c95b5967b9bd9a8c9b233a9dedb45072794cd232dc1b74832607d0";
        let mut empty = post("");
        empty.headers = vec![("x-gorgias-signature".into(), nothing.into())];
        assert!(!own.admits(&empty), "a signature of nothing");
    }
}
