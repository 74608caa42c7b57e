//! Which names are taken from env files, and where: the trace that compose's interpolation would leave over all files
//! that it opens, and the places that take a name without `$`.

use std::cell::RefCell;
use std::collections::HashSet;

use super::{Document, Project, interpolate};
use crate::source::Span;
use crate::yaml::{Entry, Node, Value};

/// One use of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The name.
    pub name: String,
    /// The scalar in which it is.
    pub span: Span,
}

impl Project {
    /// Every use in every file that compose opens. What decides whether another name is used counts as well, and what
    /// stands in an extension (`x-…`) only where an alias brings it to something that compose makes.
    pub fn uses(&self) -> Vec<Use> {
        let mut found = Vec::new();
        for document in &self.documents {
            let mut trace = Trace {
                project: self,
                document,
                found: &mut found,
                shared: HashSet::new(),
            };
            trace.document();
        }
        let of_env_files = self.scopes.envs().flat_map(|env| env.uses());
        found.extend(of_env_files.map(|(name, span)| Use {
            name: name.to_owned(),
            span,
        }));
        found.extend(self.env_file_uses.iter().cloned());
        found
    }
}

/// Lists of what the project itself gives a name.
const OWN: [&str; 5] = ["configs", "depends_on", "networks", "profiles", "secrets"];

struct Trace<'a> {
    project: &'a Project,
    document: &'a Document,
    found: &'a mut Vec<Use>,
    /// First bytes of what aliases bring, and is traced once.
    shared: HashSet<usize>,
}

impl Trace<'_> {
    fn document(&mut self) {
        let entries = match &self.document.root.value {
            Value::Mapping(_, entries) => &entries[..],
            _ => &[],
        };
        let is_extension =
            |entry: &&Entry| entry.key.text().is_some_and(|key| key.starts_with("x-"));
        for entry in entries.iter().filter(|entry| !is_extension(entry)) {
            self.entry(entry);
        }
    }

    fn entry(&mut self, entry: &Entry) {
        if entry.value.is_null() {
            // A bare name of an `environment` takes the value of the same name.
            self.bare(&entry.key);
        } else if entry.key.text() == Some("environment") {
            // A secret or a config takes it as well: `environment: NAME`.
            self.bare(&entry.value);
        }
        match entry.value.items() {
            // These are names of the project's own.
            Some(items) if entry.key.text().is_some_and(|key| OWN.contains(&key)) => {
                items.iter().for_each(|item| self.node(item));
            }
            _ => self.node(&entry.value),
        }
    }

    fn node(&mut self, node: &Node) {
        match &node.value {
            Value::Scalar(..) => self.interpolation(node, node),
            Value::Mapping(_, entries) => {
                for entry in entries {
                    self.entry(entry);
                }
            }
            Value::Sequence(_, items) => {
                for item in items {
                    // In an `environment`, a bare name again.
                    self.bare(item);
                    self.node(item);
                }
            }
            Value::Alias(shared) if shared.scalar().is_some() => self.interpolation(node, shared),
            Value::Alias(shared) => {
                if self.shared.insert(shared.range().start) {
                    self.node(shared);
                }
            }
        }
    }

    fn bare(&mut self, node: &Node) {
        if let Some(name) = node.text() {
            self.found.push(Use {
                name: name.to_owned(),
                span: node.span(self.document.source),
            });
        }
    }

    /// At a place, what is written there or behind the alias that stands there.
    fn interpolation(&mut self, place: &Node, node: &Node) {
        let Some(text) = node.text().filter(|text| text.contains('$')) else {
            return;
        };
        let asked = RefCell::new(Vec::new());
        let lookup = |name: &str| {
            asked.borrow_mut().push(name.to_owned());
            let value = self.project.variable(self.document.scope, name);
            value.map(str::to_owned)
        };
        drop(interpolate::interpolate(text, &lookup));
        let span = place.span(self.document.source);
        let names = asked.into_inner().into_iter();
        self.found.extend(names.map(|name| Use { name, span }));
    }
}
