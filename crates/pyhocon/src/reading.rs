//! What becomes of one text on its way through HOCON, told without showing the text.

use std::fmt;

use crate::context::Context;
use crate::fault::Cause;
use crate::parse::parse_variable;
use crate::tree::Value;
use crate::wiped::WipedText;

/// What the server reads instead of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reading {
    /// Something else.
    Changed {
        /// What in it HOCON gave a meaning to.
        how: Change,
        /// What the server gets.
        becomes: Becomes,
    },
    /// Nothing: pyhocon throws, and the server does not start.
    Fatal {
        /// Why.
        cause: Cause,
    },
    /// The very text.
    Same,
}

/// What in a text HOCON gives a meaning to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Change {
    /// Blanks at an end are stripped, tabs become blanks.
    Blanks,
    /// `#` or `//` starts a comment.
    Comment,
    /// Brackets or braces make a list or an object.
    Structure,
    /// A backslash starts an escape.
    Escape,
    /// `include "…"`.
    Include,
    /// The line break at the end is stripped.
    LineBreak,
    /// Digits are a number.
    Number,
    /// Something else: commas or line ends, for instance.
    Other,
    /// Digits and a lower-case unit are a period of time.
    Period,
    /// Quotes are taken off.
    Quotes,
    /// `${…}` is replaced.
    Substitution,
    /// `true`, `false` and `null` in any case are no text.
    Word,
}

/// What the server gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Becomes {
    /// No value at all: what was set before stays.
    Absent,
    /// `True` or `False`.
    Boolean,
    /// A text of no characters.
    EmptyText,
    /// An include.
    Include,
    /// A whole number.
    Integer,
    /// A list.
    List,
    /// Python's `None`.
    Null,
    /// A number with a fraction or an exponent.
    Number,
    /// Keys and values.
    Object,
    /// Another text.
    OtherText,
    /// A period of time.
    Period,
    /// A shorter text: the start of the given one, or the given one without some of its characters.
    ShorterText,
    /// What is not known here: it is made with a variable or a file that is not.
    Unknown,
    /// A text with a memory address in it, another one at each start.
    UnpredictableText,
}

/// What a server reads when an environment variable has this value, with no other variables around.
pub fn reading(value: &str) -> Reading {
    reading_in(value, &Context::EMPTY)
}

/// What a server reads when an environment variable has this value.
pub fn reading_in(value: &str, context: &Context<'_>) -> Reading {
    let object = match parse_variable("a", value, context) {
        Ok(object) => object,
        Err(fault) => return Reading::Fatal { cause: fault.cause },
    };
    let found = object.get_key("a").map(|node| &node.value);
    let becomes = match found {
        None => Becomes::Absent,
        Some(Value::String(text)) if text.expose() == value && object.len() == 1 => {
            return Reading::Same;
        }
        Some(Value::String(text)) if !text.is_empty() && is_part(text.expose(), value) => {
            Becomes::ShorterText
        }
        Some(Value::String(text)) if value.contains("object at 0x?>") && !text.is_empty() => {
            Becomes::OtherText
        }
        Some(found) => Becomes::of(found),
    };
    Reading::Changed {
        how: change(value, becomes),
        becomes,
    }
}

/// Whether a server reads exactly this text when it is the value of an environment variable.
pub fn is_unchanged(text: &str) -> bool {
    reads_as(text, text)
}

/// Whether a server reads `expected` when an environment variable has the value `written`, whatever other
/// variables there are.
pub fn reads_as(written: &str, expected: &str) -> bool {
    if written.contains('\t') {
        // What tabs become depends on the column.
        return false;
    }
    let object = parse_variable("a", written, &Context::EMPTY);
    object.is_ok_and(|object| {
        let text = object.get_key("a").and_then(|node| node.value.as_text());
        object.len() == 1 && text.is_some_and(|text| text.expose() == expected)
    })
}

/// The value of a variable with which a server reads exactly this text: as it is where HOCON leaves it alone, in
/// HOCON's quotes otherwise. None where no value does that.
pub fn quote(text: &str) -> Option<WipedText> {
    if is_unchanged(text) {
        return Some(WipedText::from(text));
    }
    if text.chars().any(char::is_control) {
        return None;
    }
    let mut quoted = String::with_capacity(text.len() * 2 + 2);
    quoted.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    let quoted = WipedText::new(quoted);
    reads_as(quoted.expose(), text).then_some(quoted)
}

/// Whether `part` is `whole` with some characters left out.
fn is_part(part: &str, whole: &str) -> bool {
    let mut rest = whole.chars();
    part.len() < whole.len() && part.chars().all(|c| rest.any(|other| other == c))
}

fn change(value: &str, becomes: Becomes) -> Change {
    match becomes {
        Becomes::Boolean | Becomes::Null | Becomes::UnpredictableText => return Change::Word,
        Becomes::Include => return Change::Include,
        Becomes::Integer | Becomes::Number => return Change::Number,
        Becomes::List | Becomes::Object => return Change::Structure,
        Becomes::Period => return Change::Period,
        _ => {}
    }
    let line = value.trim_end();
    if value[line.len()..].contains(['\n', '\r']) && is_same(line) {
        return Change::LineBreak;
    }
    let trimmed = value.trim_matches([' ', '\t']);
    let plain = |text: &str| text.contains('#') || text.starts_with("//") || text.contains(" //");
    if trimmed.contains("${") && !trimmed.starts_with('"') {
        Change::Substitution
    } else if trimmed.starts_with('"') {
        Change::Quotes
    } else if plain(trimmed) {
        Change::Comment
    } else if trimmed.contains(['\n', '\r', ',']) {
        Change::Other
    } else if trimmed.len() != value.len() && (trimmed.is_empty() || is_same(trimmed)) {
        Change::Blanks
    } else if trimmed.contains('"') {
        Change::Quotes
    } else if becomes == Becomes::OtherText || becomes == Becomes::ShorterText {
        by_words(trimmed)
    } else {
        Change::Other
    }
}

fn is_same(text: &str) -> bool {
    reading(text) == Reading::Same
}

/// Which of a text's words HOCON changed.
fn by_words(text: &str) -> Change {
    let shown = parse_variable("a", text, &Context::EMPTY);
    let shown = shown.ok().and_then(|object| object.get_key("a").cloned());
    let has = |marks: &[&str]| {
        shown
            .as_ref()
            .and_then(|node| node.value.as_text())
            .is_some_and(|shown| {
                marks
                    .iter()
                    .any(|mark| shown.expose().contains(mark) && !text.contains(mark))
            })
    };
    if has(&["relativedelta(", ":00", " day"]) {
        Change::Period
    } else if has(&["True", "False"]) {
        Change::Word
    } else if text.contains('\\') {
        Change::Escape
    } else if text.contains(' ') && text.contains(|c: char| c.is_ascii_digit()) {
        Change::Number
    } else {
        Change::Blanks
    }
}

impl Becomes {
    /// What a server gets that reads this value. Of two texts it is not known which is the shorter.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Array(_) => Self::List,
            Value::Boolean(_) => Self::Boolean,
            Value::Float(_) => Self::Number,
            Value::Include => Self::Include,
            Value::Integer(_) => Self::Integer,
            Value::Null => Self::Null,
            Value::Object(_) => Self::Object,
            Value::Period { .. } => Self::Period,
            Value::Unknown(_) => Self::Unknown,
            Value::String(text) if text.is_empty() => Self::EmptyText,
            Value::String(text) if text.expose().contains("object at 0x?>") => {
                Self::UnpredictableText
            }
            Value::String(_) => Self::OtherText,
        }
    }

    /// In words: "an integer".
    pub fn text(self) -> &'static str {
        match self {
            Self::Absent => "nothing, so that what was set before stays",
            Self::Boolean => "a boolean",
            Self::EmptyText => "an empty text",
            Self::Include => "an include",
            Self::Integer => "an integer",
            Self::List => "a list",
            Self::Null => "null",
            Self::Number => "a number",
            Self::Object => "an object",
            Self::OtherText => "another text",
            Self::Period => "a period of time",
            Self::ShorterText => "a shorter text",
            Self::Unknown => "what is not known here",
            Self::UnpredictableText => "a text that is another one at each start",
        }
    }
}

impl Change {
    /// In words: "a comment starts at `#` or `//`".
    pub fn text(self) -> &'static str {
        match self {
            Self::Blanks => "blanks at its ends are stripped and tabs are replaced",
            Self::Comment => "a comment starts in it, at `#` or `//`",
            Self::Structure => "brackets or braces make a list or an object",
            Self::Escape => "a backslash in it starts an escape",
            Self::Include => "it is an include",
            Self::LineBreak => "the line break at its end is dropped",
            Self::Number => "digits in it are a number",
            Self::Other => "HOCON gives some of its characters a meaning",
            Self::Period => "digits and a unit, such as `5s`, are a period of time",
            Self::Quotes => "quotes are taken off",
            Self::Substitution => "`${…}` in it is replaced",
            Self::Word => "`true`, `false` and `null` are no text, in any case",
        }
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { how, becomes } => {
                write!(f, "the server gets {}: {}", becomes.text(), how.text())
            }
            Self::Fatal { cause } => write!(f, "the server does not start: {}", cause.text()),
            Self::Same => f.write_str("the server gets it as it is"),
        }
    }
}
