//! From what a round counted to what an event and a ticket cost, with the destinations that somebody asks about.

use super::beside::{Beside, Brought, ReadBack};
use super::bill::{Asked, Counts, Stage};
use super::desk::{self, Cards};
use super::prices::Prices;
use super::round::{Counted, Round, Spent, WAY};
use super::stream::EACH;
use super::tools::OTHERS;
use super::usage::{Usage, float};
use super::{kinds, others};
use crate::trouble::Result;

/// What was counted, and of which destinations it is to be told.
struct Reckoner<'a> {
    both: &'a (Round, Beside),
    destinations: &'a [String],
    /// All kinds of events together: on the way to Rule, and to the others.
    rule: Counted,
    brought: [Brought; 2],
    /// How many events that were.
    events: f64,
}

/// What a round says of an event and of a ticket.
///
/// # Errors
/// The file of prices does not assume something.
pub(super) fn counts(
    both: &(Round, Beside),
    destinations: &[String],
    prices: &Prices,
) -> Result<Counts> {
    let (round, beside) = both;
    let reckoner = Reckoner {
        both,
        destinations,
        rule: kinds::sum(&round.kinds),
        brought: others::sum(&beside.kinds).brought,
        events: float(round.kinds.len() * EACH),
    };
    reckoner.counts(prices)
}

/// A destination's name for people.
pub(super) fn shown(destination: &str) -> &str {
    let mut others = OTHERS.iter();
    let other = others.find(|other| other.name == destination);
    other.map_or("Rule", |other| other.shown)
}

impl Reckoner<'_> {
    fn counts(&self, prices: &Prices) -> Result<Counts> {
        let (round, beside) = self.both;
        let events = self.events;
        let mut stages = vec![self.webhook(), self.recorder()];
        if self.has("rule") {
            stages.push(self.push_rule());
        }
        for place in self.others() {
            stages.push(self.pusher(place));
        }
        if self.can_read() {
            let read = float(beside.read_back.wanted) / events;
            stages.extend(self.read_back(read));
        }
        let desk = if self.has("gorgias") {
            self.desk(prices)?
        } else {
            Vec::new()
        };
        let rule = if self.has("rule") {
            float(round.stored.deliveries)
        } else {
            0.0
        };
        let added = |what: usize| {
            let own = self.others().map(|place| beside.stored[place][what]);
            own.map(float).sum::<f64>()
        };
        Ok(Counts {
            stages,
            desk,
            round: self.upkeep(),
            series: self.series(),
            events: float(round.stored.events) / events,
            deliveries: (rule + added(0)) / events,
            // One for each event.
            person: (float(round.stored.members) + added(1)) / events,
            secrets: float(self.secrets()),
        })
    }

    /// Secrets of a store: its webhook's, one for each destination, what Gorgias presents, and what Annex Cloud does as a
    /// source, which it must be to be read.
    fn secrets(&self) -> usize {
        let doors = [self.has("gorgias"), self.can_read()];
        1 + self.destinations.len() + doors.into_iter().filter(|has| *has).count()
    }

    fn has(&self, destination: &str) -> bool {
        self.destinations.iter().any(|name| name == destination)
    }

    /// The places of the other destinations that are asked about.
    fn others(&self) -> impl Iterator<Item = usize> + '_ {
        (0..OTHERS.len()).filter(|place| self.has(OTHERS[*place].name))
    }

    /// Whether Annex Cloud can be asked about members: whoever writes to it has a credential for it.
    fn can_read(&self) -> bool {
        self.has("annexcloud")
    }

    fn webhook(&self) -> Stage {
        Stage {
            at_door: true,
            ..self.on_the_way(0, self.events)
        }
    }

    /// Each destination is sent its messages apart.
    fn recorder(&self) -> Stage {
        let mut recorder = Stage {
            queued: true,
            ..self.on_the_way(1, self.events)
        };
        if !self.has("rule") {
            recorder.warm.queue_requests = 0.0;
            recorder.fresh.queue_requests = 0.0;
        }
        for place in self.others() {
            let sent = float(self.brought[place].messages) / self.events;
            for asked in [&mut recorder.warm, &mut recorder.fresh] {
                asked.queue_requests += sent;
                asked.requests += sent;
            }
        }
        recorder
    }

    fn push_rule(&self) -> Stage {
        let messages = float(self.rule.messages);
        Stage {
            calls: float(self.rule.calls) / messages,
            sent: float(self.rule.sent) / messages,
            to: Some("rule"),
            queued: true,
            ..self.on_the_way(2, messages)
        }
    }

    /// One of the functions that every round has, invoked this often.
    fn on_the_way(&self, place: usize, invocations: f64) -> Stage {
        let (round, _) = self.both;
        Stage {
            share: invocations / self.events,
            warm: Asked::mean(&self.rule.used[place], invocations),
            fresh: Asked::mean(&round.fresh[place], 1.0),
            ..self.spent(WAY[place])
        }
    }

    fn pusher(&self, place: usize) -> Stage {
        let (_, beside) = self.both;
        let brought = &self.brought[place];
        let messages = float(brought.messages).max(1.0);
        Stage {
            share: float(brought.messages) / self.events,
            warm: Asked::mean(&brought.used, messages),
            fresh: Asked::mean(&beside.fresh[place], 1.0),
            calls: float(brought.calls) / messages,
            sent: float(brought.sent) / messages,
            to: Some(OTHERS[place].name),
            queued: true,
            ..self.spent(OTHERS[place].function)
        }
    }

    /// What it takes to read a member back and to record what they are, this often.
    fn read_back(&self, share: f64) -> Vec<Stage> {
        let (_, beside) = self.both;
        let back: &ReadBack = &beside.read_back;
        let count = float(back.count).max(1.0);
        let stage = |used: &Usage, function: &str| Stage {
            share,
            warm: Asked::mean(used, count),
            queued: true,
            ..self.spent(function)
        };
        let reader = Stage {
            calls: float(back.calls) / count,
            to: Some("annexcloud"),
            ..stage(&back.reader, "reader")
        };
        let mut stages = vec![reader, stage(&back.recorder, "recorder")];
        for place in self.others() {
            let messages = float(back.messages[place]) / count;
            let pusher = self.pusher(place);
            stages.push(Stage {
                share: share * messages,
                ..pusher
            });
        }
        stages
    }

    /// The cards of one ticket, and the reading that they bring about.
    fn desk(&self, prices: &Prices) -> Result<Vec<Stage>> {
        let (_, beside) = self.both;
        let desk = &beside.desk;
        let cards = prices.assumed("cards_of_a_ticket")?;
        let unknown = prices.assumed("unknown_customers")?;
        if !self.can_read() {
            let mut hits = self.cards(&desk.hits, cards);
            hits.fresh = Asked::mean(&desk.fresh, 1.0);
            hits.fresh.queue_requests = 0.0;
            return Ok(vec![hits]);
        }
        let old = (1.0 - unknown) * prices.assumed("old_pictures")?;
        let more = (cards - 1.0).max(0.0);
        let mut hits = self.cards(&desk.hits, (1.0 - unknown) * cards - old);
        hits.fresh = Asked::mean(&desk.fresh, 1.0);
        hits.fresh.queue_requests = 0.0;
        let mut stages = vec![
            hits,
            self.cards(&desk.old, old),
            self.cards(&desk.asked, unknown),
            self.cards(&desk.remembered, unknown * more),
        ];
        stages.extend(self.read_back(old));
        Ok(stages)
    }

    /// Cards of one sort, this many of each ticket.
    fn cards(&self, cards: &Cards, share: f64) -> Stage {
        let spent = self.spent(desk::FUNCTION);
        Stage {
            share,
            warm: Asked::mean(&cards.used, float(cards.count).max(1.0)),
            on_cpu: cards.on_cpu.as_secs_f64(),
            calls: cards.each(cards.calls),
            sent: float(self.both.1.desk.bytes),
            to: Some("annexcloud"),
            at_door: true,
            ..spent
        }
    }

    /// A round of upkeep without work: measured with one destination and with all.
    fn upkeep(&self) -> Stage {
        let (round, beside) = self.both;
        let (all, idle, _) = &beside.upkeep;
        let part = self.beyond_one() / float(OTHERS.len());
        let one = self.spent("upkeep");
        let all = stage_of(Some(all));
        let between = |one: f64, all: f64| one + (all - one) * part;
        Stage {
            share: 1.0,
            warm: Asked::mean(&round.idle, 1.0).toward(&Asked::mean(idle, 1.0), part),
            on_cpu: between(one.on_cpu, all.on_cpu),
            logged: between(one.logged, all.logged),
            ..Stage::default()
        }
    }

    /// The series that upkeep keeps alive; each destination has its own.
    fn series(&self) -> f64 {
        let (round, beside) = self.both;
        if self.destinations.is_empty() {
            return 0.0;
        }
        let (one, all) = (float(round.series), float(beside.upkeep.2));
        one + (all - one) * self.beyond_one() / float(OTHERS.len())
    }

    /// Destinations beyond the first.
    fn beyond_one(&self) -> f64 {
        float(self.destinations.len().saturating_sub(1))
    }

    /// A stage with only its processor time and its log.
    fn spent(&self, function: &str) -> Stage {
        stage_of(super::spent(self.both, function))
    }
}

fn stage_of(spent: Option<&Spent>) -> Stage {
    Stage {
        on_cpu: spent.map_or(0.0, |spent| spent.on_cpu.as_secs_f64()),
        logged: spent.map_or(0.0, |spent| {
            f64::from(u32::try_from(spent.logged).unwrap_or(u32::MAX))
        }),
        ..Stage::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_destination_has_a_name_for_people() {
        let names = ["rule", "gorgias", "annexcloud"].map(shown);
        assert_eq!(names, ["Rule", "Gorgias", "Annex Cloud"]);
    }
}
