//! What a Yotpo event itself brought.

use loyalty::{
    BalanceMove, Detail, Email, Kind, Perk, PersonName, Product, Reward, Share, TierEntry, TierMove,
};

use super::body::At;

pub(super) fn detail(root: At, kind: Kind, sharer: Option<Email>) -> Detail {
    Detail {
        store_name: root.text("store_name"),
        reward: reward(root),
        perk: root.at("perk").object().map(perk),
        points_needed: root.int("points_needed"),
        share: kind.addresses_friend().then(|| share(root, sharer)),
        product: product(root),
        referred: root
            .at("referred_customer")
            .object()
            .map(|friend| PersonName {
                email: friend.email("email"),
                first_name: friend.private("first_name"),
                last_name: friend.private("last_name"),
            }),
        tiers: tiers(root, kind),
        balance: balance(root, kind),
        ordered: None,
        years: None,
    }
}

fn balance(root: At, kind: Kind) -> Option<BalanceMove> {
    if kind != Kind::PointsChanged {
        return None;
    }
    Some(BalanceMove {
        before: root.int("previous_balance")?,
        after: root.int("current_balance")?,
    })
}

/// The coupon and its catalogue entry; in the 2024 referral events both stand inside the perk.
fn reward(root: At) -> Option<Reward> {
    let nested = root.at("perk");
    let coupon = root.at("redemption").or(nested.at("redemption"));
    let option = root
        .at("redemption_option")
        .or(nested.at("redemption_option"));
    if !coupon.is_object() && !option.is_object() {
        return None;
    }
    Some(Reward {
        code: coupon.private("reward_text"),
        name: option.text("name"),
        description: option.text("description"),
        amount: option.int("amount"),
    })
}

fn perk(perk: At) -> Perk {
    Perk {
        id: perk.int("id"),
        campaign_id: perk.int("campaign_id"),
        points: perk.int("reward_points"),
        title: perk.text("history_title"),
    }
}

fn share(root: At, sharer: Option<Email>) -> Share {
    let customer = root.at("customer");
    Share {
        from: PersonName {
            email: sharer,
            first_name: customer.private("first_name"),
            last_name: customer.private("last_name"),
        },
        link: root.private("referral_link"),
    }
}

fn product(root: At) -> Option<Product> {
    let product = Product {
        link: root.private("product_referral_link"),
        id: root.text("product_id"),
        name: root.text("product_name"),
        image_url: root.text("image_url"),
    };
    (product != Product::default()).then_some(product)
}

fn tiers(root: At, kind: Kind) -> Option<TierMove> {
    matches!(kind, Kind::TierEarned | Kind::TierLost).then(|| TierMove {
        new: tier(root.at("new_tier")),
        old: tier(root.at("old_tier")),
    })
}

/// A tier and its thresholds.
pub(super) fn tier(tier: At) -> Option<TierEntry> {
    tier.object().map(|tier| TierEntry {
        id: tier.int("id"),
        name: tier.text("name"),
        description: tier.text("description"),
        points: tier.int("points_earned"),
        spend: tier.int("amount_spent_cents"),
        purchases: tier.int("purchases_made"),
        multiplier: tier.decimal("points_multiplier"),
        rank: tier.int("rank"),
    })
}
