//! A crash at every single call of a port, while a night's pages and rewards are read: everyone is healed, and counted once,
//! and the rewards are known.

use recording::repair::Stage;

use super::{Site, night};
use crate::operator::{DISTURBANCES, disturb};

#[tokio::test]
async fn a_night_that_is_disturbed_anywhere_heals_everyone_and_counts_each_once() {
    for disturbance in DISTURBANCES {
        for k in 1.. {
            let place = format!("call {k}, {disturbance:?}");
            let site = Site::new().await;
            let people = night::seven(&site).await;
            for (balance, person) in (900..).zip(people.iter().take(4)) {
                night::missed(&site, person, balance);
            }
            site.yotpo.offers(&[("50 kr off", 500)]);
            // What is remembered for a minute is not what is tested here.
            site.world.store("example").await;
            disturb(&site.world, k, disturbance);
            let begun = site.start("example").await;
            let mut reached = site.world.fuse.reached();
            let stopped = site.world.fuse.mend();
            if !begun || stopped {
                // The next round of upkeep.
                assert!(site.start("example").await, "{place}");
            } else {
                // Three pages, until one of them is disturbed.
                for _ in 0..3 {
                    disturb(&site.world, k - reached, disturbance);
                    site.read().await;
                    reached += site.world.fuse.reached();
                    if reached >= k {
                        break;
                    }
                }
            }
            let outcomes = site.settle().await;
            assert_eq!(site.offered().await, ["50 kr off"], "{place}: {outcomes:?}");
            let repair = site.repair("example").await;
            assert_eq!(repair.stage, Stage::Finished, "{place}");
            let counts = repair.counts;
            assert_eq!((counts.drifted, counts.learned), (4, 0), "{place}");
            assert!(
                counts.seen == 7 && counts.healed + counts.failed == 4,
                "{place}: {counts:?}"
            );
            for (balance, person) in (900..).zip(people.iter().take(4)) {
                let healed = site.world.key(&person.email, "points_available");
                assert_eq!(healed, balance, "{place}: {outcomes:?}");
            }
            site.world.settle().await;
            for (balance, person) in (900..).zip(people.iter().take(4)) {
                let told = site
                    .world
                    .vendor
                    .field(&person.email, "Yotpo.PointsBalance");
                assert_eq!(told, Some(balance.to_string()), "{place}");
            }
            if reached < k {
                assert!(k > 20, "a night makes more calls than that");
                break;
            }
        }
    }
}
