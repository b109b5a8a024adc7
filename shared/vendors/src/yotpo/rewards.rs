//! What points can be exchanged for: Yotpo's redemption options, as rewards with a price.

use loyalty::Reward;
use serde_json::Value;

use super::body::At;

/// How much of a list is kept, in bytes of text: a row of the table holds little more. Common lists are a hundredth of it.
const ROOM: usize = 250_000;

/// The rewards of a list; none where it cannot be such a list.
///
/// ASSUMED `yotpo-rest-rewards`: the list is one JSON array of options, all of them on one page, and each option's `amount`
/// is its price in points.
pub(super) fn rewards(list: &Value) -> Option<Vec<Reward>> {
    let options = list.as_array()?.iter().map(At::root);
    let options: Vec<At> = options.filter(|option| option.has("amount")).collect();
    // A list of something else is not an empty list.
    if options.is_empty() && list.as_array().is_some_and(|list| !list.is_empty()) {
        return None;
    }
    let mut left = ROOM;
    let rewards = options.into_iter().filter_map(reward).filter(|reward| {
        let texts = [&reward.name, &reward.description].into_iter().flatten();
        let size = texts.map(String::len).sum();
        let fits = size <= left;
        left = left.saturating_sub(if fits { size } else { 0 });
        fits
    });
    Some(rewards.collect())
}

/// An option with a fixed price, which a reminder can name.
fn reward(option: At) -> Option<Reward> {
    let amount = option.int("amount").filter(|price| *price > 0)?;
    let name = option.text("name")?;
    is_fixed(option).then(|| Reward {
        code: None,
        name: Some(name),
        description: option.text("description"),
        amount: Some(amount),
    })
}

/// ASSUMED `yotpo-reward-types`: an option whose `type` or `discount_type` has the word *variable* in it takes any number of
/// points, and one with the word *donation* gives the member nothing: no reminder is about these.
fn is_fixed(option: At) -> bool {
    let types = ["type", "discount_type"].into_iter();
    let mut types = types.filter_map(|key| option.text(key));
    !types.any(|own| {
        let own = own.to_ascii_lowercase();
        own.contains("variable") || own.contains("donation")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(list: &Value) -> Option<Vec<(String, i64)>> {
        let rewards = rewards(list)?.into_iter();
        let named = rewards.map(|reward| (reward.name.unwrap(), reward.amount.unwrap()));
        Some(named.collect())
    }

    #[test]
    fn an_option_with_a_fixed_price_is_a_reward() {
        let option = json!({
            "id": 77, "name": "50 kr off", "description": "50 kr off for 500 points", "icon": "fa-tag",
            "cost_text": "500 Points", "amount": 500, "type": "CouponRedemptionOption", "discount_type": "fixed_amount",
            "discount_amount_cents": 5000,
        });
        let expected = Reward {
            code: None,
            name: Some("50 kr off".to_owned()),
            description: Some("50 kr off for 500 points".to_owned()),
            amount: Some(500),
        };
        assert_eq!(rewards(&json!([option])), Some(vec![expected]));
    }

    #[test]
    fn what_a_reminder_cannot_name_is_left_out_and_its_neighbours_stay() {
        let good = json!({"name": "Good", "amount": 100});
        let odd = [
            json!({"name": "A gift", "amount": null}),
            json!({"name": "Free", "amount": 0}),
            json!({"name": "Less than nothing", "amount": -5}),
            json!({"name": "Half", "amount": 12.5}),
            json!({"name": "Words", "amount": "many"}),
            json!({"name": null, "amount": 100}),
            json!({"name": " ", "amount": 100}),
            json!({"name": "Any amount", "amount": 1, "discount_type": "variable"}),
            json!({"name": "Any amount", "amount": 1, "type": "GenericVariableCoupon"}),
            json!({"name": "To the forest", "amount": 100, "type": "Donation"}),
            json!({"name": "No price"}),
            json!("an option"),
            json!(null),
            json!([good]),
        ];
        for odd in odd {
            let listed = names(&json!([odd, good]));
            assert_eq!(listed, Some(vec![("Good".to_owned(), 100)]), "{odd}");
        }
        let text = names(&json!([{"name": "As text", "amount": "250", "discount_type": null}]));
        assert_eq!(text, Some(vec![("As text".to_owned(), 250)]));
    }

    #[test]
    fn an_empty_list_is_an_answer_and_anything_else_is_none() {
        assert_eq!(rewards(&json!([])), Some(Vec::new()));
        let unpriced = json!([{"name": "A gift", "amount": null}]);
        assert_eq!(rewards(&unpriced), Some(Vec::new()));
        for other in [
            json!({}),
            json!({"redemption_options": []}),
            json!(null),
            json!("x"),
            json!([1]),
            json!([{}]),
            json!([{"email": "kari@example.com"}]),
        ] {
            assert_eq!(rewards(&other), None, "{other}");
        }
    }

    #[test]
    fn what_is_kept_has_an_end() {
        let option = |at: usize| json!({"name": format!("{at}"), "description": "x".repeat(4_000), "amount": 1 + at});
        let options: Vec<Value> = (0..1_000).map(option).collect();
        let kept = rewards(&json!(options)).unwrap();
        assert!((50..100).contains(&kept.len()), "{}", kept.len());
        assert_eq!(kept[0].amount, Some(1));
    }
}
