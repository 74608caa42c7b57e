//! Keys that are no text, and texts whose variables are not written right. Compose refuses them wherever they are, also in
//! extensions, but for keys that `<<` brings from a mapping in place.

use std::collections::HashSet;

use super::Fault;
use crate::compose::{Document, Project, interpolate};
use crate::shown::escape;
use crate::yaml::{Node, Scalar, Typed, Value};

/// The first of a document.
pub(super) fn fault(project: &Project, document: &Document) -> Option<Fault> {
    let mut search = Search {
        project,
        document,
        seen: HashSet::new(),
    };
    search.below(&document.root, false)
}

struct Search<'a> {
    project: &'a Project,
    document: &'a Document,
    /// What aliases lead to.
    seen: HashSet<*const Node>,
}

impl Search<'_> {
    /// The first below a node, whose own keys become texts where `is_merged`.
    fn below(&mut self, node: &Node, is_merged: bool) -> Option<Fault> {
        // Compose drops it before it reads on.
        if node.is_taken() {
            return None;
        }
        if let Value::Alias(target) = &node.value {
            return match self.seen.insert(std::ptr::from_ref(target.target())) {
                true => self.below(target, is_merged),
                false => None,
            };
        }
        if let Value::Scalar(_, scalar) = &node.value {
            return self.text(node, scalar.text());
        }
        if let Value::Sequence(_, items) = &node.value {
            return items.iter().find_map(|item| self.below(item, is_merged));
        }
        node.entries()?.iter().find_map(|entry| {
            if entry.value.is_taken() {
                return None;
            }
            let is_merge = entry.is_merge();
            let typed = entry.key.typed();
            let is_text =
                is_merge || is_merged || matches!(typed, Some(Typed::Text | Typed::Binary));
            match is_text {
                true => self.below(&entry.value, is_merge),
                false => Some(self.refused(&entry.key)),
            }
        })
    }

    fn text(&self, node: &Node, text: &str) -> Option<Fault> {
        if !text.contains("${") || !matches!(node.typed(), Some(Typed::Text)) {
            return None;
        }
        let lookup = |name: &str| {
            let value = self.project.variable(self.document.scope, name);
            value.map(str::to_owned)
        };
        let fault = interpolate::interpolate(text, &lookup).err()?;
        // What a variable has to be set for, the shell may set.
        fault.required.is_none().then(|| Fault {
            path: "a reference to a variable".to_owned(),
            message: fault.message,
            span: node.span(self.document.source),
        })
    }

    fn refused(&self, key: &Node) -> Fault {
        let text = key.scalar().map_or("", Scalar::text);
        let (path, message) = match key.scalar() {
            None => ("a key".to_owned(), "a key must be a text".to_owned()),
            Some(_) if text.is_empty() => (
                "a key".to_owned(),
                "a key must be a text, and this one is empty".to_owned(),
            ),
            Some(_) => (
                format!("the key {}", escape(text)),
                format!("a key must be a text: write \"{}\"", escape(text)),
            ),
        };
        Fault {
            path,
            message,
            span: key.span(self.document.source),
        }
    }
}
