//! A member as it is stored: every sort of value, said by one piece of news or by several.

#![expect(clippy::unwrap_used, reason = "tests")]

use jiff::Timestamp;
use loyalty::{DayOfYear, Email, Kept, Member, Patch, Says, Stamp, TierEntry};
use serde_json::{Value, json};

fn stamp(second: i64) -> Stamp {
    Stamp {
        as_of: Timestamp::from_second(second).unwrap(),
        arrived: Timestamp::from_second(second).unwrap(),
        hash: "news".to_owned(),
        source: "yotpo".to_owned(),
    }
}

/// One of each sort of value, and a key that there is none of.
fn patch() -> Patch {
    Patch {
        opt_in: Says::Is(true),
        points_available: Says::Is(-7),
        points_lifetime: Says::Is(i64::MAX),
        first_name: Says::Is("Kari".into()),
        last_name: Says::Is("17".into()),
        tier: Says::Is("Fjell".to_owned()),
        tier_ratio: Says::Is("1.50".parse().unwrap()),
        tier_entered: Says::Is(TierEntry {
            name: Some("Fjell".to_owned()),
            multiplier: Some("1.5".parse().unwrap()),
            ..TierEntry::default()
        }),
        tier_previous: Says::Is(TierEntry::default()),
        tier_expires_at: Says::Is("2026-12-31".parse().unwrap()),
        last_seen_at: Says::Is("2026-03-07T10:00:01Z".parse().unwrap()),
        birthday: Says::Is(DayOfYear::new(Some(1990), 2, 28).unwrap()),
        attributes: Says::Is([("shoe".to_owned(), "44".into())].into()),
        referred_by: Says::Is(Email::parse("ola@example.com").unwrap()),
        referral_discount_code: Says::None,
        ..Patch::default()
    }
}

fn stored(member: &Member) -> Value {
    serde_json::to_value(member).unwrap()
}

#[test]
fn every_sort_of_value_is_read_back_as_it_is() {
    let mut member = Member::default();
    member.apply(&patch(), &stamp(2));
    let told_at_once = member.clone();
    let later = Patch {
        points_available: Says::Is(3),
        referral_discount_code: Says::None,
        tier_ratio: Says::Is("2.0".parse().unwrap()),
        ..Patch::default()
    };
    member.apply(&later, &stamp(3));
    for member in [told_at_once, member] {
        let text = serde_json::to_string(&member).unwrap();
        assert_eq!(serde_json::from_str::<Member>(&text).unwrap(), member);
        assert_eq!(
            serde_json::from_value::<Member>(stored(&member)).unwrap(),
            member
        );
    }
}

#[test]
fn the_stamp_that_most_keys_share_is_named_by_none_of_them() {
    let mut member = Member::default();
    let first = Patch {
        points_available: Says::Is(1),
        ..Patch::default()
    };
    member.apply(&first, &stamp(1));
    let news = Patch {
        points_lifetime: Says::Is(2),
        tier: Says::None,
        ..Patch::default()
    };
    member.apply(&news, &stamp(2));
    let stored = stored(&member);
    assert_eq!(stored["points_available"], json!([1, 1]));
    assert_eq!(stored["points_lifetime"], json!(2));
    assert_eq!(stored["tier"], Value::Null);
    assert!(stored.as_object().unwrap().contains_key("tier"));
    assert_eq!(stored["stamps"][0][0], json!(2_000_000));
    assert_eq!(member.known().count(), 3);
}

#[test]
fn a_key_may_name_the_first_stamp_and_without_its_stamp_it_is_unknown() {
    let stamps = json!([stored_stamp()]);
    let row = json!({"role": "member", "stamps": stamps, "tier": ["Fjell", 0], "opt_in": [null, 0], "spend_total": [5, 1]});
    let member: Member = serde_json::from_value(row).unwrap();
    assert_eq!(member.tier, Kept::Is("Fjell".to_owned(), stamp(1)));
    assert_eq!(member.opt_in, Kept::None(stamp(1)));
    assert_eq!(member.spend_total, Kept::Unknown);
    let without = json!({"role": "member", "tier": "Fjell"});
    let member: Member = serde_json::from_value(without).unwrap();
    assert_eq!(member.tier, Kept::Unknown);
}

fn stored_stamp() -> Value {
    json!(stamp(1))
}

#[test]
fn a_value_of_another_sort_is_an_error() {
    for wrong in [
        json!("many"),
        json!(["many", 0]),
        json!({"a": 1}),
        json!([1]),
        json!([1, 0, 0]),
    ] {
        let row = json!({"role": "member", "stamps": [stored_stamp()], "points_available": wrong.clone()});
        assert!(serde_json::from_value::<Member>(row).is_err(), "{wrong}");
    }
}
