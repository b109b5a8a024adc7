//! Promise: **a day that comes due is told once, and none is forgotten.** Whoever tells of it first, the source or the clock;
//! however often a run is repeated or cut off; and however many are written together.
//!
//! ```text
//! break: a day that was told is not noted
//! file: shared/loyalty/src/due/arm.rs
//! -             armed.told = Some(on);
//! +             armed.told = None;
//! ```
//!
//! ```text
//! break: a day that was missed is not caught up
//! file: shared/loyalty/src/due/look.rs
//! -     let missed = days_between(date, today) > around.rules.catch_up;
//! +     let missed = days_between(date, today) > 0;
//! ```
//!
//! ```text
//! break: the clock says again what the source has said
//! file: shared/recording/src/member.rs
//! -     let said = entry.event.stamp.source == CLOCK || is_plain_day(&entry.event);
//! +     let said = entry.event.stamp.source == "" || is_plain_day(&entry.event) && false;
//! ```
//!
//! ```text
//! break: a gift is taken for a repeat of the day
//! file: shared/vendors/src/yotpo/keys.rs
//! -         due if due.is_yearly() && facts.detail.gives() => return None,
//! +         due if due.is_yearly() && facts.day.year() < 0 => return None,
//! ```
//!
//! ```text
//! break: who got no answer together is written again at once
//! file: shared/delivery/src/crowd.rs
//! -             Attempted::Answered(answer) => Joined::Made(Attempted::Answered(answer.clone())),
//! +             Attempted::Answered(_) => Joined::Alone,
//! ```
//!
//! ```text
//! break: one who is refused refuses all
//! file: shared/delivery/src/crowd.rs
//! -             Attempted::Answered(Answer::Refused(_)) if count > 1 => Joined::Alone,
//! +             Attempted::Answered(Answer::Refused(_)) if count > 99 => Joined::Alone,
//! ```

use loyalty::{Kind, due::Due};
use serde_json::{Value, json};

use crate::{
    world::Does,
    yard::{Yard, customer, whom},
};

const BIRTHDAY: &[Due] = &[Due::Birthday];

fn email(number: usize) -> String {
    format!("m{number}@example.com")
}

/// Members whose birthday is 17 May, on the day before.
async fn born(members: usize) -> Yard {
    let yard = Yard::with(json!({"emit": {"birthday": {"mode": "on"}}})).await;
    yard.at("2026-05-16T14:00:00Z");
    for number in 0..members {
        yard.born(&email(number), "1990-05-17").await;
    }
    yard.told();
    yard
}

/// The source's own word for the first member's day.
fn said(yard: &Yard, gift: &Value) -> Value {
    json!({
        "topic": "swell/customer/birthday", "email": email(0), "customer": customer(yard, &email(0)),
        "redemption": gift,
    })
}

#[tokio::test]
async fn a_day_is_told_once_whenever_it_is_looked_at() {
    for run in ["2026-05-17T13:00:00Z", "2026-05-18T13:00:00Z"] {
        let yard = born(2).await;
        yard.at(run);
        assert_eq!(
            whom(&yard.day(BIRTHDAY).await),
            [email(0), email(1)],
            "{run}"
        );
        assert_eq!(yard.emit(BIRTHDAY).await.told, 0);
        assert_eq!(
            yard.listed(&email(0), Kind::Birthday).as_deref(),
            Some("2027-05-17")
        );
    }
}

#[tokio::test]
async fn a_run_that_is_cut_off_anywhere_forgets_nobody_and_tells_nobody_twice() {
    for call in 1.. {
        let yard = born(5).await;
        yard.at("2026-05-17T13:00:00Z");
        yard.world.fuse.arm(call, call % 2 == 0);
        let _ = yard.try_emit(BIRTHDAY).await;
        let stopped = yard.world.fuse.mend();
        yard.emit(BIRTHDAY).await;
        yard.record().await;
        let told = yard.told();
        let all: Vec<String> = (0..5).map(email).collect();
        assert_eq!(whom(&told), all, "cut off at call {call}");
        if !stopped {
            break;
        }
    }
}

#[tokio::test]
async fn the_source_and_the_clock_tell_one_day_once_and_a_gift_always_arrives() {
    // Both are on their way when the source's is recorded.
    let yard = born(1).await;
    yard.at("2026-05-17T13:00:00Z");
    yard.emit(BIRTHDAY).await;
    yard.hear(
        "example",
        &said(&yard, &json!({"id": 8, "reward_text": "HBD"})),
    )
    .await;
    yard.record().await;
    assert_eq!(yard.told().len(), 1);
    // The clock was first. A gift may lack the id that it should have.
    for gift in [
        json!({"id": 8, "reward_text": "HBD"}),
        json!({"reward_text": "HBD"}),
    ] {
        let yard = born(1).await;
        yard.at("2026-05-17T13:00:00Z");
        let first = yard.day(BIRTHDAY).await;
        assert_eq!(first.len(), 1);
        yard.hear("example", &said(&yard, &gift)).await;
        let told = yard.told();
        assert_eq!(told.len(), 1);
        assert_ne!(
            told[0]["delivery"], first[0]["delivery"],
            "it starts by itself"
        );
        assert_eq!(told[0]["detail"]["reward"]["code"], "HBD");
    }
}

#[tokio::test]
async fn who_is_written_together_is_started_once_whatever_the_answer() {
    for does in [Does::BooksInSilence, Does::BooksAndFails] {
        let yard = born(7).await;
        yard.at("2026-05-17T13:00:00Z");
        yard.emit(BIRTHDAY).await;
        yard.record().await;
        yard.world.vendor.will(does);
        yard.world.push().await;
        yard.world.settle_queue().await;
        assert_eq!(yard.world.vendor.started().len(), 7);
    }
    let yard = born(7).await;
    yard.at("2026-05-17T13:00:00Z");
    yard.emit(BIRTHDAY).await;
    yard.record().await;
    yard.world.vendor.refuses(Some(&email(3)));
    yard.world.push().await;
    yard.world.settle_queue().await;
    assert_eq!(
        yard.world.vendor.started().len(),
        6,
        "all but the one who is refused"
    );
}
