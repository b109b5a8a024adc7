use std::collections::HashMap;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        delete_item::DeleteItemError, put_item::PutItemError,
        transact_write_items::TransactWriteItemsError, update_item::UpdateItemError,
    },
    types::{
        self, AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
        error::ConditionalCheckFailedException,
    },
};
use serde_dynamo::Item;

use super::{code, row::RowReader};
use crate::{
    Condition, Listed, Page, RowKey, Table, TableError, Transacted, Update, Write, Written,
};

/// A DynamoDB table.
#[derive(Debug, Clone)]
pub struct DynamoTable {
    client: Client,
    name: String,
}

impl DynamoTable {
    /// The table of this name.
    #[must_use]
    pub fn new(config: &SdkConfig, name: String) -> Self {
        Self {
            client: Client::new(config),
            name,
        }
    }
}

type Attributes = HashMap<String, AttributeValue>;

#[async_trait]
impl Table for DynamoTable {
    async fn get(&self, key: &RowKey, consistent: bool) -> Result<Option<Item>, TableError> {
        let reader = RowReader::default();
        let got = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(attributes(key)))
            .consistent_read(consistent)
            .customize()
            .interceptor(reader.clone())
            .send()
            .await
            .map_err(|error| TableError::Unavailable(code(&error)))?;
        Ok(reader.take().or_else(|| got.item.map(Item::from)))
    }

    async fn put(&self, item: Item, condition: Option<Condition>) -> Result<Written, TableError> {
        let mut names = Names::default();
        let expression = condition.map(|condition| names.condition(&condition));
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item.into()))
            .set_condition_expression(expression)
            .set_expression_attribute_names(names.names())
            .set_expression_attribute_values(names.values())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        written(put.map(|_| None), |error| match error {
            PutItemError::ConditionalCheckFailedException(refused) => Some(refused),
            _ => None,
        })
    }

    async fn update(&self, key: &RowKey, update: Update) -> Result<Written, TableError> {
        let mut names = Names::default();
        let expression = names.update(&update);
        let condition = update
            .condition
            .map(|condition| names.condition(&condition));
        let updated = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(attributes(key)))
            .update_expression(expression)
            .set_condition_expression(condition)
            .set_expression_attribute_names(names.names())
            .set_expression_attribute_values(names.values())
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        written(updated.map(|done| done.attributes), |error| match error {
            UpdateItemError::ConditionalCheckFailedException(refused) => Some(refused),
            _ => None,
        })
    }

    async fn delete(
        &self,
        key: &RowKey,
        condition: Option<Condition>,
    ) -> Result<Written, TableError> {
        let mut names = Names::default();
        let expression = condition.map(|condition| names.condition(&condition));
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(attributes(key)))
            .set_condition_expression(expression)
            .set_expression_attribute_names(names.names())
            .set_expression_attribute_values(names.values())
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        written(deleted.map(|done| done.attributes), |error| match error {
            DeleteItemError::ConditionalCheckFailedException(refused) => Some(refused),
            _ => None,
        })
    }

    async fn page(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, TableError> {
        let value = |text: &str| AttributeValue::S(text.to_owned());
        let mut query = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(after.map(|after| attributes(&RowKey::new(pk, after))))
            .expression_attribute_values(":pk", value(pk));
        query = if prefix.is_empty() {
            query.key_condition_expression("pk = :pk")
        } else {
            query
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", value(prefix))
        };
        let page = query
            .send()
            .await
            .map_err(|error| TableError::Unavailable(code(&error)))?;
        let next = page
            .last_evaluated_key
            .and_then(|mut key| key.remove("sk"))
            .and_then(|sk| sk.as_s().ok().cloned());
        let items = page.items.unwrap_or_default();
        Ok(Page {
            items: items.into_iter().map(Item::from).collect(),
            next,
        })
    }

    async fn work(
        &self,
        list: &str,
        from: &str,
        until: &str,
        limit: usize,
    ) -> Result<Vec<Listed>, TableError> {
        let value = |text: &str| AttributeValue::S(text.to_owned());
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .index_name("work")
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .expression_attribute_values(":list", value(list))
            .expression_attribute_values(":until", value(until));
        // No key may be compared with an empty text.
        let query = if from.is_empty() {
            query.key_condition_expression("wp = :list AND ws <= :until")
        } else {
            query
                .key_condition_expression("wp = :list AND ws BETWEEN :from AND :until")
                .expression_attribute_values(":from", value(from))
        };
        let page = query
            .send()
            .await
            .map_err(|error| TableError::Unavailable(code(&error)))?;
        let listed = page
            .items
            .unwrap_or_default()
            .into_iter()
            .filter_map(|row| {
                let part = |name: &str| row.get(name)?.as_s().ok().cloned();
                Some(Listed {
                    key: RowKey::new(part("pk")?, part("sk")?),
                    place: part("ws")?,
                })
            });
        Ok(listed.collect())
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Transacted, TableError> {
        let items = writes.into_iter().map(|write| self.transacted(write));
        let written = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items.collect::<Result<_, _>>()?))
            .send()
            .await;
        let Err(error) = written else {
            return Ok(Transacted::Done);
        };
        if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
            error.as_service_error()
        {
            let reasons = cancelled.cancellation_reasons().iter().enumerate();
            let refused: Vec<usize> = reasons
                // A conflict is somebody else's write at this very moment: whoever reads again finds it.
                .filter(|(_, reason)| {
                    matches!(
                        reason.code(),
                        Some("ConditionalCheckFailed" | "TransactionConflict")
                    )
                })
                .map(|(place, _)| place)
                .collect();
            if !refused.is_empty() {
                return Ok(Transacted::Refused(refused));
            }
        }
        Err(TableError::Unavailable(code(&error)))
    }
}

impl DynamoTable {
    fn transacted(&self, write: Write) -> Result<TransactWriteItem, TableError> {
        let mut names = Names::default();
        let item = TransactWriteItem::builder();
        let shape = |error: aws_sdk_dynamodb::error::BuildError| {
            TableError::Shape(format!("a write that is not whole: {error}"))
        };
        Ok(match write {
            Write::Put(row, condition) => {
                let condition = condition.map(|condition| names.condition(&condition));
                let put = types::Put::builder()
                    .table_name(&self.name)
                    .set_item(Some(row.into()))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names.names())
                    .set_expression_attribute_values(names.values());
                item.put(put.build().map_err(shape)?)
            }
            Write::Update(key, update) => {
                let expression = names.update(&update);
                let condition = update
                    .condition
                    .map(|condition| names.condition(&condition));
                let update = types::Update::builder()
                    .table_name(&self.name)
                    .set_key(Some(attributes(&key)))
                    .update_expression(expression)
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names.names())
                    .set_expression_attribute_values(names.values());
                item.update(update.build().map_err(shape)?)
            }
            Write::Delete(key, condition) => {
                let condition = condition.map(|condition| names.condition(&condition));
                let delete = types::Delete::builder()
                    .table_name(&self.name)
                    .set_key(Some(attributes(&key)))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names.names())
                    .set_expression_attribute_values(names.values());
                item.delete(delete.build().map_err(shape)?)
            }
            Write::Check(key, condition) => {
                let condition = names.condition(&condition);
                let check = types::ConditionCheck::builder()
                    .table_name(&self.name)
                    .set_key(Some(attributes(&key)))
                    .condition_expression(condition)
                    .set_expression_attribute_names(names.names())
                    .set_expression_attribute_values(names.values());
                item.condition_check(check.build().map_err(shape)?)
            }
        }
        .build())
    }
}

/// What a conditional write came to. `refusal` finds the answer that says that its condition did not hold.
fn written<E: ProvideErrorMetadata, R>(
    answer: Result<Option<Attributes>, SdkError<E, R>>,
    refusal: impl FnOnce(&E) -> Option<&ConditionalCheckFailedException>,
) -> Result<Written, TableError> {
    let error = match answer {
        Ok(old) => return Ok(Written::Done(old.map(Item::from))),
        Err(error) => error,
    };
    match error.as_service_error().and_then(refusal) {
        Some(refused) => Ok(Written::Refused(refused.item.clone().map(Item::from))),
        None => Err(TableError::Unavailable(code(&error))),
    }
}

fn attributes(key: &RowKey) -> Attributes {
    let part = |text: &String| AttributeValue::S(text.clone());
    [
        ("pk".to_owned(), part(&key.pk)),
        ("sk".to_owned(), part(&key.sk)),
    ]
    .into()
}

/// Gathers the placeholders of one request: attribute names may be reserved words, and values may not stand in an
/// expression.
#[derive(Default)]
struct Names {
    names: Vec<String>,
    values: Vec<AttributeValue>,
}

impl Names {
    fn name(&mut self, name: &str) -> String {
        let place = self
            .names
            .iter()
            .position(|known| known == name)
            .unwrap_or_else(|| {
                self.names.push(name.to_owned());
                self.names.len() - 1
            });
        format!("#{place}")
    }

    fn value(&mut self, value: AttributeValue) -> String {
        self.values.push(value);
        format!(":{}", self.values.len() - 1)
    }

    fn condition(&mut self, condition: &Condition) -> String {
        match condition {
            Condition::Missing(name) => format!("attribute_not_exists({})", self.name(name)),
            Condition::Is(name, value) => {
                format!(
                    "{} = {}",
                    self.name(name),
                    self.value(AttributeValue::from(value.clone()))
                )
            }
            Condition::Below(name, limit) => {
                format!(
                    "{} < {}",
                    self.name(name),
                    self.value(AttributeValue::N(limit.to_string()))
                )
            }
            Condition::Any(all) => self.joined(all, " OR "),
            Condition::All(all) => self.joined(all, " AND "),
        }
    }

    fn joined(&mut self, conditions: &[Condition], word: &str) -> String {
        let parts: Vec<_> = conditions
            .iter()
            .map(|condition| format!("({})", self.condition(condition)))
            .collect();
        parts.join(word)
    }

    fn update(&mut self, update: &Update) -> String {
        let mut set: Vec<_> = update
            .set
            .iter()
            .map(|(name, value)| {
                format!(
                    "{} = {}",
                    self.name(name),
                    self.value(AttributeValue::from(value.clone()))
                )
            })
            .collect();
        for (name, more) in &update.append {
            let name = self.name(name);
            let empty = self.value(AttributeValue::L(Vec::new()));
            let more = self.value(AttributeValue::L(
                more.iter().cloned().map(AttributeValue::from).collect(),
            ));
            set.push(format!(
                "{name} = list_append(if_not_exists({name}, {empty}), {more})"
            ));
        }
        let remove: Vec<_> = update.remove.iter().map(|name| self.name(name)).collect();
        let clause = |word: &str, parts: &[String]| {
            if parts.is_empty() {
                String::new()
            } else {
                format!("{word} {} ", parts.join(", "))
            }
        };
        clause("SET", &set) + &clause("REMOVE", &remove)
    }

    fn names(&self) -> Option<HashMap<String, String>> {
        let names = self
            .names
            .iter()
            .enumerate()
            .map(|(place, name)| (format!("#{place}"), name.clone()));
        (!self.names.is_empty()).then(|| names.collect())
    }

    fn values(&self) -> Option<Attributes> {
        let values = self
            .values
            .iter()
            .enumerate()
            .map(|(place, value)| (format!(":{place}"), value.clone()));
        (!self.values.is_empty()).then(|| values.collect())
    }
}
