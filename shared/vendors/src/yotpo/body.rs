//! Reads a Yotpo body leniently, as any vendor's; and names that Yotpo spells two ways.

pub(super) use crate::frame::body::At;

impl At<'_> {
    /// A whole number under its `camelCase` or its `snake_case` name: Yotpo uses both for the same figures.
    pub(super) fn either(self, camel: &str, snake: &str) -> Option<i64> {
        self.int(camel).or_else(|| self.int(snake))
    }
}
