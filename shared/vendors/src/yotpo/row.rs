//! What a member's row in Yotpo's REST interface says: the webhooks' snapshot, with some keys under other names and some in
//! another form.

use loyalty::{
    Event, EventId, Guard, HashKey, Kind, Moment, Patch, Role, Says, Stamp, StoreId, Who,
};

use super::{NAME, body::At, captured, patch};
use crate::Envelope;

/// The topic under which a row travels, ours: no vendor sends it.
pub(super) const TOPIC: &str = "bridge/customer/read";

/// The event that a row is: something about the member changed, or not. It is as old as the row's `last_seen_at`, else as
/// the moment at which it was asked for: news that arrives before the answer is newer then.
pub(super) fn event(
    (envelope, store, key): (&Envelope, &StoreId, &HashKey),
    row: At,
    who: Who,
) -> Event {
    let asked = envelope.arrived();
    let kind = Kind::MemberUpdated;
    let moment = asked.as_microsecond().to_string();
    // One reading is one event: the same words may be true once more later.
    let id = EventId::new(
        key,
        store,
        &[kind.name(), "read", who.key().expose(), &moment],
    );
    let (patch, fills) = says(row);
    let seen = row.moment("last_seen_at").and_then(|moment| match moment {
        Moment::Instant(instant) => Some(instant),
        Moment::Day(_) => None,
    });
    Event {
        guard: Guard::Identity,
        kind,
        role: Role::Member,
        patch,
        statement: Patch::default(),
        fills,
        detail: loyalty::Detail::default(),
        day: None,
        stamp: Stamp {
            as_of: seen.unwrap_or(asked).min(asked),
            arrived: asked,
            hash: id.as_str().chars().take(8).collect(),
            source: NAME.to_owned(),
        },
        id,
        who,
    }
}

/// What the row says, and what it says in another form than the webhooks do: that only fills. Otherwise the two would
/// contradict each other for ever, a day here and an instant there.
fn says(row: At) -> (Patch, Patch) {
    let mut patch = patch::snapshot(row);
    let mut fills = Patch::default();
    patch.is_member = row.flag("is_member").into();
    patch.opt_in = row.flag("opt_in").or_else(|| row.flag("is_opt_in")).into();
    patch.birthday = captured::birthday(row).into();
    if patch.enrolled_at == Says::Nothing {
        (patch.enrolled_at, fills.enrolled_at) = day_or_fill(row, "opted_in_at");
    }
    if patch.tier_expires_at == Says::Nothing {
        (patch.tier_expires_at, fills.tier_expires_at) = day_or_fill(row, "vip_tier_expiration");
    }
    if patch.points_expiring_on == Says::Nothing {
        fills.points_expiring_on = row.moment("next_points_expire_on").into();
    }
    patch.points_expiring = row.int("next_points_expire_amount").into();
    patch.tier_since = row.says("vip_tier_entry_date", At::moment);
    let figures = patch::Figures {
        now: row.at("vip_tier_actions_completed"),
        keep: row.at("vip_tier_maintenance_requirements"),
        next: row.at("vip_tier_upgrade_requirements"),
    };
    patch::tier_figures(&mut patch, figures);
    (patch, fills)
}

/// The webhooks write this key as a day. A day is the same word; an instant only fills.
fn day_or_fill(row: At, key: &str) -> (Says<Moment>, Says<Moment>) {
    match row.moment(key) {
        Some(moment @ Moment::Day(_)) => (Says::Is(moment), Says::Nothing),
        Some(moment @ Moment::Instant(_)) => (Says::Nothing, Says::Is(moment)),
        None => (Says::Nothing, Says::Nothing),
    }
}
