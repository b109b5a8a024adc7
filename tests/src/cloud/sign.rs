//! AWS Signature Version 4, as much of it as calls to an emulator on this machine need.
//!
//! Written out instead of linked: the SDK's signer would add minutes of compiling before `cargo local` can start.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

/// Who calls, and where.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Access key id.
    pub key: String,
    /// Secret access key.
    pub secret: String,
    /// Region.
    pub region: String,
}

/// What is signed. Header names are lower case and sorted.
#[derive(Debug)]
pub(super) struct Unsigned<'a> {
    /// The service's signing name, as `sqs`.
    pub(super) service: &'a str,
    /// The method.
    pub(super) method: &'a str,
    /// The path, already encoded.
    pub(super) path: &'a str,
    /// The query, already encoded and sorted.
    pub(super) query: &'a str,
    /// The headers to sign, `host` among them, without the date.
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub(super) body: &'a [u8],
}

/// The headers `x-amz-date` and `authorization` for a call made at `now`.
#[must_use]
pub(super) fn signed(
    caller: &Caller,
    call: &Unsigned<'_>,
    now: Timestamp,
) -> [(&'static str, String); 2] {
    let time = now
        .to_zoned(TimeZone::UTC)
        .strftime("%Y%m%dT%H%M%SZ")
        .to_string();
    let day = &time[..8];
    let mut headers: Vec<(&str, &str)> = call.headers.to_vec();
    headers.push(("x-amz-date", &time));
    headers.sort_unstable();
    let names = headers
        .iter()
        .map(|(name, _)| *name)
        .collect::<Vec<_>>()
        .join(";");
    let lines = headers
        .iter()
        .map(|(name, value)| format!("{name}:{}", value.trim()))
        .collect::<Vec<_>>()
        .join("\n");
    let body = hex(&Sha256::digest(call.body));
    let request = format!(
        "{}\n{}\n{}\n{lines}\n\n{names}\n{body}",
        call.method, call.path, call.query
    );

    let scope = format!("{day}/{}/{}/aws4_request", caller.region, call.service);
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
        hex(&Sha256::digest(request.as_bytes()))
    );
    let key = [day, &caller.region, call.service, "aws4_request"]
        .iter()
        .fold(
            format!("AWS4{}", caller.secret).into_bytes(),
            |key, part| mac(&key, part.as_bytes()),
        );
    let signature = hex(&mac(&key, to_sign.as_bytes()));
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
        caller.key
    );
    [("x-amz-date", time), ("authorization", authorization)]
}

fn mac(key: &[u8], data: &[u8]) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The `get-vanilla` case of AWS's published signature test suite.
    #[test]
    fn agrees_with_the_published_test_suite() {
        let caller = Caller {
            key: "AKIDEXAMPLE".into(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            region: "us-east-1".into(),
        };
        let call = Unsigned {
            service: "service",
            method: "GET",
            path: "/",
            query: "",
            headers: &[("host", "example.amazonaws.com")],
            body: b"",
        };
        let now: Timestamp = "2015-08-30T12:36:00Z".parse().expect("a time");
        let [_, (_, authorization)] = signed(&caller, &call, now);
        assert!(
            authorization.ends_with(
                "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
            ),
            "{authorization}"
        );
    }
}
