//! `sync_gorgias`: customers from before get their members' data.

use jiff::SignedDuration;
use serde_json::{Value, json};
use vendors::{Lane, Message, Method, Outcome, Reason};

use super::bench::{ADA, BOB, Bench, QUEUE};
use crate::{
    operator::{audited, done, faults},
    world::{Does, body},
};

fn command(dry_run: bool) -> Value {
    json!({"command": "sync_gorgias", "store": "example", "by": "ola", "why": "from before", "dry_run": dry_run})
}

fn after(dry_run: bool, cursor: &Value) -> Value {
    let mut command = command(dry_run);
    command["after"] = cursor.clone();
    command
}

/// Ada and Bob are members and customers; others are one of both, and one has no address.
async fn town() -> Bench {
    let bench = Bench::with(json!({"push": false})).await;
    for (email, points) in [(ADA, 120), (BOB, 10), ("nora@example.com", 5)] {
        bench.hear(email, points).await;
    }
    bench
        .world
        .record(&body("referral_share.json"))
        .await
        .unwrap();
    bench.world.queue.take(QUEUE);
    bench.put_settings(json!({"push": true})).await;
    bench.customer(8, &["Ada@example.com", "work@example.com"]);
    bench.customer(9, &[BOB]);
    // A friend who was sent a link is no member.
    bench.customer(10, &["venn1@example.com"]);
    let nobody = json!({"customer": {"id": 11, "name": "By phone"}});
    bench.gorgias.order("/customers-put", nobody);
    bench
}

fn counts(answer: &Value) -> [u64; 6] {
    let keys = [
        "customers",
        "members",
        "non_members",
        "without_address",
        "duplicates",
        "queued",
    ];
    keys.map(|key| answer[key].as_u64().unwrap())
}

#[tokio::test]
async fn a_dry_run_counts_and_writes_nothing() {
    let bench = town().await;
    let mut usual = command(true);
    usual.as_object_mut().unwrap().remove("dry_run");
    let answer = done(&bench.operator(), usual).await;
    assert_eq!(answer["dry_run"], true, "by itself");
    assert_eq!(counts(&answer), [4, 2, 1, 1, 0, 0], "{answer}");
    assert_eq!(
        (&answer["next"], &answer["what_to_do"]),
        (&Value::Null, &Value::Null)
    );
    assert!(bench.world.queue.take(QUEUE).is_empty());
    assert!(bench.gorgias.writes().is_empty());
    let rows = bench.world.rows(ADA);
    assert!(rows.iter().all(|row| row["sk"] != "SYNC#gorgias"));
    assert!(!answer.to_string().contains("example.com"), "{answer}");
    assert_eq!(audited(&bench.world).len(), 1);
}

#[tokio::test]
async fn each_members_data_goes_into_their_customers() {
    let bench = town().await;
    let answer = done(&bench.operator(), command(false)).await;
    assert_eq!(counts(&answer), [4, 2, 1, 1, 0, 2], "{answer}");
    let queued = bench.world.queue.take(QUEUE);
    let message: Message = serde_json::from_str(&queued[0]).unwrap();
    assert_eq!((message.lane, message.note.is_none()), (Lane::Bulk, true));
    let state = bench.world.row(ADA, "STATE");
    assert_eq!(json!(message.version), state["version"]);
    bench.world.bring_back(queued);
    bench.gorgias.calls();
    bench.world.settle().await;
    assert_eq!((bench.points(8), bench.points(9)), (Some(120), Some(10)));
    assert_eq!(
        bench.gorgias.calls().len(),
        2,
        "nobody is looked for once more"
    );
    assert_eq!(bench.record(10)["data"], Value::Null);
    assert_eq!(audited(&bench.world)[0].0, "sync_gorgias");

    done(&bench.operator(), command(false)).await;
    let outcomes = bench.world.settle().await;
    let unchanged = Outcome::Skipped(Reason::Unchanged);
    let told = outcomes.iter().filter(|one| **one == unchanged);
    assert_eq!(told.count(), 2, "again is nothing: {outcomes:?}");
    assert!(bench.gorgias.writes().is_empty());
}

#[tokio::test]
async fn somebody_who_was_unknown_an_hour_ago_is_written_all_the_same() {
    let bench = Bench::new().await;
    let unknown = Outcome::Skipped(Reason::UnknownThere);
    assert_eq!(bench.push(ADA, 120).await, unknown);
    bench.customer(8, &[ADA]);
    done(&bench.operator(), command(false)).await;
    assert_eq!(bench.world.push().await, [Outcome::Sent]);
    assert_eq!(bench.points(8), Some(120));
}

#[tokio::test]
async fn two_customers_of_one_member_are_told_and_one_is_written() {
    let bench = Bench::new().await;
    bench.hear_of("old@example.com", 100, "c-1").await;
    bench.hear_of(ADA, 120, "c-1").await;
    bench.world.queue.take(QUEUE);
    bench.customer(7, &["old@example.com"]);
    bench.world.clock.advance(SignedDuration::from_mins(1));
    bench.customer(8, &[ADA]);
    let answer = done(&bench.operator(), command(false)).await;
    assert_eq!(counts(&answer), [2, 1, 0, 0, 1, 1], "{answer}");
    assert_eq!(answer["duplicate_customers"], json!([["7", "8"]]));
    assert!(
        answer["what_to_do"]
            .as_str()
            .unwrap()
            .contains("merge them")
    );
    bench.world.push().await;
    assert_eq!(bench.points(8), Some(120), "the address that they have now");
    assert_eq!(bench.record(7)["data"], Value::Null);
}

#[tokio::test]
async fn an_erased_member_is_no_member() {
    let bench = town().await;
    let erase = json!({"command": "erase", "store": "example", "email": ADA, "by": "ola", "why": "asked", "confirm": true});
    done(&bench.operator(), erase).await;
    bench.world.push().await;
    let answer = done(&bench.operator(), command(false)).await;
    assert_eq!(counts(&answer)[..3], [4, 1, 2], "{answer}");
    bench.world.push().await;
    assert_ne!(bench.points(8), Some(120));
}

/// More customers than one command reads.
async fn city(count: u64) -> Bench {
    let bench = Bench::new().await;
    for n in 0..count {
        bench.customer(100 + n, &[&format!("guest{n}@example.com")]);
    }
    bench.world.clock.advance(SignedDuration::from_mins(1));
    bench.customer(8, &[ADA]);
    bench.hear(ADA, 120).await;
    bench.world.queue.take(QUEUE);
    bench
}

#[tokio::test]
async fn a_long_list_goes_on_where_the_answer_says() {
    let bench = city(1_050).await;
    let first = done(&bench.operator(), command(false)).await;
    assert_eq!(counts(&first), [1_000, 0, 1_000, 0, 0, 0]);
    let hint = first["what_to_do"].as_str().unwrap();
    assert!(hint.contains("soon forgets its cursors"), "{hint}");
    assert_eq!(bench.gorgias.calls().len(), 10);
    bench.world.clock.advance(SignedDuration::from_mins(1));
    let rest = done(&bench.operator(), after(false, &first["next"])).await;
    assert_eq!(counts(&rest), [51, 1, 50, 0, 0, 1]);
    assert_eq!(rest["next"], Value::Null);

    bench.world.clock.advance(SignedDuration::from_mins(30));
    let late = faults(&bench.operator(), after(false, &first["next"])).await;
    assert_eq!(late, ["after"], "Gorgias has forgotten it");
}

#[tokio::test]
async fn a_page_that_cannot_be_had_ends_the_run_and_keeps_what_was_found() {
    for does in [
        Does::Breaks,
        Does::Answers(500, json!({})),
        Does::Asks(429, "10"),
        Does::Answers(200, json!("<html>")),
    ] {
        let bench = city(250).await;
        bench.gorgias.will(Method::Get, "&cursor=", does);
        let answer = bench.operator().answer(command(false)).await;
        assert_eq!(answer["ok"], false);
        assert_eq!(counts(&answer)[0], 100, "{answer}");
        assert_eq!(answer["faults"][0]["path"], "key");
        bench.world.clock.advance(SignedDuration::from_mins(1));
        let rest = done(&bench.operator(), after(false, &answer["next"])).await;
        assert_eq!(counts(&rest), [151, 1, 150, 0, 0, 1]);
    }
}

#[tokio::test]
async fn nothing_is_done_where_it_cannot_be() {
    let bench = town().await;
    let mut other = command(false);
    other["store"] = json!("nobody");
    other["surprise"] = json!(1);
    other["by"] = Value::Null;
    assert_eq!(faults(&bench.operator(), other).await, ["by", "surprise"]);
    let mut operator = bench.operator();
    operator.queues.clear();
    assert_eq!(faults(&operator, command(false)).await, ["store"]);
    bench.put_settings(json!({"push": false})).await;
    assert_eq!(faults(&bench.operator(), command(true)).await, ["store"]);
    bench.world.put_store("example", json!({})).await;
    assert_eq!(faults(&bench.operator(), command(true)).await, ["store"]);
    bench.put_settings(json!({"push": true})).await;
    bench.wrong_key();
    assert_eq!(faults(&bench.operator(), command(false)).await, ["key"]);
    bench.right_key();
    let pause = json!({"command": "pause", "store": "example", "destination": "gorgias", "by": "ola", "why": "a move"});
    done(&bench.operator(), pause).await;
    assert_eq!(faults(&bench.operator(), command(false)).await, ["line"]);
    bench.gorgias.calls();
    assert!(bench.world.queue.take(QUEUE).is_empty());
}

/// The table or the queue fails at any of its calls: the command says so, and given again it does the rest.
#[tokio::test]
async fn a_port_that_fails_leaves_nobody_out() {
    for effect_happens in [false, true] {
        for k in 1.. {
            let bench = town().await;
            let operator = bench.operator();
            bench.world.fuse.fail_once(k, effect_happens);
            let answer = operator.answer(command(false)).await;
            let reached = bench.world.fuse.reached();
            bench.world.fuse.mend();
            if reached < k {
                assert!(k > 6, "{k}");
                break;
            }
            if answer["ok"] != true {
                done(&operator, command(false)).await;
            }
            bench.world.settle().await;
            assert_eq!(
                (bench.points(8), bench.points(9)),
                (Some(120), Some(10)),
                "{k}"
            );
        }
    }
}
