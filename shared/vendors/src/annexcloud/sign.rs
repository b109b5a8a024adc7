//! What a call carries to prove that it may be made: Annex Cloud's signature over what it says, or a header that never
//! changes.
//!
//! Follows Annex Cloud's page on its JWT authentication. A signature binds one body and ends after five minutes, so each
//! attempt gets its own.

use std::{borrow::Cow, time::Duration};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::Sha256;

use super::secret::{Credential, Proof};
use crate::{Call, Header};

/// ASSUMED `annexcloud-jwt-life`: how far ahead a signature may end is not published.
const LIFE: Duration = Duration::from_mins(5);

/// `{"alg":"HS256","typ":"JWT"}`
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// What a signature says, in the order of Annex Cloud's own example.
#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    exp: i64,
    site_id: &'a str,
    hmac: String,
}

impl Credential {
    /// The headers of a call that is made now.
    pub(super) fn sign(&self, call: &Call, now: Timestamp) -> Vec<Header> {
        let authorization = match &self.proof {
            Proof::Header(value) => value.clone(),
            Proof::Jwt { site, secret } => {
                let jwt = self.jwt(site, secret, &payload(call), now);
                SecretString::from(format!("Bearer {jwt}"))
            }
        };
        let header = |name, value| Header { name, value };
        vec![
            header("authorization", authorization),
            header("x-annexcloud-site", self.site_id.clone().into()),
        ]
    }

    fn jwt(&self, site: &str, secret: &SecretString, payload: &[u8], now: Timestamp) -> String {
        let claims = Claims {
            sub: site,
            exp: now.saturating_add(LIFE).unwrap_or(now).as_second(),
            site_id: &self.site_id,
            hmac: STANDARD.encode(mac(secret, STANDARD.encode(payload).as_bytes())),
        };
        // Text and a number always serialise.
        let claims = serde_json::to_vec(&claims).unwrap_or_default();
        let signed = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(mac(secret, signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

/// What is signed: the very bytes of the body; without one, the person's id as JSON writes it, quotes included.
///
/// ASSUMED `annexcloud-jwt-get`: the id is the one in the path, decoded, and letters beyond ASCII are not escaped.
///
/// ASSUMED `annexcloud-jwt-bare`: a call with neither body nor id signs an empty text with its quotes.
fn payload(call: &Call) -> Cow<'_, [u8]> {
    match &call.body {
        Some(body) => Cow::Borrowed(body.as_bytes()),
        // Text always serialises.
        None => Cow::Owned(serde_json::to_vec(&id_of(&call.path)).unwrap_or_default()),
    }
}

/// The person's id in a path such as `/users/{id}/tiers`; empty where the path has none.
fn id_of(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut segments = path.split('/');
    let named = segments.find(|segment| matches!(*segment, "users" | "points"));
    let id = named.and_then(|_| segments.next()).unwrap_or_default();
    percent_decode_str(id).decode_utf8_lossy().into_owned()
}

fn mac(secret: &SecretString, message: &[u8]) -> Vec<u8> {
    // A key of any length is a key.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
        return Vec::new();
    };
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{
        super::{people, secret},
        *,
    };
    use crate::Method;

    /// Five minutes before the end that the golden vectors carry.
    const NOW: &str = "2026-10-01T11:55:00Z";

    /// Each with the signature over it, made with Python's `hmac` and `base64`.
    const GOLDEN: [(Method, &str, Option<&str>, &str); 6] = [
        (
            Method::Get,
            "/users/ada%40example%2Ecom",
            None,
            "eyJzdWIiOiJleGFtcGxlLXNob3AiLCJleHAiOjE3OTA4NTYwMDAsInNpdGVfaWQiOiI1NTUwMDAxIiwiaG1hYyI6Ik5xNjVSaG9VM1l6ZDVXSDk0THpqcDJaL1BjWWgxLy82bVE2bXVDRkRCT2c9In0.r-XR2XTVeuLqngHr9DTajL_Y5wq3iS0K-1hs0EFuwBo",
        ),
        (
            Method::Get,
            "/points/ada@example.com?page=1",
            None,
            "eyJzdWIiOiJleGFtcGxlLXNob3AiLCJleHAiOjE3OTA4NTYwMDAsInNpdGVfaWQiOiI1NTUwMDAxIiwiaG1hYyI6Ik5xNjVSaG9VM1l6ZDVXSDk0THpqcDJaL1BjWWgxLy82bVE2bXVDRkRCT2c9In0.r-XR2XTVeuLqngHr9DTajL_Y5wq3iS0K-1hs0EFuwBo",
        ),
        (
            Method::Get,
            "/users/ada%2Bs%C3%B8k%2F1%40example%2Ecom/tiers",
            None,
            "eyJzdWIiOiJleGFtcGxlLXNob3AiLCJleHAiOjE3OTA4NTYwMDAsInNpdGVfaWQiOiI1NTUwMDAxIiwiaG1hYyI6Ikd1WXFyc0l0TDdCTm96Wm41T3RGNE80ZDFuaFhSTDZXNE1WeW1PN2VlT0E9In0.GLij6c9yYYHHFwNa8qSvLdVavbXZ0SDtrJB6QpSY2kk",
        ),
        (
            Method::Post,
            "/users",
            Some(r#"{"id":"ada@example.com","optInStatus":"YES"}"#),
            "eyJzdWIiOiJleGFtcGxlLXNob3AiLCJleHAiOjE3OTA4NTYwMDAsInNpdGVfaWQiOiI1NTUwMDAxIiwiaG1hYyI6IkVHMTBxRC8vSmxkd1Y3WDlxdWdGOHFCODJVdStMdmhoQVBKUW51Q0RoUzQ9In0.6n6rTRE5tlXv3lE6S-Jo5aPR8FBeB4OBzzcabqr-eKY",
        ),
        (
            Method::Put,
            "/users/somebody%20else",
            Some(r#"{"id":"ada@example.com","optInStatus":"YES"}"#),
            "eyJzdWIiOiJleGFtcGxlLXNob3AiLCJleHAiOjE3OTA4NTYwMDAsInNpdGVfaWQiOiI1NTUwMDAxIiwiaG1hYyI6IkVHMTBxRC8vSmxkd1Y3WDlxdWdGOHFCODJVdStMdmhoQVBKUW51Q0RoUzQ9In0.6n6rTRE5tlXv3lE6S-Jo5aPR8FBeB4OBzzcabqr-eKY",
        ),
        (
            Method::Get,
            "/tierlist/all",
            None,
            "eyJzdWIiOiJleGFtcGxlLXNob3AiLCJleHAiOjE3OTA4NTYwMDAsInNpdGVfaWQiOiI1NTUwMDAxIiwiaG1hYyI6IjYzMWR2SlF4K1FvenhTMVdJelFHVVVtcVpYb1RxVHNZamFuQWoySllEL1E9In0.vabsQ9w83dS-JJf6fZRYybVYph1QJ0nb7GmoTK7B6nQ",
        ),
    ];

    fn headers(secret: &Value, call: &Call) -> Vec<(&'static str, String)> {
        let (_, credential) = secret::open(secret).unwrap();
        let headers = credential.sign(call, NOW.parse().unwrap()).into_iter();
        headers
            .map(|header| (header.name, header.value.expose_secret().to_owned()))
            .collect()
    }

    fn call((method, path, body): (Method, &str, Option<&str>)) -> Call {
        Call {
            method,
            path: path.to_owned(),
            body: body.map(ToOwned::to_owned),
        }
    }

    #[test]
    fn a_signature_is_the_one_that_others_make() {
        let secret = json!({
            "v": 1, "site": "example-shop", "site_id": "5550001", "secret": "example-shared-secret",
        });
        for (method, path, body, rest) in GOLDEN {
            let expected = [
                ("authorization", format!("Bearer {HEADER}.{rest}")),
                ("x-annexcloud-site", "5550001".to_owned()),
            ];
            let headers = headers(&secret, &call((method, path, body)));
            assert_eq!(headers, expected, "{path}");
        }
    }

    #[test]
    fn a_header_that_never_changes_is_the_same_for_every_call() {
        let token = |form: &str| {
            json!({
                "v": 1, "mode": "access_token", "site_id": "5550001", "loyalty_token": "example-token",
                "form": form,
            })
        };
        for (secret, expected) in [
            (
                token("object"),
                "Bearer eyJzaXRlX2lkIjoiNTU1MDAwMSIsImxveWFsdHlUb2tlbiI6ImV4YW1wbGUtdG9rZW4ifQ==",
            ),
            (
                token("array"),
                "Bearer WyJleGFtcGxlLXRva2VuIiwiNTU1MDAwMSJd",
            ),
            (
                json!({"v": 1, "mode": "static", "site_id": 5_550_001, "value": "Token example"}),
                "Token example",
            ),
        ] {
            for (method, path, body, _) in GOLDEN {
                let headers = headers(&secret, &call((method, path, body)));
                let expected = [
                    ("authorization", expected.to_owned()),
                    ("x-annexcloud-site", "5550001".to_owned()),
                ];
                assert_eq!(headers, expected);
            }
        }
    }

    proptest! {
        /// Whatever a site calls its people: what is signed is the id itself, and not how the path spells it.
        #[test]
        fn the_id_is_signed_as_it_is(id in ".{1,40}") {
            for call in [people::user(&id), people::points(&id), people::tiers(&id), people::activity(&id)] {
                prop_assert!(call.path.is_ascii());
                let signed: String = serde_json::from_slice(&payload(&call)).unwrap();
                prop_assert_eq!(&signed, &id);
            }
        }
    }
}
