//! What a card asks of AWS, and how quick and how large it is.

use super::beside::Beside;
use super::desk::{Cards, Desk};
use super::report::Figure;
use super::round::Round;
use super::usage::float;
use super::{CARD, FIRST};
use crate::say;

/// The figures of cards that have a target of their own.
pub(super) fn figures(rounds: &[(Round, Beside)]) -> Vec<Figure> {
    let of = |value: fn(&Desk) -> f64| rounds.iter().map(move |(_, beside)| value(&beside.desk));
    let first = of(|desk| desk.first.as_secs_f64() * 1e3).collect();
    let bytes = of(|desk| float(desk.bytes) / 1e3).collect();
    vec![
        Figure::new("lookup: first answer", "ms", first, Some(FIRST)),
        Figure::new("card with ten activities", "KB", bytes, Some(CARD)),
    ]
}

/// Prints what each sort of card asks.
pub(super) fn print(beside: &Beside) {
    say::line("\nrequests of one card to AWS, and to Annex Cloud");
    for line in lines(&beside.desk) {
        say::line(line);
    }
}

fn lines(desk: &Desk) -> Vec<String> {
    let mark = if desk.hits.are_one_read() {
        ""
    } else {
        "  MISSED"
    };
    vec![
        line(
            "a known member (a hit)",
            &desk.hits,
            &format!("  target: exactly 1 GetItem{mark}"),
        ),
        line("a known member, not read lately", &desk.old, ""),
        line("somebody whom nobody knows", &desk.asked, ""),
        line("the same once more", &desk.remembered, ""),
        format!(
            "{:<32} {} to start; {}",
            "the first after a start",
            desk.spent.before.told(),
            desk.fresh.told()
        ),
    ]
}

fn line(what: &str, cards: &Cards, verdict: &str) -> String {
    let each = cards.used.each(cards.count);
    let calls = cards.each(cards.calls);
    let micros = cards.on_cpu.as_secs_f64() * 1e6;
    format!("{what:<32} {each}; {calls:.1} to Annex Cloud; {micros:.0} µs{verdict}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_what_one_card_asks() {
        let asked = Cards {
            calls: 3,
            ..Cards::asking(&["GetItem", "GetItem", "PutItem"], 2)
        };
        let line = line("hit", &asked, "  x");
        assert!(line.contains("1 GetItem, 0.5 PutItem; 1.5 to"), "{line}");
        assert!(line.ends_with("  x"), "{line}");
    }
}
