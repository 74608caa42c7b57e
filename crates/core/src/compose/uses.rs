//! Which names are taken from env files, and where: the trace that compose's interpolation would leave over all files
//! that it opens, and the places that take a name without `$`.

use std::cell::RefCell;

use super::{Document, Project, interpolate};
use crate::source::Span;
use crate::yaml::{Node, Value};

/// One use of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The name.
    pub name: String,
    /// The scalar in which it is.
    pub span: Span,
}

impl Project {
    /// Every use in every file that compose opens. What decides whether another name is used counts as well.
    pub fn uses(&self) -> Vec<Use> {
        let mut found = Vec::new();
        for document in &self.documents {
            let mut trace = Trace {
                project: self,
                document,
                found: &mut found,
            };
            trace.node(&document.root);
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

struct Trace<'a> {
    project: &'a Project,
    document: &'a Document,
    found: &'a mut Vec<Use>,
}

impl Trace<'_> {
    fn node(&mut self, node: &Node) {
        match &node.value {
            Value::Scalar(_) => self.interpolation(node),
            Value::Mapping(_, entries) => {
                for entry in entries {
                    if entry.value.is_null() {
                        // A bare name of an `environment` takes the value of the same name.
                        self.bare(&entry.key);
                    } else if entry.key.text() == Some("environment") {
                        // A secret or a config takes it as well: `environment: NAME`.
                        self.bare(&entry.value);
                    }
                    self.node(&entry.value);
                }
            }
            Value::Sequence(_, items) => {
                for item in items {
                    // In an `environment`, a bare name again.
                    self.bare(item);
                    self.node(item);
                }
            }
            Value::Alias(_) => {}
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

    fn interpolation(&mut self, node: &Node) {
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
        let span = node.span(self.document.source);
        let names = asked.into_inner().into_iter();
        self.found.extend(names.map(|name| Use { name, span }));
    }
}
