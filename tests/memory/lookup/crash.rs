//! Whatever fails while a ticket waits, it is answered with a card, and nobody is made a member twice or lost for it.

use jiff::SignedDuration;
use serde_json::json;

use super::{ADA, Desk, STRANGER};
use crate::operator::{DISTURBANCES, disturb};

#[tokio::test]
async fn a_failure_of_any_call_is_a_card_and_the_next_ticket_is_right() {
    let mut reached = 0;
    for disturbance in DISTURBANCES {
        for k in 1.. {
            let desk = Desk::with(
                json!({"enrol_on_ticket": true, "never_enrol": {"domains": ["shop.example.com"]}}),
            )
            .await;
            desk.ada();
            disturb(&desk.site.world, k, disturbance);
            let (ada, stranger) = (desk.status(ADA).await, desk.status(STRANGER).await);
            let calls = desk.site.world.fuse.reached();
            desk.site.world.fuse.mend();
            assert!(
                ["member", "unavailable", "not a member"].contains(&ada.as_str()),
                "{k}: {ada}"
            );
            assert!(
                ["unavailable", "not a member"].contains(&stranger.as_str()),
                "{k}: {stranger}"
            );
            desk.settle().await;
            // What failed once was put right by whoever saw it; what stays broken is forgotten after ten minutes.
            let (_, once) = disturbance;
            let wait = if once { 0 } else { 12 };
            desk.site
                .world
                .clock
                .advance(SignedDuration::from_mins(wait));
            for _ in 0..2 {
                desk.card(STRANGER).await;
                desk.settle().await;
                desk.site.world.clock.advance(SignedDuration::from_secs(5));
            }
            assert_eq!(desk.status(ADA).await, "member", "{k} {disturbance:?}");
            assert_eq!(desk.status(STRANGER).await, "member", "{k} {disturbance:?}");
            desk.site.annex.check("crash");
            reached = reached.max(k);
            if k > calls {
                break;
            }
        }
    }
    assert!(reached > 20, "{reached}");
}
