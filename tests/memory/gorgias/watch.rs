//! The daily look at the integration: a disabled one is told of, and enabled again where the store wants it and we answer.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bridge_tests::rough::{Does as Serves, Server, answer};
use delivery::{Http, NoReply, Watcher, Wire};
use jiff::SignedDuration;
use platform::{Clock as _, TableError};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use vendors::{Call, Key, Method, Reply, Way};

use super::{
    bench::Bench,
    provision::{integration, provision},
};
use crate::{operator::done, world::Does};

const CARD: &str = r#"{"loyalty":{"status":"not a member"}}"#;

/// Our own API, as Gorgias reaches it.
struct Home {
    answers: Mutex<Result<(u16, &'static str), NoReply>>,
    asked: Mutex<Vec<[String; 3]>>,
}

#[async_trait]
impl Wire for Home {
    async fn send(&self, call: &Call, way: &Way<'_>) -> Result<Reply, NoReply> {
        let header = way.headers[0].value.expose_secret().to_owned();
        let asked = [way.base.to_owned(), call.path.clone(), header];
        self.asked.lock().unwrap().push(asked);
        let answer = *self.answers.lock().unwrap();
        answer.map(|(status, body)| Reply {
            status,
            retry_after: None,
            date: None,
            body: body.as_bytes().to_vec(),
        })
    }
}

struct Post {
    bench: Bench,
    home: Arc<Home>,
    watcher: Watcher,
}

impl Post {
    /// A store whose integration is at work, and a watch that has not looked yet.
    async fn with(settings: Value) -> Self {
        let bench = Bench::with(settings).await;
        provision(&bench).await;
        let home = Arc::new(Home {
            answers: Mutex::new(Ok((200, CARD))),
            asked: Mutex::default(),
        });
        let world = &bench.world;
        let watcher = Watcher {
            destination: world.pusher.destination,
            table: world.recorder.table.clone(),
            secrets: world.secrets.clone(),
            secret_prefix: "bridge".to_owned(),
            clock: world.clock.clone(),
            wire: bench.gorgias.clone(),
            home: home.clone(),
            api_url: "https://api.example.com/".to_owned(),
        };
        bench.gorgias.calls();
        Self {
            bench,
            home,
            watcher,
        }
    }

    async fn new() -> Self {
        Self::with(json!({"reenable": true})).await
    }

    fn disable(&self) {
        let id = integration(&self.bench)["id"].clone();
        let order = json!({"integration": id});
        self.bench.gorgias.order("/deactivate", order);
    }

    fn remove(&self) {
        let id = integration(&self.bench)["id"].clone();
        let order = json!({"integration": id});
        self.bench.gorgias.order("/remove", order);
    }

    fn is_disabled(&self) -> bool {
        !integration(&self.bench)["deactivated_datetime"].is_null()
    }

    /// The round five minutes later: whether it is told that something is stopped.
    async fn round(&self) -> bool {
        self.try_round().await.unwrap()
    }

    async fn try_round(&self) -> Result<bool, TableError> {
        let clock = &self.bench.world.clock;
        clock.advance(SignedDuration::from_mins(5));
        let store = self.bench.world.store("example").await;
        self.watcher.round(&store, true).await
    }

    fn calls(&self) -> usize {
        self.bench.gorgias.calls().len()
    }

    fn asked(&self) -> Vec<[String; 3]> {
        std::mem::take(&mut *self.home.asked.lock().unwrap())
    }

    fn day(&self) {
        let clock = &self.bench.world.clock;
        clock.advance(SignedDuration::from_hours(24));
    }
}

#[tokio::test]
async fn one_look_a_day_while_all_is_well() {
    let post = Post::new().await;
    assert!(!post.round().await);
    assert_eq!(post.calls(), 1);
    for _ in 0..3 {
        assert!(!post.round().await);
    }
    assert_eq!(post.calls(), 0);
    post.day();
    assert!(!post.round().await);
    assert_eq!(post.calls(), 1);
    assert!(post.asked().is_empty());
}

#[tokio::test]
async fn a_disabled_one_is_told_of_until_a_person_enables_it() {
    let post = Post::with(json!({})).await;
    post.disable();
    assert!(post.round().await && post.round().await);
    assert!(
        post.bench.gorgias.writes().is_empty(),
        "the store leaves it to a person"
    );
    assert!(post.asked().is_empty() && post.is_disabled());
    provision(&post.bench).await;
    assert!(!post.round().await, "the alarm ends with the next round");
    post.calls();
    assert!(!post.round().await);
    assert_eq!(post.calls(), 0, "and it is looked at daily again");
}

#[tokio::test]
async fn it_is_enabled_after_a_trial_where_the_store_wants_that_and_told_of_once() {
    let post = Post::new().await;
    post.disable();
    let before = integration(&post.bench);
    assert!(post.round().await, "somebody hears of it");
    let base = "https://api.example.com".to_owned();
    let path = "/gorgias/example/member?email=nobody%40example.com".to_owned();
    let token = "Bearer example-token".to_owned();
    assert_eq!(post.asked(), [[base, path, token]]);
    assert!(!post.is_disabled());
    let after = integration(&post.bench);
    for same in ["name", "description", "http"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    assert!(!post.round().await);
    assert_eq!(post.bench.gorgias.writes().len(), 1);
    // It happens again.
    post.day();
    post.disable();
    assert!(post.round().await && !post.is_disabled());
}

#[tokio::test]
async fn what_was_tried_is_what_gorgias_calls_from_then_on() {
    let post = Post::new().await;
    post.bench.token("another-example-token");
    post.disable();
    post.round().await;
    assert_eq!(post.asked()[0][2], "Bearer another-example-token");
    let headers = &integration(&post.bench)["http"]["headers"];
    assert_eq!(headers["Authorization"], "Bearer another-example-token");
}

#[tokio::test]
async fn it_stays_disabled_while_we_do_not_answer() {
    for answers in [
        Ok((200, "[]")),
        Ok((200, "<html>")),
        Ok((200, r#"{"loyalty":{"status":"unavailable"}}"#)),
        Ok((401, "{}")),
        Ok((500, "{}")),
        Ok((429, "{}")),
        Err(NoReply::NotSent),
        Err(NoReply::NotAnswered),
    ] {
        let post = Post::new().await;
        *post.home.answers.lock().unwrap() = answers;
        post.disable();
        assert!(post.round().await && post.round().await, "{answers:?}");
        assert!(post.is_disabled(), "{answers:?}");
        assert!(post.bench.gorgias.writes().is_empty());
        assert_eq!(post.asked().len(), 2, "every round tries");
        *post.home.answers.lock().unwrap() = Ok((200, CARD));
        assert!(post.round().await && !post.is_disabled());
        assert!(!post.round().await);
    }
}

#[tokio::test]
async fn without_the_secret_there_is_no_trial() {
    let post = Post::new().await;
    let name = "bridge/example/gorgias-lookup";
    post.bench.world.secrets.remove(name);
    post.disable();
    assert!(post.round().await);
    assert!(post.asked().is_empty() && post.is_disabled());
}

#[tokio::test]
async fn a_look_that_fails_is_made_again_in_the_next_round() {
    for does in [
        Does::Breaks,
        Does::Unreachable,
        Does::Answers(500, json!({})),
        Does::Answers(200, json!("<html>")),
        Does::Asks(429, "10"),
        Does::Answers(401, json!({})),
        Does::Answers(404, json!({})),
    ] {
        let post = Post::new().await;
        post.disable();
        post.bench
            .gorgias
            .will(Method::Get, "/integrations", does.clone());
        assert!(!post.round().await, "nobody knows");
        assert!(post.round().await, "and now they do");
        // The same while it is known to be stopped: the alarm goes on.
        post.disable();
        post.bench.gorgias.will(Method::Get, "/integrations", does);
        assert!(post.round().await);
    }
}

#[tokio::test]
async fn looks_that_go_on_failing_become_rare() {
    let post = Post::new().await;
    assert!(!post.round().await);
    post.disable();
    post.day();
    post.calls();
    post.bench.wrong_key();
    let mut looks = 0;
    for _ in 0..12 * 24 {
        post.round().await;
        looks += usize::from(post.calls() > 0);
    }
    assert!((5..=12).contains(&looks), "{looks}");
}

#[tokio::test]
async fn one_that_somebody_removed_is_told_of() {
    let post = Post::new().await;
    assert!(!post.round().await);
    post.remove();
    post.day();
    assert!(post.round().await && post.round().await);
    assert!(post.bench.gorgias.writes().is_empty());
    provision(&post.bench).await;
    assert!(!post.round().await);
}

#[tokio::test]
async fn an_enabling_that_is_not_answered_is_looked_at_again() {
    for (does, is_on) in [
        (Does::Breaks, false),
        (Does::BooksInSilence, true),
        (Does::BooksAndFails, true),
        (Does::Asks(429, "10"), false),
        (Does::Answers(403, json!({})), false),
    ] {
        let post = Post::new().await;
        post.disable();
        post.bench.gorgias.will(Method::Put, "/integrations/", does);
        assert!(post.round().await);
        assert_eq!(!post.is_disabled(), is_on);
        assert_eq!(post.round().await, !is_on, "tried again, and told of again");
        assert!(!post.is_disabled());
        assert!(!post.round().await);
    }
}

#[tokio::test]
async fn what_cannot_be_seen_is_no_alarm() {
    let post = Post::new().await;
    post.disable();
    post.bench.agents_key();
    assert!(!post.round().await && !post.round().await);
    assert_eq!(post.calls(), 1, "asked once a day all the same");

    let post = Post::new().await;
    post.bench.world.secrets.remove("bridge/example/gorgias");
    assert!(!post.round().await && !post.round().await);

    let bench = Bench::new().await;
    let post = Post {
        watcher: Watcher {
            table: bench.world.recorder.table.clone(),
            wire: bench.gorgias.clone(),
            ..Post::new().await.watcher
        },
        home: Post::new().await.home,
        bench,
    };
    assert!(!post.round().await, "nothing was provisioned yet");
}

#[tokio::test]
async fn nobody_is_called_while_the_line_is_paused_or_closed() {
    let post = Post::new().await;
    post.disable();
    let pause = json!({"command": "pause", "store": "example", "destination": "gorgias", "by": "ola", "why": "a move"});
    done(&post.bench.operator(), pause).await;
    assert!(!post.round().await);
    assert_eq!(post.calls(), 0);
    let resume = json!({"command": "resume", "store": "example", "destination": "gorgias", "by": "ola", "why": "moved", "then": "send"});
    done(&post.bench.operator(), resume).await;
    assert!(post.round().await);
}

#[tokio::test]
async fn a_round_without_time_tells_what_is_known() {
    let post = Post::with(json!({})).await;
    post.disable();
    let store = post.bench.world.store("example").await;
    assert!(!post.watcher.round(&store, false).await.unwrap());
    assert!(post.round().await);
    assert!(post.watcher.round(&store, false).await.unwrap());
    assert_eq!(post.calls(), 1);
}

/// The table fails at any call: nothing is enabled twice, and the next round does what is left.
#[tokio::test]
async fn a_table_that_fails_breaks_nothing() {
    for effect_happens in [false, true] {
        for k in 1.. {
            let post = Post::new().await;
            post.disable();
            post.bench.world.fuse.fail_once(k, effect_happens);
            let first = post.try_round().await;
            let reached = post.bench.world.fuse.reached();
            post.bench.world.fuse.mend();
            if reached < k {
                assert!(first.unwrap() && k > 3, "{k}");
                break;
            }
            assert!(first.is_err());
            post.round().await;
            post.round().await;
            assert!(!post.is_disabled(), "{k}");
            assert!(!post.round().await, "{k}");
        }
    }
}

#[tokio::test]
async fn a_name_of_this_machine_is_reached_whatever_its_resolver_knows() {
    let server = Server::start(|request| {
        let host = request.header("host").unwrap_or_default();
        let body = json!({"host": host, "path": request.path}).to_string();
        Serves::Answers(answer(200, &[("content-type", "application/json")], &body))
    });
    let server = server.await.unwrap();
    let port = server.url.rsplit(':').next().unwrap();
    let api = format!("http://ab12.execute-api.localhost:{port}");
    let home = Http::home(&api).unwrap();
    let call = Call {
        method: Method::Get,
        path: "/gorgias/example/member".to_owned(),
        body: None,
    };
    let key = Key::fixed(api.clone(), Vec::new());
    let now = platform::memory::MemoryClock::at(jiff::Timestamp::UNIX_EPOCH).now();
    let reply = home.send(&call, &key.way(&call, now)).await.unwrap();
    let host = api.strip_prefix("http://").unwrap();
    let expected = json!({"host": host, "path": "/gorgias/example/member"});
    assert_eq!(reply.json(), expected);
}
