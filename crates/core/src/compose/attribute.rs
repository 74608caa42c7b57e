//! The value of a key of a service that counts.

use std::sync::Arc;

use super::Part;
use crate::yaml::{Clears, Node};

/// The last part's value of a key that is not null; none where it is reset.
pub(super) fn attribute<'a>(parts: &'a [Part], key: &str) -> Option<(&'a Part, &'a Arc<Node>)> {
    let mut last_first = parts.iter().rev();
    let found = last_first.find_map(|part| {
        let node = part.node.get(key)?.value;
        let counts = !node.is_null() || node.clears() == Some(Clears::All);
        counts.then_some((part, node))
    })?;
    (found.1.clears() != Some(Clears::All)).then_some(found)
}
