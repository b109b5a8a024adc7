//! What must hold for every history of a member.

#![expect(clippy::unwrap_used, reason = "tests")]

use jiff::Timestamp;
use loyalty::{
    Alias, BalanceMove, Detail, Drift, Email, Event, EventId, Guard, HashKey, Kind, Member, Moment,
    Patch, Role, Says, Stamp, StoreId, Who,
};
use proptest::prelude::*;

/// One piece of news, in the small: which keys it mentions, what it says of them, and how old it is.
#[derive(Debug, Clone)]
struct News {
    points: Says<i64>,
    tier: Says<String>,
    expires: Says<Moment>,
    /// What it says in a form of its own.
    fills: Says<i64>,
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
    let fills = says(5..7_i64);
    // Few instants, so that many tie.
    (
        points,
        tier,
        expires,
        fills,
        any::<bool>(),
        0..4_i64,
        0..4_i64,
        any::<u8>(),
    )
        .prop_map(
            |(points, tier, expires, fills, contact, as_of, arrived, number)| News {
                points,
                tier,
                expires,
                fills,
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
        fills: Patch {
            points_lifetime: news.fills,
            points_available: news.fills,
            ..Patch::default()
        },
        detail: Detail::default(),
        day: None,
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
        let silent = News { points: Says::Nothing, fills: Says::Nothing, ..last };
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
        // What only fills has no say where anything else has been said.
        let fills = events.iter().filter(|event| event.fills.points_available != Says::Nothing);
        let filled = fills.max_by(|a, b| (a.stamp.arrived, &a.stamp.hash).cmp(&(b.stamp.arrived, &b.stamp.hash)));
        let expected = match newest {
            Some(event) if event.stamp.as_of > Timestamp::UNIX_EPOCH => event.patch.points_available.value(),
            Some(_) => return Ok(()),
            None => filled.and_then(|event| event.fills.points_available.value()),
        };
        prop_assert_eq!(member.points_available.value(), expected);
        prop_assert!(member.activities.len() <= 10);
    }

    #[test]
    fn who_has_heard_the_newest_word_has_no_drift_from_it(news in proptest::collection::vec(news(), 0..8), last in news()) {
        let last = News { as_of: 9, arrived: 9, ..last };
        let mut member = after(&news.iter().map(event).collect::<Vec<_>>());
        let (before, heard) = (member.drift(&event(&last)), event(&last));
        let change = member.hear(&heard);
        prop_assert!(member.drift(&heard) < Drift::Differs);
        prop_assert!(!change.facets.is_empty() || before < Drift::Differs, "a drift of this age is healed");
    }

    #[test]
    fn an_answer_that_was_asked_for_before_news_came_never_undoes_it(
        live in news(), read in news(), first in any::<bool>(), balance in 0..5_i64
    ) {
        // The question was sent before the news arrived, and the person was not seen since the news.
        let live = News { points: Says::Is(balance), as_of: live.as_of.max(read.as_of), arrived: read.arrived + 1, ..live };
        let both = if first { [event(&read), event(&live)] } else { [event(&live), event(&read)] };
        let member = after(&both);
        prop_assert_eq!(member.points_available.value(), Some(&balance));
    }
}

/// News that a balance moved, which came `age` seconds after what is known.
fn moved(before: i64, after: i64, age: i64) -> Event {
    let mut event = event(&News {
        points: Says::Is(after),
        tier: Says::Nothing,
        expires: Says::Nothing,
        fills: Says::Nothing,
        contact: false,
        as_of: 100 + age,
        arrived: 100 + age,
        number: 0,
    });
    event.detail.balance = Some(BalanceMove { before, after });
    event
}

#[test]
fn a_gap_is_a_balance_that_was_never_told() {
    // (known here, before, after, how much later than what is known, whether news is missing)
    let cases = [
        (Some(100), 100, 150, 1, false),
        (Some(100), 120, 150, 1, true),
        (Some(150), 120, 150, 1, false), // told already by other news of the same moment
        (Some(100), 0, 100, 1, false),
        (Some(0), 5, 10, 1, true),
        (Some(100), 120, 150, -1, false), // late
        (Some(100), 120, 150, 0, false),  // a repeat
        (None, 120, 150, 1, false),
    ];
    for (known, before, after, age, missing) in cases {
        let mut member = Member::default();
        if let Some(known) = known {
            member.hear(&moved(0, known, 0));
        }
        let event = moved(before, after, age);
        let event = if age == 0 {
            Event {
                stamp: moved(0, known.unwrap_or_default(), 0).stamp,
                ..event
            }
        } else {
            event
        };
        let case = format!("{known:?}: {before} -> {after}, {age} s later");
        assert_eq!(member.misses_news_before(&event), missing, "{case}");
        let other = Event {
            kind: Kind::PointsEarned,
            ..event
        };
        assert!(!member.misses_news_before(&other), "{case}: another kind");
    }
}
