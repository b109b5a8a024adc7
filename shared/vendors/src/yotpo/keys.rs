//! What makes two Yotpo deliveries the same event.

use jiff::civil::Date;
use loyalty::{
    Detail, Guard, Kind, MemberKey,
    due::{self, Due},
};

use super::body::At;

/// Everything that an event's natural key may be made of.
pub(super) struct Facts<'a> {
    pub(super) kind: Kind,
    pub(super) body: At<'a>,
    pub(super) person: &'a MemberKey,
    pub(super) detail: &'a Detail,
    /// The UTC day of the first arrival.
    pub(super) day: Date,
    /// The day of the first arrival, where the store is.
    pub(super) date: Date,
    pub(super) delivery: Option<&'a str>,
    /// A hash of the body, made only where nothing else names the event.
    pub(super) body_hash: &'a dyn Fn() -> String,
}

/// The parts of the natural key, and how long a second delivery is a repeat.
///
/// ASSUMED `yotpo-delivery-id`: the settings webhook may send no delivery id, so what an event is about names it first.
/// The delivery's own id is used only where the key would otherwise be a hash of the body, so that both of Yotpo's
/// webhook products name alike whatever has a name. Of what has none they would make two events, so a shop uses one.
pub(super) fn natural(facts: &Facts) -> (Vec<String>, Guard) {
    by_identity(facts)
        .map(|key| (key, Guard::Identity))
        .or_else(|| by_clock(facts))
        .or_else(|| by_day(facts).map(|key| (key, Guard::Day)))
        .unwrap_or_else(|| {
            let content = facts
                .delivery
                .map_or_else(facts.body_hash, |id| format!("delivery:{id}"));
            (
                vec![facts.kind.name().to_owned(), "body".to_owned(), content],
                Guard::Day,
            )
        })
}

/// A redemption or a perk has an id of its own. A birthday or an anniversary that gives one is an event of its own too:
/// whatever else was said of the day, the coupon must arrive.
fn by_identity(facts: &Facts) -> Option<Vec<String>> {
    let named = |object: &str| facts.body.at(object).id("id");
    let object = match facts.kind {
        Kind::Birthday | Kind::Anniversary => match named("redemption") {
            Some(_) => "redemption",
            None => "perk",
        },
        Kind::CouponAwarded | Kind::CouponRedeemed | Kind::DonationCreated => "redemption",
        Kind::PointsEarned | Kind::ReferralCompleted => "perk",
        _ => return None,
    };
    let id = named(object)?;
    Some(vec![facts.kind.name().to_owned(), object.to_owned(), id])
}

/// What the clock brings too has one key, whoever tells of it first. A gift is none of the clock's, even without an id.
fn by_clock(facts: &Facts) -> Option<(Vec<String>, Guard)> {
    let guard = match Due::of(facts.kind)? {
        due if due.is_yearly() && facts.detail.gives() => return None,
        due if due.is_yearly() => Guard::Identity,
        _ => Guard::Day,
    };
    let key = due::natural(facts.kind, facts.date, facts.person, facts.detail);
    Some((key, guard))
}

/// What happens to a person at most once a day, or is meant to count once a day.
fn by_day(facts: &Facts) -> Option<Vec<String>> {
    let sharer = || {
        let share = facts.detail.share.as_ref();
        let email = share.and_then(|share| share.from.email.as_ref());
        email.map_or_else(String::new, |email| email.expose().to_owned())
    };
    let product = || facts.body.id("product_id").unwrap_or_default();
    let tier = |key| facts.body.at(key).id("id").unwrap_or_default();
    let own = match facts.kind {
        Kind::ReferralLinkShared => vec![sharer()],
        Kind::ReferralProductShared => vec![sharer(), product()],
        Kind::OptedIn | Kind::OptedOut => {
            vec![
                facts
                    .body
                    .at("customer")
                    .text("loyalty_opt_in_date")
                    .unwrap_or_default(),
            ]
        }
        Kind::TierEarned | Kind::TierLost => vec![tier("new_tier"), tier("old_tier")],
        _ => return None,
    };
    let mut key = vec![
        facts.kind.name().to_owned(),
        facts.day.to_string(),
        facts.person.expose().to_owned(),
    ];
    key.extend(own);
    Some(key)
}
