//! One DynamoDB table in memory, with the index `work`: it checks conditions, keeps what is written, and counts the units
//! that AWS would bill.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::expression::{Expression, Unreadable};
use super::size::{self, Item};

/// Two parts that every row has.
type Key = [String; 2];

/// The rows, and what they cost so far.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: BTreeMap<Key, Item>,
    /// Entries of the index whose rows nobody touches: lists and places alone, so that a million fit.
    others: BTreeSet<Key>,
    /// Rows and entries that were given back so far.
    pub(super) items: usize,
    /// Of the write units those of the index.
    pub(super) indexed: usize,
    /// Write units so far.
    pub(super) written: usize,
    /// Halves of read units so far.
    pub(super) read: usize,
}

/// Why a request is refused, as the service says it.
#[derive(Debug, PartialEq)]
pub(super) struct Refused(pub(super) Value);

impl From<Unreadable> for Refused {
    fn from(unreadable: Unreadable) -> Self {
        let message = format!("the bench does not read this expression: {}", unreadable.0);
        Self(json!({"__type": "ValidationException", "message": message}))
    }
}

type Answered = Result<Value, Refused>;

impl Table {
    /// Every row.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Item> {
        self.rows.values()
    }

    /// The lists of the index whose names begin so.
    pub(super) fn lists(&self, beginning: &str) -> BTreeSet<String> {
        let entries = self.rows.values().filter_map(entry);
        let lists = entries.map(|[list, _]| list);
        lists.filter(|list| list.starts_with(beginning)).collect()
    }

    /// Adds entries to the index, of rows that are not there.
    pub(super) fn list_others(&mut self, entries: impl Iterator<Item = Key>) {
        self.others.extend(entries);
    }

    /// `GetItem`.
    pub(super) fn get(&mut self, asked: &Value) -> Value {
        let row = self.rows.get(&key(&asked["Key"]));
        self.items += usize::from(row.is_some());
        let bytes = row.map_or(0, size::bytes);
        self.read += size::read_halves(bytes, asked["ConsistentRead"] == true);
        row.map_or_else(|| json!({}), |row| json!({"Item": row}))
    }

    /// `PutItem`.
    pub(super) fn put(&mut self, asked: &Value) -> Answered {
        let key = key(&asked["Item"]);
        self.check(asked, &key)?;
        let old = self.store(key, item(&asked["Item"]));
        Ok(shown(asked, old))
    }

    /// `UpdateItem`.
    pub(super) fn update(&mut self, asked: &Value) -> Answered {
        let key = key(&asked["Key"]);
        self.check(asked, &key)?;
        let old = self.rows.get(&key).cloned();
        let mut row = old.unwrap_or_else(|| item(&asked["Key"]));
        if let Some(update) = Expression::of(asked, "UpdateExpression") {
            update.change(&mut row)?;
        }
        let old = self.store(key, row);
        Ok(shown(asked, old))
    }

    /// `DeleteItem`.
    pub(super) fn delete(&mut self, asked: &Value) -> Answered {
        let key = key(&asked["Key"]);
        self.check(asked, &key)?;
        let old = self.rows.remove(&key);
        let indexed = index_units(old.as_ref(), None);
        self.indexed += indexed;
        let own = old
            .as_ref()
            .map_or(1, |old| size::write_units(size::bytes(old)));
        self.written += own + indexed;
        Ok(shown(asked, old))
    }

    /// `TransactWriteItems`: everything or nothing, for twice the units.
    pub(super) fn transact(&mut self, asked: &Value) -> Answered {
        let before = self.written;
        let writes: Vec<(&String, &Value)> = asked["TransactItems"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|write| write.as_object()?.iter().next())
            .collect();
        let mut reasons = Vec::new();
        for (_, write) in &writes {
            let held = self.holds(write, &key(keyed(write)))?;
            reasons.push(if held {
                "None"
            } else {
                "ConditionalCheckFailed"
            });
        }
        if reasons.iter().any(|reason| *reason != "None") {
            self.written = before + 2 * writes.len();
            let reasons: Vec<_> = reasons.iter().map(|code| json!({"Code": code})).collect();
            return Err(Refused(json!({
                "__type": "TransactionCanceledException",
                "message": "Transaction cancelled",
                "CancellationReasons": reasons,
            })));
        }
        for (kind, write) in writes {
            match kind.as_str() {
                "Put" => drop(self.put(write)?),
                "Update" => drop(self.update(write)?),
                "Delete" => drop(self.delete(write)?),
                _ => {
                    let row = self.rows.get(&key(&write["Key"]));
                    self.written += size::write_units(row.map_or(0, size::bytes));
                }
            }
        }
        self.written += self.written - before;
        Ok(json!({}))
    }

    /// `Query`, of the table or of its index. Everything that is read counts, and is rounded up once.
    pub(super) fn query(&mut self, asked: &Value) -> Answered {
        let indexed = asked["IndexName"] == "work";
        let others: Vec<Item> = if indexed {
            self.others_in(asked)?
        } else {
            Vec::new()
        };
        let others = others
            .iter()
            .filter_map(|other| Some((entry(other)?, other)));
        let mut found: Vec<(Key, &Item)> = others.collect();
        for (key, row) in &self.rows {
            let holds = Expression::of(asked, "KeyConditionExpression")
                .map(|condition| condition.holds(Some(row)))
                .transpose()?;
            if holds == Some(true) {
                let place = match entry(row) {
                    Some(entry) if indexed => entry,
                    _ => key.clone(),
                };
                found.push((place, row));
            }
        }
        found.sort_by(|left, right| left.0.cmp(&right.0));
        let after = &asked["ExclusiveStartKey"];
        if after.is_object() && !indexed {
            found.retain(|(place, _)| *place > key(after));
        }
        let limit = asked["Limit"]
            .as_u64()
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        let consistent = asked["ConsistentRead"] == true;
        let items: Vec<Item> = found
            .iter()
            .map(|(_, row)| {
                let row = row.iter();
                let kept = row.filter(|(name, _)| {
                    !indexed || ["pk", "sk", "wp", "ws"].contains(&name.as_str())
                });
                kept.map(|(name, value)| (name.clone(), value.clone()))
                    .collect()
            })
            .collect();
        // The index holds keys alone, and so a query of it reads no more.
        let bytes = items.iter().map(size::bytes).sum();
        self.read += size::read_halves(bytes, consistent);
        self.items += items.len();
        let mut answer = json!({"Count": items.len(), "Items": items});
        if let Some(last) = items.last().filter(|_| more) {
            answer["LastEvaluatedKey"] = json!({"pk": last["pk"], "sk": last["sk"]});
        }
        Ok(answer)
    }

    /// The entries that a query of the index asks for, of rows that are not there. A query asks for one stretch of one list,
    /// whose beginning is the least value that it names beside the list, where it names two.
    fn others_in(&self, asked: &Value) -> Result<Vec<Item>, Unreadable> {
        let values = asked["ExpressionAttributeValues"].as_object();
        let values = values.into_iter().flatten();
        let named: BTreeSet<&str> = values
            .filter_map(|(_, value)| value["S"].as_str())
            .collect();
        let mut found = Vec::new();
        for list in &named {
            let mut places = named.iter().filter(|value| *value != list);
            let begin = places.next().filter(|_| places.next().is_some());
            let begin = [
                (*list).to_owned(),
                begin.copied().unwrap_or_default().to_owned(),
            ];
            let entries = self.others.range(begin..);
            for [_, place] in entries.take_while(|[own, _]| own == list) {
                let row = item(&json!({
                    "pk": {"S": place}, "sk": {"S": "DUE"}, "wp": {"S": list}, "ws": {"S": place},
                }));
                let condition = Expression::of(asked, "KeyConditionExpression");
                let holds = condition.map(|condition| condition.holds(Some(&row)));
                if holds.transpose()? != Some(true) {
                    break;
                }
                found.push(row);
            }
        }
        Ok(found)
    }

    /// Refuses what does not meet its condition. That costs a write all the same.
    fn check(&mut self, asked: &Value, key: &Key) -> Result<(), Refused> {
        if self.holds(asked, key)? {
            return Ok(());
        }
        let row = self.rows.get(key);
        self.written += size::write_units(row.map_or(0, size::bytes));
        let mut refused = json!({
            "__type": "ConditionalCheckFailedException",
            "message": "The conditional request failed",
        });
        if let Some(row) = row
            && asked["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
        {
            refused["Item"] = json!(row);
        }
        Err(Refused(refused))
    }

    fn holds(&self, asked: &Value, key: &Key) -> Result<bool, Unreadable> {
        Expression::of(asked, "ConditionExpression")
            .map_or(Ok(true), |condition| condition.holds(self.rows.get(key)))
    }

    /// A write is billed by the larger of the row before and after; then come the index's own.
    fn store(&mut self, key: Key, new: Item) -> Option<Item> {
        let old = self.rows.get(&key);
        let bytes = size::bytes(&new).max(old.map_or(0, size::bytes));
        let indexed = index_units(old, Some(&new));
        self.indexed += indexed;
        self.written += size::write_units(bytes) + indexed;
        self.rows.insert(key, new)
    }
}

/// What a write costs in the index, which holds keys alone: an entry that comes or goes costs one, one that moves two.
fn index_units(old: Option<&Item>, new: Option<&Item>) -> usize {
    match (old.and_then(entry), new.and_then(entry)) {
        (None, None) => 0,
        (Some(old), Some(new)) if old == new => 0,
        (Some(_), Some(_)) => 2,
        _ => 1,
    }
}

/// A row's place in the index, where it has one.
fn entry(row: &Item) -> Option<Key> {
    let part = |name: &str| row.get(name)?["S"].as_str().map(str::to_owned);
    Some([part("wp")?, part("ws")?])
}

fn keyed(write: &Value) -> &Value {
    if write["Item"].is_object() {
        &write["Item"]
    } else {
        &write["Key"]
    }
}

fn key(item: &Value) -> Key {
    ["pk", "sk"].map(|part| item[part]["S"].as_str().unwrap_or_default().to_owned())
}

fn item(value: &Value) -> Item {
    value.as_object().cloned().unwrap_or_default()
}

fn shown(asked: &Value, old: Option<Item>) -> Value {
    match old {
        Some(old) if asked["ReturnValues"] == "ALL_OLD" => json!({"Attributes": old}),
        _ => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(sk: &str, size: usize) -> Value {
        json!({"pk": {"S": "p"}, "sk": {"S": sk}, "text": {"S": "x".repeat(size)}})
    }

    fn put(table: &mut Table, item: &Value, condition: Option<&str>) -> Answered {
        let mut asked = json!({"Item": item, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"});
        if let Some(condition) = condition {
            asked["ConditionExpression"] = json!(condition);
        }
        table.put(&asked)
    }

    fn spent(table: &mut Table) -> (usize, usize) {
        (
            std::mem::take(&mut table.written),
            std::mem::take(&mut table.read),
        )
    }

    #[test]
    fn a_write_costs_its_larger_side_and_a_refused_one_too() {
        let mut table = Table::default();
        put(&mut table, &row("a", 10), None).expect("a write");
        assert_eq!(spent(&mut table), (1, 0));
        put(&mut table, &row("a", 3000), None).expect("a write");
        assert_eq!(spent(&mut table), (3, 0));
        put(&mut table, &row("a", 10), None).expect("a write");
        assert_eq!(spent(&mut table), (3, 0), "what was there is larger");
        let refused = put(&mut table, &row("a", 10), Some("attribute_not_exists(pk)"));
        let refused = refused.expect_err("it is there").0;
        assert_eq!(refused["__type"], "ConditionalCheckFailedException");
        assert_eq!(refused["Item"], row("a", 10));
        assert_eq!(spent(&mut table), (1, 0));
    }

    #[test]
    fn the_index_costs_when_an_entry_comes_goes_or_moves() {
        let mut table = Table::default();
        let listed = |place: &str| {
            let mut row = row("a", 1);
            row["wp"] = json!({"S": "list"});
            row["ws"] = json!({"S": place});
            row
        };
        let mut costs = |item: &Value| {
            put(&mut table, item, None).expect("a write");
            spent(&mut table).0
        };
        assert_eq!(costs(&listed("1")), 2, "comes");
        assert_eq!(costs(&listed("1")), 1, "stays");
        assert_eq!(costs(&listed("2")), 3, "moves");
        assert_eq!(costs(&row("a", 1)), 2, "goes");
        assert_eq!(costs(&row("a", 1)), 1, "was never there");
    }

    #[test]
    fn a_query_of_the_index_reads_what_it_asks_for_among_many() {
        let mut table = Table::default();
        let place = |day: usize| format!("2026-05-{day:02}");
        let others = (1..=31).flat_map(|day| ["l", "m"].map(|list| [list.to_owned(), place(day)]));
        table.list_others(others);
        let mut own = row("a", 1);
        own["wp"] = json!({"S": "l"});
        own["ws"] = json!({"S": "2026-05-03#own"});
        put(&mut table, &own, None).expect("a write");
        assert_eq!(table.lists("l"), BTreeSet::from(["l".to_owned()]));
        let asked = json!({
            "IndexName": "work", "KeyConditionExpression": "wp = :list AND ws <= :until", "Limit": 100,
            "ExpressionAttributeValues": {":list": {"S": "l"}, ":until": {"S": "2026-05-03~"}},
        });
        let found = table.query(&asked).expect("entries");
        assert_eq!((found["Count"].as_u64(), table.items), (Some(4), 4));
        assert_eq!(found["Items"][3]["sk"]["S"], "a");
        assert_eq!(table.indexed, 1);
    }

    #[test]
    fn a_transaction_costs_twice_and_is_whole() {
        let mut table = Table::default();
        let absent = "attribute_not_exists(pk)";
        let both = json!({"TransactItems": [
            {"Put": {"Item": row("a", 10), "ConditionExpression": absent}},
            {"ConditionCheck": {"Key": {"pk": {"S": "p"}, "sk": {"S": "b"}}, "ConditionExpression": absent}},
        ]});
        table.transact(&both).expect("written");
        assert_eq!(spent(&mut table), (4, 0));
        let refused = table.transact(&both).expect_err("it is there").0;
        let codes = ["ConditionalCheckFailed", "None"].map(|code| json!({"Code": code}));
        assert_eq!(refused["CancellationReasons"], json!(codes));
        assert_eq!(spent(&mut table), (4, 0));
        assert_eq!(table.rows().count(), 1);
    }

    #[test]
    fn reads_cost_by_size_and_consistency() {
        let mut table = Table::default();
        for place in ["a", "b", "c"] {
            put(&mut table, &row(place, 3000), None).expect("a write");
        }
        spent(&mut table);
        let asked = json!({"Key": {"pk": {"S": "p"}, "sk": {"S": "a"}}, "ConsistentRead": true});
        assert_eq!(table.get(&asked)["Item"], row("a", 3000));
        assert_eq!(spent(&mut table), (0, 2));
        let asked = json!({
            "KeyConditionExpression": "pk = :pk", "Limit": 2,
            "ExpressionAttributeValues": {":pk": {"S": "p"}},
        });
        let found = table.query(&asked).expect("rows");
        assert_eq!(found["Count"], 2);
        assert_eq!(found["LastEvaluatedKey"]["sk"]["S"], "b");
        assert_eq!(spent(&mut table), (0, 2), "6 KB together, either way");
        let mut next = asked;
        next["ExclusiveStartKey"] = found["LastEvaluatedKey"].clone();
        assert_eq!(table.query(&next).expect("rows")["Count"], 1);
    }

    #[test]
    fn an_update_keeps_what_it_does_not_name() {
        let mut table = Table::default();
        put(&mut table, &row("a", 3), None).expect("a write");
        let asked = json!({
            "Key": {"pk": {"S": "p"}, "sk": {"S": "a"}}, "UpdateExpression": "SET n = :n", "ReturnValues": "ALL_OLD",
            "ExpressionAttributeValues": {":n": {"N": "1"}},
        });
        assert_eq!(table.update(&asked), Ok(json!({"Attributes": row("a", 3)})));
        let now = table.rows().next().expect("a row");
        assert_eq!(
            (&now["text"]["S"], &now["n"]["N"]),
            (&json!("xxx"), &json!("1"))
        );
    }
}
