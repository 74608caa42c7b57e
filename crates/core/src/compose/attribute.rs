//! The value of a key of a service that counts.

use std::sync::Arc;

use super::Part;
use crate::yaml::{Clears, Field, Node};

/// Whether a part, by its place, counts for a key that compose adds up: no later one takes away what it says, with one of
/// compose's tags.
pub(super) fn counts(parts: &[Part], at: usize, key: &str) -> bool {
    let mut later = parts.iter().skip(at + 1);
    !later.any(|part| !part.ignores_tags && part.reach <= at && part.node.clears_of(key).is_some())
}

/// What counts of a key that compose adds up.
pub(super) fn counting<'a>(
    parts: &'a [Part],
    key: &'a str,
) -> impl Iterator<Item = (&'a Part, Field<'a>)> {
    parts.iter().enumerate().filter_map(move |(at, part)| {
        let field = part.node.get(key)?;
        let counts = field.value.clears() != Some(Clears::All) && counts(parts, at, key);
        counts.then_some((part, field))
    })
}

/// What a part that resets a key leaves of those before it.
pub(super) fn left<'a>(parts: &'a [Part], part: &Part, before: &'a [Part]) -> &'a [Part] {
    match part.ignores_tags {
        true => before,
        false => &parts[..part.reach],
    }
}

/// The last part's value of a key that is not null; none where it is reset.
pub(super) fn attribute<'a>(parts: &'a [Part], key: &str) -> Option<(&'a Part, &'a Arc<Node>)> {
    let mut rest = parts;
    while let Some((part, before)) = rest.split_last() {
        rest = before;
        let Some(field) = part.node.get(key) else {
            continue;
        };
        if field.value.clears() == Some(Clears::All) {
            rest = left(parts, part, rest);
        } else if !field.value.is_null() {
            return Some((part, field.value));
        }
    }
    None
}
