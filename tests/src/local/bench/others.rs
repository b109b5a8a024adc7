//! What each kind of event asks of AWS and of the vendors beside Rule.

use super::beside::{Beside, Brought, Kind};
use super::stream::EACH;
use super::tools::OTHERS;
use super::usage::{Usage, float};
use crate::say;

const HEAD: &str = "\
the same news in stores with three destinations: for each event, by kind
                                 recorder           push-gorgias       Gorgias   push-annexcloud    Annex Cloud
                                 requests   WU   RU requests   WU   RU requests  requests   WU   RU requests";

const NOTE: &str = "\
Gorgias is brought pictures alone; Annex Cloud books points for points_earned, referral_completed and birthday, makes
members by opted_in, and hears of changed profiles. Everybody was known to both before, but for those who opt in.";

/// Prints the table.
pub(super) fn print(beside: &Beside) {
    say::line(format_args!("\n{HEAD}"));
    for kind in &beside.kinds {
        say::line(line(kind, float(EACH)));
    }
    let all = sum(&beside.kinds);
    say::line(line(&all, float(beside.kinds.len() * EACH)));
    for (other, brought) in OTHERS.iter().zip(&all.brought) {
        let of_all = 1000.0 / float(beside.kinds.len() * EACH);
        say::line(format_args!(
            "{}: {:.0} messages and {:.0} requests for 1000 events of all kinds alike",
            other.shown,
            of_all * float(brought.messages),
            of_all * float(brought.calls)
        ));
    }
    say::line("\none event with nothing cached");
    for ((other, used), spent) in OTHERS.iter().zip(&beside.fresh).zip(&beside.pushers) {
        let before = match spent.before.told() {
            none if none.is_empty() => none,
            some => format!("{some} to start; "),
        };
        say::line(format_args!(
            "{:<15} {before}{}",
            other.function,
            used.told()
        ));
    }
    for line in aside(beside) {
        say::line(line);
    }
    say::line(format_args!("\n{NOTE}"));
}

/// What comes of the news beside the pushes.
fn aside(beside: &Beside) -> [String; 2] {
    let back = &beside.read_back;
    let (_, idle, series) = &beside.upkeep;
    [
        format!(
            "{:<15} {}; {:.1} requests to Annex Cloud; then recorder: {}: a member who is read back",
            "reader",
            back.reader.each(back.count),
            float(back.calls) / float(back.count.max(1)),
            back.recorder.each(back.count),
        ),
        format!(
            "{:<15} {}, of {:.1} read units, {series} series: a round without work, with one store",
            "upkeep",
            idle.told(),
            idle.read_units()
        ),
    ]
}

/// All kinds together.
pub(super) fn sum(kinds: &[Kind]) -> Kind {
    let mut sum = Kind {
        name: "all kinds alike",
        recorder: Usage::default(),
        brought: [Brought::default(), Brought::default()],
    };
    for kind in kinds {
        sum.recorder += &kind.recorder;
        for (sum, brought) in sum.brought.iter_mut().zip(&kind.brought) {
            sum.used += &brought.used;
            sum.messages += brought.messages;
            sum.calls += brought.calls;
            sum.sent += brought.sent;
        }
    }
    sum
}

fn line(kind: &Kind, events: f64) -> String {
    let per = |count: f64| format!("{:.1}", count / events);
    let [gorgias, annexcloud] = &kind.brought;
    format!(
        "{:<32} {} {} {:>8}  {} {:>8}",
        kind.name,
        kind.recorder.columns(events),
        gorgias.used.columns(events),
        per(float(gorgias.calls)),
        annexcloud.used.columns(events),
        per(float(annexcloud.calls))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(writes: [usize; 3], calls: [usize; 2]) -> Kind {
        let used = |write_units: usize| {
            let mut used = Usage::default();
            used.write_units = write_units;
            used
        };
        let brought = |place: usize| Brought {
            used: used(writes[place + 1]),
            messages: EACH,
            calls: calls[place],
            sent: 100,
        };
        Kind {
            name: "points_earned",
            recorder: used(writes[0]),
            brought: [brought(0), brought(1)],
        }
    }

    #[test]
    fn a_line_tells_what_one_event_costs() {
        let line = line(&kind([40, 20, 50], [10, 13]), float(EACH));
        let numbers: Vec<&str> = line.split_whitespace().collect();
        let expected = [
            "points_earned",
            "0.0",
            "4.0",
            "0.0",
            "0.0",
            "2.0",
            "0.0",
            "1.0",
            "0.0",
            "5.0",
            "0.0",
            "1.3",
        ];
        assert_eq!(numbers, expected);
    }

    #[test]
    fn kinds_add_up() {
        let both = sum(&[kind([1, 2, 3], [4, 5]), kind([10, 20, 30], [40, 50])]);
        assert_eq!(both.recorder.write_units, 11);
        assert_eq!(both.brought[0].used.write_units, 22);
        let [gorgias, annexcloud] = both.brought;
        assert_eq!((gorgias.calls, annexcloud.calls), (44, 55));
        assert_eq!((gorgias.messages, annexcloud.sent), (2 * EACH, 200));
    }
}
