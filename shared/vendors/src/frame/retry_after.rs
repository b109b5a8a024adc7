//! The `Retry-After` header, as vendors write it.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};

/// A wait that a vendor asks for is never undercut, but never longer than this either: an absurd value must not stop a
/// line for days.
pub(crate) const LONGEST: Duration = Duration::from_hours(1);

/// The wait that a header asks for: seconds, or an HTTP date counted from the reply's own `Date`. `other` reads forms
/// that only one vendor uses.
pub(crate) fn wait(
    header: &str,
    date: Option<&str>,
    other: impl Fn(&str) -> Option<Timestamp>,
) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let until = instant(header).or_else(|| other(header))?;
    let from = instant(date?)?;
    let wait = until.duration_since(from);
    Some(
        Duration::try_from(wait)
            .unwrap_or(Duration::ZERO)
            .min(LONGEST),
    )
}

fn instant(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new()
        .parse_timestamp(text.trim())
        .ok()
}
