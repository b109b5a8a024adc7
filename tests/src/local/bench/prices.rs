//! The one file of prices, `tests/prices.json`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::local::paths;
use crate::trouble::{Result, Saying, Trouble};

/// The prices, and what is assumed where nothing can be counted.
#[derive(Debug, Deserialize)]
pub(super) struct Prices {
    /// Where they are paid.
    pub(super) region: String,
    /// When they were read.
    pub(super) read_on: String,
    #[serde(rename = "prices")]
    list: BTreeMap<String, Price>,
    assumed: BTreeMap<String, Assumed>,
}

/// What so many units cost. The file says beside it what is counted, and on which page AWS says so.
#[derive(Debug, Deserialize)]
struct Price {
    usd: f64,
    per: f64,
}

/// A number that nobody can count here, and what it is.
#[derive(Debug, Deserialize)]
struct Assumed {
    value: f64,
    why: String,
}

impl Prices {
    /// Reads the file.
    ///
    /// # Errors
    /// It is not there, or of another form.
    pub(super) fn read() -> Result<Self> {
        let file = paths::root().join("tests/prices.json");
        let read = serde_json::from_str(&super::text(&file)?);
        read.saying(format!("{} is not as it should be", file.display()))
    }

    /// What so many units cost, in USD.
    ///
    /// # Errors
    /// The file does not name the price.
    pub(super) fn cost(&self, name: &str, units: f64) -> Result<f64> {
        let price = self.list.get(name);
        let price = price
            .ok_or_else(|| Trouble::new(format!("tests/prices.json has no price `{name}`")))?;
        Ok(units * price.usd / price.per)
    }

    /// A number that is assumed.
    ///
    /// # Errors
    /// The file does not name it.
    pub(super) fn assumed(&self, name: &str) -> Result<f64> {
        let assumed = self.assumed.get(name).map(|assumed| assumed.value);
        assumed.ok_or_else(|| Trouble::new(format!("tests/prices.json does not assume `{name}`")))
    }

    /// Everything that is assumed, one line each.
    pub(super) fn assumptions(&self) -> impl Iterator<Item = String> {
        let assumed = self.assumed.iter();
        assumed.map(|(name, assumed)| format!("  {name} = {}: {}", assumed.value, assumed.why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_price_says_what_it_is_for_and_where_it_is_from() {
        let prices = Prices::read().expect("the file");
        assert!(
            prices
                .list
                .values()
                .all(|price| price.usd > 0.0 && price.per >= 1.0)
        );
        assert!(
            prices
                .assumed
                .values()
                .all(|assumed| !assumed.why.is_empty())
        );
        let file = super::super::stream::document("tests/prices.json").expect("the file");
        for (name, price) in file["prices"].as_object().expect("prices") {
            let page = price["page"].as_str().unwrap_or_default();
            assert!(page.starts_with("https://aws.amazon.com/"), "{name}");
            assert!(
                price["unit"].as_str().is_some_and(|unit| !unit.is_empty()),
                "{name}"
            );
        }
    }

    #[test]
    fn a_price_is_for_so_many_units() {
        let prices: Prices = serde_json::from_value(serde_json::json!({
            "region": "r", "read_on": "d", "assumed": {},
            "prices": {"a": {"usd": 0.4, "per": 1_000_000, "unit": "requests", "page": "p"}},
        }))
        .expect("prices");
        assert!((prices.cost("a", 2_500_000.0).expect("a price") - 1.0).abs() < 1e-9);
        assert!(prices.cost("b", 1.0).is_err());
        assert!(prices.assumed("c").is_err());
    }
}
