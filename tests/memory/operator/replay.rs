//! `replay` of deliveries: each is sent once more, once, wherever it is cut off.

use delivery::{Close, Desk, Done, List};
use jiff::SignedDuration;
use platform::Clock as _;
use serde_json::{Value, json};

use super::{
    DISTURBANCES, KARI, audited, coupon, disturb, done, faults, operator, rejected, unconfirmed,
};
use crate::world::{RULE_QUEUE, World};

fn replay(more: &Value) -> Value {
    let mut command = json!({
        "command": "replay", "store": "example", "destination": "rule", "by": "ola", "why": "the field is mended",
    });
    for (key, value) in more.as_object().unwrap() {
        command[key] = value.clone();
    }
    command
}

fn delivery(world: &World) -> String {
    let row = world.row(KARI, "DELIVERY#");
    let sk = row["sk"].as_str().unwrap();
    let name = sk.strip_prefix("DELIVERY#").unwrap();
    name.strip_suffix("#rule").unwrap().to_owned()
}

/// The row has its end and stands in no list.
fn is_over(world: &World, status: &str, place: &str) {
    let row = world.row(KARI, "DELIVERY#");
    assert_eq!(row["status"], status, "{place}");
    for listed in ["wp", "ws", "message"] {
        assert!(row[listed].is_null(), "{place}: {listed} stays");
    }
    assert!(row["ttl"].as_i64().unwrap() > 0, "{place}: never swept");
}

#[tokio::test]
async fn what_was_rejected_is_sent_once_and_doing_it_twice_is_once() {
    let world = World::new().await;
    rejected(&world, KARI, 1).await;
    let operator = operator(&world);
    let command = replay(&json!({"delivery": delivery(&world)}));
    let answer = done(&operator, command.clone()).await;
    assert_eq!(answer["items"][0]["outcome"], "replayed");
    assert!(!answer.to_string().contains("@example.com"), "{answer}");
    // Before anything was pushed, and after it.
    let again = done(&operator, command.clone()).await;
    assert_eq!(again["items"][0]["outcome"], "not_listed");
    world.settle().await;
    assert_eq!(world.vendor.started(), [delivery(&world)]);
    is_over(&world, "sent", "replayed");
    done(&operator, command).await;
    world.settle().await;
    assert_eq!(world.vendor.started().len(), 1);
    let audited = audited(&world);
    assert_eq!(audited.len(), 1, "{audited:?}");
    assert!(audited[0].1.contains(&delivery(&world)));
}

#[tokio::test]
async fn what_is_rejected_again_stands_in_its_list_again() {
    let world = World::new().await;
    rejected(&world, KARI, 1).await;
    let operator = operator(&world);
    world.vendor.will(super::refuses());
    done(&operator, replay(&json!({"list": "rejected"}))).await;
    world.settle().await;
    let list = json!({"command": "rejected", "store": "example", "destination": "rule"});
    let answer = done(&operator, list).await;
    assert_eq!(answer["count"], 1);
    assert_eq!(answer["items"][0]["attempts"], 2);
    assert_eq!(world.vendor.started().len(), 0);
}

#[tokio::test]
async fn what_may_have_arrived_starts_again_only_when_that_is_confirmed() {
    let world = World::new().await;
    unconfirmed(&world).await;
    let operator = operator(&world);
    let one = json!({"delivery": delivery(&world)});
    assert_eq!(faults(&operator, replay(&one)).await, ["confirm"]);
    world.settle().await;
    assert!(world.vendor.started().is_empty());
    assert!(audited(&world).is_empty(), "nothing was done");
    let confirmed = json!({"delivery": delivery(&world), "confirm": true});
    done(&operator, replay(&confirmed)).await;
    world.settle().await;
    assert_eq!(world.vendor.started(), [delivery(&world)]);
    is_over(&world, "sent", "confirmed");
}

#[tokio::test]
async fn a_person_may_say_that_it_did_arrive() {
    let world = World::new().await;
    unconfirmed(&world).await;
    let operator = operator(&world);
    let command = replay(&json!({"delivery": delivery(&world), "as": "sent"}));
    let answer = done(&operator, command.clone()).await;
    assert_eq!(answer["items"][0]["outcome"], "sent");
    is_over(&world, "sent", "by a person");
    let again = done(&operator, command).await;
    assert_eq!(again["items"][0]["outcome"], "not_listed");
    // The source sends it once more: it stays as the person said.
    world.record(&coupon(KARI, 1)).await.unwrap();
    world.settle().await;
    assert!(world.vendor.started().is_empty());
    is_over(&world, "sent", "after a repeat");
}

#[tokio::test]
async fn what_is_dropped_is_never_sent() {
    let world = World::new().await;
    rejected(&world, KARI, 1).await;
    let operator = operator(&world);
    let drop = replay(&json!({"list": "rejected", "as": "dropped"}));
    assert_eq!(faults(&operator, drop.clone()).await, ["confirm"]);
    let drop = replay(&json!({"list": "rejected", "as": "dropped", "confirm": true}));
    assert_eq!(done(&operator, drop.clone()).await["count"], 1);
    assert_eq!(done(&operator, drop).await["count"], 0);
    is_over(&world, "rejected", "dropped");
    world.record(&coupon(KARI, 1)).await.unwrap();
    world.settle().await;
    assert!(world.vendor.started().is_empty());
}

#[tokio::test]
async fn a_list_is_replayed_page_by_page() {
    let world = World::new().await;
    for id in 1..=7 {
        rejected(&world, &format!("m{id}@example.com"), id).await;
    }
    let operator = operator(&world);
    let (mut command, mut sizes) = (replay(&json!({"list": "rejected", "limit": 3})), Vec::new());
    // More than there are: a page that never ends is a fault too.
    for _ in 0..9 {
        let answer = done(&operator, command.clone()).await;
        sizes.push(answer["count"].as_u64().unwrap());
        if answer["next"].is_null() {
            break;
        }
        command["after"] = answer["next"].clone();
    }
    assert_eq!(sizes, [3, 3, 1]);
    world.settle().await;
    let mut started = world.vendor.started();
    started.sort();
    started.dedup();
    assert_eq!((started.len(), world.vendor.started().len()), (7, 7));
}

#[tokio::test]
async fn a_queue_that_takes_nothing_loses_nothing() {
    let world = World::new().await;
    rejected(&world, KARI, 1).await;
    let operator = operator(&world);
    let command = replay(&json!({"list": "rejected"}));
    world.queue.refuse(true);
    assert_eq!(faults(&operator, command.clone()).await, ["queue"]);
    world.queue.refuse(false);
    let list = json!({"command": "rejected", "store": "example", "destination": "rule"});
    let answer = done(&operator, list).await;
    let advice = answer["items"][0]["what_to_do"].as_str().unwrap();
    assert!(advice.contains("cut off"), "{advice}");
    done(&operator, command).await;
    world.settle().await;
    assert_eq!(world.vendor.started().len(), 1);
    is_over(&world, "sent", "at the second try");
}

#[tokio::test]
async fn a_replay_that_is_cut_off_anywhere_neither_loses_nor_repeats() {
    for disturbance in DISTURBANCES {
        for pushed_between in [false, true] {
            for k in 1.. {
                let place = format!("call {k}, {disturbance:?}, pushed between: {pushed_between}");
                let world = World::new().await;
                rejected(&world, KARI, 1).await;
                let operator = operator(&world);
                let command = replay(&json!({"list": "rejected"}));
                disturb(&world, k, disturbance);
                let first = operator.answer(command.clone()).await;
                let reached = world.fuse.reached();
                world.fuse.mend();
                // A command that says it was carried out was; one that does not is given again.
                let mut ok = first["ok"] == true;
                if pushed_between {
                    world.settle().await;
                }
                if !ok {
                    ok = operator.answer(command).await["ok"] == true;
                }
                assert!(ok, "{place}");
                world.settle().await;
                assert_eq!(world.vendor.started(), [delivery(&world)], "{place}");
                is_over(&world, "sent", &place);
                assert!(world.waiting().is_empty(), "{place}");
                if reached < k {
                    assert!(k > 5, "a replay makes more calls than that");
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn of_two_people_who_read_the_same_row_one_acts() {
    let world = World::new().await;
    rejected(&world, KARI, 1).await;
    let desk = Desk {
        table: world.table.clone(),
        store: loyalty::StoreId::parse("example").unwrap(),
        destination: "rule".to_owned(),
    };
    let listing = desk.page(List::Rejected, None, 10).await.unwrap();
    let rows = listing.rows;
    let now = world.clock.now();
    let close = desk.close(&rows[0], Close::Dropped, now).await;
    assert_eq!(close, Ok(Done::Yes));
    let replay = desk.replay(&rows[0], &*world.queue, RULE_QUEUE, now).await;
    assert_eq!(replay, Ok(Done::Handled));
    let close = desk.close(&rows[0], Close::Dropped, now).await;
    assert_eq!(close, Ok(Done::Handled));
    world.settle().await;
    assert!(world.vendor.started().is_empty());
}

#[tokio::test]
async fn a_replay_while_newer_news_is_parked_starts_both_once_and_in_order() {
    let world = World::new().await;
    rejected(&world, KARI, 1).await;
    let first = delivery(&world);
    let operator = operator(&world);
    let line = |command: Value| {
        let mut asked =
            json!({"store": "example", "destination": "rule", "by": "ola", "why": "a campaign"});
        for (key, value) in command.as_object().unwrap() {
            asked[key] = value.clone();
        }
        asked
    };
    done(&operator, line(json!({"command": "pause"}))).await;
    // The permits that the pusher has in hand are used up, or forgotten.
    world.clock.advance(SignedDuration::from_mins(2));
    world.record(&coupon(KARI, 2)).await.unwrap();
    world.push().await;
    assert_eq!(world.parked("example").await.len(), 1);
    done(
        &operator,
        line(json!({"command": "resume", "then": "send"})),
    )
    .await;
    // The line is open, the newer coupon still parked: what is replayed now goes through the queue, and waits behind it.
    done(&operator, replay(&json!({"delivery": first.clone()}))).await;
    world.push().await;
    assert_eq!(world.parked("example").await.len(), 2);
    world.settle().await;
    let started = world.vendor.started();
    assert_eq!(started.len(), 2, "{started:?}");
    assert_eq!(started[0], first, "the older one goes first");
    assert!(world.parked("example").await.is_empty());
}
