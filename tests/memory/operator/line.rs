//! `pause`, `resume`, `lines`: a person's pause, and its three ways out.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{KARI, audited, coupon, done, faults, operator};
use crate::world::World;

fn command(name: &str, more: &Value) -> Value {
    let mut command = json!({
        "command": name, "store": "example", "destination": "rule", "by": "ola", "why": "a campaign is being mended",
    });
    for (key, value) in more.as_object().unwrap() {
        command[key] = value.clone();
    }
    command
}

/// A paused world in which Kari's coupon waits.
async fn paused() -> World {
    let world = World::new().await;
    let operator = operator(&world);
    done(&operator, command("pause", &json!({}))).await;
    world.clock.advance(SignedDuration::from_secs(1));
    world.record(&coupon(KARI, 1)).await.unwrap();
    world.push().await;
    assert_eq!(world.parked("example").await.len(), 1);
    world.clock.advance(SignedDuration::from_secs(1));
    world
}

#[tokio::test]
async fn a_pause_is_told_with_who_asked_for_it_and_what_waits() {
    let world = paused().await;
    let operator = operator(&world);
    let answer = done(&operator, json!({"command": "lines", "store": "example"})).await;
    let rule = &answer["lines"][0];
    assert_eq!(
        (&rule["destination"], &rule["account"]),
        (&json!("rule"), &json!("example"))
    );
    assert_eq!(rule["parked"], 1);
    assert_eq!(rule["line"]["state"], "open");
    assert_eq!(rule["line"]["paused"]["by"], "ola");
    assert_eq!(rule["line"]["paused"]["why"], "a campaign is being mended");
    let parked = json!({"command": "parked", "store": "example", "destination": "rule"});
    let parked = done(&operator, parked).await;
    assert_eq!(parked["items"][0]["reason"], "paused");
    assert_eq!(parked["items"][0]["kind"], "coupon_awarded");
    assert!(!parked.to_string().contains("@example.com"), "{parked}");
}

#[tokio::test]
async fn pausing_twice_is_pausing_once_and_an_ended_pause_makes_room() {
    let world = World::new().await;
    let operator = operator(&world);
    let until = world.clock_text(25 * 60 * 60);
    let first = command("pause", &json!({"until": until}));
    let first = done(&operator, first).await;
    let again = command("pause", &json!({"why": "something else"}));
    let again = done(&operator, again).await;
    assert_eq!(
        first["line"]["paused"], again["line"]["paused"],
        "the first stands"
    );
    world.clock.advance(SignedDuration::from_hours(2));
    let lines = done(&operator, json!({"command": "lines", "store": "example"})).await;
    assert!(lines["lines"][0]["line"]["paused"].is_null(), "{lines}");
    let next = command("pause", &json!({"why": "another night"}));
    let next = done(&operator, next).await;
    assert_eq!(next["line"]["paused"]["why"], "another night");
    assert_eq!(audited(&world).len(), 3);
}

#[tokio::test]
async fn each_way_out_of_a_pause_does_what_it_says() {
    for (then, written, started) in [("send", true, 1), ("quiet", true, 0), ("drop", false, 0)] {
        let world = paused().await;
        let operator = operator(&world);
        let resume = command("resume", &json!({"then": then, "confirm": true}));
        let answer = done(&operator, resume.clone()).await;
        assert_eq!(answer["was_paused"], true);
        assert!(answer["line"]["paused"].is_null());
        let again = done(&operator, resume).await;
        assert_eq!(again["was_paused"], false, "twice is once");
        world.settle().await;
        assert_eq!(!world.vendor.writes().is_empty(), written, "{then}");
        assert_eq!(world.vendor.started().len(), started, "{then}");
        assert!(world.parked("example").await.is_empty(), "{then}");
    }
}

#[tokio::test]
async fn what_would_be_lost_must_be_confirmed_and_all_faults_are_named() {
    let world = paused().await;
    let operator = operator(&world);
    let drop = command("resume", &json!({"then": "drop"}));
    assert_eq!(faults(&operator, drop).await, ["confirm"]);
    let bad = json!({"command": "resume", "store": "example", "destination": "rule", "then": "later", "soon": 1});
    assert_eq!(faults(&operator, bad).await, ["by", "soon", "then", "why"]);
    let past = command("pause", &json!({"until": "2020-01-01T00:00:00Z"}));
    assert_eq!(faults(&operator, past).await, ["until"]);
    let other = command("pause", &json!({"store": "nobody"}));
    assert_eq!(faults(&operator, other).await, ["store"]);
    assert_eq!(audited(&world).len(), 1, "only the pause itself was done");
}

#[tokio::test]
async fn a_pause_stops_what_is_replayed_as_well() {
    let world = World::new().await;
    super::rejected(&world, KARI, 1).await;
    let operator = operator(&world);
    done(&operator, command("pause", &json!({}))).await;
    world.clock.advance(SignedDuration::from_secs(70));
    done(&operator, command("replay", &json!({"list": "rejected"}))).await;
    world.push().await;
    assert!(world.vendor.started().is_empty());
    assert_eq!(world.parked("example").await.len(), 1);
    done(&operator, command("resume", &json!({"then": "send"}))).await;
    world.settle().await;
    assert_eq!(world.vendor.started().len(), 1);
}
