//! The row in the answer to one `GetItem`, read once.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeDeserializationInterceptorContextMut},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{body::SdkBody, config_bag::ConfigBag};
use serde::Deserialize;
use serde_dynamo::Item;

/// Reads a row before the SDK does, and leaves it an answer without one: the SDK makes a tree of its own from the text,
/// which would have to be made into ours, and all of that takes several times as long.
#[derive(Clone, Default)]
pub(super) struct RowReader(Arc<Mutex<Option<Item>>>);

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Item")]
    row: Option<Item>,
}

impl RowReader {
    /// The row that was read, if there was one.
    pub(super) fn take(&self) -> Option<Item> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Rows name people.
impl fmt::Debug for RowReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowReader(…)")
    }
}

impl Intercept for RowReader {
    fn name(&self) -> &'static str {
        "RowReader"
    }

    /// What is no row is the SDK's to read: an error, or an answer that it may make more of.
    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        if !response.status().is_success() {
            return Ok(());
        }
        if let Some(row) = response.body().bytes().and_then(row) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(row);
            *response.body_mut() = SdkBody::from("{}");
        }
        Ok(())
    }
}

/// The row in an answer; none where there is none, or it cannot be read.
fn row(answer: &[u8]) -> Option<Item> {
    let answer: Answer = serde_json::from_slice(answer).ok()?;
    answer.row
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_dynamo::AttributeValue as Value;

    use super::*;

    #[test]
    fn a_row_is_read_whatever_stands_in_it() {
        let text = |text: &str| text.to_owned();
        let all = [
            ("S", r#""å \"x\"""#, Value::S(text("å \"x\""))),
            ("N", r#""-1.50""#, Value::N(text("-1.50"))),
            ("B", r#""eyJ9""#, Value::B(b"{\"}".to_vec())),
            ("BOOL", "true", Value::Bool(true)),
            ("NULL", "true", Value::Null(true)),
            (
                "L",
                r#"[{"S":""},{"L":[]}]"#,
                Value::L(vec![Value::S(text("")), Value::L(vec![])]),
            ),
            (
                "M",
                r#"{"a":{"M":{}}}"#,
                Value::M(HashMap::from([(text("a"), Value::M(HashMap::new()))])),
            ),
            ("SS", r#"["a"]"#, Value::Ss(vec![text("a")])),
            ("NS", r#"["1"]"#, Value::Ns(vec![text("1")])),
        ];
        for (kind, value, expected) in all {
            let answer = format!(
                r#"{{"ConsumedCapacity":{{"CapacityUnits":1.0}},"Item":{{"it":{{"{kind}":{value}}}}}}}"#
            );
            let item = row(answer.as_bytes()).unwrap_or_else(|| panic!("{answer}"));
            assert_eq!(item.as_ref().get("it"), Some(&expected), "{answer}");
        }
    }

    #[test]
    fn what_is_no_row_is_left_to_the_sdk() {
        for answer in [
            "{}",
            r#"{"Item":null}"#,
            r#"{"Item":{"a":{"X":1}}}"#,
            r#"{"Item":{"a""#,
            "",
        ] {
            assert!(row(answer.as_bytes()).is_none(), "{answer}");
        }
    }
}
