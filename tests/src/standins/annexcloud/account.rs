//! A tenant and its people.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use super::shape::{Numbers, Wrapper};

/// How many requests one tenant may make in one second. Nothing is published: what a sender may rely on is less.
const PER_SECOND: usize = 10;

/// One tenant.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) site: String,
    pub(super) site_id: String,
    pub(super) secret: String,
    pub(super) wrapper: Wrapper,
    pub(super) numbers: Numbers,
    /// By id.
    pub(super) people: BTreeMap<String, Person>,
    /// What an action gives, by its id.
    pub(super) actions: BTreeMap<String, i64>,
    /// What a reward costs, by its id.
    pub(super) rewards: BTreeMap<String, i64>,
    pub(super) limit: Option<usize>,
    /// Whether `retry` is heeded: what it does is not documented.
    pub(super) heeds_retry: bool,
    recent: VecDeque<Timestamp>,
    /// How many rows of activity were ever made.
    booked: u64,
}

/// One person. Points and tiers stand as they were put: an order may write what the vendor would never write.
#[derive(Debug, Default, Clone)]
pub(super) struct Person {
    pub(super) user: Map<String, Value>,
    pub(super) points: Option<Map<String, Value>>,
    pub(super) tiers: Option<Map<String, Value>>,
    /// Newest first.
    pub(super) activity: Vec<Value>,
    /// What was answered to a booking, by its order id.
    pub(super) booked: BTreeMap<String, Value>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            site: String::new(),
            site_id: String::new(),
            secret: String::new(),
            wrapper: Wrapper::default(),
            numbers: Numbers::default(),
            people: BTreeMap::new(),
            actions: BTreeMap::new(),
            rewards: BTreeMap::new(),
            limit: Some(PER_SECOND),
            heeds_retry: true,
            recent: VecDeque::new(),
            booked: 0,
        }
    }
}

impl Account {
    /// A person, by id.
    pub(super) fn person(&self, id: &str) -> Result<&Person, Refusal> {
        self.people.get(id).ok_or_else(Refusal::no_data)
    }

    /// A person that will be changed.
    pub(super) fn person_mut(&mut self, id: &str) -> Result<&mut Person, Refusal> {
        self.people.get_mut(id).ok_or_else(Refusal::no_data)
    }

    /// Counts a request, or refuses it for being one too many.
    pub(super) fn count(&mut self, now: Timestamp) -> Result<(), Refusal> {
        let old = |at: &Timestamp| now.duration_since(*at) >= SignedDuration::from_secs(1);
        while self.recent.front().is_some_and(old) {
            self.recent.pop_front();
        }
        if self.limit.is_some_and(|limit| self.recent.len() >= limit) {
            return Err(Refusal::too_many());
        }
        self.recent.push_back(now);
        Ok(())
    }

    /// The id of the next row of activity.
    pub(super) fn next_row(&mut self) -> u64 {
        self.booked += 1;
        90_000 + self.booked
    }

    /// Everybody, for tests.
    pub(super) fn members(&self) -> Value {
        let shown = |person: &Person| json!({"user": person.user, "points": person.points, "tiers": person.tiers});
        let people = self.people.iter();
        people
            .map(|(id, person)| (id.clone(), shown(person)))
            .collect()
    }

    /// Everybody's activity, for tests.
    pub(super) fn activities(&self) -> Value {
        let people = self.people.iter();
        people
            .map(|(id, person)| (id.clone(), json!(person.activity)))
            .collect()
    }
}
