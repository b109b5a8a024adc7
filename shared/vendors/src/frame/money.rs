//! Money as the domain counts it, in the smallest unit of its currency, and as people read it.

use rust_decimal::{Decimal, RoundingStrategy};

/// Currencies without a smaller unit (ISO 4217).
const WHOLE: [&str; 16] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV",
    "XAF", "XOF", "XPF",
];

/// Currencies whose unit has a thousand parts.
const THOUSANDTHS: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

/// How many digits stand behind the point.
fn digits(currency: &str) -> u32 {
    if WHOLE.contains(&currency) {
        0
    } else if THOUSANDTHS.contains(&currency) {
        3
    } else {
        2
    }
}

/// An amount in minor units; what is smaller is rounded. None where it is too large to be money.
pub(crate) fn minor(amount: Decimal, currency: &str) -> Option<i64> {
    let factor = Decimal::from(10_i64.pow(digits(currency)));
    let minor = amount.checked_mul(factor)?;
    let whole = minor.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    whole.try_into().ok()
}

/// An amount in minor units as people read it: `189900` in `NOK` is `1899.00 NOK`.
pub(crate) fn of_minor(amount: i64, currency: &str) -> String {
    of_units(Decimal::new(amount, digits(currency)), currency)
}

/// An amount in units as people read it: `51.2` in `EUR` is `51.20 EUR`.
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

    #[test]
    fn money_is_counted_in_its_smallest_unit() {
        for (amount, currency, expected) in [
            ("184.90", "EUR", Some(18_490)),
            ("184.9", "NOK", Some(18_490)),
            ("-3.005", "USD", Some(-301)),
            ("1840", "JPY", Some(1_840)),
            ("1.2345", "KWD", Some(1_235)),
            ("0", "EUR", Some(0)),
            ("92233720368547758.08", "EUR", None),
            ("79228162514264337593543950335", "EUR", None),
        ] {
            let amount: Decimal = amount.parse().unwrap();
            assert_eq!(minor(amount, currency), expected, "{amount} {currency}");
        }
    }
}
