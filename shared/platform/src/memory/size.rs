//! An item's size as DynamoDB counts it, to know the units that a write costs.

use serde_dynamo::{AttributeValue, Item};

/// Bytes: attribute names and values, as the service's developer guide describes.
pub(super) fn bytes(item: &Item) -> usize {
    item.as_ref()
        .iter()
        .map(|(name, value)| name.len() + value_bytes(value))
        .sum()
}

fn value_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        // One byte for two significant digits, one more, and one for a sign.
        AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        AttributeValue::B(bytes) => bytes.len(),
        AttributeValue::Bool(_) | AttributeValue::Null(_) => 1,
        AttributeValue::L(list) => {
            3 + list
                .iter()
                .map(|value| 1 + value_bytes(value))
                .sum::<usize>()
        }
        AttributeValue::M(map) => {
            3 + map
                .iter()
                .map(|(name, value)| 1 + name.len() + value_bytes(value))
                .sum::<usize>()
        }
        AttributeValue::Ss(set) | AttributeValue::Ns(set) => set.iter().map(String::len).sum(),
        AttributeValue::Bs(set) => set.iter().map(Vec::len).sum(),
    }
}
