//! The version that everything carries which another release may read.

use serde::{Deserialize, Deserializer, de::Error};

/// What this release writes. It reads the version before too, once there is one.
const OURS: u8 = 1;

/// Reads a version. What a newer release wrote is an error and never taken for ours: after a deploy that was taken back
/// such messages may still be under way.
pub(super) fn known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let v = u8::deserialize(deserializer)?;
    if v == 0 || !(OURS - 1..=OURS).contains(&v) {
        return Err(D::Error::custom(format!(
            "version {v} is not known here; this release reads {OURS}"
        )));
    }
    Ok(v)
}
