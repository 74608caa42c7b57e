//! `$NAME` and `${NAME:-word}` in an instruction's words, with quotes and escapes, as docker's builder reads them.

use std::iter::Peekable;
use std::str::Chars;

use crate::knowable::{Knowable, Reason};

/// What a name stands for: a value, nothing, or what is not known.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Knowable<Option<String>>;

/// Docker refuses the word.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused;

/// A word with its variables replaced and its quotes removed.
pub(super) fn word(
    text: &str,
    escape: char,
    lookup: Lookup<'_>,
) -> Result<Knowable<String>, Refused> {
    expand(text, escape, false, lookup)
}

/// The text of a here-document, in which quotes and escapes stay.
pub(super) fn document(text: &str, lookup: Lookup<'_>) -> Result<Knowable<String>, Refused> {
    expand(text, '\\', true, lookup)
}

fn expand(
    text: &str,
    escape: char,
    is_raw: bool,
    lookup: Lookup<'_>,
) -> Result<Knowable<String>, Refused> {
    let mut expander = Expander {
        chars: text.chars().peekable(),
        escape,
        is_raw,
        lookup,
        unknown: None,
    };
    let done = expander.until(None)?;
    Ok(match expander.unknown {
        Some(reason) => Knowable::Unknown(reason),
        None => Knowable::Known(done),
    })
}

struct Expander<'a> {
    chars: Peekable<Chars<'a>>,
    escape: char,
    is_raw: bool,
    lookup: Lookup<'a>,
    /// Why the result is not known, as soon as a part of it is not.
    unknown: Option<Reason>,
}

impl Expander<'_> {
    /// Everything up to a character that no quote protects, or to the end.
    fn until(&mut self, stop: Option<char>) -> Result<String, Refused> {
        let mut done = String::new();
        while let Some(c) = self.chars.next() {
            match c {
                _ if stop == Some(c) => return Ok(done),
                '\'' if !self.is_raw => self.single_quoted(&mut done)?,
                '"' if !self.is_raw => self.double_quoted(&mut done)?,
                '$' => self.dollar(&mut done)?,
                _ if c == self.escape => {
                    if self.is_raw {
                        done.push(c);
                    }
                    done.extend(self.chars.next());
                }
                _ => done.push(c),
            }
        }
        if stop.is_some() {
            Err(Refused)
        } else {
            Ok(done)
        }
    }

    fn single_quoted(&mut self, done: &mut String) -> Result<(), Refused> {
        for c in self.chars.by_ref() {
            if c == '\'' {
                return Ok(());
            }
            done.push(c);
        }
        Err(Refused)
    }

    fn double_quoted(&mut self, done: &mut String) -> Result<(), Refused> {
        while let Some(c) = self.chars.next() {
            match c {
                '"' => return Ok(()),
                '$' => self.dollar(done)?,
                _ if c == self.escape => match self.chars.peek() {
                    Some(next) if matches!(next, '"' | '$') || *next == self.escape => {
                        done.extend(self.chars.next());
                    }
                    _ => done.push(c),
                },
                _ => done.push(c),
            }
        }
        Err(Refused)
    }

    /// After a `$`.
    fn dollar(&mut self, done: &mut String) -> Result<(), Refused> {
        if self.chars.peek() == Some(&'{') {
            self.chars.next();
            return self.braces(done);
        }
        let name = self.name();
        if name.is_empty() {
            done.push('$');
        } else {
            let value = self.value(&name);
            done.push_str(&value.unwrap_or_default());
        }
        Ok(())
    }

    /// After a `${`.
    fn braces(&mut self, done: &mut String) -> Result<(), Refused> {
        let name = self.name();
        if name.is_empty() {
            return Err(Refused);
        }
        let mut operator = self.chars.next().ok_or(Refused)?;
        if operator == '}' {
            let value = self.value(&name);
            done.push_str(&value.unwrap_or_default());
            return Ok(());
        }
        let is_empty_unset = operator == ':';
        if is_empty_unset {
            operator = self.chars.next().ok_or(Refused)?;
        }
        let before = self.unknown.clone();
        let value = self
            .value(&name)
            .filter(|value| !is_empty_unset || !value.is_empty());
        let is_known = self.unknown == before;
        let word_before = self.unknown.clone();
        let word = self.until(Some('}'))?;
        match operator {
            '-' | '+' if is_known => {
                let takes_word = (operator == '-') == value.is_none();
                // A part that is not taken may be anything.
                if !takes_word {
                    self.unknown = word_before;
                }
                let taken = if operator == '-' { value } else { None };
                done.push_str(if takes_word {
                    &word
                } else {
                    taken.as_deref().unwrap_or_default()
                });
            }
            '?' if is_known => {
                self.unknown = word_before;
                done.push_str(&value.ok_or(Refused)?);
            }
            '-' | '+' | '?' => {}
            '#' | '%' | '/' => {
                self.doubt("it is made by an expansion that only some builders know".into());
            }
            _ => return Err(Refused),
        }
        Ok(())
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        match self.chars.peek().copied() {
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let is_part = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
                while let Some(c) = self.chars.next_if(is_part) {
                    name.push(c);
                }
            }
            Some(c) if c.is_ascii_digit() => {
                while let Some(c) = self.chars.next_if(char::is_ascii_digit) {
                    name.push(c);
                }
            }
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => {
                name.extend(self.chars.next());
            }
            _ => {}
        }
        name
    }

    fn value(&mut self, name: &str) -> Option<String> {
        match (self.lookup)(name) {
            Knowable::Known(value) => value,
            Knowable::Unknown(reason) => {
                self.doubt(reason);
                None
            }
        }
    }

    fn doubt(&mut self, reason: Reason) {
        self.unknown.get_or_insert(reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Knowable<Option<String>> {
        match name {
            "A" => Knowable::Known(Some("a".to_owned())),
            "EMPTY" => Knowable::Known(Some(String::new())),
            "SHELL" => Knowable::unknown("nobody says"),
            _ => Knowable::Known(None),
        }
    }

    fn known(text: &str) -> Option<String> {
        word(text, '\\', &lookup).unwrap().into_known()
    }

    #[test]
    fn words_are_expanded_as_docker_does() {
        for (text, expected) in [
            ("$A-${A}", "a-a"),
            ("$NONE|${NONE}", "|"),
            ("${NONE:-x$A}", "xa"),
            ("${EMPTY:-x}${EMPTY-y}", "x"),
            ("${A:+yes}${NONE:+no}", "yes"),
            ("${A?word}", "a"),
            ("'$A' \"$A\"", "$A a"),
            (r#"\$A "\$A" '\$A' \a "\a" "\\""#, r"$A $A \$A a \a \"),
            ("a$", "a$"),
            ("$1x", "x"),
            ("${NONE:-'}'}", "}"),
        ] {
            assert_eq!(known(text).as_deref(), Some(expected), "{text}");
        }
        let raw = document("\"$A\" '\\$A'", &lookup).unwrap();
        assert_eq!(raw.known().unwrap(), "\"a\" '\\$A'");
    }

    #[test]
    fn what_is_not_known_stays_so_where_it_matters() {
        for text in [
            "$SHELL",
            "x${SHELL:-y}",
            "${NONE:-$SHELL}",
            "${SHELL:+y}",
            "${A%a}",
        ] {
            assert_eq!(known(text), None, "{text}");
        }
        assert_eq!(known("${A:-$SHELL}").as_deref(), Some("a"));
        assert_eq!(known("${NONE:+$SHELL}").as_deref(), Some(""));
        assert_eq!(known("'$SHELL'").as_deref(), Some("$SHELL"));
    }

    #[test]
    fn what_docker_refuses_is_refused() {
        for text in ["'a", "\"a", "${A", "${}", "${:-x}", "${NONE?no}", "${A!}"] {
            assert_eq!(word(text, '\\', &lookup), Err(Refused), "{text}");
        }
    }
}
