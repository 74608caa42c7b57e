//! The value of a key of a service that counts.

use std::ops::Range;
use std::sync::Arc;

use super::Part;
use crate::yaml::{Field, Node};

/// Whether a part, by its place, counts for a key that compose adds up: no later one takes away what it says, with one of
/// compose's tags.
pub(super) fn counts(parts: &[Part], at: usize, key: &str) -> bool {
    let mut later = parts.iter().skip(at + 1);
    !later.any(|part| part.reach <= at && part.clears(&[key]).is_some())
}

/// What counts of a key that compose adds up.
pub(super) fn counting<'a>(
    parts: &'a [Part],
    key: &'a str,
) -> impl Iterator<Item = (&'a Part, Field<'a>)> {
    let all = counting_at(parts, key).into_iter();
    all.map(|(at, field)| (&parts[at], field))
}

/// The same with the places of the parts.
pub(super) fn counting_at<'a>(parts: &'a [Part], key: &'a str) -> Vec<(usize, Field<'a>)> {
    let all = parts.iter().enumerate();
    let having = all.filter_map(|(at, part)| Some((at, part.node.get(key)?)));
    having.filter(|(at, _)| counts(parts, *at, key)).collect()
}

/// What the parts so far are for compose, which decides whether `NAME: !reset` finds something to take away.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Before {
    /// A list: also what compose has made of two that it merged.
    List,
    /// One mapping.
    Mapping,
    Nothing,
}

impl Before {
    /// With a further part.
    pub(super) fn and(self, said: &Node) -> Self {
        match self {
            _ if said.is_null() => self,
            Self::Nothing if said.items().is_none() => Self::Mapping,
            _ => Self::List,
        }
    }
}

/// The parts of which a tag within a part takes something away: what the service extends in that file, and all files before.
pub(super) fn reached(parts: &[Part], at: usize) -> Range<usize> {
    match parts[at].ignores_tags {
        true => 0..0,
        false => parts[at].reach..at,
    }
}

/// The same for `NAME: !reset`, of each where it is a mapping by then. In a list, compose finds no name. `places` are those
/// before.
pub(super) fn taken_from(
    parts: &[Part],
    at: usize,
    places: &[(usize, Field<'_>)],
) -> Vec<Range<usize>> {
    let reached = reached(parts, at);
    let before = at.checked_sub(1).map_or(0, |before| parts[before].reach);
    let start = before.clamp(reached.start, reached.end);
    let is_mapping = |range: &Range<usize>| {
        let here = places.iter().filter(|(at, _)| range.contains(at));
        let form = here.fold(Before::Nothing, |form, (_, field)| form.and(field.value));
        form == Before::Mapping
    };
    let mut ranges = vec![reached.start..start, start..reached.end];
    ranges.retain(is_mapping);
    ranges
}

/// What counts of a key within one that compose adds up, e.g. `deploy` and `labels`, with the places of the parts.
pub(super) fn counting_below<'a>(
    parts: &'a [Part],
    key: &'a str,
    name: &str,
) -> Vec<(usize, Field<'a>)> {
    let mut counts = Vec::new();
    for (at, field) in counting_at(parts, key) {
        if parts[at].clears(&[key, name]).is_some() {
            let reached = reached(parts, at);
            counts.retain(|(before, _)| !reached.contains(before));
        }
        counts.extend(field.value.get(name).map(|own| (at, own)));
    }
    counts
}

/// The last of these values, e.g. of `deploy` and `replicas`.
pub(super) fn below<'a>(
    parts: &'a [Part],
    key: &'a str,
    name: &str,
) -> Option<(&'a Part, &'a Arc<Node>)> {
    let (at, field) = counting_below(parts, key, name).pop()?;
    Some((&parts[at], field.value))
}

/// What a part that takes a key away leaves of those before it.
pub(super) fn left<'a>(parts: &'a [Part], part: &Part, before: &'a [Part]) -> &'a [Part] {
    &parts[..part.reach.min(before.len())]
}

/// The last part's value of a key that is not null; none where it is reset.
pub(super) fn attribute<'a>(parts: &'a [Part], key: &str) -> Option<(&'a Part, &'a Arc<Node>)> {
    let mut rest = parts;
    while let Some((part, before)) = rest.split_last() {
        rest = before;
        let field = part.node.get(key);
        if let Some(field) = field.filter(|field| !field.value.is_null()) {
            return Some((part, field.value));
        }
        if part.clears(&[key]).is_some() {
            rest = left(parts, part, rest);
        }
    }
    None
}

/// What a text says of a switch, in any of the words that compose takes for it: those of YAML 1.1.
pub(super) fn switch(text: &str) -> Option<bool> {
    match &*text.to_ascii_lowercase() {
        "true" | "y" | "yes" | "on" => Some(true),
        "false" | "n" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Whether a switch is on by this text.
pub(super) fn is_on(text: &str) -> bool {
    switch(text) == Some(true)
}
