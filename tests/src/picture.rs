//! What a member's row says.

use serde_json::Value;

/// The value of a key in the row `STATE`; null where there is none, or nothing is known. It stands alone, or in a list with the
/// place of the stamp that vouches for it.
#[must_use]
pub fn told(state: &Value, key: &str) -> Value {
    match &state["member"][key] {
        Value::Array(cell) => cell.first().cloned().unwrap_or_default(),
        value => value.clone(),
    }
}
