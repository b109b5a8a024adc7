//! Amounts of money as people read them.

use rust_decimal::Decimal;

/// Currencies whose smallest unit is the unit itself, and those with three digits after the point (ISO 4217). All others
/// have two.
const WHOLE: [&str; 15] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV",
    "XAF", "XPF",
];
const THREE: [&str; 6] = ["BHD", "IQD", "JOD", "KWD", "OMR", "TND"];

fn digits(currency: &str) -> u32 {
    if WHOLE.contains(&currency) {
        0
    } else if THREE.contains(&currency) {
        3
    } else {
        2
    }
}

/// An amount in the currency's smallest unit: `189900` in `NOK` is `1899.00 NOK`.
pub(crate) fn of_minor(amount: i64, currency: &str) -> String {
    of_units(Decimal::new(amount, digits(currency)), currency)
}

/// An amount in the currency's unit: `51.2` in `EUR` is `51.20 EUR`.
pub(crate) fn of_units(amount: Decimal, currency: &str) -> String {
    let mut amount = amount.round_dp(digits(currency));
    amount.rescale(digits(currency));
    format!("{amount} {currency}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_its_currencys_digits() {
        for (minor, currency, shown) in [
            (189_900, "NOK", "1899.00 NOK"),
            (-5, "EUR", "-0.05 EUR"),
            (1_200, "JPY", "1200 JPY"),
            (1_200, "KWD", "1.200 KWD"),
        ] {
            assert_eq!(of_minor(minor, currency), shown);
        }
        assert_eq!(of_units(Decimal::new(512, 1), "EUR"), "51.20 EUR");
        assert_eq!(of_units(Decimal::new(5_120_499, 3), "EUR"), "5120.50 EUR");
    }
}
