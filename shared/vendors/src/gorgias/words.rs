//! What the card says of each kind of event, for a person at a support desk.

use loyalty::Kind;

/// A kind in words.
pub(super) const fn of(kind: Kind) -> &'static str {
    match kind {
        Kind::CouponAwarded => "Coupon awarded",
        Kind::CouponRedeemed => "Points exchanged for a coupon",
        Kind::Birthday => "Birthday",
        Kind::BirthdayCaptured => "Told their birthday",
        Kind::Anniversary => "Anniversary",
        Kind::AnniversaryCaptured => "Anniversary became known",
        Kind::DonationCreated => "Points donated",
        Kind::OptedIn => "Joined the programme",
        Kind::OptedOut => "Left the programme",
        Kind::PointsEarned => "Points earned",
        Kind::PointsReminder => "Reminded of a near reward",
        Kind::RedemptionReminder => "Reminded of a reward",
        Kind::ReferralLinkShared => "Was sent a referral link",
        Kind::ReferralShareReminder => "Reminded of a referral link",
        Kind::ReferralProductShared => "Was sent a product link",
        Kind::ReferralProductShareReminder => "Reminded of a product link",
        Kind::ReferralCompleted => "A friend bought",
        Kind::TierEarned => "Tier reached",
        Kind::TierLost => "Tier lost",
        Kind::TierStatusChanged => "Tier progress",
        Kind::PointsChanged => "Points changed",
        Kind::PointsDeducted => "Points deducted",
        Kind::PointsRedeemed => "Points redeemed",
        Kind::PointsExpired => "Points expired",
        Kind::MemberUpdated => "Data updated",
        Kind::MemberDeleted => "Removed from the programme",
        Kind::EnrolmentWanted => "Wrote to support",
        Kind::PointsOrdered => "Points changed by support",
    }
}
