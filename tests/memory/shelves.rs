//! A person is erased from among more kept deliveries than one run can look through.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;
use loyalty::StoreId;
use platform::{
    Clock as _, Condition, Deadline, Item, Listed, Page, RowKey, Table, TableError, Transacted,
    Update, Write, Written,
    memory::{MemoryClock, MemoryTable},
};
use recording::Shelf;
use serde_json::json;

use crate::{
    members::{earned, whom},
    world::World,
};

const KARI: &str = "kari@example.com";
const OLA: &str = "ola@example.com";

/// Kept deliveries: more than one page of a search.
const KEPT: i64 = 240;

/// A table that takes half a minute for a page of what was kept.
struct Slow {
    table: Arc<MemoryTable>,
    clock: Arc<MemoryClock>,
}

#[async_trait]
impl Table for Slow {
    async fn get(&self, key: &RowKey, consistent: bool) -> Result<Option<Item>, TableError> {
        self.table.get(key, consistent).await
    }

    async fn put(&self, item: Item, condition: Option<Condition>) -> Result<Written, TableError> {
        self.table.put(item, condition).await
    }

    async fn update(&self, key: &RowKey, update: Update) -> Result<Written, TableError> {
        self.table.update(key, update).await
    }

    async fn delete(
        &self,
        key: &RowKey,
        condition: Option<Condition>,
    ) -> Result<Written, TableError> {
        self.table.delete(key, condition).await
    }

    async fn page(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, TableError> {
        if prefix == "ORPHAN#" {
            self.clock.advance(SignedDuration::from_secs(30));
        }
        self.table.page(pk, prefix, after, limit).await
    }

    async fn work(
        &self,
        list: &str,
        from: &str,
        until: &str,
        limit: usize,
    ) -> Result<Vec<Listed>, TableError> {
        self.table.work(list, from, until, limit).await
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Transacted, TableError> {
        self.table.transact(writes).await
    }
}

async fn keep(world: &World, email: &str, number: i64) {
    let mut unknown = earned(Some(email), None, number);
    unknown["topic"] = json!("swell/of/tomorrow");
    world.clock.advance(SignedDuration::from_millis(1));
    world.record(&unknown).await.unwrap();
}

/// How many kept deliveries name somebody.
async fn naming(world: &World, email: &str) -> usize {
    let shelf = Shelf {
        table: world.table.clone(),
        store: StoreId::parse("example").unwrap(),
    };
    let (kept, _) = shelf.page(None, 1_000).await.unwrap();
    let bodies = kept.iter().filter_map(|kept| kept.envelope.as_ref());
    let bodies = bodies.map(|envelope| String::from_utf8(envelope.open().unwrap()).unwrap());
    bodies.filter(|body| body.contains(email)).count()
}

#[tokio::test]
async fn a_search_that_is_too_long_for_one_run_goes_on_where_it_stopped() {
    let world = World::new().await;
    for number in 0..KEPT {
        let email = if number % 80 == 79 { KARI } else { OLA };
        keep(&world, email, number).await;
    }
    let mut eraser = world.eraser();
    eraser.table = Arc::new(Slow {
        table: world.table.clone(),
        clock: world.clock.clone(),
    });
    let store = world.store("example").await;
    let first = eraser.erase(&store, &whom(KARI), None).await.unwrap();
    assert!(!first.finished);
    assert_eq!(naming(&world, KARI).await, 2, "one page was searched");

    world.settle().await;
    let (mut runs, mut late) = (0, false);
    loop {
        runs += 1;
        assert!(runs < 20, "it ends");
        world.clock.advance(SignedDuration::from_mins(10));
        let began = world.clock.now();
        let until = Deadline::after(SignedDuration::from_mins(1), &*world.clock);
        let swept = eraser.sweep(&store, until).await.unwrap();
        let took = world.clock.now().duration_since(began);
        assert!(took <= SignedDuration::from_secs(60), "{took:?}");
        if swept.iter().any(|progress| progress.finished) {
            break;
        }
        if naming(&world, KARI).await == 0 && !late {
            // Another process was about to write this when the search went by.
            late = true;
            keep(&world, KARI, KEPT).await;
        }
    }
    assert!(late && runs > 3, "{runs} runs");
    assert_eq!(
        (naming(&world, KARI).await, naming(&world, OLA).await),
        (0, 237)
    );
}

#[tokio::test]
async fn without_time_no_erasure_is_begun_and_the_next_run_goes_on() {
    let world = World::new().await;
    world.record(&earned(Some(KARI), None, 1)).await.unwrap();
    let store = world.store("example").await;
    let eraser = world.eraser();
    eraser.erase(&store, &whom(KARI), None).await.unwrap();
    world.settle().await;
    world.clock.advance(SignedDuration::from_mins(15));
    let over = Deadline::after(SignedDuration::ZERO, &*world.clock);
    assert!(eraser.sweep(&store, over).await.unwrap().is_empty());
    assert!(world.sweep(&store).await.unwrap()[0].finished);
}
