//! Where things are.

use std::path::{Path, PathBuf};

use crate::trouble::{Result, Saying};

/// The root of the checkout.
#[must_use]
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}

/// `target/local`: tools, the local build, and the stack of `cargo local up`.
#[must_use]
pub fn local() -> PathBuf {
    root().join("target/local")
}

/// The folder of one stack, so that a demonstration and the tests never meet a stack that somebody works with.
#[derive(Debug, Clone)]
pub struct StackDir(PathBuf);

impl StackDir {
    /// The stack of `cargo local up`.
    #[must_use]
    pub fn of_up() -> Self {
        Self(local())
    }

    /// A stack of its own, by name.
    #[must_use]
    pub fn private(name: &str) -> Self {
        Self(local().join(name))
    }

    /// What `up` tells the world.
    #[must_use]
    pub fn stack(&self) -> PathBuf {
        self.0.join("stack.json")
    }

    /// The record of what was started.
    #[must_use]
    pub fn processes(&self) -> PathBuf {
        self.0.join("processes.json")
    }

    /// Held by whoever starts a stack here, for as long as they answer for it.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.0.join("in-use")
    }

    /// The offset of the clock.
    #[must_use]
    pub fn clock(&self) -> PathBuf {
        self.0.join("clock")
    }

    /// What the emulator wrote down of the functions, where it was told to.
    #[must_use]
    pub fn record(&self) -> PathBuf {
        self.0.join("record")
    }

    /// A log file.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.0.join("logs").join(format!("{name}.log"))
    }

    /// Temporary files of the emulator: extracted functions among them.
    #[must_use]
    pub fn temporary(&self) -> PathBuf {
        self.0.join("tmp")
    }

    /// A file of this name in the folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Makes the folders.
    ///
    /// # Errors
    /// They cannot be made.
    pub fn make(&self) -> Result<()> {
        for folder in [self.0.join("logs"), self.temporary()] {
            std::fs::create_dir_all(&folder).saying(format!("cannot make {}", folder.display()))?;
        }
        Ok(())
    }
}
