//! DynamoDB's expressions, as far as anybody who is measured writes them: conditions, key conditions, `SET` and `REMOVE`.
//!
//! Follows the service's developer guide. What is not known here is an error, so that nobody is measured on a
//! misunderstanding.

use std::cmp::Ordering;

use serde_json::Value;

use super::size::Item;

/// An expression that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable(pub(super) String);

type Read<T> = std::result::Result<T, Unreadable>;

/// One expression of a request.
pub(super) struct Expression<'a> {
    tokens: Vec<&'a str>,
    place: usize,
    names: &'a Value,
    values: &'a Value,
}

impl<'a> Expression<'a> {
    /// The expression in this field of a request, with the request's placeholders.
    pub(super) fn of(request: &'a Value, field: &str) -> Option<Self> {
        Some(Self {
            tokens: tokens(request[field].as_str()?),
            place: 0,
            names: &request["ExpressionAttributeNames"],
            values: &request["ExpressionAttributeValues"],
        })
    }

    /// Whether it holds for this item.
    pub(super) fn holds(mut self, item: Option<&Item>) -> Read<bool> {
        let holds = self.any(item)?;
        self.end()?;
        Ok(holds)
    }

    /// Makes its changes.
    pub(super) fn change(mut self, item: &mut Item) -> Read<()> {
        let old = item.clone();
        while self.place < self.tokens.len() {
            match self.next()? {
                "SET" => loop {
                    let name = self.name()?;
                    self.expect("=")?;
                    let value = self.new_value(&old)?;
                    item.insert(name, value);
                    if !self.is_next(",") {
                        break;
                    }
                },
                "REMOVE" => loop {
                    let name = self.name()?;
                    item.remove(&name);
                    if !self.is_next(",") {
                        break;
                    }
                },
                other => return Err(Unreadable(format!("`{other}` in an update"))),
            }
        }
        Ok(())
    }

    fn any(&mut self, item: Option<&Item>) -> Read<bool> {
        let mut holds = self.all(item)?;
        while self.is_next("OR") {
            holds |= self.all(item)?;
        }
        Ok(holds)
    }

    fn all(&mut self, item: Option<&Item>) -> Read<bool> {
        let mut holds = self.one(item)?;
        while self.is_next("AND") {
            holds &= self.one(item)?;
        }
        Ok(holds)
    }

    fn one(&mut self, item: Option<&Item>) -> Read<bool> {
        if self.is_next("NOT") {
            return Ok(!self.one(item)?);
        }
        if self.is_next("(") {
            let holds = self.any(item)?;
            self.expect(")")?;
            return Ok(holds);
        }
        for (function, wanted) in [("attribute_exists", true), ("attribute_not_exists", false)] {
            if self.is_next(function) {
                self.expect("(")?;
                let name = self.name()?;
                self.expect(")")?;
                return Ok(item.is_some_and(|item| item.contains_key(&name)) == wanted);
            }
        }
        if self.is_next("begins_with") {
            self.expect("(")?;
            let text = self.operand(item)?;
            self.expect(",")?;
            let prefix = self.operand(item)?;
            self.expect(")")?;
            let text = text.as_ref().and_then(|text| text["S"].as_str());
            let prefix = prefix.as_ref().and_then(|prefix| prefix["S"].as_str());
            return Ok(text.zip(prefix).is_some_and(|(t, p)| t.starts_with(p)));
        }
        self.comparison(item)
    }

    fn comparison(&mut self, item: Option<&Item>) -> Read<bool> {
        let left = self.operand(item)?;
        let word = self.next()?;
        let right = self.operand(item)?;
        let order = order(left.as_ref(), right.as_ref());
        Ok(match word {
            "=" => left.is_some() && left == right,
            "<>" => left != right,
            "<" => order == Some(Ordering::Less),
            "<=" => order.is_some_and(Ordering::is_le),
            ">" => order == Some(Ordering::Greater),
            ">=" => order.is_some_and(Ordering::is_ge),
            "BETWEEN" => {
                self.expect("AND")?;
                let last = self.operand(item)?;
                let below = self::order(left.as_ref(), last.as_ref());
                order.is_some_and(Ordering::is_ge) && below.is_some_and(Ordering::is_le)
            }
            other => return Err(Unreadable(format!("`{other}` as a comparison"))),
        })
    }

    fn new_value(&mut self, old: &Item) -> Read<Value> {
        if self.is_next("list_append") {
            self.expect("(")?;
            let mut list = self.new_value(old)?;
            self.expect(",")?;
            let mut more = self.new_value(old)?;
            self.expect(")")?;
            let more = more["L"].as_array_mut().map(std::mem::take);
            match (list["L"].as_array_mut(), more) {
                (Some(list), Some(more)) => list.extend(more),
                _ => return Err(Unreadable("a list is appended to what is none".to_owned())),
            }
            return Ok(list);
        }
        if self.is_next("if_not_exists") {
            self.expect("(")?;
            let name = self.name()?;
            self.expect(",")?;
            let otherwise = self.new_value(old)?;
            self.expect(")")?;
            return Ok(old.get(&name).cloned().unwrap_or(otherwise));
        }
        let value = self.operand(Some(old))?;
        value.ok_or_else(|| Unreadable("an attribute that is not there is copied".to_owned()))
    }

    /// A value, or the attribute of this name; none where the item has none.
    fn operand(&mut self, item: Option<&Item>) -> Read<Option<Value>> {
        if self.peek().is_some_and(|token| token.starts_with(':')) {
            let token = self.next()?;
            let value = &self.values[token];
            return if value.is_null() {
                Err(Unreadable(format!("the value {token} is missing")))
            } else {
                Ok(Some(value.clone()))
            };
        }
        let name = self.name()?;
        Ok(item.and_then(|item| item.get(&name)).cloned())
    }

    fn name(&mut self) -> Read<String> {
        let token = self.next()?;
        if !token.starts_with('#') {
            return if token
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            {
                Ok(token.to_owned())
            } else {
                Err(Unreadable(format!("`{token}` as a name")))
            };
        }
        let name = self.names[token].as_str().map(str::to_owned);
        name.ok_or_else(|| Unreadable(format!("the name {token} is missing")))
    }

    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.place).copied()
    }

    fn next(&mut self) -> Read<&'a str> {
        let token = self
            .peek()
            .ok_or_else(|| Unreadable("it breaks off".to_owned()))?;
        self.place += 1;
        Ok(token)
    }

    fn is_next(&mut self, word: &str) -> bool {
        let is = self.peek() == Some(word);
        self.place += usize::from(is);
        is
    }

    fn expect(&mut self, word: &str) -> Read<()> {
        let token = self.next()?;
        if token == word {
            Ok(())
        } else {
            Err(Unreadable(format!("`{token}` instead of `{word}`")))
        }
    }

    fn end(&self) -> Read<()> {
        self.peek().map_or(Ok(()), |token| {
            Err(Unreadable(format!("`{token}` after its end")))
        })
    }
}

/// Words, names and values as they stand; everything else sign by sign, and comparisons together.
fn tokens(text: &str) -> Vec<&str> {
    let is_word = |sign: char| sign.is_ascii_alphanumeric() || "_#:".contains(sign);
    let is_comparison = |sign: char| "<>=".contains(sign);
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if is_word(first) {
            rest.find(|sign| !is_word(sign))
        } else if is_comparison(first) {
            rest.find(|sign| !is_comparison(sign))
        } else {
            Some(first.len_utf8())
        };
        let (token, after) = rest.split_at(length.unwrap_or(rest.len()));
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

/// The order of two texts or of two numbers; nothing else has one.
fn order(left: Option<&Value>, right: Option<&Value>) -> Option<Ordering> {
    let (left, right) = (left?, right?);
    let texts = left["S"].as_str().zip(right["S"].as_str());
    if let Some((left, right)) = texts {
        return Some(left.cmp(right));
    }
    let number = |value: &Value| value["N"].as_str()?.parse::<f64>().ok();
    number(left)?.partial_cmp(&number(right)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(expression: &str) -> Value {
        json!({
            "E": expression,
            "ExpressionAttributeNames": {"#0": "turn", "#1": "list"},
            "ExpressionAttributeValues": {
                ":0": {"N": "9"}, ":1": {"N": "10"}, ":2": {"L": [{"S": "b"}]}, ":3": {"L": []}, ":4": {"S": "EV"},
            },
        })
    }

    #[test]
    fn conditions_hold_as_the_service_reads_them() {
        let item = json!({"pk": {"S": "EVENT"}, "turn": {"N": "9"}});
        let item = item.as_object().expect("an item");
        let cases = [
            ("attribute_not_exists(pk)", false, true),
            ("attribute_exists(#0)", true, false),
            ("#0 = :0", true, false),
            ("#0 <> :0", false, true),
            ("#0 < :1", true, false),
            ("#0 >= :1", false, false),
            ("#0 BETWEEN :0 AND :1", true, false),
            ("begins_with(pk, :4)", true, false),
            ("(attribute_not_exists(pk)) OR (#0 = :0)", true, true),
            ("(#0 = :0) AND (attribute_not_exists(#1))", true, false),
            ("NOT #0 = :0", false, true),
            (
                "attribute_not_exists(pk) OR #0 = :0 AND #0 = :1",
                false,
                true,
            ),
        ];
        for (text, with, without) in cases {
            let asked = request(text);
            let holds = |item| {
                Expression::of(&asked, "E")
                    .expect("an expression")
                    .holds(item)
            };
            assert_eq!(holds(Some(item)), Ok(with), "{text}");
            assert_eq!(holds(None), Ok(without), "{text}, without an item");
        }
    }

    #[test]
    fn updates_set_append_and_remove() {
        let asked = request(
            "SET #0 = :1, #1 = list_append(if_not_exists(#1, :3), :2), copy = #0 REMOVE gone",
        );
        let change = |item: &mut Value| {
            let item = item.as_object_mut().expect("an item");
            Expression::of(&asked, "E")
                .expect("an expression")
                .change(item)
        };
        let mut item = json!({"turn": {"N": "9"}, "gone": {"S": "x"}});
        assert_eq!(change(&mut item), Ok(()));
        assert_eq!(change(&mut item), Ok(()));
        assert_eq!(
            item,
            json!({"turn": {"N": "10"}, "list": {"L": [{"S": "b"}, {"S": "b"}]}, "copy": {"N": "10"}})
        );
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        for text in [
            "size(#0) > :0",
            "#0 = :9",
            "#9 = :0",
            "#0 =",
            "#0 = :0 )",
            "contains(a, :0)",
        ] {
            let asked = request(text);
            let read = Expression::of(&asked, "E")
                .expect("an expression")
                .holds(None);
            assert!(read.is_err(), "{text}");
        }
        let asked = request("ADD #0 :0");
        let changed = Expression::of(&asked, "E")
            .expect("an expression")
            .change(&mut Item::new());
        assert!(changed.is_err());
    }
}
