//! The README as data: its commands, its tables, its words in code.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::local::paths;
use crate::trouble::{Result, Saying, Trouble};

/// The whole text; none where there is no README. Read when a test runs, so that a change of prose compiles nothing.
pub static TEXT: LazyLock<String> =
    LazyLock::new(|| std::fs::read_to_string(paths::root().join("README.md")).unwrap_or_default());

/// What stands between a heading and the next one of its rank or above.
///
/// # Errors
/// There is no such heading.
pub fn section(heading: &str) -> Result<&'static str> {
    let rank = heading.split(' ').next().unwrap_or_default().len();
    let from = TEXT
        .split_once(&format!("\n{heading}\n"))
        .saying(format!("the README has no heading {heading:?}"))?
        .1;
    let ends = (1..=rank).filter_map(|rank| from.find(&format!("\n{} ", "#".repeat(rank))));
    Ok(&from[..ends.min().unwrap_or(from.len())])
}

/// The cells of every table row of a text, headings and rules left out.
#[must_use]
pub fn rows(text: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = text.lines().collect();
    let is_rule = |line: &&str| line.starts_with("|---");
    let mut rows = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let is_head = lines.get(at + 1).is_some_and(is_rule);
        let cells = line
            .strip_prefix("| ")
            .and_then(|line| line.strip_suffix(" |"));
        if let Some(cells) = cells.filter(|_| !is_head) {
            rows.push(cells.split(" | ").collect());
        }
    }
    rows
}

/// What stands in a text as code, blocks left out. It may go on in the next line.
#[must_use]
pub fn code(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    // Every other part is a block; an odd backtick never reaches beyond its paragraph.
    let prose = text.split("```").step_by(2);
    for paragraph in prose.flat_map(|part| part.split("\n\n")) {
        let mut rest = paragraph;
        while let Some((_, after)) = rest.split_once('`') {
            let (fence, inner) = match after.strip_prefix('`') {
                Some(inner) => ("``", inner),
                None => ("`", after),
            };
            let Some((span, after)) = inner.split_once(fence) else {
                break;
            };
            found.push(span.replace('\n', " "));
            rest = after;
        }
    }
    found
}

/// A block between two fences.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    /// What it is said to be.
    pub language: &'static str,
    /// Its lines.
    pub text: &'static str,
}

/// Every block, in order.
#[must_use]
pub fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut rest = TEXT.as_str();
    while let Some((_, after)) = rest.split_once("\n```") {
        let Some((inner, after)) = after.split_once("\n```") else {
            break;
        };
        let (language, text) = inner.split_once('\n').unwrap_or((inner, ""));
        blocks.push(Block { language, text });
        rest = after;
    }
    blocks
}

/// Every command that the README tells somebody to run, as words: the blocks that are neither a picture nor the layout.
#[must_use]
pub fn commands() -> Vec<Vec<String>> {
    let layout = section("## Layout").unwrap_or_default();
    blocks()
        .iter()
        .filter(|block| block.language.is_empty() && !layout.contains(block.text))
        .flat_map(|block| {
            let joined = block.text.replace("\\\n", " ");
            joined.lines().map(words).collect::<Vec<_>>()
        })
        .filter(|words| !words.is_empty())
        .collect()
}

/// A line as a shell takes it apart.
#[must_use]
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for character in line.chars() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

/// The value behind a flag.
#[must_use]
pub fn flag<'a>(words: &'a [String], name: &str) -> Option<&'a str> {
    let at = words.iter().position(|word| word == name)?;
    words.get(at + 1).map(String::as_str)
}

/// Every payload for the operator that the README shows, with what it leaves open filled in for a store: in the order in
/// which they stand there.
///
/// # Errors
/// A payload is no JSON, or leaves something open that has no example.
pub fn payloads(document: &Value) -> Result<Vec<Value>> {
    let invocations = commands().into_iter().filter_map(|words| {
        let payload = flag(&words, "--payload")?.to_owned();
        payload.starts_with('{').then_some(payload)
    });
    let spans = code(&TEXT).into_iter();
    let shown = spans.filter(|span| span.starts_with("{\"command\":"));
    invocations
        .chain(shown)
        .map(|payload| filled(&payload, document))
        .collect()
}

/// The store of those examples that need Gorgias.
pub const HELPDESK: &str = "example-helpdesk";

fn filled(payload: &str, document: &Value) -> Result<Value> {
    let text = payload.replace("{…}", "{}").replace(",…}", "}");
    let mut command: Value =
        serde_json::from_str(&text).saying(format!("the README's {payload} is no JSON"))?;
    let more = payload.contains(",…}");
    let keys = command
        .as_object_mut()
        .saying(format!("the README's {payload} is no object"))?;
    for (key, value) in keys.iter_mut() {
        *value = match (key.as_str(), &*value) {
            ("store", Value::Object(_)) => document.clone(),
            // A command that not every store can be given names one that can.
            ("store", Value::String(own)) if own == HELPDESK => value.clone(),
            ("store", _) => document["store"].clone(),
            ("kind", Value::String(open)) if open == "…" => "coupon_awarded".into(),
            ("email", Value::String(open)) if open == "…" => "kari@example.com".into(),
            ("by", Value::String(open)) if open == "…" => "ola".into(),
            ("why", Value::String(open)) if open == "…" => "a test".into(),
            (_, Value::String(open)) if open == "…" => {
                return Err(Trouble::new(format!(
                    "no test knows what stands for … in {key:?} of the README's {payload}"
                )));
            }
            (_, value) => value.clone(),
        };
    }
    // `replay` has its own table of what may follow; this is the form that needs nothing which must be listed first.
    if more {
        keys.insert("kept".to_owned(), json!(true));
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart_as_a_shell_does() {
        let taken = words(r#"aws invoke --payload '{"a":"b c"}'  /dev/stdout"#);
        assert_eq!(
            taken,
            [
                "aws",
                "invoke",
                "--payload",
                r#"{"a":"b c"}"#,
                "/dev/stdout"
            ]
        );
    }

    #[test]
    fn code_is_found_in_either_fence() {
        let text = "`a` b ``c `d` e``\n```\nno `code`\n```\n`in\ntwo`";
        assert_eq!(code(text), ["a", "c `d` e", "in two"]);
    }

    #[test]
    fn rows_leave_heads_and_rules_out() {
        assert_eq!(rows("| A | B |\n|---|---|\n| 1 | 2 |\n"), [["1", "2"]]);
    }
}
