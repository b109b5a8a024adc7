//! What a Yotpo body says about the member.

use loyalty::{Kind, Patch, Private, Says, TierEntry};

use super::{body::At, captured, detail::tier};

/// What the event says about the member. `null` says "none" only where Yotpo documents null as a value; elsewhere it
/// says nothing.
pub(super) fn patch(kind: Kind, person: At, root: At) -> Patch {
    let mut patch = snapshot(person);
    patch.is_member = person
        .flag("is_member")
        .or_else(|| nested_is_member(person, root))
        .into();
    match kind {
        Kind::BirthdayCaptured => patch.birthday = captured::day(kind, root).into(),
        Kind::AnniversaryCaptured => patch.anniversary = captured::day(kind, root).into(),
        Kind::TierEarned | Kind::TierLost => tier_moved(&mut patch, kind, root),
        Kind::TierStatusChanged => tier_progress(&mut patch, root),
        Kind::PointsChanged if patch.points_available == Says::Nothing => {
            patch.points_available = root.int("current_balance").into();
        }
        _ => {}
    }
    patch
}

/// What joining or leaving says by itself: from now on, whatever older snapshots come after. Nobody who left may be
/// written to as a member, even if the snapshot that came along does not know of it yet.
pub(super) fn statement(kind: Kind, person: At) -> Patch {
    let opt_in = match kind {
        Kind::OptedIn => person.flag("is_opt_in").unwrap_or(true),
        Kind::OptedOut => false,
        _ => return Patch::default(),
    };
    Patch {
        opt_in: Says::Is(opt_in),
        enrolled_at: person.moment("loyalty_opt_in_date").into(),
        ..Patch::default()
    }
}

pub(super) fn snapshot(person: At) -> Patch {
    Patch {
        first_name: person.says("first_name", At::private),
        last_name: person.says("last_name", At::private),
        external_id: person
            .id("third_party_id")
            .or_else(|| person.id("thirty_party_id"))
            .map(Private::from)
            .into(),
        has_store_account: person.flag("has_store_account").into(),
        points_available: person.int("points_balance").into(),
        points_lifetime: person.int("points_earned").into(),
        points_expiring_on: person.says("points_expire_at", At::moment),
        credit_balance: person.private("credit_balance").into(),
        tier: person.says("vip_tier_name", At::text),
        tier_expires_at: person.says("vip_tier_ends_at", At::moment),
        opt_in: person.flag("is_opt_in").into(),
        enrolled_at: person.moment("loyalty_opt_in_date").into(),
        accepts_marketing: person.flag("accepts_marketing").into(),
        referral_url: person.private("referral_link").into(),
        referral_discount_code: person.says("referral_discount_code", At::private),
        referred_by: person.says("referred_by", At::email),
        is_affiliate: person.flag("is_affiliate").into(),
        spend_total: person.int("total_spend_cents").into(),
        purchases_count: person.int("total_purchases").into(),
        perks_count: person.int("perks_redeemed").into(),
        last_purchase_on: person.says("last_purchase_at", At::moment),
        last_seen_at: person.moment("last_seen_at").into(),
        ..Patch::default()
    }
}

fn nested_is_member(person: At, root: At) -> Option<bool> {
    [person, root]
        .iter()
        .find_map(|place| place.at("referral_code").at("customer").flag("is_member"))
}

/// A tier move names the tiers; the snapshot beside it may not know of the move yet, so the move has the word.
fn tier_moved(patch: &mut Patch, kind: Kind, root: At) {
    // The member's picture keeps what identifies a tier; its description and thresholds are the catalogue's.
    let identity = |tier: TierEntry| TierEntry {
        description: None,
        ..tier
    };
    let (new, old) = (tier(root.at("new_tier")), tier(root.at("old_tier")));
    patch.tier_previous = old.map_or(Says::None, |tier| Says::Is(identity(tier)));
    match new {
        Some(new) => {
            if let Some(name) = &new.name {
                patch.tier = Says::Is(name.clone());
            }
            patch.tier_entered = Says::Is(identity(new));
        }
        None if kind == Kind::TierLost => {
            patch.tier = Says::None;
            patch.tier_entered = Says::None;
        }
        None => {}
    }
}

fn tier_progress(patch: &mut Patch, root: At) {
    let figures = Figures {
        now: root.at("vip_stats"),
        keep: root.at("vip_stats_needed_maintain"),
        next: root.at("vip_stats_needed_next"),
    };
    tier_figures(patch, figures);
}

/// Where a body has the member's figures on the way between tiers.
#[derive(Clone, Copy)]
pub(super) struct Figures<'a> {
    /// What counts so far.
    pub(super) now: At<'a>,
    /// What is missing to keep the tier.
    pub(super) keep: At<'a>,
    /// What is missing for the next one.
    pub(super) next: At<'a>,
}

/// ASSUMED `yotpo-tier-needs`: the last two keys of the needs are `purchases_needed` and `referrals_needed`.
pub(super) fn tier_figures(patch: &mut Patch, Figures { now, keep, next }: Figures) {
    patch.points_qualified = now.either("pointsEarned", "points_earned").into();
    patch.tier_spend = now.either("amountSpentCents", "amount_spent_cents").into();
    patch.tier_purchases = now.either("purchasesMade", "purchases_made").into();
    patch.tier_referrals = now
        .either("referralsCompleted", "referrals_completed")
        .into();
    patch.keep_points = keep.either("pointsNeeded", "points_needed").into();
    patch.keep_spend = keep
        .either("amountCentsNeeded", "amount_cents_needed")
        .into();
    patch.keep_purchases = keep.either("purchasesNeeded", "purchases_needed").into();
    patch.keep_referrals = keep.either("referralsNeeded", "referrals_needed").into();
    patch.points_to_next = next.either("pointsNeeded", "points_needed").into();
    patch.spend_to_next = next
        .either("amountCentsNeeded", "amount_cents_needed")
        .into();
    patch.purchases_to_next = next.either("purchasesNeeded", "purchases_needed").into();
    patch.referrals_to_next = next.either("referralsNeeded", "referrals_needed").into();
}
