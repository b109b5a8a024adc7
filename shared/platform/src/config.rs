//! What a function is told by its environment. Everything missing is reported at once, before the first invocation.

use std::{collections::BTreeMap, fmt};

use vendors::registry;

/// Reads a function's environment.
pub struct Config<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    missing: Vec<String>,
}

/// Variables that must be set and are not.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the function's environment lacks {}: template.yaml sets them",
            self.0.join(", ")
        )
    }
}

impl std::error::Error for ConfigError {}

/// A variable of the process.
#[must_use]
pub(crate) fn variable(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    let value = std::env::var(name).ok();
    value.filter(|value| !value.is_empty())
}

impl<'a> Config<'a> {
    /// Reads the process's environment.
    #[must_use]
    pub fn from_env() -> Self {
        Self {
            lookup: &variable,
            missing: Vec::new(),
        }
    }

    /// Reads names through `lookup`.
    #[must_use]
    pub fn from_lookup(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            lookup,
            missing: Vec::new(),
        }
    }

    /// A variable that must be set.
    pub fn required(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.missing.push(name.to_owned());
            String::new()
        })
    }

    /// A variable that may be set.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name)
    }

    /// The queue of each destination that the stack was deployed with, by the destination's name: what the variables
    /// `QUEUE_<NAME>` say.
    #[must_use]
    pub fn queues(&self) -> BTreeMap<String, String> {
        let names = registry::DESTINATIONS.iter().map(|one| one.name());
        names
            .filter_map(|name| Some((name.to_owned(), self.optional(&variable_of("QUEUE", name))?)))
            .collect()
    }

    /// Where the vendor of this name is on the local cloud: what the variable `BRIDGE_<NAME>_URL` says.
    #[must_use]
    pub fn stand_in(&self, vendor: &str) -> Option<String> {
        self.optional(&format!("{}_URL", variable_of("BRIDGE", vendor)))
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`ConfigError`] names every required variable that is not set.
    pub fn finish(self) -> Result<(), ConfigError> {
        if self.missing.is_empty() {
            Ok(())
        } else {
            Err(ConfigError(self.missing))
        }
    }
}

/// The variable of this kind for one vendor.
#[must_use]
pub fn variable_of(kind: &str, vendor: &str) -> String {
    format!("{kind}_{}", vendor.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_missing_is_named_at_once() {
        let lookup = |name: &str| (name == "TABLE").then(|| "bridge".to_owned());
        let mut config = Config::from_lookup(&lookup);
        assert_eq!(config.required("TABLE"), "bridge");
        config.required("INBOX_URL");
        config.required("SECRET_PREFIX");
        let error = config.finish().unwrap_err().to_string();
        assert!(error.contains("INBOX_URL, SECRET_PREFIX"), "{error}");
    }
}
