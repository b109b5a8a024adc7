//! What must hold for every history of a member.

use jiff::Timestamp;
use loyalty::{
    Detail, Email, Event, EventId, Guard, HashKey, Kind, Member, Moment, Patch, Role, Says, Stamp,
    StoreId, Who,
};
use proptest::prelude::*;

/// One piece of news, in the small: which keys it mentions, what it says of them, and how old it is.
#[derive(Debug, Clone)]
struct News {
    points: Option<i64>,
    tier: Option<Option<u8>>,
    expires: Option<Option<i64>>,
    contact: bool,
    as_of: i64,
    arrived: i64,
    id: u8,
}

fn news() -> impl Strategy<Value = News> {
    let points = proptest::option::of(-5..5_i64);
    let tier = proptest::option::of(proptest::option::of(0..3_u8));
    let expires = proptest::option::of(proptest::option::of(0..3_i64));
    // Few instants, so that many tie.
    (
        points,
        tier,
        expires,
        any::<bool>(),
        0..4_i64,
        0..4_i64,
        any::<u8>(),
    )
        .prop_map(
            |(points, tier, expires, contact, as_of, arrived, id)| News {
                points,
                tier,
                expires,
                contact,
                as_of,
                arrived,
                id,
            },
        )
}

fn event(news: &News) -> Event {
    let instant = |seconds| Timestamp::from_second(seconds).unwrap();
    let says = |value: Option<Option<String>>| match value {
        None => Says::Nothing,
        Some(None) => Says::None,
        Some(Some(value)) => Says::Is(value),
    };
    let store = StoreId::parse("example").unwrap();
    // Two pieces of news with one id are the same news: its content is part of the id, as a body's hash is.
    let content = format!("{news:?}");
    Event {
        id: EventId::new(&HashKey::new("key"), &store, &[&content]),
        guard: Guard::Day,
        kind: Kind::PointsChanged,
        who: Who::Email(Email::parse("kari@example.com").unwrap(), None),
        role: if news.contact {
            Role::Contact
        } else {
            Role::Member
        },
        patch: Patch {
            points_available: news.points.into(),
            tier: says(news.tier.map(|tier| tier.map(|tier| tier.to_string()))),
            points_expiring_on: match news.expires {
                None => Says::Nothing,
                Some(None) => Says::None,
                Some(Some(at)) => Says::Is(Moment::Instant(instant(at))),
            },
            ..Patch::default()
        },
        detail: Detail::default(),
        stamp: Stamp {
            as_of: instant(news.as_of),
            arrived: instant(news.arrived),
            hash: HashKey::new("key").digest(&[content.as_bytes()]),
            source: "yotpo".to_owned(),
        },
    }
}

fn after(events: &[Event]) -> Member {
    let mut member = Member::default();
    for event in events {
        member.hear(event);
    }
    member
}

proptest! {
    #[test]
    fn the_order_of_news_does_not_matter(
        (news, shuffled) in proptest::collection::vec(news(), 0..12)
            .prop_flat_map(|news| (Just(news.clone()), Just(news).prop_shuffle()))
    ) {
        let events = |news: &[News]| news.iter().map(event).collect::<Vec<_>>();
        prop_assert_eq!(after(&events(&news)), after(&events(&shuffled)));
    }

    #[test]
    fn a_repeat_changes_nothing(news in proptest::collection::vec(news(), 1..8), which in any::<prop::sample::Index>()) {
        let events: Vec<_> = news.iter().map(event).collect();
        let once = after(&events);
        let mut twice = once.clone();
        let change = twice.hear(&events[which.index(events.len())]);
        prop_assert!(change.is_empty());
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn news_never_wipes_what_it_does_not_mention(news in proptest::collection::vec(news(), 0..8), last in news()) {
        let before = after(&news.iter().map(event).collect::<Vec<_>>());
        let silent = News { points: None, ..last };
        let mut member = before.clone();
        member.hear(&event(&silent));
        prop_assert_eq!(member.points_available, before.points_available);
    }

    #[test]
    fn a_member_is_stored_and_read_back_as_it_is(news in proptest::collection::vec(news(), 0..8)) {
        let member = after(&news.iter().map(event).collect::<Vec<_>>());
        let stored = serde_json::to_string(&member).unwrap();
        let back: Member = serde_json::from_str(&stored).unwrap();
        prop_assert_eq!(back, member);
    }

    #[test]
    fn the_newest_word_is_kept(news in proptest::collection::vec(news(), 1..12)) {
        let events: Vec<_> = news.iter().map(event).collect();
        let member = after(&events);
        let newest = events.iter().filter(|event| event.patch.points_available != Says::Nothing).max_by(|a, b| a.stamp.cmp(&b.stamp));
        prop_assert_eq!(member.points_available.value(), newest.and_then(|event| event.patch.points_available.value()));
        prop_assert!(member.activities.len() <= 10);
    }
}
