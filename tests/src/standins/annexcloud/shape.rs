//! How the vendor writes what it answers: some numbers as text, some as numbers, one key with a capital.

use serde_json::{Map, Number, Value, json};

use super::account::Account;
use super::refusal::Refusal;
use crate::standins::Answer;

/// What a profile is wrapped in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Wrapper {
    /// As the reference shows it.
    #[default]
    Upper,
    /// The same, spelled small.
    Lower,
    /// As the connector's samples show it.
    Flat,
}

/// How balances are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Numbers {
    /// As the sample mixes them.
    #[default]
    Mixed,
    /// All as text.
    Text,
    /// All as numbers.
    Number,
}

/// How the sample writes one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Number,
    Word,
}

const USER_TEXTS: [&str; 12] = [
    "id",
    "email",
    "firstName",
    "lastName",
    "zipCode",
    "phone",
    "birthDate",
    "anniversaryDate",
    "userProfileImageUrl",
    "createDate",
    "updateDate",
    "optInDate",
];

const POINTS: [(&str, Form); 16] = [
    ("availablePoints", Form::Text),
    ("usedPoints", Form::Text),
    ("expiredPoints", Form::Text),
    ("lifetimePoints", Form::Text),
    ("earnedPointsPeriod", Form::Word),
    ("spendPointsPeriod", Form::Word),
    ("earnedPoints", Form::Text),
    ("spendPoints", Form::Text),
    ("holdPoints", Form::Number),
    ("usedPointsOnReward", Form::Text),
    ("pointsToExpire", Form::Text),
    ("pointsToNextTier", Form::Number),
    ("spendToNextTier", Form::Number),
    ("pointsToExpireDate", Form::Word),
    ("creditsToCurrencyRatio", Form::Text),
    ("creditsToCurrencyValue", Form::Number),
];

const TIERS: [&str; 9] = [
    "currentTier",
    "previousTier",
    "tierAchieveDate",
    "tierExpirationDate",
    "nextTier",
    "PointsToNextTier",
    "purchaseRatio",
    "currentTierPurchaseRatio",
    "spendAmountToNextTier",
];

/// What only the reference has of points.
const MORE_POINTS: [&str; 2] = ["negativePoints", "siteId"];

/// What only the reference has of tiers.
const MORE_TIERS: [&str; 3] = ["siteId", "tierLimitPeriod", "tierLimitType"];

/// Whether the vendor has such a key in somebody's points.
pub(super) fn is_of_points(name: &str) -> bool {
    POINTS.iter().any(|(known, _)| *known == name) || MORE_POINTS.contains(&name)
}

/// Whether the vendor has such a key in somebody's tiers.
pub(super) fn is_of_tiers(name: &str) -> bool {
    TIERS.contains(&name) || MORE_TIERS.contains(&name)
}

/// Whether the vendor has such a key in somebody's profile.
pub(super) fn is_of_user(name: &str) -> bool {
    let others = [
        "extendedAttribute",
        "optInStatus",
        "status",
        "totalSpendCurrency",
    ];
    USER_TEXTS.contains(&name) || others.contains(&name)
}

/// A profile, wrapped as the tenant's shape asks.
pub(super) fn user(account: &Account, known: &Map<String, Value>) -> Value {
    let text = |name: &str| known.get(name).cloned().unwrap_or_else(|| json!(""));
    let mut shown: Map<String, Value> = USER_TEXTS
        .iter()
        .map(|name| ((*name).to_owned(), text(name)))
        .collect();
    let status = known.get("status").and_then(Value::as_str);
    let status = status.unwrap_or("active").to_uppercase();
    shown.insert("status".to_owned(), json!(status));
    let opted = known.get("optInStatus").cloned();
    shown.insert(
        "optInStatus".to_owned(),
        opted.unwrap_or_else(|| json!("YES")),
    );
    let spend = known
        .get("totalSpendCurrency")
        .map_or_else(|| json!("0.00"), as_text);
    shown.insert("totalSpendCurrency".to_owned(), spend);
    let attributes = known.get("extendedAttribute").cloned().unwrap_or_default();
    let none = attributes.as_object().is_none_or(Map::is_empty) && !attributes.is_array();
    // Nothing in it comes as an empty list, as servers of that kind write an empty map.
    let attributes = if none { json!([]) } else { attributes };
    shown.insert("extendedAttribute".to_owned(), attributes);
    if account.wrapper == Wrapper::Flat {
        return Value::Object(shown);
    }
    shown.insert("siteId".to_owned(), json!(account.site_id));
    shown.insert("activityBasedStatus".to_owned(), json!("NO"));
    let name = if account.wrapper == Wrapper::Upper {
        "Data"
    } else {
        "data"
    };
    json!({name: shown})
}

/// `GET /points/{id}`.
pub(super) fn points(account: &Account, id: &str) -> Result<Answer, Refusal> {
    let known = account.person(id)?.points.as_ref();
    let known = known.ok_or_else(Refusal::no_data)?;
    let mut shown = Map::from_iter([("id".to_owned(), json!(id))]);
    for (name, form) in POINTS {
        let value = known.get(name);
        let value = match (form, account.numbers) {
            (Form::Word, _) => value.cloned().unwrap_or_else(|| json!("")),
            (Form::Text, Numbers::Mixed) | (_, Numbers::Text) => {
                value.map_or_else(|| json!("0"), as_text)
            }
            (Form::Number, Numbers::Mixed) | (_, Numbers::Number) => {
                value.map_or_else(|| json!(0), as_number)
            }
        };
        shown.insert(name.to_owned(), value);
    }
    shown.extend(more(known, &MORE_POINTS));
    Ok(Answer::json(200, &Value::Object(shown)))
}

/// `GET /users/{id}/tiers`.
pub(super) fn tiers(account: &Account, id: &str) -> Result<Answer, Refusal> {
    let known = account.person(id)?.tiers.as_ref();
    let known = known.ok_or_else(Refusal::no_data)?;
    let text = |name: &str| known.get(name).map_or_else(|| json!(""), as_text);
    let mut shown: Map<String, Value> = TIERS
        .iter()
        .map(|name| ((*name).to_owned(), text(name)))
        .collect();
    shown.extend(more(known, &MORE_TIERS));
    Ok(Answer::json(200, &Value::Object(shown)))
}

/// `GET /users/{id}/activity`. Somebody who did nothing has an empty one.
pub(super) fn activity(account: &Account, id: &str) -> Result<Answer, Refusal> {
    let person = account.person(id)?;
    Ok(Answer::json(200, &json!({"activity": person.activity})))
}

fn more(known: &Map<String, Value>, names: &[&str]) -> Vec<(String, Value)> {
    let own = names.iter().filter_map(|name| known.get_key_value(*name));
    own.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn as_text(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.to_string()),
        other => other.clone(),
    }
}

fn as_number(value: &Value) -> Value {
    let number = value.as_str().and_then(|text| text.parse::<Number>().ok());
    number.map_or_else(|| value.clone(), Value::Number)
}
