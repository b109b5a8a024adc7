//! `POST /points`: section 3.3. What may stand together is written out here once more, because a sender must not be able to
//! build anything else.

use jiff::Timestamp;
use serde_json::{Map, Number, Value, json};

use super::account::{Account, Person};
use super::pacific;
use super::refusal::Refusal;
use crate::standins::Answer;

const KEYS: [&str; 12] = [
    "actionId", "activity", "credit", "customId", "debit", "groupId", "id", "orderId", "reason",
    "retry", "rewardId", "source",
];

/// A request that keeps the rules.
#[derive(Debug)]
struct Wanted {
    fields: Map<String, Value>,
    way: Way,
    retry: bool,
}

/// Which of the five variants it is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    /// The action decides the amount.
    Give(String),
    Award(i64),
    RedeemReward(String),
    /// A redemption, or a deduction where it names an action.
    Debit(i64),
}

impl Wanted {
    fn text(&self, name: &str) -> &str {
        let value = self.fields.get(name);
        value.and_then(Value::as_str).unwrap_or_default()
    }
}

/// `POST /points`.
pub(super) fn book(account: &mut Account, body: &[u8], now: Timestamp) -> Result<Answer, Refusal> {
    let wanted = read(body)?;
    let id = wanted.text("id").to_owned();
    let order = wanted.text("orderId").to_owned();
    let known = account.person(&id)?.booked.get(&order);
    // What `retry` does is not documented beyond that it guards a repeated order; it is read as "not a second time".
    if let Some(answer) = known.filter(|_| wanted.retry && account.heeds_retry) {
        return Ok(Answer::json(200, answer));
    }
    let amount = amount(account, &wanted.way)?;
    let row = account.next_row();
    let person = account.person_mut(&id)?;
    move_points(person, &wanted.way, amount)?;
    person
        .activity
        .insert(0, activity(&wanted, amount, row, now));
    let answer = answer(person, &wanted, amount);
    if !order.is_empty() {
        person.booked.insert(order, answer.clone());
    }
    Ok(Answer::json(200, &answer))
}

fn read(body: &[u8]) -> Result<Wanted, Refusal> {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(body) else {
        return Err(illegal("the body is no JSON object"));
    };
    if let Some(name) = fields.keys().find(|name| !KEYS.contains(&name.as_str())) {
        return Err(illegal(format!("unknown key {name}")));
    }
    // Its form is not documented: a truth or its word.
    let retry = match fields.remove("retry") {
        None => false,
        Some(Value::Bool(retry)) => retry,
        Some(word) if word == "true" || word == "false" => word == "true",
        Some(other) => return Err(illegal(format!("retry is {other}"))),
    };
    let blank = |value: &Value| value.as_str().is_none_or(|text| text.trim().is_empty());
    if let Some((name, value)) = fields.iter().find(|(_, value)| blank(value)) {
        return Err(illegal(format!("{name} is no text: {value}")));
    }
    let way = way(&fields)?;
    Ok(Wanted { fields, way, retry })
}

fn way(fields: &Map<String, Value>) -> Result<Way, Refusal> {
    let has = |name: &str| fields.contains_key(name);
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    if !has("id") {
        return Err(illegal("Required parameter id is missing"));
    }
    if !has("actionId") && !has("reason") {
        return Err(illegal("without actionId the reason is needed"));
    }
    match text("activity").as_deref() {
        Some("CREDIT") => {
            none(fields, &["debit", "rewardId", "source"], "CREDIT")?;
            match (text("credit"), text("actionId")) {
                (Some(credit), _) => whole(&credit).map(Way::Award),
                (None, Some(action)) => Ok(Way::Give(action)),
                (None, None) => Err(illegal("CREDIT needs credit or actionId")),
            }
        }
        Some("DEBIT") => {
            none(fields, &["credit"], "DEBIT")?;
            if !has("orderId") {
                return Err(illegal("DEBIT needs orderId"));
            }
            debit(fields, text("rewardId"), text("debit"))
        }
        other => Err(illegal(format!("activity is {other:?}"))),
    }
}

fn debit(
    fields: &Map<String, Value>,
    reward: Option<String>,
    amount: Option<String>,
) -> Result<Way, Refusal> {
    let source = fields.get("source").and_then(Value::as_str);
    if source.is_some_and(|word| !["web", "store"].contains(&word)) {
        return Err(illegal("source is web or store"));
    }
    if fields.contains_key("actionId") {
        none(fields, &["rewardId", "source"], "a deduction")?;
    }
    match (reward, amount) {
        (Some(reward), None) => Ok(Way::RedeemReward(reward)),
        (None, Some(amount)) => whole(&amount).map(Way::Debit),
        (Some(_), Some(_)) => Err(illegal("rewardId and debit in one request")),
        (None, None) => Err(illegal("DEBIT needs rewardId or debit")),
    }
}

fn none(fields: &Map<String, Value>, names: &[&str], whose: &str) -> Result<(), Refusal> {
    match names.iter().find(|name| fields.contains_key(**name)) {
        Some(name) => Err(illegal(format!("{whose} has no {name}"))),
        None => Ok(()),
    }
}

/// Samples show whole amounts only.
fn whole(text: &str) -> Result<i64, Refusal> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let amount = text
        .parse::<i64>()
        .ok()
        .filter(|amount| *amount > 0 && digits);
    amount.ok_or_else(|| illegal(format!("{text:?} is no amount")))
}

fn illegal(what: impl Into<String>) -> Refusal {
    Refusal::bad(what).faulty()
}

fn amount(account: &Account, way: &Way) -> Result<i64, Refusal> {
    // An action or a reward that nobody set up is a tenant's setting, not what a sender gets wrong.
    let known = |amount: Option<&i64>, what: &str| {
        amount
            .copied()
            .ok_or_else(|| Refusal::bad(format!("{what} is not set up")))
    };
    match way {
        Way::Give(action) => known(account.actions.get(action), "actionId"),
        Way::RedeemReward(reward) => known(account.rewards.get(reward), "rewardId"),
        Way::Award(amount) | Way::Debit(amount) => Ok(*amount),
    }
}

fn move_points(person: &mut Person, way: &Way, amount: i64) -> Result<(), Refusal> {
    let had = person.points.is_some();
    let points = person.points.get_or_insert_with(Map::new);
    match way {
        Way::Give(_) | Way::Award(_) => {
            add(points, "availablePoints", amount);
            add(points, "lifetimePoints", amount);
        }
        Way::RedeemReward(_) | Way::Debit(_) => {
            if balance(points, "availablePoints") < amount {
                person.points = person.points.take().filter(|_| had);
                return Err(Refusal::too_poor());
            }
            add(points, "availablePoints", -amount);
            add(points, "usedPoints", amount);
            if matches!(way, Way::RedeemReward(_)) {
                add(points, "usedPointsOnReward", amount);
            }
        }
    }
    worth(points);
    Ok(())
}

fn balance(points: &Map<String, Value>, name: &str) -> i64 {
    let value = points.get(name).unwrap_or(&Value::Null);
    let text = value.as_str().and_then(|text| text.parse().ok());
    text.or_else(|| value.as_i64()).unwrap_or_default()
}

fn add(points: &mut Map<String, Value>, name: &str, amount: i64) {
    let sum = balance(points, name) + amount;
    points.insert(name.to_owned(), json!(sum.to_string()));
}

/// What the balance is worth follows the balance, where it is known at all.
fn worth(points: &mut Map<String, Value>) {
    let ratio = points.get("creditsToCurrencyRatio").unwrap_or(&Value::Null);
    let text = ratio
        .as_str()
        .map_or_else(|| ratio.to_string(), str::to_owned);
    if let (Ok(ratio), true) = (
        text.parse::<f64>(),
        points.contains_key("creditsToCurrencyValue"),
    ) {
        let available = balance(points, "availablePoints");
        let available = f64::from(i32::try_from(available).unwrap_or(i32::MAX));
        // Through its text a whole number stays whole, as the sample has it.
        let worth = (available * ratio).to_string();
        let worth = worth.parse::<Number>().map_or(Value::Null, Value::Number);
        points.insert("creditsToCurrencyValue".to_owned(), worth);
    }
}

fn activity(wanted: &Wanted, amount: i64, row: u64, now: Timestamp) -> Value {
    let is_credit = wanted.text("activity") == "CREDIT";
    let amount = amount.to_string();
    let (credit, debit) = if is_credit {
        (amount.as_str(), "")
    } else {
        ("", amount.as_str())
    };
    json!({
        "id": row,
        "activity": wanted.text("activity"),
        "credit": credit,
        "debit": debit,
        "orderId": wanted.text("orderId"),
        "actionId": wanted.text("actionId"),
        "rewardId": wanted.text("rewardId"),
        "reason": wanted.text("reason"),
        "createDate": pacific(now),
    })
}

/// The amount comes back as a number, an action's id too, the balances as text.
fn answer(person: &Person, wanted: &Wanted, amount: i64) -> Value {
    let mut shown = wanted.fields.clone();
    for name in ["actionId", "rewardId"] {
        if let Some(number) = shown
            .get(name)
            .and_then(Value::as_str)
            .and_then(|id| id.parse::<i64>().ok())
        {
            shown.insert(name.to_owned(), json!(number));
        }
    }
    if wanted.text("activity") == "CREDIT" {
        shown.insert("credit".to_owned(), json!(amount));
        shown.insert("pointsAwarded".to_owned(), json!(amount));
    } else {
        shown.insert("debit".to_owned(), json!(amount));
    }
    let tier = person
        .tiers
        .as_ref()
        .and_then(|tiers| tiers.get("currentTier"));
    shown.insert(
        "updatedUserTier".to_owned(),
        tier.cloned().unwrap_or_else(|| json!("")),
    );
    let empty = Map::new();
    let points = person.points.as_ref().unwrap_or(&empty);
    for (name, of) in [
        ("updatedAvailablePoints", "availablePoints"),
        ("updatedLifetimePoints", "lifetimePoints"),
    ] {
        shown.insert(name.to_owned(), json!(balance(points, of).to_string()));
    }
    Value::Object(shown)
}
