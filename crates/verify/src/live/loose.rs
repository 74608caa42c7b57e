//! Texts that are served where JSON should be, and are none: with a comma too many, a comment, or in UTF-16.

use zeroize::Zeroizing;

use super::json::{Document, document, is_known, is_said, names_secret};

/// No more of a value is looked at: whether there is one is asked.
const LONGEST_VALUE: usize = 256;

/// What a text gives away that anyone can download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    /// It is an object in JSON.
    Document(Document),
    /// It is none, and holds a value that is known to be a secret.
    Known,
    /// It is none, and has a value under a name that says it is a secret.
    Named,
    /// It is none, such as the page that a web server gives for any path, and holds neither.
    Nothing,
}

/// What a text gives away. `is_ours` knows a text in which one of the user's own secrets is.
pub(crate) fn served(text: &[u8], is_ours: &dyn Fn(&str) -> bool) -> Served {
    if let Some(document) = document(text, is_ours) {
        return Served::Document(document);
    }
    let text = decoded(text);
    match () {
        () if text.trim_start().starts_with('<') => Served::Nothing,
        () if is_known(&text) || is_ours(&text) => Served::Known,
        () if has_named(&text) => Served::Named,
        () => Served::Nothing,
    }
}

/// A text of any encoding, without its byte-order mark. UTF-16 is known by its mark, or by the zero beside its first sign.
fn decoded(text: &[u8]) -> Zeroizing<String> {
    let read: fn([u8; 2]) -> u16 = match text {
        [0xff, 0xfe, ..] | [1..=0xff, 0, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] | [0, 1..=0xff, ..] => u16::from_be_bytes,
        _ => {
            let text = String::from_utf8_lossy(text);
            return Zeroizing::new(text.trim_start_matches('\u{feff}').to_owned());
        }
    };
    let pairs = text.chunks_exact(2);
    let units = pairs.map(|pair| read([pair[0], pair[1]]));
    let units: Zeroizing<Vec<u16>> = Zeroizing::new(units.collect());
    let text = Zeroizing::new(String::from_utf16_lossy(&units));
    Zeroizing::new(text.trim_start_matches('\u{feff}').to_owned())
}

/// Whether a secret's name has a value, as far as that can be seen without a grammar.
fn has_named(text: &str) -> bool {
    text.match_indices([':', '=']).any(|(at, sign)| {
        let name = name_at_end(&text[..at]);
        names_secret(name) && has_value(name, &text[at + sign.len()..])
    })
}

/// The name that a text ends with.
fn name_at_end(text: &str) -> &str {
    let text = text.trim_end();
    let is_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name = match text.chars().next_back() {
        Some(quote @ ('"' | '\'')) => text[..text.len() - 1].rsplit(quote).next(),
        _ => text.rsplit(|c| !is_of_name(c)).next(),
    };
    name.unwrap_or_default()
}

/// Whether a text begins with a value. What is in an object has names of its own.
fn has_value(name: &str, text: &str) -> bool {
    let text = text.trim_start();
    let end = text.char_indices().nth(LONGEST_VALUE);
    let text = &text[..end.map_or(text.len(), |(at, _)| at)];
    let value = match text.chars().next() {
        None | Some('{') => return false,
        Some(quote @ ('"' | '\'')) => text[1..].split(quote).next(),
        Some('[') => text[1..].trim_start().split([']', '\n']).next(),
        Some(_) => text.split([',', '}', ';', '\n']).next(),
    };
    let value = value.unwrap_or_default().trim();
    !value.is_empty() && value != "null" && !is_said(name, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "own-token-secret";

    fn of(text: &[u8]) -> Served {
        served(text, &|value| value.contains(OWN))
    }

    fn utf16(text: &str) -> (Vec<u8>, Vec<u8>) {
        let units = || text.encode_utf16();
        (
            units().flat_map(u16::to_le_bytes).collect(),
            units().flat_map(u16::to_be_bytes).collect(),
        )
    }

    #[test]
    fn a_mark_in_front_changes_nothing() {
        let pair = "\u{feff}{\"userKey\": \"A\", \"userSecret\": \"b\"}";
        assert!(matches!(of(pair.as_bytes()), Served::Document(document) if document.has_pair));
    }

    #[test]
    fn what_is_no_json_is_not_passed_over() {
        for named in [
            "{\"adminSecret\": \"abc\",}",
            "{ // why\n\"adminSecret\": \"abc\"}",
            "{adminSecret: 'abc'}",
            "userSecret = abc",
            "[{\"password\": \"abc\"}]",
            "{\"tokens\": 1, \"token\": [\"abc\"],}",
        ] {
            assert_eq!(of(named.as_bytes()), Served::Named, "{named}");
        }
        assert_eq!(
            of(b"{\"t\": \"caf\xe9\", \"secret\": \"abc\"}"),
            Served::Named
        );
        let (little, big) = utf16("{\"adminSecret\": \"abc\"}");
        assert_eq!((of(&little), of(&big)), (Served::Named, Served::Named));
        let (little, big) = utf16("\u{feff}{\"a\": \"62T8CP7HGBC6647XF9314C2VY67RJO\"}");
        assert_eq!((of(&little), of(&big)), (Served::Known, Served::Known));
        assert_eq!(of(b"{\"a\": \"Bearer own-token-secret\",}"), Served::Known);
    }

    #[test]
    fn what_holds_no_secret_is_nothing() {
        for nothing in [
            "",
            "OK",
            "<!doctype html><script>password: 'abc'</script>",
            "\u{feff}<html>62T8CP7HGBC6647XF9314C2VY67RJO</html>",
            "{\"adminSecret\": \"\", \"token\": null, \"apiKey\": [],}",
            "{\"labels\": {\"password\": \"Password\",}}",
            "{\"tokenUrl\": \"https://sso\",}",
            "{\"credentials\": {},}",
        ] {
            assert_eq!(of(nothing.as_bytes()), Served::Nothing, "{nothing}");
        }
    }
}
