//! Double-brace variables, and dotted paths into JSON.

use std::fmt::Write;

use serde_json::Value;

/// How a value comes into an address. It is not known which of these the vendor does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Percent-encoded.
    #[default]
    Percent,
    /// As it is, but for what no address can carry.
    Raw,
    /// The same, and a blank is a plus beside the pluses that are none.
    Plus,
}

impl Encoding {
    /// A value, ready for an address.
    pub(super) fn apply(self, text: &str) -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let carried = |byte: u8| byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&byte);
        let mut out = String::with_capacity(text.len());
        for byte in text.bytes() {
            match self {
                Self::Plus if byte == b' ' => out.push('+'),
                Self::Percent if plain(byte) => out.push(byte.into()),
                Self::Raw | Self::Plus if carried(byte) => out.push(byte.into()),
                _ => {
                    let _ = write!(out, "%{byte:02X}");
                }
            }
        }
        out
    }
}

/// A piece of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Stands as it is.
    Text(&'a str),
    /// Stands for a value.
    Path(&'a str),
}

/// The pieces of a template. A brace that nothing closes is text.
pub(super) fn pieces(template: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{")
        && let Some((path, after)) = after.split_once("}}")
    {
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Path(path.trim()));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// Whether every brace of a template belongs to a path.
pub(super) fn is_sound(template: &str) -> bool {
    pieces(template).iter().all(|piece| match piece {
        Piece::Text(text) => !text.contains("{{") && !text.contains("}}"),
        Piece::Path(path) => is_path(path),
    })
}

/// Whether this is a dotted path.
pub(super) fn is_path(path: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    path.split('.')
        .all(|part| !part.is_empty() && part.bytes().all(word))
}

/// The value at a dotted path.
pub(super) fn find<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(root, |value, part| match value {
        Value::Array(rows) => rows.get(part.parse::<usize>().ok()?),
        other => other.get(part),
    })
}

/// A value as text: what is missing or null is empty.
pub(super) fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A template with its values. `{{context}}` stands for the whole of it.
pub(super) fn render(template: &str, context: &Value, encode: impl Fn(&str) -> String) -> String {
    let one = |piece: Piece<'_>| match piece {
        Piece::Text(text) => text.to_owned(),
        Piece::Path("context") => encode(&context.to_string()),
        Piece::Path(path) => encode(&text(find(context, path))),
    };
    pieces(template).into_iter().map(one).collect()
}
