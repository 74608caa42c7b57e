//! Edits of a text that is JSON, so that it stays JSON: what comes is written as YAML, which has more ways to write a text.

use serde::de::IgnoredAny;

use crate::edit::Edit;

/// The edits, with JSON's quotes where the text is JSON.
pub fn as_json(text: &str, mut edits: Vec<Edit>) -> Vec<Edit> {
    let body = text.trim_start_matches('\u{feff}');
    if serde_json::from_str::<IgnoredAny>(body).is_err() {
        return edits;
    }
    for edit in &mut edits {
        // What comes into a text has its quotes around it.
        if !is_in_a_string(text, edit.range.start) {
            edit.text = quoted(&edit.text);
        }
    }
    edits
}

/// Whether a place of a text of JSON is behind a quote that begins a string, and not behind its end.
fn is_in_a_string(text: &str, at: usize) -> bool {
    let mut is_in = false;
    let mut is_escaped = false;
    for byte in text.bytes().take(at) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_in,
            b'"' => is_in = !is_in,
            _ => {}
        }
    }
    is_in
}

/// A piece of YAML in braces, with each text in it in JSON's quotes.
fn quoted(piece: &str) -> String {
    let mut out = String::new();
    let mut rest = piece;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '\'' => {
                let (text, length) = single_quoted(rest);
                out.push_str(&serde_json::Value::from(text).to_string());
                length
            }
            '"' => {
                let length = double_quoted(rest);
                out.push_str(&rest[..length]);
                length
            }
            _ if c.is_whitespace() || "{}[],:".contains(c) => {
                out.push(c);
                c.len_utf8()
            }
            _ => {
                let length = plain(rest);
                let text = rest[..length].trim_end();
                let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
                match is_json {
                    true => out.push_str(text),
                    false => out.push_str(&serde_json::Value::from(text).to_string()),
                }
                out.push_str(&rest[text.len()..length]);
                length
            }
        };
        rest = &rest[length..];
    }
    out
}

/// The text of `'…'` at the start, in which two of these quotes are one, and how long it is.
fn single_quoted(piece: &str) -> (String, usize) {
    let mut text = String::new();
    let mut chars = piece.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' if chars.next_if(|(_, next)| *next == '\'').is_none() => return (text, at + 1),
            c => text.push(c),
        }
    }
    (text, piece.len())
}

/// How long `"…"` at the start is.
fn double_quoted(piece: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in piece.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    piece.len()
}

/// How long a text without quotes at the start is.
fn plain(piece: &str) -> usize {
    let ends = |at: usize, c: char| {
        let next = piece[at + c.len_utf8()..].chars().next();
        ",[]{}\n".contains(c) || c == ':' && next.is_none_or(char::is_whitespace)
    };
    let mut chars = piece.char_indices();
    let end = chars.find(|(at, c)| ends(*at, *c));
    end.map_or(piece.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::splice;

    #[test]
    fn what_is_json_stays_json() {
        let made = |text: &str, edits: &[(usize, usize, &str)]| {
            let edits = edits
                .iter()
                .map(|(from, to, text)| Edit::replace(*from..*to, (*text).to_owned()));
            splice(text, &as_json(text, edits.collect())).unwrap()
        };
        assert_eq!(
            made(r#"{"a": 1}"#, &[(7, 7, ", b: c")]),
            r#"{"a": 1, "b": "c"}"#
        );
        assert_eq!(
            made(
                "{}",
                &[(
                    1,
                    1,
                    "a: {b: '${X:?it''s \"\u{e4}\"}', c: [d e, 0, true, \"[ f ]\"]}"
                )]
            ),
            "{\"a\": {\"b\": \"${X:?it's \\\"\u{e4}\\\"}\", \"c\": [\"d e\", 0, true, \"[ f ]\"]}}"
        );
        assert_eq!(
            made(r#"["80:80"]"#, &[(2, 2, "127.0.0.1:")]),
            r#"["127.0.0.1:80:80"]"#
        );
        assert_eq!(
            made(r#"["\"", "x"]"#, &[(7, 10, "http://y:8008")]),
            r#"["\"", "http://y:8008"]"#
        );
        assert_eq!(made("{a: 1}", &[(5, 5, ", b: c")]), "{a: 1, b: c}");
    }
}
