//! What Docker Compose 2.40 takes at each place of a file. The tables are `service.rs` and `sections.rs`; here are the words that they are
//! written in.

use super::texts::Reading;
use crate::shown::or;

/// One form that a value may have.
pub(super) enum Form {
    /// `true` or `false`, without quotes.
    Bool,
    /// A mapping with keys of its own.
    Fields(&'static Fields),
    /// A list with items of these forms.
    List(Items, Forms),
    /// A mapping of names to values of these forms.
    Map(Names, Forms),
    /// A mapping of which compose reads the values once all files are merged.
    Mapping,
    /// Nothing.
    Null,
    /// Any number from the first to the last.
    Number(f64, f64),
    /// Text of which this can be made.
    Reads(&'static Reading),
    /// What is quoted, or looks like nothing else.
    Text,
    /// A whole number from the first to the last. `5.0` is one.
    Whole(f64, f64),
    /// The same without a point.
    Digits(f64, f64),
}

impl Items {
    /// Whether compose looks for the names of items.
    pub(super) fn have_names(self) -> bool {
        matches!(self, Self::Mounts | Self::Named)
    }
}

impl Form {
    pub(super) fn reading(&self) -> Option<&'static Reading> {
        match self {
            Self::Reads(reading) => Some(reading),
            _ => None,
        }
    }
}

pub(super) type Forms = &'static [Form];

/// What of a list's items.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Items {
    /// Any.
    Any,
    /// As `Named`, by their targets, which are also in texts.
    Mounts,
    /// Any; of two of one name compose itself leaves out the earlier one, and looks for names as it reads a file.
    Named,
    /// None is there twice.
    Once,
}

/// Which names a mapping may have.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Names {
    /// Any but the empty one.
    Given,
    /// Any; compose looks at the values of those that are not empty.
    Looked,
    /// Of letters, digits, `.`, `_` and `-`.
    Plain,
    /// Any; compose looks at the values of those that are plain.
    PlainLooked,
    /// Any; compose looks at the values of those in small letters.
    SmallLooked,
}

/// The keys of a mapping, in the order of their names.
pub(super) struct Fields {
    pub(super) keys: &'static [Key],
    /// Those that have to be there.
    pub(super) needed: &'static [&'static str],
    pub(super) others: Others,
}

/// Which keys there may be besides.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Others {
    Any,
    Extensions,
    None,
}

/// A key and the forms of its value.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) forms: Forms,
    pub(super) merge: Merge,
}

/// What compose makes of a value that is there and one of a later file.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Merge {
    /// Mappings key by key, lists one after the other, and of anything else the later one.
    Deep,
    /// The later one, even if it is nothing.
    Last,
    /// One list of `NAME=value`, whatever they are.
    Sequence,
    /// The same without the later ones that are there already.
    Hosts,
    /// One mapping of names, whatever they are.
    Mapping,
    /// The same, where a text is the `context`.
    Build,
    /// Key by key, if both have one driver.
    Logging,
    /// One list of the mappings of both.
    Mappings,
    /// Key by key, and of each the later one.
    Values,
}

/// A key, its forms, and how it is merged, if not deep.
macro_rules! key {
    ($name:literal, $forms:expr $(,)?) => {
        key!($name, $forms, Merge::Deep)
    };
    ($name:literal, $forms:expr, $merge:expr $(,)?) => {
        Key {
            name: $name,
            forms: $forms,
            merge: $merge,
        }
    };
}

/// A mapping with keys, and extensions.
macro_rules! fields {
    ($keys:expr $(,)?) => {
        needing!(&[], $keys)
    };
}

/// The same with some that have to be there.
macro_rules! needing {
    ($needed:expr, $keys:expr $(,)?) => {
        Fields {
            keys: $keys,
            needed: $needed,
            others: Others::Extensions,
        }
    };
}

/// A mapping with these keys alone.
macro_rules! only {
    ($keys:expr $(,)?) => {
        Fields {
            keys: $keys,
            needed: &[],
            others: Others::None,
        }
    };
}

macro_rules! reads {
    ($reading:expr) => {
        Form::Reads($reading)
    };
}

pub(super) use {fields, key, needing, only, reads};

impl Fields {
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        let at = self.keys.binary_search_by(|key| key.name.cmp(name)).ok()?;
        Some(&self.keys[at])
    }
}

impl Names {
    /// Whether a name is one that it may have or look at.
    pub(super) fn has(self, name: &str) -> bool {
        match self {
            Self::Given | Self::Looked => !name.is_empty(),
            Self::Plain | Self::PlainLooked => is_plain(name),
            Self::SmallLooked => {
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase())
            }
        }
    }

    /// Whether compose refuses all others.
    pub(super) fn is_strict(self) -> bool {
        matches!(self, Self::Given | Self::Plain)
    }
}

/// Whether a name has only letters, digits, `.`, `_` and `-`.
pub(super) fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !name.is_empty() && name.bytes().all(is_plain)
}

/// What a value must be, in words.
pub(super) fn words(forms: &[Form]) -> String {
    let mut words: Vec<String> = Vec::new();
    for form in forms {
        let of_form = match form {
            Form::Bool => "true or false".to_owned(),
            Form::Fields(_) | Form::Map(..) | Form::Mapping => "a mapping".to_owned(),
            Form::Whole(least, most) | Form::Digits(least, most) => {
                format!("a whole number{}", bounds(*least, *most))
            }
            Form::List(..) => "a list".to_owned(),
            Form::Null => "nothing".to_owned(),
            Form::Number(least, most) => format!("a number{}", bounds(*least, *most)),
            Form::Reads(reading) => reading.words.to_owned(),
            Form::Text => "a text (in quotes)".to_owned(),
        };
        if !words.contains(&of_form) {
            words.push(of_form);
        }
    }
    or(&words)
}

fn bounds(least: f64, most: f64) -> String {
    match (least == MIN, most == MAX) {
        (true, true) => String::new(),
        (false, true) => format!(" from {least}"),
        _ => format!(" from {least} to {most}"),
    }
}

/// No bound.
pub(super) const MIN: f64 = f64::NEG_INFINITY;
pub(super) const MAX: f64 = f64::INFINITY;
