//! `$NAME` and `${…}`, as docker compose v2 replaces them in a compose file and in `.env` files.
//!
//! | written | becomes |
//! |---|---|
//! | `$NAME`, `${NAME}` | the value; nothing where it is not set |
//! | `${NAME:-text}`, `${NAME-text}` | the value; `text` where it is not set (with the colon: or empty) |
//! | `${NAME:?text}`, `${NAME?text}` | the value; compose refuses where it is not set (with the colon: or empty) |
//! | `${NAME:+text}`, `${NAME+text}` | `text` where it is set (with the colon: and not empty), else nothing |
//! | `$$` | `$` |
//! | `$` before anything else, e.g. `$9` or at the end | itself |
//! | `${` before anything else, e.g. `${}`, `${x.y}`, `${ X }`, `${X:=d}` or `${X` | compose refuses |
//!
//! Observed with compose-go 2.13, whose own code was the oracle of the tables in the tests. Four things there
//! are not what one would guess:
//!
//! - Texts are interpolated only where they are used, so what is wrong in a default that is not used passes.
//! - Every `{` counts as an opening one when the closing `}` is looked for, and the byte after it is not looked
//!   at: the text of `${A:-{}}` is `{}`. Where no brace closes, the last `}` of the line does.
//! - A text ends at the end of its line: `${A:-` and `}` on two lines is refused.
//! - Names ignore case the way Unicode does, so that U+017F (a long s) and U+212A (the Kelvin sign) are letters.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use zeroize::Zeroizing;

use crate::fault::Fault;

/// How deep texts may stand in each other. Compose has no bound but memory; people stop at three.
const DEEPEST: usize = 64;

/// How many bytes of values one text may take in. Linux gives a process no variable over 128 KiB, and without a
/// bound thirty lines of `.env` that each use the one before twice ask for a gigabyte.
const LARGEST: usize = 1 << 20;

/// A text with its variables replaced.
pub struct Interpolated {
    /// The text that compose goes on with.
    pub text: Zeroizing<String>,
    /// The variables that it was made from, by where they stand. Those in texts that were not used are not here.
    pub variables: Vec<Variable>,
}

/// One use of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name: letters, digits and underscores.
    pub name: String,
    /// The bytes of the whole `$NAME` or `${…}` in the template.
    pub span: Range<usize>,
    /// How it is written.
    pub form: Form,
    /// What became of it.
    pub outcome: Outcome,
    /// In how many others it stands: 1 for the `B` of `${A:-$B}`.
    pub depth: usize,
}

/// How a variable is written. `or_empty` is the colon: an empty value counts as none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `${NAME:+text}` or `${NAME+text}`.
    Alternative {
        /// With the colon.
        or_empty: bool,
    },
    /// `${NAME}`.
    Braced,
    /// `${NAME:-text}` or `${NAME-text}`.
    Default {
        /// With the colon.
        or_empty: bool,
    },
    /// `$NAME`.
    Plain,
    /// `${NAME:?text}` or `${NAME?text}`.
    Required {
        /// With the colon.
        or_empty: bool,
    },
}

/// What stands in the text instead of the variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: it is set to nothing.
    Empty,
    /// The text of its default or its alternative.
    Fallback,
    /// Nothing: it is not set.
    Unset,
    /// Its value.
    Value,
}

impl fmt::Debug for Interpolated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interpolated")
            .field("variables", &self.variables)
            .finish_non_exhaustive()
    }
}

/// Replaces the variables of a text. `lookup` gives a variable's value, none where it is not set.
///
/// # Errors
/// What compose refuses, texts nested over 64 deep, and values of more than 1 MiB together.
pub fn interpolate(
    template: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Interpolated, Fault> {
    // Most texts have none.
    if !template.contains('$') {
        return Ok(Interpolated {
            text: Zeroizing::new(template.to_owned()),
            variables: Vec::new(),
        });
    }
    let mut run = Run {
        template,
        lookup,
        left: LARGEST,
        pieces: Vec::new(),
        variables: Vec::new(),
    };
    run.range(0..template.len(), 0)?;
    let length = run.pieces.iter().map(|piece| run.text(piece).len()).sum();
    // Allocated once: a buffer that grew would leave copies of secrets behind.
    let mut text = Zeroizing::new(String::with_capacity(length));
    for piece in &run.pieces {
        text.push_str(run.text(piece));
    }
    Ok(Interpolated {
        text,
        variables: run.variables,
    })
}

/// The text as it has to be written so that compose gives it back: every `$` twice.
pub fn escape(text: &str) -> Cow<'_, str> {
    if text.contains('$') {
        Cow::Owned(text.replace('$', "$$"))
    } else {
        Cow::Borrowed(text)
    }
}

struct Run<'a> {
    template: &'a str,
    lookup: &'a dyn Fn(&str) -> Option<String>,
    /// How many bytes of values may still be taken in.
    left: usize,
    pieces: Vec<Piece>,
    variables: Vec<Variable>,
}

/// A part of the result.
enum Piece {
    /// These bytes of the template.
    Template(Range<usize>),
    /// The value of a variable.
    Value(Zeroizing<String>),
}

/// A `${NAME…}` of the template.
struct Braced {
    name: Range<usize>,
    form: Form,
    /// What follows the operator, up to the closing brace.
    text: Range<usize>,
}

impl Run<'_> {
    /// Interpolates one range of the template.
    fn range(&mut self, range: Range<usize>, depth: usize) -> Result<(), Fault> {
        let bytes = self.template.as_bytes();
        let mut line = Line::default();
        let mut at = range.start;
        while let Some(dollar) = find(bytes, b'$', at..range.end) {
            self.pieces.push(Piece::Template(at..dollar));
            let next = dollar + 1;
            at = match bytes[next..range.end].first() {
                Some(b'$') => {
                    self.pieces.push(Piece::Template(dollar..next));
                    next + 1
                }
                Some(b'{') => {
                    let braced = self.braced(dollar, range.end, &mut line)?;
                    self.replace(dollar, &braced, depth)?;
                    braced.text.end + 1
                }
                _ => match self.name(next..range.end) {
                    name if name.is_empty() => {
                        self.pieces.push(Piece::Template(dollar..next));
                        next
                    }
                    name => {
                        let end = name.end;
                        let plain = Braced {
                            name,
                            form: Form::Plain,
                            text: end..end,
                        };
                        self.replace(dollar, &plain, depth)?;
                        end
                    }
                },
            };
        }
        self.pieces.push(Piece::Template(at..range.end));
        Ok(())
    }

    /// Reads the `${…}` whose `$` stands at `dollar`.
    fn braced(&self, dollar: usize, end: usize, line: &mut Line) -> Result<Braced, Fault> {
        let invalid = || {
            Fault::new(
                dollar,
                "`${` must be followed by a name, as in `${NAME}` or `${NAME:-default}`; \
                 write a plain `$` as `$$`",
            )
        };
        let bytes = &self.template.as_bytes()[..end];
        let name = self.name(dollar + 2..end);
        if name.is_empty() {
            return Err(invalid());
        }
        let or_empty = bytes.get(name.end) == Some(&b':');
        let operator = name.end + usize::from(or_empty);
        let form = match bytes.get(operator) {
            Some(b'}') if !or_empty => {
                return Ok(Braced {
                    text: operator..operator,
                    form: Form::Braced,
                    name,
                });
            }
            Some(b'-') => Form::Default { or_empty },
            Some(b'?') => Form::Required { or_empty },
            Some(b'+') => Form::Alternative { or_empty },
            _ => return Err(invalid()),
        };
        let start = operator + 1;
        let last = line.last_brace(bytes, start).ok_or_else(invalid)?;
        let close = matching_brace(&bytes[..=last], start).unwrap_or(last);
        Ok(Braced {
            name,
            form,
            text: start..close,
        })
    }

    /// Puts the value of a variable, or its text, into the result.
    fn replace(&mut self, dollar: usize, braced: &Braced, depth: usize) -> Result<(), Fault> {
        let name = &self.template[braced.name.clone()];
        let value = (self.lookup)(name).map(Zeroizing::new);
        let taken = value.as_ref().map_or(0, |value| value.len());
        self.left = self.left.checked_sub(taken).ok_or_else(|| {
            Fault::new(
                dollar,
                "the values of the variables are over 1 MiB together",
            )
        })?;
        let is_set = value.is_some();
        let has_text = value.as_ref().is_some_and(|value| !value.is_empty());
        let counts = |or_empty| if or_empty { has_text } else { is_set };
        let uses_text = match braced.form {
            Form::Alternative { or_empty } => counts(or_empty),
            Form::Default { or_empty } | Form::Required { or_empty } => !counts(or_empty),
            Form::Braced | Form::Plain => false,
        };
        let end = match braced.form {
            Form::Plain => braced.text.end,
            _ => braced.text.end + 1,
        };
        self.variables.push(Variable {
            name: name.to_owned(),
            span: dollar..end,
            form: braced.form,
            outcome: match (uses_text, is_set, has_text) {
                (true, ..) => Outcome::Fallback,
                (_, _, true) => Outcome::Value,
                (_, true, _) => Outcome::Empty,
                (_, false, _) => Outcome::Unset,
            },
            depth,
        });
        if !uses_text {
            // Of an alternative without its variable nothing is left, and so is of an unset one.
            self.pieces.extend(value.map(Piece::Value));
            return Ok(());
        }
        if depth == DEEPEST {
            return Err(Fault::new(dollar, "defaults in each other over 64 deep"));
        }
        self.range(braced.text.clone(), depth + 1)?;
        match braced.form {
            // Its text is a message, and compose looks at that first.
            Form::Required { .. } => Err(Fault {
                required: Some(name.to_owned()),
                ..Fault::new(dollar, format!("the required variable {name} has no value"))
            }),
            _ => Ok(()),
        }
    }

    /// The name that a range starts with; empty where it starts with none.
    fn name(&self, range: Range<usize>) -> Range<usize> {
        let text = &self.template[range.clone()];
        let length = match text.chars().next() {
            Some(first) if is_letter(first) => text
                .find(|c: char| !is_letter(c) && !c.is_ascii_digit())
                .unwrap_or(text.len()),
            _ => 0,
        };
        range.start..range.start + length
    }

    fn text<'a>(&'a self, piece: &'a Piece) -> &'a str {
        match piece {
            Piece::Template(range) => &self.template[range.clone()],
            Piece::Value(value) => value,
        }
    }
}

/// The line that was looked at last, so that a line of many variables is not searched again for each of them.
#[derive(Default)]
struct Line {
    end: usize,
    last_brace: Option<usize>,
}

impl Line {
    /// The last `}` from `at` to the end of the line.
    fn last_brace(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        if at > self.end || self.end == 0 {
            self.end = find(bytes, b'\n', at..bytes.len()).unwrap_or(bytes.len());
            self.last_brace = bytes[at..self.end]
                .iter()
                .rposition(|byte| *byte == b'}')
                .map(|found| at + found);
        }
        self.last_brace.filter(|found| *found >= at)
    }
}

/// The brace that closes the one before `at`, by compose's count.
fn matching_brace(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut open = 1_usize;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' => {
                open += 1;
                at += 1;
            }
            b'}' if open == 1 => return Some(at),
            b'}' => open -= 1,
            _ => {}
        }
        at += 1;
    }
    None
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '_' | '\u{17f}' | '\u{212a}')
}

fn find(bytes: &[u8], byte: u8, range: Range<usize>) -> Option<usize> {
    let start = range.start;
    bytes[range]
        .iter()
        .position(|found| *found == byte)
        .map(|found| start + found)
}

#[cfg(test)]
mod tests;
