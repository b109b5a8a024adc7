//! `redrive`: every dead letter comes back at least once, wherever it is cut off.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{DISTURBANCES, INBOX, INBOX_DEAD, RULE_DEAD, audited, disturb, done, operator, put};
use crate::world::{RULE_QUEUE, World};

const LETTERS: usize = 25;

fn letters() -> impl Iterator<Item = String> {
    (0..LETTERS).map(|number| format!("letter {number}"))
}

fn redrive(queue: &str) -> Value {
    json!({"command": "redrive", "queue": queue, "by": "ola", "limit": 10})
}

#[tokio::test]
async fn dead_letters_come_back_page_by_page() {
    for (queue, from, to) in [
        ("inbox", INBOX_DEAD, INBOX),
        ("rule", RULE_DEAD, RULE_QUEUE),
    ] {
        let world = World::new().await;
        put(&world, from, letters()).await;
        let operator = operator(&world);
        for (moved, more) in [(10, true), (10, true), (5, false), (0, false)] {
            let answer = done(&operator, redrive(queue)).await;
            assert_eq!(
                (&answer["moved"], &answer["more"]),
                (&json!(moved), &json!(more))
            );
        }
        let back: Vec<String> = world.queue.take(to);
        assert_eq!(back, letters().collect::<Vec<_>>(), "{queue}");
        world.queue.time_is_over();
        assert!(world.queue.take(from).is_empty(), "deleted there");
        assert_eq!(audited(&world).len(), 4);
    }
}

#[tokio::test]
async fn what_the_queue_does_not_take_stays_where_it_was() {
    let world = World::new().await;
    put(&world, INBOX_DEAD, letters()).await;
    let operator = operator(&world);
    world.queue.refuse(true);
    let answer = operator.answer(redrive("inbox")).await;
    assert_eq!(
        (&answer["ok"], &answer["moved"]),
        (&json!(false), &json!(0))
    );
    world.queue.refuse(false);
    world.queue.time_is_over();
    assert_eq!(world.queue.take(INBOX_DEAD).len(), LETTERS);
}

#[tokio::test]
async fn a_redrive_that_is_cut_off_anywhere_loses_nothing() {
    for disturbance in DISTURBANCES {
        for k in 1.. {
            let place = format!("call {k}, {disturbance:?}");
            let world = World::new().await;
            put(&world, INBOX_DEAD, letters()).await;
            let operator = operator(&world);
            let mut command = redrive("inbox");
            command["limit"] = json!(LETTERS);
            disturb(&world, k, disturbance);
            operator.answer(command.clone()).await;
            let reached = world.fuse.reached();
            world.fuse.mend();
            world.queue.time_is_over();
            done(&operator, command).await;
            let back = world.queue.take(INBOX);
            let once: BTreeSet<&String> = back.iter().collect();
            assert_eq!(once.len(), LETTERS, "{place}: every letter comes back");
            assert!(
                back.len() <= LETTERS + 10,
                "{place}: only one page comes twice"
            );
            world.queue.time_is_over();
            assert!(world.queue.take(INBOX_DEAD).is_empty(), "{place}");
            if reached < k {
                assert!(k > 8, "a redrive makes more calls than that");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_delivery_that_comes_back_twice_starts_once() {
    let world = World::new().await;
    let delivery = world.delivery(
        "example",
        super::coupon(super::KARI, 1).to_string().as_bytes(),
    );
    put(
        &world,
        INBOX_DEAD,
        [delivery.body.clone(), delivery.body].into_iter(),
    )
    .await;
    let operator = operator(&world);
    done(&operator, redrive("inbox")).await;
    assert_eq!(super::recorded(&world).await, 2);
    let news = world.queue.take(RULE_QUEUE);
    put(&world, RULE_DEAD, news.iter().chain(&news).cloned()).await;
    done(&operator, redrive("rule")).await;
    world.settle().await;
    assert_eq!(world.vendor.started().len(), 1);
}
