//! Whether a body is what every source sends: a JSON object.

use serde::de::IgnoredAny;

use crate::Refusal;

/// Checks that a body is a JSON object, without building it up in memory.
///
/// # Errors
/// The [`Refusal`] that says what it is instead.
pub(crate) fn check(body: &[u8]) -> Result<(), Refusal> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let Some(first) = first else {
        return Err(Refusal::Empty);
    };
    serde_json::from_slice::<IgnoredAny>(body).map_err(|_| Refusal::NotJson)?;
    if *first == b'{' {
        Ok(())
    } else {
        Err(Refusal::NotAnObject)
    }
}
