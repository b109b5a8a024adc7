//! Nightly repairs.

use jiff::SignedDuration;
use recording::repair::Stage;
use serde_json::{Value, json};
use vendors::{Outcome, Reason};

use super::{KARI, Person, Site, person, yotpo::Does};

/// Seven people whom the webhooks have told of, and Yotpo knows the same of.
pub(super) async fn seven(site: &Site) -> Vec<Person> {
    let names = ["kari", "ola", "liv", "odd", "vera", "mikkel", "synne"];
    let people: Vec<Person> = (0..)
        .zip(names)
        .map(|(at, name)| person(name, 100 + at, 19))
        .collect();
    for person in &people {
        site.hear(person).await;
        site.yotpo.knows(person.row());
    }
    site.world.settle().await;
    people
}

/// News of this person never came.
pub(super) fn missed(site: &Site, person: &Person, balance: i64) {
    let later = Person {
        balance,
        seen: "2026-03-20T09:00:00.000Z".to_owned(),
        ..person.clone()
    };
    site.yotpo.knows(later.row());
}

fn balance(site: &Site, email: &str) -> Value {
    site.world.key(email, "points_available")
}

fn at_rule(site: &Site, email: &str) -> Option<String> {
    site.world.vendor.field(email, "Yotpo.PointsBalance")
}

#[tokio::test]
async fn what_never_came_is_healed_here_and_in_rule_and_starts_nothing() {
    let site = Site::new().await;
    let people = seven(&site).await;
    let started = site.world.vendor.started().len();
    missed(&site, &people[1], 900);
    missed(&site, &people[5], 901);
    let repair = site.night().await;
    let counts = repair.counts;
    assert_eq!((counts.seen, counts.drifted, counts.healed), (7, 2, 2));
    assert_eq!((counts.learned, counts.failed, counts.erased), (0, 0, 0));
    assert_eq!(
        (repair.stage, repair.page, repair.run.as_str()),
        (Stage::Finished, 3, "2026-03-20")
    );
    site.world.settle().await;
    for (person, healed) in [(&people[1], 900), (&people[5], 901), (&people[0], 100)] {
        assert_eq!(balance(&site, &person.email), healed);
        assert_eq!(at_rule(&site, &person.email), Some(healed.to_string()));
    }
    assert_eq!(site.world.vendor.started().len(), started);
    let writes = site.world.vendor.writes();
    let [healed] = &writes[7..] else {
        panic!("one more write, for both together");
    };
    assert_eq!(healed["automation"], json!(false));
    assert_eq!(healed["subscribers"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_night_without_drift_writes_nothing_but_its_own_rows() {
    let site = Site::new().await;
    seven(&site).await;
    site.night().await;
    site.world.clock.advance(SignedDuration::from_hours(24));
    let before = site.world.table.all().len();
    site.world.table.take_usage();
    let repair = site.night().await;
    assert_eq!((repair.counts.seen, repair.counts.drifted), (7, 0));
    assert_eq!(repair.run, "2026-03-21");
    let usage = site.world.table.take_usage();
    // The row: begun, on its way, and once for each of three pages; the rewards; the pace, once for each question.
    assert_eq!(usage.write_units, 10, "{usage:?}");
    assert_eq!(site.world.table.all().len(), before);
    assert!(!site.world.is_waiting());
}

#[tokio::test]
async fn a_page_of_people_seen_long_ago_does_not_end_a_run() {
    let site = Site::new().await;
    let people = seven(&site).await;
    site.night().await;
    site.world.clock.advance(SignedDuration::from_hours(24));
    // Whoever was changed last stands first; they were seen last as long ago as everybody else.
    missed(&site, &people[0], 900);
    for other in &people[1..] {
        site.yotpo.knows(other.row());
    }
    let counts = site.night().await.counts;
    assert_eq!((counts.seen, counts.healed), (7, 1));
}

#[tokio::test]
async fn a_run_begins_once_a_day_whoever_asks() {
    let site = Site::new().await;
    seven(&site).await;
    assert!(site.start("example").await && site.start("example").await);
    site.settle().await;
    let calls = site.yotpo.read_members();
    assert_eq!(calls, 3, "three pages");
    assert!(site.start("example").await);
    site.settle().await;
    assert_eq!(site.yotpo.read_members(), calls);
    site.put_store("other", false).await;
    assert!(site.start("other").await);
    site.settle().await;
    assert_eq!(
        site.yotpo.read_members(),
        calls,
        "a store without credentials is not read"
    );
    site.world.queue.refuse(true);
    site.world.clock.advance(SignedDuration::from_hours(24));
    assert!(!site.start("example").await, "the queue did not take it");
    site.world.queue.refuse(false);
    site.night().await;
    assert_eq!(site.yotpo.read_members(), calls + 3);
}

#[tokio::test]
async fn a_page_that_fails_in_the_middle_is_read_again_and_counted_once() {
    let site = Site::new().await;
    let people = seven(&site).await;
    for (balance, person) in (900..).zip(&people) {
        missed(&site, person, balance);
    }
    assert!(site.start("example").await);
    // The page, the rewards beside it, and the page again.
    site.yotpo.will(Does::Answers(503));
    site.yotpo.will(Does::Breaks);
    site.yotpo.will(Does::Breaks);
    let outcomes = site.read().await.0;
    assert!(matches!(
        outcomes[0],
        Outcome::Retry {
            reason: Reason::VendorError,
            ..
        }
    ));
    site.settle().await;
    let counts = site.repair("example").await.counts;
    assert_eq!(
        (counts.seen, counts.drifted, counts.healed, counts.failed),
        (7, 7, 7, 0)
    );
    assert_eq!(site.yotpo.read_members(), 5);
}

#[tokio::test]
async fn a_vendor_that_asks_to_wait_is_left_alone() {
    let site = Site::new().await;
    seven(&site).await;
    assert!(site.start("example").await);
    site.yotpo.will(Does::Asks(429, "120"));
    let outcomes = site.read().await.0;
    let Outcome::Throttled { after } = outcomes[0] else {
        panic!("{outcomes:?}");
    };
    assert_eq!(after.as_secs(), 120);
    site.world.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(site.yotpo.calls().len(), 1);
    site.settle().await;
    assert_eq!(site.repair("example").await.stage, Stage::Finished);
}

#[tokio::test]
async fn who_was_erased_yesterday_is_not_brought_back() {
    let site = Site::new().await;
    let people = seven(&site).await;
    let eraser = site.world.eraser();
    let store = site.world.store("example").await;
    let kari = loyalty::Email::parse(KARI).unwrap();
    let whom = recording::erase::Whom::Email(kari);
    eraser.erase(&store, &whom, None).await.unwrap();
    // Until nothing is left of her but keyed hashes.
    for _ in 0..6 {
        site.world.settle().await;
        site.world.clock.advance(SignedDuration::from_mins(15));
        site.world.sweep(&store).await.unwrap();
    }
    assert!(site.world.rows(KARI).is_empty());
    site.world.clock.advance(SignedDuration::from_hours(24));
    missed(&site, &people[0], 900);
    missed(&site, &people[1], 901);
    let counts = site.night().await.counts;
    assert_eq!((counts.seen, counts.drifted, counts.healed), (7, 1, 1));
    assert_eq!((counts.erased, counts.learned), (1, 0));
    assert!(site.world.rows(KARI).is_empty(), "nothing of her is kept");
    assert_eq!(
        balance(&site, &people[1].email),
        901,
        "her neighbour is healed"
    );
}

#[tokio::test]
async fn who_has_another_address_is_healed_under_it() {
    let site = Site::new().await;
    let people = seven(&site).await;
    let new = Person {
        email: "kari.nordmann@example.com".to_owned(),
        balance: 150,
        seen: "2026-03-20T07:00:00.000Z".to_owned(),
        ..people[0].clone()
    };
    site.hear(&new).await;
    site.world.settle().await;
    assert_eq!(site.world.row(KARI, "STATE")["moved_to"], new.email);
    // Yotpo's list still has the row from before, and news of the new address was missed too.
    let counts = site.night().await.counts;
    assert_eq!(
        (counts.drifted, counts.healed),
        (1, 0),
        "an old row is no news"
    );
    assert_eq!(balance(&site, &new.email), 150);
    site.world.clock.advance(SignedDuration::from_hours(24));
    missed(&site, &new, 400);
    let counts = site.night().await.counts;
    assert_eq!((counts.drifted, counts.healed), (1, 1));
    assert_eq!(balance(&site, &new.email), 400);
    assert_eq!(site.world.row(KARI, "STATE")["moved_to"], new.email);
}

#[tokio::test]
async fn a_row_under_another_address_renames_as_live_news_does() {
    let site = Site::new().await;
    let people = seven(&site).await;
    let new = Person {
        email: "kari.nordmann@example.com".to_owned(),
        balance: 150,
        seen: "2026-03-20T07:00:00.000Z".to_owned(),
        ..people[0].clone()
    };
    site.yotpo.knows(new.row());
    let counts = site.night().await.counts;
    assert_eq!((counts.drifted, counts.healed, counts.learned), (1, 1, 0));
    assert_eq!(site.world.row(KARI, "STATE")["moved_to"], new.email);
    assert_eq!(balance(&site, &new.email), 150);
    site.world.settle().await;
    assert_eq!(at_rule(&site, &new.email).as_deref(), Some("150"));
    // And back again.
    site.world.clock.advance(SignedDuration::from_hours(24));
    let back = Person {
        seen: "2026-03-21T07:00:00.000Z".to_owned(),
        ..people[0].clone()
    };
    site.yotpo.knows(back.row());
    let counts = site.night().await.counts;
    assert_eq!((counts.drifted, counts.healed), (1, 1));
    assert_eq!(balance(&site, KARI), 100);
}

#[tokio::test]
async fn an_answer_that_is_slower_than_live_news_does_not_undo_it() {
    let site = Site::new().await;
    let people = seven(&site).await;
    assert!(site.start("example").await);
    site.yotpo.will(Does::Waits);
    // While the answer is under way, the balance moves within the same visit, and the webhook is quicker.
    let live = Person {
        balance: 555,
        ..people[6].clone()
    };
    let news = async {
        site.yotpo.asked.acquire().await.unwrap().forget();
        site.world.clock.advance(SignedDuration::from_secs(1));
        site.hear(&live).await;
        site.yotpo.let_go.add_permits(1);
    };
    tokio::join!(site.read(), news);
    site.settle().await;
    assert_eq!(balance(&site, &live.email), 555);
    let counts = site.repair("example").await.counts;
    assert_eq!((counts.drifted, counts.healed), (1, 0));
}

#[tokio::test]
async fn what_is_newer_here_than_the_source_knows_stays_and_is_counted() {
    let site = Site::new().await;
    let people = seven(&site).await;
    let older = Person {
        balance: 1,
        seen: "2026-03-01T08:00:00.000Z".to_owned(),
        ..people[2].clone()
    };
    site.yotpo.knows(older.row());
    let events = |site: &Site| {
        let rows = site.world.rows(&older.email);
        rows.iter()
            .filter(|row| row["sk"].as_str().unwrap().starts_with("EVENT#"))
            .count()
    };
    let before = events(&site);
    let counts = site.night().await.counts;
    assert_eq!((counts.drifted, counts.healed), (1, 0));
    assert_eq!(balance(&site, &older.email), 102);
    assert_eq!(events(&site), before, "nothing is written for it");
}

#[tokio::test]
async fn members_who_were_never_heard_of_are_learned() {
    let site = Site::new().await;
    site.yotpo.knows(person("venn", 7, 19).row());
    site.yotpo.knows(json!({"points_balance": 5}));
    let counts = site.night().await.counts;
    assert_eq!(
        (counts.seen, counts.learned, counts.drifted, counts.failed),
        (2, 1, 0, 1)
    );
    assert_eq!(balance(&site, "venn@example.com"), 7);
}

#[tokio::test]
async fn a_wrong_key_stops_its_store_alone_and_loses_nothing() {
    let site = Site::new().await;
    let people = seven(&site).await;
    missed(&site, &people[0], 900);
    site.put_store("other", true).await;
    site.key("example", "wrong");
    assert!(site.start("example").await && site.start("other").await);
    let outcomes = site.read().await.0;
    let refused = outcomes
        .iter()
        .filter(|outcome| outcome.reason() == Some(Reason::Unauthorized));
    assert_eq!(refused.count(), 2, "its page and its rewards: {outcomes:?}");
    let calls = site.yotpo.calls().len();
    // The other store's run goes on; this one asks nothing more but its probes.
    for _ in 0..20 {
        site.world.clock.advance(SignedDuration::from_mins(1));
        site.read().await;
    }
    assert_eq!(site.repair("other").await.stage, Stage::Finished);
    assert!(site.repair("example").await.is_open());
    let probes = site.yotpo.calls().len() - calls - 2;
    assert!(
        (1..=3).contains(&probes),
        "{probes} probes in twenty minutes"
    );
    site.key("example", "rest-key");
    site.settle().await;
    assert_eq!(site.repair("example").await.stage, Stage::Finished);
    assert_eq!(balance(&site, KARI), 900);
}

#[tokio::test]
async fn a_missing_secret_waits_for_it() {
    let site = Site::new().await;
    seven(&site).await;
    site.put_store("later", true).await;
    site.world.secrets.set("bridge/later/yotpo", "{}");
    assert!(site.start("later").await);
    let outcomes = site.read().await.0;
    assert_eq!(outcomes[0].reason(), Some(Reason::SecretMissing));
    assert_eq!(site.yotpo.calls().len(), 0);
    site.key("later", "rest-key");
    site.settle().await;
    assert_eq!(site.repair("later").await.stage, Stage::Finished);
}

#[tokio::test]
async fn an_outage_of_days_ends_in_a_run_that_looks_as_far_back() {
    let site = Site::new().await;
    let people = seven(&site).await;
    site.night().await;
    missed(&site, &people[3], 900);
    site.yotpo.always(Some(500));
    for _ in 0..3 {
        site.world.clock.advance(SignedDuration::from_hours(24));
        assert!(site.start("example").await);
        for _ in 0..30 {
            site.read().await;
            site.world.clock.advance(SignedDuration::from_mins(10));
        }
    }
    assert!(site.repair("example").await.is_open());
    site.yotpo.always(None);
    site.settle().await;
    let repair = site.repair("example").await;
    assert_eq!((repair.stage, repair.counts.healed), (Stage::Finished, 1));
    assert_eq!(balance(&site, &people[3].email), 900);
}

#[tokio::test]
async fn a_source_that_refuses_to_go_on_ends_the_run() {
    let site = Site::new().await;
    seven(&site).await;
    assert!(site.start("example").await);
    site.read().await;
    site.yotpo.will(Does::Answers(400));
    site.settle().await;
    let repair = site.repair("example").await;
    assert_eq!((repair.stage, repair.counts.seen), (Stage::Refused, 3));
}
