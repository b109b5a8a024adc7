//! The secret `<prefix>/<store>/annexcloud`: which site it opens, where, and how the calls prove it.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::Value;

use super::body::At;

/// Annex Cloud's interface for live sites, version 3.
const PRODUCTION: &str = "https://s15.socialannex.net/api/3.0";

/// ASSUMED `annexcloud-staging-host`: the staging host is the live one with `staging` in its domain, as it is for Annex
/// Cloud's other interfaces.
const STAGING: &str = "https://s15.socialannexstaging.com/api/3.0";

/// The domains that are Annex Cloud's: a credential goes nowhere else.
const DOMAINS: [&str; 3] = [
    ".socialannex.net",
    ".socialannex.com",
    ".socialannexstaging.com",
];

/// The form of the secret in its usual mode, with a hint in place of each value.
pub(super) const FORM: &str = r#"{"v":1,"site":"<Annex Cloud: client name>","site_id":"<Annex Cloud: site id>","secret":"<Annex Cloud: shared secret>"}"#;

/// A store's credential.
pub(super) struct Credential {
    /// The site's id, which goes with every call.
    pub(super) site_id: String,
    /// How a call proves that it may be made.
    pub(super) proof: Proof,
}

/// How a call proves that it may be made.
pub(super) enum Proof {
    /// By a signature over what it says.
    Jwt {
        /// The client's name.
        site: String,
        /// What signs, as raw text.
        secret: SecretString,
    },
    /// By a header that never changes.
    Header(SecretString),
}

/// Reads the secret: the base of the calls, without a slash at its end, and the credential. None when it has another
/// shape, or would send the credential to somebody else.
pub(super) fn open(secret: &Value) -> Option<(Cow<'static, str>, Credential)> {
    let root = At::root(secret);
    let credential = Credential {
        site_id: visible(root, "site_id")?,
        proof: proof(root)?,
    };
    let base = match root.text("base").as_deref().map(str::trim) {
        None if root.at("base").value().is_some() => return None,
        None | Some("production") => PRODUCTION.into(),
        Some("staging") => STAGING.into(),
        Some(url) => own_host(url)?.to_owned().into(),
    };
    Some((base, credential))
}

fn proof(root: At) -> Option<Proof> {
    match root.text("mode").as_deref().unwrap_or("jwt").trim() {
        "jwt" => Some(Proof::Jwt {
            site: visible(root, "site")?,
            secret: SecretString::from(root.text("secret")?.trim()),
        }),
        // ASSUMED `annexcloud-token-header`: the connectors' token travels as a bearer's.
        "access_token" => {
            let token = access_token(root)?;
            Some(Proof::Header(format!("Bearer {token}").into()))
        }
        "static" => Some(Proof::Header(visible(root, "value")?.into())),
        _ => None,
    }
}

#[derive(Serialize)]
struct Token<'a> {
    site_id: &'a str,
    #[serde(rename = "loyaltyToken")]
    loyalty_token: &'a str,
}

/// Encoded and not encrypted, so as secret as the token in it.
///
/// ASSUMED `annexcloud-token-form`: the document is an object of these two keys, or an array of the loyalty token
/// and the site id, as the connector's own pages name them.
fn access_token(root: At) -> Option<String> {
    let (site_id, loyalty_token) = (visible(root, "site_id")?, visible(root, "loyalty_token")?);
    let (site_id, loyalty_token) = (site_id.as_str(), loyalty_token.as_str());
    let document = match root.text("form").as_deref().unwrap_or("object") {
        "object" => serde_json::to_vec(&Token {
            site_id,
            loyalty_token,
        }),
        "array" => serde_json::to_vec(&[loyalty_token, site_id]),
        _ => return None,
    };
    Some(STANDARD.encode(document.ok()?))
}

/// Text that a header can carry.
fn visible(root: At, key: &str) -> Option<String> {
    let text = root.text(key)?.trim().to_owned();
    let fits = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    text.bytes().all(fits).then_some(text)
}

/// An address of Annex Cloud's own: https, no user, port or query, nothing that leads elsewhere.
fn own_host(url: &str) -> Option<&str> {
    let url = url.trim_end_matches('/');
    let rest = url.strip_prefix("https://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let segment = |segment: &str| {
        !segment.is_empty()
            && segment.bytes().all(|byte| letters(byte) || byte == b'_')
            && segment.bytes().any(|byte| byte != b'.')
    };
    let lower = host.to_ascii_lowercase();
    let theirs = DOMAINS.iter().any(|domain| {
        let name = lower.strip_suffix(domain);
        name.is_some_and(|name| name.split('.').all(segment))
    });
    let fits = theirs && host.bytes().all(letters);
    (fits && (path.is_empty() || path.split('/').all(segment))).then_some(url)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn jwt(base: &Value) -> Value {
        json!({"v": 1, "site": "example-shop", "site_id": 5_550_001, "secret": "s", "base": base})
    }

    fn base(secret: &Value) -> Option<String> {
        open(secret).map(|(base, _)| base.into_owned())
    }

    #[test]
    fn a_credential_goes_to_annex_cloud_and_nowhere_else() {
        let cases = [
            (json!(null), Some(PRODUCTION)),
            (json!("production"), Some(PRODUCTION)),
            (json!("staging"), Some(STAGING)),
            (
                json!("https://s7.socialannex.net/api/3.0/"),
                Some("https://s7.socialannex.net/api/3.0"),
            ),
            (
                json!("https://api.socialannex.com"),
                Some("https://api.socialannex.com"),
            ),
            (
                json!("https://API.SocialAnnexStaging.com/api/3.0"),
                Some("https://API.SocialAnnexStaging.com/api/3.0"),
            ),
        ];
        for (given, expected) in cases {
            assert_eq!(base(&jwt(&given)).as_deref(), expected, "{given}");
        }
        for refused in [
            "",
            "live",
            "http://s15.socialannex.net/api/3.0",
            "https://socialannex.net",
            "https://.socialannex.net",
            "https://a..socialannex.net",
            "https://notsocialannex.net",
            "https://s15.socialannex.net.example.com",
            "https://s15.socialannex.net@example.com",
            "https://key:s15.socialannex.net",
            "https://example.com#s15.socialannex.net",
            "https://example.com/.socialannex.net",
            "https://example.com\\.socialannex.net",
            "https://s15.socialannex.net:8443",
            "https://s15.socialannex.net/api/../../x",
            "https://s15.socialannex.net//x",
            "https://s15.socialannex.net/api?x=1",
            "https://s15.socialannex.net/api 3",
        ] {
            assert_eq!(base(&jwt(&json!(refused))), None, "{refused}");
        }
        assert_eq!(base(&jwt(&json!(3))), None);
    }

    #[test]
    fn a_secret_of_another_shape_opens_nothing() {
        for secret in [
            json!(null),
            json!([]),
            json!({"v": 1}),
            json!({"v": 1, "site": "example-shop", "secret": "s"}),
            json!({"v": 1, "site": "example-shop", "site_id": "5550001"}),
            json!({"v": 1, "site_id": "5550001", "secret": "s"}),
            json!({"v": 1, "site": "s\u{e9}", "site_id": "5550001", "secret": "s"}),
            json!({"v": 1, "site": "s", "site_id": "555\n0001", "secret": "s"}),
            json!({"v": 1, "mode": "basic", "site_id": "5550001", "value": "x"}),
            json!({"v": 1, "mode": "static", "site_id": "5550001"}),
            json!({"v": 1, "mode": "static", "site_id": "5550001", "value": "a\r\nb: c"}),
            json!({"v": 1, "mode": "access_token", "site_id": "5550001"}),
            json!({"v": 1, "mode": "access_token", "site_id": "1", "loyalty_token": "t", "form": "list"}),
        ] {
            assert!(open(&secret).is_none(), "{secret}");
        }
        let form: Value = serde_json::from_str(FORM).unwrap();
        assert!(open(&form).is_some(), "the form itself has the right shape");
    }
}
