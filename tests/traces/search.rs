//! Finds values in text, in every form in which they might have got there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// What a URL leaves as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Shorter values are looked for as words of their own, and only as they are: encoded they would be anything.
const SHORT: usize = 6;

/// More of a value is not looked for.
const LONG: usize = 200;

/// Values that must not be found.
#[derive(Debug, Default)]
pub(crate) struct Search {
    /// Forms by their first bytes, each with what it is a form of.
    forms: HashMap<[u8; SHORT], BTreeMap<String, String>>,
    words: BTreeMap<String, String>,
    values: BTreeSet<String>,
}

impl Search {
    /// Adds a value; `what` tells which.
    pub(crate) fn add(&mut self, what: &str, value: &str) {
        // The beginning of a text that a test made without end gives it away as well.
        let value: String = value.trim().chars().take(LONG).collect();
        let value = value.as_str();
        if value.chars().count() < 2 || !self.values.insert(value.to_owned()) {
            return;
        }
        let what = format!("{what} {value:?}");
        if value.len() < SHORT {
            self.words.insert(value.to_owned(), what.clone());
            self.words.insert(value.to_uppercase(), what);
            return;
        }
        for form in forms(value) {
            if let Some(first) = form.as_bytes().first_chunk::<SHORT>() {
                let same = self.forms.entry(*first).or_default();
                same.insert(form, what.clone());
            }
        }
    }

    /// How many values are looked for.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// What is in this text that must not be there.
    pub(crate) fn find(&self, text: &str) -> Option<String> {
        let known = self.form(text).or_else(|| self.word(text));
        known
            .or_else(|| address(text))
            .or_else(|| encoded(text).find_map(|decoded| address(&decoded)))
    }

    fn form(&self, text: &str) -> Option<String> {
        let bytes = text.as_bytes();
        let mut places = bytes.windows(SHORT).enumerate();
        places.find_map(|(at, first)| {
            let same = self.forms.get(first)?;
            let there = |form: &&String| bytes[at..].starts_with(form.as_bytes());
            same.keys().find(there).map(|form| same[form].clone())
        })
    }

    fn word(&self, text: &str) -> Option<String> {
        let mut words = text.split(|c: char| !(c.is_alphanumeric() || "-_".contains(c)));
        words.find_map(|word| self.words.get(word).cloned())
    }
}

fn forms(value: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    for spelled in [value.to_owned(), value.to_lowercase(), value.to_uppercase()] {
        let percent = percent_encode(spelled.as_bytes(), ENCODED).to_string();
        forms.insert(percent.replace("%20", "+"));
        forms.insert(lower_percent(&percent));
        forms.insert(percent);
        forms.extend(base64(spelled.as_bytes()));
        forms.insert(spelled.replace(' ', "+"));
        let json = serde_json::Value::from(spelled.as_str()).to_string();
        forms.insert(json.trim_matches('"').to_owned());
        forms.insert(escaped(&spelled));
        forms.insert(format!("{spelled:?}").trim_matches('"').to_owned());
        forms.insert(spelled);
    }
    forms
}

/// `%C3%A5` as `%c3%a5`.
fn lower_percent(text: &str) -> String {
    let mut parts = text.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (hex, rest) = part.split_at(2);
        format!("{text}%{}{rest}", hex.to_lowercase())
    })
}

/// As JSON writes it for readers that know nothing but ASCII.
fn escaped(text: &str) -> String {
    let mut units = [0; 2];
    text.chars()
        .flat_map(|c| {
            if c.is_ascii() {
                vec![c.to_string()]
            } else {
                let units = c.encode_utf16(&mut units);
                units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
            }
        })
        .collect()
}

/// What of a value's base64 does not depend on what stands around it, at each of the three places where it may begin.
fn base64(value: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    for (before, skipped) in [(0, 0), (1, 2), (2, 3)] {
        let whole = [vec![0; before], value.to_vec()].concat();
        let kept = whole.len() * 8 / 6;
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            all.push(engine.encode(&whole)[skipped..kept].to_owned());
        }
    }
    all
}

/// Anything of the form of an e-mail address, whoever's it is.
fn address(text: &str) -> Option<String> {
    let text = text.replace("%40", "@").replace("\\u0040", "@");
    text.match_indices('@').find_map(|(at, _)| {
        let before = text[..at].chars().next_back()?;
        let domain: String = text[at + 1..]
            .chars()
            .take_while(|c| c.is_alphanumeric() || "-.".contains(*c))
            .collect();
        let is_one = before.is_alphanumeric() && domain.trim_matches('.').contains('.');
        is_one.then(|| format!("an address at {domain}"))
    })
}

/// The texts inside a text that are base64.
fn encoded(text: &str) -> impl Iterator<Item = String> {
    let tokens = text.split(|c: char| !(c.is_ascii_alphanumeric() || "+/-_".contains(c)));
    tokens
        .filter(|token| token.len() >= 12)
        .filter_map(|token| {
            let token = token.replace('+', "-").replace('/', "_");
            String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search() -> Search {
        let mut search = Search::default();
        search.add("an address", "Kari.Åse+shop@example.com");
        search.add("a name", "Hemmelig Sen");
        search.add("a name", "Odd");
        search.add("a phone", "+47 900 00 000");
        search
    }

    #[test]
    fn a_planted_leak_is_found_in_every_form() {
        let leaks = [
            "sent to Kari.Åse+shop@example.com",
            "KARI.ÅSE+SHOP@EXAMPLE.COM",
            "?email=kari.%C3%A5se%2Bshop%40example.com&x=1",
            "?email=kari.%c3%a5se%2bshop%40example.com",
            r#"{"email":"Kari.\u00c5se+shop@example.com"}"#,
            "for hemmelig sen today",
            "name=Hemmelig+Sen",
            "name=hemmelig%20sen",
            "name: Odd,",
            "ODD",
            "tel=%2B47%20900%2000%20000",
            // Of somebody whom no test named.
            "no value for someone@shop.example.org",
            "to=someone%40example.org",
        ];
        for leak in leaks {
            assert!(search().find(leak).is_some(), "{leak}");
        }
        for before in ["", "x", "xy", "xyz"] {
            for value in ["Hemmelig Sen", "someone@example.org"] {
                let text = STANDARD_NO_PAD.encode(format!("{before}{value} and more"));
                assert!(search().find(&text).is_some(), "{before}{value} in {text}");
            }
        }
    }

    #[test]
    fn what_names_nobody_is_left_alone() {
        let clean = [
            r#"{"level":"INFO","message":"event.recorded","event":"_gObkphifrnS7nmGyuMclQ"}"#,
            "an odd oddity; Oddny",
            "@ and a@b",
            "an address of 254 bytes",
        ];
        for text in clean {
            assert_eq!(search().find(text), None, "{text}");
        }
    }
}
