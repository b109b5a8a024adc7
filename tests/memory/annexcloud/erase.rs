//! Who is erased here is erased at Annex Cloud too, by whatever it knows them.

use jiff::SignedDuration;
use loyalty::Alias;
use recording::erase::Whom;
use serde_json::{Value, json};
use vendors::Method;

use super::{KARI, Site, count};
use crate::members::whom;

/// Annex Cloud knows the person by an id of its own, and tells of them: nothing was ever written there.
async fn told_of(site: &Site, id: &str, user: Value) {
    let points = json!({"availablePoints": "500", "lifetimePoints": "700"});
    site.annex.person(id, user, &points, &Value::Null);
    site.hint(&json!({"data": {"userId": id}})).await.unwrap();
    site.read().await;
    site.annex.calls();
}

async fn erased(site: &Site, whom: &Whom) -> bool {
    let store = site.world.store("example").await;
    let eraser = site.world.eraser();
    site.world.clock.advance(SignedDuration::from_secs(1));
    eraser.erase(&store, whom, None).await.unwrap();
    let mut finished = false;
    for _ in 0..3 {
        site.settle().await;
        site.world.clock.advance(SignedDuration::from_mins(16));
        let progress = site.world.sweep(&store).await.unwrap();
        finished = progress.iter().any(|progress| progress.finished) || finished;
    }
    finished
}

#[tokio::test]
async fn who_has_an_id_there_is_erased_by_it() {
    let site = Site::new().await;
    told_of(&site, "c-77", json!({"email": KARI, "firstName": "Kari"})).await;
    assert!(erased(&site, &whom(KARI)).await);
    assert_eq!(site.annex.known("c-77")["user"]["firstName"], "");
    let calls = site.annex.calls();
    assert_eq!(
        count(&calls, Method::Patch, "/users/c%2D77"),
        1,
        "{calls:?}"
    );
    assert_eq!(site.world.rows(KARI), Vec::<Value>::new());
}

#[tokio::test]
async fn who_has_no_address_is_erased_by_the_id() {
    let site = Site::new().await;
    told_of(&site, "c-78", json!({"firstName": "Ola"})).await;
    let id = Alias {
        source: "annexcloud".to_owned(),
        id: "c-78".into(),
    };
    assert!(erased(&site, &Whom::Id(id)).await);
    assert_eq!(site.annex.known("c-78")["user"]["firstName"], "");
}
