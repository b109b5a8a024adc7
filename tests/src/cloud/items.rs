//! Table items as plain JSON, and the reads that tests make.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::Cloud;
use crate::trouble::Result;

impl Cloud {
    /// One item as plain JSON, read consistently.
    ///
    /// # Errors
    /// The emulator refuses or does not answer.
    pub async fn get_item(&self, table: &str, pk: &str, sk: &str) -> Result<Option<Value>> {
        let body = json!({"TableName": table, "Key": key(pk, sk), "ConsistentRead": true});
        let answer = self
            .call("dynamodb", "DynamoDB_20120810.GetItem", &body)
            .await?;
        Ok(answer.get("Item").map(from_item))
    }

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

    /// Puts an item given as plain JSON; it must name `pk` and `sk`.
    ///
    /// # Errors
    /// The emulator refuses or does not answer.
    pub async fn put_item(&self, table: &str, item: &Value) -> Result<()> {
        let body = json!({"TableName": table, "Item": to_item(item)});
        self.call("dynamodb", "DynamoDB_20120810.PutItem", &body)
            .await
            .map(drop)
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

fn key(pk: &str, sk: &str) -> Value {
    json!({"pk": {"S": pk}, "sk": {"S": sk}})
}

/// An item of the table as plain JSON. Bytes become base64 text; numbers stay exact as long as JSON holds them.
#[must_use]
pub fn from_item(item: &Value) -> Value {
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

/// Plain JSON as an item of the table.
#[must_use]
pub fn to_item(plain: &Value) -> Value {
    let fields = plain.as_object().into_iter().flatten();
    Value::Object(
        fields
            .map(|(name, value)| (name.clone(), to_attribute(value)))
            .collect::<Map<_, _>>(),
    )
}

fn to_attribute(value: &Value) -> Value {
    match value {
        Value::Null => json!({"NULL": true}),
        Value::Bool(flag) => json!({"BOOL": flag}),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::String(text) => json!({"S": text}),
        Value::Array(values) => json!({"L": values.iter().map(to_attribute).collect::<Vec<_>>()}),
        Value::Object(_) => json!({"M": to_item(value)}),
    }
}

/// The bytes of a binary attribute, as [`from_item`] shows it.
#[must_use]
pub fn bytes(value: &Value) -> Option<Vec<u8>> {
    STANDARD.decode(value.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_go_there_and_back() {
        let plain = json!({"pk": "a", "n": 12, "list": [true, null, {"deep": "b"}]});
        assert_eq!(from_item(&to_item(&plain)), plain);
        assert_eq!(
            from_item(&json!({"ss": {"SS": ["x"]}, "ns": {"NS": ["1"]}})),
            json!({"ss": ["x"], "ns": [1]})
        );
    }
}
