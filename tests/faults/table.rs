//! The printed table, and what in it is not as it should be.

use std::io::Write as _;

use crate::{round::Seen, subject::Subject};

const HEADS: [&str; 6] = [
    "fault",
    "the vendor saw",
    "outcome",
    "then it stands",
    "in the end",
    "a person sees",
];

/// One row.
pub(crate) struct Line {
    cells: [String; 6],
    wrong: Vec<String>,
}

impl Line {
    /// The row of one fault, beside what the destination expects of it.
    pub(crate) fn of(subject: &Subject, fault: &str, seen: Seen) -> Self {
        let Seen {
            saw,
            outcome,
            stands,
            ends,
            shown,
            mut wrong,
        } = seen;
        let cells = [fault.to_owned(), saw, outcome, stands, ends, shown];
        let mut own = subject.expected.iter().filter(|row| row[0] == fault);
        match (own.next(), own.next()) {
            (Some(expected), None) => {
                for place in 1..HEADS.len() {
                    if cells[place] != expected[place] {
                        let (head, expected) = (HEADS[place], expected[place]);
                        wrong.push(format!("{head}: {expected:?} was expected"));
                    }
                }
            }
            (None, _) => wrong.push("nothing is said of what should come of it".to_owned()),
            (Some(_), Some(_)) => wrong.push("it is expected twice".to_owned()),
        }
        Self { cells, wrong }
    }
}

/// Prints the table; gives how many rows are wrong.
pub(crate) fn print(destination: &str, lines: &[Line]) -> usize {
    let width = |place: usize| {
        let cells = lines.iter().map(|line| line.cells[place].chars().count());
        cells.chain([HEADS[place].len()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..HEADS.len()).map(width).collect();
    let row = |cells: &[String]| {
        let padded = cells.iter().zip(&widths);
        let padded: Vec<String> = padded
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        format!("| {} |\n", padded.join(" | "))
    };
    let mut text = format!("\nFaults against {destination}:\n\n");
    text.push_str(&row(&HEADS.map(ToOwned::to_owned)));
    let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    text.push_str(&row(&dashes));
    for line in lines {
        text.push_str(&row(&line.cells));
        for wrong in &line.wrong {
            text.push_str("  ^ ");
            text.push_str(wrong);
            text.push('\n');
        }
    }
    let wrong = lines.iter().filter(|line| !line.wrong.is_empty()).count();
    let count = lines.len();
    say(&format!("{text}\n{count} faults, {wrong} wrong\n"));
    wrong
}

/// Expectations of faults that nobody tries.
pub(crate) fn without_fault(subject: &Subject, lines: &[Line]) -> usize {
    let tried = |name: &str| lines.iter().any(|line| line.cells[0] == name);
    let stale = subject.expected.iter().filter(|row| !tried(row[0]));
    let stale: Vec<&str> = stale.map(|row| row[0]).collect();
    for name in &stale {
        say(&format!("nobody tries the fault {name:?}\n"));
    }
    stale.len()
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).unwrap();
    out.flush().unwrap();
}
