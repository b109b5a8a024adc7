//! The kinds of event this product knows.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What happened. Each source has one table from its own events to these; destinations map these and never a
        /// source's topics.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Kind {
            $($(#[$doc])* $variant,)*
        }

        impl Kind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The kind's name in settings, messages and rows: lower case with underscores.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

kinds! {
    /// A coupon was given to the member, by a campaign.
    CouponAwarded = "coupon_awarded",
    /// The member exchanged points for a coupon.
    CouponRedeemed = "coupon_redeemed",
    /// It is the member's birthday.
    Birthday = "birthday",
    /// The member told their birthday.
    BirthdayCaptured = "birthday_captured",
    /// It is the member's anniversary.
    Anniversary = "anniversary",
    /// The member's anniversary became known.
    AnniversaryCaptured = "anniversary_captured",
    /// The member gave points to charity.
    DonationCreated = "donation_created",
    /// The person joined the programme.
    OptedIn = "opted_in",
    /// The person left the programme.
    OptedOut = "opted_out",
    /// The member earned points in a campaign.
    PointsEarned = "points_earned",
    /// An inactive member is close to a reward.
    PointsReminder = "points_reminder",
    /// An inactive member can afford a reward.
    RedemptionReminder = "redemption_reminder",
    /// A member sent a friend their link. The person concerned is the friend.
    ReferralLinkShared = "referral_link_shared",
    /// The friend has not bought yet. The person concerned is the friend.
    ReferralShareReminder = "referral_share_reminder",
    /// A member sent a friend a link to a product. The person concerned is the friend.
    ReferralProductShared = "referral_product_shared",
    /// The friend has not bought the product yet. The person concerned is the friend.
    ReferralProductShareReminder = "referral_product_share_reminder",
    /// A friend bought. The person concerned is the referrer.
    ReferralCompleted = "referral_completed",
    /// The member reached a tier.
    TierEarned = "tier_earned",
    /// The member fell out of a tier.
    TierLost = "tier_lost",
    /// The member's progress between tiers moved.
    TierStatusChanged = "tier_status_changed",
    /// The points balance changed for any reason.
    PointsChanged = "points_changed",
    /// Points were taken away by a person or a refund.
    PointsDeducted = "points_deducted",
    /// Points were spent.
    PointsRedeemed = "points_redeemed",
    /// Points expired.
    PointsExpired = "points_expired",
    /// Something about the member changed.
    MemberUpdated = "member_updated",
    /// The source deleted the member.
    MemberDeleted = "member_deleted",
    /// A customer wrote to support whom the programme does not know, and the store wants such customers as members.
    EnrolmentWanted = "enrolment_wanted",
    /// A person at the merchant ordered points to be given or taken.
    PointsOrdered = "points_ordered",
}

impl Kind {
    /// Whether the person themselves did something by it: bought by points, earned, took part. What expires, what a clerk
    /// puts right and what a reminder says is none of their doing.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(
            self,
            Self::CouponRedeemed
                | Self::DonationCreated
                | Self::OptedIn
                | Self::PointsEarned
                | Self::PointsRedeemed
                | Self::ReferralCompleted
        )
    }

    /// Whether the event is addressed to a friend who was sent a link, and not to a member.
    #[must_use]
    pub const fn addresses_friend(self) -> bool {
        matches!(
            self,
            Self::ReferralLinkShared
                | Self::ReferralShareReminder
                | Self::ReferralProductShared
                | Self::ReferralProductShareReminder
        )
    }
}

/// A name that is no [`Kind`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownKind(String);

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no kind of event; the kinds are ", self.0)?;
        for (i, kind) in Kind::ALL.iter().enumerate() {
            write!(f, "{}{}", if i == 0 { "" } else { ", " }, kind.name())?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownKind {}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

impl TryFrom<String> for Kind {
    type Error = UnknownKind;

    fn try_from(name: String) -> Result<Self, UnknownKind> {
        name.parse()
    }
}

impl From<Kind> for String {
    fn from(kind: Kind) -> Self {
        kind.name().to_owned()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
