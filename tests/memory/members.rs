//! Members over time: addresses that change, two who become one, people who are erased.

use std::{
    future::poll_fn,
    task::{Context, Poll},
};

use jiff::SignedDuration;
use loyalty::{Alias, Email};
use platform::Table as _;
use recording::{Failure, Recorded, erase::Whom, export};
use serde_json::{Value, json};
use vendors::{Message, Method, Outcome, Reason};

use crate::world::{Does, RULE_QUEUE, World};

pub(crate) const KARI: &str = "kari@example.com";
pub(crate) const NEW: &str = "kari.nordmann@example.com";

/// Points that this person earned by the perk of this number. Yotpo knows them by `id`.
pub(crate) fn earned(email: Option<&str>, id: Option<&str>, perk: i64) -> Value {
    json!({
        "topic": "swell/points/earned",
        "email": email,
        "customer": {
            "email": email, "third_party_id": id, "first_name": "Kari", "points_balance": perk,
            "last_seen_at": format!("2026-03-04T10:{:02}:00.000Z", perk % 60),
        },
        "perk": {"id": perk, "reward_points": 5},
    })
}

pub(crate) fn opt_in(email: &str, id: &str) -> Value {
    json!({
        "topic": "loyalty/opt_in",
        "email": email,
        "customer": {"email": email, "third_party_id": id, "is_opt_in": true, "last_seen_at": "2026-03-20T13:00:00.000Z"},
    })
}

fn is_moved(world: &World, from: &str, to: &str) {
    assert_eq!(world.row(from, "STATE")["moved_to"], to);
    let sync = world.rows(from);
    let sync = sync
        .iter()
        .filter(|row| row["sk"].as_str().unwrap().starts_with("SYNC#"));
    assert_eq!(sync.count(), 0, "what destinations know went along");
}

pub(crate) fn whom(email: &str) -> Whom {
    Whom::Email(Email::parse(email).unwrap())
}

/// Everything in the table that names this person in some way.
fn traces(world: &World, names: &[&str]) -> Vec<String> {
    let all = world.table.all();
    let shown = all.iter().map(|item| format!("{item:?}"));
    shown
        .filter(|row| names.iter().any(|name| row.contains(name)))
        .collect()
}

#[tokio::test]
async fn a_changed_address_takes_everything_along() {
    let world = World::new().await;
    world
        .record(&earned(Some(KARI), Some("c-1"), 10))
        .await
        .unwrap();
    world.settle().await;
    world
        .record(&earned(Some(NEW), Some("c-1"), 20))
        .await
        .unwrap();
    world.settle().await;
    is_moved(&world, KARI, NEW);
    assert_eq!(world.key(NEW, "points_available"), 20);
    assert_eq!(world.key(NEW, "first_name"), "Kari");
    assert_eq!(world.row(NEW, "STATE")["member"]["email"], NEW);
    assert_eq!(world.row(NEW, "STATE")["previous"][0]["key"], KARI);
    assert_eq!(
        world.row(NEW, "STATE")["member"]["activities"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let alias = world.partition("ALIAS#example#yotpo#c-1");
    assert_eq!(alias[0]["member"], NEW);
    assert!(
        !world.vendor.knows(KARI),
        "the vendor knows one person, by the new address"
    );
    assert_eq!(
        world.vendor.field(NEW, "Yotpo.PointsBalance").as_deref(),
        Some("20")
    );
    assert_eq!(world.vendor.count(Method::Put), 1);
    assert_eq!(world.vendor.started().len(), 2, "each event starts once");

    // Late news that still names the old address is the new one's.
    let mut late = earned(Some(KARI), Some("c-1"), 15);
    late["customer"]["last_name"] = json!("Nordmann");
    world.record(&late).await.unwrap();
    let nameless = earned(Some(KARI), None, 25);
    world.record(&nameless).await.unwrap();
    world.settle().await;
    is_moved(&world, KARI, NEW);
    assert_eq!(world.key(NEW, "points_available"), 25);
    assert_eq!(world.row(NEW, "STATE")["member"]["email"], NEW);
    assert!(!world.vendor.knows(KARI));
}

#[tokio::test]
async fn an_address_that_changes_and_changes_back_during_a_push_ends_where_it_should() {
    let world = World::new().await;
    world
        .record(&earned(Some(KARI), Some("c-1"), 10))
        .await
        .unwrap();
    world.settle().await;
    for (now, next, perk) in [(KARI, NEW, 20), (NEW, KARI, 30)] {
        // The request arrives, its answer does not: its holder's lease lasts.
        world
            .record(&earned(Some(now), Some("c-1"), perk + 1))
            .await
            .unwrap();
        world.vendor.will(Does::BooksInSilence);
        world.push().await;
        let changed = earned(Some(next), Some("c-1"), perk + 2);
        let delivery = world.delivery("example", changed.to_string().as_bytes());
        world.clock.advance(SignedDuration::from_millis(1));
        let busy = world.recorder.record(vec![delivery.clone()]).await;
        assert_eq!(
            busy,
            [Err(Failure(Reason::LeaseHeld))],
            "a push is under way"
        );
        assert_eq!(
            world.row(now, "STATE")["member"]["email"],
            now,
            "nothing was begun"
        );
        world.clock.advance(SignedDuration::from_mins(3));
        world
            .recorder
            .record(vec![delivery])
            .await
            .remove(0)
            .unwrap();
        world.settle().await;
        is_moved(&world, now, next);
        assert_eq!(world.key(next, "points_available"), perk + 2);
        let balance = world.vendor.field(next, "Yotpo.PointsBalance");
        assert_eq!(balance, Some((perk + 2).to_string()));
        assert!(!world.vendor.knows(now));
    }
    let mut started = world.vendor.started();
    assert_eq!(started.len(), 5, "each event starts once");
    started.sort();
    started.dedup();
    assert_eq!(started.len(), 5);
    let previous = world.row(KARI, "STATE")["previous"].clone();
    assert_eq!(previous.as_array().unwrap().len(), 1);
    assert_eq!(previous[0]["key"], NEW);
}

#[tokio::test]
async fn the_order_of_arrival_does_not_decide_which_address_is_the_newer() {
    let mut ends = Vec::new();
    for order in [[10, 20], [20, 10]] {
        let world = World::new().await;
        for perk in order {
            let email = if perk == 10 { KARI } else { NEW };
            world
                .record(&earned(Some(email), Some("c-1"), perk))
                .await
                .unwrap();
        }
        world.settle().await;
        is_moved(&world, KARI, NEW);
        ends.push((
            world.key(NEW, "points_available"),
            world.row(NEW, "STATE")["member"]["activities"].clone(),
        ));
    }
    assert_eq!(ends[0], ends[1]);
    assert_eq!(ends[0].0, 20);
}

/// Kari gave her address up; somebody else has it by now, and is heard of.
async fn given_up_and_taken(id: &str) -> World {
    let world = World::new().await;
    for (email, perk) in [("before@example.com", 5), (KARI, 10), (NEW, 20)] {
        let event = earned(Some(email), Some("c-1"), perk);
        world.record(&event).await.unwrap();
    }
    world.settle().await;
    let mut taken = earned(Some(KARI), Some(id), 30);
    taken["customer"]["first_name"] = json!("Ola");
    world.record(&taken).await.unwrap();
    world.settle().await;
    world
}

#[tokio::test]
async fn an_address_that_was_given_up_may_be_somebody_elses_now() {
    let world = given_up_and_taken("c-9").await;
    let is_apart = || {
        assert_eq!(world.key(KARI, "first_name"), "Ola");
        assert_eq!(world.key(KARI, "points_available"), 30);
        let balance = world.vendor.field(KARI, "Yotpo.PointsBalance");
        assert_eq!(balance.as_deref(), Some("30"));
        assert_eq!(world.key(NEW, "first_name"), "Kari");
        assert_eq!(
            world.partition("ALIAS#example#yotpo#c-9")[0]["member"],
            KARI
        );
    };
    is_apart();
    let previous = world.row(NEW, "STATE")["previous"].clone();
    assert_eq!(previous.as_array().unwrap().len(), 1);
    assert_eq!(previous[0]["key"], "before@example.com");

    // Late news of the one who had it before is theirs, also where it comes along with the other's.
    let late = earned(Some(KARI), Some("c-1"), 15);
    let older = earned(Some("before@example.com"), None, 25);
    let own = earned(Some(KARI), Some("c-9"), 30);
    let batch =
        [&late, &own, &older].map(|body| world.delivery("example", body.to_string().as_bytes()));
    world.clock.advance(SignedDuration::from_millis(1));
    for (result, delivery) in world
        .recorder
        .record(batch.to_vec())
        .await
        .into_iter()
        .zip(batch)
    {
        if result == Err(Failure(Reason::LeaseHeld)) {
            world
                .recorder
                .record(vec![delivery])
                .await
                .remove(0)
                .unwrap();
        }
    }
    world.settle().await;
    is_apart();
    assert_eq!(world.key(NEW, "points_available"), 25);

    let store = world.store("example").await;
    world
        .eraser()
        .erase(&store, &whom(NEW), None)
        .await
        .unwrap();
    finish(&world).await;
    is_apart_after_erasure(&world).await;
}

async fn is_apart_after_erasure(world: &World) {
    assert_eq!(world.key(KARI, "first_name"), "Ola");
    assert!(!world.vendor.fields(KARI).is_empty());
    let news = earned(Some(KARI), Some("c-9"), 40);
    assert_eq!(
        world.record(&news).await,
        Ok(Recorded::Event { repeat: false })
    );
    assert_eq!(world.key(KARI, "points_available"), 40);
}

#[tokio::test]
async fn what_waits_under_an_address_that_was_given_up_is_not_sent_to_who_has_it_now() {
    let world = World::new().await;
    let first = earned(Some(KARI), Some("c-1"), 10);
    world.record(&first).await.unwrap();
    let waiting = world.queue.take(RULE_QUEUE);
    for (email, id, perk) in [(NEW, "c-1", 20), (KARI, "c-9", 30)] {
        let event = earned(Some(email), Some(id), perk);
        world.record(&event).await.unwrap();
    }
    world.settle().await;
    let started = world.vendor.started().len();
    world.bring_back(waiting);
    world.settle().await;
    assert_eq!(world.vendor.started().len(), started);
}

#[tokio::test]
async fn who_was_erased_is_not_brought_back_by_an_address_that_was_given_up() {
    let world = World::new().await;
    let third = "third@example.com";
    world
        .record(&earned(Some(third), Some("c-9"), 5))
        .await
        .unwrap();
    for (email, perk) in [(KARI, 10), (NEW, 20)] {
        world
            .record(&earned(Some(email), Some("c-1"), perk))
            .await
            .unwrap();
    }
    world.settle().await;
    let store = world.store("example").await;
    world
        .eraser()
        .erase(&store, &whom(third), None)
        .await
        .unwrap();
    finish(&world).await;
    let late = earned(Some(KARI), Some("c-9"), 30);
    assert_eq!(world.record(&late).await, Ok(Recorded::Erased));
    is_moved(&world, KARI, NEW);
}

#[tokio::test]
async fn older_news_of_an_address_that_was_given_up_stays_with_who_had_it() {
    let world = World::new().await;
    for (email, id, perk) in [(KARI, "c-1", 10), (NEW, "c-1", 20), (KARI, "c-9", 15)] {
        world
            .record(&earned(Some(email), Some(id), perk))
            .await
            .unwrap();
    }
    is_moved(&world, KARI, NEW);
}

#[tokio::test]
async fn somebody_known_gets_an_address_that_was_given_up() {
    let world = World::new().await;
    let third = "third@example.com";
    for (email, id, perk) in [
        (KARI, "c-1", 10),
        (NEW, "c-1", 20),
        (third, "c-9", 25),
        (KARI, "c-9", 30),
    ] {
        world
            .record(&earned(Some(email), Some(id), perk))
            .await
            .unwrap();
        world.settle().await;
    }
    is_moved(&world, third, KARI);
    assert_eq!(world.key(KARI, "points_available"), 30);
    assert_eq!(world.key(NEW, "points_available"), 20);
}

#[tokio::test]
async fn two_people_become_one() {
    let world = World::new().await;
    // Two addresses, of which nobody knows yet that they are one person's.
    world
        .record(&earned(Some(KARI), Some("c-1"), 10))
        .await
        .unwrap();
    let mut other = earned(Some(NEW), None, 11);
    other["customer"]["last_name"] = json!("Nordmann");
    world.record(&other).await.unwrap();
    world.settle().await;
    assert!(world.vendor.knows(KARI) && world.vendor.knows(NEW));
    world
        .record(&earned(Some(NEW), Some("c-1"), 20))
        .await
        .unwrap();
    let outcomes = world.settle().await;
    assert!(
        outcomes.iter().all(|outcome| *outcome == Outcome::Sent),
        "{outcomes:?}"
    );
    is_moved(&world, KARI, NEW);
    let state = world.row(NEW, "STATE");
    assert_eq!(state["member"]["activities"].as_array().unwrap().len(), 3);
    assert_eq!(world.key(NEW, "last_name"), "Nordmann");
    assert_eq!(
        world.vendor.count(Method::Put),
        0,
        "the vendor has both: none is renamed"
    );
    assert_eq!(
        world.vendor.field(NEW, "Yotpo.PointsBalance").as_deref(),
        Some("20")
    );
    assert_eq!(
        world.vendor.field(NEW, "Subscriber.LastName").as_deref(),
        Some("Nordmann")
    );
    assert_eq!(world.vendor.started().len(), 3);
}

#[tokio::test]
async fn an_id_that_every_guest_has_makes_nobody_one() {
    for id in ["0", "Guest", "null"] {
        let world = World::new().await;
        for (perk, email) in [(1, KARI), (2, NEW)] {
            let event = earned(Some(email), Some(id), perk);
            world.record(&event).await.unwrap();
        }
        for email in [KARI, NEW] {
            assert!(world.row(email, "STATE")["member"].is_object(), "{id}");
        }
    }
}

#[tokio::test]
async fn a_person_known_by_an_id_alone_gets_an_address() {
    let world = World::new().await;
    world.record(&earned(None, Some("c-1"), 10)).await.unwrap();
    let outcomes = world.settle().await;
    assert_eq!(outcomes, [Outcome::Skipped(Reason::NoAddress)]);
    world
        .record(&earned(Some(KARI), Some("c-1"), 20))
        .await
        .unwrap();
    world.record(&earned(None, Some("c-1"), 30)).await.unwrap();
    world.settle().await;
    is_moved(&world, "yotpo:c-1", KARI);
    assert_eq!(world.key(KARI, "points_available"), 30);
    assert_eq!(
        world.row(KARI, "STATE")["member"]["activities"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(
        world.vendor.field(KARI, "Yotpo.PointsBalance").as_deref(),
        Some("30")
    );
}

#[tokio::test]
async fn a_repeat_after_a_rename_stays_a_repeat() {
    let world = World::new().await;
    let first = earned(Some(KARI), Some("c-1"), 10);
    world.record(&first).await.unwrap();
    world
        .record(&earned(Some(NEW), Some("c-1"), 10 + 60))
        .await
        .unwrap();
    world.settle().await;
    is_moved(&world, KARI, NEW);
    // The same seen-at as the newer one's: without its first arrival the repeat would be the newest word.
    for _ in 0..2 {
        world.clock.advance(SignedDuration::from_hours(20));
        assert_eq!(
            world.record(&first).await,
            Ok(Recorded::Event { repeat: true })
        );
        world.settle().await;
        is_moved(&world, KARI, NEW);
        assert_eq!(
            world.key(NEW, "points_available"),
            70,
            "a repeat keeps its first arrival"
        );
        assert_eq!(world.vendor.started().len(), 2, "nothing starts twice");
    }
    // Thirty days on its guard has ended, as without a rename.
    world.clock.advance(SignedDuration::from_hours(31 * 24));
    assert_eq!(
        world.record(&first).await,
        Ok(Recorded::Event { repeat: false })
    );
}

#[tokio::test]
async fn what_was_claimed_under_the_address_before_stays_claimed() {
    for booked in [true, false] {
        let world = World::new().await;
        world
            .record(&earned(Some(KARI), Some("c-1"), 10))
            .await
            .unwrap();
        world.settle().await;
        world
            .record(&earned(Some(KARI), Some("c-1"), 20))
            .await
            .unwrap();
        world.vendor.will(if booked {
            Does::BooksInSilence
        } else {
            Does::Breaks
        });
        world.push().await;
        let held = world.hold();
        // Nobody heard how it ended. The person gets another address, and only then the message comes back.
        world.clock.advance(SignedDuration::from_mins(5));
        world
            .record(&earned(Some(NEW), Some("c-1"), 30))
            .await
            .unwrap();
        world.settle().await;
        world.bring_back(held);
        world.settle().await;
        let mut started = world.vendor.started();
        assert_eq!(started.len(), 3, "booked {booked}: each event starts once");
        started.sort();
        started.dedup();
        assert_eq!(started.len(), 3, "booked {booked}: and none twice");
        assert_eq!(
            world.vendor.field(NEW, "Yotpo.PointsBalance").as_deref(),
            Some("30")
        );
    }
}

#[tokio::test]
async fn a_vendor_that_does_not_rename_gets_a_person_of_their_own() {
    let world = World::new().await;
    world
        .record(&earned(Some(KARI), Some("c-1"), 10))
        .await
        .unwrap();
    world.settle().await;
    // Somebody at the merchant has made a subscriber with the new address.
    world.vendor.set_field(NEW, "Subscriber.FirstName", "Kari");
    world
        .record(&earned(Some(NEW), Some("c-1"), 20))
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(world.vendor.count(Method::Put), 1);
    assert_eq!(
        world.vendor.field(NEW, "Yotpo.PointsBalance").as_deref(),
        Some("20")
    );
    assert_eq!(world.vendor.started().len(), 2);
    world
        .record(&earned(Some(NEW), Some("c-1"), 30))
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(world.vendor.count(Method::Put), 1, "it is asked once");
}

#[tokio::test]
async fn a_rename_that_is_cut_off_anywhere_ends_the_same() {
    for (effect, once) in [(false, false), (true, false), (false, true), (true, true)] {
        for k in 1.. {
            let place = format!("call {k}, effect {effect}, once {once}");
            let world = World::new().await;
            world
                .record(&earned(Some(KARI), Some("c-1"), 10))
                .await
                .unwrap();
            world.record(&earned(Some(NEW), None, 11)).await.unwrap();
            world.settle().await;
            let changed = earned(Some(NEW), Some("c-1"), 20).to_string();
            let changed = world.delivery("example", changed.as_bytes());
            world.clock.advance(SignedDuration::from_millis(1));
            if once {
                world.fuse.fail_once(k, effect);
            } else {
                world.fuse.arm(k, effect);
            }
            world.recorder.record(vec![changed.clone()]).await;
            world.push().await;
            let reached = world.fuse.reached();
            world.fuse.mend();
            world.settle().await;
            world.clock.advance(SignedDuration::from_mins(6));
            world
                .recorder
                .record(vec![changed])
                .await
                .remove(0)
                .unwrap();
            world.settle().await;
            is_moved(&world, KARI, NEW);
            let state = world.row(NEW, "STATE");
            assert_eq!(
                state["member"]["activities"].as_array().unwrap().len(),
                3,
                "{place}"
            );
            assert_eq!(state["previous"].as_array().unwrap().len(), 1, "{place}");
            assert_eq!(
                world.vendor.field(NEW, "Yotpo.PointsBalance").as_deref(),
                Some("20"),
                "{place}"
            );
            let mut started = world.vendor.started();
            assert_eq!(started.len(), 3, "{place}");
            started.sort();
            started.dedup();
            assert_eq!(started.len(), 3, "{place}");
            if reached < k {
                assert!(k > 12, "a rename and its push make more calls than that");
                break;
            }
        }
    }
}

#[tokio::test]
async fn an_ordinary_event_of_a_member_with_an_id_asks_for_nothing_more() {
    let world = World::new().await;
    world
        .record(&earned(Some(KARI), Some("c-1"), 10))
        .await
        .unwrap();
    world.table.take_usage();
    world
        .record(&earned(Some(KARI), Some("c-1"), 20))
        .await
        .unwrap();
    assert_eq!(world.table.take_usage().requests, 3, "one read, two writes");
}

/// Erases until nothing is left to do, as upkeep does.
pub(crate) async fn finish(world: &World) {
    let store = world.store("example").await;
    for _ in 0..4 {
        world.settle().await;
        world.clock.advance(SignedDuration::from_mins(15));
        world.sweep(&store).await.unwrap();
    }
    let list = world
        .table
        .work("erasing#example", "", "~", 10)
        .await
        .unwrap();
    assert!(list.is_empty(), "every erasure ends");
}

#[tokio::test]
async fn what_was_only_kept_of_an_erased_person_goes_too() {
    let world = World::new().await;
    for email in [KARI, NEW] {
        let mut unknown = earned(Some(email), None, 1);
        unknown["topic"] = json!("swell/of/tomorrow");
        unknown["email"] = json!(email.to_uppercase());
        world.record(&unknown).await.unwrap();
    }
    let kept = || {
        let rows = world.partition("STORE#example").into_iter();
        rows.filter(|row| row["sk"].as_str().unwrap().starts_with("ORPHAN#"))
            .count()
    };
    assert_eq!(kept(), 2);
    let store = world.store("example").await;
    world
        .eraser()
        .erase(&store, &whom(KARI), None)
        .await
        .unwrap();
    assert_eq!(kept(), 1, "the other person's stays");
    finish(&world).await;
}

#[tokio::test]
async fn a_second_search_finds_what_was_written_while_the_first_one_ran() {
    let world = World::new().await;
    world.record(&earned(Some(KARI), None, 1)).await.unwrap();
    world.settle().await;
    let store = world.store("example").await;
    world
        .eraser()
        .erase(&store, &whom(KARI), None)
        .await
        .unwrap();
    world.settle().await;
    // Another process was about to write this when the search went by.
    let late = [
        ("pk", "MEMBER#example#kari@example.com"),
        ("sk", "EVENT#late"),
    ];
    let late = late.map(|(name, value)| (name.to_owned(), platform::text(value)));
    let late: std::collections::HashMap<_, _> = late.into_iter().collect();
    world.table.put(late.into(), None).await.unwrap();

    let progress = world
        .eraser()
        .erase(&store, &whom(KARI), None)
        .await
        .unwrap();
    assert!(!progress.finished, "not before a quarter of an hour");
    let due = world.sweep(&store).await.unwrap();
    assert!(due.is_empty(), "nothing is due yet");
    world.clock.advance(SignedDuration::from_mins(15));
    let due = world.sweep(&store).await.unwrap();
    assert!(due[0].finished);
    assert_eq!(traces(&world, &[KARI]), Vec::<String>::new());
}

#[tokio::test]
async fn an_erased_person_leaves_nothing_and_late_news_does_not_bring_them_back() {
    let world = World::new().await;
    world
        .record(&earned(Some(KARI), Some("c-1"), 10))
        .await
        .unwrap();
    world
        .record(&earned(Some(NEW), Some("c-1"), 20))
        .await
        .unwrap();
    world
        .record(&earned(Some("ola@example.com"), Some("c-2"), 5))
        .await
        .unwrap();
    world.settle().await;
    let store = world.store("example").await;
    let progress = world
        .eraser()
        .erase(&store, &whom(KARI), None)
        .await
        .unwrap();
    assert_eq!(
        (progress.waiting, progress.finished),
        (vec!["rule".to_owned()], false)
    );
    let late = world.record(&earned(Some(NEW), Some("c-1"), 30)).await;
    assert_eq!(late, Ok(Recorded::Erased), "a tombstone turns it away");
    finish(&world).await;

    let names = [KARI, NEW, "c-1\"", "Kari"];
    let left = traces(&world, &names);
    assert!(
        left.iter().all(|row| row.contains("ola@example.com")),
        "{left:?}"
    );
    let fields = world.vendor.fields(NEW);
    assert!(
        fields.keys().all(|key| key.starts_with("Subscriber.")),
        "{fields:?}"
    );
    assert!(
        world.vendor.knows(NEW),
        "the person there is the merchant's"
    );
    assert!(
        !world.vendor.knows(KARI),
        "nobody is made in order to be emptied"
    );
    assert!(
        !world.vendor.fields("ola@example.com").is_empty(),
        "neighbours are unharmed"
    );
    for late in [
        earned(Some(KARI), None, 40),
        earned(Some(NEW), Some("c-1"), 41),
        earned(None, Some("c-1"), 42),
        earned(Some("third@example.com"), Some("c-1"), 43),
    ] {
        assert_eq!(world.record(&late).await, Ok(Recorded::Erased), "{late}");
    }
    assert_eq!(traces(&world, &[KARI, NEW, "third@"]), Vec::<String>::new());
    assert!(world.queue.take(RULE_QUEUE).is_empty());
}

#[tokio::test]
async fn an_opt_in_after_an_erasure_begins_anew() {
    for finished in [true, false] {
        let world = World::new().await;
        world
            .record(&earned(Some(KARI), Some("c-1"), 10))
            .await
            .unwrap();
        world.settle().await;
        let queued_before = earned(Some(KARI), Some("c-1"), 11).to_string();
        let queued_before = world.delivery("example", queued_before.as_bytes());
        let opted_in_before = world.delivery("example", opt_in(KARI, "c-1").to_string().as_bytes());
        world.clock.advance(SignedDuration::from_secs(1));
        let store = world.store("example").await;
        world
            .eraser()
            .erase(&store, &whom(KARI), None)
            .await
            .unwrap();
        if finished {
            finish(&world).await;
        }
        world.clock.advance(SignedDuration::from_secs(1));
        let early = world.recorder.record(vec![opted_in_before]).await;
        assert_eq!(
            early,
            [Ok(Recorded::Erased)],
            "an opt-in of before does not count"
        );
        assert_eq!(
            world.record(&opt_in(KARI, "c-1")).await,
            Ok(Recorded::Event { repeat: false })
        );
        let early = world.recorder.record(vec![queued_before]).await;
        assert_eq!(
            early,
            [Ok(Recorded::Erased)],
            "nor does what came before it"
        );
        assert_eq!(world.key(KARI, "points_available"), Value::Null);
        world.settle().await;
        finish(&world).await;
        assert_eq!(
            world.key(KARI, "opt_in"),
            true,
            "finished before: {finished}"
        );
        assert_eq!(
            world.vendor.field(KARI, "Yotpo.OptIn").as_deref(),
            Some("true")
        );
        let balance = world.vendor.field(KARI, "Yotpo.PointsBalance");
        assert_eq!(
            balance.as_deref(),
            Some(""),
            "what was written before is gone"
        );
        assert_eq!(world.vendor.started().len(), 2, "points, and the welcome");
        world
            .record(&earned(Some(KARI), Some("c-1"), 50))
            .await
            .unwrap();
        world.settle().await;
        assert_eq!(
            world.vendor.field(KARI, "Yotpo.PointsBalance").as_deref(),
            Some("50")
        );
    }
}

#[tokio::test]
async fn who_joins_anew_and_is_told_twice_in_one_batch_joins_once() {
    let world = World::new().await;
    let before = earned(Some(KARI), Some("c-1"), 10);
    world.record(&before).await.unwrap();
    world.settle().await;
    let store = world.store("example").await;
    let eraser = world.eraser();
    eraser.erase(&store, &whom(KARI), None).await.unwrap();
    finish(&world).await;
    world.clock.advance(SignedDuration::from_secs(1));
    let joins = opt_in(KARI, "c-1").to_string();
    let twice = [0, 1].map(|_| world.delivery("example", joins.as_bytes()));
    let recorded = world.recorder.record(twice.to_vec()).await;
    let repeats = [false, true].map(|repeat| Ok(Recorded::Event { repeat }));
    assert_eq!(recorded, repeats);
    world.settle().await;
    assert_eq!(world.vendor.started().len(), 2, "before and after");
}

#[tokio::test]
async fn an_erasure_waits_for_a_push_that_is_under_way() {
    let world = World::new().await;
    world
        .record(&earned(Some(KARI), Some("c-1"), 10))
        .await
        .unwrap();
    world.vendor.will(Does::BooksInSilence);
    world.push().await;
    let store = world.store("example").await;
    world
        .eraser()
        .erase(&store, &whom(KARI), None)
        .await
        .unwrap();
    let outcomes = world.push().await;
    let held = |outcome: &Outcome| outcome.reason() == Some(Reason::LeaseHeld);
    assert!(outcomes.iter().all(held), "{outcomes:?}");
    let outcomes = world.settle().await;
    assert!(outcomes.contains(&Outcome::Sent), "{outcomes:?}");
    assert!(
        outcomes.contains(&Outcome::Skipped(Reason::Erased)),
        "{outcomes:?}"
    );
    let fields = world.vendor.fields(KARI);
    assert!(
        fields.keys().all(|key| key.starts_with("Subscriber.")),
        "{fields:?}"
    );
    finish(&world).await;
    assert_eq!(traces(&world, &[KARI]), Vec::<String>::new());
}

#[tokio::test]
async fn an_erasure_takes_parked_work_along_and_the_person_where_the_store_wants_that() {
    let world = World::with(json!({"erase": "person"})).await;
    world
        .record(&earned(Some(KARI), Some("c-1"), 10))
        .await
        .unwrap();
    world.settle().await;
    world.secrets.set("bridge/example/rule", "{}");
    world.clock.advance(SignedDuration::from_mins(6));
    world
        .record(&earned(Some(KARI), Some("c-1"), 20))
        .await
        .unwrap();
    world.push().await;
    assert_eq!(world.parked("example").await.len(), 1);
    let store = world.store("example").await;
    let progress = world
        .eraser()
        .erase(&store, &whom(KARI), None)
        .await
        .unwrap();
    assert!(
        world.parked("example").await.is_empty(),
        "nothing parked is left: {progress:?}"
    );
    world.push().await;
    world.clock.advance(SignedDuration::from_mins(16));
    world.sweep(&store).await.unwrap();
    assert!(
        world.vendor.knows(KARI),
        "the destination cannot be reached yet"
    );
    world
        .secrets
        .set("bridge/example/rule", r#"{"v":1,"api_key":"example-key"}"#);
    world.clock.advance(SignedDuration::from_hours(1));
    world.tend(&["example"]).await;
    finish(&world).await;
    assert!(
        !world.vendor.knows(KARI),
        "and is told until it has erased them"
    );
    assert_eq!(traces(&world, &[KARI]), Vec::<String>::new());
}

#[tokio::test]
async fn an_erasure_that_is_cut_off_anywhere_is_finished_by_the_next_run() {
    for (effect, once) in [(false, false), (true, false), (false, true), (true, true)] {
        for k in 1.. {
            let place = format!("call {k}, effect {effect}, once {once}");
            let world = World::new().await;
            world
                .record(&earned(Some(KARI), Some("c-1"), 10))
                .await
                .unwrap();
            world
                .record(&earned(Some(NEW), Some("c-1"), 20))
                .await
                .unwrap();
            world.settle().await;
            world
                .record(&earned(Some(NEW), Some("c-1"), 21))
                .await
                .unwrap();
            let store = world.store("example").await;
            if once {
                world.fuse.fail_once(k, effect);
            } else {
                world.fuse.arm(k, effect);
            }
            let erased = world.eraser().erase(&store, &whom(NEW), None).await;
            world.push().await;
            let reached = world.fuse.reached();
            world.fuse.mend();
            if erased.is_err() {
                world
                    .eraser()
                    .erase(&store, &whom(NEW), None)
                    .await
                    .unwrap();
            }
            finish(&world).await;
            assert_eq!(
                traces(&world, &[KARI, NEW]),
                Vec::<String>::new(),
                "{place}"
            );
            let fields = world.vendor.fields(NEW);
            assert!(
                fields.keys().all(|key| key.starts_with("Subscriber.")),
                "{place}: {fields:?}"
            );
            let late = world.record(&earned(Some(KARI), None, 40)).await;
            assert_eq!(late, Ok(Recorded::Erased), "{place}");
            if reached < k {
                assert!(k > 20, "an erasure makes more calls than that");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_recorder_at_work_during_an_erasure_leaves_nothing() {
    for later in 0..12 {
        let world = World::new().await;
        world
            .record(&earned(Some(KARI), Some("c-1"), 10))
            .await
            .unwrap();
        world.settle().await;
        let store = world.store("example").await;
        let news = earned(Some(NEW), Some("c-1"), 20).to_string();
        let news = world.delivery("example", news.as_bytes());
        let late = async {
            for _ in 0..later {
                tokio::task::yield_now().await;
            }
            world.recorder.record(vec![news]).await
        };
        let eraser = world.eraser();
        let kari = whom(KARI);
        let (progress, _) = tokio::join!(eraser.erase(&store, &kari, None), late);
        progress.unwrap();
        finish(&world).await;
        assert_eq!(
            traces(&world, &[KARI, NEW]),
            Vec::<String>::new(),
            "{later}"
        );
    }
}

#[tokio::test]
async fn a_destination_that_was_switched_off_is_told_of_an_erasure() {
    for joins_anew in [false, true] {
        let world = World::new().await;
        for (email, perk) in [(KARI, 10), (NEW, 20)] {
            world
                .record(&earned(Some(email), Some("c-1"), perk))
                .await
                .unwrap();
        }
        world.settle().await;
        world.put_destinations("example", json!({})).await;
        world.clock.advance(SignedDuration::from_mins(6));
        let store = world.store("example").await;
        let progress = world
            .eraser()
            .erase(&store, &whom(KARI), None)
            .await
            .unwrap();
        assert_eq!(progress.waiting, ["rule"]);
        world.clock.advance(SignedDuration::from_secs(1));
        if joins_anew {
            world.record(&opt_in(NEW, "c-1")).await.unwrap();
        }
        finish(&world).await;
        let fields = world.vendor.fields(NEW);
        assert!(
            fields.keys().all(|key| key.starts_with("Subscriber.")),
            "{joins_anew}: {fields:?}"
        );
        assert_eq!(
            world.vendor.started().len(),
            2,
            "{joins_anew}: nothing else is sent"
        );
    }
}

#[tokio::test]
async fn an_erasure_that_fails_does_not_keep_the_next_one_waiting() {
    let world = World::new().await;
    for email in [KARI, NEW] {
        world.record(&earned(Some(email), None, 10)).await.unwrap();
    }
    world.settle().await;
    let store = world.store("example").await;
    for email in [KARI, NEW] {
        world
            .eraser()
            .erase(&store, &whom(email), None)
            .await
            .unwrap();
        world.clock.advance(SignedDuration::from_secs(1));
    }
    world.settle().await;
    let mut broken = world.row(KARI, "STATE");
    broken["v"] = json!(99);
    let broken: platform::Item = serde_dynamo::to_item(&broken).unwrap();
    world.table.put(broken, None).await.unwrap();
    world.clock.advance(SignedDuration::from_mins(15));
    let swept = world.sweep(&store).await;
    assert!(swept.is_err(), "it is said");
    assert_eq!(traces(&world, &[NEW]), Vec::<String>::new());
    let now = format!("{:020}$", world.now_micros());
    let unfinished = |until: String| {
        let table = world.table.clone();
        async move {
            table
                .work("erasing#example", "", &until, 10)
                .await
                .unwrap()
                .len()
        }
    };
    assert_eq!(
        unfinished(now).await,
        0,
        "the one that failed waits its turn"
    );
    assert_eq!(unfinished("~".to_owned()).await, 1, "and is not forgotten");
}

#[tokio::test]
async fn two_erasures_at_once_lose_nothing() {
    for calls in 0..8 {
        let world = World::new().await;
        for (email, perk) in [(KARI, 10), (NEW, 20)] {
            world
                .record(&earned(Some(email), Some("c-1"), perk))
                .await
                .unwrap();
        }
        world.settle().await;
        let store = world.store("example").await;
        let (eraser, kari) = (world.eraser(), whom(KARI));
        let mut slow = Box::pin(eraser.erase(&store, &kari, None));
        for _ in 0..calls {
            let call =
                |context: &mut Context| Poll::Ready(slow.as_mut().poll(context).is_pending());
            assert!(poll_fn(call).await, "{calls}");
        }
        world.clock.advance(SignedDuration::from_millis(1));
        eraser.erase(&store, &kari, None).await.unwrap();
        slow.await.unwrap();
        finish(&world).await;
        assert_eq!(
            traces(&world, &[KARI, NEW]),
            Vec::<String>::new(),
            "{calls}"
        );
    }
}

#[tokio::test]
async fn everything_of_a_person_is_exported() {
    let world = World::new().await;
    world
        .record(&earned(Some(KARI), Some("c-1"), 10))
        .await
        .unwrap();
    world.settle().await;
    world
        .record(&earned(Some(NEW), Some("c-1"), 20))
        .await
        .unwrap();
    world.settle().await;
    let id = loyalty::StoreId::parse("example").unwrap();
    let by_id = Whom::Id(Alias {
        source: "yotpo".to_owned(),
        id: "c-1".into(),
    });
    let table: &dyn platform::Table = &*world.table;
    let page = export::page(table, &id, &by_id, None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(page.next, None);
    let kinds = |prefix: &str| {
        let own = page.rows.iter();
        own.filter(|row| row["sk"].as_str().unwrap().starts_with(prefix))
            .count()
    };
    let counts = ["ALIAS", "STATE", "EVENT#", "DELIVERY#", "SYNC#"].map(kinds);
    assert_eq!(counts, [1, 2, 2, 2, 1], "under both addresses");
    let event = page
        .rows
        .iter()
        .find(|row| row["sk"].as_str().unwrap().starts_with("EVENT#"));
    assert_eq!(
        event.unwrap()["body"]["customer"]["first_name"],
        "Kari",
        "bodies are opened"
    );
    let nobody = export::page(table, &id, &whom("nobody@example.com"), None)
        .await
        .unwrap();
    assert_eq!(nobody, None);
}

#[tokio::test]
async fn what_the_previous_release_wrote_is_read() {
    let world = World::new().await;
    world
        .record(&earned(Some(KARI), Some("c-1"), 10))
        .await
        .unwrap();
    // As release 0.1 wrote them: a picture without anything that came later, whose every key names its stamp, and a message
    // without a hash.
    let mut state = world.row(KARI, "STATE");
    state["v"] = json!(1);
    let member = state["member"].as_object_mut().unwrap();
    member.remove("addressed");
    for (key, value) in member {
        let is_key =
            !["email", "role", "aliases", "activities", "active", "stamps"].contains(&key.as_str());
        if is_key && !value.is_array() {
            *value = json!([value.take(), 0]);
        }
    }
    let item: platform::Item = serde_dynamo::to_item(&state).unwrap();
    world.table.put(item, None).await.unwrap();
    let queued = world.queue.take(RULE_QUEUE).remove(0);
    let mut message: Value = serde_json::from_str(&queued).unwrap();
    message.as_object_mut().unwrap().remove("hash").unwrap();
    assert!(serde_json::from_value::<Message>(message.clone()).is_ok());
    world.bring_back(vec![message.to_string()]);
    assert_eq!(world.push().await, [Outcome::Sent]);
    world
        .record(&earned(Some(NEW), Some("c-1"), 20))
        .await
        .unwrap();
    is_moved(&world, KARI, NEW);
}
