//! What each kind of event asks of AWS and of Rule.

use super::round::{Counted, Round, WAY};
use super::stream::EACH;
use super::usage::{Usage, float};
use crate::say;

/// What an event may cost at most: one request in webhook, and this many write units in recorder and in push-rule.
const WRITES: usize = 5;

const HEAD: &str = "\
requests to AWS, write and read units, and requests to Rule for each event, by kind
                                 webhook    recorder           push-rule          Rule
                                 requests   requests  WU   RU  requests  WU   RU  requests";

const NOTE: &str = "\
Each event went alone through processes that had their caches filled, about a person with ten events behind them; the
friends of the referral_… kinds are new. A tenth of a request and of a unit is what ten permits of the line cost together.
SQS's own receiving and deleting (2 requests for each batch) is Lambda's and not among them.";

/// Prints the table.
pub(super) fn print(round: &Round) {
    say::line(format_args!("\n{HEAD}"));
    for counted in &round.kinds {
        say::line(line(counted));
    }
    let sum = sum(&round.kinds);
    say::line(line_of(
        "all kinds alike",
        &sum,
        float(round.kinds.len() * EACH),
    ));
    say::line(format_args!(
        "\n{:.0} requests to Rule for 1000 events of all kinds alike",
        1000.0 * float(sum.calls) / float(round.kinds.len() * EACH)
    ));
    say::line("\none event with nothing cached");
    for (name, used) in WAY.iter().zip(&round.fresh) {
        let before = round.spent.get(name);
        let before = before.map_or_else(String::new, |spent| match spent.before.told() {
            none if none.is_empty() => none,
            some => format!("{some} to start; "),
        });
        say::line(format_args!("{name:<10} {before}{}", used.told()));
    }
    say::line(format_args!(
        "{:<10} {}, of {:.1} read units: a round without work, with one store",
        "upkeep",
        round.idle.told(),
        round.idle.read_units()
    ));
    say::line(format_args!("\n{NOTE}"));
}

/// All kinds together.
pub(super) fn sum(kinds: &[Counted]) -> Counted {
    let mut sum = Counted {
        name: "all",
        used: [Usage::default(), Usage::default(), Usage::default()],
        messages: 0,
        calls: 0,
        sent: 0,
    };
    for kind in kinds {
        for (sum, used) in sum.used.iter_mut().zip(&kind.used) {
            *sum += used;
        }
        sum.messages += kind.messages;
        sum.calls += kind.calls;
        sum.sent += kind.sent;
    }
    sum
}

fn line(counted: &Counted) -> String {
    let line = line_of(counted.name, counted, float(EACH));
    if is_missed(counted) {
        format!("{line}  MISSED: at most 1 request in webhook, {WRITES} WU in each of the others")
    } else {
        line
    }
}

/// Whether more was asked than an event may cost; what is spent once for a whole batch is allowed on top.
fn is_missed(counted: &Counted) -> bool {
    let [webhook, recorder, push_rule] = &counted.used;
    let most = WRITES * EACH;
    webhook.requests() > 10 || recorder.write_units > most || push_rule.write_units > most + 1
}

fn line_of(name: &str, counted: &Counted, events: f64) -> String {
    let [webhook, recorder, push_rule] = &counted.used;
    let per = |count: f64| format!("{:.1}", count / events);
    format!(
        "{name:<32} {:>8} {:>11}  {:>8} {:>8}",
        per(f64::from(webhook.requests())),
        recorder.columns(events),
        push_rule.columns(events),
        per(float(counted.calls))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(writes: [usize; 2], requests: usize) -> Counted {
        let mut used = [Usage::default(), Usage::default(), Usage::default()];
        for _ in 0..requests {
            used[0].request("SendMessage");
        }
        used[1].write_units = writes[0];
        used[2].write_units = writes[1];
        Counted {
            name: "points_earned",
            used,
            messages: EACH,
            calls: EACH,
            sent: 0,
        }
    }

    #[test]
    fn a_miss_is_said() {
        assert!(!line(&counted([50, 51], 10)).contains("MISSED"));
        for missed in [
            counted([51, 50], 10),
            counted([50, 52], 10),
            counted([50, 50], 11),
        ] {
            assert!(line(&missed).contains("MISSED"));
        }
    }

    #[test]
    fn a_line_tells_what_one_event_costs() {
        let line = line(&counted([45, 41], 10));
        let numbers: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(numbers[..2], ["points_earned", "1.0"]);
        assert_eq!(numbers[2..5], ["0.0", "4.5", "0.0"]);
        assert_eq!(numbers[5..8], ["0.0", "4.1", "0.0"]);
        assert_eq!(numbers[8], "1.0");
    }

    #[test]
    fn kinds_add_up() {
        let both = sum(&[counted([1, 2], 3), counted([4, 5], 6)]);
        assert_eq!(both.used[0].requests(), 9);
        assert_eq!((both.used[1].write_units, both.used[2].write_units), (5, 7));
        assert_eq!((both.messages, both.calls), (2 * EACH, 2 * EACH));
    }
}
