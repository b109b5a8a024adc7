//! What must hold for every history of a member.

#![expect(clippy::unwrap_used, reason = "tests")]

use jiff::Timestamp;
use loyalty::{
    Alias, Detail, Email, Event, EventId, Guard, HashKey, Kind, Member, Moment, Patch, Role, Says,
    Stamp, StoreId, Who,
};
use proptest::prelude::*;

/// One piece of news, in the small: which keys it mentions, what it says of them, and how old it is.
#[derive(Debug, Clone)]
struct News {
    points: Says<i64>,
    tier: Says<String>,
    expires: Says<Moment>,
    contact: bool,
    as_of: i64,
    arrived: i64,
    /// Tells apart what is otherwise the same.
    number: u8,
}

fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn says<T: Clone + std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Says<T>> {
    prop_oneof![
        Just(()).prop_map(|()| Says::Nothing),
        Just(()).prop_map(|()| Says::None),
        value.prop_map(Says::Is)
    ]
}

fn news() -> impl Strategy<Value = News> {
    let points = says(-5..5_i64);
    let tier = says((0..3_u8).prop_map(|tier| tier.to_string()));
    let expires = says((0..3_i64).prop_map(|at| Moment::Instant(instant(at))));
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
            |(points, tier, expires, contact, as_of, arrived, number)| News {
                points,
                tier,
                expires,
                contact,
                as_of,
                arrived,
                number,
            },
        )
}

fn event(news: &News) -> Event {
    let (store, key) = (StoreId::parse("example").unwrap(), HashKey::new("key"));
    // The content is part of the id, as a body's hash is.
    let content = format!("{news:?} {}", news.number);
    Event {
        id: EventId::new(&key, &store, &[&content]),
        guard: Guard::Day,
        kind: Kind::PointsChanged,
        who: Who::Email(
            Email::parse("kari@example.com").unwrap(),
            news.contact.then(|| Alias {
                source: "yotpo".to_owned(),
                id: format!("c-{}", news.number % 3).into(),
            }),
        ),
        role: if news.contact {
            Role::Contact
        } else {
            Role::Member
        },
        patch: Patch {
            points_available: news.points,
            tier: news.tier.clone(),
            points_expiring_on: news.expires,
            ..Patch::default()
        },
        statement: Patch::default(),
        detail: Detail::default(),
        stamp: Stamp {
            as_of: instant(news.as_of),
            arrived: instant(news.arrived),
            hash: key.digest(&[content.as_bytes()]),
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
        let silent = News { points: Says::Nothing, ..last };
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
    fn two_who_become_one_are_the_same_whoever_is_merged_into_whom(
        news in proptest::collection::vec((news(), any::<bool>()), 0..16), again in any::<bool>()
    ) {
        let half = |which: bool| news.iter().filter(|(_, of)| *of == which).map(|(news, _)| event(news)).collect::<Vec<_>>();
        let (one, two) = (after(&half(true)), after(&half(false)));
        let merged = |mut into: Member, other: &Member| {
            into.merge(other.clone());
            into
        };
        let both = merged(one.clone(), &two);
        prop_assert_eq!(&both, &merged(two.clone(), &one), "whoever is merged into whom");
        prop_assert_eq!(&both, &merged(both.clone(), if again { &one } else { &two }), "however often");
        let all: Vec<_> = news.iter().map(|(news, _)| event(news)).collect();
        prop_assert_eq!(both, after(&all), "as if all had been heard of one person");
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
