//! The words of the language: where each begins and ends.
//!
//! Every function takes an offset and says where the word ends, or that there is none. Blanks are skipped
//! by the caller, with [`Scanner::blanks`], as pyparsing skips them before each word.

use std::ops::Range;

use crate::period;
use crate::text::{digit, is_space};

/// A text without tabs.
#[derive(Clone, Copy)]
pub(super) struct Scanner<'a> {
    text: &'a str,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text }
    }

    pub(super) fn slice(self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    pub(super) fn rest(self, at: usize) -> &'a str {
        self.text.get(at..).unwrap_or_default()
    }

    pub(super) fn peek(self, at: usize) -> Option<char> {
        self.rest(at).chars().next()
    }

    fn byte(self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn skip(self, at: usize, matches: impl Fn(u8) -> bool) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        at + rest.iter().take_while(|byte| matches(**byte)).count()
    }

    /// Past the blanks.
    pub(super) fn blanks(self, at: usize) -> usize {
        self.skip(at, |byte| matches!(byte, b' ' | b'\t'))
    }

    /// One or more line ends.
    pub(super) fn line_ends(self, at: usize) -> Option<usize> {
        let at = self.blanks(at);
        let end = self.skip(at, |byte| matches!(byte, b'\n' | b'\r'));
        (end > at).then_some(end)
    }

    /// One or more line ends and commas.
    pub(super) fn separators(self, at: usize) -> Option<usize> {
        let at = self.blanks(at);
        let end = self.skip(at, |byte| matches!(byte, b'\n' | b'\r' | b','));
        (end > at).then_some(end)
    }

    /// A comment up to its line end.
    pub(super) fn comment(self, at: usize) -> Option<usize> {
        let at = self.blanks(at);
        let rest = self.rest(at);
        if !rest.starts_with('#') && !rest.starts_with("//") {
            return None;
        }
        Some(at + rest.find(['\n', '\r']).unwrap_or(rest.len()))
    }

    /// A comment, with the separators before it.
    pub(super) fn comment_after_separators(self, at: usize) -> Option<usize> {
        self.comment(self.separators(at).unwrap_or(at))
    }

    /// One character.
    pub(super) fn literal(self, at: usize, literal: u8) -> Option<usize> {
        let at = self.blanks(at);
        (self.byte(at)? == literal).then_some(at + 1)
    }

    /// A word in any case, as Python folds it, that is not part of a longer one.
    pub(super) fn any_case(self, at: usize, upper: &str) -> Option<usize> {
        let mut end = at;
        let mut given = self.rest(at).chars();
        for expected in upper.chars() {
            let c = given.next()?;
            let mut folded = c.to_uppercase();
            if folded.next() != Some(expected) || folded.next().is_some() {
                return None;
            }
            end += c.len_utf8();
        }
        let is_word = |c: char| {
            let mut folded = c.to_uppercase();
            match (folded.next(), folded.next()) {
                (Some(c), None) => {
                    c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | '$')
                }
                _ => false,
            }
        };
        let before = self.text.get(..at)?.chars().next_back();
        let after = self.peek(end);
        (!before.is_some_and(is_word) && !after.is_some_and(is_word)).then_some(end)
    }

    /// A word exactly as it is, that is not part of a longer one.
    pub(super) fn exact(self, at: usize, word: &str) -> Option<usize> {
        let at = self.blanks(at);
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$');
        let rest = self.rest(at).strip_prefix(word)?;
        let before = self.text.get(..at)?.chars().next_back();
        let after = rest.chars().next();
        (!before.is_some_and(is_word) && !after.is_some_and(is_word)).then_some(at + word.len())
    }

    /// A key, in quotes or not. It may contain blanks, and ends with them.
    pub(super) fn key(self, at: usize) -> Option<usize> {
        self.key_in_three_quotes(at)
            .or_else(|| self.key_in_quotes(at))
            .or_else(|| {
                let is_key = |c: char| {
                    c.is_ascii_alphanumeric()
                        || matches!(c, '.' | '_' | '-' | ' ' | '/')
                        || matches!(c, 'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ÿ')
                };
                let rest = self.rest(at);
                let length = rest.find(|c| !is_key(c)).unwrap_or(rest.len());
                (length > 0).then_some(at + length)
            })
    }

    fn key_in_quotes(self, at: usize) -> Option<usize> {
        let mut characters = self.rest(at).strip_prefix('"')?.char_indices();
        while let Some((index, c)) = characters.next() {
            match c {
                '"' => return Some(at + index + 2),
                '\n' | '\r' => return None,
                '\\' if characters.next()?.1 == '\n' => return None,
                _ => {}
            }
        }
        None
    }

    fn key_in_three_quotes(self, at: usize) -> Option<usize> {
        let content = at + 3;
        let rest = self.rest(at).strip_prefix("\"\"\"")?;
        let mut characters = rest.char_indices();
        while let Some((index, c)) = characters.next() {
            match c {
                '"' if rest.get(index..)?.starts_with("\"\"\"") => {
                    return Some(content + index + 3);
                }
                '\n' | '\r' => return None,
                '\\' if characters.next()?.1 == '\n' => return None,
                _ => {}
            }
        }
        None
    }

    /// `10 days`: the number, the unit, the end.
    pub(super) fn period(self, at: usize) -> Option<(Range<usize>, period::Unit, usize)> {
        let digits = self.skip(at, |byte| byte.is_ascii_digit());
        if digits == at {
            return None;
        }
        let unit = self.skip(digits, |byte| byte == b' ');
        let (length, kind) = period::Unit::at_start(self.rest(unit))?;
        let end = unit + length;
        let is_longer = self
            .byte(end)
            .is_some_and(|byte| byte.is_ascii_alphanumeric());
        (!is_longer).then_some((at..digits, kind, end))
    }

    /// A number that ends where a value can end.
    pub(super) fn number(self, at: usize) -> Option<usize> {
        let digits = |from: usize| {
            let rest = self.rest(from);
            from + rest.find(|c| digit(c).is_none()).unwrap_or(rest.len())
        };
        let start = if matches!(self.byte(at), Some(b'+' | b'-')) {
            at + 1
        } else {
            at
        };
        let mut end = digits(start);
        if self.byte(end) == Some(b'.') && digits(end + 1) > end + 1 {
            end = digits(end + 1);
        } else if end == start {
            return None;
        }
        if matches!(self.byte(end), Some(b'e' | b'E')) {
            let sign = if matches!(self.byte(end + 1), Some(b'+' | b'-')) {
                2
            } else {
                1
            };
            let exponent = digits(end + sign);
            if exponent > end + sign {
                end = exponent;
            }
        }
        // A number before blanks at the very end of the text is a string.
        let after = self.rest(self.blanks(end));
        let is_end = self.rest(end).is_empty()
            || after.starts_with(['$', '}', ']', ',', '#', '\n', '\r'])
            || after.starts_with("//");
        is_end.then_some(end)
    }

    /// A string in three quotes: its content and the end. Further quotes at the end belong to the content.
    pub(super) fn three_quotes(self, at: usize) -> Option<(Range<usize>, usize)> {
        let content = at + 3;
        let rest = self.rest(at).strip_prefix("\"\"\"")?;
        let close = content + rest.find("\"\"\"")?;
        let end = self.skip(close, |byte| byte == b'"');
        Some((content..end - 3, end))
    }

    /// A string in quotes: its content with escapes, and the end.
    pub(super) fn quoted(self, at: usize) -> Option<(Range<usize>, usize)> {
        let mut characters = self.rest(at).strip_prefix('"')?.char_indices();
        while let Some((index, c)) = characters.next() {
            match c {
                '"' => return Some((at + 1..at + 1 + index, at + index + 2)),
                '\n' => return None,
                '\\' if characters.next()?.1 == '\n' => return None,
                _ => {}
            }
        }
        None
    }

    /// An unquoted word, with escapes, without the blanks after it.
    pub(super) fn unquoted(self, at: usize) -> Option<usize> {
        let rest = self.rest(at);
        let mut characters = rest.char_indices();
        let mut end = rest.len();
        while let Some((index, c)) = characters.next() {
            let is_part = match c {
                '\\' => characters
                    .next()
                    .is_some_and(|(_, escaped)| escaped != '\n'),
                '^' | '`' | '+' | '?' | '!' | '@' | '*' | '&' | '"' | '[' | '{' | ']' | '}'
                | '#' | ',' | '=' | '$' => false,
                c => !is_space(c),
            };
            if !is_part {
                end = index;
                break;
            }
        }
        (end > 0).then_some(at + end)
    }

    /// `${name}` or `${?name}`: the name, whether it is optional, the end.
    pub(super) fn substitution(self, at: usize) -> Option<(Range<usize>, bool, usize)> {
        let rest = self.rest(at).strip_prefix("${")?;
        let length = rest.find('}')?;
        let name = at + 2;
        let end = name + length;
        match length {
            0 => None,
            // `${?}` asks for a variable with that name.
            1 => Some((name..end, false, end + 1)),
            _ if rest.starts_with('?') => Some((name + 1..end, true, end + 1)),
            _ => Some((name..end, false, end + 1)),
        }
    }
}

/// Decodes the escapes that pyhocon knows; it leaves the others as they are.
pub(super) fn unescape(text: &str, into: &mut String) {
    let mut rest = text;
    while let Some(index) = rest.find('\\') {
        let (before, escape) = rest.split_at(index);
        into.push_str(before);
        let mut characters = escape.chars();
        characters.next();
        match characters.next() {
            Some('n') => into.push('\n'),
            Some('r') => into.push('\r'),
            Some('t') => into.push('\t'),
            Some(c @ ('\\' | '=' | '#' | '!' | '"')) => into.push(c),
            Some(c) => {
                into.push('\\');
                into.push(c);
            }
            None => into.push('\\'),
        }
        rest = characters.as_str();
    }
    into.push_str(rest);
}
