//! What a person orders: read, and held against Annex Cloud's rules.

use std::num::NonZeroU32;

use loyalty::PointsOrder;
use vendors::{
    Fault, Section,
    annexcloud::{BookingError, DestinationSettings},
};

use crate::{asked, command::fault};

#[derive(Clone, Copy, PartialEq)]
enum What {
    Action,
    Award,
    Deduct,
    Redeem,
    Reward,
}

const WORDS: [(&str, Option<What>); 5] = [
    ("award", Some(What::Award)),
    ("deduct", Some(What::Deduct)),
    ("redeem", Some(What::Redeem)),
    ("reward", Some(What::Reward)),
    ("action", Some(What::Action)),
];

/// `what`, with the keys that it takes. A key that it does not take is a fault.
pub(super) fn what(section: &mut Section) -> Option<PointsOrder> {
    let is_said = section.has("what");
    let what = section.one_of("what", &WORDS, None);
    if !is_said {
        let words = WORDS.map(|(word, _)| word).join(", ");
        section.fault("what", format!("is missing; it is one of {words}"));
    }
    let points = points(section, what);
    let (action, reward) = (section.text("action"), section.text("reward"));
    let what = what?;
    let takes_action = matches!(what, What::Award | What::Deduct | What::Action);
    if action.is_some() && !takes_action {
        section.fault("action", "belongs to award, deduct and action alone");
    }
    if reward.is_some() && what != What::Reward {
        section.fault("reward", "belongs to reward alone");
    }
    Some(match what {
        What::Award => PointsOrder::Award {
            points: points?,
            action,
        },
        What::Deduct => PointsOrder::Deduct {
            points: points?,
            action,
        },
        What::Redeem => PointsOrder::Redeem { points: points? },
        What::Action => PointsOrder::Action {
            action: action.unwrap_or_default(),
        },
        What::Reward => PointsOrder::Reward {
            reward: reward.unwrap_or_default(),
        },
    })
}

/// `points`; none where they are missing, wrong, or not to be said.
fn points(section: &mut Section, what: Option<What>) -> Option<NonZeroU32> {
    let is_said = section.has("points");
    let asked = section.whole("points");
    match (what, is_said) {
        (Some(What::Action | What::Reward), true) => {
            section.fault(
                "points",
                "is not for you to say: the action or the reward says itself what it is worth",
            );
            None
        }
        (None | Some(What::Action | What::Reward), false) => None,
        (_, false) => {
            section.fault("points", "is missing");
            None
        }
        (_, true) => {
            let points = asked.and_then(|points| u32::try_from(points).ok());
            let points = points.and_then(NonZeroU32::new);
            if asked.is_some() && points.is_none() {
                section.fault("points", "must be 1 or more; `what` says the direction");
            }
            points
        }
    }
}

/// `why`, which cannot be left out: it stands in Annex Cloud as the booking's reason too.
pub(super) fn why(section: &mut Section) -> String {
    let why = asked::why(section);
    if why.trim().is_empty() {
        section.fault("why", "is missing: every booking by a person says why");
    }
    why
}

/// What is wrong with an order, by the command's own key.
pub(super) fn wrong(error: BookingError) -> Vec<Fault> {
    let path = match error {
        BookingError::NoReason | BookingError::LongReason => {
            return fault("why", error.to_string().replace("`reason`", "`why`"));
        }
        BookingError::NoAction => "action",
        BookingError::NoReward => "reward",
        BookingError::NoId(key) => key,
        BookingError::TooMany(..) => "points",
    };
    fault(path, error)
}

/// What an order counts towards the day. What an action or a reward is worth Annex Cloud alone knows: it counts as much as
/// the store allows in one booking.
pub(super) fn amount(order: &PointsOrder, limits: &DestinationSettings) -> NonZeroU32 {
    match order {
        PointsOrder::Award { points, .. }
        | PointsOrder::Deduct { points, .. }
        | PointsOrder::Redeem { points } => *points,
        PointsOrder::Action { .. } | PointsOrder::Reward { .. } => limits.max_points_per_call,
    }
}
