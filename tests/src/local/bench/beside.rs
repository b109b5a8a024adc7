//! What the destinations beside Rule cost: the same news, in stores that use every tool.
//!
//! recorder and the pushers run side by side, because a destination that is brought a member's picture must have the one
//! from before the news. What only makes the people known goes first and does not count. Then each pusher starts anew for
//! one event; reader reads back what was written; lookup shows cards; and upkeep finds nothing to do.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::desk::Desk;
use super::round::{BATCH, Inbox, Meter, Site, Spent, batches};
use super::runtime::{Life, Runtime};
use super::stream::Stream;
use super::tools::{OTHERS, Other};
use super::usage::Usage;
use super::vendors;
use crate::trouble::{Result, Saying, Trouble};

/// How long a source's pace needs to rest after one member of each store was read.
const REST: Duration = Duration::from_secs(2);

/// What one kind of event cost at one destination, all its events together.
#[derive(Debug, Clone, Default)]
pub(super) struct Brought {
    /// What its pusher asked of AWS.
    pub(super) used: Usage,
    /// Messages that came to it.
    pub(super) messages: usize,
    /// Requests to the vendor.
    pub(super) calls: usize,
    /// Their bodies, in bytes.
    pub(super) sent: usize,
}

/// What one kind of event cost beside Rule.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    /// The kind.
    pub(super) name: &'static str,
    /// What recorder asked of AWS, for all destinations.
    pub(super) recorder: Usage,
    /// In the order of [`OTHERS`].
    pub(super) brought: [Brought; 2],
}

/// What it costs to read back what was written.
#[derive(Debug, Clone, Default)]
pub(super) struct ReadBack {
    /// How many were asked for by all events.
    pub(super) wanted: usize,
    /// How many were measured.
    pub(super) count: usize,
    pub(super) reader: Usage,
    /// Requests to the source.
    pub(super) calls: usize,
    pub(super) recorder: Usage,
    /// Messages that come of it, in the order of [`OTHERS`].
    pub(super) messages: [usize; 2],
}

/// Everything that was measured.
#[derive(Debug)]
pub(super) struct Beside {
    /// The pushers, in the order of [`OTHERS`].
    pub(super) pushers: [Spent; 2],
    /// In the order of the stream.
    pub(super) kinds: Vec<Kind>,
    /// What each pusher asked of AWS for one event with nothing cached, its start left out.
    pub(super) fresh: [Usage; 2],
    pub(super) read_back: ReadBack,
    pub(super) desk: Desk,
    /// upkeep, one round of it with nothing to do, and the series of metrics that it keeps alive.
    pub(super) upkeep: (Spent, Usage, usize),
    /// Bytes in the table that a destination adds: for the counted deliveries, and for what is known of people there.
    pub(super) stored: [[usize; 2]; 2],
}

/// A pusher at work beside recorder.
struct Pusher<'a> {
    site: &'a Site,
    other: Other,
    url: &'a str,
    life: Life<'a>,
    before: Usage,
    /// What the vendor got before what is counted.
    known: usize,
    meter: Option<Meter>,
}

impl Site {
    /// Measures everything that is there beside Rule.
    ///
    /// # Errors
    /// A function does not do its work.
    pub(super) fn beside(&self, stream: &Stream, inbox: &Inbox) -> Result<Beside> {
        drop(self.stores(&stream.stores())?);
        let (mut recorder, _) = self.begin("recorder")?;
        batches(&mut recorder, &inbox.past, BATCH)?;
        self.aws.used();
        let mut pushers = self.pushers()?;
        for pusher in &mut pushers {
            pusher.past()?;
        }
        self.aws.take("reads");
        let before = self.deliveries();
        let mut kinds = Vec::new();
        for (messages, kind) in inbox.news.iter().zip(&stream.kinds) {
            batches(&mut recorder, messages, 1)?;
            let used = self.aws.used();
            let mut brought = [Brought::default(), Brought::default()];
            for (pusher, brought) in pushers.iter_mut().zip(&mut brought) {
                *brought = pusher.news()?;
            }
            kinds.push(Kind {
                name: kind.name,
                recorder: used,
                brought,
            });
        }
        let after = self.deliveries();
        let [one, other] = pushers;
        let spent = [one.end((&mut kinds, 0))?, other.end((&mut kinds, 1))?];
        batches(&mut recorder, &inbox.late, 1)?;
        let fresh = [self.first(OTHERS[0])?, self.first(OTHERS[1])?];
        let reads = self.aws.take("reads");
        drop(recorder);
        let desk = self.desk(stream)?;
        self.aws.take("reads");
        let read_back = self.read_back(&reads)?;
        let people = OTHERS.map(|other| {
            let own = format!("SYNC#{}", other.name);
            self.aws.bytes_of(|key| key == own)
        });
        let beside = Beside {
            pushers: spent,
            kinds,
            fresh,
            read_back,
            desk,
            upkeep: self.upkeep()?,
            stored: [0, 1].map(|place| [after[place] - before[place], people[place]]),
        };
        for url in &self.vendors.others {
            vendors::no_faults(&self.tokio, url)?;
        }
        Ok(beside)
    }

    /// The bytes of the deliveries to each destination.
    fn deliveries(&self) -> [usize; 2] {
        OTHERS.map(|other| {
            let end = format!("#{}", other.name);
            self.aws
                .bytes_of(|key| key.starts_with("DELIVERY#") && key.ends_with(&end))
        })
    }

    fn pushers(&self) -> Result<[Pusher<'_>; 2]> {
        let [one, other] = &self.pushing;
        Ok([
            Pusher::begin(self, one, OTHERS[0], 0)?,
            Pusher::begin(self, other, OTHERS[1], 1)?,
        ])
    }

    /// One event through a pusher that has nothing cached.
    fn first(&self, other: Other) -> Result<Usage> {
        let messages = self.aws.take(other.name);
        let (mut life, _) = self.begin_on(&self.pushing[0], other.function)?;
        batches(&mut life, &messages, 1)?;
        Ok(self.aws.used())
    }

    /// Reads some members back, and records what they are. The first of each store falls on nobody: it finds no cache filled.
    fn read_back(&self, reads: &[String]) -> Result<ReadBack> {
        let (first, second) = two_of_each_store(reads);
        let (mut reader, _) = self.begin("reader")?;
        batches(&mut reader, &first, 1)?;
        thread::sleep(REST);
        self.aws.used();
        let warm = self.aws.take("inbox");
        let annexcloud = self.vendors.others.last().cloned().unwrap_or_default();
        let received = || vendors::received(&self.tokio, &annexcloud).map(|all| all.len());
        let known = received()?;
        batches(&mut reader, &second, 1)?;
        let (used, calls) = (self.aws.used(), received()? - known);
        drop(reader);
        let inbox = self.aws.take("inbox");
        let (mut recorder, _) = self.begin("recorder")?;
        batches(&mut recorder, &warm, 1)?;
        for other in OTHERS {
            self.aws.take(other.name);
        }
        self.aws.used();
        batches(&mut recorder, &inbox, 1)?;
        Ok(ReadBack {
            wanted: reads.len(),
            count: second.len(),
            reader: used,
            calls,
            recorder: self.aws.used(),
            messages: OTHERS.map(|other| self.aws.take(other.name).len()),
        })
    }
}

impl<'a> Pusher<'a> {
    fn begin(site: &'a Site, runtime: &'a Runtime, other: Other, place: usize) -> Result<Self> {
        let (life, before) = site.begin_on(runtime, other.function)?;
        let url = site.vendors.others.get(place);
        Ok(Self {
            site,
            other,
            url: url.saying(format!("{} has no stand-in", other.shown))?,
            life,
            before,
            known: 0,
            meter: None,
        })
    }

    /// Brings everybody's picture of before. One message for each of them is enough.
    fn past(&mut self) -> Result<()> {
        let messages = self.site.aws.take(self.other.name);
        // Turns at the same time take permits for more calls than they make, and the vendor's pace would hold up all of them.
        batches(&mut self.life, &last_of_each(messages), 1)?;
        self.site.aws.used();
        self.known = self.received()?.len();
        self.meter = Some(Meter::new(&self.life)?);
        Ok(())
    }

    /// Brings the news of one kind.
    fn news(&mut self) -> Result<Brought> {
        let messages = self.site.aws.take(self.other.name);
        batches(&mut self.life, &messages, 1)?;
        Ok(Brought {
            used: self.site.aws.used(),
            messages: messages.len(),
            ..Brought::default()
        })
    }

    /// What it took for one message; the requests that the vendor got go to their kinds.
    fn end(self, (kinds, place): (&mut [Kind], usize)) -> Result<Spent> {
        let received = self.received()?.split_off(self.known);
        for request in &received {
            let status = request["status"].as_u64().unwrap_or_default();
            if !(200..300).contains(&status) {
                let shown = self.other.shown;
                return Err(Trouble::new(format!(
                    "{shown}'s stand-in did not take {request}"
                )));
            }
        }
        for (number, kind) in kinds.iter_mut().enumerate() {
            let store = super::stream::store(number);
            let own = received
                .iter()
                .filter(|request| request["account"] == store.as_str());
            for request in own {
                kind.brought[place].calls += 1;
                kind.brought[place].sent += request["body"].to_string().len();
            }
        }
        let messages = kinds.iter().map(|kind| kind.brought[place].messages);
        let messages = messages.sum();
        let meter = self.meter.saying("nothing was counted")?;
        meter.read(&self.life, self.before, messages)
    }

    fn received(&self) -> Result<Vec<Value>> {
        vendors::received(&self.site.tokio, self.url)
    }
}

/// What a message names: its store, and whom.
fn named(message: &str, whom: &str) -> [String; 2] {
    let message: Value = serde_json::from_str(message).unwrap_or_default();
    [message["store"].to_string(), message[whom].to_string()]
}

/// The last message for each member.
fn last_of_each(messages: Vec<String>) -> Vec<String> {
    let last: BTreeMap<[String; 2], String> = messages
        .into_iter()
        .map(|message| (named(&message, "member"), message))
        .collect();
    last.into_values().collect()
}

/// The first message of each store, and the second.
fn two_of_each_store(messages: &[String]) -> (Vec<String>, Vec<String>) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for message in messages {
        let [store, _] = named(message, "what");
        let count = seen.entry(store).or_default();
        *count += 1;
        match *count {
            1 => first.push(message.clone()),
            2 => second.push(message.clone()),
            _ => {}
        }
    }
    (first, second)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(store: &str, member: &str, version: u64) -> String {
        json!({"store": store, "member": member, "version": version}).to_string()
    }

    #[test]
    fn one_message_for_each_member_is_kept() {
        let kept = last_of_each(vec![
            message("one", "a", 1),
            message("two", "a", 2),
            message("one", "a", 3),
        ]);
        assert_eq!(kept, [message("one", "a", 3), message("two", "a", 2)]);
    }

    #[test]
    fn each_store_is_read_twice() {
        let all = [
            message("one", "a", 1),
            message("one", "b", 1),
            message("one", "c", 1),
            message("two", "a", 1),
        ];
        let (first, second) = two_of_each_store(&all);
        assert_eq!((first.len(), second.len()), (2, 1));
        assert_eq!(second[0], all[1]);
    }
}
