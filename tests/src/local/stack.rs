//! What `up` tells the world: `target/local/stack.json`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::trouble::{Result, Saying};

/// A running stack, as `stack.json` describes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stack {
    /// Base of the HTTP API.
    pub api_url: String,
    /// Endpoint for AWS clients.
    pub endpoint_url: String,
    /// Region for AWS clients.
    pub region: String,
    /// The table.
    pub table: String,
    /// Queue name to its URL.
    pub queues: BTreeMap<String, String>,
    /// Function name to its deployed name.
    pub functions: BTreeMap<String, String>,
    /// Credentials for AWS clients.
    pub credentials: Credentials,
    /// The vendors' stand-ins.
    pub vendors: BTreeMap<String, VendorAt>,
    /// Store id to whoever calls us about it, and for each the request that it is answered.
    pub stores: BTreeMap<String, BTreeMap<String, Inlet>>,
    /// First part of every secret's name.
    pub secret_prefix: String,
    /// The file that moves the clock.
    pub clock_file: PathBuf,
    /// Where the functions' way to the emulator takes orders to fail, if it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faults_url: Option<String>,
}

/// Credentials for ordinary AWS clients.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Credentials {
    /// Access key id.
    pub aws_access_key_id: String,
    /// Secret access key.
    pub aws_secret_access_key: String,
}

/// Where a vendor is. A server used in a stand-in's place shows us neither its record nor a script.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VendorAt {
    /// What the functions call.
    pub url: String,
    /// `GET` it for the requests it received, in order.
    pub received_url: Option<String>,
    /// `POST` faults to it.
    pub script_url: Option<String>,
    /// Store id to the key that the store's secret holds for this vendor.
    pub keys: BTreeMap<String, String>,
}

/// A `POST` of a source, or a `GET` of Gorgias, to `url` with `headers` is accepted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Inlet {
    /// The address.
    pub url: String,
    /// The headers.
    pub headers: BTreeMap<String, String>,
}

impl Stack {
    /// Reads a `stack.json`.
    ///
    /// # Errors
    /// It is not there, or it is none.
    pub fn read(file: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(file).saying(format!("cannot read {}", file.display()))?;
        serde_json::from_str(&text).saying(format!("{} is no stack", file.display()))
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        let text =
            serde_json::to_string_pretty(self).saying("the stack cannot be written as JSON")?;
        let fresh = file.with_extension("next");
        std::fs::write(&fresh, text + "\n").saying(format!("cannot write {}", fresh.display()))?;
        std::fs::rename(&fresh, file).saying(format!("cannot write {}", file.display()))
    }

    /// The clock of this stack.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock::from_file(&self.clock_file)
    }
}
