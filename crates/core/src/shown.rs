//! Other people's text, as it may be printed, and numbers of things.

use std::borrow::Cow;
use std::path::Path;

/// Text from somebody's file, safe to print on a terminal: control characters and the characters that turn
/// the direction of writing are shown as escapes.
pub fn escape(text: &str) -> Cow<'_, str> {
    let is_unsafe = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) {
            out.extend(c.escape_unicode())
        } else {
            out.push(c)
        }
    }
    Cow::Owned(out)
}

/// The same of a text of ours with more than one line: its own line breaks stay, behind which a line is indented.
pub fn escape_lines(text: &str) -> String {
    const BREAK: &str = "\n  ";
    let lines: Vec<_> = text.split(BREAK).map(escape).collect();
    lines.join(BREAK)
}

/// A path as text. Bytes that are no text are shown, so that two paths never become one.
pub fn text_of(path: &Path) -> Cow<'_, str> {
    if let Some(text) = path.to_str() {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    Cow::Owned(out)
}

/// A path of somebody's, safe to print on a terminal.
pub fn escape_path(path: &Path) -> Cow<'_, str> {
    match text_of(path) {
        Cow::Borrowed(text) => escape(text),
        Cow::Owned(text) => Cow::Owned(escape(&text).into_owned()),
    }
}

/// How many of something: `1 finding`, `2 findings`.
pub fn plural(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// `a`, `a and b`, `a, b and c`.
pub fn and(names: &[impl AsRef<str>]) -> String {
    joined(names, "and")
}

/// `a`, `a or b`, `a, b or c`.
pub fn or(names: &[impl AsRef<str>]) -> String {
    joined(names, "or")
}

fn joined(names: &[impl AsRef<str>], word: &str) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match &names[..] {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_do_not_reach_the_terminal() {
        assert_eq!(escape("a\u{1b}[31mb\u{202e}"), "a\\u{1b}[31mb\\u{202e}");
        assert!(matches!(escape("plain ü"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_line_break_is_kept_before_an_indented_line_alone() {
        let text = "a\u{1b}:\n  run this\n  and b\nc";
        assert_eq!(escape_lines(text), "a\\u{1b}:\n  run this\n  and b\\u{a}c");
    }

    #[cfg(unix)]
    #[test]
    fn paths_stay_different_that_are_no_text() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let shown = |bytes| text_of(Path::new(OsStr::from_bytes(bytes))).into_owned();
        assert_eq!(shown(b"a\xffb\xfe/c"), "a\\xffb\\xfe/c");
        assert_eq!(shown("ä/c".as_bytes()), "ä/c");
    }
}
