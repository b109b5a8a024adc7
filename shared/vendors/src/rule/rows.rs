//! The table of Rule's own integration: which tag and which fields each kind of event brings.
//!
//! Spellings are Rule's own, misspellings included: merchants' automations hang on them.

use loyalty::Kind;

use super::{Mode, fields::Group};

/// One line of the table.
pub(super) struct Row {
    /// The event's tag; none where the catch-all tag is the only one.
    pub(super) tag: Option<&'static str>,
    pub(super) groups: &'static [Group],
    pub(super) mode: Mode,
}

/// The line of a kind; none for kinds that Rule's integration does not know.
///
/// ASSUMED `rule-referral-rows`: Rule's own list has three rows for four referral events and its descriptions are shifted by
/// one. They are matched by name; the reminder of a shared link carries no product, so it brings the share's fields
/// beside the sharer's in the product's; a shared product has no row and brings its fields quietly under the catch-all
/// tag.
///
/// ASSUMED `rule-opt-out`: leaving the programme writes `Yotpo.OptIn` = `false` and the tag, and starts nothing.
pub(super) fn row(kind: Kind) -> Option<Row> {
    use Group::{
        Anniversary, Birthday, Customer, OptIn, Perk, PointsReminder, ProductShare,
        ReferralCompleted, ReferralShare, Reward, Tier, TierStats,
    };
    use Mode::{Quiet, Reset};
    let row = |tag, groups, mode| Some(Row { tag, groups, mode });
    match kind {
        Kind::CouponAwarded => row(Some("CouponAwarded"), &[Customer, Reward, Perk], Reset),
        Kind::CouponRedeemed => row(Some("CouponRedeemed"), &[Customer, Reward], Reset),
        Kind::Birthday => row(Some("Birthday"), &[Customer, Reward, Perk], Reset),
        Kind::BirthdayCaptured => row(None, &[Customer, Birthday], Quiet),
        Kind::Anniversary => row(Some("Anniversary"), &[Customer, Reward, Perk], Reset),
        Kind::AnniversaryCaptured => row(None, &[Customer, Anniversary], Quiet),
        Kind::DonationCreated => row(Some("DonationCreated"), &[Customer, Reward], Reset),
        Kind::OptedIn => row(Some("LoyaltyOptIn"), &[Customer, OptIn], Reset),
        Kind::OptedOut => row(Some("LoyaltyOptIn"), &[Customer, OptIn], Quiet),
        Kind::PointsEarned => row(Some("PointsEarned"), &[Customer, Perk], Reset),
        Kind::PointsReminder => row(
            Some("PointsReminder"),
            &[Customer, Reward, PointsReminder],
            Reset,
        ),
        Kind::RedemptionReminder => row(Some("RedemptionReminder"), &[Customer, Reward], Reset),
        Kind::ReferralLinkShared => row(Some("RefferlLinkShare"), &[ReferralShare], Reset),
        Kind::ReferralShareReminder => row(
            Some("ReferrelShareReminder"),
            &[ReferralShare, ProductShare],
            Reset,
        ),
        Kind::ReferralProductShared => row(None, &[ProductShare], Quiet),
        Kind::ReferralProductShareReminder => {
            row(Some("RefferlProductShareReminder"), &[ProductShare], Reset)
        }
        Kind::ReferralCompleted => row(
            Some("ReferrelCompleted"),
            &[Customer, Perk, ReferralCompleted],
            Reset,
        ),
        Kind::TierEarned => row(Some("VIP Tier Earned"), &[Customer, Tier], Reset),
        Kind::TierLost => row(Some("TierLost"), &[Customer, Tier], Reset),
        Kind::TierStatusChanged => row(Some("TierStatusChanged"), &[Customer, TierStats], Reset),
        Kind::PointsChanged
        | Kind::PointsDeducted
        | Kind::PointsRedeemed
        | Kind::PointsExpired
        | Kind::MemberUpdated
        | Kind::MemberDeleted
        | Kind::EnrolmentWanted
        | Kind::PointsOrdered => None,
    }
}
