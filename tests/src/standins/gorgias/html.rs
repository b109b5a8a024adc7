//! Text into HTML, all of it escaped.

/// Text that may stand between tags and in quoted attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// A path as a part of a class name.
pub(super) fn class(path: &str) -> String {
    let letter = |letter: char| {
        if letter.is_ascii_alphanumeric() || letter == '_' {
            letter
        } else {
            '-'
        }
    };
    path.chars().map(letter).collect()
}

/// A value that came from this place.
pub(super) fn value(kind: &str, path: &str, text: &str) -> String {
    format!(
        r#"<span class="{kind}" data-path="{}">{}</span>"#,
        escaped(path),
        escaped(text)
    )
}
