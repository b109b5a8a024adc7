//! The fault script: what a stand-in does with the next requests instead of, or on top of, answering as the vendor.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Key, Request};

/// One order, as `POST /script` takes it. Orders are tried oldest first; a spent one is gone.
///
/// - 429: `{"status": 429, "retry_after_seconds": 120, "body": "Too Many Attempts."}`
/// - booked, then an error: `{"book": true, "status": 500, "body": {"error": "UnexpectedError"}}`
/// - booked, then silence: `{"book": true, "then": "hang"}`
/// - connection closed before the answer: `{"then": "reset"}`
/// - an error inside a success: `{"status": 200, "body": {"error": "…"}}`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// How many requests it is for.
    #[serde(default = "one")]
    pub times: u32,
    /// Which requests it is for; all, if empty.
    #[serde(default, rename = "match")]
    pub only: Match,
    /// Whether the vendor first does what was asked.
    #[serde(default)]
    pub book: bool,
    /// How the request ends.
    #[serde(default)]
    pub then: End,
    /// The status. Absent with `book`, the vendor's own answer goes out.
    pub status: Option<u16>,
    /// Headers to add.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body: text as it is, anything else as JSON.
    #[serde(default)]
    pub body: Value,
    /// A `Retry-After` of this many seconds.
    pub retry_after_seconds: Option<i64>,
    /// A `Retry-After` this many seconds from now, in the vendor's own form of a point in time.
    pub retry_after_local: Option<i64>,
    /// Real milliseconds to wait before the answer.
    #[serde(default)]
    pub slow_ms: u64,
}

/// How a scripted request ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// With an answer.
    #[default]
    Answer,
    /// With silence, until the client goes away.
    Hang,
    /// With a closed connection.
    Reset,
}

/// Which requests an order is for. Everything named must fit.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// The account.
    pub account: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// A part of the path.
    pub path: Option<String>,
    /// A part of the query.
    pub query: Option<String>,
    /// A part of the body, such as an email address.
    pub body: Option<String>,
}

impl Match {
    fn fits(&self, request: &Request, key: &Key) -> bool {
        let is = |wanted: &Option<String>, fits: &dyn Fn(&str) -> bool| {
            wanted.as_deref().is_none_or(fits)
        };
        is(&self.account, &|account| key.account() == Some(account))
            && is(&self.method, &|method| request.method == method)
            && is(&self.path, &|part| request.path.contains(part))
            && is(&self.query, &|part| request.query.contains(part))
            && is(&self.body, &|part| {
                String::from_utf8_lossy(&request.body).contains(part)
            })
    }
}

/// The orders that still stand.
#[derive(Debug, Default)]
pub struct Script {
    orders: Vec<Order>,
}

impl Script {
    /// Adds an order.
    pub fn add(&mut self, order: Order) {
        self.orders.push(order);
    }

    /// The order for this request, used up by one.
    pub fn take(&mut self, request: &Request, key: &Key) -> Option<Order> {
        let at = self
            .orders
            .iter()
            .position(|order| order.only.fits(request, key))?;
        let order = self.orders[at].clone();
        self.orders[at].times -= 1;
        if self.orders[at].times == 0 {
            self.orders.remove(at);
        }
        Some(order)
    }
}

fn one() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn order(value: Value) -> Order {
        serde_json::from_value(value).expect("an order")
    }

    #[test]
    fn orders_are_used_up_and_match_what_they_name() {
        let mut script = Script::default();
        script.add(order(
            json!({"times": 2, "match": {"account": "a", "body": "kari@"}, "then": "hang"}),
        ));
        let kari = Request {
            body: b"{\"email\":\"kari@example.com\"}".to_vec(),
            ..Request::default()
        };
        let ola = Request {
            body: b"{\"email\":\"ola@example.com\"}".to_vec(),
            ..Request::default()
        };
        let a = Key::Right("a".into());
        assert!(script.take(&ola, &a).is_none());
        assert!(script.take(&kari, &Key::Right("b".into())).is_none());
        assert_eq!(script.take(&kari, &a).expect("an order").then, End::Hang);
        assert!(script.take(&kari, &a).is_some());
        assert!(script.take(&kari, &a).is_none());
    }

    #[test]
    fn an_unknown_word_in_an_order_is_refused() {
        assert!(serde_json::from_value::<Order>(json!({"statsu": 500})).is_err());
    }
}
