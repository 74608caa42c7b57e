//! What a word of a shell stands for: quotes, `$NAME`, `${NAME:-word}`.

use super::{ARGUMENTS, Shell};
use crate::command::lex;
use crate::knowable::{Knowable, Reason};

/// Where a shell splits words until it is told otherwise.
pub(super) const BLANKS: &str = " \t\n";
const SEPARATORS: [char; 3] = [' ', '\t', '\n'];

/// Why a word is not known.
const OUTPUT: &str = "its command takes it from what another command prints";
const UNCOMMON: &str = "its command makes it by an expansion that is not followed";

impl Shell<'_> {
    /// A word as the arguments that it becomes.
    pub(super) fn fields(&mut self, word: &str) -> Vec<Knowable<String>> {
        if ["\"$@\"", "$@", "$*", "\"${@}\"", "${@}"].contains(&word) {
            return match self.has_arguments {
                true => self.positional.clone(),
                false => vec![Knowable::unknown(ARGUMENTS)],
            };
        }
        let value = self.value(word, Context::Argument);
        let Knowable::Known(text) = &value else {
            return vec![value];
        };
        if !expands_unquoted(word) {
            return vec![value];
        }
        if !self.splits_at_blanks() {
            return vec![Knowable::unknown(
                "its command changes where words are split",
            )];
        }
        let is_whole = !word.contains(['"', '\'', '\\']);
        if is_whole && (text.is_empty() || text.contains(SEPARATORS)) {
            return text
                .split_ascii_whitespace()
                .map(|field| Knowable::Known(field.to_owned()))
                .collect();
        }
        if text.contains(SEPARATORS) {
            return vec![Knowable::unknown(
                "its command splits a word of which a part is quoted",
            )];
        }
        vec![value]
    }

    /// A word as one text.
    pub(super) fn value(&mut self, word: &str, context: Context) -> Knowable<String> {
        if context != Context::Argument && word.starts_with('~') || word.contains(":~") {
            return Knowable::unknown(UNCOMMON);
        }
        let mut done = String::new();
        match self.expand(word, context == Context::Quoted, &mut done) {
            Ok(()) => Knowable::Known(done),
            Err(reason) => {
                self.doubt_defaults(word, &reason);
                Knowable::Unknown(reason)
            }
        }
    }

    /// Whether a shell may make several words of what it expands without quotes.
    pub(super) fn may_split(&self, text: &str) -> bool {
        text.contains(SEPARATORS) || !self.splits_at_blanks()
    }

    pub(super) fn splits_at_blanks(&self) -> bool {
        match self.variable("IFS") {
            Ok(separators) => separators.is_none_or(|all| all == BLANKS),
            Err(_) => false,
        }
    }

    /// `${NAME:=VALUE}` in a word that was given up on the way may or may not have set its variable.
    fn doubt_defaults(&mut self, word: &str, reason: &Reason) {
        for (at, opening) in word.match_indices("${") {
            let inner = &word[at + opening.len()..];
            let (name, rest) = inner.split_at(name_length(inner));
            if rest.starts_with('=') || rest.starts_with(":=") {
                self.state.doubt(name, reason);
            }
        }
        for (at, opening) in word.match_indices("$((") {
            let inner = &word[at + opening.len()..];
            let end = inner.find("))").unwrap_or(inner.len());
            self.arithmetic(&inner[..end]);
        }
    }

    /// What a shell reckons may set what is named in it.
    pub(super) fn arithmetic(&mut self, text: &str) {
        if !["=", "++", "--"].iter().any(|sign| text.contains(sign)) {
            return;
        }
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        for name in text.split(|c| !is_part(c)) {
            if name_length(name) > 0 {
                self.assign(name, Knowable::unknown("its command reckons it"));
            }
        }
    }

    fn expand(&mut self, text: &str, is_quoted: bool, done: &mut String) -> Result<(), Reason> {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let length = match (c, is_quoted) {
                ('\'', true) | ('"', true) => 1,
                _ => lex::piece(rest).map_err(|_| Reason::from(UNCOMMON))?,
            };
            let (piece, after) = rest.split_at(length);
            rest = after;
            match c {
                '\\' if is_quoted => escaped(piece, done),
                '\\' => done.push_str(&piece[1..]),
                '\'' if !is_quoted => done.push_str(&piece[1..length - 1]),
                '"' if is_quoted => {}
                '"' => self.double_quoted(&piece[1..length - 1], done)?,
                '`' => return Err(self.output(&piece[1..length - 1])),
                '$' => rest = self.dollar(piece, rest, is_quoted, done)?,
                _ => done.push_str(piece),
            }
        }
        Ok(())
    }

    /// What other commands print is not known; what they do to files is looked at.
    fn output(&mut self, text: &str) -> Reason {
        let mut child = self.child(self.state.clone());
        child.functions.clone_from(&self.functions);
        child.script(text);
        self.writes |= child.writes;
        OUTPUT.into()
    }

    fn double_quoted(&mut self, text: &str, done: &mut String) -> Result<(), Reason> {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let length = if c == '\'' {
                1
            } else {
                lex::piece(rest).map_err(|_| Reason::from(UNCOMMON))?
            };
            let (piece, after) = rest.split_at(length);
            rest = after;
            match c {
                '\\' => escaped(piece, done),
                '`' => return Err(self.output(&piece[1..length - 1])),
                '$' => rest = self.dollar(piece, rest, true, done)?,
                _ => done.push_str(piece),
            }
        }
        Ok(())
    }

    /// A `$` or `${…}`, and what follows it; returns what is left.
    fn dollar<'t>(
        &mut self,
        piece: &str,
        rest: &'t str,
        is_quoted: bool,
        done: &mut String,
    ) -> Result<&'t str, Reason> {
        if let Some(inner) = piece.strip_prefix("$(") {
            return Err(self.output(inner.strip_suffix(')').unwrap_or(inner)));
        }
        if let Some(inner) = piece
            .strip_prefix("${")
            .and_then(|inner| inner.strip_suffix('}'))
        {
            done.push_str(&self.braces(inner, is_quoted)?);
            return Ok(rest);
        }
        let name_end = name_length(rest);
        if name_end > 0 {
            done.push_str(&self.variable(&rest[..name_end])?.unwrap_or_default());
            return Ok(&rest[name_end..]);
        }
        match rest.chars().next() {
            Some(c) if c.is_ascii_digit() => {
                done.push_str(&self.argument(&rest[..1])?.unwrap_or_default());
                Ok(&rest[1..])
            }
            Some('@' | '*' | '#' | '?' | '$' | '!' | '-') => Err(UNCOMMON.into()),
            // `$'…'` and `$"…"` mean something to some shells.
            Some('\'' | '"') if !is_quoted => Err(UNCOMMON.into()),
            _ => {
                done.push('$');
                Ok(rest)
            }
        }
    }

    /// What is between the braces of `${…}`.
    fn braces(&mut self, inner: &str, is_quoted: bool) -> Result<String, Reason> {
        let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
        let name_end = if digits > 0 {
            digits
        } else {
            name_length(inner)
        };
        let (name, rest) = inner.split_at(name_end);
        if name.is_empty() {
            return Err(UNCOMMON.into());
        }
        let value = if digits > 0 {
            self.argument(name)
        } else {
            self.variable(name)
        }?;
        let (rest, value) = match rest.strip_prefix(':') {
            Some(rest) => (rest, value.filter(|value| !value.is_empty())),
            None => (rest, value),
        };
        let context = if is_quoted {
            Context::Quoted
        } else {
            Context::Argument
        };
        let word = |shell: &mut Self| match shell.value(&rest[1..], context) {
            Knowable::Known(word) => Ok(word),
            Knowable::Unknown(reason) => Err(reason),
        };
        match (rest.chars().next(), value) {
            (None, value) if inner.len() == name_end => Ok(value.unwrap_or_default()),
            (Some('-'), None) => word(self),
            (Some('-' | '=' | '?'), Some(value)) => Ok(value),
            (Some('='), None) => {
                let word = word(self)?;
                self.assign(name, Knowable::Known(word.clone()));
                Ok(word)
            }
            (Some('+'), Some(_)) => word(self),
            (Some('+' | '?'), None) => Ok(String::new()),
            _ => Err(UNCOMMON.into()),
        }
    }
}

/// Where a word is, which decides what is special in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    Argument,
    /// The right side of `NAME=`.
    Assignment,
    /// Inside double quotes.
    Quoted,
}

/// Whether a word has a `$` outside of quotes.
fn expands_unquoted(word: &str) -> bool {
    let mut rest = word;
    while !rest.is_empty() {
        if rest.starts_with('$') {
            return true;
        }
        let Ok(length) = lex::piece(rest) else {
            return word.contains('$');
        };
        rest = &rest[length..];
    }
    false
}

/// A backslash and its character inside double quotes.
fn escaped(piece: &str, done: &mut String) {
    match &piece[1..] {
        "$" | "`" | "\"" | "\\" => done.push_str(&piece[1..]),
        "\n" => {}
        _ => done.push_str(piece),
    }
}

/// How long the name at the start of a text is.
pub(super) fn name_length(text: &str) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.bytes().take_while(is_part).count()
}
