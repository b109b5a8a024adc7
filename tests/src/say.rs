//! What a person sees while they wait.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Prints a line to standard output. A closed pipe (`| head`) is no reason to fail.
pub fn line(text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints a line to standard error.
pub fn problem(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Steps that may run beside each other, each with its own moving line on a terminal and one line per step elsewhere.
#[derive(Debug, Clone)]
pub struct Steps {
    lines: Option<MultiProgress>,
    silent: bool,
}

impl Steps {
    /// Steps shown on standard error.
    #[must_use]
    pub fn shown() -> Self {
        let lines = std::io::stderr().is_terminal().then(MultiProgress::new);
        Self {
            lines,
            silent: false,
        }
    }

    /// Steps that nobody sees: for tests.
    #[must_use]
    pub fn silent() -> Self {
        Self {
            lines: None,
            silent: true,
        }
    }

    /// Begins a step.
    #[must_use]
    pub fn begin(&self, what: &str) -> Step {
        let bar = self.lines.as_ref().map(|lines| {
            let bar = lines.add(ProgressBar::new_spinner().with_message(what.to_owned()));
            bar.set_style(spinner());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if bar.is_none() && !self.silent {
            problem(format_args!("… {what}"));
        }
        Step {
            what: what.to_owned(),
            begun: Instant::now(),
            bar,
            silent: self.silent,
        }
    }
}

/// One step of the way. Dropped without [`Step::done`], it stands as not finished.
#[derive(Debug)]
pub struct Step {
    what: String,
    begun: Instant,
    bar: Option<ProgressBar>,
    silent: bool,
}

impl Step {
    /// Says what it is at right now; only a terminal shows it.
    pub fn note(&self, detail: &str) {
        if let Some(bar) = &self.bar {
            let detail: String = detail.chars().take(60).collect();
            bar.set_message(format!("{}  {detail}", self.what));
        }
    }

    /// Ends it well.
    pub fn done(self) {
        let text = format!(
            "✓ {} ({:.1} s)",
            self.what,
            self.begun.elapsed().as_secs_f32()
        );
        match &self.bar {
            Some(bar) => bar.finish_with_message(text),
            None if self.silent => {}
            None => problem(text),
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar
            && !bar.is_finished()
        {
            bar.abandon_with_message(format!("✗ {}", self.what));
        }
    }
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg} {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}
