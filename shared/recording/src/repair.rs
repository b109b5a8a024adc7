//! A store's nightly repair: the row that says how far it is and what it found.
//!
//! One run a day reads the members who changed lately, page after page, and has recorded what differs; the rewards are read
//! beside it. Its row is written before a page's findings go to the recorder and once more when the page is done, each time
//! only if it is as it was read. So a page that fails in the middle is read again without losing or doubling a count, and a
//! message that comes twice does nothing twice.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use loyalty::{Drift, StoreId};
use platform::{
    Clock, Condition, Outgoing, Queue, RowKey, Table, TableError, Written, from_item, to_item,
    whole,
};
use serde::{Deserialize, Serialize};
use vendors::{Api, Fetch, Store, Wanted, registry};

/// When a run's day begins, after midnight UTC: when little else happens, and far from the sources' daily batches.
const BEGINS: SignedDuration = SignedDuration::from_mins(150);

/// How far back a first run looks.
const FIRST: SignedDuration = SignedDuration::from_hours(48);

/// How far before the last run's beginning the next one still looks.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);

/// Pages of a run at most, so that a list without an end has one.
const PAGES: u32 = 1_000;

/// Pages in a row that tell nothing new of people who were last seen before the run before, after which it ends.
const QUIET: u32 = 20;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Its first message may not be on the queue yet.
    Begun,
    /// It reads.
    Reading,
    /// It came to the end of the list, or to pages and pages of people who were last seen before the run before.
    Finished,
    /// It ended at its thousandth page; the next run looks as far back.
    CutOff,
    /// The source refused to go on; the next run looks as far back.
    Refused,
}

/// What a run came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Members that were read.
    pub seen: u64,
    /// Of whom something was told that nobody had said before.
    pub learned: u64,
    /// Whose picture was another one.
    pub drifted: u64,
    /// Of these, whose picture is put right: it is on its way through the inbox.
    pub healed: u64,
    /// Who were erased, and stay so.
    pub erased: u64,
    /// Of whom nothing could be read.
    pub failed: u64,
}

/// The row of a store's repair from one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    v: u8,
    /// Counts the writes.
    turn: i64,
    /// The UTC day that names the run, such as `2026-03-20`; it begins at 02:30.
    pub run: String,
    /// How far it is.
    pub stage: Stage,
    /// When it began, µs since 1970.
    pub began: i64,
    /// When the row was last written, µs since 1970.
    pub at: i64,
    /// The page to be read next, from 0.
    pub page: u32,
    /// Where that page begins, in the source's own terms; none for the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// What it came to so far.
    #[serde(flatten)]
    pub counts: Counts,
    /// How many pages in a row told nothing new of people who were last seen before the run before.
    #[serde(default)]
    quiet: u32,
    /// What the page that is being read was found to differ in, by the members' keyed hashes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    found: BTreeMap<String, Drift>,
    /// When the last run began that came to its end, µs since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<i64>,
}

/// One page, read and recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Members on it.
    pub seen: u64,
    /// Members who still differ, by their keyed hashes.
    pub still: Vec<String>,
    /// Members who were erased.
    pub erased: u64,
    /// Rows of which nothing could be read.
    pub failed: u64,
    /// When the person on it who was seen last was seen, µs since 1970, as far as rows tell.
    pub newest: Option<i64>,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl Repair {
    /// The message that has the next page read; none when the run is over.
    #[must_use]
    pub fn message(&self, store: &StoreId, source: &str) -> Option<Fetch> {
        self.is_open().then(|| Fetch {
            v: 1,
            store: store.clone(),
            source: source.to_owned(),
            what: Wanted::Page {
                run: self.run.clone(),
                page: self.page,
                cursor: self.cursor.clone(),
            },
        })
    }

    /// Whether there is a page left to be read.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Begun | Stage::Reading)
    }

    /// Takes down what differs on the page; tells whether anything of it is new here. What was found first counts: the
    /// page may be read a second time, when some of it has been healed already.
    pub fn find(&mut self, findings: impl Iterator<Item = (String, Drift)>) -> bool {
        let before = self.found.len();
        for (member, drift) in findings.filter(|(_, drift)| *drift > Drift::None) {
            self.found.entry(member).or_insert(drift);
        }
        self.found.len() > before
    }

    /// Ends the page, and perhaps the run. Gives how many members differed on it.
    pub fn turn_over(&mut self, page: Page) -> u64 {
        let found = std::mem::take(&mut self.found);
        let known = |drift: Drift| {
            let all = found.iter().filter(move |(_, own)| **own == drift);
            all.map(|(member, _)| member)
        };
        let count = |members: usize| u64::try_from(members).unwrap_or_default();
        let drifted = count(known(Drift::Differs).count());
        let still = known(Drift::Differs).filter(|member| page.still.contains(member));
        let counts = &mut self.counts;
        counts.seen += page.seen;
        counts.learned += count(known(Drift::Lacks).count());
        counts.drifted += drifted;
        counts.healed += drifted - count(still.count());
        counts.erased += page.erased;
        counts.failed += page.failed;
        // The list is in the order of changes, and an import changes people who were last seen long ago: some pages of
        // them in a row say that everybody behind was compared before.
        let told_nothing = found.is_empty() && page.failed == 0;
        let old = page.newest.is_some_and(|newest| newest < self.window());
        self.quiet = if told_nothing && old {
            self.quiet + 1
        } else {
            0
        };
        self.page += 1;
        self.cursor = page.next;
        self.stage = match &self.cursor {
            None => Stage::Finished,
            Some(_) if self.quiet >= QUIET => Stage::Finished,
            Some(_) if self.page >= PAGES => Stage::CutOff,
            Some(_) => Stage::Reading,
        };
        drifted
    }

    /// Ends the run where the source refuses to go on.
    pub fn refuse(&mut self) {
        self.stage = Stage::Refused;
    }

    /// Since when people are looked at, µs since 1970.
    fn window(&self) -> i64 {
        let (since, back) = match self.since {
            Some(since) => (since, OVERLAP),
            None => (self.began, FIRST),
        };
        since - i64::try_from(back.as_micros()).unwrap_or_default()
    }

    /// The run after this one.
    fn next(earlier: Option<&Self>, run: String, now: i64) -> Self {
        let since = earlier.and_then(|earlier| match earlier.stage {
            Stage::Finished => Some(earlier.began),
            _ => earlier.since,
        });
        Self {
            v: 1,
            turn: earlier.map_or(0, |earlier| earlier.turn),
            run,
            stage: Stage::Begun,
            began: now,
            at: now,
            page: 0,
            cursor: None,
            counts: Counts::default(),
            quiet: 0,
            found: BTreeMap::new(),
            since,
        }
    }
}

/// The day whose run is due.
fn day(now: Timestamp) -> String {
    let begun = now.checked_sub(BEGINS).unwrap_or(now);
    begun.to_zoned(TimeZone::UTC).date().to_string()
}

/// All stores' repairs: their rows, and the queue of reads.
#[derive(Clone)]
pub struct Repairs {
    /// The table.
    pub table: Arc<dyn Table>,
    /// The queues.
    pub queue: Arc<dyn Queue>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// URL of the queue of reads.
    pub url: String,
}

impl Repairs {
    /// Begins the day's run of a store from each source that it can be read from, and has its rewards read, where that has
    /// not been done. Doing it again does nothing more.
    ///
    /// Tells whether the queue took what there was to begin with; if not, the next time does it.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn start(&self, store: &Store) -> Result<bool, TableError> {
        for source in registry::SOURCES {
            let is_read = |api: &dyn Api| api.is_used(store) && api.lists_recent();
            if !source.api().is_some_and(is_read) {
                continue;
            }
            let name = source.name();
            let Some(mut repair) = self.begin(&store.id, name).await? else {
                continue;
            };
            let rewards = Fetch {
                v: 1,
                store: store.id.clone(),
                source: name.to_owned(),
                what: Wanted::Rewards {
                    asked: repair.began,
                },
            };
            let first = repair.message(&store.id, name).into_iter();
            let messages: Vec<Fetch> = first.chain([rewards]).collect();
            if !self.send_all(&messages).await {
                return Ok(false);
            }
            repair.stage = Stage::Reading;
            // Refused where the run has got on meanwhile.
            self.write(&store.id, name, &mut repair).await?;
            tracing::info!(store = %store.id, source = name, run = repair.run, "repair.begun");
        }
        Ok(true)
    }

    /// Puts a message on the queue of reads; tells whether it has it.
    pub async fn send(&self, fetch: &Fetch) -> bool {
        self.send_all(std::slice::from_ref(fetch)).await
    }

    /// The same with some messages; tells whether it has all of them.
    async fn send_all(&self, fetches: &[Fetch]) -> bool {
        let bodies = fetches.iter().map(Fetch::to_text);
        let Ok(bodies) = bodies.collect::<Result<Vec<_>, _>>() else {
            return false;
        };
        let messages = bodies.into_iter().enumerate();
        let messages = messages.map(|(id, body)| Outgoing { id, body }).collect();
        self.queue.send(&self.url, messages).await.is_empty()
    }

    /// A store's repair from a source.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn get(&self, store: &StoreId, source: &str) -> Result<Option<Repair>, TableError> {
        Self::of(&*self.table, store, source).await
    }

    /// The same for who only looks.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn of(
        table: &dyn Table,
        store: &StoreId,
        source: &str,
    ) -> Result<Option<Repair>, TableError> {
        let row = table.get(&key(store, source), true).await?;
        row.map(from_item).transpose()
    }

    /// Begins the run of the day, if that has not been done; gives the row while its first message may not be on the
    /// queue.
    async fn begin(&self, store: &StoreId, source: &str) -> Result<Option<Repair>, TableError> {
        let now = self.clock.now();
        let earlier = self.get(store, source).await?;
        let run = day(now);
        if let Some(earlier) = earlier.as_ref().filter(|earlier| earlier.run >= run) {
            return Ok((earlier.stage == Stage::Begun).then(|| earlier.clone()));
        }
        let mut repair = Repair::next(earlier.as_ref(), run, now.as_microsecond());
        let written = self.write(store, source, &mut repair).await?;
        Ok(written.then_some(repair))
    }

    /// Writes the row, if it is as it was read; tells whether.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn write(
        &self,
        store: &StoreId,
        source: &str,
        repair: &mut Repair,
    ) -> Result<bool, TableError> {
        let condition = match repair.turn {
            0 => Condition::absent(),
            turn => Condition::Is("turn", whole(turn)),
        };
        repair.turn += 1;
        repair.at = self.clock.now().as_microsecond();
        let item = to_item(&key(store, source), repair)?;
        let written = self.table.put(item, Some(condition)).await?;
        Ok(matches!(written, Written::Done(_)))
    }
}

fn key(store: &StoreId, source: &str) -> RowKey {
    RowKey::new(format!("STORE#{store}"), format!("REPAIR#{source}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repair() -> Repair {
        Repair::next(None, "2026-03-20".to_owned(), 1_000_000_000_000_000)
    }

    fn found(repair: &mut Repair, findings: &[(&str, Drift)]) -> bool {
        let findings = findings.iter();
        repair.find(findings.map(|(member, drift)| ((*member).to_owned(), *drift)))
    }

    fn page(next: Option<&str>) -> Page {
        Page {
            seen: 3,
            next: next.map(ToOwned::to_owned),
            ..Page::default()
        }
    }

    #[test]
    fn a_page_that_is_read_twice_is_counted_once() {
        let mut repair = repair();
        let first = [
            ("a", Drift::Differs),
            ("b", Drift::Lacks),
            ("c", Drift::None),
        ];
        assert!(found(&mut repair, &first));
        // It failed after `a` was healed; `d` changed meanwhile.
        let again = [
            ("a", Drift::None),
            ("b", Drift::Lacks),
            ("d", Drift::Differs),
        ];
        assert!(found(&mut repair, &again));
        assert!(!found(&mut repair, &again), "nothing new");
        let still = Page {
            still: vec!["d".to_owned()],
            ..page(Some("next"))
        };
        assert_eq!(repair.turn_over(still), 2);
        let counts = Counts {
            seen: 3,
            learned: 1,
            drifted: 2,
            healed: 1,
            ..Counts::default()
        };
        assert_eq!(
            (repair.counts, repair.page, repair.stage),
            (counts, 1, Stage::Reading)
        );
        assert_eq!(repair.turn_over(page(None)), 0);
        assert_eq!((repair.counts.seen, repair.stage), (6, Stage::Finished));
        assert!(
            repair
                .message(&StoreId::parse("s").unwrap(), "yotpo")
                .is_none()
        );
    }

    #[test]
    fn a_run_ends_after_pages_where_nothing_is_new_and_everyone_was_last_seen_before_the_run_before()
     {
        let hour = 3_600_000_000;
        // (newest on the page, finding, failed, since, ends)
        let began = repair().began;
        let cases = [
            (Some(began - 49 * hour), false, 0, None, true),
            (Some(began - 47 * hour), false, 0, None, false),
            (Some(began - 49 * hour), true, 0, None, false),
            (Some(began - 49 * hour), false, 1, None, false),
            (None, false, 0, None, false),
            (
                Some(began - 26 * hour),
                false,
                0,
                Some(began - 24 * hour),
                true,
            ),
            (
                Some(began - 24 * hour),
                false,
                0,
                Some(began - 24 * hour),
                false,
            ),
        ];
        for (newest, finding, failed, since, ends) in cases {
            let mut repair = Repair {
                since,
                quiet: QUIET - 1,
                ..repair()
            };
            if finding {
                found(&mut repair, &[("a", Drift::Differs)]);
            }
            repair.turn_over(Page {
                failed,
                newest,
                ..page(Some("next"))
            });
            let case = format!("{newest:?} {finding} {failed} {since:?}");
            assert_eq!(repair.stage == Stage::Finished, ends, "{case}");
            assert_eq!(
                repair.quiet,
                if ends { QUIET } else { 0 },
                "in a row: {case}"
            );
        }
    }

    #[test]
    fn one_page_of_old_news_ends_no_run() {
        let mut repair = repair();
        repair.since = Some(repair.began);
        for _ in 1..QUIET {
            repair.turn_over(Page {
                newest: Some(0),
                ..page(Some("next"))
            });
            assert_eq!(repair.stage, Stage::Reading);
        }
    }

    #[test]
    fn a_list_without_an_end_has_one_and_the_next_run_looks_as_far_back() {
        let mut repair = repair();
        for _ in 0..PAGES {
            assert!(repair.is_open());
            repair.turn_over(page(Some("next")));
        }
        assert_eq!(repair.stage, Stage::CutOff);
        let next = Repair::next(Some(&repair), "2026-03-21".to_owned(), repair.began + 1);
        assert_eq!(next.since, None);
        repair.stage = Stage::Finished;
        let next = Repair::next(Some(&repair), "2026-03-21".to_owned(), repair.began + 1);
        assert_eq!(next.since, Some(repair.began));
        let after = Repair::next(Some(&next), "2026-03-22".to_owned(), repair.began + 2);
        assert_eq!(
            after.since,
            Some(repair.began),
            "a run that did not end does not count"
        );
    }

    #[test]
    fn a_day_begins_at_half_past_two() {
        let day = |text: &str| day(text.parse().unwrap());
        assert_eq!(day("2026-03-20T02:29:59Z"), "2026-03-19");
        assert_eq!(day("2026-03-20T02:30:00Z"), "2026-03-20");
        assert_eq!(day("2026-03-20T23:59:59Z"), "2026-03-20");
    }
}
