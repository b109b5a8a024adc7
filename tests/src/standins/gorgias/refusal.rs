//! Why a request is refused.

use serde_json::{Value, json};

use crate::standins::Answer;

/// A refusal, and what of it no sender of ours may ever cause.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    message: String,
    data: Value,
    /// Where a merged customer lives on; such an answer has no body.
    moved_to: Option<String>,
    /// What is remembered as a fault.
    pub(super) fault: Option<String>,
}

impl Refusal {
    /// A refusal with this status.
    pub(super) fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            data: Value::Null,
            moved_to: None,
            fault: None,
        }
    }

    /// 400, and a fault.
    pub(super) fn wrong(message: impl Into<String>) -> Self {
        Self::new(400, message).faulty()
    }

    /// 400 for a value that is the data's fault and not the sender's.
    pub(super) fn field(name: &str, reason: &str) -> Self {
        Self {
            data: json!({name: [reason]}),
            ..Self::new(400, "Bad request")
        }
    }

    /// 404: gone, or never there.
    pub(super) fn gone(what: &str) -> Self {
        Self::new(404, format!("{what} does not exist."))
    }

    /// 301 with an empty body: the customer lives on elsewhere.
    pub(super) fn merged(path: String) -> Self {
        Self {
            moved_to: Some(path),
            ..Self::new(301, "")
        }
    }

    /// The same, remembered as a fault.
    pub(super) fn faulty(mut self) -> Self {
        self.fault = Some(self.message.clone());
        self
    }

    /// The answer.
    pub(super) fn answer(self) -> Answer {
        if let Some(path) = self.moved_to {
            return Answer::text(self.status, "").with("location", path);
        }
        let mut error = json!({"msg": self.message});
        if !self.data.is_null() {
            error["data"] = self.data;
        }
        Answer::json(self.status, &json!({"error": error}))
    }
}
