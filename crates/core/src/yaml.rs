//! Compose text as a tree in which every node knows its bytes.
//!
//! The events come from granit-parser; what compose makes of them is ours, because no crate reads scalars as
//! go-yaml does: anchors and merge keys, duplicate keys refused, and the bounds on nesting and aliases. The
//! scalar types are in [`scalar`].

pub mod as_json;
pub(crate) mod below;
mod build;
pub mod edit;
mod json;
pub mod lines;
pub(crate) mod made;
pub mod scalar;
mod strict;
pub mod tags;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use zeroize::Zeroizing;

use crate::source::{SharedText, SourceId, Span};

/// What a text in brackets is that go-yaml takes for several.
pub(crate) const READ_OTHERWISE: &str =
    "Docker Compose reads this text in brackets otherwise than other programs";

pub use build::{DEPTH_LIMIT, parse, parse_documents, parse_part, parse_part_last, parse_shared};
pub use json::parse_json;
pub use scalar::Typed;
pub(crate) use strict::{TAG, of_escapes};

/// A node and all that is below it.
pub struct Node {
    start: u32,
    end: u32,
    properties: Option<Box<Properties>>,
    /// What it holds.
    pub value: Value,
}

/// What stands before a node: `&anchor` and `!tag`.
#[derive(Debug, Default)]
struct Properties {
    anchor: Option<(String, u32, u32)>,
    tag: Option<(String, u32)>,
    /// The text that it is in, where its tree is made of several.
    source: Option<SourceId>,
    /// Whether compose takes it out of what it is in.
    is_taken: AtomicBool,
}

/// What a node holds.
pub enum Value {
    /// `*name`, and the node it stands for.
    Alias(Arc<Node>),
    /// Keys and values, in the order of the file, merge keys among them.
    Mapping(Style, Box<[Entry]>),
    /// One text, and how it is written.
    Scalar(Quoting, Scalar),
    /// Items, in the order of the file.
    Sequence(Style, Box<[Arc<Node>]>),
}

/// A key and its value as they stand in the file.
pub struct Entry {
    /// The key.
    pub key: Arc<Node>,
    /// The value; an empty plain scalar where nothing is written.
    pub value: Arc<Node>,
}

/// What is left out because of one of compose's tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clears {
    /// `!reset`: what was there before, and the node itself.
    All,
    /// `!override`: what was there before.
    Before,
}

/// How a collection is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// By indentation.
    Block,
    /// In brackets or braces.
    Flow,
}

/// The text of a scalar, with quotes and escapes undone. Nearly all are written as they are meant, and a large file has a
/// million: these have no text of their own, but bytes of the file's.
#[derive(Clone)]
pub struct Scalar {
    whole: SharedText,
    start: u32,
    end: u32,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// `|` or `>`.
    Block,
    /// `"…"`
    Double,
    /// As it is.
    Plain,
    /// `'…'`
    Single,
}

/// A key and value of a mapping once merge keys are applied.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    /// The key.
    pub key: &'a Arc<Node>,
    /// The value, aliases not yet followed.
    pub value: &'a Arc<Node>,
    /// Whether it was brought in by `<<` and does not stand in the mapping itself.
    pub merged: bool,
}

/// Files are at most 64 MiB, so an offset fits.
fn offset(byte: usize) -> u32 {
    u32::try_from(byte).unwrap_or(u32::MAX)
}

impl Scalar {
    /// The text. It may be a secret: anyone who prints it answers for that.
    pub fn text(&self) -> &str {
        &self.whole[self.start as usize..self.end as usize]
    }

    /// Whether this is its text.
    pub fn is(&self, text: &str) -> bool {
        (self.end - self.start) as usize == text.len() && self.text() == text
    }

    fn own(text: impl Into<String>) -> Self {
        let whole = SharedText::new(Zeroizing::new(text.into()));
        let range = 0..whole.len();
        Self::within(&whole, range)
    }

    fn within(whole: &SharedText, range: Range<usize>) -> Self {
        Self {
            whole: Arc::clone(whole),
            start: offset(range.start),
            end: offset(range.end),
        }
    }
}

impl Node {
    /// The bytes of the value itself, without anchor and tag. A block collection ends where its last line
    /// with content ends.
    pub fn span(&self, source: SourceId) -> Span {
        let own = self.properties.as_ref();
        Span {
            source: own.and_then(|own| own.source).unwrap_or(source),
            start: self.start as usize,
            end: self.end as usize,
        }
    }

    /// The bytes of [`Node::span`], where the text needs no name.
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// First byte with anchor and tag.
    pub fn start_with_properties(&self) -> usize {
        let starts = self.properties.iter().flat_map(|properties| {
            let anchor = properties.anchor.as_ref().map(|(_, start, _)| *start);
            let tag = properties.tag.as_ref().map(|(_, start)| *start);
            [anchor, tag].into_iter().flatten()
        });
        starts.fold(self.start, u32::min) as usize
    }

    /// First byte after the value's `&anchor`, where there is one.
    pub fn anchor(&self) -> Option<(&str, Range<usize>)> {
        let (name, start, end) = self.properties.as_ref()?.anchor.as_ref()?;
        Some((name, *start as usize..*end as usize))
    }

    /// The explicit tag, `!reset` for one of compose's own.
    pub fn tag(&self) -> Option<&str> {
        self.properties
            .as_ref()?
            .tag
            .as_ref()
            .map(|(tag, _)| tag.as_str())
    }

    /// Whether compose has taken it out of the mapping or list that it is in, because of a `!reset`.
    pub fn is_taken(&self) -> bool {
        let own = self.properties.as_ref();
        own.is_some_and(|own| own.is_taken.load(Relaxed))
    }

    /// The node an alias stands for, or this one.
    pub fn target(&self) -> &Self {
        match &self.value {
            Value::Alias(target) => target.target(),
            _ => self,
        }
    }

    /// The scalar, aliases followed.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.target().value {
            Value::Scalar(_, scalar) => Some(scalar),
            _ => None,
        }
    }

    /// How its scalar is written, aliases followed.
    pub fn quoting(&self) -> Option<Quoting> {
        match &self.target().value {
            Value::Scalar(quoting, _) => Some(*quoting),
            _ => None,
        }
    }

    /// What go-yaml makes of a scalar, aliases followed.
    pub fn typed(&self) -> Option<Typed> {
        let target = self.target();
        match &target.value {
            Value::Scalar(quoting, scalar) => {
                let is_plain = *quoting == Quoting::Plain;
                Some(scalar::resolve(scalar.text(), is_plain, target.tag()))
            }
            _ => None,
        }
    }

    /// Whether it is null: nothing, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.typed(), Some(Typed::Null))
    }

    /// The text of a scalar that is not null, e.g. `10` for a number: for names, commands and images.
    pub fn text(&self) -> Option<&str> {
        self.scalar().filter(|_| !self.is_null()).map(Scalar::text)
    }

    /// The items of a sequence, aliases followed.
    pub fn items(&self) -> Option<&[Arc<Self>]> {
        match &self.target().value {
            Value::Sequence(_, items) => Some(items),
            _ => None,
        }
    }

    /// The items of a sequence that compose sees, which are all but those that it takes out; none for anything else.
    pub fn seen_items(&self) -> impl DoubleEndedIterator<Item = &Arc<Self>> {
        let items = self.items().unwrap_or_default().iter();
        items.filter(|item| !item.is_taken())
    }

    /// The entries that stand in a mapping, `<<` among them, aliases followed.
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.target().value {
            Value::Mapping(_, entries) => Some(entries),
            _ => None,
        }
    }

    /// Keys and values with merge keys applied, each key once: what stands in the mapping wins, then the
    /// mappings of `<<` in their order. Empty for anything but a mapping. What is `!reset`, compose takes out of a mapping before
    /// it merges, so it hides nothing, and nobody gets it.
    pub fn fields<'a>(&'a self) -> Vec<Field<'a>> {
        let Some(entries) = self.entries() else {
            return Vec::new();
        };
        let left = entries.iter().filter(|entry| !entry.value.is_taken());
        let (merges, own): (Vec<&Entry>, Vec<&Entry>) = left.partition(|entry| entry.is_merge());
        let mut fields: Vec<Field<'a>> = own.into_iter().map(Entry::field).collect();
        if merges.is_empty() {
            return fields;
        }
        let name = |field: &Field<'a>| field.key.scalar().map(Scalar::text);
        let mut seen: HashSet<&str> = fields.iter().filter_map(name).collect();
        for source in merges.into_iter().flat_map(Entry::merge_sources) {
            for field in source.fields() {
                if name(&field).is_none_or(|key| seen.insert(key)) {
                    fields.push(field.merged());
                }
            }
        }
        fields
    }

    /// The mappings that this one has entries from: by `<<`, over as many steps as there are, or because it is an alias.
    pub fn merged(&self) -> Vec<&Self> {
        let direct: Vec<&Self> = match &self.value {
            Value::Alias(shared) => vec![shared.target()],
            Value::Mapping(_, entries) => {
                let merges = entries.iter().filter(|entry| entry.is_merge());
                merges.flat_map(Entry::merge_sources).collect()
            }
            _ => Vec::new(),
        };
        let further = direct
            .iter()
            .flat_map(|one| one.merged())
            .collect::<Vec<_>>();
        direct.into_iter().chain(further).collect()
    }

    /// Whether two nodes hold the same values, in whatever style and order of keys they are written.
    pub fn says_the_same<'a>(&'a self, other: &'a Self) -> bool {
        match (&self.target().value, &other.target().value) {
            (Value::Scalar(_, one), Value::Scalar(_, two)) => {
                one.text() == two.text() && self.typed() == other.typed()
            }
            (Value::Sequence(_, one), Value::Sequence(_, two)) => {
                one.len() == two.len()
                    && one.iter().zip(two).all(|(one, two)| one.says_the_same(two))
            }
            (Value::Mapping(..), Value::Mapping(..)) => {
                let (one, two) = (self.fields(), other.fields());
                let named = |field: &Field<'a>| Some((field.key.scalar()?.text(), field.value));
                let others: HashMap<&str, &Arc<Node>> = two.iter().filter_map(named).collect();
                one.len() == two.len()
                    && one.iter().all(|field| {
                        let same = field.key.scalar().and_then(|key| others.get(key.text()));
                        same.is_some_and(|same| field.value.says_the_same(same))
                    })
            }
            _ => false,
        }
    }

    /// The value of a key, merge keys applied as in [`Node::fields`].
    pub fn get(&self, key: &str) -> Option<Field<'_>> {
        let left = || {
            let entries = self.entries().unwrap_or_default().iter();
            entries.filter(|entry| !entry.value.is_taken())
        };
        let is_meant = |entry: &&Entry| entry.is_of(key);
        let own = left().find(is_meant).map(Entry::field);
        own.or_else(|| {
            let mut sources = { left() }
                .filter(|entry| entry.is_merge())
                .flat_map(Entry::merge_sources);
            let found = sources.find_map(|source| source.get(key));
            found.map(Field::merged)
        })
    }

    /// The same, or else what compose takes out here and is written for the key. At an alias it finds nothing of that: it has
    /// taken it out where the anchor is.
    pub fn get_written(&self, key: &str) -> Option<Field<'_>> {
        self.get(key).or_else(|| {
            let Value::Mapping(_, entries) = &self.value else {
                return None;
            };
            let own = entries.iter().find(|entry| entry.is_of(key));
            own.map(Entry::field).or_else(|| {
                let mut merges = entries.iter().filter(|entry| entry.is_merge());
                let found = merges.find_map(|entry| entry.value.get_written(key));
                found.map(Field::merged)
            })
        })
    }
}

impl Field<'_> {
    /// As `<<` brings it.
    fn merged(self) -> Self {
        Self {
            merged: true,
            ..self
        }
    }
}

impl Entry {
    /// Whether this is a merge key: a plain `<<`.
    pub fn is_merge(&self) -> bool {
        matches!(&self.key.value, Value::Scalar(Quoting::Plain, key) if key.is("<<"))
            && self
                .key
                .tag()
                .is_none_or(|tag| tag == "!" || tag == scalar::MERGE)
    }

    /// Whether it is that of a key.
    fn is_of(&self, key: &str) -> bool {
        let is_meant = self.key.scalar().is_some_and(|one| one.is(key));
        is_meant && !self.is_merge()
    }

    /// One past the last byte with content. A value that is not written ends where its key does.
    pub fn end(&self) -> usize {
        let is_written = self.value.end > self.value.start || self.value.anchor().is_some();
        (if is_written {
            self.value.end
        } else {
            self.key.end
        }) as usize
    }

    /// The mappings that a merge key brings in, first wins.
    pub fn merge_sources(&self) -> Vec<&Node> {
        match &self.value.target().value {
            Value::Sequence(..) => {
                let items = self.value.seen_items();
                items.map(|item| item.target()).collect()
            }
            _ => vec![self.value.target()],
        }
    }

    /// The key and the value, as the mapping that it is in has them.
    pub fn field(&self) -> Field<'_> {
        Field {
            key: &self.key,
            value: &self.value,
            merged: false,
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.value {
            Value::Alias(_) => "alias",
            Value::Mapping(..) => "mapping",
            Value::Scalar(..) => "scalar",
            Value::Sequence(..) => "sequence",
        };
        write!(f, "{kind} at {}..{}", self.start, self.end)
    }
}

#[cfg(test)]
mod tests;
