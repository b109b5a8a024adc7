//! Signed calls to the emulator: what an ordinary AWS client sends, without one.

mod items;
mod sign;

use jiff::Timestamp;
use serde_json::{Value, json};

pub use sign::Caller;

use crate::http::{self, Reply};
use crate::local::stack::Stack;
use crate::trouble::{Result, Saying, Trouble};

/// A client of one emulator.
#[derive(Debug, Clone)]
pub struct Cloud {
    endpoint: String,
    host: String,
    caller: Caller,
}

/// How many messages stand in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Ready to be received.
    pub visible: u64,
    /// Received and not yet deleted.
    pub hidden: u64,
    /// Sent with a delay that has not ended.
    pub delayed: u64,
}

impl Depth {
    /// Nothing waits, nothing is under way.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self {
            visible: 0,
            hidden: 0,
            delayed: 0,
        }
    }
}

impl Cloud {
    /// A client of the emulator at `endpoint`.
    #[must_use]
    pub fn new(endpoint: &str, caller: Caller) -> Self {
        let host = endpoint.trim_start_matches("http://").to_owned();
        Self {
            endpoint: endpoint.to_owned(),
            host,
            caller,
        }
    }

    /// A client of the emulator that this stack runs on.
    #[must_use]
    pub fn of(stack: &Stack) -> Self {
        let credentials = &stack.credentials;
        let caller = Caller {
            key: credentials.aws_access_key_id.clone(),
            secret: credentials.aws_secret_access_key.clone(),
            region: stack.region.clone(),
        };
        Self::new(&stack.endpoint_url, caller)
    }

    async fn send(
        &self,
        service: &str,
        method: &'static str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Reply> {
        let mut signed_headers = headers.to_vec();
        signed_headers.push(("host", &self.host));
        let unsigned = sign::Unsigned {
            service,
            method,
            path,
            query: "",
            headers: &signed_headers,
            body: &body,
        };
        let added = sign::signed(&self.caller, &unsigned, Timestamp::now());
        let mut call = http::call(method, &format!("{}{path}", self.endpoint)).body(body);
        for (name, value) in headers {
            call = call.header(name, *value);
        }
        for (name, value) in added {
            call = call.header(name, value);
        }
        call.send().await
    }

    /// One call of a service that speaks AWS's JSON protocol, as `call("sqs", "AmazonSQS.SendMessage", …)`.
    ///
    /// # Errors
    /// The emulator refuses or does not answer.
    pub async fn call(&self, service: &str, target: &str, body: &Value) -> Result<Value> {
        let version = if service == "secretsmanager" || service == "logs" {
            "1.1"
        } else {
            "1.0"
        };
        let kind = format!("application/x-amz-json-{version}");
        let headers = [("content-type", kind.as_str()), ("x-amz-target", target)];
        let answer = self
            .send(
                service,
                "POST",
                "/",
                &headers,
                body.to_string().into_bytes(),
            )
            .await?;
        read(&answer, target)
    }

    /// One call of a service that speaks REST, with a JSON answer.
    ///
    /// # Errors
    /// The emulator refuses or does not answer.
    pub async fn rest(
        &self,
        service: &str,
        method: &'static str,
        path: &str,
        body: &Value,
    ) -> Result<Value> {
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let answer = self
            .send(
                service,
                method,
                path,
                &[("content-type", "application/json")],
                bytes,
            )
            .await?;
        read(&answer, path)
    }

    /// Invokes a function by its deployed name and waits for its answer.
    ///
    /// # Errors
    /// The function failed, or the emulator did.
    pub async fn invoke(&self, function: &str, payload: &Value) -> Result<Value> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let body = payload.to_string().into_bytes();
        let answer = self
            .send(
                "lambda",
                "POST",
                &path,
                &[("content-type", "application/json")],
                body,
            )
            .await?;
        let failed = answer.headers.contains_key("x-amz-function-error");
        let value = read(&answer, &path)?;
        if failed {
            Err(Trouble::new(format!("{function} failed: {value}")))
        } else {
            Ok(value)
        }
    }

    /// Creates a secret, or gives an existing one this value.
    ///
    /// # Errors
    /// The emulator refuses or does not answer.
    pub async fn put_secret(&self, name: &str, value: &Value) -> Result<()> {
        let text = value.to_string();
        let create = json!({"Name": name, "SecretString": text});
        match self
            .call("secretsmanager", "secretsmanager.CreateSecret", &create)
            .await
        {
            Err(trouble) if trouble.to_string().contains("ResourceExists") => {
                let put = json!({"SecretId": name, "SecretString": text});
                self.call("secretsmanager", "secretsmanager.PutSecretValue", &put)
                    .await
                    .map(drop)
            }
            other => other.map(drop),
        }
    }

    /// How many messages a queue holds.
    ///
    /// # Errors
    /// The emulator refuses or does not answer.
    pub async fn depth(&self, queue_url: &str) -> Result<Depth> {
        let body = json!({"QueueUrl": queue_url, "AttributeNames": ["All"]});
        let answer = self
            .call("sqs", "AmazonSQS.GetQueueAttributes", &body)
            .await?;
        let count = |name: &str| {
            let text = answer["Attributes"][format!("ApproximateNumberOfMessages{name}")].as_str();
            text.and_then(|text| text.parse().ok())
                .saying(format!("the emulator gave no count of messages{name}"))
        };
        Ok(Depth {
            visible: count("")?,
            hidden: count("NotVisible")?,
            delayed: count("Delayed")?,
        })
    }

    /// Puts a message on a queue.
    ///
    /// # Errors
    /// The emulator refuses or does not answer.
    pub async fn send_message(&self, queue_url: &str, body: &str) -> Result<()> {
        let body = json!({"QueueUrl": queue_url, "MessageBody": body});
        self.call("sqs", "AmazonSQS.SendMessage", &body)
            .await
            .map(drop)
    }

    /// Every log line of a function, oldest first within each stream.
    ///
    /// # Errors
    /// The emulator refuses or does not answer.
    pub async fn log_lines(&self, function: &str) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        let mut token = Value::Null;
        loop {
            let mut body =
                json!({"logGroupName": format!("/aws/lambda/{function}"), "limit": 10_000});
            if !token.is_null() {
                body["nextToken"] = token;
            }
            let answer = self
                .call("logs", "Logs_20140328.FilterLogEvents", &body)
                .await?;
            let events = answer["events"].as_array().cloned().unwrap_or_default();
            lines.extend(
                events
                    .iter()
                    .filter_map(|event| event["message"].as_str().map(str::to_owned)),
            );
            token = answer["nextToken"].clone();
            if token.is_null() || events.is_empty() {
                return Ok(lines);
            }
        }
    }
}

fn read(reply: &Reply, what: &str) -> Result<Value> {
    if !reply.is_success() {
        return Err(Trouble::new(format!(
            "the emulator answered {} to {what}: {}",
            reply.status, reply.text
        )));
    }
    if reply.text.is_empty() {
        Ok(Value::Null)
    } else {
        reply.json()
    }
}
