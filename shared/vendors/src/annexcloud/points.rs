//! `POST /points`: points given, taken and spent. There is no [`Booking`] that Annex Cloud's rules forbid.

use std::num::NonZeroU32;

use loyalty::{Moment, Ordered, PointsOrder};
use serde::Serialize;
use serde_json::Value;

use super::{DestinationSettings, body::At};
use crate::{Call, Method};

/// The most characters of a reason, and of the name of an action or a reward.
const LONGEST: usize = 200;

/// What a person ordered that cannot be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BookingError {
    /// There is no reason.
    #[error("`reason` is missing: every booking by a person says why")]
    NoReason,
    /// The reason is too long.
    #[error("`reason` is longer than {LONGEST} characters")]
    LongReason,
    /// There is no action.
    #[error("`action` is missing, and the store's `default_action` names none")]
    NoAction,
    /// There is no reward.
    #[error("`reward` is missing, and the store's `default_reward` names none")]
    NoReward,
    /// The action or the reward has no name that can be one.
    #[error("`{0}` is no id: 1 to {LONGEST} characters without spaces at its ends")]
    NoId(&'static str),
    /// More points than a store allows in one booking.
    #[error("`points` is {0}, and the store allows {1} in one booking (`max_points_per_call`)")]
    TooMany(u32, u32),
}

/// Where points are spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// In the shop on the web.
    Web,
    /// In a shop that has a door.
    Store,
}

/// One booking, about nobody yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking(What);

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// What an action is worth.
    Action(Id, Option<Words>),
    Award(NonZeroU32, Ground),
    Deduct(NonZeroU32, Ground),
    Redeem(NonZeroU32, Words, Option<Channel>),
    Reward(Id, Words, Option<Channel>),
}

/// What a custom amount is booked under. Without an action it must say why.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ground {
    Action(Id, Words),
    Reason(Words),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Id(String);

#[derive(Clone, PartialEq, Eq)]
struct Words(String);

/// A person's words may name another.
impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Words(…)")
    }
}

impl Id {
    fn new(key: &'static str, text: &str) -> Result<Self, BookingError> {
        let fits = !text.is_empty()
            && text == text.trim()
            && text.chars().count() <= LONGEST
            && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned()))
            .ok_or(BookingError::NoId(key))
    }
}

impl Words {
    fn new(text: &str) -> Result<Self, BookingError> {
        match text.trim() {
            "" => Err(BookingError::NoReason),
            text if text.chars().count() > LONGEST => Err(BookingError::LongReason),
            text => Ok(Self(text.to_owned())),
        }
    }
}

impl Booking {
    /// What a person at the merchant ordered, within what the store allows.
    ///
    /// # Errors
    /// What is wrong with the order.
    pub fn ordered(order: &Ordered, settings: &DestinationSettings) -> Result<Self, BookingError> {
        let reason = Words::new(order.reason.expose())?;
        let within = |points: NonZeroU32| {
            let most = settings.max_points_per_call;
            if points > most {
                Err(BookingError::TooMany(points.get(), most.get()))
            } else {
                Ok(points)
            }
        };
        let under = |action: &Option<String>| match given(
            action.as_deref(),
            settings.default_action.as_ref(),
        ) {
            Some(action) => Ok(Ground::Action(Id::new("action", action)?, reason.clone())),
            None => Ok(Ground::Reason(reason.clone())),
        };
        Ok(Self(match &order.what {
            PointsOrder::Action { action } => {
                let action = given(Some(action), settings.default_action.as_ref());
                let action = action.ok_or(BookingError::NoAction)?;
                What::Action(Id::new("action", action)?, Some(reason))
            }
            PointsOrder::Award { points, action } => What::Award(within(*points)?, under(action)?),
            PointsOrder::Deduct { points, action } => {
                What::Deduct(within(*points)?, under(action)?)
            }
            PointsOrder::Redeem { points } => {
                What::Redeem(within(*points)?, reason, settings.channel)
            }
            PointsOrder::Reward { reward } => {
                let reward = given(Some(reward), settings.default_reward.as_ref());
                let reward = reward.ok_or(BookingError::NoReward)?;
                What::Reward(Id::new("reward", reward)?, reason, settings.channel)
            }
        }))
    }

    /// What an action of the programme is worth.
    ///
    /// # Errors
    /// When the action has no name that can be one.
    pub fn action(action: &str) -> Result<Self, BookingError> {
        Ok(Self(What::Action(Id::new("action", action)?, None)))
    }

    /// The call that books it for a member. `order` is our own name of it, by which it is found again; `again` says that an
    /// earlier call may have booked it.
    ///
    /// ASSUMED `annexcloud-retry`: with `retry` an order that was booked before is not booked beside it.
    pub(super) fn call(&self, member: &str, order: &str, again: bool) -> Call {
        Call {
            method: Method::Post,
            path: "/points".to_owned(),
            // Text always serialises.
            body: serde_json::to_string(&Request {
                retry: again.then_some(true),
                ..self.request(member, order)
            })
            .ok(),
        }
    }

    fn request<'a>(&'a self, id: &'a str, order_id: &'a str) -> Request<'a> {
        let request = |activity| Request {
            id,
            action_id: None,
            activity,
            credit: None,
            debit: None,
            reward_id: None,
            reason: None,
            order_id,
            source: None,
            retry: None,
        };
        let amount = |points: &NonZeroU32| Some(points.to_string());
        match &self.0 {
            What::Action(action, reason) => Request {
                action_id: Some(&action.0),
                reason: reason.as_ref().map(|reason| reason.0.as_str()),
                ..request("CREDIT")
            },
            What::Award(points, ground) => Request {
                action_id: ground.action(),
                credit: amount(points),
                reason: Some(ground.reason()),
                ..request("CREDIT")
            },
            What::Deduct(points, ground) => Request {
                action_id: ground.action(),
                debit: amount(points),
                reason: Some(ground.reason()),
                ..request("DEBIT")
            },
            What::Redeem(points, reason, source) => Request {
                debit: amount(points),
                reason: Some(&reason.0),
                source: *source,
                ..request("DEBIT")
            },
            What::Reward(reward, reason, source) => Request {
                reward_id: Some(&reward.0),
                reason: Some(&reason.0),
                source: *source,
                ..request("DEBIT")
            },
        }
    }
}

impl Ground {
    fn action(&self) -> Option<&str> {
        match self {
            Self::Action(action, _) => Some(&action.0),
            Self::Reason(_) => None,
        }
    }

    fn reason(&self) -> &str {
        match self {
            Self::Action(_, reason) | Self::Reason(reason) => &reason.0,
        }
    }
}

fn given<'a>(own: Option<&'a str>, usual: Option<&'a String>) -> Option<&'a str> {
    let own = own.filter(|own| !own.trim().is_empty());
    own.or(usual.map(String::as_str))
}

/// The body of `POST /points`. Amounts are text.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_id: Option<&'a str>,
    activity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    credit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    debit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reward_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    order_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Channel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<bool>,
}

/// What Annex Cloud answers to a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Points that can be spent now.
    pub available: Option<i64>,
    /// Points ever earned.
    pub lifetime: Option<i64>,
    /// The tier now.
    pub tier: Option<String>,
    /// Points that the booking gave.
    pub awarded: Option<i64>,
    /// Points that it took.
    pub taken: Option<i64>,
    /// When points that are held are freed.
    pub freed: Option<Moment>,
}

impl Receipt {
    /// Reads an answer; none where it says nothing of points.
    #[must_use]
    pub fn read(answer: &Value) -> Option<Self> {
        let root = At::root(answer).unwrapped();
        let receipt = Self {
            available: root.points("updatedAvailablePoints"),
            lifetime: root.points("updatedLifetimePoints"),
            tier: root.text("updatedUserTier"),
            awarded: root
                .points("pointsAwarded")
                .or_else(|| root.points("credit")),
            taken: root.points("debit"),
            freed: root.when("releaseDate"),
        };
        let amounts = [
            receipt.available,
            receipt.lifetime,
            receipt.awarded,
            receipt.taken,
        ];
        amounts.iter().any(Option::is_some).then_some(receipt)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::Section;

    fn settings(document: Value) -> DestinationSettings {
        let mut faults = Vec::new();
        let settings = DestinationSettings::gather(Section::root(document, &mut faults));
        assert_eq!(faults, []);
        settings
    }

    fn some(points: u32) -> NonZeroU32 {
        NonZeroU32::new(points).unwrap()
    }

    fn booked(
        what: PointsOrder,
        reason: &str,
        settings: &DestinationSettings,
    ) -> Result<Value, BookingError> {
        let order = Ordered {
            what,
            reason: reason.into(),
        };
        let booking = Booking::ordered(&order, settings)?;
        let body = booking
            .call("ada@example.com", "order-1", false)
            .body
            .unwrap();
        Ok(serde_json::from_str(&body).unwrap())
    }

    #[test]
    fn each_order_has_one_form() {
        let plain = settings(json!({}));
        let usual =
            settings(json!({"default_action": "7", "default_reward": "31", "redeem_in": "store"}));
        let award = |action: Option<&str>| PointsOrder::Award {
            points: some(50),
            action: action.map(ToOwned::to_owned),
        };
        let deduct = PointsOrder::Deduct {
            points: some(20),
            action: None,
        };
        let redeem = PointsOrder::Redeem { points: some(300) };
        let action = |action: &str| PointsOrder::Action {
            action: action.to_owned(),
        };
        let reward = |reward: &str| PointsOrder::Reward {
            reward: reward.to_owned(),
        };
        let cases = [
            (
                &plain,
                action("100"),
                json!({"activity": "CREDIT", "actionId": "100"}),
            ),
            (
                &usual,
                action(" "),
                json!({"activity": "CREDIT", "actionId": "7"}),
            ),
            (
                &plain,
                award(None),
                json!({"activity": "CREDIT", "credit": "50"}),
            ),
            (
                &plain,
                award(Some("100")),
                json!({"activity": "CREDIT", "credit": "50", "actionId": "100"}),
            ),
            (
                &usual,
                award(None),
                json!({"activity": "CREDIT", "credit": "50", "actionId": "7"}),
            ),
            (
                &plain,
                deduct.clone(),
                json!({"activity": "DEBIT", "debit": "20"}),
            ),
            (
                &usual,
                deduct,
                json!({"activity": "DEBIT", "debit": "20", "actionId": "7"}),
            ),
            (
                &plain,
                redeem.clone(),
                json!({"activity": "DEBIT", "debit": "300"}),
            ),
            (
                &usual,
                redeem,
                json!({"activity": "DEBIT", "debit": "300", "source": "store"}),
            ),
            (
                &plain,
                reward("30"),
                json!({"activity": "DEBIT", "rewardId": "30"}),
            ),
            (
                &usual,
                reward(""),
                json!({"activity": "DEBIT", "rewardId": "31", "source": "store"}),
            ),
        ];
        for (settings, what, mut expected) in cases {
            for (key, value) in [
                ("id", "ada@example.com"),
                ("orderId", "order-1"),
                ("reason", "goodwill"),
            ] {
                expected[key] = value.into();
            }
            assert_eq!(booked(what, " goodwill ", settings), Ok(expected));
        }
        let of_action = Booking::action("100")
            .unwrap()
            .call("ada@example.com", "order-1", true)
            .body;
        let expected = r#"{"id":"ada@example.com","actionId":"100","activity":"CREDIT","orderId":"order-1","retry":true}"#;
        assert_eq!(of_action.as_deref(), Some(expected));
    }

    #[test]
    fn what_cannot_be_booked_says_why() {
        let plain = settings(json!({"max_points_per_call": 100}));
        let award = |points| PointsOrder::Award {
            points: some(points),
            action: None,
        };
        let action = |action: &str| PointsOrder::Action {
            action: action.to_owned(),
        };
        let reward = PointsOrder::Reward {
            reward: String::new(),
        };
        let redeem = PointsOrder::Redeem { points: some(101) };
        let long = "w".repeat(201);
        for (what, reason, error, names) in [
            (award(1), "  ", BookingError::NoReason, "`reason`"),
            (award(1), &long, BookingError::LongReason, "`reason`"),
            (
                award(101),
                "goodwill",
                BookingError::TooMany(101, 100),
                "`points`",
            ),
            (
                redeem,
                "goodwill",
                BookingError::TooMany(101, 100),
                "max_points_per_call",
            ),
            (
                action(""),
                "goodwill",
                BookingError::NoAction,
                "`default_action`",
            ),
            (
                action(" 100"),
                "goodwill",
                BookingError::NoId("action"),
                "`action`",
            ),
            (
                action("1\n0"),
                "goodwill",
                BookingError::NoId("action"),
                "`action`",
            ),
            (
                reward,
                "goodwill",
                BookingError::NoReward,
                "`default_reward`",
            ),
        ] {
            assert_eq!(booked(what, reason, &plain), Err(error));
            assert!(error.to_string().contains(names), "{error}");
        }
        assert!(booked(award(100), "goodwill", &plain).is_ok());
    }

    #[test]
    fn a_receipt_is_read_in_every_form() {
        let answer = json!({
            "id": "ada@example.com", "actionId": 100, "activity": "CREDIT", "credit": 50, "pointsAwarded": 45,
            "updatedUserTier": "Gold", "updatedAvailablePoints": "5170", "updatedLifetimePoints": "5870",
            "releaseDate": "2026-10-08T00:00:00-0700",
        });
        let expected = Receipt {
            available: Some(5_170),
            lifetime: Some(5_870),
            tier: Some("Gold".to_owned()),
            awarded: Some(45),
            taken: None,
            freed: "2026-10-08T07:00:00Z".parse().ok(),
        };
        assert_eq!(Receipt::read(&answer), Some(expected.clone()));
        assert_eq!(Receipt::read(&json!({ "Data": answer })), Some(expected));
        let taken = Receipt::read(&json!({"debit": "20"})).unwrap();
        assert_eq!((taken.taken, taken.awarded), (Some(20), None));
        assert_eq!(Receipt::read(&json!({"id": "ada@example.com"})), None);
        assert_eq!(Receipt::read(&json!([])), None);
    }

    fn order() -> impl Strategy<Value = Ordered> {
        let points = || (1..=2_000_u32).prop_map(some);
        let id = || "[ a-z0-9]{0,4}";
        let under = || proptest::option::of(id());
        let what = prop_oneof![
            id().prop_map(|action| PointsOrder::Action { action }),
            (points(), under()).prop_map(|(points, action)| PointsOrder::Award { points, action }),
            (points(), under()).prop_map(|(points, action)| PointsOrder::Deduct { points, action }),
            points().prop_map(|points| PointsOrder::Redeem { points }),
            id().prop_map(|reward| PointsOrder::Reward { reward }),
        ];
        (what, "[ a-z]{0,6}").prop_map(|(what, reason)| Ordered {
            what,
            reason: reason.into(),
        })
    }

    proptest! {
        /// Annex Cloud's own rules, for whatever a person may order.
        #[test]
        fn no_booking_breaks_a_rule(order in order()) {
            let settings = settings(json!({}));
            let Ok(booking) = Booking::ordered(&order, &settings) else {
                return Ok(());
            };
            let body = booking.call("ada@example.com", "order-1", false).body.unwrap();
            let body: Value = serde_json::from_str(&body).unwrap();
            let has = |key: &str| body.get(key).is_some();
            prop_assert!(has("id") && has("orderId"));
            prop_assert!(has("actionId") || has("reason"));
            match body["activity"].as_str().unwrap() {
                "CREDIT" => {
                    prop_assert!(has("credit") || has("actionId"));
                    prop_assert!(!has("debit") && !has("rewardId") && !has("source"));
                }
                _ => prop_assert!(has("debit") != has("rewardId") && !has("credit")),
            }
            for amount in ["credit", "debit"].map(|key| body.get(key)).into_iter().flatten() {
                let amount: u32 = amount.as_str().unwrap().parse().unwrap();
                prop_assert!((1..=1_000).contains(&amount));
            }
        }
    }
}
