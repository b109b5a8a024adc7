//! The clock that tests can move: an offset in a file, read by the stand-ins, the emulator's queues and the functions.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::trouble::{Result, Saying};

/// A clock that runs ahead of the real one by the seconds written in its file.
#[derive(Debug, Clone)]
pub struct Clock {
    file: Option<PathBuf>,
}

impl Clock {
    /// The clock that follows this file.
    #[must_use]
    pub fn from_file(file: impl Into<PathBuf>) -> Self {
        Self {
            file: Some(file.into()),
        }
    }

    /// The machine's clock.
    #[must_use]
    pub fn real() -> Self {
        Self { file: None }
    }

    /// The file, if this clock has one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// How far ahead of real time this clock is. An absent or unreadable file is real time, as in the functions.
    #[must_use]
    pub fn ahead(&self) -> Duration {
        let text = self
            .file
            .as_ref()
            .and_then(|file| std::fs::read_to_string(file).ok())
            .unwrap_or_default();
        let seconds = text.trim().parse::<f64>().unwrap_or_default();
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }

    /// The time it shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let ahead = SignedDuration::try_from(self.ahead()).unwrap_or_default();
        Timestamp::now()
            .checked_add(ahead)
            .unwrap_or(Timestamp::MAX)
    }

    /// Moves it forward. It never goes back: the product may rely on that.
    ///
    /// # Errors
    /// The file cannot be written, or this is the machine's clock.
    pub fn forward(&self, by: Duration) -> Result<()> {
        let file = self
            .file
            .as_ref()
            .saying("the machine's clock cannot be moved; this clock has no file")?;
        let ahead = self.ahead() + by;
        // Readers must never see half a number.
        let fresh = file.with_extension("next");
        std::fs::write(&fresh, format!("{}", ahead.as_secs_f64()))
            .saying(format!("cannot write {}", fresh.display()))?;
        std::fs::rename(&fresh, file).saying(format!("cannot write {}", file.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forward_adds_up_and_shows() {
        let file = std::env::temp_dir().join(format!("bridge-clock-{}", std::process::id()));
        let clock = Clock::from_file(&file);
        assert_eq!(clock.ahead(), Duration::ZERO);
        clock.forward(Duration::from_hours(1)).expect("moves");
        clock.forward(Duration::from_millis(1500)).expect("moves");
        assert_eq!(clock.ahead(), Duration::from_millis(3_601_500));
        assert!(clock.now().duration_since(Timestamp::now()).as_secs() >= 3600);
        std::fs::remove_file(file).expect("ends");
    }

    #[test]
    fn the_machines_clock_cannot_be_moved() {
        assert!(Clock::real().forward(Duration::from_secs(1)).is_err());
    }
}
