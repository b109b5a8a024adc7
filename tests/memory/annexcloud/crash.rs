//! A crash at every single call of a port: no order is booked twice, and none is lost.

use serde_json::json;

use super::{KARI, Site, booking::books, earned};
use crate::operator::{DISTURBANCES, disturb};

/// What must be true at the end: three bookings, each once.
fn check(site: &Site, place: &str) {
    site.annex.check(place);
    assert_eq!(site.points(KARI), "650", "{place}");
    let rows = site.world.rows(KARI);
    let rows = rows
        .iter()
        .filter(|row| row["sk"].as_str().unwrap().starts_with("DELIVERY#"));
    let states: Vec<_> = rows.map(|row| row["status"].clone()).collect();
    assert_eq!(
        states,
        [json!("sent"), json!("sent"), json!("sent")],
        "{place}"
    );
    assert!(site.world.waiting().is_empty(), "{place}");
}

/// What `retry` does is not documented: the looks alone must do.
async fn unheeding() -> Site {
    let site = books().await;
    site.annex.order("/retry", json!({"heeded": false}));
    site
}

#[tokio::test]
async fn a_pusher_that_is_disturbed_anywhere_books_each_order_once() {
    for disturbance in DISTURBANCES {
        for k in 1.. {
            let site = unheeding().await;
            for perk in 1..=3 {
                site.hear(&earned(KARI, perk)).await;
            }
            // What is remembered for minutes is not what is tested here.
            let id = loyalty::StoreId::parse("example").unwrap();
            site.world.pusher.stores.get(&id).await.unwrap();
            disturb(&site.world, k, disturbance);
            site.world.push().await;
            let reached = site.world.fuse.reached();
            site.settle().await;
            check(&site, &format!("call {k}, {disturbance:?}"));
            if reached < k {
                assert!(k > 10, "the batch makes more calls than that");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_pusher_that_meets_a_later_order_first_books_each_once() {
    for disturbance in DISTURBANCES {
        for k in 1.. {
            let site = unheeding().await;
            site.hear(&earned(KARI, 1)).await;
            let id = loyalty::StoreId::parse("example").unwrap();
            site.world.pusher.stores.get(&id).await.unwrap();
            disturb(&site.world, k, disturbance);
            site.world.push().await;
            let reached = site.world.fuse.reached();
            // What was disturbed stays away longer than its lease, and others go first.
            let held = site.world.hold();
            site.world.clock.advance(jiff::SignedDuration::from_mins(5));
            for perk in 2..=3 {
                site.hear(&earned(KARI, perk)).await;
            }
            site.settle().await;
            site.world.bring_back(held);
            site.settle().await;
            check(&site, &format!("first order, call {k}, {disturbance:?}"));
            if reached < k {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_reader_that_is_disturbed_anywhere_brings_the_picture() {
    for disturbance in DISTURBANCES {
        for k in 1.. {
            let site = Site::new().await;
            super::member(&site, KARI);
            site.hint(&json!({"data": {"userId": KARI}})).await.unwrap();
            site.world.store("example").await;
            disturb(&site.world, k, disturbance);
            site.reading.read(&site.world).await;
            let reached = site.world.fuse.reached();
            site.read().await;
            let place = format!("call {k}, {disturbance:?}");
            assert_eq!(site.world.key(KARI, "points_available"), 500, "{place}");
            if reached < k {
                assert!(k > 5, "a read makes more calls than that");
                break;
            }
        }
    }
}
