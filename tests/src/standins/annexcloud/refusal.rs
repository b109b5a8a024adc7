//! Why a request is refused.

use serde_json::json;

use crate::standins::Answer;

/// A refusal, and what of it no sender of ours may ever cause.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    /// Without a code the answer is not the vendor's JSON.
    code: Option<&'static str>,
    message: String,
    /// What is remembered as a fault.
    pub(super) fault: Option<String>,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: Some(code),
            message: message.into(),
            fault: None,
        }
    }

    /// The same, remembered as a fault.
    pub(super) fn faulty(mut self) -> Self {
        self.fault = Some(self.message.clone());
        self
    }

    /// AC1002: a credential that is not good.
    pub(super) fn unauthorized() -> Self {
        Self::new(401, "AC1002", "You are not authorized")
    }

    /// AC1002 for a token that the right secret signed and that still is none.
    pub(super) fn malformed(what: impl Into<String>) -> Self {
        Self {
            fault: Some(what.into()),
            ..Self::unauthorized()
        }
    }

    /// AC1004: a value that is missing or has the wrong form.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "AC1004", message)
    }

    /// AC1005: no data.
    pub(super) fn no_data() -> Self {
        Self::new(404, "AC1005", "No data found")
    }

    /// AC1006: the person is there already.
    pub(super) fn exists() -> Self {
        Self::new(409, "AC1006", "User already exists")
    }

    /// The documents end at AC1006 and say that there are more; this is one of them.
    pub(super) fn too_poor() -> Self {
        Self::new(400, "AC1007", "Insufficient points")
    }

    /// A 429 without any word of when to come back, because none is documented.
    pub(super) fn too_many() -> Self {
        Self {
            status: 429,
            code: None,
            message: "Too Many Requests".to_owned(),
            fault: None,
        }
    }

    /// A path of nobody: what a wrong base address is answered.
    pub(super) fn nowhere(what: String) -> Self {
        Self {
            status: 404,
            code: None,
            message: "<html><body><h1>Not Found</h1></body></html>".to_owned(),
            fault: Some(what),
        }
    }

    /// The answer.
    pub(super) fn answer(self) -> Answer {
        match self.code {
            Some(code) => Answer::json(
                self.status,
                &json!({"errorCode": code, "errorMessage": self.message}),
            ),
            None => Answer::html(self.status, self.message),
        }
    }
}
