//! The lists of the index `work` that have to do with one store and destination.

use loyalty::StoreId;

/// A list that a person can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// The vendor will never take it.
    Rejected,
    /// Nobody can tell whether the automation started.
    Unconfirmed,
    /// It waits until the line to the vendor is open again.
    Parked,
}

impl List {
    /// Its name in commands and rows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Unconfirmed => "unconfirmed",
            Self::Parked => "parked",
        }
    }

    /// Its name in the index: `<list>#<store>#<destination>`.
    #[must_use]
    pub fn of(self, store: &StoreId, destination: &str) -> String {
        format!("{}#{store}#{destination}", self.name())
    }
}

/// After every place of a list: places begin with a digit.
pub(crate) const END: &str = "~";
