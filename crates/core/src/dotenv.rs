//! `.env` files and the files of `env_file`, as docker compose v2 reads them, and values written for them.
//!
//! Observed with compose-go 2.13, whose own code was the oracle of the tables in the tests. In short:
//!
//! - `NAME=value` and `NAME: value`, with or without `export ` before it. Names are letters, digits and `_ . - [ ]`.
//! - An unquoted value ends at the end of its line or before ` #`, and loses the white space around it. `NAME= # x`
//!   is the value `# x` nevertheless: the space before it went first.
//! - `'…'` is taken as it stands, but `\'` is a quote. `"…"` knows `\a \b \f \n \r \t \v \\ \" \$` and octal `\0101`;
//!   before anything else a backslash stays. Both may span lines. What follows the closing quote is a line of its own.
//! - Variables are replaced in unquoted and in double-quoted values ([`interpolate`]).
//!   The surroundings win over earlier lines of the file.
//! - `NAME` alone takes its value from the surroundings. On a last line without a line break it is something
//!   else: the value of a variable whose name is empty.
//!
//! One difference is left: compose refuses combining marks in names, this program takes them for letters.

use std::collections::HashMap;
use std::ops::Range;

use zeroize::Zeroizing;

use crate::compose::interpolate;
use crate::fault::Fault;
use crate::secret::Secret;

/// How many bytes the values of one file may grow by when variables are replaced, together.
const LARGEST: usize = 16 << 20;

/// The longest line of a raw file, in bytes, that docker takes.
const LONGEST_RAW_LINE: usize = 65_535;

/// One variable of a file. Where a name stands twice, the last entry with a value wins.
#[derive(Debug)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// The value. None for a name alone that the surroundings do not have; an earlier entry of this name holds then.
    pub value: Option<Secret>,
    /// The bytes of the name.
    pub name_span: Range<usize>,
    /// The bytes of the value as it is written, with its quotes.
    pub value_span: Range<usize>,
    /// The quote around the value.
    pub quote: Option<char>,
    /// The variables in the value. Their spans count from the start of `value_span`.
    pub variables: Vec<interpolate::Variable>,
}

/// Reads a project's `.env`. `lookup` is the environment that compose is started in (and, with several files, the
/// earlier ones): `$NAME` in a value means the variable there before it means an earlier line.
///
/// The entries are what the file says. Compose lets its environment win over them, too, when it puts both together.
///
/// # Errors
/// What compose refuses, and values that grow by more than 16 MiB.
pub fn parse(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Entry>, Fault> {
    parse_after(text, lookup, &|_| None)
}

/// Reads one file of a service's `env_file`. `lookup` is the project's environment (the one compose is started in,
/// then `.env`), then the service's `environment`. Unlike several `.env` files, `earlier` ones come last when
/// `$NAME` is looked for: after `lookup` and the lines of this file.
///
/// # Errors
/// Those of [`parse`].
pub fn parse_after(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    earlier: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<Entry>, Fault> {
    let mut file = File {
        text,
        lookup,
        earlier,
        entries: Vec::new(),
        by_name: HashMap::new(),
        indexed: 0,
        left: LARGEST,
    };
    let mut at = after_byte_order_mark(text);
    while let Some(start) = file.next_statement(at) {
        at = file.statement(start)?;
    }
    file.entries.shrink_to_fit();
    Ok(file.entries)
}

/// Reads a file of a service's `env_file` with `format: raw` (compose 2.30 and later): one `NAME=value` a line, each
/// value as it stands with its quotes and spaces, no variables, and comments only on lines of their own. These are
/// the rules of `docker run --env-file`. `lookup` gives the value of a name alone.
///
/// # Errors
/// What docker refuses: no name, white space in a name, a line of 64 KiB.
pub fn parse_raw(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Entry>, Fault> {
    let mut entries = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let mut from = start;
        start += line.len();
        let line = line.strip_suffix('\n').unwrap_or(line);
        if line.len() > LONGEST_RAW_LINE {
            return Err(Fault::new(from, "the line is longer than 65535 bytes"));
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        let trimmed = line[if from == 0 {
            after_byte_order_mark(line)
        } else {
            0
        }..]
            .trim_start();
        from += line.len() - trimmed.len();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let (name, value) = match trimmed.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (trimmed, None),
        };
        if name.is_empty() {
            return Err(Fault::new(from, "a value without a name"));
        }
        if let Some(space) = name.find([' ', '\t']) {
            return Err(Fault::new(
                from + space,
                "white space in the name of a variable",
            ));
        }
        let end = from + trimmed.len();
        entries.push(Entry {
            name: name.to_owned(),
            value: match value {
                Some(value) => Some(Secret::from(value)),
                None => lookup(name).map(Secret::new),
            },
            name_span: from..from + name.len(),
            value_span: end - value.map_or(0, str::len)..end,
            quote: None,
            variables: Vec::new(),
        });
    }
    Ok(entries)
}

/// Writes a value so that after `NAME=` and before a line break both compose and a shell (`. ./file`) read it back
/// exactly. Without quotes where it needs none, as generated keys do, else in single, else in double quotes.
///
/// `None` where there is no such text: for a NUL character, and for a backtick in a value that single quotes cannot
/// hold, which is one with a single quote or with an odd number of backslashes at its end. In double quotes the
/// shell needs `` \` `` for a backtick, and compose keeps that backslash.
pub fn quote(value: &str) -> Option<String> {
    if value.contains('\0') {
        return None;
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:@%+,=".contains(&byte);
    if !value.is_empty() && value.bytes().all(plain) {
        return Some(value.to_owned());
    }
    // Compose takes backslashes in pairs there, and the one that is left over would escape the closing quote.
    let odd = (value.len() - value.trim_end_matches('\\').len()) % 2 == 1;
    if !value.contains('\'') && !odd {
        return Some(["'", value, "'"].concat());
    }
    if value.contains('`') {
        return None;
    }
    let is_special = |c: char| matches!(c, '"' | '$' | '\\');
    // Allocated once: a buffer that grew would leave copies of the secret behind.
    let mut out = String::with_capacity(value.len() + value.matches(is_special).count() + 2);
    out.push('"');
    for c in value.chars() {
        if is_special(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    Some(out)
}

struct File<'a> {
    text: &'a str,
    lookup: &'a dyn Fn(&str) -> Option<String>,
    earlier: &'a dyn Fn(&str) -> Option<String>,
    entries: Vec<Entry>,
    /// The last entry with a value, of those that were asked about: most files refer to nothing.
    by_name: HashMap<&'a str, usize>,
    /// How many entries are in it.
    indexed: usize,
    /// How many bytes the values may still grow by.
    left: usize,
}

impl<'a> File<'a> {
    /// Where the next statement starts: after white space and comments.
    fn next_statement(&self, mut at: usize) -> Option<usize> {
        loop {
            at = self.text.len() - self.text[at..].trim_start().len();
            if !self.text[at..].starts_with('#') {
                return (at < self.text.len()).then_some(at);
            }
            at += self.text[at..].find('\n')?;
        }
    }

    /// Reads the statement at `start`, and says where it ends.
    fn statement(&mut self, start: usize) -> Result<usize, Fault> {
        let start = self.after_export(start);
        let rest = &self.text[start..];
        if rest.is_empty() {
            return Err(Fault::new(start, "`export` without a variable"));
        }
        let Some(end) = self.name_end(start)? else {
            // The last line, without a line break and without `=`: not a name, but the value of an empty one.
            return self.value(start..start, start);
        };
        let name = self.text[start..end].trim_end();
        if let Some(space) = name.find(' ') {
            return Err(Fault::new(
                start + space,
                "a space in the name of a variable",
            ));
        }
        let name_span = start..start + name.len();
        let after = self.skip_blanks(end + 1);
        if !self.text[end..].starts_with('\n') {
            return self.value(name_span, after);
        }
        let value = (self.lookup)(name).map(Secret::new);
        self.entries.push(Entry {
            name: name.to_owned(),
            value,
            value_span: name_span.end..name_span.end,
            name_span,
            quote: None,
            variables: Vec::new(),
        });
        Ok(after)
    }

    /// Where the name starts in a statement that may start with `export`.
    fn after_export(&self, start: usize) -> usize {
        match self.text[start..].strip_prefix("export") {
            Some(rest) if rest.starts_with([' ', '\t', '\n', '\r', '\u{c}']) => {
                self.skip_blanks(start + "export".len())
            }
            _ => start,
        }
    }

    /// The `=`, the `:` or the line break after a name.
    fn name_end(&self, start: usize) -> Result<Option<usize>, Fault> {
        for (at, c) in self.text[start..].char_indices() {
            match c {
                '=' | ':' | '\n' => return Ok(Some(start + at)),
                '_' | '.' | '-' | '[' | ']' => {}
                c if is_blank(c) || c.is_alphabetic() || c.is_numeric() => {}
                _ => {
                    let message =
                        "a character in the name of a variable that compose does not take";
                    return Err(Fault::new(start + at, message));
                }
            }
        }
        Ok(None)
    }

    /// Reads the value at `start`, and says where it ends.
    fn value(&mut self, name: Range<usize>, start: usize) -> Result<usize, Fault> {
        let rest = &self.text[start..];
        if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            let decoded = Decoded::read(rest, quote)
                .ok_or_else(|| Fault::new(start, "a quote that is not closed"))?;
            let end = start + decoded.length;
            self.add_value(name, start..end, Some(quote), decoded)?;
            return Ok(end);
        }
        let line = rest.split('\n').next().unwrap_or_default();
        let value = line.split(" #").next().unwrap_or_default().trim_end();
        let decoded = Decoded::plain(value);
        self.add_value(name, start..start + value.len(), None, decoded)?;
        Ok((start + line.len() + 1).min(self.text.len()))
    }

    fn add_value(
        &mut self,
        name_span: Range<usize>,
        value_span: Range<usize>,
        quote: Option<char>,
        decoded: Decoded,
    ) -> Result<(), Fault> {
        let name = &self.text[name_span.clone()];
        let (mut value, variables) = if quote == Some('\'') || !decoded.text.contains('$') {
            (decoded.text, Vec::new())
        } else {
            self.index();
            let lookup = |name: &str| {
                (self.lookup)(name)
                    .or_else(|| self.own(name))
                    .or_else(|| (self.earlier)(name))
            };
            let done = interpolate::interpolate(&decoded.text, &lookup).map_err(|fault| {
                let offset = value_span.start + decoded.place(fault.offset);
                fault.at(offset)
            })?;
            let grown = done.text.len().saturating_sub(decoded.text.len());
            let too_large = "the values of the file grow by more than 16 MiB";
            self.left = self
                .left
                .checked_sub(grown)
                .ok_or_else(|| Fault::new(value_span.start, too_large))?;
            let mut variables = done.variables;
            for variable in &mut variables {
                let span = &mut variable.span;
                *span = decoded.place(span.start)..decoded.place(span.end);
            }
            (done.text, variables)
        };
        self.entries.push(Entry {
            name: name.to_owned(),
            value: Some(Secret::new(std::mem::take(&mut value))),
            name_span,
            value_span,
            quote,
            variables,
        });
        Ok(())
    }

    /// Notes the entries since the last time.
    fn index(&mut self) {
        for (at, entry) in self.entries.iter().enumerate().skip(self.indexed) {
            if entry.value.is_some() {
                let name: &'a str = &self.text[entry.name_span.clone()];
                self.by_name.insert(name, at);
            }
        }
        self.indexed = self.entries.len();
    }

    /// The value of a variable by the lines so far.
    fn own(&self, name: &str) -> Option<String> {
        let entry = self.entries.get(*self.by_name.get(name)?)?;
        entry.value.as_ref().map(|value| value.expose().to_owned())
    }

    fn skip_blanks(&self, at: usize) -> usize {
        self.text.len() - self.text[at..].trim_start_matches(is_blank).len()
    }
}

/// A value with its quotes and escapes undone, which remembers where each byte stood.
struct Decoded {
    text: Zeroizing<String>,
    /// How many bytes it takes as written, with its quotes.
    length: usize,
    /// Bytes of `text` and where they stood, wherever the distance changes.
    steps: Vec<(usize, usize)>,
}

impl Decoded {
    fn plain(text: &str) -> Self {
        Self {
            text: Zeroizing::new(text.to_owned()),
            length: text.len(),
            steps: Vec::new(),
        }
    }

    /// Reads a value that starts with `quote`; none where the quote is not closed.
    fn read(written: &str, quote: char) -> Option<Self> {
        let length = quoted_length(written.as_bytes(), quote as u8)?;
        let inner = &written[..length - 1];
        let mut decoded = Self {
            // Allocated once: an escape never stands for more bytes than it takes.
            text: Zeroizing::new(String::with_capacity(length)),
            length,
            steps: vec![(0, 1)],
        };
        let mut at = 1;
        while let Some(found) = inner[at..].find('\\') {
            let escape = at + found;
            decoded.text.push_str(&inner[at..escape]);
            at = escape + decoded.unescape(&inner[escape..], quote);
            decoded.steps.push((decoded.text.len(), at));
        }
        decoded.text.push_str(&inner[at..]);
        Some(decoded)
    }

    /// Undoes the escape that `rest` starts with, and says how many bytes it takes.
    fn unescape(&mut self, rest: &str, quote: char) -> usize {
        let Some(c) = rest[1..].chars().next() else {
            self.text.push('\\');
            return 1;
        };
        let double = quote == '"';
        match c {
            c if c == quote => self.text.push(c),
            'a' if double => self.text.push('\u{7}'),
            'b' if double => self.text.push('\u{8}'),
            'f' if double => self.text.push('\u{c}'),
            'n' if double => self.text.push('\n'),
            'r' if double => self.text.push('\r'),
            't' if double => self.text.push('\t'),
            'v' if double => self.text.push('\u{b}'),
            '\\' if double => self.text.push('\\'),
            // What is left is interpolated, where this is how a plain `$` is written.
            '$' if double => self.text.push_str("$$"),
            '0' if double => {
                let digits = rest[2..]
                    .bytes()
                    .take(3)
                    .take_while(u8::is_ascii_digit)
                    .count();
                let digits = &rest[2..2 + digits];
                match u8::from_str_radix(digits, 8) {
                    Ok(code) if digits.len() == 3 => self.text.push(char::from(code)),
                    // Compose drops the zero before it finds out that this is no octal number of three digits.
                    _ => {
                        self.text.push('\\');
                        self.text.push_str(digits);
                    }
                }
                return 2 + digits.len();
            }
            c => {
                self.text.push('\\');
                self.text.push(c);
            }
        }
        1 + c.len_utf8()
    }

    /// Where a byte of the text stood, counted from the start of the value as written.
    fn place(&self, at: usize) -> usize {
        let after = self.steps.partition_point(|(decoded, _)| *decoded <= at);
        match after.checked_sub(1).and_then(|step| self.steps.get(step)) {
            Some((decoded, written)) => written + (at - decoded),
            None => at,
        }
    }
}

/// How many bytes a quoted value takes, with both quotes. A backslash hides the byte after it.
fn quoted_length(bytes: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            byte if *byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

fn after_byte_order_mark(text: &str) -> usize {
    text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len()
}

/// White space that ends no line, by compose's list.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\t' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{85}' | '\u{a0}'
    )
}

#[cfg(test)]
mod tests;
