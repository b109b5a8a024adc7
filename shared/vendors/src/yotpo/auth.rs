//! Where Yotpo's shared secret may travel.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::{Inbound, Inlet, Refusal};

/// Query parameters that may carry the secret.
const QUERY: [&str; 2] = ["token", "shared_secret"];

/// Top-level keys of the body that may carry the secret. They are cut before the body is stored.
pub(super) const BODY: [&str; 3] = ["secret", "shared_secret", "authentication"];

/// Admits a caller that presents one of the store's secrets anywhere that Yotpo may put it.
pub(super) fn authenticate(inbound: &Inbound, inlet: &Inlet) -> Result<(), Refusal> {
    // Every candidate is compared, so that the time taken does not tell which place held the right one.
    let admitted = presented(inbound)
        .iter()
        .fold(false, |admitted, secret| inlet.admits(secret) | admitted);
    if admitted {
        Ok(())
    } else {
        Err(Refusal::Unauthorized)
    }
}

/// ASSUMED `yotpo-webhook-authentication`: how the value of Yotpo's field `Webhook Authentication` travels is not
/// documented. Its precedents are an `Authorization` or `X-Api-Secret` header, a query parameter and a key in the body;
/// the path segment of our own works whatever Yotpo sends. Once a real delivery has shown its place, this list shrinks.
fn presented(inbound: &Inbound) -> Vec<String> {
    let mut secrets = Vec::new();
    for (name, value) in &inbound.headers {
        if name == "authorization" {
            secrets.extend(authorization(value));
        } else if name == "x-api-secret" || name == "x-api-key" || name.starts_with("x-yotpo-") {
            secrets.push(value.trim().to_owned());
        }
    }
    let query = inbound
        .query
        .iter()
        .filter(|(name, _)| QUERY.contains(&name.as_str()));
    secrets.extend(query.map(|(_, value)| value.clone()));
    secrets.extend(inbound.path_token.clone());
    if let Ok(Value::Object(body)) = serde_json::from_slice(&inbound.body) {
        secrets.extend(
            BODY.iter()
                .filter_map(|key| body.get(*key)?.as_str().map(ToOwned::to_owned)),
        );
    }
    secrets
}

/// The secrets that an `Authorization` value may mean: as it stands, without its scheme, and the two halves of `Basic`.
fn authorization(value: &str) -> Vec<String> {
    let value = value.trim();
    let mut secrets = vec![value.to_owned()];
    let Some((scheme, rest)) = value.split_once(' ') else {
        return secrets;
    };
    let rest = rest.trim();
    if ["bearer", "token", "basic"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        secrets.push(rest.to_owned());
    }
    let decoded = STANDARD
        .decode(rest)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some((user, password)) = decoded.as_deref().and_then(|text| text.split_once(':'))
        && scheme.eq_ignore_ascii_case("basic")
    {
        secrets.extend([user.to_owned(), password.to_owned()]);
    }
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cret-of-the-store";

    fn inlet() -> Inlet {
        serde_json::from_value(serde_json::json!({"v": 1, "current": SECRET, "previous": "before"}))
            .unwrap()
    }

    fn with_header(name: &str, value: &str) -> Inbound {
        Inbound {
            headers: vec![(name.to_owned(), value.to_owned())],
            ..Inbound::default()
        }
    }

    #[test]
    fn the_secret_is_found_wherever_it_may_travel() {
        let basic = STANDARD.encode(format!("yotpo:{SECRET}"));
        let mut places: Vec<Inbound> = [
            ("authorization", SECRET.to_owned()),
            ("authorization", format!("Bearer {SECRET}")),
            ("authorization", format!("token {SECRET}")),
            ("authorization", format!("Basic {SECRET}")),
            ("authorization", format!("Basic {basic}")),
            ("authorization", "before".to_owned()),
            ("x-api-secret", SECRET.to_owned()),
            ("x-api-key", SECRET.to_owned()),
            ("x-yotpo-token", SECRET.to_owned()),
            ("x-yotpo-anything", SECRET.to_owned()),
        ]
        .iter()
        .map(|(name, value)| with_header(name, value))
        .collect();
        for name in QUERY {
            places.push(Inbound {
                query: vec![(name.to_owned(), SECRET.to_owned())],
                ..Inbound::default()
            });
        }
        places.push(Inbound {
            path_token: Some(SECRET.to_owned()),
            ..Inbound::default()
        });
        for name in BODY {
            let body = serde_json::json!({ name: SECRET, "topic": "swell/points/earned" });
            places.push(Inbound {
                body: body.to_string().into_bytes(),
                ..Inbound::default()
            });
        }
        for (place, inbound) in places.iter().enumerate() {
            assert_eq!(authenticate(inbound, &inlet()), Ok(()), "place {place}");
        }
    }

    #[test]
    fn nothing_else_is_a_secret() {
        let nested = serde_json::json!({ "customer": { "secret": SECRET } });
        let places = [
            Inbound::default(),
            with_header("authorization", "Bearer wrong"),
            with_header("authorization", ""),
            with_header("x-other", SECRET),
            Inbound {
                query: vec![("key".into(), SECRET.into())],
                ..Inbound::default()
            },
            Inbound {
                body: nested.to_string().into_bytes(),
                ..Inbound::default()
            },
            Inbound {
                path_token: Some(String::new()),
                ..Inbound::default()
            },
        ];
        for (place, inbound) in places.iter().enumerate() {
            assert_eq!(
                authenticate(inbound, &inlet()),
                Err(Refusal::Unauthorized),
                "place {place}"
            );
        }
    }
}
