//! Yotpo's topics, and which kind of event each is.

use loyalty::Kind;

use super::{Settings, body::At};

/// What a topic turns out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Event(Kind),
    /// The pool of coupon codes runs low: a notice to a person.
    BelowThreshold,
    Unknown,
}

/// Topics that are one kind whatever they carry.
const KINDS: [(&str, Kind); 19] = [
    ("swell/points/earned", Kind::PointsEarned),
    ("swell/points/changed", Kind::PointsChanged),
    ("swell/points/reminder", Kind::PointsReminder),
    ("swell/redemption/reminder", Kind::RedemptionReminder),
    ("swell/customer/birthday", Kind::Birthday),
    ("swell/customer/anniversary", Kind::Anniversary),
    ("loyalty/donation/created", Kind::DonationCreated),
    ("loyalty/opt_in", Kind::OptedIn),
    ("loyalty/opt_out", Kind::OptedOut),
    ("swell/referral/share", Kind::ReferralLinkShared),
    ("yotpo/referral/shared", Kind::ReferralLinkShared),
    ("swell/referral/share/reminder", Kind::ReferralShareReminder),
    (
        "loyalty/referral/product_share",
        Kind::ReferralProductShared,
    ),
    (
        "loyalty/referral/product_share/reminder",
        Kind::ReferralProductShareReminder,
    ),
    ("swell/referral/completed", Kind::ReferralCompleted),
    ("yotpo/referral/completed", Kind::ReferralCompleted),
    ("swell/tier/earned", Kind::TierEarned),
    ("swell/tier/lost", Kind::TierLost),
    ("swell/tier/status/changed", Kind::TierStatusChanged),
];

/// The topic of every issued coupon. A campaign's coupon carries its perk and is an award; without one the member
/// exchanged points.
const REDEMPTION_CREATED: &str = "swell/redemption/created";

const BELOW_THRESHOLD: &str = "swell/redemption_code/below_threshold";

/// Sorts a body by its topic. The store's own table goes first, so that a topic which Yotpo names differently than
/// assumed can be put right by a setting and replayed.
pub(super) fn sort(topic: &str, body: At, settings: Option<&Settings>) -> Topic {
    let topic = topic.trim();
    if let Some(kind) = settings.and_then(|settings| settings.topics.get(topic)) {
        return Topic::Event(*kind);
    }
    if topic == BELOW_THRESHOLD {
        return Topic::BelowThreshold;
    }
    if topic == REDEMPTION_CREATED {
        let awarded = body.at("perk").is_object();
        return Topic::Event(if awarded {
            Kind::CouponAwarded
        } else {
            Kind::CouponRedeemed
        });
    }
    let known = KINDS
        .iter()
        .find(|(name, _)| *name == topic)
        .map(|(_, kind)| *kind);
    known
        .or_else(|| captured(topic))
        .map_or(Topic::Unknown, Topic::Event)
}

/// ASSUMED `yotpo-captured-topics`: the topics for a captured birthday and anniversary are not public. A topic that
/// speaks of one of them without being the daily topic itself is taken for it when it is about capturing, and is kept
/// for replay otherwise.
fn captured(topic: &str) -> Option<Kind> {
    let topic = topic.to_ascii_lowercase();
    let about = |word: &str| topic.contains(word);
    // A future reminder or a cancelled gift would also speak of a birthday.
    if ["reminder", "expir", "cancel", "deleted", "removed"]
        .iter()
        .any(|word| about(word))
    {
        return None;
    }
    match (about("birthday"), about("anniversary")) {
        (true, false) => Some(Kind::BirthdayCaptured),
        (false, true) => Some(Kind::AnniversaryCaptured),
        _ => None,
    }
}

/// A topic as it may be shown in logs and rows. What does not look like one may be anything, an address included.
pub(super) fn shown(topic: &str) -> String {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-.".contains(&byte);
    let fits = topic.len() <= 100 && topic.bytes().all(letters);
    if fits {
        topic.to_owned()
    } else {
        "(not a topic's name)".to_owned()
    }
}

/// The topic under which Yotpo sends a kind; of two generations the older one. None for kinds that it does not send.
pub(super) fn topic_of(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::CouponAwarded | Kind::CouponRedeemed => Some(REDEMPTION_CREATED),
        Kind::BirthdayCaptured => Some("swell/customer/birthday/captured"),
        Kind::AnniversaryCaptured => Some("swell/customer/anniversary/captured"),
        kind => KINDS
            .iter()
            .find(|(_, known)| *known == kind)
            .map(|(topic, _)| *topic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(topic: &str, body: &serde_json::Value) -> Topic {
        sort(topic, At::root(body), None)
    }

    #[test]
    fn a_coupon_is_an_award_when_a_perk_came_with_it() {
        let award = serde_json::json!({"perk": {"id": 1}});
        let exchange = serde_json::json!({"perk": null});
        assert_eq!(
            sorted(REDEMPTION_CREATED, &award),
            Topic::Event(Kind::CouponAwarded)
        );
        assert_eq!(
            sorted(REDEMPTION_CREATED, &exchange),
            Topic::Event(Kind::CouponRedeemed)
        );
    }

    #[test]
    fn captured_topics_are_matched_by_what_they_speak_of() {
        let body = serde_json::json!({});
        for topic in [
            "swell/customer/birthday/captured",
            "loyalty/customer/birthday_captured",
            "swell/customer/birthday_captured",
            "yotpo/birthday/created",
        ] {
            assert_eq!(
                sorted(topic, &body),
                Topic::Event(Kind::BirthdayCaptured),
                "{topic}"
            );
            let twin = topic.replace("birthday", "anniversary");
            assert_eq!(
                sorted(&twin, &body),
                Topic::Event(Kind::AnniversaryCaptured),
                "{twin}"
            );
        }
        assert_eq!(
            sorted("swell/customer/birthday", &body),
            Topic::Event(Kind::Birthday)
        );
        assert_eq!(
            sorted("swell/customer/birthday/reminder", &body),
            Topic::Unknown
        );
        assert_eq!(sorted("swell/account/created", &body), Topic::Unknown);
    }

    #[test]
    fn the_stores_own_table_goes_first() {
        let settings = Settings {
            topics: [("swell/points/earned".to_owned(), Kind::PointsChanged)].into(),
            ..Settings::default()
        };
        let body = serde_json::json!({});
        assert_eq!(
            sort("swell/points/earned", At::root(&body), Some(&settings)),
            Topic::Event(Kind::PointsChanged)
        );
    }
}
