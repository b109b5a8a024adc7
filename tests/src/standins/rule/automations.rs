//! Which automations a tag starts: rule.md section 5, the table of modes.
//!
//! Every tag has one automation hung on it here, so that a test sees each start that a merchant could see.

use serde::Serialize;

/// The `automation` of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Absent or `false`.
    Plain,
    /// `"reset"`.
    Reset,
    /// `"force"`.
    Force,
}

/// A person's runs of one tag's automation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Runs {
    /// How many are under way.
    pub(super) running: u32,
}

/// One start.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Start {
    pub(super) email: String,
    pub(super) tag: String,
    /// `first`, `force` or `reset`.
    pub(super) cause: &'static str,
    /// How many runs that were under way it cut short.
    pub(super) cancelled: u32,
    pub(super) at: String,
}

/// Whether a request of this many subscribers starts automations at all.
pub(super) fn allowed(sync: Option<bool>, subscribers: usize) -> bool {
    match sync {
        None => subscribers < 20,
        Some(true) => subscribers <= 100,
        Some(false) => false,
    }
}

/// What a tag does for a person: the cause of a start and the runs it cancels, or nothing.
pub(super) fn start(mode: Mode, held: bool, runs: &mut Runs) -> Option<(&'static str, u32)> {
    let (cause, cancelled) = match (mode, held) {
        (_, false) => ("first", 0),
        (Mode::Plain, true) => return None,
        (Mode::Force, true) => ("force", 0),
        (Mode::Reset, true) => ("reset", runs.running),
    };
    runs.running = runs.running - cancelled + 1;
    Some((cause, cancelled))
}
