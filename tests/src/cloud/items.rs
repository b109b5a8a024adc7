//! Table items as plain JSON, and the reads that tests make.

use serde_json::{Value, json};

use super::Cloud;
use crate::trouble::Result;

impl Cloud {
    /// All items of one partition as plain JSON, in order.
    ///
    /// # Errors
    /// The emulator refuses or does not answer.
    pub async fn query(&self, table: &str, pk: &str) -> Result<Vec<Value>> {
        let body = json!({
            "TableName": table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": pk}},
            "ConsistentRead": true,
        });
        self.pages("DynamoDB_20120810.Query", body).await
    }

    /// Every item of the table as plain JSON.
    ///
    /// # Errors
    /// The emulator refuses or does not answer.
    pub async fn scan(&self, table: &str) -> Result<Vec<Value>> {
        self.pages(
            "DynamoDB_20120810.Scan",
            json!({"TableName": table, "ConsistentRead": true}),
        )
        .await
    }

    async fn pages(&self, target: &str, mut body: Value) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        loop {
            let answer = self.call("dynamodb", target, &body).await?;
            items.extend(
                answer["Items"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(from_item),
            );
            match answer.get("LastEvaluatedKey") {
                Some(key) if !key.is_null() => body["ExclusiveStartKey"] = key.clone(),
                _ => return Ok(items),
            }
        }
    }
}

/// An item of the table as plain JSON. Bytes become base64 text; numbers stay exact as long as JSON holds them.
fn from_item(item: &Value) -> Value {
    let fields = item.as_object().into_iter().flatten();
    Value::Object(
        fields
            .map(|(name, value)| (name.clone(), from_attribute(value)))
            .collect(),
    )
}

fn from_attribute(attribute: &Value) -> Value {
    let Some((kind, value)) = attribute
        .as_object()
        .and_then(|fields| fields.iter().next())
    else {
        return Value::Null;
    };
    match kind.as_str() {
        "N" => number(value),
        "NS" => Value::Array(value.as_array().into_iter().flatten().map(number).collect()),
        "M" => from_item(value),
        "L" => Value::Array(
            value
                .as_array()
                .into_iter()
                .flatten()
                .map(from_attribute)
                .collect(),
        ),
        "NULL" => Value::Null,
        _ => value.clone(),
    }
}

fn number(text: &Value) -> Value {
    text.as_str()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_else(|| text.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_becomes_plain() {
        let item = json!({
            "text": {"S": "a"}, "number": {"N": "12"}, "none": {"NULL": true}, "yes": {"BOOL": true},
            "list": {"L": [{"S": "b"}, {"M": {"deep": {"N": "1"}}}]},
            "texts": {"SS": ["x"]}, "numbers": {"NS": ["1"]}, "bytes": {"B": "AA=="},
        });
        let plain = json!({
            "text": "a", "number": 12, "none": null, "yes": true,
            "list": ["b", {"deep": 1}],
            "texts": ["x"], "numbers": [1], "bytes": "AA==",
        });
        assert_eq!(from_item(&item), plain);
    }
}
