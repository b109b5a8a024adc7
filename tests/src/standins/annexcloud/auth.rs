//! The signed token of section 2.1: made for one body by one secret, and for a few minutes.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::account::Account;
use super::refusal::Refusal;
use crate::standins::{Request, mac};

/// The documents ask for a short life without a number; five minutes are in use.
const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// The claims, all of them and no others.
const CLAIMS: [&str; 4] = ["exp", "hmac", "site_id", "sub"];

/// A token as it was sent. It need not be a good one.
#[derive(Debug)]
pub(super) struct Token {
    head: Value,
    claims: Value,
    signed: String,
    signature: Vec<u8>,
}

impl Token {
    /// The token of a request; `None` if there is none that can be read.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let text = request.header("authorization")?.strip_prefix("Bearer ")?;
        let (signed, signature) = text.rsplit_once('.')?;
        let (head, claims) = signed.split_once('.')?;
        let json = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
            serde_json::from_slice(&bytes).ok()
        };
        Some(Self {
            head: json(head)?,
            claims: json(claims)?,
            signed: signed.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Whom it speaks for.
    pub(super) fn subject(&self) -> &str {
        self.claims["sub"].as_str().unwrap_or_default()
    }

    /// Whether this secret signed it.
    pub(super) fn fits(&self, secret: &str) -> bool {
        mac::sha256(secret.as_bytes(), self.signed.as_bytes()) == self.signature
    }

    /// Whether a token of this tenant is good for this request, now. What a setting or a clock can get wrong is refused;
    /// what only a sender can get wrong is a fault too.
    pub(super) fn check(
        &self,
        account: &Account,
        request: &Request,
        id: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.has_its_form()?;
        let site = &self.claims["site_id"];
        if request
            .header("x-annexcloud-site")
            .map(Value::from)
            .as_ref()
            != Some(site)
        {
            return Err(Refusal::malformed(
                "X-AnnexCloud-Site is not the token's site_id",
            ));
        }
        let wanted = STANDARD.encode(payload(request, id));
        let wanted = STANDARD.encode(mac::sha256(account.secret.as_bytes(), wanted.as_bytes()));
        if self.claims["hmac"] != wanted {
            return Err(Refusal::malformed(
                "the token's hmac is not that of the payload",
            ));
        }
        let until = self.claims["exp"].as_i64().unwrap_or_default();
        let left = until.saturating_sub(now.as_second());
        if *site != account.site_id || left <= 0 || left > LIFE.as_secs() {
            return Err(Refusal::unauthorized());
        }
        Ok(())
    }

    fn has_its_form(&self) -> Result<(), Refusal> {
        if self.head != json!({"alg": "HS256", "typ": "JWT"}) {
            return Err(Refusal::malformed(format!(
                "the token's header is {}",
                self.head
            )));
        }
        let names = self
            .claims
            .as_object()
            .into_iter()
            .flat_map(|own| own.keys());
        let mut names: Vec<&str> = names.map(String::as_str).collect();
        names.sort_unstable();
        if names != CLAIMS {
            return Err(Refusal::malformed(format!(
                "the token's claims are {names:?}"
            )));
        }
        if !self.claims["exp"].is_i64() || !self.claims["site_id"].is_string() {
            return Err(Refusal::malformed(
                "exp is whole seconds and site_id is text",
            ));
        }
        Ok(())
    }
}

/// The bytes that the token is bound to: the body as it came, or the person's id as a JSON text.
fn payload(request: &Request, id: Option<&str>) -> Vec<u8> {
    if request.body.is_empty() {
        json!(id.unwrap_or_default()).to_string().into_bytes()
    } else {
        request.body.clone()
    }
}
