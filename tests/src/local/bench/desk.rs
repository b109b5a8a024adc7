//! What a card beside a ticket costs: one of a member who is known, which is one read of the table, and those of others.

use std::time::Duration;

use serde_json::{Value, json};

use super::aws::DESK_TOKEN;
use super::round::{Meter, Site, Spent};
use super::runtime::Life;
use super::stream::{self, EACH, Stream};
use super::usage::{Usage, float};
use super::vendors;
use crate::trouble::{Result, Saying, Trouble};

/// The function.
pub(super) const FUNCTION: &str = "lookup";

/// Cards of known members that are measured in a row.
const HITS: usize = 200;

/// Stores in each of which somebody asks whom nobody knows.
const STRANGERS: usize = 8;

/// Activities on a card, the most that a member has.
const ACTIVITIES: usize = 10;

/// What the cards of one life of lookup cost.
#[derive(Debug)]
pub(super) struct Desk {
    /// The function, its processor time that of one card of a known member.
    pub(super) spent: Spent,
    /// From the first request after a start to its answer.
    pub(super) first: Duration,
    /// What that one asked.
    pub(super) fresh: Usage,
    /// Cards of known members.
    pub(super) hits: Cards,
    /// Cards whose member had not been read for a while.
    pub(super) old: Cards,
    /// Cards of people whom nobody knows: a source is asked.
    pub(super) asked: Cards,
    /// The same people once more.
    pub(super) remembered: Cards,
    /// The bytes of a card with all activities.
    pub(super) bytes: usize,
}

/// Cards of one sort.
#[derive(Debug, Clone, Default)]
pub(super) struct Cards {
    pub(super) count: usize,
    pub(super) used: Usage,
    /// Requests to a vendor.
    pub(super) calls: usize,
    /// The processor time of one.
    pub(super) on_cpu: Duration,
}

impl Cards {
    /// A number of theirs, for one card.
    pub(super) fn each(&self, number: usize) -> f64 {
        float(number) / float(self.count.max(1))
    }

    /// So many of them, which asked this in all.
    #[cfg(test)]
    pub(super) fn asking(operations: &[&str], count: usize) -> Self {
        let mut used = Usage::default();
        for operation in operations {
            used.request(operation);
        }
        Self {
            count,
            used,
            ..Self::default()
        }
    }

    /// Whether each of them asked AWS for one row and nothing else.
    pub(super) fn are_one_read(&self) -> bool {
        let reads = self.used.of(&["GetItem"]);
        reads == self.used.requests() && usize::try_from(reads) == Ok(self.count)
    }
}

/// Lookup at work, and where its members are.
struct Asking<'a> {
    site: &'a Site,
    life: Life<'a>,
    door: Value,
}

impl Site {
    /// Measures cards of the members whom recorder has recorded.
    ///
    /// # Errors
    /// The function does not do its work.
    pub(super) fn desk(&self, stream: &Stream) -> Result<Desk> {
        let place = stream
            .kinds
            .iter()
            .position(|kind| kind.name == "points_earned");
        let place = place.saying("no kind of event earns points")?;
        let (life, before) = self.begin(FUNCTION)?;
        let door = stream::document("events/invoke/webhook/coupon_awarded.json")?;
        let mut asking = Asking {
            site: self,
            life,
            door,
        };
        let people = stream::people(place);
        let store = stream::store(place);
        let bytes = asking.member(&store, &people[0])?;
        let (first, fresh) = (asking.life.took, self.aws.used());
        let old = asking.cards(people.len() - 1, |asking, number| {
            asking.member(&store, &people[number + 1]).map(drop)
        })?;
        let meter = Meter::new(&asking.life)?;
        let hits = asking.cards(HITS, |asking, number| {
            asking.member(&store, &people[number % EACH]).map(drop)
        })?;
        let spent = meter.read(&asking.life, before, HITS)?;
        let [asked, remembered] = asking.strangers()?;
        Ok(Desk {
            spent,
            first,
            fresh,
            hits,
            old,
            asked,
            remembered,
            bytes,
        })
    }
}

impl Asking<'_> {
    /// The card of somebody.
    fn card(&mut self, store: &str, email: &str) -> Result<(usize, Value)> {
        let answer = self.life.invoke(&request(&self.door, store, email))?;
        let text = answer["body"].as_str().unwrap_or_default();
        let card: Value = serde_json::from_str(text).unwrap_or_default();
        if answer["statusCode"] == 200 && card["loyalty"]["status"] != "unavailable" {
            return Ok((text.len(), card["loyalty"].clone()));
        }
        Err(Trouble::new(format!(
            "lookup answered {answer}; see its log under target/local/bench"
        )))
    }

    /// The card of a member with all activities; its bytes.
    fn member(&mut self, store: &str, email: &str) -> Result<usize> {
        let (bytes, card) = self.card(store, email)?;
        let all = activities(&card["activity"]) == ACTIVITIES;
        (card["status"] == "member" && all)
            .then_some(bytes)
            .saying(format!("a member's card is not as it should be: {card}"))
    }

    /// Measures this many cards.
    fn cards(
        &mut self,
        count: usize,
        mut one: impl FnMut(&mut Self, usize) -> Result<()>,
    ) -> Result<Cards> {
        let annexcloud = self.site.vendors.others.last().cloned().unwrap_or_default();
        let received = || vendors::received(&self.site.tokio, &annexcloud).map(|all| all.len());
        let known = received()?;
        self.site.aws.used();
        let before = self.life.on_cpu()?;
        for number in 0..count {
            one(self, number)?;
        }
        let on_cpu = self.life.on_cpu()?.saturating_sub(before);
        let used = self.site.aws.used();
        let received = || vendors::received(&self.site.tokio, &annexcloud).map(|all| all.len());
        Ok(Cards {
            count,
            used,
            calls: received()? - known,
            on_cpu: on_cpu / u32::try_from(count.max(1)).unwrap_or(u32::MAX),
        })
    }

    /// Those of whom nobody has heard, one in each of some stores so that no pace holds them up; and the same once more.
    fn strangers(&mut self) -> Result<[Cards; 2]> {
        for place in 0..STRANGERS {
            // So that what a store's first ticket after a start reads falls on nobody.
            self.card(&stream::store(place), &stream::people(place)[0])?;
        }
        let mut stranger = |asking: &mut Self, number: usize| {
            let (_, card) = asking.card(&stream::store(number), "stranger@example.com")?;
            (card["status"] == "not a member")
                .then_some(())
                .saying(format!("a stranger's card is not as it should be: {card}"))
        };
        let asked = self.cards(STRANGERS, &mut stranger)?;
        let remembered = self.cards(STRANGERS, &mut stranger)?;
        Ok([asked, remembered])
    }
}

/// How many places of a card's activities are filled.
fn activities(shown: &Value) -> usize {
    let places: Vec<&Value> = match shown {
        Value::Object(places) => places.values().collect(),
        Value::Array(places) => places.iter().collect(),
        _ => Vec::new(),
    };
    places.iter().filter(|one| one["what"].is_string()).count()
}

/// What API Gateway hands over when Gorgias asks; `door` is an HTTP API's event.
fn request(door: &Value, store: &str, email: &str) -> Value {
    let mut event = door.clone();
    let key = "GET /gorgias/{store}/member";
    let path = format!("/gorgias/{store}/member");
    event["routeKey"] = json!(key);
    event["rawPath"] = json!(path);
    let email = email.replace('@', "%40");
    event["rawQueryString"] = json!(format!("email={email}&ticket=7001&name=Kari%20Nordmann"));
    event["queryStringParameters"] = json!({"email": email, "ticket": "7001"});
    event["headers"]["authorization"] = json!(format!("Bearer {DESK_TOKEN}"));
    event["headers"]["user-agent"] = json!("Gorgias");
    event["requestContext"]["routeKey"] = json!(key);
    event["requestContext"]["http"]["method"] = json!("GET");
    event["requestContext"]["http"]["path"] = json!(path);
    event["pathParameters"] = json!({"store": store});
    if let Some(event) = event.as_object_mut() {
        event.remove("body");
    }
    if let Some(headers) = event["headers"].as_object_mut() {
        headers.remove("content-length");
        headers.remove("content-type");
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_read_is_one_get_item_and_nothing_beside() {
        assert!(Cards::asking(&["GetItem", "GetItem"], 2).are_one_read());
        assert!(!Cards::asking(&["GetItem", "GetItem"], 1).are_one_read());
        assert!(!Cards::asking(&["GetItem"], 2).are_one_read());
        assert!(!Cards::asking(&["GetItem", "SendMessage"], 1).are_one_read());
    }

    #[test]
    fn gorgias_asks_with_an_address_and_without_a_body() {
        let door = stream::document("events/invoke/webhook/coupon_awarded.json").expect("a door");
        let event = request(&door, "bench-1", "kari@example.com");
        assert_eq!(event["version"], "2.0");
        assert_eq!(event["rawPath"], "/gorgias/bench-1/member");
        let query = event["rawQueryString"].as_str().expect("a query");
        assert!(query.starts_with("email=kari%40example.com&"), "{query}");
        assert!(event["body"].is_null() && event["headers"]["content-length"].is_null());
    }

    #[test]
    fn filled_places_are_counted() {
        let shown = json!({"0": {"what": "Points earned"}, "1": {"what": null}});
        assert_eq!(activities(&shown), 1);
    }
}
