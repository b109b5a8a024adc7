//! Twenty thousand events with one fault in ten and crashes at random places: nothing lost, nothing backwards, no
//! automation twice. The same seed gives the same run.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use recording::Delivered;
use serde_json::json;

use crate::world::{Random, World};

const EVENTS: usize = 20_000;
const MEMBERS: i64 = 700;
const SEED: u64 = 20_260_304;

/// What happened so far.
#[derive(Default)]
struct Told {
    deliveries: usize,
    crashes: usize,
    unconfirmed: usize,
}

#[tokio::test]
async fn a_burst_with_faults_and_crashes_ends_as_if_there_had_been_none() {
    let world = World::new().await;
    let mut random = Random::new(SEED);
    world.vendor.misbehave(Random::new(SEED + 1));
    let mut inbox = deliveries(&world, &mut random);
    let mut told = Told::default();
    while !inbox.is_empty() {
        record(&world, &mut inbox, &mut random, &mut told).await;
        push(&world, &mut random, &mut told).await;
        world
            .clock
            .advance(SignedDuration::from_millis(random.below(4_000)));
    }
    while world.is_waiting() {
        push(&world, &mut random, &mut told).await;
        world.wait_for_next();
    }
    check(&world, &told);
}

/// Every event once, some twice, a little out of order.
fn deliveries(world: &World, random: &mut Random) -> Vec<Delivered> {
    let mut all = Vec::new();
    let mut numbers: BTreeMap<i64, i64> = BTreeMap::new();
    for event in 0..EVENTS {
        let member = random.below(MEMBERS);
        let number = numbers.entry(member).or_default();
        *number += 1;
        let at = world.clock_text(i64::try_from(event).unwrap());
        let body = json!({
            "topic": "swell/points/earned",
            "email": format!("m{member}@example.com"),
            "customer": {"email": format!("m{member}@example.com"), "points_balance": number, "last_seen_at": at},
            "perk": {"id": event, "reward_points": 1},
        });
        let delivery = world.delivery("example", body.to_string().as_bytes());
        if random.below(20) == 0 {
            all.push(delivery.clone());
        }
        all.push(delivery);
    }
    for place in 0..all.len() {
        let other = place + usize::try_from(random.below(15)).unwrap();
        if other < all.len() {
            all.swap(place, other);
        }
    }
    all.reverse();
    all
}

/// One batch through the recorder; in one of ten it stops somewhere, and the batch comes again.
async fn record(world: &World, inbox: &mut Vec<Delivered>, random: &mut Random, told: &mut Told) {
    let batch = inbox.split_off(inbox.len().saturating_sub(10));
    disturb(world, random);
    let results = world.recorder.record(batch.clone()).await;
    let stopped = world.fuse.mend();
    told.crashes += usize::from(stopped);
    for (delivery, result) in batch.into_iter().zip(results) {
        if stopped || result.is_err() {
            inbox.insert(0, delivery);
        } else {
            told.deliveries += 1;
        }
    }
}

async fn push(world: &World, random: &mut Random, told: &mut Told) {
    disturb(world, random);
    let (outcomes, stopped) = world.push_counted().await;
    told.crashes += usize::from(stopped);
    if !stopped {
        let unconfirmed = |outcome: &&vendors::Outcome| **outcome == vendors::Outcome::Unconfirmed;
        told.unconfirmed += outcomes.iter().filter(unconfirmed).count();
    }
}

fn disturb(world: &World, random: &mut Random) {
    if random.below(10) == 0 {
        let call = usize::try_from(random.below(40)).unwrap() + 1;
        let effect_happens = random.below(2) == 0;
        if random.below(2) == 0 {
            world.fuse.arm(call, effect_happens);
        } else {
            world.fuse.fail_once(call, effect_happens);
        }
    }
}

fn check(world: &World, told: &Told) {
    let mut started = world.vendor.started();
    let starts = started.len();
    started.sort();
    started.dedup();
    let repeated = starts - started.len();
    let (mut sent, mut listed) = (0, 0);
    let (mut behind, mut members) = (0, 0);
    for member in 0..MEMBERS {
        let email = format!("m{member}@example.com");
        for row in world.rows(&email) {
            match (
                row["sk"].as_str().unwrap().starts_with("DELIVERY#"),
                row["status"].as_str(),
            ) {
                (true, Some("sent")) => sent += 1,
                (true, Some("unconfirmed")) => listed += 1,
                (true, status) => panic!("{status:?} has no end"),
                (false, _) => {}
            }
        }
        let balance = world.key(&email, "points_available").to_string();
        members += 1;
        behind += usize::from(world.vendor.field(&email, "Yotpo.PointsBalance") != Some(balance));
    }
    let backwards = world.vendor.backwards();
    println!(
        "{EVENTS} events, {members} members, {} crashes: sent {sent}, shown to a person {listed} ({} times), \
         automations started {starts}, repeated {repeated}, backwards {backwards}, behind {behind}",
        told.crashes, told.unconfirmed,
    );
    assert_eq!(sent + listed, EVENTS, "lost 0");
    assert_eq!((repeated, backwards, behind), (0, 0, 0));
    assert!(
        told.crashes > 500 && world.vendor.faults() > 1_000,
        "the run was disturbed"
    );
    assert!(
        listed < EVENTS / 1_000,
        "hardly anything needs a person: {listed}"
    );
}
