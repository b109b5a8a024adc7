//! What happens to a member, as Yotpo tells it.

use serde_json::{Value, json};

pub(crate) const KARI: &str = "kari@example.com";

/// Points earned: starts an automation. `number` tells events apart.
pub(crate) fn earned(email: &str, number: i64, seen: &str, balance: i64) -> Value {
    json!({
        "topic": "swell/points/earned",
        "email": email,
        "customer": {"email": email, "points_balance": balance, "last_seen_at": seen},
        "perk": {"id": number, "reward_points": 1},
    })
}

/// Points changed: moves the picture and starts nothing.
pub(crate) fn changed(email: &str, seen: &str, balance: i64) -> Value {
    json!({
        "topic": "swell/points/changed",
        "email": email,
        "current_balance": balance,
        "customer": {"email": email, "points_balance": balance, "last_seen_at": seen},
    })
}
