//! What a reading of Annex Cloud's interface says of a member: three answers, taken together as one body.

use loyalty::{
    Alias, Email, Event, EventId, Guard, HashKey, Kind, Patch, Private, Role, Says, Stamp,
    TierEntry, Who,
};
use serde_json::{Value, json};

use super::{NAME, answer::Said, body::At};
use crate::{Answer, Envelope, Members, Reason, Store, Told, frame::money};

/// The topic under which a reading travels, ours: no vendor sends it.
pub(super) const TOPIC: &str = "bridge/member/read";

const UNREADABLE: Answer = Answer::Unknown {
    reason: Reason::VendorError,
    after: None,
};

/// What stands in for the points of a member who has none.
fn no_points() -> Value {
    json!({"availablePoints": 0, "lifetimePoints": 0, "usedPoints": 0, "expiredPoints": 0, "holdPoints": 0})
}

/// What stands in for the tier of a member who has none.
fn no_tier() -> Value {
    json!({"currentTier": null})
}

/// One body of three answers; none when there is no such member.
///
/// A member without points or tier has none; a part that cannot be had says nothing, and is to be read again where it may
/// be had then.
pub(super) fn joined(user: Said, points: Said, tiers: Said) -> Told<Members> {
    let user = match user {
        Said::Told(user) if names_somebody(&user) => user,
        Said::Nobody => return Ok(Members::default()),
        // A success that names nobody comes from something in between, or the interface has changed.
        Said::Told(_) | Said::Exists => return Err(UNREADABLE),
        Said::Failed(answer) => return Err(answer),
    };
    let lacks = [&points, &tiers].into_iter().find_map(|part| match part {
        Said::Failed(Answer::Unknown { reason, .. }) => Some(*reason),
        _ => None,
    });
    let body = json!({
        "topic": TOPIC,
        "user": user,
        "points": part(points, no_points)?,
        "tiers": part(tiers, no_tier)?,
    });
    Ok(Members {
        bodies: vec![body.to_string().into_bytes()],
        next: None,
        lacks,
    })
}

fn names_somebody(user: &Value) -> bool {
    let user = At::root(user).unwrapped();
    user.person_id("id").is_some() || user.email("email").is_some()
}

/// A part of a reading. One for which we must wait is waited for; all else that fails leaves it out.
fn part(said: Said, none: impl Fn() -> Value) -> Told<Value> {
    match said {
        Said::Told(part) => Ok(part),
        Said::Nobody => Ok(none()),
        Said::Failed(answer @ Answer::Throttled { .. }) => Err(answer),
        Said::Exists | Said::Failed(_) => Ok(Value::Null),
    }
}

/// The event that a reading is: something about the member changed, or not. None when it names nobody. It is as old as
/// the moment at which it was asked for: points and tiers carry no date, and what is read is true when it is asked.
pub(super) fn event(
    envelope: &Envelope,
    body: &Value,
    store: &Store,
    key: &HashKey,
) -> Option<Event> {
    let root = At::root(body);
    let [user, points, tiers] = ["user", "points", "tiers"].map(|part| root.at(part).unwrapped());
    let who = who(user)?;
    let asked = envelope.arrived();
    let kind = Kind::MemberUpdated;
    let moment = asked.as_microsecond().to_string();
    // One reading is one event: the same words may be true once more later.
    let natural = [kind.name(), "read", NAME, who.key().expose(), &moment].map(ToOwned::to_owned);
    let id = EventId::new(key, &store.id, &natural.each_ref().map(String::as_str));
    let mut patch = Patch::default();
    says_user(&mut patch, user, store);
    says_points(&mut patch, points);
    says_tiers(&mut patch, tiers, points, store);
    Some(Event {
        guard: Guard::Identity,
        kind,
        role: Role::Member,
        patch,
        statement: Patch::default(),
        fills: Patch::default(),
        detail: loyalty::Detail::default(),
        day: None,
        stamp: Stamp {
            as_of: asked,
            arrived: asked,
            hash: id.as_str().chars().take(8).collect(),
            source: NAME.to_owned(),
        },
        id,
        who,
    })
}

/// An id that is an address names somebody whose address is not told.
fn who(user: At) -> Option<Who> {
    let id = user.person_id("id");
    let email = user.email("email");
    let email = email.or_else(|| Email::parse(id.as_deref()?).ok());
    let alias = id.map(|id| Alias {
        source: NAME.to_owned(),
        id: id.into(),
    });
    match email {
        Some(email) => Some(Who::Email(email, alias)),
        None => alias.map(Who::External),
    }
}

fn says_user(patch: &mut Patch, user: At, store: &Store) {
    patch.first_name = user.private("firstName").into();
    patch.last_name = user.private("lastName").into();
    patch.external_id = own_id(user).into();
    patch.phone = user.private("phone").into();
    patch.zip = user.private("zipCode").into();
    patch.avatar_url = picture(user).into();
    patch.member_status = user
        .text("status")
        .map(|status| status.trim().to_ascii_lowercase())
        .into();
    patch.attributes = user.attributes("extendedAttribute").into();
    patch.opt_in = user.word("optInStatus", "YES", "NO").into();
    patch.enrolled_at = user
        .when("createDate")
        .or_else(|| user.when("optInDate"))
        .into();
    patch.birthday = user
        .written_day("birthDate")
        .or_else(|| user.written_day("birthdate"))
        .into();
    patch.anniversary = user.written_day("anniversaryDate").into();
    patch.spend_total = spend(user, "totalSpendCurrency", store).into();
}

/// The shop's id of the person, unless the site calls people by their address.
fn own_id(user: At) -> Option<Private> {
    let id = user.person_id("id")?;
    Email::parse(&id).is_err().then(|| Private::from(id))
}

/// Only an https address: a card shows it.
fn picture(user: At) -> Option<Private> {
    let url = user.text("userProfileImageUrl")?;
    let url = url.trim();
    url.starts_with("https://").then(|| Private::from(url))
}

fn says_points(patch: &mut Patch, points: At) {
    patch.points_available = points.points("availablePoints").into();
    patch.points_lifetime = points.points("lifetimePoints").into();
    patch.points_used = points.points("usedPoints").into();
    patch.points_used_on_rewards = points.points("usedPointsOnReward").into();
    patch.points_expired = points.points("expiredPoints").into();
    patch.points_on_hold = points.points("holdPoints").into();
    patch.points_negative = points.points("negativePoints").into();
    patch.points_earned_in_period = points.points("earnedPoints").into();
    patch.points_earned_period = period(points, "earnedPointsPeriod").into();
    patch.points_spent_in_period = points.points("spendPoints").into();
    patch.points_spent_period = period(points, "spendPointsPeriod").into();
    patch.points_expiring = points.points("pointsToExpire").into();
    patch.points_expiring_on = says(points, "pointsToExpireDate", At::when);
    patch.points_ratio = points.decimal("creditsToCurrencyRatio").into();
    patch.points_value = points.decimal("creditsToCurrencyValue").into();
}

/// A period's name; Annex Cloud spells one of them in two ways.
fn period(points: At, key: &str) -> Option<String> {
    let name = points.text(key)?.trim().to_owned();
    Some(if name.eq_ignore_ascii_case("calenderYear") {
        "calendarYear".to_owned()
    } else {
        name
    })
}

/// ASSUMED `annexcloud-no-tier`: a tier whose name is null or empty is none.
fn says_tiers(patch: &mut Patch, tiers: At, points: At, store: &Store) {
    patch.tier = says(tiers, "currentTier", At::text);
    patch.tier_next = says(tiers, "nextTier", At::text);
    patch.tier_previous = says(tiers, "previousTier", |at, key| {
        at.text(key).map(|name| TierEntry {
            name: Some(name),
            ..TierEntry::default()
        })
    });
    patch.tier_since = tiers.when("tierAchieveDate").into();
    patch.tier_expires_at = says(tiers, "tierExpirationDate", At::when);
    patch.points_to_next = ["pointsToNextTier", "PointsToNextTier"]
        .into_iter()
        .find_map(|key| tiers.points(key))
        .or_else(|| points.points("pointsToNextTier"))
        .into();
    patch.spend_to_next = spend(tiers, "spendAmountToNextTier", store)
        .or_else(|| spend(points, "spendToNextTier", store))
        .into();
    patch.tier_ratio = tiers.decimal("currentTierPurchaseRatio").into();
    patch.tier_next_ratio = tiers.decimal("purchaseRatio").into();
}

/// ASSUMED `annexcloud-currency`: amounts are in units of the store's own currency.
fn spend(at: At, key: &str, store: &Store) -> Option<i64> {
    money::minor(at.decimal(key)?, &store.currency)
}

/// What a key says where null and empty text mean that there is none.
fn says<'a, T>(at: At<'a>, key: &str, read: impl Fn(At<'a>, &str) -> Option<T>) -> Says<T> {
    let blank = at
        .value()
        .and_then(|value| value.get(key))
        .is_some_and(|value| {
            value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
        });
    if blank {
        Says::None
    } else {
        read(at, key).into()
    }
}
